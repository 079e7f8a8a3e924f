/**
 * The engine: decode and time order. It does no I/O and knows no topic names.
 *
 * # The order
 *
 * Strict and total: **timestamp, then topic position, then batch number within the topic, then row within
 * the batch.** Topic position is an integer given by the caller (the topic's place in ASCII name order);
 * batch number is the order of writing. Rows within a batch are sorted by time, ties in the order of
 * pushing. So no two rows compare equal, and every implementation gives the same sequence of rows.
 *
 * @module
 */
import type { RecordDecoder, RecordJob, RecordPlan } from "./record_plan.ts";

/** How a buffer's bytes are stored: Arrow IPC's two codecs, or as they are. */
export type Codec = "none" | "lz4" | "zstd";

/** Where the parts of one Arrow IPC record batch message lie. All places were checked against the bytes given. */
export interface BatchLayout {
  /** Rows in the batch. */
  rows: number;
  /** How every buffer is stored. */
  codec: Codec;
  /** Per field in depth-first order: length, null count; -1 where the writer did not count. */
  nodes: Float64Array;
  /** Per buffer in depth-first order: offset from the first byte of the message, stored length. */
  buffers: Float64Array;
  /** Per view column: the number of its variadic data buffers. */
  variadic: Float64Array;
  /** The message's custom metadata. */
  metadata: Map<string, string>;
  /** For a dictionary batch: which dictionary, and whether it adds to what came before. */
  dictionary?: { id: bigint; isDelta: boolean };
}

/** Orders the rows of many sorted runs, a block at a time. One merge has one Merger. */
export interface Merger {
  /**
   * Adds a sorted run: rows `from` (inclusive) to `to` (exclusive) of `times`, which must not change afterwards.
   * `topic` and `batch` break ties; no two live runs share both. `id` is what {@linkcode fill} reports; it is the
   * caller's to choose, and may be given again once `fill` has listed it in {@linkcode exhausted}. Empty runs
   * are not added. Throws RangeError where `from`, `to` lie outside `times` or the range is empty.
   */
  add(id: number, topic: number, batch: number, times: BigInt64Array, from: number, to: number): void;
  /** The smallest time not yet given out; undefined when no run has rows left. */
  head(): bigint | undefined;
  /**
   * Writes the next rows in order, none later than `untilNs` (inclusive), into `runs` (ids) and `rows`
   * (positions in the run's `times`); as many as both arrays hold at most, but fewer is no sign of an end.
   * Returns how many: 0 only when no row at or before `untilNs` is left.
   */
  fill(untilNs: bigint, runs: Int32Array, rows: Int32Array): number;
  /** Ids of the runs whose last row the latest `fill` gave out. Overwritten by the next `fill`. */
  readonly exhausted: readonly number[];
  /** Gives its memory back; there are no rows left then, and none are added. A second call does nothing. */
  close(): void;
}

/**
 * A merge whose latest rows stay in the engine's memory, where numbers are picked by them out of the arrays of their runs:
 * faster than loops in TypeScript. It copies times and arrays, which must not change until their run is exhausted and let go of.
 */
export interface RowPicker extends Pick<Merger, "add" | "head" | "exhausted" | "close"> {
  /** The next rows in order, none later than `untilNs`, `most` at most; else as {@linkcode Merger.fill}. They replace the last ones. */
  fill(untilNs: bigint, most: number): number;
  /** Whether the rows lie side by side in their runs, 16 or more on average: such are better copied as they lie. */
  readonly hasStretches: boolean;
  /** The runs and positions of the rows; copies, to be asked for before it fills anew. */
  arrays(): { readonly runs: Int32Array; readonly rows: Int32Array };
  /**
   * The runs of `count` rows from the one at `first` on, ascending, all below `runCount`. Undefined, as from all that pick, where
   * the engine's memory has no room for what it must copy: the rows are in {@linkcode arrays} alone then.
   */
  used(first: number, count: number, runCount: number): number[] | undefined;
  /** For each of these rows what `ofRun` tells of its run. */
  lookUp(first: number, count: number, ofRun: Int32Array): Int32Array | undefined;
  /** The times of these rows. */
  pickTimes(first: number, count: number): BigInt64Array | undefined;
  /** The numbers of rows out of an array a run, in a buffer that may be longer. */
  pick(request: PickRequest): ArrayBuffer | undefined;
  /** Forgets the arrays of a run: another one has its number from now on. */
  letGo(run: number): void;
}

