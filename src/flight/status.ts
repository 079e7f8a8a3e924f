/**
 * SmaltiError codes <-> gRPC statuses.
 *
 * @module
 */
import { Code, ConnectError } from "@connectrpc/connect";
import { type ErrorCode, SmaltiError } from "../error.ts";
import { excerpt } from "../util/excerpt.ts";
import { isRefusal } from "../util/rights.ts";

const STATUS: Readonly<Record<ErrorCode, Code>> = {
  NOT_FOUND: Code.NotFound,
  ALREADY_EXISTS: Code.AlreadyExists,
  LOCKED: Code.FailedPrecondition,
  INVALID_NAME: Code.InvalidArgument,
  INVALID_MESSAGE: Code.InvalidArgument,
  OUT_OF_ORDER: Code.Internal,
  CORRUPT: Code.DataLoss,
  UNSUPPORTED: Code.Unimplemented,
  UNAVAILABLE: Code.Unavailable,
  PERMISSION_DENIED: Code.PermissionDenied,
  UNAUTHENTICATED: Code.Unauthenticated,
  ABORTED: Code.Canceled,
  CLOSED: Code.FailedPrecondition,
  TOO_LARGE: Code.ResourceExhausted,
  NO_SPACE: Code.ResourceExhausted,
  IO: Code.Internal,
  TIMEOUT: Code.DeadlineExceeded,
  INVALID_ARGUMENT: Code.InvalidArgument,
  INTERNAL: Code.Internal,
};

const CODE: ReadonlyMap<Code, ErrorCode> = new Map([
  [Code.NotFound, "NOT_FOUND"],
  [Code.AlreadyExists, "ALREADY_EXISTS"],
  [Code.FailedPrecondition, "LOCKED"],
  [Code.InvalidArgument, "INVALID_ARGUMENT"],
  [Code.OutOfRange, "INVALID_ARGUMENT"],
  [Code.DataLoss, "CORRUPT"],
  [Code.Unimplemented, "UNSUPPORTED"],
  [Code.Unavailable, "UNAVAILABLE"],
  [Code.PermissionDenied, "PERMISSION_DENIED"],
  [Code.Unauthenticated, "UNAUTHENTICATED"],
  [Code.Canceled, "ABORTED"],
  [Code.Aborted, "ABORTED"],
  [Code.ResourceExhausted, "TOO_LARGE"],
  [Code.DeadlineExceeded, "TIMEOUT"],
]);

/** What runtimes throw where the other end goes away in the middle of a call. */
const CUT: ReadonlySet<unknown> = new Set([
  "ECANCELED",
  "ECONNRESET",
  "EPIPE",
  "ERR_HTTP2_INVALID_STREAM",
  "ERR_STREAM_DESTROYED",
  "ERR_STREAM_PREMATURE_CLOSE",
  "ERR_STREAM_WRITE_AFTER_END",
]);

/** Characters of a status: clients take headers of 8 KiB, and escaped a character may be nine. */
const MAX_CHARACTERS = 800;

/**
 * Any thrown value as the status that a peer is to see. What is not meant for it is not told: where the store is neither,
 * if `storeUrl` says it.
 */
export function toStatus(reason: unknown, storeUrl?: string): ConnectError {
  if (reason instanceof SmaltiError) {
    return new ConnectError(told(reason.rawMessage, storeUrl), STATUS[reason.code]);
  }
  if (reason instanceof ConnectError) return reason;
  if (isCut(reason)) return goneAway();
  return new ConnectError("Internal error", Code.Internal);
}

function told(message: string, storeUrl = ""): string {
  const isPlace = /[/\\]./.test(storeUrl);
  const bare = isPlace
    ? message.replaceAll(`${storeUrl}/`, "").replaceAll(`${storeUrl}\\`, "").replaceAll(storeUrl, "the store")
    : message;
  // A half of a pair cannot be escaped.
  return excerpt(bare, MAX_CHARACTERS).replace(/\p{Cs}/gu, "\ufffd");
}

/** The status of a call whose client did not wait for its end. */
export function goneAway(): ConnectError {
  return new ConnectError("The client went away", Code.Canceled);
}

/** A status that a peer gave as an error. `what` says what was tried. */
export function fromStatus(reason: unknown, what?: string): SmaltiError {
  if (reason instanceof SmaltiError) return reason;
  const status = ConnectError.from(reason);
  const text = what === undefined ? status.rawMessage : `${what}: ${status.rawMessage}`;
  const code = isCut(status.cause)
    ? "UNAVAILABLE"
    : isRefusal(status.cause)
    ? "PERMISSION_DENIED"
    : CODE.get(status.code) ?? "INTERNAL";
  return new SmaltiError(code, text, { cause: reason });
}

function isCut(reason: unknown): boolean {
  return reason instanceof Error && "code" in reason && CUT.has(reason.code);
}
