import { hexCrc } from "../engine/batch.ts";
import type { Engine } from "../engine/engine.ts";
import { type ErrorDetails, SmaltiError } from "../error.ts";
import type { Part } from "../totals.ts";

/**
 * What a topic file's footer says of its batches, in order of writing. In the file it is JSON under `smalti:index`: one
 * array a fact, times as decimal strings. Readers ignore keys they do not know.
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

/** One batch's entry, as the writer collects them. */
export interface IndexEntry {
  offset: number;
  length: number;
  headBytes: number;
  rows: number;
  firstNs: bigint;
  lastNs: bigint;
  headerCrc: number;
}

/** The index as text. */
function encodeIndex(entries: readonly IndexEntry[]): string {
  return JSON.stringify({
    offset: entries.map((entry) => entry.offset),
    length: entries.map((entry) => entry.length),
    rows: entries.map((entry) => entry.rows),
    firstNs: entries.map((entry) => String(entry.firstNs)),
    lastNs: entries.map((entry) => String(entry.lastNs)),
    headerCrc: entries.map((entry) => entry.headerCrc),
  });
}

/** What a footer's metadata says of the batches: the index and its checksum. */
export function indexMetadata(engine: Engine, entries: readonly IndexEntry[]): Map<string, string> {
  const index = encodeIndex(entries);
  const crc = hexCrc(engine.crc32(new TextEncoder().encode(index)));
  return new Map([["smalti:index", index], ["smalti:index_crc", crc]]);
}

/** The index of these batches. */
export function indexOf(batches: readonly Omit<IndexEntry, "headBytes">[]): TopicIndex {
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
export function partOf({ rows, length, firstNs, lastNs }: IndexEntry): Part {
  return { rowCount: rows, sizeBytes: length, firstNs, lastNs };
}

/** The index from its text. CORRUPT where a fact is missing or has another number of batches. */
export function decodeIndex(text: string): TopicIndex {
  const json = JSON.parse(text) as Record<keyof TopicIndex, unknown[]>;
  const batches = json.offset?.length;
  for (const fact of ["offset", "length", "rows", "firstNs", "lastNs", "headerCrc"] as const) {
    if (!Array.isArray(json[fact]) || json[fact].length !== batches) {
      throw new SmaltiError("CORRUPT", `Index has no ${fact} for each of its ${batches} batches`);
    }
  }
  for (const fact of ["offset", "length", "rows", "headerCrc"] as const) {
    const wrong = json[fact].findIndex((value) => !Number.isSafeInteger(value) || (value as number) < 0);
    if (wrong >= 0) {
      throw new SmaltiError("CORRUPT", `Index has ${fact} ${json[fact][wrong]} for batch ${wrong}`);
    }
  }
  return {
    offset: Float64Array.from(json.offset as number[]),
    length: Float64Array.from(json.length as number[]),
    rows: Float64Array.from(json.rows as number[]),
    firstNs: BigInt64Array.from(json.firstNs as string[], BigInt),
    lastNs: BigInt64Array.from(json.lastNs as string[], BigInt),
    headerCrc: Float64Array.from(json.headerCrc as number[]),
  };
}

/** Throws OUT_OF_ORDER where a batch's times, which the index takes to ascend, do not. */
export function checkOrder(times: BigInt64Array, where: ErrorDetails = {}): void {
  for (let row = 1; row < times.length; row++) {
    if (times[row] >= times[row - 1]) continue;
    const text = `Row ${row} is at ${times[row]} ns after ${times[row - 1]} ns: wanted time order`;
    throw new SmaltiError("OUT_OF_ORDER", text, where);
  }
}
