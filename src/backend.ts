/**
 * Where recordings live, as the client sees it: sequences, sessions, topics, batches, commit. It deals in whole
 * batches and knows nothing of messages.
 *
 * @module
 */
import type { BlockBounds } from "./arrow/block_bounds.ts";
import type { BatchBounds } from "./arrow/bounds.ts";
import type { Columns } from "./arrow/columns.ts";
import type { Engine } from "./engine.ts";
import type { OpenBatch } from "./arrow/stored_batch.ts";
import { type ErrorCode, SmaltiError } from "./error.ts";
import type { Durability } from "./store/store.ts";
import type {
  AttachmentInfo,
  CompactReport,
  CopyOptions,
  CopyReport,
  Metadata,
  Notification,
  NotificationPlace,
  QueryHit,
  QueryObject,
  RecoverOptions,
  RecoverReport,
  SequenceInfo,
  SessionInfo,
  StoreInfo,
  TopicInfo,
  TopicSchema,
  Window,
} from "./types.ts";

/**
 * A failure that concerns one recording, such as damage, where several are looked at: the others are as good as before.
 * Undefined for what concerns the call as a whole: what is closed, given up or cannot be reached, and defects.
 */
export function failureOfOne(reason: unknown): SmaltiError | undefined {
  const isOfAll = !(reason instanceof SmaltiError) || CALL_CODES.includes(reason.code);
  return isOfAll ? undefined : reason;
}

const CALL_CODES: readonly ErrorCode[] = [
  "ABORTED",
  "CLOSED",
  "UNAVAILABLE",
  "UNAUTHENTICATED",
  "TIMEOUT",
  "INVALID_ARGUMENT",
  "INTERNAL",
];

/** Recordings by name. */
export interface Backend {
  /** What decodes and orders. */
  readonly engine: Engine;
  /** From when on rows outlive the process. */
  readonly durability: Durability;
  /**
   * Where it keeps nothing and passes sequences on: sessions flush after so many bytes, whatever they were told.
   * @default it keeps them
   */
  readonly flushBytes?: number;
  /** Where recordings are, as errors name it: a directory or URL, which is not for strangers. */
  readonly storeUrl?: string;
  /** What recordings are reached through. */
  info(): Promise<StoreInfo>;
  /** Names of all sequences, in ASCII order. NOT_FOUND where the store itself is not there. */
  listSequences(): Promise<string[]>;
  /** What a sequence's manifest tells, whatever its state; `live`: what is being recorded too. NOT_FOUND, CORRUPT. */
  readInfo(name: string, options?: { live?: boolean }): Promise<SequenceInfo>;
  /**
   * Starts a new sequence. ALREADY_EXISTS, unless it is to replace the one that is there: that one stays until the new one
   * is committed, and for good where it is aborted. LOCKED; UNSUPPORTED where nothing can be replaced.
   */
  createSequence(name: string, metadata: Metadata, ifExists?: "error" | "replace"): Promise<SequenceSink>;
  /** Starts another session of a sequence, beside those that this backend writes. NOT_FOUND, LOCKED where another writes. */
  updateSequence(name: string): Promise<SequenceSink>;
  /** Opens for reading. NOT_FOUND, LOCKED while it is being recorded unless it is to be followed, CORRUPT. */
  openSequence(name: string, options?: { follow?: boolean }): Promise<SequenceSource>;
  /** Removes a sequence whole. NOT_FOUND, LOCKED. */
  deleteSequence(name: string): Promise<void>;
  /**
   * Removes a session that has ended, with what it wrote; the sequence stays, also without any. NOT_FOUND, LOCKED while the
   * session is written, or the sequence by another.
   */
  deleteSession(name: string, id: string): Promise<void>;
  /** Commits what a writer that died left behind. NOT_FOUND, LOCKED while one lives, UNSUPPORTED where others do that. */
  recoverSequence(name: string, options?: RecoverOptions): Promise<RecoverReport>;
  /**
   * Joins the small batches of a sequence's topics, where that saves enough. NOT_FOUND, LOCKED while it is written,
   * UNSUPPORTED where others do that.
   */
  compactSequence(name: string): Promise<CompactReport>;
  /**
   * Copies a sequence to another place. NOT_FOUND, LOCKED, ALREADY_EXISTS, CORRUPT; UNSUPPORTED where either is no store of
   * files.
   */
  copySequence?(name: string, to: Backend, options: CopyOptions): Promise<CopyReport>;
  /** What was said about a sequence or topic, in the order it came. NOT_FOUND, CORRUPT. */
  listNotifications(place: NotificationPlace): Promise<Notification[]>;
  /** Says what went wrong with a sequence or topic. NOT_FOUND. */
  notify(place: NotificationPlace, message: string): Promise<void>;
  /** Forgets what was said about a sequence or topic. NOT_FOUND. */
  clearNotifications(place: NotificationPlace): Promise<void>;
  /** What a query finds, where another place answers it than this program. Sequences in no order. INVALID_ARGUMENT. */
  query?(body: QueryObject, signal?: AbortSignal): Promise<QueryHit[]>;
  /** Gives back what is held open. Sinks still open are aborted by their writers before. */
  close(): Promise<void>;
}

