import type { Columns } from "../arrow/columns.ts";
import { MAGIC } from "../arrow/decode.ts";
import { headBytesOf } from "../engine/batch_message.ts";
import { encodeSchemaMessage } from "../arrow/encode.ts";
import { timesOf, vectorsOf } from "../arrow/rearrange.ts";
import type { TopicSink } from "../backend.ts";
import { sealBatch } from "../arrow/seal_batch.ts";
import type { Engine } from "../engine.ts";
import type { Schema } from "../schema.ts";
import { giveBytes } from "../util/buffer_pool.ts";
import { isWrittenAnew, seal, type Store } from "../store/store.ts";
import { type Extent, totals } from "../util/totals.ts";
import type { Turns } from "../util/turns.ts";
import type { TopicSchema } from "../types.ts";
import { summaryOf } from "./batch_summary.ts";
import { keepsBounds } from "./bounded_batches.ts";
import { storedSchema } from "./stored_schema.ts";
import { type CompactedFile, compactTopicFile } from "./compact_topic_file.ts";
import { IndexBuilder } from "./index_builder.ts";

/**
 * After so many bytes a file is synced while more are collected, so that little is left to do at the end, and little is
 * lost with the power.
 */
const SYNC_BYTES = 1 << 20;

/** Writes one topic's Arrow IPC file: a valid stream from the first batch on, a valid file once finished. */
export class TopicFileWriter implements TopicSink {
  /** The file, relative to the store. */
  readonly path: string;
  /** When it was created. */
  readonly created: Date = new Date();
  /** The topic's columns. */
  readonly schema: TopicSchema;
  readonly #store: Store;
  readonly #engine: Engine;
  readonly #stored: Schema;
  #index = new IndexBuilder();
  /** Batches that were given to {@linkcode write}. */
  #begun = 0;
  #size = 0;
  #wholeBytes = 0;
  #syncedBytes = 0;
  #synced: Extent = totals([]);
  #unsynced = 0;
  #finished: Promise<void> | undefined;
  /** The last append; rejected once one failed, so that nothing follows a gap. */
  #tail: Promise<void> = Promise.resolve();

  private constructor(store: Store, engine: Engine, path: string, schema: TopicSchema) {
    this.#store = store;
    this.#engine = engine;
    this.path = path;
    this.schema = schema;
    this.#stored = storedSchema(engine, schema);
  }

  /** Creates the file with its schema. ALREADY_EXISTS. */
  static async create(
    store: Store,
    engine: Engine,
    path: string,
    schema: TopicSchema,
  ): Promise<TopicFileWriter> {
    const writer = new TopicFileWriter(store, engine, path, schema);
    await store.create(path);
    const message = encodeSchemaMessage(writer.#stored);
    const start = new Uint8Array(8 + message.length);
    start.set(MAGIC);
    start.set(message, 8);
    try {
      await writer.#append(start);
      writer.#wholeBytes = start.length;
    } catch (reason) {
      // What is left of it would keep the name from being tried again.
      await store.remove(path).catch(() => {});
      throw reason;
    }
    return writer;
  }

  /** Bytes written so far. */
  get size(): number {
    return this.#size;
  }

  /**
   * Bytes up to the end of the last batch that {@linkcode sync} has made durable; 0 before the first. In a store that is logged:
   * that are durable before what is replaced from now on.
   */
  get syncedBytes(): number {
    return this.#syncedBytes;
  }

  /** Rows up to there, the bytes of their batches, and the first and last time. */
  get synced(): Extent {
    return this.#synced;
  }

  /** Rows written so far, the bytes of their batches, and the first and last time. */
  get written(): Extent {
    return this.#index.totals;
  }

  write(columns: Columns, firstNs: bigint, lastNs: bigint): Promise<void> {
    const { message, headerCrc, places } = sealBatch(this.#engine, columns);
    const headBytes = headBytesOf(message);
    const { rows } = columns;
    const entry = { offset: this.#size, length: message.length, headBytes, rows, firstNs, lastNs, headerCrc };
    // Now: the columns are the caller's again once this returns.
    const summary = keepsBounds(this.#begun++, rows)
      ? summaryOf(vectorsOf(this.schema.fields, columns), timesOf(columns), places)
      : undefined;
    return this.#append(message).then(() => {
      this.#index.add(entry, summary);
      this.#wholeBytes = entry.offset + entry.length;
      giveBytes(message);
    });
  }

  async sync(): Promise<void> {
    await this.#tail;
    const [bytes, { totals }] = [this.#wholeBytes, this.#index];
    const synced = this.#store.sync(this.path);
    if (!this.#store.isLogged) await synced;
    if (bytes > this.#syncedBytes) {
      this.#syncedBytes = bytes;
      this.#synced = totals;
    }
    await synced;
  }

  /**
   * Ends the file, durably: by a new one with larger batches where that saves enough, else by its footer with the index. A
   * second call waits for the first.
   *
   * @param compactions Serves compactions one after another, so that many do not add up in memory.
   */
  finish(compactions: Turns): Promise<void> {
    return this.#finished ??= this.#finish(compactions);
  }

  async #finish(compactions: Turns): Promise<void> {
    await this.#tail;
    const reader = {};
    const compacted = await compactions.take(() => this.#compact(reader)).catch(async () => {
      // Room may be short, or the store not give back what it took: the batches as they are will do. But the footer of these
      // must not come to a file that has others.
      await this.#store.read(this.path, 0, 1, { reader }).catch((reason) => {
        if (isWrittenAnew(reason)) throw reason;
      });
    });
    if (compacted) {
      this.#index = compacted.index;
      this.#size = compacted.sizeBytes;
      return;
    }
    await this.#append(this.#index.fileEnd(this.#engine, this.#stored));
    await seal(this.#store, this.path);
  }

  async #compact(reader: object): Promise<CompactedFile | undefined> {
    const file = { path: this.path, reader, fields: this.schema.fields, index: this.#index.toIndex() };
    return await compactTopicFile(this.#store, this.#engine, file);
  }

  #append(bytes: Uint8Array): Promise<void> {
    this.#size += bytes.length;
    this.#tail = this.#tail.then(() => this.#store.append(this.path, bytes));
    this.#unsynced += bytes.length;
    if (this.#unsynced >= SYNC_BYTES && !this.#store.isLogged) {
      this.#unsynced = 0;
      // Should it fail, so does the next one, and that one is waited for.
      this.#tail.then(() => this.#store.sync(this.path)).catch(() => {});
    }
    this.#tail.catch(() => {}); // whoever awaits it is told
    return this.#tail;
  }
}
