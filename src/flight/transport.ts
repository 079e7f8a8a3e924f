/**
 * The client's end of a connection: HTTP/2 with gRPC.
 *
 * @module
 */
import { type Client, Code, ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { createGrpcTransport, createNodeHttpClient, Http2SessionManager } from "@connectrpc/connect-node";
import {
  requestHeader,
  validateResponseWithCompression,
  validateTrailer,
} from "@connectrpc/connect/protocol-grpc";
import { SmaltiError } from "../error.ts";
import type { ClientHttp2Stream, Http2Session } from "node:http2";
import { readData, type ReceivedData } from "./data_frames.ts";
import { FlightService } from "./generated/flight_pb.ts";
import {
  API_KEY_HEADER,
  AS_STORED_HEADER,
  CONNECTION_WINDOW_BYTES,
  DEFAULT_PORT,
  FRAME_BYTES,
  MAX_ENCODE_BYTES,
  STREAM_WINDOW_BYTES,
} from "./protocol.ts";

/** Options of {@linkcode openTransport}. */
export interface TransportOptions {
  /** Sent with every call. @default none */
  apiKey?: string;
  /** Certificates to trust, in PEM. @default those that the runtime trusts */
  tlsCa?: string;
}

/** A connection to a server. */
export interface FlightConnection {
  /** The RPCs. What they reject with becomes ours by `fromStatus`. */
  readonly rpc: Client<typeof FlightService>;
  /**
   * DoGet or DoPut: sends the frames, gives what comes, and rejects as `rpc` does. Not by `rpc`, which copies every body
   * several times.
   */
  stream(
    method: "DoGet" | "DoPut",
    frames: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): AsyncIterable<ReceivedData>;
  /** Ends it, and every call on it. */
  close(): void;
}

/**
 * Connects when the first call is made. The URL is `grpc://host:port`, or `grpc+tls://` with encryption; the port may be
 * left out. INVALID_ARGUMENT where it is none.
 */
export function openTransport(url: string, { apiKey, tlsCa }: TransportOptions = {}): FlightConnection {
  const baseUrl = httpUrl(url);
  const sessions = new FlightSessions(
    baseUrl,
    {},
    {
      settings: { initialWindowSize: STREAM_WINDOW_BYTES, maxFrameSize: FRAME_BYTES },
      maxSessionMemory: 1024,
      ...(tlsCa !== undefined && { ca: tlsCa }),
    },
  );
  const sendKey: Interceptor = (next) => (request) => {
    if (apiKey !== undefined) request.header.set(API_KEY_HEADER, apiKey);
    return next(request);
  };
  const transport = createGrpcTransport({
    baseUrl,
    sessionManager: sessions,
    interceptors: [sendKey],
    // Servers send what they like; what is larger than this is a mistake.
    readMaxBytes: MAX_ENCODE_BYTES,
    writeMaxBytes: MAX_ENCODE_BYTES,
    // Bodies are compressed as Arrow does it.
    acceptCompression: [],
  });
  const http = createNodeHttpClient({ httpVersion: "2", sessionProvider: () => sessions });
  return {
    rpc: createClient(FlightService, transport),
    async *stream(method, frames, signal) {
      const header = requestHeader(true, undefined, apiKey === undefined ? {} : { [API_KEY_HEADER]: apiKey });
      header.set(AS_STORED_HEADER, "1");
      const response = await http({
        url: `${baseUrl}/${FlightService.typeName}/${method}`,
        method: "POST",
        header,
        body: frames,
        ...(signal && { signal }),
      });
      const { headerError, foundStatus } = validateResponseWithCompression(
        [],
        response.status,
        response.header,
      );
      if (headerError) throw headerError;
      yield* readData(response.body, { maxBytes: MAX_ENCODE_BYTES });
      if (!foundStatus) validateTrailer(response.trailer, response.header);
    },
    close: () => sessions.abort(),
  };
}

/** Connections that take in much before the peer has to wait, for which `node:http2` has no option, and that end for all. */
class FlightSessions extends Http2SessionManager {
  readonly #wide = new WeakSet<Http2Session>();

  override async request(
    ...args: Parameters<Http2SessionManager["request"]>
  ): ReturnType<Http2SessionManager["request"]> {
    const stream = await super.request(...args);
    let hasAnswer = false;
    stream.once("response", () => hasAnswer = true);
    // Deno may close the streams of a connection that the server ends without a word to them; connect waits on.
    stream.once("close", () => {
      if (hasAnswer || stream.rstCode) return;
      stream.emit("error", new ConnectError("The call ended without an answer", Code.Unavailable));
    });
    Object.defineProperty(stream, Symbol.asyncIterator, { value: () => received(stream) });
    const { session } = stream;
    if (session && !this.#wide.has(session)) {
      this.#wide.add(session);
      session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
    }
    return stream;
  }
}

/**
 * The bytes that a stream receives. On Deno its own iterator fails with a premature close at the end of an answer that came at
 * once: the stream is closed by then, though nothing of it has been read.
 */
async function* received(stream: ClientHttp2Stream): AsyncGenerator<Uint8Array> {
  let wake = () => {};
  let failure: Error | undefined;
  for (const event of ["readable", "end", "close"]) stream.on(event, () => wake());
  stream.once("error", (reason: Error) => {
    failure = reason;
    wake();
  });
  for (;;) {
    const woken = new Promise<void>((resolve) => wake = resolve);
    const chunk: Uint8Array | null = stream.destroyed ? null : stream.read();
    if (chunk) yield chunk;
    else if (failure) throw failure;
    else if (stream.readableEnded) return;
    else if (stream.destroyed) throw new ConnectError("The answer was cut off", Code.Unavailable);
    else await woken;
  }
}

function httpUrl(url: string): string {
  const match = /^grpc(\+tls)?:\/\/([^/?#@\s]+)\/?$/i.exec(url);
  if (!match || !URL.canParse(`http://${match[2]}`)) {
    throw new SmaltiError(
      "INVALID_ARGUMENT",
      `Cannot connect to "${url}": wanted grpc://host:port or grpc+tls://host:port`,
    );
  }
  const { hostname, port } = new URL(`http://${match[2]}`);
  // The port that HTTP takes for its own is left out of URLs.
  const given = port !== "" ? port : match[2].endsWith(":80") ? "80" : DEFAULT_PORT;
  return `${match[1] === undefined ? "http" : "https"}://${hostname}:${given}`;
}
