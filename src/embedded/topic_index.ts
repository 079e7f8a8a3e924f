import { decodeBase64, encodeBase64 } from "../util/base64.ts";
import type { BlockBounds } from "../arrow/block_bounds.ts";
import { BatchBounds, boundedColumns } from "../arrow/bounds.ts";
import { bytesOf } from "../arrow/columns.ts";
import { GrowingBytes } from "../arrow/growing.ts";
import { encodeFileEnd, type FooterBlock } from "../arrow/encode.ts";
import { hexCrc } from "../arrow/stored_batch.ts";
import type { Engine } from "../engine.ts";
import { type ErrorDetails, SmaltiError } from "../error.ts";
import type { FieldSchema, Schema } from "../schema.ts";
import { firstDescent } from "../util/times.ts";
import { type Extent, totals } from "../util/totals.ts";
import type { BatchSummary } from "./batch_summary.ts";
import { DETAIL, DetailBuilder } from "./detail_builder.ts";

/** Key of the checksum of the index. */
export const INDEX_CRC = "smalti:index_crc";
/** Key of the checksum of the batches' bounds. */
export const BOUNDS_CRC = "smalti:bounds_crc";

/**
 * What a topic file's footer says of its batches, in order of writing. In the file it is JSON under `smalti:index`: for
 * each fact the base64 of an array of its type here, little-endian. Readers ignore keys they do not know.
 */
export interface TopicIndex {
  /** Offset of the message from the start of the file. */
  offset: Float64Array;
  /** Bytes of the message, head and body. */
  length: Float64Array;
  /** Rows in the batch. */
  rows: Float64Array;
  /** Time of the first row, ns. */
  firstNs: BigInt64Array;
  /** Time of the last row, ns. */
  lastNs: BigInt64Array;
  /** The checksum of the batch's header. */
  headerCrc: Float64Array;
}

/** One batch as the index has it. */
export interface IndexedBatch {
  offset: number;
  length: number;
  rows: number;
  firstNs: bigint;
  lastNs: bigint;
  headerCrc: number;
}

/** What is collected of a batch for the file's end. */
export interface IndexEntry extends IndexedBatch {
  headBytes: number;
}

/** Batches of the largest piece. */
const PIECE_BATCHES = 4096;

/** The facts of some batches, one after another. */
interface IndexPiece {
  offset: Float64Array;
  firstNs: BigInt64Array;
  lastNs: BigInt64Array;
  length: Uint32Array;
  headBytes: Uint32Array;
  rows: Uint32Array;
  headerCrc: Uint32Array;
}

/**
 * The index of a file that is being written: 40 bytes a batch, in pieces, so that none is copied as it grows. Bounds are kept
 * of large batches, and of the first ones.
 */
export class IndexBuilder {
  readonly #pieces: IndexPiece[] = [];
  /** Which batches have bounds, and these one after another. */
  readonly #bounded: number[] = [];
  readonly #bounds = new GrowingBytes();
  readonly #detail = new DetailBuilder();
  /** Batches in the last piece. */
  #used = 0;
  #count = 0;
  #totals: Extent = totals([]);

  /** How many batches there are. */
  get length(): number {
    return this.#count;
  }

  /** Rows of all batches, their bytes, and the first and last time. */
  get totals(): Extent {
    return this.#totals;
  }

  /** Adds the next batch, with what was collected of its values where {@linkcode keepsBounds}. RangeError for one of 4 GiB or more. */
  add(entry: IndexEntry, summary: BatchSummary | undefined): void {
    const largest = Math.max(entry.length, entry.rows);
    if (largest >= 2 ** 32) throw new RangeError(`Batch has ${largest} bytes or rows: wanted less than 2^32`);
    const last = this.#pieces.at(-1);
    if (!last || this.#used === last.offset.length) {
      this.#pieces.push(newPiece(Math.min(PIECE_BATCHES, 2 * (last?.offset.length ?? 8))));
      this.#used = 0;
    }
    const piece = this.#pieces.at(-1)!;
    const at = this.#used++;
    piece.offset[at] = entry.offset;
    piece.length[at] = entry.length;
    piece.headBytes[at] = entry.headBytes;
    piece.rows[at] = entry.rows;
    piece.firstNs[at] = entry.firstNs;
    piece.lastNs[at] = entry.lastNs;
    piece.headerCrc[at] = entry.headerCrc;
    if (summary) {
      this.#bounded.push(this.#count);
      this.#bounds.add(bytesOf(summary.bounds));
      this.#detail.add(summary);
    }
    this.#count++;
    this.#totals = totals([this.#totals, extentOf(entry)]);
  }

