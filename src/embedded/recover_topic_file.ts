import { decodeSchemaMessage, MAGIC } from "../arrow/decode.ts";
import { decodeFrame, MessageType } from "../engine/batch_message.ts";
import { openBatch } from "../arrow/stored_batch.ts";
import type { Engine } from "../engine.ts";
import { SmaltiError } from "../error.ts";
import type { Schema } from "../schema.ts";
import { seal, type Store } from "../store/store.ts";
import { TimeSlice } from "../util/time_slice.ts";
import type { Extent } from "../util/totals.ts";
import type { TopicSchema } from "../types.ts";
import { type BatchSummary, summaryOf } from "./batch_summary.ts";
import { keepsBounds } from "./bounded_batches.ts";
import { topicSchema } from "./stored_schema.ts";
import { checkOrder, type IndexedBatch, type IndexEntry } from "./topic_index.ts";
import { IndexBuilder } from "./index_builder.ts";

/** Heads of messages, and most whole batches of slow topics, fit. */
const HEAD_BYTES = 64 * 1024;
/** Messages begin at multiples of this. */
const ALIGNMENT = 8;
/** Where the schema's flatbuffer begins: after magic, continuation marker and length. */
const SCHEMA_OFFSET = 16;

/** What was found in a topic's file that has no sound footer. */
export interface RecoveredTopic {
  /** The topic's columns, from the schema at the file's start. */
  readonly schema: TopicSchema;
  /** What its whole batches hold. */
  readonly kept: Extent;
  /** Whole batches with right checksums. */
  readonly batches: number;
  /** Bytes of the file that belong to none of them: what was cut off, or is damaged. */
  readonly bytesDiscarded: number;
  /** Whether there is more among them than an end that was cut off. */
  readonly isDamaged: boolean;
  /** Bytes of the file once it has its footer. */
  readonly sizeBytes: number;
  /** The footer that the file wants; undefined where it ends by just this one. */
  readonly footer: Uint8Array | undefined;
}

/**
 * Finds in a topic's file that has no sound footer what is to be kept: every whole batch with right checksums, in the order of
 * writing. They stay as they are, and so does what is damaged, for who may understand it.
 *
 * @param mayCut Whether an end that was cut off goes, which makes room, where the store can do that and nothing is damaged.
 *
 * Undefined where the file ends within its schema: no message was ever in it. CORRUPT where that is damaged, UNSUPPORTED
 * where another program wrote the file: without checksums nothing tells a batch from what only looks like one.
 */
export async function salvageTopicFile(
  store: Store,
  engine: Engine,
  path: string,
  mayCut: boolean,
): Promise<RecoveredTopic | undefined> {
  const size = await store.size(path);
  const read: ReadRange = (offset, length) => store.read(path, offset, length);
  const found = await readSchema(read, engine, size);
  if (!found) {
    // A damaged length looks the same; then there are batches.
    if (!await holdsBatch(read, size)) return undefined;
    throw new SmaltiError("CORRUPT", "Schema at the file's start has a wrong length");
  }
  const { stored, schema, end: start } = found;

  const index = new IndexBuilder();
  let schemaBytes = start;
  /** Where the next batch begins, unless something else is there. */
  let next = start;
  let isDamaged = false;
  for await (const { offset, frame, entry } of lookForBatches(engine, read, size, schema)) {
    if (offset !== next ? entry : frame && !entry) isDamaged = true;
    if (frame && entry) {
      next = offset + frame.message.length;
      if (index.length === 0) schemaBytes = Math.min(start, offset);
      const { summary, ...facts } = entry;
      const place = { offset, length: frame.message.length, headBytes: frame.headBytes };
      index.add({ ...facts, ...place }, keepsBounds(index.length, facts.rows) ? summary() : undefined);
    }
  }

  const end = index.fileEnd(engine, stored);
  const hasEnd = equal(await store.read(path, Math.max(0, size - end.length), end.length), end);
  const isCut = mayCut && !hasEnd && !isDamaged && next < size && store.truncate !== undefined;
  if (isCut) await store.truncate!(path, next);
  const kept = index.totals;
  return {
    schema,
    kept,
    batches: index.length,
    isDamaged,
    bytesDiscarded: size - schemaBytes - kept.sizeBytes - (hasEnd ? end.length : 0),
    sizeBytes: hasEnd ? size : (isCut ? next : size) + end.length,
    footer: hasEnd ? undefined : end,
  };
}