/** One session being written. Ends by `finalize` or `abort`, once. */
export interface SequenceSink {
  /** What the session will be called for good. */
  readonly session: Pick<SessionInfo, "id" | "created">;
  /** Aborts when the right to write the sequence was lost, with the error as its reason: nothing more can be written. */
  readonly lost?: AbortSignal;
  /** Whether a checkpoint may be asked for while what it tells of is being synced, see {@linkcode Store.isLogged}. @default false */
  readonly isLogged?: boolean;
  /** Adds a topic. ALREADY_EXISTS where the sequence has it, from any session. */
  createTopic(name: string, schema: TopicSchema): Promise<TopicSink>;
  /** Keeps a file beside the topics. */
  attach(info: AttachmentInfo, bytes: Uint8Array): Promise<void>;
  /** Adds to the sequence's metadata, at the end of the session; a later key wins. */
  addMetadata(metadata: Metadata): void;
  /**
   * Tells followers of all that was synced; of the rows still to come they hold those before `untilNs` to be late. `isIdle`
   * tells whether none is expected for now, as long as that is so: then nobody waits for this session. Nothing is told after the
   * session's end.
   */
  checkpoint(untilNs: bigint, isIdle?: () => boolean): Promise<void>;
  /** Commits what was written: durable, and locked from now on. */
  finalize(): Promise<SequenceInfo>;
  /** Gives up: `delete` removes what the session wrote, `report` keeps it, marked as failed. */
  abort(policy: "delete" | "report", reason: string): Promise<void>;
}

/** One topic being written. */
export interface TopicSink {
  /**
   * Stores rows sorted by time. The columns are read before this returns, so the caller may reuse them. Resolves when
   * the store has them; batches are stored in the order of the calls.
   */
  write(columns: Columns, firstNs: bigint, lastNs: bigint): Promise<void>;
  /** Resolves when all that was written would survive a loss of power. */
  sync(): Promise<void>;
}

/** A sequence open for reading. */
export interface SequenceSource {
  /** What the manifest tells. */
  readonly info: SequenceInfo;
  /**
   * Whether its rows can be read once, while they come: streams follow it, and give out late rows when they come. Its `info`
   * is as far as it is known. @default false
   */
  readonly isOneShot?: boolean;
  /** Opens a topic. NOT_FOUND, CORRUPT. */
  openTopic(name: string): Promise<TopicSource>;
  /** What is whole of a topic that cannot be opened, where something can be made out. */
  salvageTopic?(name: string): Promise<TopicSource | undefined>;
  /** The bytes of one of the attachments in `info`. CORRUPT. */
  readAttachment(attachment: AttachmentInfo): Promise<Uint8Array>;
  /** Hears of what is written to it, from its first row on. UNSUPPORTED. */
  follow(): Follower | Promise<Follower>;
  /** Its topics with all rows that were flushed and told of so far, where it is being recorded. In ASCII order. CORRUPT. */
  readonly soFar?: ((signal?: AbortSignal) => Promise<readonly TopicSource[]>) | undefined;
}

/** Goes from checkpoint to checkpoint of a sequence, up to its end. */
export interface Follower {
  /**
   * Waits for the next one. Undefined after the end, and once it is closed. UNAVAILABLE where the writer died, ABORTED
   * after the end of a sequence that was given up, CORRUPT.
   */
  next(): Promise<Checkpoint | undefined>;
  /** Rejects with ABORTED where the sequence has been removed. */
  check(): Promise<void>;
  /** Stops waiting. */
  close(): void;
}

/** What is known of a sequence at one moment of its recording. */
export interface Checkpoint {
  /** Of the rows before this time no more are to come; undefined at the end, when none at all are. */
  readonly untilNs: bigint | undefined;
  /** Topics in ASCII order, with all rows that are not before the last checkpoint's `untilNs`. */
  readonly topics: readonly TopicSource[];
  /** The same with only the rows that were not known before. */
  readonly fresh: readonly TopicSource[];
}

