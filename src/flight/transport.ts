/**
 * The client's end of a connection: HTTP/2 with gRPC.
 *
 * @module
 */
import { type Client, createClient, type Interceptor } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { SmaltiError } from "../error.ts";
import { FlightService } from "./generated/flight_pb.ts";
import { API_KEY_HEADER, DEFAULT_PORT, MAX_ENCODE_BYTES } from "./protocol.ts";

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
  /** Ends it, and every call on it. */
  close(): void;
}

/**
 * Connects when the first call is made. The URL is `grpc://host:port`, or `grpc+tls://` with encryption; the port may be
 * left out. INVALID_ARGUMENT where it is none.
 */
export function openTransport(url: string, { apiKey, tlsCa }: TransportOptions = {}): FlightConnection {
  const baseUrl = httpUrl(url);
  const sessions = new Http2SessionManager(
    baseUrl,
    {},
    {
      settings: { initialWindowSize: 2 ** 22 },
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
  return { rpc: createClient(FlightService, transport), close: () => sessions.abort() };
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
