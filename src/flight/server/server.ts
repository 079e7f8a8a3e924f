import {
  createSecureServer,
  createServer as createPlainServer,
  type Http2Server,
  type ServerHttp2Session,
} from "node:http2";
import type { AddressInfo } from "node:net";
import process from "node:process";
import type { Client } from "../../client.ts";
import { SmaltiError } from "../../error.ts";
import {
  CONNECTION_WINDOW_BYTES,
  DEFAULT_PORT,
  FRAME_BYTES,
  MAX_DECODE_BYTES,
  MAX_ENCODE_BYTES,
  STREAM_WINDOW_BYTES,
} from "../protocol.ts";
import { acceptAll, acceptKeys, type ApiKey, readOnly } from "./api_keys.ts";
import { ByteBudget } from "./byte_budget.ts";
import { requestHandler } from "./request_handler.ts";
import { addService, type CallRecord, dataHandlers, type ServiceContext } from "./service.ts";
import { Sessions } from "./sessions.ts";

const MAX_BUFFERED_BYTES = 512 * 2 ** 20;
/** How long what is to be sent may lie, see {@linkcode keepSending}. */
const SENDING_MS = 20;

/** Options of {@linkcode createServer}. */
export interface ServerOptions {
  /** Address to listen on; `0.0.0.0` and `::` are every one. @default "127.0.0.1" */
  host?: string;
  /** Port to listen on; 0 takes a free one. @default 6726 */
  port?: number;
  /** Certificate and key in PEM. @default none: connections are not encrypted */
  tls?: { readonly cert: string; readonly key: string };
  /** Keys that are accepted, each with what it allows. @default none: everybody may do everything */
  apiKeys?: readonly ApiKey[];
  /** Answer what reads, and refuse all else. @default false */
  readOnly?: boolean;
  /** Bound on a message from a client, in bytes; clients learn it from `info`. @default 50 MiB */
  maxMessageBytes?: number;
  /**
   * Bound on the messages that all uploads hold together, in bytes; those beyond wait. One alone is held however large.
   * @default 512 MiB
   */
  maxBufferedBytes?: number;
  /**
   * How long a client may leave HTTP/2's pings unanswered, in milliseconds, before it is taken for gone: its connection is
   * closed then, within twice that, and what it was uploading is cut off. An upload is too, which stops for so long within
   * a message. @default 30000
   */
  idleTimeoutMs?: number;
  /** Hears of every call that has ended. @default nobody does */
  onCall?: (call: CallRecord) => void;
  /** Hears of what callers are not told: defects, failures of the disk, damaged files. @default nobody does */
  onError?: (reason: unknown) => void;
}

/** A server that listens. Made by {@linkcode createServer}; close it when done. */
export class Server implements AsyncDisposable {
  /** The address it listens on. */
  readonly host: string;
  /** The port it listens on. */
  readonly port: number;
  /** What clients connect to. */
  readonly url: string;
  readonly #http: Http2Server;
  readonly #connections: Set<ServerHttp2Session>;
  readonly #sessions: Sessions;
  #closing: Promise<void> | undefined;

  /** Connections of clients right now. */
  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Sessions that clients have begun and not ended. */
  get openSessionCount(): number {
    return this.#sessions.openCount;
  }

  /** @internal Use {@linkcode createServer}. */
  constructor(http: Http2Server, connections: Set<ServerHttp2Session>, sessions: Sessions, scheme: string) {
    const { address, family, port } = http.address() as AddressInfo;
    this.host = address;
    this.port = port;
    this.url = `${scheme}://${family === "IPv6" ? `[${address}]` : address}:${port}`;
    this.#http = http;
    this.#connections = connections;
    this.#sessions = sessions;
  }

  /**
   * Ends every connection, and marks as failed what clients were still writing; what they had uploaded is kept. The
   * client that it serves stays open. A second call waits for the first.
   */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#http.close(() => resolve()));
    for (const connection of this.#connections) connection.destroy();
    await this.#sessions.close();
    await closed;
  }