/** What to pick. */
export interface PickRequest {
  /** The first of the rows, and how many. */
  readonly first: number;
  readonly count: number;
  /** The runs that they are of. */
  readonly used: readonly number[];
  /** Tells arrays that belong together from others: of one run they are the same as long as the run is there. */
  readonly column: number;
  /** Bytes of a number: 1, 2, 4 or 8. */
  readonly width: number;
  /** By run; rows of runs without an array have the number 0. */
  readonly arrays: readonly (ArrayBufferView | undefined)[];
}

/** What a runtime may have in native code; an engine uses it where given. Same results, only faster. */
export interface NativeCodecs {
  /** CRC-32 (IEEE 802.3) of the bytes after others, of which it is `before`, as an unsigned integer. */
  crc32?: (bytes: Uint8Array, before?: number) => number;
  /** Decompresses a ZSTD frame. */
  zstdDecompress?: (bytes: Uint8Array) => Uint8Array;
}

/** Which engine decodes and orders. */
export interface EngineInfo {
  /** Which implementation this is. */
  readonly name: "js" | "wasm";
  /** Its version: that of the package. */
  readonly version: string;
  /** Whether it was built with SIMD instructions. */
  readonly simd: boolean;
}

/** Decode and order; see the module's doc. Errors, code and text, are the same in every implementation. */
export interface Engine extends EngineInfo {
  /**
   * Parses one encapsulated Arrow IPC record batch or dictionary batch message (continuation marker, metadata,
   * body) that fills `message` exactly. Throws CORRUPT for any offset or length that the bytes cannot hold.
   */
  parseBatch(message: Uint8Array): BatchLayout;
  /**
   * Decompresses one frame into exactly `rawLength` bytes, in an 8-byte aligned array that the caller owns: a fresh one, or what
   * `allocate` gives, such as `takeBytes`. Throws CORRUPT when the frame is damaged or holds another number of bytes.
   */
  decompress(
    codec: "lz4" | "zstd",
    bytes: Uint8Array,
    rawLength: number,
    allocate?: (bytes: number) => Uint8Array,
  ): Uint8Array;
  /**
   * Compresses into one LZ4 frame, or returns undefined when that would not save at least one `part` of the bytes: a quarter
   * unless another is given. Long inputs are judged by samples. A view, good until the engine is called again.
   */
  compress(bytes: Uint8Array, part?: number): Uint8Array | undefined;
  /**
   * CRC-32 (IEEE 802.3, as in zlib and PNG) as an unsigned integer. With `before`, the CRC of other bytes, it is that of
   * them and these.
   */
  crc32(bytes: Uint8Array, before?: number): number;
  /** A merge of its own. */
  createMerger(): Merger;
  /**
   * A picker of its own. An engine in TypeScript has none.
   *
   * @param allocate Gives the buffers of what is picked: so many bytes or more, whatever is in them. @default fresh ones
   */
  createPicker?(allocate?: (bytes: number) => ArrayBuffer): RowPicker;
  /** A decoder for the records of one schema. */
  createRecordDecoder(plan: RecordPlan): RecordDecoder;
  /** Decodes the records of a chunk, each job's by its decoder of this engine; sets their statuses. */
  decodeRecords(chunk: Uint8Array, jobs: readonly RecordJob[]): void;
}

const infos = new WeakMap<Engine, EngineInfo>();

/** What is told of an engine: the same object for one engine, so that clients show whether they share it. */
export function engineInfo(engine: Engine): EngineInfo {
  let info = infos.get(engine);
  if (!info) {
    const { name, version, simd } = engine;
    infos.set(engine, info = Object.freeze({ name, version, simd }));
  }
  return info;
}