/** A topic open for reading. */
export interface TopicSource {
  /** What the manifest tells. */
  readonly info: TopicInfo;
  /** Columns of its table, `timestamp_ns` first. */
  readonly schema: TopicSchema;
  /** Whether more may have been written to it since, which {@linkcode reopen} gives. @default false */
  readonly isGrowing?: boolean;
  /** The same topic, from its file as it is now; for whom reading said that it was written anew. */
  reopen?(): Promise<TopicSource>;
  /** The same topic, by what {@linkcode reopen} gave last; itself before that. */
  readonly current?: TopicSource;
  /** Its batches that touch a window. Every call gives a walk of its own. */
  runs(window: Window, signal?: AbortSignal, options?: RunOptions): RunSource;
  /** Rows and times of its batches, where they are known without reading any. */
  readonly index?: BatchTimes;
  /** Bounds of its batches' columns, where the store has them. CORRUPT. */
  readBounds?(signal?: AbortSignal): Promise<BatchBounds | undefined>;
  /** Bounds of blocks of rows in columns by path, as in `BatchBounds`; undefined where the store has none of them that is sound. */
  readDetail?(paths: readonly string[], signal?: AbortSignal): Promise<BlockBounds | undefined>;
  /** Rows in each slice of time: slice `i` is from `edgesNs[i]` to before `edgesNs[i + 1]`. Edges ascend. */
  countRows(edgesNs: readonly bigint[], signal?: AbortSignal): Promise<number[]>;
  /** The last row in time order at or before a time; undefined where there is none. Reads as few batches as tell. */
  latest(ns: bigint, signal?: AbortSignal): Promise<LatestRow | undefined>;
  /** Where its batches lie in a file of the store, for who reads them by other means; undefined where nobody but a writer of smalti's index knows. */
  readonly stored?: StoredBatches | undefined;
  /** Lets go of what is kept at hand of it. */
  letGo?(): void;
  /** Checks what can be checked, and gives every damage found. */
  verify(request: VerifyRequest): Promise<SmaltiError[]>;
}

/** What is known of a topic's batches, by their number. */
export interface BatchTimes {
  /** How many rows a batch has. */
  readonly rows: Float64Array;
  /** Time of its first row, ns. */
  readonly firstNs: BigInt64Array;
  /** Time of its last row, ns. */
  readonly lastNs: BigInt64Array;
}

/** Where a topic's batches lie in its file, by their number. */
export interface StoredBatches extends BatchTimes {
  /** The file, relative to the store. */
  readonly file: string;
  /** Bytes of the file. */
  readonly sizeBytes: number;
  /** Tells this state of the file from others: the checksum of its index, which covers the checksums of all batches. */
  readonly fingerprint: string;
  /** Offset of the batch's message in the file. */
  readonly offset: Float64Array;
  /** Bytes of the message. */
  readonly length: Float64Array;
}

/** Options of {@linkcode TopicSource.runs}. */
export interface RunOptions {
  /** Which batches to open; a source may open others too. @default all */
  isWanted?: (batchNumber: number) => boolean;
  /**
   * The columns that are touched beside the times, each by places of fields on the way to it, from those of the table on: others
   * may not be read, and touching them fails. @default all
   */
  paths?: readonly (readonly number[])[] | undefined;
  /** Whether a batch's message may lie in a buffer from `takeBytes`, for who gives it back unless it is kept. @default false */
  mayReuse?: boolean;
  /**
   * Set to take batches that are kept at hand, and to offer to keep them: how many topics are walked side by side, which share
   * the room where buffers are used again otherwise. @default nothing is kept
   */
  keepsAmong?: number;
  /**
   * Whether to walk backwards: the batch that ends last comes first. Times of the walk are keys then, which ascend as it goes
   * on: `~ns`, whose order is the other way round. UNSUPPORTED where the store sends rows in their order. @default false
   */
  reverse?: boolean;
}

/** A row of an open batch. */
export interface LatestRow {
  batch: OpenBatch;
  row: number;
}

/** What {@linkcode TopicSource.verify} is to do. */
export interface VerifyRequest {
  /** Read every batch; else the footer alone. */
  deep: boolean;
  /** Hears of rows checked so far. */
  onRows: (rows: number) => void;
  signal: AbortSignal | undefined;
}

/** A batch opened for the merge: rows `from` to `to` lie in the window, sorted by time. */
export interface Run {
  /** Number of the batch in its topic: the order of writing, which breaks ties. */
  batchNumber: number;
  batch: OpenBatch;
  /** First row in the window. */
  from: number;
  /** The row after the last in the window. */
  to: number;
  /**
   * Keeps the batch at hand for who looks near it next; for who is done with it. Where this is there, others may have its
   * bytes too.
   */
  keep?: () => void;
}

/** A batch that may be read ahead of need. */
export interface BatchAhead {
  /** No row of it is before this time, or key. */
  nextNs: bigint;
  /** About how many bytes it takes. */
  bytes: number;
  /** How many batches are to be read ahead, of all topics that are read together: several, where reads take long. */
  most: number;
  /** Where requests are dear: bytes of batches that one had better carry. @default each batch comes by itself */
  sharedBytes?: number | undefined;
}

/** Batches of one topic, opened one after another in an order that the time order can use. */
export interface RunSource {
  /** No row of a batch not yet opened is before this time, or key. Undefined when all are open. */
  readonly nextNs: bigint | undefined;
  /** About how many bytes the next batch takes. */
  readonly nextBytes: number;
  /** The batch that {@linkcode prefetch} would read; undefined where there is none left, or it would gain nothing. */
  readonly ahead: BatchAhead | undefined;
  /** Starts reading a batch ahead of need: the first that is not being read yet. */
  prefetch(): void;
  /** Lets go of what was read ahead, where it can be read again. */
  dropAhead(): void;
  /** Opens the next batch; undefined where it has no row in the window. CORRUPT, IO, ABORTED. */
  open(): Promise<Run | undefined>;
  /** Lets go of what was read ahead. */
  close(): void;
}
