/**
 * Schema, columns, footer -> Arrow IPC bytes. Mirrors `decode.ts`, function by function.
 * Format: Arrow Columnar Format, "Serialization and Interprocess Communication (IPC)"; Message.fbs, Schema.fbs, File.fbs.
 *
 * @module
 */
import { Builder } from "flatbuffers";
import type { DataType, FieldSchema, Schema } from "../schema.ts";
import { MAGIC } from "./decode.ts";
import { MessageType } from "../engine/batch_message.ts";
import type { Columns } from "./columns.ts";

/** Message.fbs, MetadataVersion V5: every Arrow since 1.0. */
const VERSION = 4;
const UNITS = { s: 0, ms: 1, us: 2, ns: 3, day: 0 } as const;

/** The end-of-stream marker: a continuation and the length 0. */
export const END_OF_STREAM: Uint8Array = new Uint8Array([255, 255, 255, 255, 0, 0, 0, 0]);

/** A schema message with its frame, ready to begin a stream. */
export function encodeSchemaMessage(schema: Schema): Uint8Array {
  const builder = new Builder(1024);
  const header = encodeSchema(builder, schema);
  return frame(message(builder, MessageType.schema, header, 0, new Map()));
}

/** What turns stored bytes into a message's body, and says how to read them back. */
export interface BodyCoder {
  /**
   * One LZ4 frame of a buffer, which is looked at before the next call; or undefined where that saves too little. Without it
   * the batch is written plain.
   */
  compress?: (bytes: Uint8Array, buffer: number) => Uint8Array | undefined;
  /** Custom metadata for the message, made from what will stand in its header and body. */
  describe?: (batch: StoredBatch) => Map<string, string>;
  /** Gives the buffer to write into, such as `takeBytes`; what is in it does not matter. @default a fresh one */
  allocate?: (length: number) => Uint8Array;
}

/** A record batch as it will stand in the file. */
export interface StoredBatch {
  /** Rows in the batch. */
  rows: number;
  /** Whether buffers carry the 8 byte prefix of compressed bodies. */
  compressed: boolean;
  /** Per field in depth-first order: length, null count. */
  nodes: ArrayLike<number>;
  /** Per buffer: offset in the body, length. */
  places: ArrayLike<number>;
  /** Per view column: the number of its data buffers. */
  variadic: ArrayLike<number>;
  /** Bytes of the body. */
  bodyBytes: number;
  /** The body's bytes of buffer `i`, prefix included; a view. */
  buffer: (i: number) => Uint8Array;
}

/**
 * One record batch message with its frame, the caller's: a part of what `allocate` gave, where that is large enough.
 * Buffers are padded to 8 bytes. In a compressed body each non-empty buffer begins with its raw length as int64, or -1
 * where it is stored as it is.
 */
export function encodeBatch(columns: Columns, coder: BodyCoder = {}): Uint8Array {
  return encodeColumns(columns, coder);
}

/** One dictionary batch message, which takes the place of the dictionary's values before; as {@linkcode encodeBatch}. */
export function encodeDictionaryBatch(id: bigint, values: Columns, coder: BodyCoder = {}): Uint8Array {
  return encodeColumns(values, coder, id);
}

function encodeColumns(columns: Columns, coder: BodyCoder, dictionary?: bigint): Uint8Array {
  const { rows, nodes, buffers, variadic = [] } = columns;
  const { compress, allocate = (length) => new Uint8Array(length) } = coder;
  // The head's length depends on the metadata, which depends on the body: the body is put together first, behind room for a head
  // and for what it has at most.
  const prefix = compress ? 8 : 0;
  const mostBytes = buffers.reduce((sum, { length }) => sum + pad(length + prefix), 0);
  const shift = headRoom(columns);
  const body = allocate(shift + mostBytes);
  const view = new DataView(body.buffer, body.byteOffset);
  const places = new Float64Array(buffers.length * 2);
  let bodyBytes = 0;
  for (let i = 0; i < buffers.length; i++) {
    const raw = buffers[i];
    places[2 * i] = bodyBytes;
    if (raw.length === 0) continue;
    const packed = compress?.(raw, i);
    const stored = packed && packed.length <= raw.length ? packed : raw;
    const at = shift + bodyBytes + prefix;
    if (compress) view.setBigInt64(at - prefix, stored === raw ? -1n : BigInt(raw.length), true);
    body.set(stored, at);
    places[2 * i + 1] = prefix + stored.length;
    bodyBytes += pad(places[2 * i + 1]);
    body.fill(0, at + stored.length, shift + bodyBytes);
  }
  const batch: StoredBatch = {
    rows,
    compressed: compress !== undefined,
    nodes,
    places,
    variadic,
    bodyBytes,
    buffer: (i) => body.subarray(shift + places[2 * i], shift + places[2 * i] + places[2 * i + 1]),
  };
  const head = frame(encodeBatchHead(batch, coder.describe?.(batch) ?? new Map(), dictionary));
  if (head.length > shift) {
    const whole = new Uint8Array(head.length + bodyBytes);
    whole.set(head);
    whole.set(body.subarray(shift, shift + bodyBytes), head.length);
    return whole;
  }
  body.set(head, shift - head.length);
  return body.subarray(shift - head.length, shift + bodyBytes);
}

