import type { BlockBounds } from "../arrow/block_bounds.ts";
import { BatchBounds, boundedColumns } from "../arrow/bounds.ts";
import type { Footer } from "../arrow/decode.ts";
import type { Dictionary } from "../arrow/encoded_vector.ts";
import type { BatchCache, FileBatches } from "../arrow/batch_cache.ts";
import type {
  LatestRow,
  RunOptions,
  RunSource,
  StoredBatches,
  TopicSource,
  VerifyRequest,
} from "../backend.ts";
import { hexCrc, type OpenBatch, openBatch } from "../arrow/stored_batch.ts";
import type { Engine } from "../engine.ts";
import { type ErrorDetails, SmaltiError } from "../error.ts";
import { MAX_ATTEMPTS } from "../reopen.ts";
import {
  type BufferUse,
  type FileReader,
  isOtherFile,
  isWrittenAnew,
  otherFile,
  writtenAnew,
} from "../store/store.ts";
import type { FieldSchema } from "../schema.ts";
import { TimeSlice } from "../util/time_slice.ts";
import { lowerBound } from "../util/times.ts";
import type { TopicInfo, TopicSchema, Window } from "../types.ts";
import { ColumnReads } from "./column_reads.ts";
import { countRows } from "./count_rows.ts";
import { FileRuns } from "./file_runs.ts";
import { topicSchema } from "./stored_schema.ts";
import { type DetailPlaces, detailPlaces, OpenDetail, readDetail } from "./topic_detail.ts";
import { readDictionaries, readFooter, readIndex, rowsIn, type TopicBytes } from "./topic_footer.ts";
import {
  BOUNDS_CRC,
  checkOrder,
  INDEX_CRC,
  type IndexedBatch,
  indexOf,
  type TopicIndex,
} from "./topic_index.ts";

/** What a reader knows from the start. */
interface ReaderParts {
  file: TopicBytes;
  engine: Engine;
  path: string;
  sequence: string | undefined;
  info: TopicInfo;
  schema: TopicSchema;
  /** From a footer, with a checksum for each batch; undefined where there was none. */
  index: TopicIndex | undefined;
  dictionaries: ReadonlyMap<bigint, Dictionary>;
  /** Number in the file of the index's first batch. */
  first: number;
  /** Its batches that are kept at hand. */
  kept?: FileBatches | undefined;
  /** How many reads ahead of need gain time now. */
  readsAhead?: () => number;
  /** Bytes that a request had better carry. */
  sharedBytes?: () => number | undefined;
  /** Opens the file that is at the path now. */
  reopen?: () => Promise<TopicFileReader>;
  /**
   * Of a file that nobody holds and that may still be written: what was committed in its place, once it was; asked for after
   * something was read that makes no sense.
   */
  ended?: (() => Promise<TopicFileReader | undefined>) | undefined;
  /**
   * Where the bounds of all batches end, their checksum, and the bounds themselves where they were read along; undefined where there are none, or for a part of
   * the batches.
   */
  bounds?: { end: number; crc: string; stored: Uint8Array | undefined } | undefined;
  /** Where the bounds of blocks are; undefined where there are none, or for a part of the batches. */
  detail?: DetailPlaces | undefined;
  /** Bytes of the whole file and the checksum of its index, where a footer told them. */
  whole?: { sizeBytes: number; fingerprint: string } | undefined;
  /** Both, of a file that is still written, where they were collected from its batches. */
  collected?: { bounds: BatchBounds | undefined; detail: BlockBounds | undefined };
}

/** How a topic's file is opened. */
interface OpenOptions {
  /** Whose topic it is, for errors. */
  sequence?: string;
  /** Keeps batches at hand. */
  cache?: BatchCache | undefined;
  /** Where the store cannot tell what another file at the path is of: whether it is of the same topic. */
  isStill?: (() => Promise<boolean>) | undefined;
}

/** Reads one topic's Arrow IPC file: ours by its index, another writer's by looking at each batch. */
export class TopicFileReader implements TopicSource {
  readonly info: TopicInfo;
  readonly schema: TopicSchema;
  /** Where the batches are and what times they span. */
  readonly index: TopicIndex;
  readonly #parts: ReaderParts;
  /** The file that took this one's place, once somebody asked for it. */
  #now: TopicFileReader | undefined;
  #opening: Promise<TopicFileReader> | undefined;
  #detail = new OpenDetail();

  private constructor(parts: ReaderParts) {
    this.#parts = parts;
    this.info = parts.info;
    this.schema = parts.schema;
    this.index = parts.index ?? indexOf([]);
  }

