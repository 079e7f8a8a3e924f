/**
 * RPCs as gRPC handlers of their own. connect's would copy every batch several times, and read a request whole before
 * anybody has looked at its headers.
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
import { quoted } from "../../util/excerpt.ts";
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
  /** How long a message that has begun may wait for its next bytes, a call for its first one, and a single one for its end. */
  readonly idleTimeoutMs: number;
}

/** What is known of a call's requests. */
export interface RequestRules {
  /** Bytes of a message at most. */
  readonly maxBytes: number;
  /** Bytes of all such messages that are held at a time. */
  readonly budget: ByteBudget;
  /** Whether there is but one message: it and the end have to come in time then, however slowly it trickles in. */
  readonly isSingle: boolean;
}

/** Below this a request that is the only one of its call waits for no memory: most are, and must not wait for others. */
const SMALL_BYTES = 64 * 1024;

/** A handler for a call. What `answer` throws becomes the status. Nothing is read before it asks for a request. */
export function grpcHandler(
  { idleTimeoutMs }: DataLimits,
  { maxBytes, budget, isSingle }: RequestRules,
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
          maxBytes,
          compression,
          mayReuse: true,
          reserve: (bytes) => isSingle && bytes <= SMALL_BYTES ? undefined : budget.take(bytes, signal),
          stallMs: idleTimeoutMs,
          ...(isSingle && { wholeMs: idleTimeoutMs }),
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
    `Encoding is ${quoted(encoding)}: wanted gzip or identity`,
    Code.Unimplemented,
  );
}