/** Room for the head of most batches; a multiple of 8, so that the body stays aligned. */
function headRoom(columns: Columns): number {
  return 512 + 32 * (columns.nodes.length + columns.buffers.length * 2);
}

function encodeBatchHead(
  batch: StoredBatch,
  metadata: Map<string, string>,
  dictionary?: bigint,
): Uint8Array {
  const builder = new Builder(1024);
  let compression = 0;
  if (batch.compressed) {
    builder.startObject(2); // codec LZ4_FRAME = 0, method BUFFER = 0: both defaults
    compression = builder.endObject();
  }
  const buffers = longs(builder, batch.places, 2);
  const nodes = longs(builder, batch.nodes, 2);
  const variadic = batch.variadic.length === 0 ? 0 : longs(builder, batch.variadic, 1);
  builder.startObject(5);
  builder.addFieldInt64(0, BigInt(batch.rows), 0n);
  builder.addFieldOffset(1, nodes, 0);
  builder.addFieldOffset(2, buffers, 0);
  builder.addFieldOffset(3, compression, 0);
  builder.addFieldOffset(4, variadic, 0);
  const header = builder.endObject();
  if (dictionary === undefined) {
    return message(builder, MessageType.recordBatch, header, batch.bodyBytes, metadata);
  }
  builder.startObject(3);
  builder.addFieldInt64(0, dictionary, 0n);
  builder.addFieldOffset(1, header, 0);
  return message(builder, MessageType.dictionaryBatch, builder.endObject(), batch.bodyBytes, metadata);
}

/** A vector of structs of `perItem` longs, written back to front as FlatBuffers are. */
function longs(builder: Builder, values: ArrayLike<number>, perItem: number): number {
  builder.startVector(8 * perItem, values.length / perItem, 8);
  for (let i = values.length - 1; i >= 0; i--) builder.writeInt64(BigInt(values[i]));
  return builder.endVector();
}

function message(
  builder: Builder,
  type: number,
  header: number,
  bodyBytes: number,
  metadata: ReadonlyMap<string, string>,
): Uint8Array {
  const pairs = keyValues(builder, metadata);
  builder.startObject(5);
  builder.addFieldInt16(0, VERSION, 0);
  builder.addFieldInt8(1, type, 0);
  builder.addFieldOffset(2, header, 0);
  builder.addFieldInt64(3, BigInt(bodyBytes), 0n);
  builder.addFieldOffset(4, pairs, 0);
  builder.finish(builder.endObject());
  return builder.asUint8Array();
}

/** Continuation marker, metadata length, metadata, zeros up to a multiple of 8. */
function frame(metadata: Uint8Array): Uint8Array {
  const length = pad(metadata.length);
  const bytes = new Uint8Array(8 + length);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, -1, true);
  view.setInt32(4, length, true);
  bytes.set(metadata, 8);
  return bytes;
}

/** Where a message stands in a file. */
export interface FooterBlock {
  /** Offset from the start of the file. */
  offset: number;
  /** Bytes of head and body. */
  length: number;
  /** Bytes of the head alone. */
  headBytes: number;
}

/**
 * Everything after the last message of a file: end of stream, footer, its length, magic. `extra` bytes come right before
 * the footer, where no reader of Arrow looks.
 */
export function encodeFileEnd(
  schema: Schema,
  blocks: readonly FooterBlock[],
  metadata: Map<string, string>,
  extra: readonly Uint8Array[] = [],
): Uint8Array {
  const builder = new Builder(4096);
  const pairs = keyValues(builder, metadata);
  builder.startVector(24, blocks.length, 8);
  for (const block of blocks.toReversed()) {
    builder.prep(8, 24);
    builder.writeInt64(BigInt(block.length - block.headBytes));
    builder.pad(4);
    builder.writeInt32(block.headBytes);
    builder.writeInt64(BigInt(block.offset));
  }
  const batches = builder.endVector();
  const root = encodeSchema(builder, schema);
  builder.startObject(5);
  builder.addFieldInt16(0, VERSION, 0);
  builder.addFieldOffset(1, root, 0);
  builder.addFieldOffset(3, batches, 0);
  builder.addFieldOffset(4, pairs, 0);
  builder.finish(builder.endObject());
  const footer = builder.asUint8Array();

  const footerAt = extra.reduce((sum, { length }) => sum + length, END_OF_STREAM.length);
  const bytes = new Uint8Array(footerAt + footer.length + 10);
  bytes.set(END_OF_STREAM);
  let at = END_OF_STREAM.length;
  for (const part of extra) {
    bytes.set(part, at);
    at += part.length;
  }
  bytes.set(footer, footerAt);
  new DataView(bytes.buffer).setInt32(bytes.length - 10, footer.length, true);
  bytes.set(MAGIC, bytes.length - MAGIC.length);
  return bytes;
}

