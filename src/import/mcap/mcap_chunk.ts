/**
 * An MCAP chunk -> the records in it.
 *
 * @module
 */
import type { Engine } from "../../engine.ts";
import { SmaltiError } from "../../error.ts";
import { takeBytes } from "../../util/buffer_pool.ts";
import { decompressFrames } from "../frames.ts";
import type { MessageBatch } from "../message_batch.ts";
import {
  HEADER_BYTES,
  isKind,
  type McapChunk,
  type McapRecord,
  MESSAGE_BYTES,
  Opcode,
  parseRecord,
  RECORD_NAMES,
} from "./mcap_records.ts";

/**
 * The records of a chunk as bytes: a view where they were not compressed, else who is done with them may give them back by
 * `giveBytes`. Throws CORRUPT, TOO_LARGE, UNSUPPORTED (the compression). `none` in words is what some writers say for none.
 */
export function openChunk(
  engine: Pick<Engine, "decompress" | "crc32">,
  { compression, records, rawBytes, crc }: McapChunk,
  offset: number,
  maxBytes: number,
): Uint8Array {
  const isStored = compression === "" || compression === "none";
  if (!isStored && compression !== "lz4" && compression !== "zstd") {
    const name = JSON.stringify(compression.slice(0, 100));
    const text = `the file has a chunk at byte ${offset} compressed by ${name}: lz4 and zstd are known`;
    throw new SmaltiError("UNSUPPORTED", text, { offset });
  }
  if (rawBytes > maxBytes) {
    const text = `the file has a chunk at byte ${offset} of ${rawBytes} bytes: at most ${maxBytes} are read`;
    throw new SmaltiError("TOO_LARGE", text, { offset });
  }
  const raw = isStored || records.length === 0
    ? records
    : decompressFrames(engine, compression, records, rawBytes, takeBytes);
  const actual = crc === 0 ? 0 : engine.crc32(raw);
  if (actual !== crc) throw new SmaltiError("CORRUPT", `Incorrect chunk CRC ${actual} (expected ${crc})`);
  return raw;
}

/** Options of {@linkcode chunkRecords}. */
export interface ChunkRecordsOptions {
  /** Whether the bytes are known to be what was written; else a record is taken only where another follows it. */
  isChecked: boolean;
  /** Is used for the messages. */
  batch: MessageBatch;
  /** Takes what is wrong with a record, or with all from one on. May throw. */
  flaw(reason: SmaltiError, kind: string, lost: string): void;
}

/** The records in a chunk, messages in batches. Where one does not end where the next begins, those before it are all. */
export function* chunkRecords(
  bytes: Uint8Array,
  { isChecked, batch, flaw }: ChunkRecordsOptions,
): Generator<McapRecord> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  batch.begin(bytes, view, 0);
  for (let at = 0; at < bytes.length;) {
    const messageEnd = addMessage(batch, at, isChecked);
    if (messageEnd > 0) {
      at = messageEnd;
      if (!batch.isFull) continue;
    }
    if (batch.count > 0) {
      yield batch;
      batch.begin(bytes, view, 0);
    }
    if (messageEnd > 0) continue;
    const left = bytes.length - at;
    const start = at + HEADER_BYTES;
    const end = left < HEADER_BYTES ? Infinity : start + Number(view.getBigUint64(at + 1, true));
    const isWhole = end <= bytes.length && bytes[at] !== 0;
    if (!isWhole || !isChecked && end < bytes.length && !isKind(bytes[end])) {
      const error = new SmaltiError("CORRUPT", `${left} bytes remaining in chunk`);
      return flaw(error, "chunk", `the last ${left} of its ${bytes.length} bytes`);
    }
    const opcode = bytes[at];
    at = end;
    try {
      if (
        opcode in RECORD_NAMES && opcode !== Opcode.SCHEMA && opcode !== Opcode.CHANNEL &&
        opcode !== Opcode.MESSAGE
      ) {
        throw new SmaltiError("CORRUPT", `${RECORD_NAMES[opcode]} record not allowed inside a chunk`);
      }
      yield parseRecord(opcode, bytes.subarray(start, end))!;
    } catch (reason) {
      if (!(reason instanceof SmaltiError)) throw reason;
      flaw(reason, RECORD_NAMES[opcode], `the ${RECORD_NAMES[opcode]}`);
    }
  }
  if (batch.count > 0) yield batch;
}

/** Adds the message that begins there. Where it ends; 0 where there is none that is whole. */
function addMessage(batch: MessageBatch, at: number, isChecked: boolean): number {
  const { bytes, view } = batch;
  const start = at + HEADER_BYTES;
  const content = start + MESSAGE_BYTES;
  if (bytes[at] !== Opcode.MESSAGE || content > bytes.length || view.getUint32(at + 5, true) !== 0) return 0;
  const end = start + view.getUint32(at + 1, true);
  if (end < content || end > bytes.length) return 0;
  if (!isChecked && end < bytes.length && !isKind(bytes[end])) return 0;
  const [low, high] = [view.getUint32(start + 6, true), view.getUint32(start + 10, true)];
  batch.add(view.getUint16(start, true), content, end, low, high);
  return end;
}
