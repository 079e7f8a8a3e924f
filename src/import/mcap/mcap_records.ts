/**
 * The records of MCAP: bytes of one -> what it says.
 *
 * Source: MCAP specification, https://mcap.dev/spec#records.
 *
 * @module
 */
import { SmaltiError } from "../../error.ts";
import type { MessageBatch } from "../message_batch.ts";
import { RecordCursor } from "./record_cursor.ts";

/** What an MCAP file begins and ends with. */
export const MAGIC: Uint8Array = Uint8Array.of(0x89, 0x4d, 0x43, 0x41, 0x50, 0x30, 0x0d, 0x0a);
/** Bytes before a record's content: its opcode and its length. */
export const HEADER_BYTES = 9;

/** Bytes of a message's record before its data. */
export const MESSAGE_BYTES = 22;

/** Kinds of records. */
export const Opcode = {
  HEADER: 0x01,
  FOOTER: 0x02,
  SCHEMA: 0x03,
  CHANNEL: 0x04,
  MESSAGE: 0x05,
  CHUNK: 0x06,
  MESSAGE_INDEX: 0x07,
  CHUNK_INDEX: 0x08,
  ATTACHMENT: 0x09,
  ATTACHMENT_INDEX: 0x0a,
  STATISTICS: 0x0b,
  METADATA: 0x0c,
  METADATA_INDEX: 0x0d,
  SUMMARY_OFFSET: 0x0e,
  DATA_END: 0x0f,
} as const;

/** What they are called, by opcode. */
export const RECORD_NAMES: readonly string[] = Object.entries(Opcode).reduce<string[]>(
  (names, [name, opcode]) => {
    names[opcode] = name.toLowerCase().replace("_", " ");
    return names;
  },
  [],
);

/** The first record. */
export interface McapHeader {
  readonly type: "Header";
  readonly profile: string;
  readonly library: string;
}

/** What describes messages. */
export interface McapSchema {
  readonly type: "Schema";
  readonly id: number;
  readonly name: string;
  readonly encoding: string;
  readonly data: Uint8Array;
}

/** A stream of messages. */
export interface McapChannel {
  readonly type: "Channel";
  readonly id: number;
  readonly schemaId: number;
  readonly topic: string;
  readonly messageEncoding: string;
  readonly metadata: ReadonlyMap<string, string>;
  /** Keys of `metadata` that were there again. */
  readonly twice: readonly string[];
}

/** One message. `data` is a view. */
export interface McapMessage {
  readonly type: "Message";
  readonly channelId: number;
  readonly sequence: number;
  readonly logTime: bigint;
  readonly publishTime: bigint;
  readonly data: Uint8Array;
}

/** A file within the file. `crc` is that of the first `crcBytes` of the record's content; 0 where there is none. */
export interface McapAttachment {
  readonly type: "Attachment";
  readonly logTime: bigint;
  readonly createTime: bigint;
  readonly name: string;
  readonly mediaType: string;
  readonly data: Uint8Array;
  readonly crcBytes: number;
  readonly crc: number;
}

/** Facts in words. */
export interface McapMetadata {
  readonly type: "Metadata";
  readonly name: string;
  readonly metadata: ReadonlyMap<string, string>;
  /** Keys that were there again. */
  readonly twice: readonly string[];
}

/** A record of a kind that the specification does not have. */
export interface McapUnknown {
  readonly type: "Unknown";
  readonly opcode: number;
}

/** What a reader hands on; the rest is its own. */
export type McapRecord =
  | McapHeader
  | McapSchema
  | McapChannel
  | McapMessage
  | McapAttachment
  | McapMetadata
  | McapUnknown
  | MessageBatch;

/** Records, compressed or not. `records` is a view. */
export interface McapChunk {
  readonly startTime: bigint;
  readonly endTime: bigint;
  readonly rawBytes: number;
  readonly crc: number;
  readonly compression: string;
  readonly records: Uint8Array;
}

/** A message of a batch whose bytes are those of a chunk: what is said of it lies before its content. */
export function messageOf({ bytes, view, starts, ends }: MessageBatch, i: number): McapMessage {
  return parseMessage(bytes, view, starts[i] - MESSAGE_BYTES, ends[i]);
}