function encodeSchema(builder: Builder, schema: Schema): number {
  const fields = offsets(builder, schema.fields.map((field) => encodeField(builder, field)));
  const pairs = keyValues(builder, schema.metadata);
  builder.startObject(4);
  builder.addFieldOffset(1, fields, 0);
  builder.addFieldOffset(2, pairs, 0);
  return builder.endObject();
}

function encodeField(builder: Builder, field: FieldSchema): number {
  const children = offsets(builder, field.children.map((child) => encodeField(builder, child)));
  const pairs = keyValues(builder, new Map(Object.entries(field.metadata ?? {})));
  const name = builder.createString(field.name);
  const [kind, type] = encodeType(builder, field.type);
  const dictionary = field.dictionary ? encodeDictionary(builder, field.dictionary) : 0;
  builder.startObject(7);
  builder.addFieldOffset(0, name, 0);
  builder.addFieldInt8(1, field.nullable ? 1 : 0, 0);
  builder.addFieldInt8(2, kind, 0);
  builder.addFieldOffset(3, type, 0);
  builder.addFieldOffset(4, dictionary, 0);
  builder.addFieldOffset(5, children, 0);
  builder.addFieldOffset(6, pairs, 0);
  return builder.endObject();
}

function encodeDictionary(
  builder: Builder,
  { id, index, isOrdered }: NonNullable<FieldSchema["dictionary"]>,
): number {
  const [, type] = encodeType(builder, { kind: "int", ...index });
  builder.startObject(4);
  builder.addFieldInt64(0, id, 0n);
  builder.addFieldOffset(1, type, 0);
  builder.addFieldInt8(2, isOrdered ? 1 : 0, 0);
  return builder.endObject();
}

/** Schema.fbs, union Type: its number and its table. */
function encodeType(builder: Builder, type: DataType): [kind: number, table: number] {
  const timezone = type.kind === "temporal" && type.timezone !== undefined
    ? builder.createString(type.timezone)
    : 0;
  builder.startObject(3);
  const kind = (() => {
    switch (type.kind) {
      case "null":
        return 1;
      case "int":
        builder.addFieldInt32(0, type.bits, 0);
        builder.addFieldInt8(1, type.signed ? 1 : 0, 0);
        return 2;
      case "float":
        builder.addFieldInt16(0, type.bits === 16 ? 0 : type.bits === 32 ? 1 : 2, 0);
        return 3;
      case "binary":
        return type.offsets === 32 ? 4 : 19;
      case "utf8":
        return type.offsets === 32 ? 5 : 20;
      case "bool":
        return 6;
      case "decimal":
        builder.addFieldInt32(0, type.precision, 0);
        builder.addFieldInt32(1, type.scale, 0);
        builder.addFieldInt32(2, type.bits, 128);
        return 7;
      case "temporal":
        // Date's, Time's and Duration's unit default to 1 in the schema, Timestamp's to 0.
        builder.addFieldInt16(0, UNITS[type.unit], type.of === "timestamp" ? 0 : 1);
        if (type.of === "time") builder.addFieldInt32(1, type.bits, 32);
        if (timezone !== 0) builder.addFieldOffset(1, timezone, 0);
        return { date: 8, time: 9, timestamp: 10, duration: 18 }[type.of];
      case "list":
        return type.offsets === 32 ? 12 : 21;
      case "struct":
        return 13;
      case "fixedBinary":
        builder.addFieldInt32(0, type.size, 0);
        return 15;
      case "fixedList":
        builder.addFieldInt32(0, type.size, 0);
        return 16;
      case "map":
        builder.addFieldInt8(0, type.keysSorted ? 1 : 0, 0);
        return 17;
      case "runEnd":
        return 22;
      case "binaryView":
        return 23;
      case "utf8View":
        return 24;
      case "listView":
        return type.offsets === 32 ? 25 : 26;
    }
  })();
  return [kind, builder.endObject()];
}

function keyValues(builder: Builder, pairs: ReadonlyMap<string, string>): number {
  if (pairs.size === 0) return 0;
  const tables = [...pairs].map(([key, value]) => {
    const [keyAt, valueAt] = [builder.createString(key), builder.createString(value)];
    builder.startObject(2);
    builder.addFieldOffset(0, keyAt, 0);
    builder.addFieldOffset(1, valueAt, 0);
    return builder.endObject();
  });
  return offsets(builder, tables);
}

function offsets(builder: Builder, tables: number[]): number {
  builder.startVector(4, tables.length, 4);
  for (const table of tables.toReversed()) builder.addOffset(table);
  return builder.endVector();
}

function pad(length: number): number {
  return Math.ceil(length / 8) * 8;
}
