/** What went wrong, in one word. The list is closed: a program may switch over it. */
export type ErrorCode =
  /** A sequence, topic or file that is not there. */
  | "NOT_FOUND"
  /** A name that is taken. */
  | "ALREADY_EXISTS"
  /** Held by another writer, still being recorded, or finalized and so closed to writing. */
  | "LOCKED"
  /** A sequence or topic name outside the naming rule. */
  | "INVALID_NAME"
  /** A message, column or batch that does not fit the topic's ontology. */
  | "INVALID_MESSAGE"
  /** A source promised rows in time order and broke the promise. */
  | "OUT_OF_ORDER"
  /** Stored bytes that are damaged, cut, or not what they claim to be. */
  | "CORRUPT"
  /** Sound input that this version, backend or runtime cannot handle. */
  | "UNSUPPORTED"
  /** The other side is not there, or went away. */
  | "UNAVAILABLE"
  /** The operating system or the server refuses access. */
  | "PERMISSION_DENIED"
  /** No credentials, or credentials that are not accepted. */
  | "UNAUTHENTICATED"
  /** Given up on request: a signal, an abort, a callback that threw. */
  | "ABORTED"
  /** The client, writer or streamer was closed before the call. */
  | "CLOSED"
  /** More than a stated bound allows. */
  | "TOO_LARGE"
  /** The disk or quota is full. */
  | "NO_SPACE"
  /** Any other failure of a disk or file system. */
  | "IO"
  /** The time allowed has passed. */
  | "TIMEOUT"
  /** An argument from outside the program (command line, URL, manifest) that makes no sense. */
  | "INVALID_ARGUMENT"
  /** A defect in smalti itself. */
  | "INTERNAL";

const BRAND = Symbol.for("smalti.error");

/** Facts that go with an error, for programs; the message says them in words. */
export interface ErrorDetails {
  /** The sequence concerned. */
  sequence?: string;
  /** The topic concerned, without a leading `/`. */
  topic?: string;
  /** The file concerned, relative to the store. */
  file?: string;
  /** Number of the batch within its file, from 0. */
  batch?: number;
  /** Byte offset within the file. */
  offset?: number;
}

/** Options of {@linkcode SmaltiError}. */
export interface SmaltiErrorOptions extends ErrorDetails {
  /** What led to it. */
  cause?: unknown;
}

/**
 * The one error class for everything that a program may want to handle. Caller mistakes that no program
 * handles are `TypeError` and `RangeError`.
 *
 * `instanceof` works across duplicate copies of the library.
 *
 * @example
 * ```ts
 * import { connect, SmaltiError } from "smalti";
 *
 * const client = await connect("memory:");
 * try {
 *   await client.sequenceHandler("no_such_drive");
 * } catch (error) {
 *   if (!(error instanceof SmaltiError) || error.code !== "NOT_FOUND") throw error;
 * }
 * ```
 */
export class SmaltiError extends Error {
  /** What went wrong, from a closed list. */
  readonly code: ErrorCode;
  /** Where it went wrong, as far as known. */
  readonly details: ErrorDetails;
  /** The message without the code in front. */
  readonly rawMessage: string;

  /**
   * Makes an error whose message begins with its code.
   *
   * @param code One of the closed list.
   * @param message What could not be done, the value seen, the value wanted.
   */
  constructor(code: ErrorCode, message: string, options: SmaltiErrorOptions = {}) {
    const { cause, ...details } = options;
    super(`[${code}] ${message}`, cause === undefined ? undefined : { cause });
    this.name = "SmaltiError";
    this.code = code;
    this.rawMessage = message;
    this.details = details;
    Object.defineProperty(this, BRAND, { value: true });
  }

  /** Whether a value is a SmaltiError, of this copy of the library or another. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === "object" && value !== null && BRAND in value;
  }

  /** The same error with more said about where it happened; what it already knows stays. */
  at(where: ErrorDetails): SmaltiError {
    const news = Object.entries(where).filter(([key]) => !(key in this.details));
    if (news.length === 0) return this;
    const place = news.map(([key, value]) => `${key} ${value}`).join(", ");
    return new SmaltiError(this.code, `${this.rawMessage} (${place})`, {
      ...where,
      ...this.details,
      cause: this.cause ?? this,
    });
  }

  /** Any thrown value as a SmaltiError: itself when it is one, else wrapped under `code`. */
  static from(reason: unknown, code: ErrorCode = "INTERNAL", what?: string): SmaltiError {
    if (reason instanceof SmaltiError) return reason;
    const text = reason instanceof Error ? reason.message : String(reason);
    return new SmaltiError(code, what ? `${what}: ${text}` : text, { cause: reason });
  }
}

/** Whether a failure says that something is not there. */
export function isNotFound(reason: unknown): boolean {
  return reason instanceof SmaltiError && reason.code === "NOT_FOUND";
}
