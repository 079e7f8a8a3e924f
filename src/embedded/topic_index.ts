import { decodeBase64 } from "../util/base64.ts";
import { type ErrorDetails, SmaltiError } from "../error.ts";
import { firstDescent } from "../util/times.ts";

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
