import { decodeBase64, encodeBase64 } from "../arrow/base64.ts";
import { bytesOf } from "../arrow/columns.ts";
import { encodeFileEnd } from "../arrow/encode.ts";
import { hexCrc } from "../engine/batch.ts";
import type { Engine } from "../engine/engine.ts";
import { type ErrorDetails, SmaltiError } from "../error.ts";
import type { Schema } from "../schema.ts";
import { firstDescent } from "../times.ts";
import type { Part } from "../totals.ts";

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
  /** As from `boundsOf`. */
  bounds: Float64Array;
}

/**
 * The end of a topic's file: its footer with the index, and right before it the bounds of all batches, 16 bytes for each
 * of a batch's bounded columns. The footer's metadata has their checksums.
 */
export function topicFileEnd(engine: Engine, stored: Schema, entries: readonly IndexEntry[]): Uint8Array {
  const bounds = bytesOf(Float64Array.from(entries.flatMap((entry) => [...entry.bounds])));
  const metadata = indexMetadata(engine, entries).set(BOUNDS_CRC, hexCrc(engine.crc32(bounds)));
  return encodeFileEnd(stored, entries, metadata, bounds);
}

function indexMetadata(engine: Engine, entries: readonly IndexEntry[]): Map<string, string> {
  const facts = Object.entries(indexOf(entries)).map((
    [fact, values],
  ) => [fact, encodeBase64(bytesOf(values))]);
  const index = JSON.stringify(Object.fromEntries(facts));
  const crc = hexCrc(engine.crc32(new TextEncoder().encode(index)));
  return new Map([["smalti:index", index], ["smalti:index_crc", crc]]);
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

/** The index of the batches from one on; views. */
export function indexFrom(index: TopicIndex, first: number): TopicIndex {
  return {
    offset: index.offset.subarray(first),
    length: index.length.subarray(first),
    rows: index.rows.subarray(first),
    firstNs: index.firstNs.subarray(first),
    lastNs: index.lastNs.subarray(first),
    headerCrc: index.headerCrc.subarray(first),
  };
}

/** A batch as part of its topic. */
export function partOf({ rows, length, firstNs, lastNs }: IndexEntry): Part {
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