/** Something in a topic's file that may be a batch. */
interface FoundFrame {
  readonly offset: number;
  /** Undefined where it is not to be made out. */
  readonly frame: { readonly message: Uint8Array; readonly headBytes: number } | undefined;
  /** What the index says of it; undefined where it is none that is whole. */
  readonly entry: ReturnType<typeof checkBatch>;
}

/** Looks for batches all over a topic's file. */
async function* lookForBatches(
  engine: Engine,
  read: ReadRange,
  size: number,
  schema: TopicSchema,
): AsyncGenerator<FoundFrame> {
  const slice = new TimeSlice();
  // Not from the schema's end: should its length be damaged, that is somewhere among the batches.
  for (let offset = SCHEMA_OFFSET; (offset = await nextMessage(read, offset, size)) < size;) {
    const frame = await readFrame(read, offset, size);
    const entry = frame && checkBatch(engine, frame.message, schema);
    yield { offset, frame, entry };
    await slice.pause();
    // What a damaged head says of its length is not to be trusted: the next batch may begin anywhere.
    offset += entry ? frame!.message.length : ALIGNMENT;
  }
}

/** What is whole in a topic's file whose footer is damaged: its columns and batches. Errors as {@linkcode readSchema}. */
export async function readWholeBatches(
  engine: Engine,
  read: ReadRange,
  size: number,
): Promise<{ schema: TopicSchema; batches: IndexedBatch[] } | undefined> {
  const found = await readSchema(read, engine, size);
  if (!found) return undefined;
  const { schema } = found;
  const batches: IndexedBatch[] = [];
  for await (const { offset, frame, entry } of lookForBatches(engine, read, size, schema)) {
    if (!entry) continue;
    const { rows, firstNs, lastNs, headerCrc } = entry;
    batches.push({ offset, length: frame!.message.length, rows, firstNs, lastNs, headerCrc });
  }
  return { schema, batches };
}

/** Gives a topic's file the footer that its writer did not come to write. Durable when it resolves. */
export async function endTopicFile(store: Store, path: string, { footer }: RecoveredTopic): Promise<void> {
  if (footer) await store.append(path, footer);
  await seal(store, path);
}

/**
 * The schema at the start of a topic's file, and where it ends; undefined where the file of this size ends before.
 * CORRUPT, UNSUPPORTED where another program wrote the file.
 */
export async function readSchema(
  read: ReadRange,
  engine: Engine,
  size: number,
): Promise<{ stored: Schema; schema: TopicSchema; end: number } | undefined> {
  const end = schemaEnd(await read(0, Math.min(HEAD_BYTES, size)), size);
  if (end === undefined) return undefined;
  const stored = decodeSchemaMessage((await read(0, end)).subarray(8));
  const schema = topicSchema(engine, stored);
  if (!stored.metadata.has("smalti:schema_crc")) {
    throw new SmaltiError("UNSUPPORTED", "File is not one that smalti wrote");
  }
  return { stored, schema, end };
}

/** Where the schema message ends; undefined where the file ends before. */
function schemaEnd(head: Uint8Array, size: number): number | undefined {
  const magic = MAGIC.subarray(0, size);
  if (!magic.every((byte, i) => head[i] === byte)) {
    throw new SmaltiError("CORRUPT", "File does not begin as an Arrow file");
  }
  if (size < SCHEMA_OFFSET) return undefined;
  const length = SCHEMA_OFFSET + new DataView(head.buffer, head.byteOffset + 12, 4).getInt32(0, true);
  if (length < SCHEMA_OFFSET) {
    throw new SmaltiError("CORRUPT", "Schema at the file's start has a wrong length");
  }
  return length > size ? undefined : length;
}

