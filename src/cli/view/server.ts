/**
 * What `smalti view` serves, to this machine's browsers: the page, and the files of recordings to read.
 *
 *     /                 the page
 *     /store/...        the store as the HTTP store of the library reads it; index.json is made as asked
 *     /viewer.json      layouts, the same as /store/viewer.json; the only thing that may be written
 *     /events           tells when recordings change
 *
 * @module
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { type ErrorCode, isNotFound, SmaltiError } from "../../error.ts";
import { INDEX } from "../../store/http/store_index.ts";
import { isRefusal } from "../../util/rights.ts";
import { sendBytes, sendFile, sendText } from "./content.ts";
import { DirectoryFiles } from "./directory_files.ts";
import { EventStreams } from "./event_streams.ts";
import { failureStatus } from "./failure_status.ts";
import type { Guard } from "./guard.ts";
import { mediaType, safeHeaders } from "./headers.ts";
import { LayoutFile, LAYOUTS } from "./layout_file.ts";
import { partsOf } from "./paths.ts";
import type { ServedStore, ShownFile, ShownFiles } from "./shown_files.ts";

/** How long requests that go on may take once the server ends, in ms. */
const END_MS = 1000;
/** The files of a recording. Whatever else lies beside them is nobody's business. */
const SERVED = /(^|\/)(sequence\.(json|live|notifications)|sequence\.attachments\/[^/]+|[^/]+\.arrow)$/;

/** What is served, and how. */
export interface ViewOptions {
  readonly host: string;
  readonly port: number;
  readonly guard: Guard;
  /** Directory of the built page. */
  readonly page: string;
  readonly served: ServedStore;
  /** Hears of what should not happen. */
  readonly onError: (reason: unknown) => void;
}

/** A server that listens. */
export class ViewServer {
  readonly #server: Server;
  readonly #options: ViewOptions;
  readonly #headers: Record<string, string> = safeHeaders();
  readonly #page: ShownFiles;
  readonly #events: EventStreams | undefined;
  readonly #layoutFile: LayoutFile;
  readonly #sockets = new Set<Socket>();

