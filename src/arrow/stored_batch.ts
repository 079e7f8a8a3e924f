/**
 * Stored record batches: sealed with checksums when written (`seal_batch.ts`), opened column by column when read.
 *
 * # Checksums
 *
 * A batch's custom metadata has the key `smalti:crc`: eight hex digits for the header, then eight for each buffer.
 * A buffer's CRC-32 covers its bytes as stored, prefix included. The header's covers, as little-endian int64: rows,
 * 1 if compressed else 0, the nodes, the buffers' offsets (from the start of the body) and lengths, the buffers' CRCs.
 *
 * @module
 */
import type { RawBatch } from "./append.ts";
import { buildVectors } from "./build_vectors.ts";
import { bytesOf } from "./columns.ts";
import { decodeFrame } from "../engine/batch_message.ts";
import type { Dictionary } from "./encoded_vector.ts";
import type { StoredBatch } from "./encode.ts";
import { MessageBuffers, rawLengthAt, TIME_BUFFERS } from "./message_buffers.ts";
import type { StructVector, Vector } from "./vector.ts";
import { type ErrorDetails, SmaltiError } from "../error.ts";
import type { FieldSchema } from "../schema.ts";
import type { BatchLayout, Engine } from "../engine.ts";

/** Key of the checksums in a batch's custom metadata. */
export const CRC_KEY = "smalti:crc";
const CRC_DIGITS = 8;
/** A batch at hand: times and columns, whose buffers load when they are touched. */
export interface OpenBatch {
  /** Rows in the batch. */
  rows: number;
  /** Column `timestamp_ns`, loaded. */
  times: BigInt64Array;
  /** All columns of the table, `timestamp_ns` first. */
  table: StructVector;
  /** The message that it was opened from; a view. */
  message: Uint8Array;
  /** Per buffer in depth-first order: offset in the message, length as stored. */
  places: ArrayLike<number>;
  /** The header's checksum; undefined in a batch without any, by another writer. */
  headerCrc: number | undefined;
  /**
   * Hears how many bytes a column takes before it is decompressed, and a negative number where that fails. What it throws,
   * touching the column throws.
   */
  onLoad: ((bytes: number) => void) | undefined;
  /** Bytes that were decompressed of columns and not let go of. */
  readonly loadedBytes: number;
  /** Lets go of all that was decompressed but the times. `table` is another one then. */
  unload(): void;
  /** The same batch for another holder: it has what was decompressed by now, and loads and lets go of columns on its own. */
  share(): OpenBatch;
  /** For the only holder, who has nothing of it any more: its bytes, and what was decompressed, may be used again. */
  giveBack(): void;
}

/** What {@linkcode openBatch} needs to know beside the bytes. */
export interface OpenOptions {
  /** Columns of the table, `timestamp_ns` first. */
  fields: readonly FieldSchema[];
  /** Where the message comes from, for errors. */
  where: ErrorDetails;
  /** Dictionaries read before it. */
  dictionaries?: ReadonlyMap<bigint, Dictionary>;
  /** The header's checksum as the index has it; the message must then carry checksums. */
  headerCrc?: number;
  /** Whether what is decompressed may lie in buffers from `takeBytes`. @default false */
  mayReuse?: boolean;
}

/**
 * Opens a record batch message. The batch keeps views on `message`, which must not change. CORRUPT for damage, at once
 * where it is in the header or the times, else when the buffer is touched.
 */
export function openBatch(engine: Engine, message: Uint8Array, options: OpenOptions): OpenBatch {
  try {
    const parts = openParts(engine, message, options);
    const table = parts.makeTable();
    const time = table.children[0];
    time.load();
    if (time.nullCount > 0 || time.validity && hasMissing(time)) {
      throw time.corrupt("has missing values: wanted none");
    }
    const { values } = time as unknown as { values: BigInt64Array };
    return batchOf(parts, { message, times: values, table });
  } catch (reason) {
    throw reason instanceof SmaltiError ? reason.at(options.where) : reason;
  }
}

function batchOf(
  { layout, buffers, makeTable, headerCrc }: OpenParts,
  { message, times, table }: { message: Uint8Array; times: BigInt64Array; table?: StructVector },
): OpenBatch {
  return {
    rows: layout.rows,
    times,
    get table() {
      return table ??= makeTable(buffers);
    },
    message,
    places: layout.buffers,
    headerCrc,
    get onLoad() {
      return buffers.onLoad;
    },
    set onLoad(listener) {
      buffers.onLoad = listener;
    },
    get loadedBytes() {
      return buffers.loadedBytes;
    },
    unload() {
      buffers.unload(TIME_BUFFERS);
      table = undefined;
    },
    giveBack() {
      buffers.giveBack();
    },
    share() {
      return batchOf({ layout, buffers: buffers.share(), makeTable, headerCrc }, { message, times });
    },
  };
}

/** Bytes that a record batch message's buffers take once they are decompressed, but for those stored as they are. CORRUPT. */
export function decompressedBytes(engine: Engine, message: Uint8Array): number {
  const { codec, buffers } = engine.parseBatch(message);
  let bytes = 0;
  if (codec === "none") return bytes;
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  for (let i = 0; i < buffers.length; i += 2) {
    // A negative length, or one without its 8 bytes, is for whoever opens the buffer to refuse.
    if (buffers[i + 1] >= 8) bytes += Math.max(0, rawLengthAt(view, buffers[i]));
  }
  return bytes;
}

