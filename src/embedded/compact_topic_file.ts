/**
 * Compaction: a topic's small batches, as frequent flushes leave them, joined to large ones.
 *
 * Only batches that were written one after another are joined, and sorted stably by time together. So late rows stay in
 * their places in the order, and rows of one time stay in the order of pushing.
 *
 * @module
 */
import { BATCH_BYTES, BATCH_ROWS } from "../arrow/batch_size.ts";
import { boundsOf } from "../arrow/bounds.ts";
import { rowWidth } from "../arrow/columns.ts";
import { concat } from "../arrow/concat.ts";
import { decodeSchemaMessage } from "../arrow/decode.ts";
import { inTimeOrder, vectorsOf } from "../arrow/rearrange.ts";
import { BinaryVector, ListVector, type StructVector, type Vector } from "../arrow/vector.ts";
import { openBatch, sealBatch } from "../engine/batch.ts";
import type { Engine } from "../engine/engine.ts";
import { SmaltiError } from "../error.ts";
import type { FieldSchema, Schema } from "../schema.ts";
import { giveBytes } from "../spare_buffers.ts";
import type { Store } from "../store/store.ts";
import { TimeSlice } from "../time_slice.ts";
import { IndexBuilder, keepsBounds, type TopicIndex } from "./topic_index.ts";

/** What a file is called while it is written that will take another's place. No topic's path ends so. */
export const NEW_SUFFIX = ".new";
/** Joining must save this part of the batches. */
const LEAST_SAVED = 0.1;
/** Batches of more bytes than this, as stored, stay as they are. */
const LARGE_BYTES = BATCH_BYTES / 2;
/** Small batches lie side by side: they are read so many bytes at a time. */
const READ_BYTES = 1 << 20;
/** So many small batches are put together before there are enough rows for a large one. */
const MAX_TABLES = 256;

/** A topic's file, or the beginning of one that is still without its footer. */
export interface BatchFile {
  readonly path: string;
  /** Columns of its table. */
  readonly fields: readonly FieldSchema[];
  /** Its batches, each with the checksum of its header. */
  readonly index: TopicIndex;
}

/** What a file is after its compaction. */
export interface CompactedFile {
  readonly index: IndexBuilder;
  readonly sizeBytes: number;
}

/**
 * Puts a file in the place of a topic's file that has the same rows in fewer batches, durably and at once. Undefined, and
 * nothing was written, where that would save less than a tenth of its batches. Holds about a megabyte, and a batch.
 *
 * Rejects with what the store fails with, CORRUPT where a batch is damaged: the file is as it was then.
 */
export async function compactTopicFile(
  store: Store,
  engine: Engine,
  file: BatchFile,
): Promise<CompactedFile | undefined> {
  if (!isWorthIt(file)) return undefined;
  const path = file.path + NEW_SUFFIX;
  // Left by a compaction that was cut short.
  await store.remove(path);
  await store.create(path);
  try {
    const head = await store.read(file.path, 0, file.index.offset[0]);
    await store.append(path, head);
    const joiner = new Joiner(store, engine, path, file.fields, head.length);
    for await (const messages of readBatches(store, file)) {
      for (const [number, message] of messages) await joiner.add(message, file.index, number);
    }
    const compacted = await joiner.end(decodeSchemaMessage(head.subarray(8)));
    if (!saves(compacted, file.index)) {
      await store.remove(path);
      return undefined;
    }
    await store.move(path, file.path);
    return compacted;
  } catch (reason) {
    await store.remove(path).catch(() => {});
    throw reason instanceof SmaltiError ? reason.at({ file: file.path }) : reason;
  }
}

/**
 * Whether joining saves enough, as far as the index tells: it knows the bytes of batches as they are stored, which for small
 * ones is more than their rows take.
 */
function isWorthIt({ fields, index: { length, rows } }: BatchFile): boolean {
  const width = rowWidthOf(fields);
  let joined = 0;
  let [bytes, count] = [Infinity, 0];
  for (let i = 0; i < rows.length; i++) {
    const isLarge = length[i] > LARGE_BYTES;
    bytes += Math.max(length[i], rows[i] * width);
    count += rows[i];
    if (!isLarge && bytes <= BATCH_BYTES && count <= BATCH_ROWS) continue;
    joined++;
    bytes = isLarge ? Infinity : Math.max(length[i], rows[i] * width);
    count = rows[i];
  }
  return joined <= rows.length * (1 - LEAST_SAVED);
}

/** Whether it came true: values that compress well are larger in memory, where batches are bounded. */
function saves({ index, sizeBytes }: CompactedFile, { offset, length }: TopicIndex): boolean {
  const bytesBefore = offset[offset.length - 1] + length[length.length - 1];
  return index.length <= offset.length * (1 - LEAST_SAVED) || sizeBytes <= bytesBefore * (1 - LEAST_SAVED);
}

function rowWidthOf(fields: readonly FieldSchema[]): number {
  return fields.reduce((sum, field) => sum + rowWidth(field), 0);
}

