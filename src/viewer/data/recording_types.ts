/**
 * A recording as the page is told of it: part of the protocol.
 *
 * @module
 */
import type { ErrorCode, FieldSchema, JsonValue } from "../../entry/slim.ts";

/** What went wrong, as a value. `ABORTED` is what a newer request of the same panel, or its signal, gave up. */
export interface DataError {
  readonly code: ErrorCode;
  /** In words, for people: what was tried, what was seen, what was wanted. */
  readonly message: string;
  /** The topic concerned, where it is one's. */
  readonly topic?: string;
  /** Where in the text of an expression, from 0, and how many characters. */
  readonly position?: { readonly start: number; readonly length: number };
  /** A command of smalti's that does what was refused here. */
  readonly command?: string;
}

/** What a list of recordings has of one. */
export interface ListEntry {
  readonly name: string;
  /** The state, or why its manifest could not be read. */
  readonly state: "recording" | "finalized" | "failed" | "recovered" | "unreadable";
  readonly error?: DataError;
  readonly firstNs?: bigint;
  readonly lastNs?: bigint;
  readonly rows: number;
  readonly bytes: number;
  readonly topics: number;
}

/** What a field is for the page. */
export type FieldKind = "number" | "bool" | "text" | "bytes" | "list" | "struct" | "other";

/** A field of a topic, with those within it. `timestamp_ns` is none of them. */
export interface FieldInfo {
  readonly name: string;
  /** The names on the way to it, joined by dots: `position.x`. */
  readonly path: string;
  /** `number` is what a plot draws: integers, floats and times. Below a list nothing is a number. */
  readonly kind: FieldKind;
  /** Its type in the words of Arrow: `float64`, `list<int32>`. */
  readonly type: string;
  /** Its unit, where the recording tells. */
  readonly unit?: string;
  /** What it is, where the recording tells. */
  readonly description?: string;
  readonly children: readonly FieldInfo[];
  /** As the library tells it. */
  readonly schema: FieldSchema;
}

/** A topic. */
export interface TopicSummary {
  readonly name: string;
  readonly ontologyTag: string;
  /** Messages. */
  readonly rows: number;
  readonly firstNs?: bigint;
  readonly lastNs?: bigint;
  readonly bytes: number;
  /** Messages a second on average; 0 where there are fewer than two. */
  readonly rate: number;
  readonly fields: readonly FieldInfo[];
  readonly metadata: { readonly [key: string]: JsonValue };
  /** Whether it is still being written. */
  readonly isGrowing: boolean;
  /** Whether its fields are known; false until it was opened, after an early answer to `open`. */
  readonly isOpen: boolean;
  /** Why its fields are not known: it is there, but cannot be opened. */
  readonly error?: DataError;
}

/** A stretch of writing. */
export interface SessionSummary {
  readonly id: string;
  readonly state: string;
  readonly created: Date;
  readonly ended?: Date;
  readonly reason?: string;
  readonly topics: readonly string[];
}

/** A file beside the topics; its index is what {@linkcode AttachmentRequest} asks for. */
export interface AttachmentSummary {
  readonly name: string;
  readonly mediaType?: string;
  readonly timestampNs?: bigint;
  readonly bytes: number;
}

/** A recording, as it is now. */
export interface RecordingInfo {
  readonly name: string;
  readonly url: string;
  readonly state: "recording" | "finalized" | "failed" | "recovered";
  /** Whether it is followed, and may grow. */
  readonly isLive: boolean;
  /**
   * Where seconds are counted from: the time of the first message when it was opened, and it stays that. Of a followed recording
   * without messages 0n, until `changed` tells of the first ones.
   */
  readonly startNs: bigint;
  /** Time of the first message; undefined where there is none. One that came late may lie before `startNs`. */
  readonly firstNs?: bigint;
  /** Time of the last message, inclusive; undefined where there is none. */
  readonly lastNs?: bigint;
  readonly rows: number;
  readonly bytes: number;
  /** In ASCII order of the names. */
  readonly topics: readonly TopicSummary[];
  readonly metadata: { readonly [key: string]: JsonValue };
  readonly created: Date;
  readonly sessions: readonly SessionSummary[];
  readonly attachments: readonly AttachmentSummary[];
  /** What decodes: `wasm` or `js`. */
  readonly engine: string;
}
