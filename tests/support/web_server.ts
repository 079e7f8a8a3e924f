/**
 * A static web server with a directory, in this process, whose answers can be watched, held up and spoiled.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

/** A request that was made. */
export interface Asked {
  /** Path and query, as they came. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** The same path's `Range`, as `0-99`. */
  readonly range: string | undefined;
  /** Bytes of the body that were sent. */
  sent: number;
  /** How it ended; undefined while it goes on. */
  ended: "whole" | "cut" | undefined;
}

/** What a server does otherwise than it should. */
export interface Tricks {
  /** Answers with this and no file. */
  status?: number;
  /** Gives whole files only. */
  noRanges?: boolean;
  /** Says another `Content-Range`; none where it is null. */
  contentRange?: string | null;
  /** Says that the file has `*` bytes, and after its end nothing of them. */
  unknownSize?: boolean;
  /** Bytes of a range at most. */
  most?: number;
  /** Does not know HEAD. */
  noHead?: boolean;
  /** Says another ETag; none where it is null. */
  tag?: string | null;
  /** Sends the body compressed. */
  gzip?: boolean;
  /** Says no length. */
  noLength?: boolean;
  /** Says another length. */
  length?: number;
  /** Sends so much of the body and then nothing more. */
  stopAfter?: number;
  /** Sends so much of the body and ends the connection. */
  dropAfter?: number;
  /** Answers when this resolves. */
  wait?: Promise<unknown>;
}

/** See the module. */
export class WebServer {
  /** All requests so far. */
  readonly asked: Asked[] = [];
  /** What it does with a request, by what was asked. */
  trick: (asked: Asked) => Tricks = () => ({});
  readonly #directory: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(directory: string) {
    this.#directory = directory;
    this.#server = createServer((request, response) => {
      const { url = "", headers, method } = request;
      const range = /^bytes=(.*)$/.exec(headers.range ?? "")?.[1];
      const asked: Asked = { url, headers, range, sent: 0, ended: undefined };
      this.asked.push(asked);
      response.on("close", () => asked.ended ??= "cut");
      response.on("error", () => {});
      void this.#answer(asked, response, method === "HEAD");
    });
    this.#server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
  }

  /** @param port One that is free, such as that of a server that was stopped. @default any */
  static async start(directory: string, port = 0): Promise<WebServer> {
    const server = new WebServer(directory);
    await new Promise<void>((resolve) => server.#server.listen(port, "127.0.0.1", resolve));
    return server;
  }

  /** The directory's URL. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** Requests that go on. */
  get active(): number {
    return this.asked.filter(({ ended }) => ended === undefined).length;
  }

  async stop(): Promise<void> {
    const stopped = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await stopped;
  }

  async #answer(asked: Asked, response: ServerResponse, isHead: boolean): Promise<void> {
    const tricks = this.trick(asked);
    await tricks.wait;
    if (isHead && tricks.noHead) return this.#end(asked, response, 405, {}, new Uint8Array(0));
    if (tricks.status !== undefined) return this.#end(asked, response, tricks.status, {}, new Uint8Array(0));
    const path = decodeURIComponent(new URL(asked.url, "http://host/").pathname);
    let file: Uint8Array;
    try {
      file = await readFile(join(this.#directory, path));
    } catch {
      return this.#end(asked, response, 404, {}, new TextEncoder().encode("no such file"));
    }
    const headers: Record<string, string> = {};
    const tag = tricks.tag === undefined ? `"${createHash("sha1").update(file).digest("hex")}"` : tricks.tag;
    if (tag !== null) headers["ETag"] = tag;

    if (tag !== null && asked.headers["if-none-match"] === tag) {
      return this.#end(asked, response, 304, headers, new Uint8Array(0));
    }
    let [status, body] = [200, file];
    const [, first, last] = /^(\d+)-(\d*)$/.exec(asked.range ?? "") ?? [];
    if (first !== undefined && !tricks.noRanges) {
      const end = last === "" ? file.length : Number(last) + 1;
      body = file.subarray(Number(first), Math.min(end, Number(first) + (tricks.most ?? Infinity)));
      status = body.length > 0 ? 206 : 416;
      const range = body.length > 0 ? `${first}-${Number(first) + body.length - 1}` : "*";
      const contentRange = tricks.contentRange ??
        `bytes ${range}/${tricks.unknownSize ? "*" : file.length}`;
      if (tricks.contentRange !== null && !(tricks.unknownSize && status === 416)) {
        headers["Content-Range"] = contentRange;
      }
    }
    if (tricks.gzip) {
      headers["Content-Encoding"] = "gzip";
      body = gzipSync(body);
    }
    if (!tricks.noLength) headers["Content-Length"] = String(tricks.length ?? body.length);

    const part = tricks.stopAfter ?? tricks.dropAfter;
    if (part === undefined) return this.#end(asked, response, status, headers, body);
    response.writeHead(status, headers);
    response.flushHeaders();
    asked.sent = part;
    response.write(body.subarray(0, part), () => {
      // Later, so that the part arrives.
      if (tricks.dropAfter !== undefined) setTimeout(() => response.socket?.destroy(), 20);
    });
  }

  #end(
    asked: Asked,
    response: ServerResponse,
    status: number,
    headers: Record<string, string>,
    body: Uint8Array,
  ): void {
    response.writeHead(status, headers);
    asked.sent = body.length;
    response.end(body, () => asked.ended ??= "whole");
  }
}