  /** Closes it. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/**
 * Serves a client's recordings by Mosaico's protocol (Arrow Flight): its Python SDK, 0.7, takes it for the daemon. On
 * Deno, Node and Bun.
 *
 * Rows of a topic come in the order of their times, equal times in the order of pushing, topics in ASCII order of their
 * names. What is written is a session of the store like any other. A sequence is written by one session at a time.
 *
 * Rejects with UNAVAILABLE where it cannot listen. TypeError and RangeError for options that make no sense.
 *
 * @example
 * ```ts
 * import { connect } from "smalti";
 * import { createServer } from "smalti/server";
 *
 * await using client = await connect("memory:");
 * await using server = await createServer(client, { port: 0 });
 * console.log(server.url); // such as grpc://127.0.0.1:40321
 * ```
 */
export async function createServer(client: Client, options: ServerOptions = {}): Promise<Server> {
  const {
    host = "127.0.0.1",
    port = DEFAULT_PORT,
    tls,
    apiKeys,
    maxMessageBytes = MAX_DECODE_BYTES,
    maxBufferedBytes = MAX_BUFFERED_BYTES,
    idleTimeoutMs = 30_000,
    onCall = () => {},
    onError = () => {},
  } = options;
  if (!(Number.isInteger(maxMessageBytes) && maxMessageBytes > 0 && maxMessageBytes <= MAX_ENCODE_BYTES)) {
    throw new RangeError(`maxMessageBytes is ${maxMessageBytes}: wanted 1 to ${MAX_ENCODE_BYTES}`);
  }
  if (!(maxBufferedBytes > 0)) {
    throw new RangeError(`maxBufferedBytes is ${maxBufferedBytes}: wanted more than 0`);
  }
  if (!(idleTimeoutMs > 0 && idleTimeoutMs < 2 ** 31)) {
    throw new RangeError(`idleTimeoutMs is ${idleTimeoutMs}: wanted more than 0 and less than 2^31`);
  }
  const accept = apiKeys ? acceptKeys(apiKeys) : acceptAll;
  const { backend } = client;
  const sessions = new Sessions(backend);
  const context: ServiceContext = {
    backend,
    sessions,
    maxMessageBytes,
    budget: new ByteBudget(maxBufferedBytes),
    idleTimeoutMs,
    authorize: options.readOnly ? readOnly(accept) : accept,
    onCall,
    onError,
  };
  const handler = requestHandler((router) => addService(router, context), {
    readMaxBytes: maxMessageBytes,
    writeMaxBytes: MAX_ENCODE_BYTES,
    // Bodies are compressed as Arrow does it: what clients ask for once more, gzip, costs far more than it saves.
    compressMinBytes: MAX_ENCODE_BYTES,
  }, dataHandlers(context));
  // Messages pass Node's bound on the memory of a connection, 10 MB, at once.
  const settings = {
    maxSessionMemory: 1024,
    settings: { initialWindowSize: STREAM_WINDOW_BYTES, maxFrameSize: FRAME_BYTES },
  };
  const http = tls
    ? createSecureServer({ ...settings, ...tls }, handler)
    : createPlainServer(settings, handler);
  const connections = new Set<ServerHttp2Session>();
  http.on("session", (session: ServerHttp2Session) => {
    connections.add(session);
    session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
    session.on("close", () => connections.delete(session));
    session.on("error", () => {}); // the calls on it fail, and say so
    endWhenGone(session, idleTimeoutMs);
    if ("bun" in process.versions) keepSending(session);
  });
  await new Promise<void>((resolve, reject) => {
    http.once("error", (cause: Error) => {
      const text = `Cannot listen on ${host}, port ${port}: ${cause.message}`;
      reject(new SmaltiError("UNAVAILABLE", text, { cause }));
    });
    http.listen(port, host, resolve);
  });
  return new Server(http as Http2Server, connections, sessions, tls ? "grpc+tls" : "grpc");
}

/** Ends a connection whose client is gone without a word, or takes nothing more from it. */
function endWhenGone(session: ServerHttp2Session, timeoutMs: number): void {
  let isAnswered = true;
  const timer = setInterval(() => {
    if (!isAnswered) return session.destroy();
    isAnswered = false;
    session.ping((error) => isAnswered = !error);
  }, timeoutMs);
  session.once("close", () => clearInterval(timer));
}

/**
 * Bun leaves what several streams have to send lying once their client was slow, until something else is sent on their
 * connection, so a ping is.
 */
function keepSending(session: ServerHttp2Session): void {
  let streams = 0;
  let isAnswered = true;
  session.on("stream", (stream) => {
    streams++;
    stream.once("close", () => streams--);
  });
  const timer = setInterval(() => {
    if (streams === 0 || !isAnswered) return;
    isAnswered = false;
    session.ping(() => isAnswered = true);
  }, SENDING_MS);
  session.once("close", () => clearInterval(timer));
}