function hasMissing(vector: Vector): boolean {
  for (let row = 0; row < vector.length; row++) if (!vector.isValid(row)) return true;
  return false;
}

/** A record batch message by its buffers, and their bytes, for who needs no columns. CORRUPT as {@linkcode openBatch}. */
export function openBuffers(
  engine: Engine,
  message: Uint8Array,
  { where, headerCrc }: Pick<OpenOptions, "where" | "headerCrc">,
): RawBatch & { readonly bytes: number } {
  try {
    const layout = engine.parseBatch(message);
    const crcs = checkHeader(engine, message, layout, headerCrc);
    const buffers = new MessageBuffers(engine, message, layout, crcs?.buffers, where);
    const { rows, nodes } = layout;
    return { rows, nodes, bytes: buffers.rawBytes(), buffer: (index) => buffers.buffer(index) };
  } catch (reason) {
    throw reason instanceof SmaltiError ? reason.at(where) : reason;
  }
}

/** The columns of a record batch or dictionary batch message. */
export function openColumns(
  engine: Engine,
  message: Uint8Array,
  options: OpenOptions,
): { layout: BatchLayout; table: StructVector; headerCrc: number | undefined } {
  const { layout, makeTable, headerCrc } = openParts(engine, message, options);
  return { layout, table: makeTable(), headerCrc };
}

/** What a message's columns are made of, and what makes them: vectors with nothing loaded. */
interface OpenParts {
  readonly layout: BatchLayout;
  readonly buffers: MessageBuffers;
  readonly makeTable: (buffers?: MessageBuffers) => StructVector;
  readonly headerCrc: number | undefined;
}

function openParts(engine: Engine, message: Uint8Array, options: OpenOptions): OpenParts {
  const layout = engine.parseBatch(message);
  const crcs = checkHeader(engine, message, layout, options.headerCrc);
  const { where, mayReuse } = options;
  const buffers = new MessageBuffers(engine, message, layout, crcs?.buffers, where, mayReuse);
  const shape = { ...layout, bufferCount: layout.buffers.length / 2 };
  const makeTable = (source = buffers) => buildVectors(options.fields, shape, source, options.dictionaries);
  return { layout, buffers, makeTable, headerCrc: crcs?.header };
}

function checkHeader(
  engine: Engine,
  message: Uint8Array,
  layout: BatchLayout,
  indexed?: number,
): { header: number; buffers: number[] } | undefined {
  const text = layout.metadata.get(CRC_KEY);
  if (text === undefined) {
    if (indexed === undefined) return undefined;
    throw new SmaltiError("CORRUPT", "Batch has no checksums");
  }
  const header = parseCrc(text, 0);
  const crcs = parseCrcs(text, CRC_DIGITS);
  const headBytes = decodeFrame(message)!.headBytes;
  const places = layout.buffers.slice();
  for (let i = 0; i < places.length; i += 2) places[i] -= headBytes;
  const batch = { rows: layout.rows, compressed: layout.codec !== "none", nodes: layout.nodes, places };
  if (crcs.length * 2 !== layout.buffers.length || headerCrc(engine, batch, crcs) !== header) {
    throw new SmaltiError("CORRUPT", "Batch header does not match its checksum");
  }
  if (indexed !== undefined && indexed !== header) {
    throw new SmaltiError("CORRUPT", "Batch is not the one that the index names");
  }
  return { header, buffers: crcs };
}

export function headerCrc(
  engine: Engine,
  batch: Pick<StoredBatch, "rows" | "compressed" | "nodes" | "places">,
  crcs: readonly number[],
): number {
  const { rows, compressed, nodes, places } = batch;
  const words = new Int32Array(2 * (2 + nodes.length + places.length + crcs.length));
  let at = 0;
  // As int64 in two halves: by way of bigint or a DataView it would take many times as long.
  const put = (numbers: ArrayLike<number>) => {
    for (let i = 0; i < numbers.length; i++) {
      const number = numbers[i];
      words[at++] = number;
      words[at++] = Math.floor(number / 2 ** 32);
    }
  };
  put([rows, compressed ? 1 : 0]);
  put(nodes);
  put(places);
  put(crcs);
  return engine.crc32(bytesOf(words));
}

/** CRCs out of eight hex digits each, from a place of a text on. */
function parseCrcs(text: string, start: number): number[] {
  const crcs: number[] = [];
  for (let at = start; at < text.length; at += CRC_DIGITS) crcs.push(parseCrc(text, at));
  return crcs;
}

/** A CRC out of its digits; NaN for what are none. Not by `parseInt`: there may be a hundred of them in a batch. */
function parseCrc(text: string, start: number): number {
  let crc = 0;
  for (let i = start; i < start + CRC_DIGITS; i++) {
    const code = text.charCodeAt(i);
    const digit = code >= 48 && code <= 57 ? code - 48 : code >= 97 && code <= 102 ? code - 87 : NaN;
    crc = crc * 16 + digit;
  }
  return crc;
}

/** A CRC as eight hex digits. */
export function hexCrc(crc: number): string {
  return crc.toString(16).padStart(CRC_DIGITS, "0");
}
