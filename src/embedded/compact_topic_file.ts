/**
 * Compaction: a topic's small batches, as frequent flushes leave them, joined to large ones.
 *
 * Only batches that were written one after another are joined, and sorted stably by time together. So late rows stay in
 * their places in the order, and rows of one time stay in the order of pushing.
 *
 * @module
 */
import { BatchAppender } from "../arrow/append.ts";
import { BATCH_BYTES, BATCH_ROWS } from "../arrow/batching.ts";
import { boundedColumns } from "../arrow/bounds.ts";
import { rowWidth } from "../arrow/columns.ts";
import { decodeSchemaMessage } from "../arrow/decode.ts";
import { headBytesOf } from "../engine/batch_message.ts";
import { inTimeOrder, timesOf, vectorsOf } from "../arrow/rearrange.ts";
import { openBatch, openBuffers } from "../arrow/stored_batch.ts";
import { sealBatch } from "../arrow/seal_batch.ts";
import type { Engine } from "../engine.ts";
import { type ErrorDetails, isNotFound, SmaltiError } from "../error.ts";
import type { FieldSchema, Schema } from "../schema.ts";
import { giveBytes } from "../util/buffer_pool.ts";
import type { Store } from "../store/store.ts";
import { TimeSlice } from "../util/time_slice.ts";
import { type BatchSummary, BLOCK_ROWS, summaryOf } from "./batch_summary.ts";
import { keepsBounds } from "./bounded_batches.ts";
import type { TopicIndex } from "./topic_index.ts";
import { IndexBuilder } from "./index_builder.ts";

/** What a file is called while it is written that will take another's place. No topic's path ends so. */
export const NEW_SUFFIX = ".new";
/** Joining must save this part of the batches. */
const LEAST_SAVED = 0.1;
/** Batches of more bytes than this, as stored, stay as they are. */
const LARGE_BYTES = BATCH_BYTES / 2;
/** Small batches lie side by side: they are read so many bytes at a time. */
const READ_BYTES = 1 << 20;