  private constructor(options: ViewOptions) {
    this.#options = options;
    this.#page = new DirectoryFiles(options.page);
    const { store, files, changes } = options.served;
    this.#events = changes && new EventStreams(changes);
    this.#layoutFile = new LayoutFile(store, files);
    this.#server = createServer((request, response) => {
      response.on("error", () => {}); // the other side has gone
      this.#answer(request, response).catch((reason) => this.#fail(request, response, reason));
    });
    this.#server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on?.("close", () => this.#sockets.delete(socket));
    });
  }

  /** Starts one. UNAVAILABLE where it cannot listen. */
  static async start(options: ViewOptions): Promise<ViewServer> {
    const { host, port } = options;
    const server = new ViewServer(options);
    try {
      await new Promise<void>((resolve, reject) => {
        server.#server.once("error", reject).listen(port, host.replace(/^\[(.*)\]$/, "$1"), resolve);
      });
    } catch (cause) {
      const code = isRefusal(cause) ? "PERMISSION_DENIED" : "UNAVAILABLE";
      const text = `Cannot listen on ${host} port ${port}: ${(cause as Error).message}`;
      throw new SmaltiError(code, text, { cause });
    }
    return server;
  }

  /** Where it listens, as this machine's browsers reach it. */
  get url(): string {
    const { port, address, family } = this.#server.address() as AddressInfo;
    // Nobody can go to the address that stands for all.
    if (address === "0.0.0.0" || address === "::") return `http://127.0.0.1:${port}/`;
    return `http://${family === "IPv6" || address.includes(":") ? `[${address}]` : address}:${port}/`;
  }

  /** Ends it, with all that is under way. */
  async close(): Promise<void> {
    this.#events?.close();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections?.();
    for (const socket of this.#sockets) socket.destroy?.();
    let timer: ReturnType<typeof setTimeout> | undefined;
    await Promise.race([closed, new Promise((resolve) => timer = setTimeout(resolve, END_MS))]);
    clearTimeout(timer);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(this.#headers)) response.setHeader(name, value);
    const { guard } = this.#options;
    const { method = "", url = "", headers } = request;
    if (!guard.isOwnName(headers.host)) {
      return sendText(
        response,
        403,
        "The name that was asked for is none of this machine's own: wanted localhost",
      );
    }
    if (!url.startsWith("/")) return sendText(response, 400, "Wanted a path");
    const [, path, query] = /^([^?]*)\??(.*)$/s.exec(url)!;
    const search = new URLSearchParams(query);
    const token = search.get("token");
    const isPage = path === "/" || path === "/index.html";
    if (isPage && method === "GET" && token !== null && guard.isToken(token)) {
      search.delete("token");
      const rest = search.size > 0 ? `/?${search}` : "/";
      // Away with the token: what is in the address bar is in the history, and may be given on.
      response.writeHead(303, { Location: rest, "Set-Cookie": guard.cookie(request), "Content-Length": "0" });
      return void response.end();
    }
    if (!guard.allows(request, token)) {
      const text = "This needs the address that `smalti view` printed, which has the token";
      return sendText(response, 401, text, { "WWW-Authenticate": "Token" });
    }
    const parts = path === "/" ? ["index.html"] : partsOf(path);
    if (!parts) return sendText(response, 400, "Wanted a plain path, without .. and the like");
    const isLayouts = parts.at(-1) === LAYOUTS &&
      (parts.length === 1 || (parts.length === 2 && parts[0] === "store"));
    const methods = isLayouts ? ["GET", "HEAD", "PUT"] : ["GET", "HEAD"];
    if (!methods.includes(method)) {
      return sendText(response, 405, `Cannot ${method}: recordings are read only`, {
        Allow: methods.join(", "),
      });
    }
    await this.#route(request, response, parts, isLayouts);
  }

  async #route(
    request: IncomingMessage,
    response: ServerResponse,
    parts: readonly string[],
    isLayouts: boolean,
  ): Promise<void> {
    const { files } = this.#options.served;
    const [first, ...rest] = parts;
    if (!isLayouts && first !== "store" && first !== "events") {
      return await this.#sendBelow(request, response, this.#page, parts);
    }
    if (isLayouts) return await this.#layouts(request, response);
    if (first === "events" && rest.length === 0) {
      if (!this.#events) return notFound(response);
      if (request.method === "HEAD") {
        response.writeHead(200, { "Content-Type": "text/event-stream; charset=utf-8" });
        return void response.end();
      }
      return this.#events.begin(response);
    }
    const path = rest.join("/");
    if (path === INDEX) return await this.#list(request, response);
    if (rest.length < 2 || !SERVED.test(path)) return notFound(response);
    await this.#sendBelow(request, response, files, rest, this.#ofStore(path));
  }

  async #list(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      sendBytes(request, response, await this.#options.served.list(), this.#ofStore(INDEX));
    } catch (reason) {
      // The store's directory has gone, or a web server has no list.
      const isMissing = isNotFound(reason) || (reason as { code?: ErrorCode }).code === "UNSUPPORTED";
      if (!isMissing) throw reason;
      notFound(response);
    }
  }

  async #layouts(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const headers = this.#ofStore(LAYOUTS);
    if (request.method !== "PUT") {
      const file = await open(this.#options.served.files, [LAYOUTS], request, response);
      if (file) return await sendFile(request, response, file, headers);
      // Not 404: nobody has to have saved any, and a browser would complain.
      response.writeHead(204, headers);
      return void response.end();
    }
    const refusal = await this.#layoutFile.save(request);
    if (refusal) {
      // Whatever else it brings is not waited for.
      return sendText(response, refusal.status, refusal.text, { Connection: "close" });
    }
    response.writeHead(204);
    response.end();
  }

  async #sendBelow(
    request: IncomingMessage,
    response: ServerResponse,
    files: ShownFiles,
    parts: readonly string[],
    headers: Record<string, string> = { "Content-Type": mediaType(parts.at(-1)!) },
  ): Promise<void> {
    const file = await open(files, parts, request, response);
    return file ? await sendFile(request, response, file, headers) : notFound(response, headers);
  }

  /** Headers of what is in a store, among them where changes are told (RFC 5989). */
  #ofStore(path: string): Record<string, string> {
    const link = { Link: '</events>; rel="monitor-group"' };
    return { "Content-Type": mediaType(path), ...(this.#events && link) };
  }

  #fail({ method, url }: IncomingMessage, response: ServerResponse, reason: unknown): void {
    const isDenied = isRefusal(reason) ||
      (reason instanceof SmaltiError && reason.code === "PERMISSION_DENIED");
    if (!isDenied && !response.destroyed) {
      const [path] = (url ?? "").split("?");
      this.#options.onError(new Error(`${method} ${path}: ${(reason as Error)?.message ?? reason}`));
    }
    if (response.headersSent) return void response.destroy();
    if (isDenied) sendText(response, 403, "This may not be read");
    else sendText(response, failureStatus(reason), "This failed; the terminal of smalti view says why");
  }
}

/** Finds what a request asks for, as long as somebody waits for it. */
async function open(
  files: ShownFiles,
  parts: readonly string[],
  { method, headers }: IncomingMessage,
  response: ServerResponse,
): Promise<ShownFile | undefined> {
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  const range = method === "HEAD" ? "bytes=0-0" : headers.range;
  return await files.open(parts, { range, unless: headers["if-none-match"], signal: gone.signal });
}

function notFound(response: ServerResponse, headers: Record<string, string> = {}): void {
  sendText(response, 404, "There is no such file", headers);
}
