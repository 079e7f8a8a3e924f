/**
 * What a session is begun with, and what is refused of it.
 *
 * @module
 */
import { show } from "../util/show.ts";
import { toNs } from "../timestamp.ts";
import type { AttachmentInfo, Metadata, TimestampNs } from "../types.ts";
import { quoted } from "../util/excerpt.ts";
import { copyJson } from "../util/json_text.ts";
import { checkOptions, type OptionNames } from "../util/options.ts";

/** What a session's topics hold in memory at most, together, unless told otherwise. */
export const DEFAULT_BUFFERED: number = 32 * 2 ** 20;
/** When a session flushes by itself, unless told otherwise. */
export const DEFAULT_AUTO_FLUSH: AutoFlush = { intervalMs: 1000 };

/** What becomes of a session that is given up: `delete` removes it, `report` keeps it, marked as failed. */
export type ErrorPolicy = "delete" | "report";

/** Options of `sequenceUpdate`, and of every session. */
export interface SessionOptions {
  /** What becomes of the session when it is aborted. @default "report" */
  errorPolicy?: ErrorPolicy;
  /** Bound on what the session's topics hold in memory, in bytes. @default 32 MiB */
  maxBufferedBytes?: number;
  /**
   * Bounds on what a crash may cost, and on how long followers wait for what was pushed. False for none: what was pushed is
   * durable then, and shown to followers, after `flush` or `finalize`.
   * @default in a directory, after a second; more rarely (up to 30 s) where syncing would take more than a tenth of the time. Else none
   */
  autoFlush?: AutoFlush | false;
  /**
   * How much earlier than the newest message of any topic a message may still come, in nanoseconds: so far behind the
   * newest are those who follow, while messages come. @default 0n
   */
  latenessNs?: bigint;
}

/** When a session flushes by itself, beside pushes: whichever bound is reached first. */
export interface AutoFlush {
  /** Flush so long after the first message that is not yet durable, in milliseconds. */
  intervalMs?: number;
  /** Flush when so many bytes of messages are not yet durable, as they are in memory. */
  bytes?: number;
}

/** What is said of a file that is kept beside the topics. */
export interface AttachmentFacts extends Pick<AttachmentInfo, "name" | "mediaType"> {
  /** The time it belongs to. */
  readonly timestampNs?: TimestampNs;
  /** When it was made. */
  readonly createdNs?: TimestampNs;
}

/** Names of what a session is begun with. */
export const SESSION_OPTIONS: OptionNames<SessionOptions> = {
  errorPolicy: true,
  maxBufferedBytes: true,
  autoFlush: true,
  latenessNs: true,
};
const AUTO_FLUSH: OptionNames<AutoFlush> = { intervalMs: true, bytes: true };
/** Of an attachment as a store lists it too, so that one can be given on; there these are told by its bytes. */
const ATTACHMENT: OptionNames<
  AttachmentFacts & { sizeBytes: number; sessionId: string; file: string; crc: number }
> = {
  name: true,
  mediaType: true,
  timestampNs: true,
  createdNs: true,
  sizeBytes: true,
  sessionId: true,
  file: true,
  crc: true,
};

/** Refuses options that make no sense, before anything is begun. TypeError, RangeError. */
export function checkSession(
  { errorPolicy = "report", maxBufferedBytes = DEFAULT_BUFFERED, autoFlush, latenessNs = 0n }: SessionOptions,
): void {
  if (autoFlush) checkOptions(autoFlush, AUTO_FLUSH, "Cannot flush by itself");
  if (errorPolicy !== "report" && errorPolicy !== "delete") {
    throw new TypeError(`errorPolicy is ${JSON.stringify(errorPolicy)}: wanted "report" or "delete"`);
  }
  if (!(maxBufferedBytes > 0)) {
    throw new RangeError(`maxBufferedBytes is ${maxBufferedBytes}: wanted a number of bytes above 0`);
  }
  if (typeof latenessNs !== "bigint") {
    throw new TypeError(`latenessNs is ${show(latenessNs)}: wanted a bigint of nanoseconds`);
  }
  if (latenessNs < 0n) throw new RangeError(`latenessNs is ${latenessNs}: wanted 0 or more nanoseconds`);
  for (const bound of ["intervalMs", "bytes"] as const) {
    const value = autoFlush ? autoFlush[bound] : undefined;
    if (value === undefined || value > 0) continue;
    throw new RangeError(`autoFlush.${bound} is ${value}: wanted a number above 0`);
  }
}

/** An attachment as a manifest tells of it. TypeError, RangeError for facts that it could not give back. */
export function attachmentInfo(facts: AttachmentFacts, sizeBytes: number, sequence: string): AttachmentInfo {
  checkOptions(facts, ATTACHMENT, `Cannot attach to sequence "${sequence}"`, "fact");
  const { name, mediaType, timestampNs, createdNs } = facts;
  if (typeof name !== "string") throw new TypeError(`Attachment's name is ${String(name)}: wanted text`);
  if (mediaType !== undefined && typeof mediaType !== "string") {
    throw new TypeError(`mediaType of attachment "${name}" is ${String(mediaType)}: wanted text`);
  }
  const tried = `Cannot attach "${name}"`;
  return {
    name,
    ...(mediaType !== undefined && { mediaType }),
    ...(timestampNs !== undefined && { timestampNs: toNs(timestampNs, "timestampNs", tried) }),
    ...(createdNs !== undefined && { createdNs: toNs(createdNs, "createdNs", tried) }),
    sizeBytes,
  };
}

/** Metadata as JSON has it, free of the caller's objects. TypeError for what JSON cannot say. */
export function plainMetadata(metadata: Metadata, what: string): Metadata {
  try {
    if (typeof metadata !== "object" || metadata === null || Array.isArray(metadata)) {
      throw new TypeError(`it is ${quoted(metadata)}, wanted an object`);
    }
    return copyJson(metadata) as Metadata;
  } catch (cause) {
    throw new TypeError(`Cannot keep the metadata of ${what}: ${(cause as Error).message}`, { cause });
  }
}