/** A topic's file, or the beginning of one that is still without its footer. */
export interface BatchFile {
  readonly path: string;
  /** Whose reads of it these are, see {@linkcode ReadOptions}. */
  readonly reader: object;
  /** Columns of its table. */
  readonly fields: readonly FieldSchema[];
  /** Its batches, each with the checksum of its header. */
  readonly index: TopicIndex;
  /** Whether it is written anew also to get the bounds of blocks that it lacks. @default false */
  readonly wantsDetail?: boolean;
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
 * Rejects with what the store fails with, CORRUPT where a batch is damaged. The file is as it was then; only where the new one
 * came to its place and could not be made durable there, reading with the same reader says that it was written anew.
 */
export async function compactTopicFile(
  store: Store,
  engine: Engine,
  file: BatchFile,
): Promise<CompactedFile | undefined> {
  const getsDetail = file.wantsDetail === true && mayHaveDetail(file);
  if (!getsDetail && !isWorthIt(file)) return undefined;
  const path = file.path + NEW_SUFFIX;
  await createAnew(store, path);
  try {
    const { reader } = file;
    const head = await store.read(file.path, 0, file.index.offset[0], { reader });
    await store.append(path, head);
    const joiner = new Joiner(store, engine, path, file.fields, head.length);
    for await (const messages of readBatches(store, file)) {
      for (const [number, message] of messages) await joiner.add(message, file.index, number);
    }
    const compacted = await joiner.end(decodeSchemaMessage(head.subarray(8)));
    if (!getsDetail && !saves(compacted, file.index)) {
      await store.remove(path);
      return undefined;
    }
    await moveOver(store, path, file.path);
    return compacted;
  } catch (reason) {
    await store.remove(path).catch(() => {});
    throw reason instanceof SmaltiError ? reason.at({ file: file.path }) : reason;
  }
}

/** Makes an empty file, in the place of one that a compaction left that was cut short. */
async function createAnew(store: Store, path: string): Promise<void> {
  try {
    await store.create(path);
  } catch (reason) {
    if (!(reason instanceof SmaltiError) || reason.code !== "ALREADY_EXISTS") throw reason;
    await store.remove(path);
    await store.create(path);
  }
}

/** Moves a file into another's place. What fails may have been the last step alone, which makes durable that it is there. */
async function moveOver(store: Store, from: string, to: string): Promise<void> {
  try {
    await store.move(from, to);
  } catch (reason) {
    const isMoved = await store.size(from).then(
      () => false,
      isNotFound,
    );
    if (!isMoved) throw reason;
    await store.sync(to);
  }
}

/** Whether any of its batches has blocks of whose bounds are kept. */
function mayHaveDetail({ fields, index: { rows } }: BatchFile): boolean {
  return boundedColumns(fields).length > 0 &&
    rows.some((count, batch) => count > BLOCK_ROWS && keepsBounds(batch, count));
}

/**
 * Whether joining saves enough, as far as the index tells: it knows the bytes of batches as they are stored, which for small
 * ones is more than their rows take.
 */
function isWorthIt({ fields, index: { length, rows } }: BatchFile): boolean {
  if (rows.length < 2) return false;
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
  { path, reader, index: { offset, length } }: BatchFile,
): AsyncGenerator<[number: number, message: Uint8Array][]> {
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
  readonly #index = new IndexBuilder();
  readonly #slice = new TimeSlice();
  readonly #rows: BatchAppender;
  /** Bytes written so far. */
  #size: number;
  /** The message of the batch that was collected, where there is one only: it is written as it is. */
  #only: { message: Uint8Array; headerCrc: number; where: ErrorDetails } | undefined;

  constructor(store: Store, engine: Engine, path: string, fields: readonly FieldSchema[], size: number) {
    this.#store = store;
    this.#engine = engine;
    this.#path = path;
    this.#fields = fields;
    this.#rows = new BatchAppender(fields);
    this.#size = size;
  }

  /** Takes the next batch of a file. */
  async add(message: Uint8Array, index: TopicIndex, number: number): Promise<void> {
    const headerCrc = index.headerCrc[number];
    const rows = index.rows[number];
    const where = { batch: number, offset: index.offset[number] };
    if (message.length < index.length[number]) throw new SmaltiError("CORRUPT", "Batch is cut", where);
    const isLarge = message.length > LARGE_BYTES;
    const batch = isLarge ? undefined : openBuffers(this.#engine, message, { where, headerCrc });
    const bytes = batch?.bytes ?? message.length;
    const isFull = this.#rows.bytes + bytes > BATCH_BYTES || this.#rows.rows + rows > BATCH_ROWS;
    if (isLarge || isFull) await this.#flush();
    if (!batch) await this.#write(this.#asItIs(message, headerCrc, where));
    else {
      if (batch.rows !== rows) {
        throw new SmaltiError("CORRUPT", "Batch holds other rows than the index says", where);
      }
      this.#only = this.#rows.rows === 0 ? { message, headerCrc, where } : undefined;
      this.#rows.append(batch);
    }
    await this.#slice.pause();
  }

  async end(stored: Schema): Promise<CompactedFile> {
    await this.#flush();
    const end = this.#index.fileEnd(this.#engine, stored);
    await this.#store.append(this.#path, end);
    // A log has it whole when it is moved.
    if (!this.#store.isLogged) await this.#store.sync(this.#path);
    return { index: this.#index, sizeBytes: this.#size + end.length };
  }

  /** Writes the rows that were collected. */
  async #flush(): Promise<void> {
    if (this.#rows.rows === 0) return;
    const only = this.#only;
    this.#only = undefined;
    const columns = this.#rows.collect();
    if (only) return await this.#write(this.#asItIs(only.message, only.headerCrc, only.where));
    const { sorted, firstNs, lastNs } = inTimeOrder(this.#fields, columns);
    const { message, headerCrc, places } = sealBatch(this.#engine, sorted);
    const summary = () => summaryOf(vectorsOf(this.#fields, sorted), timesOf(sorted), places);
    await this.#write({ message, headerCrc, rows: sorted.rows, firstNs, lastNs, summary });
    giveBytes(message);
  }

  /** A batch that is not joined: every checksum is looked at all the same. */
  #asItIs(message: Uint8Array, headerCrc: number, where: ErrorDetails): JoinedBatch {
    const { table, times, rows, places } = openBatch(this.#engine, message, {
      fields: this.#fields,
      where,
      headerCrc,
    });
    table.loadAll();
    const [firstNs, lastNs] = [times[0], times[rows - 1]];
    const summary = () => summaryOf(table, times, places);
    return { message, headerCrc, rows, firstNs, lastNs, summary };
  }

  async #write({ message, summary, ...facts }: JoinedBatch): Promise<void> {
    const place = { offset: this.#size, length: message.length, headBytes: headBytesOf(message) };
    this.#index.add(
      { ...facts, ...place },
      keepsBounds(this.#index.length, facts.rows) ? summary() : undefined,
    );
    await this.#store.append(this.#path, message);
    this.#size += message.length;
  }
}

interface JoinedBatch {
  readonly message: Uint8Array;
  readonly headerCrc: number;
  readonly rows: number;
  readonly firstNs: bigint;
  readonly lastNs: bigint;
  readonly summary: () => BatchSummary;
}
