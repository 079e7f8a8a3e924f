/**
 * Shapes that all layers share.
 *
 * @module
 */
import type { SmaltiError } from "./error.ts";
import type { SerializationFormat } from "./ontology/define_ontology.ts";
import type { FieldSchema } from "./schema.ts";
import type { TimestampNs } from "./timestamp.ts";
import type { JsonValue } from "./util/parse_json.ts";

export { MAX_NS, MIN_NS, type TimestampNs } from "./timestamp.ts";

export type { JsonValue } from "./util/parse_json.ts";

/**
 * Free-form facts about a sequence or topic: anything JSON can hold. Integers are exact: those beyond 2^53 come as bigint, and may
 * be given so. Numbers that nobody changed are stored and sent on as they were written: `3.0` stays `3.0`.
 */
export type Metadata = { [key: string]: JsonValue };

/** What a sequence is: being written, committed, given up with a reason, or rebuilt after a crash. */
export type SequenceState = "recording" | "finalized" | "failed" | "recovered";

/** One stretch of writing: from create or update to its finalize. */
export interface SessionInfo {
  /** Identifies it within the sequence. */
  readonly id: string;
  /** How it ended. */
  readonly state: SequenceState;
  /** When it began. */
  readonly created: Date;
  /** When it was committed or given up; undefined while it runs. */
  readonly ended?: Date;
  /** Why it failed. */
  readonly reason?: string;
  /** Its topics, in ASCII order. */
  readonly topics: readonly string[];
}

/** What is known of a topic without opening its file. */
export interface TopicInfo {
  /** The name, without a leading `/`. */
  readonly name: string;
  /** The tag of its ontology. */
  readonly ontologyTag: string;
  /** How Mosaico stores its messages. */
  readonly serializationFormat: SerializationFormat;
  /** Facts given when it was created. */
  readonly metadata: Metadata;
  /** Messages in it. */
  readonly rowCount: number;
  /** Time of the first message; undefined where there is none. */
  readonly firstNs?: bigint;
  /** Time of the last message, inclusive; undefined where there is none. */
  readonly lastNs?: bigint;
  /** Bytes stored. */
  readonly sizeBytes: number;
  /** When it was created. */
  readonly created: Date;
  /** The session that wrote it. */
  readonly sessionId: string;
}

/** A file kept beside the topics: a calibration, a log, a picture of the rig. */
export interface AttachmentInfo {
  /** Its name; several attachments may share one. */
  readonly name: string;
  /** Its media type, such as `text/plain`. */
  readonly mediaType?: string;
  /** The time it belongs to. */
  readonly timestampNs?: bigint;
  /** When it was made. */
  readonly createdNs?: bigint;
  /** Bytes in it. */
  readonly sizeBytes: number;
}

/** What is known of a sequence from its manifest. */
export interface SequenceInfo {
  /** The name. */
  readonly name: string;
  /** Where it stands. */
  readonly state: SequenceState;
  /** Facts given when it was created. */
  readonly metadata: Metadata;
  /** When it was created. */
  readonly created: Date;
  /** Stretches of writing, oldest first. */
  readonly sessions: readonly SessionInfo[];
  /** Topics, in ASCII order of their names. */
  readonly topics: readonly TopicInfo[];
  /** Files kept beside the topics, in the order of attaching. */
  readonly attachments: readonly AttachmentInfo[];
  /** What is being recorded, beside what was committed; undefined where nothing is, or nobody looked. */
  readonly live?: LiveInfo;
}

/** What is being recorded of a sequence, or was left by a writer that died. */
export interface LiveInfo {
  /** Topics being written, in ASCII order, with what was flushed of them: counts, times and sizes grow with each flush. */
  readonly topics: readonly TopicInfo[];
  /** Whether who writes lives. One that is `gone` left what `recover` commits; `unknown` where the store cannot tell. */
  readonly writer: "alive" | "gone" | "unknown";
  /** Who writes, in words, where that is known. */
  readonly writtenBy?: string;
}

/**
 * A sequence in a list: what its manifest tells, or, where that cannot be read, its name and why. Where `error` is undefined it
 * is a {@linkcode SequenceInfo}.
 */
export type SequenceEntry =
  | SequenceInfo & { readonly error?: undefined }
  | { readonly [Fact in Exclude<keyof SequenceInfo, "name">]?: undefined } & {
    readonly name: string;
    readonly error: SmaltiError;
  };