  /** Reads these batches of a file that may have no footer yet; `done` is how many come before them. */
  static of(
    file: TopicBytes,
    engine: Engine,
    path: string,
    parts: Pick<ReaderParts, "info" | "schema" | "ended"> & {
      batches: readonly IndexedBatch[];
      done: number;
    },
    sequence: string,
  ): TopicFileReader {
    const { batches, done: first, ...others } = parts;
    const { ended } = others;
    const index = indexOf(batches);
    const dictionaries = new Map<bigint, Dictionary>();
    const reader: TopicFileReader = new TopicFileReader({
      ...{ file, engine, path, sequence, index, dictionaries, first, ...others },
      ...(ended && { reopen: async () => await ended() ?? reader }),
    });
    return reader;
  }

  /** Reads what is known of a file that is still written: `reopen` gives what is known later. */
  static growing(
    file: TopicBytes,
    engine: Engine,
    path: string,
    parts: Pick<ReaderParts, "info" | "schema" | "index" | "collected" | "kept" | "reopen" | "ended">,
    sequence: string,
  ): TopicFileReader {
    return new TopicFileReader({ file, engine, path, sequence, ...parts, dictionaries: new Map(), first: 0 });
  }

  /** Opens the file by its footer. CORRUPT where there is none, or it is damaged. */
  static async open(
    store: FileReader,
    engine: Engine,
    path: string,
    info: TopicInfo,
    options: OpenOptions = {},
  ): Promise<TopicFileReader> {
    // Others may write it anew meanwhile, but not again and again.
    for (let attempt = 1;; attempt++) {
      try {
        return await TopicFileReader.#openOnce(store, engine, path, info, options);
      } catch (reason) {
        if (isWrittenAnew(reason) && attempt < MAX_ATTEMPTS) continue;
        throw SmaltiError.from(reason, "CORRUPT", "Cannot read the footer").at({
          topic: info.name,
          file: path,
        });
      }
    }
  }

