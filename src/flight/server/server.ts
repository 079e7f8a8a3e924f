import {
  createSecureServer,
  createServer as createPlainServer,
  type Http2Server,
  type ServerHttp2Session,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { backendOf, type Client } from "../../client.ts";
import { SmaltiError } from "../../error.ts";
import { checkOptions, type OptionNames } from "../../util/options.ts";
import { isGranted, isRefusal } from "../../util/rights.ts";
import {
  DEFAULT_PORT,
  FRAME_BYTES,
  MAX_DECODE_BYTES,
  MAX_ENCODE_BYTES,
  STREAM_WINDOW_BYTES,
} from "../protocol.ts";
import { acceptAll, acceptKeys, type ApiKey, readOnly } from "./api_keys.ts";
import { ByteBudget } from "./byte_budget.ts";
import type { CallRecord } from "./call_record.ts";
import { destroyConnection, watchConnection } from "./connections.ts";
import { requestHandler } from "./request_handler.ts";
import { type ServiceContext, serviceHandlers } from "./service.ts";
import { Sessions } from "./sessions.ts";

const MAX_BUFFERED_BYTES = 512 * 2 ** 20;
/** Calls of one connection at a time; those beyond are refused. Clients hold one for every topic that they read or write. */
const MAX_STREAMS = 1024;
const MAX_TIMER_MS = 2 ** 31;

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
   * Bound on the messages that all uploads hold together, in bytes, and on what they hold decompressed; those beyond wait.
   * One alone is held however large. @default 512 MiB
   */
  maxBufferedBytes?: number;
  /**
   * How long a client may leave HTTP/2's pings unanswered, in milliseconds, before it is taken for gone: its connection is
   * closed then, within twice that, and what it was uploading is cut off. An upload is too, which stops for so long within
   * a message or before the first one; any other request has to be there as a whole by then. @default 30000
   */
  idleTimeoutMs?: number;
  /**
   * How long a client that reads may take nothing of what waits for it, in milliseconds, before its call is ended, within
   * twice that. @default 600000
   */
  readTimeoutMs?: number;
  /**
   * How long a session may be without a call and without an open upload, in milliseconds, before it ends: what was uploaded
   * is kept, marked as failed. A sequence without a session likewise. @default 600000
   */
  sessionTimeoutMs?: number;
  /** Hears of every call that has ended. @default nobody does */
  onCall?: (call: CallRecord) => void;
  /** Hears of what callers are not told: defects, failures of the disk, damaged files. @default nobody does */
  onError?: (reason: unknown) => void;
}

const SERVER_OPTIONS: OptionNames<ServerOptions> = {
  host: true,
  port: true,
  tls: true,
  apiKeys: true,
  readOnly: true,
  maxMessageBytes: true,
  maxBufferedBytes: true,
  idleTimeoutMs: true,
  readTimeoutMs: true,
  sessionTimeoutMs: true,
  onCall: true,
  onError: true,
};
const TLS_OPTIONS: OptionNames<NonNullable<ServerOptions["tls"]>> = { cert: true, key: true };

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
    for (const connection of this.#connections) destroyConnection(connection);
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
 * names. What is written is a session of the store like any other.
 *
 * Rejects with UNAVAILABLE where it cannot listen, PERMISSION_DENIED where it may not. TypeError and RangeError for options that make no sense.
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
  checkOptions(options, SERVER_OPTIONS, "Cannot serve");
  if (options.tls) checkOptions(options.tls, TLS_OPTIONS, "Cannot serve with tls");
  const {
    host = "127.0.0.1",
    port = DEFAULT_PORT,
    tls,
    apiKeys,
    maxMessageBytes = MAX_DECODE_BYTES,
    maxBufferedBytes = MAX_BUFFERED_BYTES,
    idleTimeoutMs = 30_000,
    readTimeoutMs = 600_000,
    sessionTimeoutMs = 600_000,
    onCall = () => {},
    onError = () => {},
  } = options;
  if (!(Number.isInteger(maxMessageBytes) && maxMessageBytes > 0 && maxMessageBytes <= MAX_ENCODE_BYTES)) {
    throw new RangeError(`maxMessageBytes is ${maxMessageBytes}: wanted 1 to ${MAX_ENCODE_BYTES}`);
  }
  if (!(maxBufferedBytes > 0)) {
    throw new RangeError(`maxBufferedBytes is ${maxBufferedBytes}: wanted more than 0`);
  }
  for (const [name, ms] of Object.entries({ idleTimeoutMs, readTimeoutMs, sessionTimeoutMs })) {
    if (ms > 0 && ms < MAX_TIMER_MS) continue;
    throw new RangeError(`${name} is ${ms}: wanted more than 0 and less than ${MAX_TIMER_MS}`);
  }
  const accept = apiKeys ? acceptKeys(apiKeys) : acceptAll;
  const backend = backendOf(client);
  const sessions = new Sessions(backend, { timeoutMs: sessionTimeoutMs, onError });
  const context: ServiceContext = {
    backend,
    sessions,
    maxMessageBytes,
    budget: new ByteBudget(maxBufferedBytes),
    rawBudget: new ByteBudget(maxBufferedBytes),
    dictionaryBudget: new ByteBudget(maxBufferedBytes),
    idleTimeoutMs,
    authorize: options.readOnly ? readOnly(accept) : accept,
    onCall,
    onError,
  };
  const handler = requestHandler(serviceHandlers(context), readTimeoutMs);
  const settings = {
    // Messages pass Node's bound on the memory of a connection, 10 MB, at once.
    maxSessionMemory: 1024,
    settings: {
      initialWindowSize: STREAM_WINDOW_BYTES,
      maxFrameSize: FRAME_BYTES,
      maxConcurrentStreams: MAX_STREAMS,
    },
  };
  const http = tls
    ? createSecureServer({ ...settings, ...tls }, handler)
    : createPlainServer(settings, handler);
  const connections = new Set<ServerHttp2Session>();
  http.on("session", (session: ServerHttp2Session) => {
    connections.add(session);
    session.on("close", () => connections.delete(session));
    session.on("error", () => {}); // the calls on it fail, and say so
    watchConnection(session, idleTimeoutMs);
  });
  const what = `Cannot listen on ${host}, port ${port}`;
  // Deno throws for that where nobody can catch it.
  if (!isGranted({ name: "net", host: `${host.includes(":") ? `[${host}]` : host}:${port}` })) {
    throw new SmaltiError("PERMISSION_DENIED", `${what}: wanted the right to, run again with --allow-net`);
  }
  await new Promise<void>((resolve, reject) => {
    http.once("error", (cause: Error) => {
      const text = `${what}: ${cause.message}`;
      reject(new SmaltiError(isRefusal(cause) ? "PERMISSION_DENIED" : "UNAVAILABLE", text, { cause }));
    });
    http.listen(port, host, resolve);
  });
  // Such as a connection that finds no file descriptor left.
  http.on("error", onError);
  return new Server(http as Http2Server, connections, sessions, tls ? "grpc+tls" : "grpc");
}
