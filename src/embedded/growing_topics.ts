import type { BatchCache, FileBatches } from "../arrow/batch_cache.ts";
import { openBatch } from "../arrow/stored_batch.ts";
import type { Engine } from "../engine.ts";
import { isNotFound, SmaltiError } from "../error.ts";
import { compareNames } from "../names.ts";
import { MAX_ATTEMPTS } from "../reopen.ts";
import { type FileReader, isWrittenAnew } from "../store/store.ts";
import type { TopicSchema } from "../types.ts";
import { mapLimited } from "../util/map_limited.ts";
import { TimeSlice } from "../util/time_slice.ts";
import { keepsBounds, summaryOf } from "./batch_summary.ts";
import { isNewTopic } from "./live_info.ts";
import { type LiveTopic, readLive } from "./live_state.ts";
import { filesOf, type Manifest, topicInfo, topicPath } from "./manifest.ts";
import { readFrame, readSchema } from "./recover_topic_file.ts";
import type { TopicBytes } from "./topic_footer.ts";
import { bytesIn, TopicFileReader } from "./topic_file_reader.ts";
import { IndexBuilder } from "./topic_index.ts";

/** Topics that are read side by side. */
const TOPICS_AT_A_TIME = 8;

/** What is known of a topic's file while it grows. */
interface GrowingFile {
  readonly session: string;
  readonly file: TopicBytes;
  readonly path: string;
  readonly schema: TopicSchema;
  readonly index: IndexBuilder;
  /** Those of its batches that are kept at hand. */
  readonly kept: FileBatches | undefined;
  /** Where the next batch begins. */
  end: number;
}

/**
 * The topics of a sequence that is being recorded, as far as its writers have told followers. What was read of a file stays
 * known: its index and bounds, so that only new batches are read the next time.
 */
export class GrowingTopics {
  readonly #files: FileReader;
  readonly #engine: Engine;
  readonly #readManifest: () => Promise<Manifest>;
  readonly #openTopic: (manifest: Manifest, name: string) => Promise<TopicFileReader>;
  readonly #cache: BatchCache | undefined;
  readonly #growing = new Map<string, GrowingFile>();
  readonly #committed = new Map<string, TopicFileReader>();
  /** The last look: another one waits for it. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    files: FileReader,
    engine: Engine,
    readManifest: () => Promise<Manifest>,
    openTopic: (manifest: Manifest, name: string) => Promise<TopicFileReader>,
    cache: BatchCache | undefined,
  ) {
    this.#cache = cache;
    this.#files = files;
    this.#engine = engine;
    this.#readManifest = readManifest;
    this.#openTopic = openTopic;
  }

  /** All topics as they are now, in ASCII order of their names. */
  now(signal?: AbortSignal): Promise<TopicFileReader[]> {
    const look = this.#last.then(() => this.#look(signal));
    this.#last = look.catch(() => {});
    return look;
  }

  async #look(signal: AbortSignal | undefined): Promise<TopicFileReader[]> {
    for (let attempt = 1;; attempt++) {
      try {
        return await this.#lookOnce(signal);
      } catch (reason) {
        // A session came to its end, or was removed, since that was told.
        const mayPass = isWrittenAnew(reason) || isNotFound(reason);
        if (!mayPass || attempt === MAX_ATTEMPTS) throw reason;
        this.#growing.clear();
      }
    }
  }

  async #lookOnce(signal: AbortSignal | undefined): Promise<TopicFileReader[]> {
    const before = await this.#readManifest();
    const live = await readLive(this.#files, before);
    // In this order: a writer puts its manifest in place before it tells nothing more.
    const manifest = await this.#readManifest();
    const told = Object.entries(live?.topics ?? {})
      .filter(([name, { session, bytes }]) => bytes > 0 && isNewTopic(manifest, name, session));
    const growing = await mapLimited(told, TOPICS_AT_A_TIME, async ([name, topic]) => {
      return this.#reader(manifest.name, name, topic, await this.#grow(manifest, name, topic, signal));
    });
    const committed = await mapLimited(manifest.topics, TOPICS_AT_A_TIME, async ({ name, sessionId }) => {
      const known = this.#committed.get(name);
      const reader = known?.info.sessionId === sessionId ? known : await this.#openTopic(manifest, name);
      this.#committed.set(name, reader);
      return reader;
    });
    return [...committed, ...growing].sort((a, b) => compareNames(a.info.name, b.info.name));
  }

  /** Takes the batches of a topic that are not known yet. */
  async #grow(
    manifest: Manifest,
    name: string,
    { session, bytes: size }: LiveTopic,
    signal: AbortSignal | undefined,
  ): Promise<GrowingFile> {
    const path = topicPath(filesOf(manifest), { name });
    const where = { sequence: manifest.name, topic: name, file: path };
    try {
      let known = this.#growing.get(name);
      if (known?.session !== session) {
        const file = bytesIn(this.#files, path);
        const found = await readSchema(file, this.#engine, size);
        if (!found) throw new SmaltiError("CORRUPT", `File of ${size} bytes ends within its schema`);
        const { schema, end } = found;
        known = { session, file, path, schema, end, index: new IndexBuilder(), kept: this.#cache?.file() };
        this.#growing.set(name, known);
      }
      const slice = new TimeSlice();
      while (known.end < size) {
        await slice.pause();
        signal?.throwIfAborted();
        await this.#take(known, size);
      }
      return known;
    } catch (reason) {
      throw reason instanceof SmaltiError ? reason.at(where) : reason;
    }
  }

  async #take(known: GrowingFile, size: number): Promise<void> {
    const { file, schema: { fields }, index, end: offset } = known;
    const frame = await readFrame(file, offset, size);
    if (!frame) throw new SmaltiError("CORRUPT", `No batch at byte ${offset} of a file of ${size}`);
    const { message, headBytes } = frame;
    const batch = openBatch(this.#engine, message, { fields, where: { offset } });
    const { table, times, rows, headerCrc, places } = batch;
    if (headerCrc === undefined || rows === 0) {
      throw new SmaltiError("CORRUPT", "Batch has no checksums, or no rows", { offset });
    }
    const summary = keepsBounds(index.length, rows) ? summaryOf(table, times, places) : undefined;
    const { length } = message;
    const [firstNs, lastNs] = [times[0], times[rows - 1]];
    index.add({ offset, length, headBytes, rows, firstNs, lastNs, headerCrc }, summary);
    known.end += length;
  }

  #reader(
    sequence: string,
    name: string,
    { session: sessionId, created, bytes: sizeBytes }: LiveTopic,
    { file, path, schema, index, kept }: GrowingFile,
  ): TopicFileReader {
    const { fields } = schema;
    const info = topicInfo(name, schema, { ...index.totals, sizeBytes }, { created, sessionId });
    const collected = { bounds: index.toBounds(fields), detail: index.toDetail(fields) };
    const reopen = () => this.#open(name);
    const parts = { info, schema, index: index.toIndex(), collected, kept, reopen };
    return TopicFileReader.growing(file, this.#engine, path, parts, sequence);
  }

  async #open(topic: string): Promise<TopicFileReader> {
    const found = (await this.now()).find(({ info }) => info.name === topic);
    if (found) return found;
    throw new SmaltiError("NOT_FOUND", `Topic "${topic}" was removed while it was recorded`, { topic });
  }
}
