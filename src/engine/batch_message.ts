/**
 * Arrow IPC messages: their frames, and where the parts of a record batch lie.
 * Format: Arrow Columnar Format, "Encapsulated message format"; Message.fbs.
 *
 * @module
 */
import type { BatchLayout, Codec } from "../engine.ts";
import { SmaltiError } from "../error.ts";
import { FlatTable } from "./flatbuffer.ts";

/** Message.fbs, union MessageHeader. */
export const MessageType = { schema: 1, dictionaryBatch: 2, recordBatch: 3 } as const;

/** The frame of one encapsulated message. */
export interface MessageFrame {
  /** One of {@linkcode MessageType}. */
  type: number;
  /** Bytes of continuation marker, length and metadata, before the body. */
  headBytes: number;
  /** Bytes of the body. */
  bodyBytes: number;
  /** The message table. */
  table: FlatTable;
}

/**
 * Reads the frame of an encapsulated message at the start of `bytes`: continuation marker (4 bytes, left out before
 * Arrow 0.15), metadata length (int32), metadata, padding. Undefined at the end-of-stream marker.
 */
export function decodeFrame(bytes: Uint8Array): MessageFrame | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4) throw cut();
  const marked = view.getInt32(0, true) === -1;
  if (marked && bytes.length < 8) throw cut();
  const length = view.getInt32(marked ? 4 : 0, true);
  if (length === 0) return undefined;
  const headBytes = (marked ? 8 : 4) + length;
  if (length < 0 || headBytes > bytes.length) throw cut();
  const table = FlatTable.root(bytes.subarray(headBytes - length, headBytes));
  return { type: table.int(1, 8), headBytes, bodyBytes: table.count(3), table };
}

/** Bytes of a message's head, marker and length included, of a message that was encoded here. */
export function headBytesOf(message: Uint8Array): number {
  return 8 + new DataView(message.buffer, message.byteOffset, 8).getInt32(4, true);
}

/** The engine's first duty: see `Engine.parseBatch`. */
export function decodeBatch(message: Uint8Array): BatchLayout {
  const frame = decodeFrame(message);
  if (!frame || (frame.type !== MessageType.recordBatch && frame.type !== MessageType.dictionaryBatch)) {
    throw new SmaltiError("CORRUPT", "Arrow message is not a record batch");
  }
  if (frame.headBytes + frame.bodyBytes !== message.length) throw cut();
  const header = frame.table.table(2);
  const isDictionary = frame.type === MessageType.dictionaryBatch;
  const batch = isDictionary ? header?.table(1) : header;
  if (!header || !batch) throw new SmaltiError("CORRUPT", "Arrow message is not a record batch");

  const buffers = batch.counts(2, 2);
  for (let i = 0; i < buffers.length; i += 2) {
    if (buffers[i] + buffers[i + 1] > frame.bodyBytes) {
      throw new SmaltiError("CORRUPT", `Arrow buffer ${i / 2} lies outside the message's body`);
    }
    buffers[i] += frame.headBytes;
  }
  return {
    rows: batch.count(0),
    codec: decodeCodec(batch.table(3)),
    nodes: batch.nodes(1),
    buffers,
    variadic: batch.counts(4, 1),
    metadata: frame.table.keyValues(4),
    ...(isDictionary && { dictionary: { id: header.bigint(0), isDelta: header.bool(2) } }),
  };
}

function decodeCodec(compression: FlatTable | undefined): Codec {
  if (!compression) return "none";
  const codec = compression.int(0, 8);
  if (codec > 1 || codec < 0 || compression.int(1, 8) !== 0) {
    throw new SmaltiError(
      "UNSUPPORTED",
      `Arrow batch is compressed by codec ${codec}: wanted LZ4 frame (0) or ZSTD (1)`,
    );
  }
  return codec === 0 ? "lz4" : "zstd";
}

function cut(): SmaltiError {
  return new SmaltiError("CORRUPT", "Arrow message is cut or has a wrong length");
}
