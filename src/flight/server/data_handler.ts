/**
 * DoGet and DoPut as gRPC handlers of their own: connect's would copy every batch several times.
 *
 * @module
 */
import { Code, ConnectError } from "@connectrpc/connect";
import { compressionGzip } from "@connectrpc/connect-node";
import type { UniversalHandlerFn } from "@connectrpc/connect/protocol";
import {
  contentTypeProto,
  headerAcceptEncoding,
  headerContentType,
  headerEncoding,
  parseContentType,
  setTrailerStatus,
} from "@connectrpc/connect/protocol-grpc";
import { readFrames } from "../data_frames.ts";
import { toStatus } from "../status.ts";
import type { ByteBudget } from "./byte_budget.ts";

/** What a call comes with. */
export interface CallContext {
  readonly requestHeader: Headers;
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
}

/** Answers a call whose requests come as gRPC messages; what it gives are the bytes of frames. */
export type Answer = (requests: AsyncIterable<Uint8Array>, call: CallContext) => AsyncIterable<Uint8Array>;

/** Bounds on what clients send. */
export interface DataLimits {
  /** Bytes of a message. */
  readonly maxMessageBytes: number;
  /** Of all messages that are held at a time. */
  readonly budget: ByteBudget;
  /** How long a message that has begun may wait for its next bytes. */
  readonly idleTimeoutMs: number;
}

/** A handler for a call. What `answer` throws becomes the status. */
export function dataHandler(
  { maxMessageBytes, budget, idleTimeoutMs }: DataLimits,
  answer: Answer,
): UniversalHandlerFn {
  return ({ method, header, body, signal }) => {
    if (method !== "POST" || !parseContentType(header.get(headerContentType))?.binary) {
      return Promise.resolve({ status: 415 });
    }
    const trailer = new Headers();
    const run = async function* (): AsyncGenerator<Uint8Array> {
      try {
        const compression = compressionOf(header.get(headerEncoding));
        const requests = readFrames(body as AsyncIterable<Uint8Array>, {
          maxBytes: maxMessageBytes,
          compression,
          mayReuse: true,
          reserve: (bytes) => budget.take(bytes, signal),
          stallMs: idleTimeoutMs,
        });
        yield* answer(requests, { requestHeader: header, signal });
        setTrailerStatus(trailer, undefined);
      } catch (reason) {
        setTrailerStatus(trailer, toStatus(reason));
      }
    };
    const answerHeader = {
      [headerContentType]: contentTypeProto,
      [headerAcceptEncoding]: compressionGzip.name,
    };
    return Promise.resolve({ status: 200, header: new Headers(answerHeader), body: run(), trailer });
  };
}

function compressionOf(encoding: string | null): typeof compressionGzip | undefined {
  if (encoding === null || encoding === "identity") return undefined;
  if (encoding === compressionGzip.name) return compressionGzip;
  throw new ConnectError(
    `Encoding is ${JSON.stringify(encoding)}: wanted gzip or identity`,
    Code.Unimplemented,
  );
}