  static async #openOnce(
    store: FileReader,
    engine: Engine,
    path: string,
    info: TopicInfo,
    options: OpenOptions,
  ): Promise<TopicFileReader> {
    const { sequence, cache } = options;
    const file = bytesIn(store, path, options.isStill);
    let sizeBytes = info.sizeBytes;
    const { footer, start, before } = await readFooter(file, sizeBytes).catch(async (reason) => {
      // Where the file was compacted since, the footer is at another place.
      sizeBytes = await store.size(path);
      if (sizeBytes === info.sizeBytes || !(reason instanceof SmaltiError)) throw reason;
      const found = await readFooter(file, sizeBytes).catch(() => undefined);
      if (!found || rowsIn(engine, found.footer) !== info.rowCount) throw reason;
      return found;
    });
    const fingerprint = footer.metadata.get(INDEX_CRC);
    const schema = topicSchema(engine, footer.schema);
    const index = readIndex(engine, footer);
    const crc = footer.metadata.get(BOUNDS_CRC);
    const boundsBytes = crc === undefined || !index ? 0 : bytesOfBounds(schema.fields, index);
    // A copy: the rest of what was read is not kept.
    const stored = boundsBytes <= before.length ? before.slice(before.length - boundsBytes) : undefined;
    const dictionaries = await readDictionaries(file, engine, path, footer);
    const reader = new TopicFileReader({
      file,
      engine,
      path,
      sequence,
      info,
      schema,
      index,
      dictionaries,
      first: 0,
      kept: cache?.file(),
      readsAhead: () => store.readsAhead ?? 1,
      sharedBytes: () => store.sharedBytes,
      reopen: () => TopicFileReader.open(store, engine, path, info, options),
      ...(index && fingerprint !== undefined && { whole: { sizeBytes, fingerprint } }),
      ...(index && crc !== undefined && { bounds: { end: start, crc, stored } }),
      ...(index && { detail: detailPlaces(footer, schema.fields, start - boundsBytes) }),
    });
    return index ? reader : await reader.#scan(footer);
  }

  /** Whether smalti wrote it, with a checksum for each batch. */
  get isOurs(): boolean {
    return this.#parts.index !== undefined;
  }

  /** How many reads of its batches ahead of need gain time now. */
  get readsAhead(): number {
    return this.#parts.readsAhead?.() ?? 1;
  }

  /** Bytes of batches that a request had better carry; undefined where each comes by itself. */
  get sharedBytes(): number | undefined {
    return this.#parts.sharedBytes?.();
  }

  get stored(): StoredBatches | undefined {
    const { whole, path } = this.#parts;
    return whole && { file: path, ...whole, ...this.index };
  }

  get isGrowing(): boolean {
    return this.#parts.collected !== undefined;
  }

  /** Its batches that are kept at hand; undefined where none are. */
  get kept(): FileBatches | undefined {
    return this.#parts.kept;
  }

  letGo(): void {
    this.kept?.clear();
    this.#detail = new OpenDetail();
    this.#now?.letGo();
  }

  get current(): TopicFileReader {
    return this.#now?.current ?? this;
  }

  /** The same for all who ask, so that they share what is kept of it. */
  async reopen(): Promise<TopicFileReader> {
    const { reopen, kept } = this.#parts;
    if (!reopen) return this;
    // What is known of a growing file stays true.
    if (this.isGrowing) return await reopen();
    kept?.clear();
    if (this.#now) return this.#now.#now ? await this.#now.reopen() : this.#now;
    // What failed may succeed another time.
    this.#opening ??= reopen().finally(() => this.#opening = undefined);
    return this.#now = await this.#opening;
  }

  runs(window: Window, signal?: AbortSignal, options?: RunOptions): RunSource {
    // Parts of a batch could be of two files where nobody holds it.
    if (!options?.paths || this.#parts.ended) return new FileRuns(this, window, signal, options);
    const { file, engine, dictionaries } = this.#parts;
    const { schema: { fields }, index } = this;
    const isShared = this.sharedBytes !== undefined;
    const reads = new ColumnReads({ file, engine, fields, dictionaries, index, isShared }, options.paths);
    return new FileRuns(this, window, signal, options, reads);
  }

  async readBounds(signal?: AbortSignal): Promise<BatchBounds | undefined> {
    const { bounds, collected, engine, file } = this.#parts;
    if (collected) return collected.bounds;
    const { fields } = this.schema;
    const bytes = bytesOfBounds(fields, this.index);
    if (!bounds || bytes === 0) return undefined;
    const stored = bounds.stored ??
      (bounds.end < bytes ? new Uint8Array(0) : await file(bounds.end - bytes, bytes, signal));
    if (hexCrc(engine.crc32(stored)) !== bounds.crc) {
      throw new SmaltiError("CORRUPT", "Bounds of the batches do not match their checksum", this.place());
    }
    return new BatchBounds(fields, new Float64Array(stored.slice().buffer));
  }

  /** Whether the file keeps bounds of blocks, or says that its batches are too small for them. */
  get hasDetail(): boolean {
    return this.#parts.detail !== undefined;
  }

  async readDetail(paths: readonly string[], signal?: AbortSignal): Promise<BlockBounds | undefined> {
    try {
      return await this.loadDetail(paths, signal);
    } catch (reason) {
      // It tells nothing that rows do not.
      if (reason instanceof SmaltiError && reason.code === "CORRUPT") return undefined;
      throw reason;
    }
  }

  /** As {@linkcode readDetail}, CORRUPT where it is damaged. */
  async loadDetail(paths: readonly string[], signal?: AbortSignal): Promise<BlockBounds | undefined> {
    const { collected, detail, engine, file } = this.#parts;
    if (collected) return collected.detail;
    if (!detail) return undefined;
    const { rows } = this.index;
    try {
      // Where nothing is kept at hand, each looks for itself.
      const open = this.#parts.kept ? this.#detail : new OpenDetail();
      return await readDetail(file, engine, detail, { paths, rows, signal, open });
    } catch (reason) {
      throw reason instanceof SmaltiError ? reason.at(this.place()) : reason;
    }
  }

  countRows(edgesNs: readonly bigint[], signal?: AbortSignal): Promise<number[]> {
    return countRows(this, edgesNs, signal);
  }

  async latest(ns: bigint, signal?: AbortSignal): Promise<LatestRow | undefined> {
    const { firstNs, lastNs } = this.index;
    // Of the batches that end in time the index tells which ends last, and ties go to the one written last. Those
    // that go on beyond it have to be looked into: one, unless rows came late.
    let best = -1;
    const across: number[] = [];
    for (let i = 0; i < firstNs.length; i++) {
      if (firstNs[i] > ns) continue;
      if (lastNs[i] > ns) across.push(i);
      else if (best < 0 || lastNs[i] >= lastNs[best]) best = i;
    }
    let bestNs = best < 0 ? undefined : lastNs[best];
    let found: LatestRow | undefined;
    const slice = new TimeSlice();
    for (const number of across) {
      await slice.pause();
      signal?.throwIfAborted();
      const batch = await this.keptBatch(number, signal);
      const row = lowerBound(batch.times, ns + 1n) - 1;
      const time = batch.times[row];
      if (bestNs !== undefined && (time < bestNs || (time === bestNs && number < best))) continue;
      [best, bestNs, found] = [number, time, { batch, row }];
    }
    if (found || best < 0) return found;
    const batch = await this.keptBatch(best, signal);
    return { batch, row: batch.rows - 1 };
  }

  /** A batch that is kept at hand for the next who asks for it. */
  async keptBatch(number: number, signal?: AbortSignal): Promise<OpenBatch> {
    const open = (signal?: AbortSignal) => this.openBatch(number, this.readBatch(number, signal));
    return await (this.kept?.load(number, open, signal) ?? open(signal));
  }

  async verify(request: VerifyRequest): Promise<SmaltiError[]> {
    const { verifyTopicFile } = await import("./verify_topic_file.ts");
    return await verifyTopicFile(this, request);
  }

  /** The bytes before the first batch: magic and schema. A file without batches has little else. */
  readHead(): Promise<Uint8Array> {
    return this.#parts.file(0, this.index.offset[0] ?? this.info.sizeBytes);
  }

  /** Where something in the file is, for errors. */
  place(batch?: number): ErrorDetails {
    const where = {
      ...(this.#parts.sequence !== undefined && { sequence: this.#parts.sequence }),
      topic: this.info.name,
      file: this.#parts.path,
    };
    return batch === undefined
      ? where
      : { ...where, batch: this.#parts.first + batch, offset: this.index.offset[batch] };
  }

  /** Opens one batch, which must be the one that the index tells of. CORRUPT. */
  async openBatch(
    number: number,
    bytes: Promise<Uint8Array> = this.readBatch(number),
    mayReuse = false,
  ): Promise<OpenBatch> {
    const { ended, path } = this.#parts;
    if (!ended) return await this.#openBatch(number, bytes, mayReuse);
    try {
      return await this.#openBatch(number, bytes, mayReuse);
    } catch (reason) {
      const mayBeAnother = reason instanceof SmaltiError && ["CORRUPT", "NOT_FOUND"].includes(reason.code);
      if (mayBeAnother && await ended()) throw writtenAnew(path, path);
      throw reason;
    }
  }

  async #openBatch(number: number, bytes: Promise<Uint8Array>, mayReuse: boolean): Promise<OpenBatch> {
    const { length, rows, firstNs, lastNs, headerCrc } = this.index;
    const where = this.place(number);
    const message = await bytes.catch((reason) => {
      throw reason instanceof SmaltiError ? reason.at(where) : reason;
    });
    if (message.length < length[number]) {
      throw new SmaltiError("CORRUPT", `Batch has ${message.length} of its ${length[number]} bytes`, where);
    }
    const batch = openBatch(this.#parts.engine, message, {
      fields: this.schema.fields,
      where,
      dictionaries: this.#parts.dictionaries,
      mayReuse,
      ...(this.#parts.index && { headerCrc: headerCrc[number] }),
    });
    const { times } = batch;
    if (
      batch.rows !== rows[number] || times[0] !== firstNs[number] || times[batch.rows - 1] !== lastNs[number]
    ) {
      throw new SmaltiError("CORRUPT", "Batch holds other rows than the index says", where);
    }
    return batch;
  }

  /** The bytes of one batch. */
  readBatch(number: number, signal?: AbortSignal, use?: BufferUse): Promise<Uint8Array> {
    return this.#parts.file(this.index.offset[number], this.index.length[number], signal, use);
  }

  /** Builds the index of a file that has none: each batch is read once, and must be in time order. */
  async #scan(footer: Footer): Promise<TopicFileReader> {
    const facts: IndexedBatch[] = [];
    const slice = new TimeSlice();
    for (const [batch, { offset, length }] of footer.batches.entries()) {
      await slice.pause();
      const where = { ...this.place(), batch, offset };
      const message = await this.#parts.file(offset, length);
      const { rows, times, headerCrc } = openBatch(this.#parts.engine, message, {
        fields: this.schema.fields,
        where,
        dictionaries: this.#parts.dictionaries,
      });
      if (headerCrc !== undefined) {
        throw new SmaltiError("CORRUPT", "Footer has no index, but its batches have checksums", where);
      }
      checkOrder(times, where);
      if (rows === 0) continue;
      facts.push({ offset, length, rows, firstNs: times[0], lastNs: times[rows - 1], headerCrc: 0 });
    }
    return Object.assign(this, { index: indexOf(facts) });
  }
}

function bytesOfBounds(fields: readonly FieldSchema[], { rows }: TopicIndex): number {
  return 2 * Float64Array.BYTES_PER_ELEMENT * boundedColumns(fields).length * rows.length;
}

/**
 * Ranges of a file, which must be the same file for as long as they are read.
 *
 * @param isStill As in {@linkcode OpenOptions}.
 */
export function bytesIn(store: FileReader, path: string, isStill?: () => Promise<boolean>): TopicBytes {
  const file: TopicBytes = (offset, length, signal, use) =>
    store.read(path, offset, length, { signal, reader: file, ...use });
  if (!isStill) return file;
  return (...range) =>
    file(...range).catch(async (reason) => {
      if (!isOtherFile(reason) && !isWrittenAnew(reason)) throw reason;
      // Stores know files, not whether the sequence they are of was removed and made anew.
      throw await isStill() ? writtenAnew(path, path) : otherFile(path, path);
    });
}