/** What came of one topic's file in a recovery. */
export interface RecoveredFile {
  /** The topic's name. */
  readonly topic: string;
  /** Rows in the batches that were kept. */
  readonly rowsKept: number;
  /** Whole batches with right checksums: all of them were kept. */
  readonly batchesKept: number;
  /** Bytes of the file in no such batch: cut off, or damaged. What never left the writer's memory is not known. */
  readonly bytesDiscarded: number;
  /** The last time kept, in nanoseconds; undefined where no row was. */
  readonly lastNs?: bigint;
  /** Why the file could not be recovered; it is left as it is then. */
  readonly error?: Error;
}

/** A sequence, or a topic of one. */
export interface NotificationPlace {
  /** The sequence's name. */
  readonly sequence: string;
  /** The topic's name. */
  readonly topic?: string;
}

/** What a writer said went wrong with a sequence or topic. */
export interface Notification extends NotificationPlace {
  /** Its kind; there is one. */
  readonly type: "error";
  /** What was said. */
  readonly message: string;
  /** When it was said. */
  readonly created: Date;
}

/** What recordings are reached through. */
export interface StoreInfo {
  /** Version of the server, or of smalti where there is none between. */
  readonly version: string;
  /** Bytes of a message to the server at most; undefined where there is none. */
  readonly maxMessageBytes?: number;
}

/** Options of a recovery. */
export interface RecoverOptions {
  /**
   * Whether sessions that were given up and marked as failed, as an import that met a flaw, are committed too, as
   * recovered. @default false
   */
  failed?: boolean;
}

/** What came of a recovery. */
export interface RecoverReport {
  /** The sequence's name. */
  readonly sequence: string;
  /** Whether there was anything to recover; else nothing was changed. */
  readonly changed: boolean;
  /** Sessions that had failed and count as recovered now; undefined where there was none, or that was not asked for. */
  readonly failedSessions?: number;
  /**
   * Files that were not as a commit leaves them, in ASCII order of their topics: without a sound footer, finished but not
   * in the manifest, or missing.
   */
  readonly files: readonly RecoveredFile[];
}

/** What came of a topic in a compaction. */
export interface CompactedTopic {
  /** The topic's name. */
  readonly topic: string;
  /** Batches that were in its file. */
  readonly batchesBefore: number;
  /** Batches in its file now. */
  readonly batches: number;
  /** Bytes that its file had. */
  readonly sizeBytesBefore: number;
  /** Bytes that its file has now. */
  readonly sizeBytes: number;
  /** Why it could not be compacted; the file is as it was then. */
  readonly error?: Error;
}

/** What came of a compaction. */
export interface CompactReport {
  /** The sequence's name. */
  readonly sequence: string;
  /** Topics whose files were written anew, or could not be, in ASCII order; the others are as they should be. */
  readonly topics: readonly CompactedTopic[];
}

/** Options of {@linkcode Client.copy}. */
export interface CopyOptions {
  /** Stops it; what was copied is kept for another try. */
  signal?: AbortSignal;
  /** Hears of bytes that were copied so far, of all that are to be. */
  onProgress?: (bytes: number, total: number) => void;
}

/** What came of a copy. */
export interface CopyReport {
  /** The sequence's name. */
  readonly sequence: string;
  /** Files that were copied now. */
  readonly files: number;
  /** Files that were there already. */
  readonly kept: number;
  /** Bytes of all of them. */
  readonly bytes: number;
}

/** What a query is made of: JSON whose integers beyond 2^53 are bigint. */
export type QueryValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly QueryValue[]
  | QueryObject;

/** An object of a query. */
export type QueryObject = { readonly [key: string]: QueryValue };

/** A sequence that a query found. */
export interface QueryHit {
  /** The sequence's name. */
  readonly sequence: string;
  /** Its topics that match, at least one, in ASCII order of their names. */
  readonly topics: readonly { readonly name: string; readonly ontologyTag: string }[];
}

/** A topic's columns and what they are called. */
export interface TopicSchema {
  /** The tag of its ontology. */
  readonly ontologyTag: string;
  /** How Mosaico stores its messages. */
  readonly serializationFormat: SerializationFormat;
  /** Facts about the topic. */
  readonly metadata: Metadata;
  /** Columns of the table, `timestamp_ns` first. */
  readonly fields: readonly FieldSchema[];
}

/** A half-open window of time; each bound may be left out. */
export interface TimeRange {
  /** First time inside, inclusive. @default no bound */
  startNs?: TimestampNs;
  /** First time outside, exclusive. @default no bound, the only way to reach 2^63 - 1 */
  endNs?: TimestampNs;
}

/** A window as inclusive bounds, which can say all of int64. */
export interface Window {
  /** First time inside. */
  readonly firstNs: bigint;
  /** Last time inside; below `firstNs` in an empty window. */
  readonly lastNs: bigint;
}