/** The messages of a file's batches, several at a time where they lie side by side. */
async function* readBatches(
  store: Store,
  { path, index: { offset, length } }: BatchFile,
): AsyncGenerator<[number: number, message: Uint8Array][]> {
  const reader = {};
  for (let first = 0; first < offset.length;) {
    const start = offset[first];
    let last = first;
    // What recovery left out lies between batches; messages begin at multiples of 8.
    while (last + 1 < offset.length && offset[last + 1] + length[last + 1] - start <= READ_BYTES) last++;
    const bytes = await store.read(path, start, offset[last] + length[last] - start, { reader });
    const messages: [number, Uint8Array][] = [];
    for (let i = first; i <= last; i++) {
      messages.push([i, bytes.subarray(offset[i] - start, offset[i] - start + length[i])]);
    }
    yield messages;
    first = last + 1;
  }
}

/** Collects batches, and writes them as larger ones. */
class Joiner {
  readonly #store: Store;
  readonly #engine: Engine;
  readonly #path: string;
  readonly #fields: readonly FieldSchema[];
  readonly #rowWidth: number;
  readonly #index = new IndexBuilder();
  readonly #slice = new TimeSlice();
  /** Bytes written so far. */
  #size: number;
  #tables: StructVector[] = [];
  /** The batch, where there is one only: it is written as it is. */
  #only: { message: Uint8Array; headerCrc: number } | undefined;
  #rows = 0;
  #bytes = 0;

  constructor(store: Store, engine: Engine, path: string, fields: readonly FieldSchema[], size: number) {
    this.#store = store;
    this.#engine = engine;
    this.#path = path;
    this.#fields = fields;
    this.#rowWidth = rowWidthOf(fields);
    this.#size = size;
  }

  /** Takes the next batch of a file. */
  async add(message: Uint8Array, index: TopicIndex, number: number): Promise<void> {
    const headerCrc = index.headerCrc[number];
    const where = { batch: number, offset: index.offset[number] };
    if (message.length < index.length[number]) throw new SmaltiError("CORRUPT", "Batch is cut", where);
    const { table, rows } = openBatch(this.#engine, message, { fields: this.#fields, where, headerCrc });
    const isLarge = message.length > LARGE_BYTES;
    table.loadAll(); // each checksum is looked at, also of a batch that stays as it is
    const bytes = isLarge ? message.length : rows * this.#rowWidth + variableBytes(table);
    const isFull = this.#bytes + bytes > BATCH_BYTES || this.#rows + rows > BATCH_ROWS;
    if (isLarge || isFull) await this.#flush();
    this.#only = this.#rows === 0 ? { message, headerCrc } : undefined;
    this.#tables.push(table);
    this.#rows += rows;
    this.#bytes += bytes;
    // Else the messages of very small batches, which are much larger than their rows, would all be held.
    if (this.#tables.length === MAX_TABLES) this.#tables = [vectorsOf(this.#fields, concat(this.#tables))];
    if (isLarge) await this.#flush();
    await this.#slice.pause();
  }

  async end(stored: Schema): Promise<CompactedFile> {
    await this.#flush();
    const end = this.#index.fileEnd(this.#engine, stored);
    await this.#store.append(this.#path, end);
    await this.#store.sync(this.#path);
    return { index: this.#index, sizeBytes: this.#size + end.length };
  }

  async #flush(): Promise<void> {
    if (this.#rows === 0) return;
    const { message, headerCrc, firstNs, lastNs, bounds } = this.#only ? this.#asItIs() : this.#joined();
    const headBytes = 8 + new DataView(message.buffer, message.byteOffset, 8).getInt32(4, true);
    const place = { offset: this.#size, length: message.length, headBytes };
    const entry = { ...place, rows: this.#rows, firstNs, lastNs, headerCrc };
    this.#index.add(entry, keepsBounds(this.#index.length, this.#rows) ? bounds() : undefined);
    await this.#store.append(this.#path, message);
    this.#size += message.length;
    if (!this.#only) giveBytes(message);
    this.#tables = [];
    this.#only = undefined;
    this.#rows = this.#bytes = 0;
  }

  #asItIs() {
    const [table] = this.#tables;
    const times = (table.children[0] as unknown as { values: BigInt64Array }).values;
    return {
      ...this.#only!,
      firstNs: times[0],
      lastNs: times[this.#rows - 1],
      bounds: () => boundsOf(table),
    };
  }

  #joined() {
    const { sorted, firstNs, lastNs } = inTimeOrder(this.#fields, concat(this.#tables));
    const bounds = () => boundsOf(vectorsOf(this.#fields, sorted));
    return { ...sealBatch(this.#engine, sorted), firstNs, lastNs, bounds };
  }
}

/** Bytes of values beyond a row's width: text, binary, items of lists. */
function variableBytes(vector: Vector): number {
  if (vector instanceof BinaryVector) return vector.data.length;
  if (vector instanceof ListVector) {
    const [items] = vector.children;
    return items.length * rowWidth(items.field) + variableBytes(items);
  }
  let bytes = 0;
  for (const child of vector.children) bytes += variableBytes(child);
  return bytes;
}
