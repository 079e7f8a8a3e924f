/**
 * A topic's file while it is written: its batches as they come, for whoever follows it.
 *
 * @module
 */
import { MAGIC } from "../arrow/decode.ts";
import { type OpenBatch, openBatch } from "../arrow/stored_batch.ts";
import type { Engine } from "../engine.ts";
import { isNotFound, SmaltiError } from "../error.ts";
import type { FileReader, HeldFile, Store } from "../store/store.ts";
import type { TopicSchema } from "../types.ts";
import { pause } from "../util/pause.ts";
import { TimeSlice } from "../util/time_slice.ts";
import { readFrame, type ReadRange, readSchema } from "./recover_topic_file.ts";
import type { TopicBytes } from "./topic_footer.ts";
import type { IndexEntry } from "./topic_index.ts";

/** Bytes that are read at a time of a file that is far away, in which one batch follows the other. */
const CHUNK_BYTES = 2 ** 20;
/** How often, and how long, it is asked what came of a file that has its end: the others of the session may take long to get theirs. */
const ENDED_MS = 250;
const ENDED_LOOKS = 120;

/** A batch as it was found. */
export interface FoundBatch {
  readonly entry: IndexEntry;
  readonly batch: OpenBatch;
}

/** The batches of a file that grows: each is found once. */
export class GrowingFile {
  /** Whose file it is. */
  readonly session: string;
  readonly schema: TopicSchema;
  readonly #engine: Engine;
  readonly #read: TopicBytes;
  readonly #isFar: boolean;
  /** Where the next batch begins. */
  end: number;

  private constructor(engine: Engine, read: TopicBytes, isFar: boolean, session: string, found: Schema) {
    this.#engine = engine;
    this.#read = read;
    this.#isFar = isFar;
    this.session = session;
    this.schema = found.schema;
    this.end = found.end;
  }

  /**
   * Opens a file of a session that is whole up to a size. CORRUPT where its schema is not.
   *
   * @param isFar Whether each read takes long, so that several batches are read at once.
   */
  static async open(
    engine: Engine,
    read: TopicBytes,
    size: number,
    { session, isFar }: { session: string; isFar: boolean },
  ): Promise<GrowingFile> {
    const found = await readSchema(read, engine, size);
    if (!found) throw new SmaltiError("CORRUPT", `File of ${size} bytes ends within its schema`);
    return new GrowingFile(engine, read, isFar, session, found);
  }

  /**
   * Goes on with the batches up to the size that the writer told of. CORRUPT where there is something else: those given before
   * are good.
   */
  async *batches(size: number, signal?: AbortSignal): AsyncGenerator<FoundBatch> {
    const direct: ReadRange = (offset, length) => this.#read(offset, length, signal);
    const read = this.#isFar ? inChunks(direct, size) : direct;
    const slice = new TimeSlice();
    while (this.end < size) {
      await slice.pause();
      signal?.throwIfAborted();
      const found = await this.#next(read, size);
      if (!found) throw new SmaltiError("CORRUPT", `No batch at byte ${this.end} of a file of ${size}`);
      yield found;
    }
  }

  /** The same of a file that is at its end, up to its last whole batch. */
  async *rest(): AsyncGenerator<FoundBatch> {
    const slice = new TimeSlice();
    const start = this.end;
    for (;;) {
      await slice.pause();
      let found: FoundBatch | undefined;
      try {
        found = await this.#next(this.#read, Infinity);
        // Nobody vouches for what lies beyond the last checkpoint: a loss of power may have left a part of it.
        found?.batch.table.loadAll();
      } catch (reason) {
        // What follows the last whole batch of a file is no batch.
        if (reason instanceof SmaltiError && reason.code === "CORRUPT") return;
        this.end = start; // so that it can be tried again
        throw reason;
      }
      if (!found) return;
      yield found;
    }
  }

  async #next(read: ReadRange, size: number): Promise<FoundBatch | undefined> {
    const offset = this.end;
    const frame = await readFrame(read, offset, size);
    if (!frame) return undefined;
    const { message, headBytes } = frame;
    const batch = openBatch(this.#engine, message, { fields: this.schema.fields, where: { offset } });
    const { times, rows, headerCrc } = batch;
    if (headerCrc === undefined || rows === 0) {
      throw new SmaltiError("CORRUPT", "Batch has no checksums, or no rows", { offset });
    }
    const { length } = message;
    const [firstNs, lastNs] = [times[0], times[rows - 1]];
    this.end += length;
    return { entry: { offset, length, headBytes, rows, firstNs, lastNs, headerCrc }, batch };
  }
}

type Schema = NonNullable<Awaited<ReturnType<typeof readSchema>>>;

/** Reads more than is asked for, up to a limit, which what is asked for next is taken from. */
function inChunks(read: ReadRange, limit: number): ReadRange {
  let start = 0;
  let chunk: Uint8Array = new Uint8Array(0);
  return async (offset, length) => {
    if (offset < start || offset + length > start + chunk.length) {
      start = offset;
      chunk = await read(offset, Math.max(length, Math.min(CHUNK_BYTES, limit - offset)));
    }
    return chunk.slice(offset - start, offset - start + length);
  };
}

/** Whether a store holds a file for who opened it, although another one comes to its path. */
export function mayHold(files: FileReader): boolean {
  return "open" in files && (files as Store).holds !== false;
}

/**
 * A file that is being written where none can be held open: at the session's end another one may come to its path, with the
 * same rows in other batches. Only what the bytes say tells.
 */
export class UnheldFile implements HeldFile {
  readonly #files: FileReader;
  readonly #path: string;
  /** Messages that were kept, by their offset. */
  readonly #kept = new Map<number, Uint8Array>();

  constructor(files: FileReader, path: string) {
    this.#files = files;
    this.#path = path;
  }

  readonly read: TopicBytes = async (offset, length, signal) => {
    const kept = this.#kept.get(offset);
    if (kept?.length === length) return kept.slice();
    return await this.#files.read(this.#path, offset, length, { signal, grows: true });
  };

  /** The same with some batches kept, which are then there whatever comes to the path. */
  keeping(batches: readonly FoundBatch[]): UnheldFile {
    const file = new UnheldFile(this.#files, this.#path);
    for (const { entry, batch } of batches) file.#kept.set(entry.offset, batch.message.slice());
    return file;
  }

  /**
   * After something was read of it that makes no sense: what there is in its place, as soon as that was committed; undefined
   * where the file is still written, or nothing comes of it.
   *
   * @param committed Gives it, where it was.
   */
  async ended<T>(committed: () => Promise<T | undefined>, signal: AbortSignal): Promise<T | undefined> {
    for (let looks = 0; looks < ENDED_LOOKS; looks++) {
      const found = await committed();
      if (found !== undefined || !await this.#hasEnd()) return found;
      await pause(ENDED_MS, signal);
    }
    return undefined;
  }

  /** Whether the file at the path has a footer: it was written to its end. */
  async #hasEnd(): Promise<boolean> {
    try {
      const size = await this.#files.size(this.#path);
      const end = await this.#files.read(this.#path, size - MAGIC.length, MAGIC.length, { fresh: true });
      return MAGIC.every((byte, i) => end[i] === byte);
    } catch (reason) {
      if (isNotFound(reason)) return false;
      throw reason;
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
