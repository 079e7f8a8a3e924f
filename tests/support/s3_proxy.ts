/**
 * A proxy in this process before an object store, which watches requests, holds them up, and spoils answers.
 *
 * @module
 */
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo, Socket } from "node:net";

/** A request that was made. */
export interface S3Asked {
  readonly method: string;
  /** Path and query, as they came. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** Of its body; known when all of that came. */
  bodyBytes?: number;
  /** What was answered, once that is known. */
  status?: number;
}

/** What is done otherwise than the service would. */
export interface S3Trick {
  /** Answers with this, and does not ask the service. */
  status?: number;
  /** The code of the error in that answer. */
  code?: string;
  /** Headers of that answer. */
  headers?: Record<string, string>;
  /** Its body. @default the error */
  body?: Uint8Array;
  /** Passes on so much of the body, and ends the connection; 0 drops the answer whole. */
  dropAfter?: number;
  /** Passes on so much of the body, and then nothing more. */
  stopAfter?: number;
  /** Asks the service when this resolves. */
  wait?: Promise<unknown>;
  /** Called when the service has answered, which is passed on when this resolves. */
  answered?: () => Promise<unknown>;
}

/** See the module. */
export class S3Proxy {
  /** All requests so far. */
  readonly asked: S3Asked[] = [];
  /** What it does with a request. `count` is of all requests, from 0 on. */
  trick: (asked: S3Asked, count: number) => S3Trick | undefined = () => undefined;
  readonly #endpoint: URL;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(endpoint: string) {
    this.#endpoint = new URL(endpoint);
    this.#server = createServer((asked, answer) => {
      answer.on("error", () => {});
      void this.#answer(asked, answer);
    });
    this.#server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
  }

  /** Starts one at a free port. */
  static async start(endpoint: string): Promise<S3Proxy> {
    const proxy = new S3Proxy(endpoint);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  /** What is asked in place of the service. */
  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** How many requests were of a method. */
  count(method: string): number {
    return this.asked.filter((asked) => asked.method === method).length;
  }

  async stop(): Promise<void> {
    const stopped = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await stopped;
  }

  async #answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { method = "", url = "", headers } = incoming;
    const asked: S3Asked = { method, url, headers };
    this.asked.push(asked);
    const trick = this.trick(asked, this.asked.length - 1) ?? {};
    // Who asked may be gone before all of it came.
    const body = await bytesOf(incoming).catch(() => undefined);
    if (!body) return void incoming.socket.destroy();
    asked.bodyBytes = body.length;
    await trick.wait;
    if (trick.status !== undefined) {
      asked.status = trick.status;
      const error = `<?xml version="1.0"?><Error><Code>${
        trick.code ?? ""
      }</Code><Message>told so</Message></Error>`;
      outgoing.writeHead(trick.status, trick.headers);
      outgoing.end(method === "HEAD" ? undefined : trick.body ?? error);
      return;
    }
    try {
      // The host that was asked is part of the signature.
      const answer = await this.#pass(asked, body);
      const bytes = await bytesOf(answer);
      asked.status = answer.statusCode;
      await trick.answered?.();
      const part = trick.dropAfter ?? trick.stopAfter;
      if (trick.dropAfter === 0) return void incoming.socket.destroy();
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      if (part === undefined) return void outgoing.end(method === "HEAD" ? undefined : bytes);
      outgoing.flushHeaders();
      outgoing.write(bytes.subarray(0, part), () => {
        // Later, so that the part arrives.
        if (trick.dropAfter !== undefined) setTimeout(() => incoming.socket.destroy(), 20);
      });
    } catch {
      incoming.socket.destroy();
    }
  }

  #pass({ method, url, headers }: S3Asked, body: Uint8Array): Promise<IncomingMessage> {
    const { hostname, port } = this.#endpoint;
    return new Promise((resolve, reject) => {
      const passed = request({ hostname, port, method, path: url, headers }, resolve);
      passed.on("error", reject).end(body.length > 0 ? body : undefined);
    });
  }
}

async function bytesOf(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  const bytes = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