/** Whether there is what looks like a batch anywhere in a file. */
async function holdsBatch(read: ReadRange, size: number): Promise<boolean> {
  for (let offset = SCHEMA_OFFSET; (offset = await nextMessage(read, offset, size)) < size;) {
    if (await readFrame(read, offset, size)) return true;
    offset += ALIGNMENT;
  }
  return false;
}

/** Where the next message may begin, at or after an offset; the file's size where there is none. */
async function nextMessage(read: ReadRange, from: number, size: number): Promise<number> {
  let offset = Math.ceil(from / ALIGNMENT) * ALIGNMENT;
  // The first look is a short one: nearly always there is a message.
  for (let bytes = 8; offset + 8 <= size; bytes = HEAD_BYTES) {
    const part = await read(offset, bytes);
    const view = new DataView(part.buffer, part.byteOffset, part.byteLength);
    let at = 0;
    for (; at + 8 <= part.length; at += ALIGNMENT) {
      const headBytes = 8 + view.getInt32(at + 4, true);
      const fits = headBytes > 8 && offset + at + headBytes <= size;
      if (view.getInt32(at, true) === -1 && fits) return offset + at;
    }
    if (at === 0) break;
    offset += at;
  }
  return size;
}

/** Bytes of a file from an offset on; fewer where it ends before. */
export type ReadRange = (offset: number, length: number) => Promise<Uint8Array>;

/**
 * The batch's message at an offset of a file of a size, or of one that ends somewhere before that; undefined where it is cut
 * off, no batch, or not to be made out.
 */
export async function readFrame(
  read: ReadRange,
  offset: number,
  size: number,
): Promise<{ message: Uint8Array; headBytes: number } | undefined> {
  let bytes = await read(offset, Math.min(HEAD_BYTES, size - offset));
  if (bytes.length < 8) return undefined;
  const headBytes = 8 + new DataView(bytes.buffer, bytes.byteOffset + 4, 4).getInt32(0, true);
  if (headBytes < 8 || offset + headBytes > size) return undefined;
  if (headBytes > bytes.length) bytes = await read(offset, headBytes);
  try {
    const frame = decodeFrame(bytes);
    const length = headBytes + (frame?.bodyBytes ?? 0);
    if (frame?.type !== MessageType.recordBatch || offset + length > size) return undefined;
    const message = length <= bytes.length ? bytes.subarray(0, length) : await read(offset, length);
    return message.length === length ? { message, headBytes } : undefined;
  } catch (reason) {
    if (reason instanceof SmaltiError && reason.code === "CORRUPT") return undefined;
    throw reason;
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** What the index says of a batch; undefined where a checksum does not match, or the rows are not in order. */
function checkBatch(
  engine: Engine,
  message: Uint8Array,
  { fields }: TopicSchema,
):
  | Pick<IndexEntry, "rows" | "firstNs" | "lastNs" | "headerCrc"> & { summary: () => BatchSummary }
  | undefined {
  try {
    // No checksum covers the message's length: one too great would take the next batch with it.
    const { buffers } = engine.parseBatch(message);
    let end = 0;
    for (let i = 0; i < buffers.length; i += 2) end = Math.max(end, buffers[i] + buffers[i + 1]);
    if (message.length !== Math.ceil(end / ALIGNMENT) * ALIGNMENT) return undefined;
    const { table, times, rows, headerCrc } = openBatch(engine, message, { fields, where: {} });
    // Without a checksum nothing tells a batch from what only looks like one.
    if (headerCrc === undefined || rows === 0) return undefined;
    table.loadAll();
    checkOrder(times);
    const summary = () => summaryOf(table, times, buffers);
    return { rows, firstNs: times[0], lastNs: times[rows - 1], headerCrc, summary };
  } catch (reason) {
    if (reason instanceof SmaltiError) return undefined;
    throw reason;
  }
}
