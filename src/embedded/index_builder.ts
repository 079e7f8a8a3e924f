/**
 * The index of a topic's file while it is written, and the file's end with it.
 *
 * @module
 */
import { encodeBase64 } from "../util/base64.ts";
import type { BlockBounds } from "../arrow/block_bounds.ts";
import { BatchBounds, boundedColumns } from "../arrow/bounds.ts";
import { bytesOf } from "../arrow/columns.ts";
import { GrowingBytes } from "../arrow/growing.ts";
import { encodeFileEnd, type FooterBlock } from "../arrow/encode.ts";
import { hexCrc } from "../arrow/stored_batch.ts";
import type { Engine } from "../engine.ts";
import type { FieldSchema, Schema } from "../schema.ts";
import { type Extent, totals } from "../util/totals.ts";
import type { BatchSummary } from "./batch_summary.ts";
import { DetailBuilder } from "./detail_builder.ts";
import { DETAIL } from "./detail_part.ts";
import { BOUNDS_CRC, INDEX_CRC, type IndexedBatch, type IndexEntry, type TopicIndex } from "./topic_index.ts";

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

/** A batch as part of its topic. */
function extentOf({ rows, length, firstNs, lastNs }: IndexedBatch): Extent {
  return { rowCount: rows, sizeBytes: length, firstNs, lastNs };
}