  /** What readers make of it. */
  toIndex(): TopicIndex {
    const index: TopicIndex = {
      offset: new Float64Array(this.#count),
      length: new Float64Array(this.#count),
      rows: new Float64Array(this.#count),
      firstNs: new BigInt64Array(this.#count),
      lastNs: new BigInt64Array(this.#count),
      headerCrc: new Float64Array(this.#count),
    };
    let at = 0;
    for (const piece of this.#pieces) {
      const used = Math.min(piece.offset.length, this.#count - at);
      index.offset.set(piece.offset.subarray(0, used), at);
      index.length.set(piece.length.subarray(0, used), at);
      index.rows.set(piece.rows.subarray(0, used), at);
      index.firstNs.set(piece.firstNs.subarray(0, used), at);
      index.lastNs.set(piece.lastNs.subarray(0, used), at);
      index.headerCrc.set(piece.headerCrc.subarray(0, used), at);
      at += used;
    }
    return index;
  }

  /**
   * The end of the topic's file: its footer with the index, and right before it the bounds of all batches, 16 bytes for each
   * of a batch's bounded columns, where most batches have some, and before these the detail. The footer's metadata has their
   * checksums.
   */
  fileEnd(engine: Engine, stored: Schema): Uint8Array {
    const metadata = indexMetadata(engine, this.toIndex());
    const bounds = this.#boundsBytes();
    if (bounds) metadata.set(BOUNDS_CRC, hexCrc(engine.crc32(bounds)));
    const detail = this.#detail.encode(engine);
    if (detail) metadata.set(DETAIL, detail.text);
    return encodeFileEnd(stored, [...this.#blocks()], metadata, [
      ...detail?.parts ?? [],
      ...bounds ? [bounds] : [],
    ]);
  }

  /** Undefined where so few are known that nobody would have anything of them. */
  #boundsBytes(): Uint8Array | undefined {
    if (2 * this.#bounded.length < this.#count) return undefined;
    const bounds = this.#bounds.view;
    const perBatch = bounds.length / Math.max(1, this.#bounded.length);
    // Of the others all values would be within.
    const all = bytesOf(
      Float64Array.from({ length: this.#count * perBatch / 8 }, (_, i) => i % 2 === 0 ? -Infinity : Infinity),
    );
    for (const [i, batch] of this.#bounded.entries()) {
      all.set(bounds.subarray(i * perBatch, (i + 1) * perBatch), batch * perBatch);
    }
    return all;
  }

  /** The bounds of all batches, as readers of the file will have them; undefined where there are none. */
  toBounds(fields: readonly FieldSchema[]): BatchBounds | undefined {
    const bytes = this.#boundsBytes();
    return bytes && bytes.length > 0
      ? new BatchBounds(fields, new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8))
      : undefined;
  }

  /** The bounds of blocks of all batches as they were collected; undefined where there are none. */
  toDetail(fields: readonly FieldSchema[]): BlockBounds | undefined {
    return this.#detail.toBlocks(boundedColumns(fields), this.toIndex().rows);
  }

  *#blocks(): Generator<FooterBlock> {
    let left = this.#count;
    for (const { offset, length, headBytes } of this.#pieces) {
      for (let i = 0; i < offset.length && left > 0; i++, left--) {
        yield { offset: offset[i], length: length[i], headBytes: headBytes[i] };
      }
    }
  }
}

function newPiece(batches: number): IndexPiece {
  return {
    offset: new Float64Array(batches),
    firstNs: new BigInt64Array(batches),
    lastNs: new BigInt64Array(batches),
    length: new Uint32Array(batches),
    headBytes: new Uint32Array(batches),
    rows: new Uint32Array(batches),
    headerCrc: new Uint32Array(batches),
  };
}

function indexMetadata(engine: Engine, all: TopicIndex): Map<string, string> {
  const facts = Object.entries(all).map(([fact, values]) => [fact, encodeBase64(bytesOf(values))]);
  const index = JSON.stringify(Object.fromEntries(facts));
  const crc = hexCrc(engine.crc32(new TextEncoder().encode(index)));
  return new Map([["smalti:index", index], [INDEX_CRC, crc]]);
}

/** The index of these batches. */
export function indexOf(batches: readonly IndexedBatch[]): TopicIndex {
  return {
    offset: Float64Array.from(batches, (batch) => batch.offset),
    length: Float64Array.from(batches, (batch) => batch.length),
    rows: Float64Array.from(batches, (batch) => batch.rows),
    firstNs: BigInt64Array.from(batches, (batch) => batch.firstNs),
    lastNs: BigInt64Array.from(batches, (batch) => batch.lastNs),
    headerCrc: Float64Array.from(batches, (batch) => batch.headerCrc),
  };
}

/** A batch as part of its topic. */
function extentOf({ rows, length, firstNs, lastNs }: IndexedBatch): Extent {
  return { rowCount: rows, sizeBytes: length, firstNs, lastNs };
}

/** The index from its text. CORRUPT where a fact is missing or has another number of batches. */
export function decodeIndex(text: string): TopicIndex {
  const json = JSON.parse(text) as Partial<Record<keyof TopicIndex, unknown>>;
  const read = (fact: keyof TopicIndex): ArrayBuffer => {
    const base64 = json[fact];
    if (typeof base64 !== "string") throw new SmaltiError("CORRUPT", `Index has no ${fact} of its batches`);
    return decodeBase64(base64).buffer;
  };
  const index = {
    offset: new Float64Array(read("offset")),
    length: new Float64Array(read("length")),
    rows: new Float64Array(read("rows")),
    firstNs: new BigInt64Array(read("firstNs")),
    lastNs: new BigInt64Array(read("lastNs")),
    headerCrc: new Float64Array(read("headerCrc")),
  };
  const batches = index.offset.length;
  for (const [fact, values] of Object.entries(index)) {
    if (values.length !== batches) {
      throw new SmaltiError("CORRUPT", `Index has ${fact} of ${values.length} of its ${batches} batches`);
    }
    if (values instanceof BigInt64Array) continue;
    const wrong = values.findIndex((value) => !Number.isSafeInteger(value) || value < 0);
    if (wrong >= 0) throw new SmaltiError("CORRUPT", `Index has ${fact} ${values[wrong]} for batch ${wrong}`);
  }
  return index;
}

/** Throws OUT_OF_ORDER where a batch's times, which the index takes to ascend, do not. */
export function checkOrder(times: BigInt64Array, where: ErrorDetails = {}): void {
  const row = firstDescent(times);
  if (row < 0) return;
  const text = `Row ${row} is at ${times[row]} ns after ${times[row - 1]} ns: wanted time order`;
  throw new SmaltiError("OUT_OF_ORDER", text, where);
}