/** What a record says that is to be handed on; undefined for the other kinds. CORRUPT. */
export function parseRecord(opcode: number, content: Uint8Array): McapRecord | undefined {
  switch (opcode) {
    case Opcode.MESSAGE: {
      const { buffer, byteOffset, length } = content;
      return parseMessage(content, new DataView(buffer, byteOffset, length), 0, length);
    }
    case Opcode.HEADER: {
      const cursor = new RecordCursor(content);
      return { type: "Header", profile: cursor.text(), library: cursor.text() };
    }
    case Opcode.SCHEMA: {
      const cursor = new RecordCursor(content);
      const [id, name, encoding] = [cursor.uint16(), cursor.text(), cursor.text()];
      return { type: "Schema", id, name, encoding, data: cursor.bytes(cursor.uint32()).slice() };
    }
    case Opcode.CHANNEL: {
      const cursor = new RecordCursor(content);
      const [id, schemaId, topic, messageEncoding] = [
        cursor.uint16(),
        cursor.uint16(),
        cursor.text(),
        cursor.text(),
      ];
      const twice: string[] = [];
      return { type: "Channel", id, schemaId, topic, messageEncoding, metadata: cursor.texts(twice), twice };
    }
    case Opcode.ATTACHMENT: {
      const cursor = new RecordCursor(content);
      const [logTime, createTime, name, mediaType] = [
        cursor.uint64(),
        cursor.uint64(),
        cursor.text(),
        cursor.text(),
      ];
      const data = cursor.bytes(cursor.size());
      const crcBytes = cursor.at;
      return {
        type: "Attachment",
        logTime,
        createTime,
        name,
        mediaType,
        data,
        crcBytes,
        crc: cursor.uint32(),
      };
    }
    case Opcode.METADATA: {
      const cursor = new RecordCursor(content);
      const twice: string[] = [];
      return { type: "Metadata", name: cursor.text(), metadata: cursor.texts(twice), twice };
    }
    default:
      return opcode in RECORD_NAMES ? undefined : { type: "Unknown", opcode };
  }
}

/** The message whose content is `bytes[start, end)`, of which `view` is one too: there is nothing to make but it. CORRUPT. */
function parseMessage(bytes: Uint8Array, view: DataView, start: number, end: number): McapMessage {
  if (end - start < MESSAGE_BYTES) {
    throw new SmaltiError(
      "CORRUPT",
      `a message's record has ${end - start} bytes, fewer than ${MESSAGE_BYTES}`,
    );
  }
  return {
    type: "Message",
    channelId: view.getUint16(start, true),
    sequence: view.getUint32(start + 2, true),
    logTime: view.getBigUint64(start + 6, true),
    publishTime: view.getBigUint64(start + 14, true),
    data: bytes.subarray(start + MESSAGE_BYTES, end),
  };
}

/** A chunk, closed. CORRUPT. */
export function parseChunk(content: Uint8Array): McapChunk {
  const cursor = new RecordCursor(content);
  const [startTime, endTime] = [cursor.uint64(), cursor.uint64()];
  const [rawBytes, crc, compression] = [cursor.size(), cursor.uint32(), cursor.text()];
  return { startTime, endTime, rawBytes, crc, compression, records: cursor.bytes(cursor.size()) };
}

/** What the last record says. CORRUPT. */
export function parseFooter(content: Uint8Array): { summaryStart: number; summaryCrc: number } {
  const cursor = new RecordCursor(content);
  const summaryStart = cursor.size();
  cursor.size();
  return { summaryStart, summaryCrc: cursor.uint32() };
}

/** The bytes of each field of a record, by opcode: a number, or where a length says: `s` in 4 bytes, `l` in 8. */
const FIELDS: readonly (readonly (number | "s" | "l")[] | undefined)[] = [
  undefined,
  ["s", "s"],
  [20],
  [2, "s", "s", "s"],
  [4, "s", "s", "s"],
  [22],
  [28, "s", "l"],
  [2, "s"],
  [32, "s", 8, "s", 16],
  [16, "s", "s", "l", 4],
  [40, "s", "s"],
  [42, "s"],
  ["s", "s"],
  [16, "s"],
  [17],
  [4],
];

/**
 * The length of a record by the lengths within it, as far as `content`, its beginning, tells: undefined where more of it is
 * needed, or where its kind is none. A record may be longer: a later specification may add to it.
 */
export function innerLength(opcode: number, content: Uint8Array): number | undefined {
  const fields = FIELDS[opcode];
  if (!fields) return undefined;
  const view = new DataView(content.buffer, content.byteOffset, content.length);
  let at = 0;
  for (const field of fields) {
    if (typeof field === "number") at += field;
    else {
      const width = field === "s" ? 4 : 8;
      if (at + width > content.length) return undefined;
      at += width + (field === "s" ? view.getUint32(at, true) : Number(view.getBigUint64(at, true)));
    }
  }
  return at;
}

/** The fewest bytes of a record, by opcode: all lengths in it are 0. */
const LEAST_BYTES = FIELDS.map((fields) => {
  return fields?.reduce<number>((sum, field) => sum + (field === "s" ? 4 : field === "l" ? 8 : field), 0);
});
/** No record is longer, for one who has to doubt. */
const MOST_BYTES = 2 ** 40;

/**
 * Whether a record may begin at `bytes[at]`, by its header alone: its kind is defined or private, and its length is one
 * that such a record can have.
 */
export function looksLikeRecord(bytes: Uint8Array, view: DataView, at: number): boolean {
  const opcode = bytes[at];
  if (!isKind(opcode)) return false;
  const length = view.getUint32(at + 1, true) + view.getUint32(at + 5, true) * 2 ** 32;
  return length >= (LEAST_BYTES[opcode] ?? 0) && length < MOST_BYTES;
}

/** Whether a record may be of that kind: a defined or a private one. */
export function isKind(opcode: number): boolean {
  return opcode > 0 && opcode < FIELDS.length || opcode >= 0x80;
}
