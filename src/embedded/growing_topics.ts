import type { BatchCache, FileBatches } from "../arrow/batch_cache.ts";
import type { Engine } from "../engine.ts";
import { isNotFound, SmaltiError } from "../error.ts";
import { compareNames } from "../names.ts";
import { MAX_ATTEMPTS } from "../reopen.ts";
import { type FileReader, isWrittenAnew } from "../store/store.ts";
import { mapLimited } from "../util/map_limited.ts";
import { summaryOf } from "./batch_summary.ts";
import { keepsBounds } from "./bounded_batches.ts";
import { GrowingFile, mayHold, UnheldFile } from "./growing_file.ts";
import { isNewTopic } from "./live_info.ts";
import { LiveFile, type LiveTopic } from "./live_state.ts";
import { filesOf, type Manifest, topicInfo, topicPath } from "./manifest.ts";
import type { TopicBytes } from "./topic_footer.ts";
import { bytesIn, TopicFileReader } from "./topic_file_reader.ts";
import { IndexBuilder } from "./index_builder.ts";

/** Topics that are read side by side. */
const TOPICS_AT_A_TIME = 8;
const NEVER: AbortSignal = new AbortController().signal;

/** What is known of a topic while its file grows. */
interface GrowingTopic {
  readonly file: GrowingFile;
  readonly read: TopicBytes;
  /** Where nobody holds the file. */
  readonly unheld: UnheldFile | undefined;
  readonly path: string;
  readonly index: IndexBuilder;
  /** Those of its batches that are kept at hand. */
  readonly kept: FileBatches | undefined;
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
  readonly #growing = new Map<string, GrowingTopic>();
  readonly #committed = new Map<string, TopicFileReader>();
  readonly #live: LiveFile;
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
    this.#live = new LiveFile(files);
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
        const mayPass = isWrittenAnew(reason) || isNotFound(reason) || await this.#isEnding(reason);
        if (!mayPass || attempt === MAX_ATTEMPTS) throw reason;
        this.#growing.clear();
      }
    }
  }

  /** Whether what made no sense is a file that took the place of one that nobody holds, and was committed by now. */
  async #isEnding(reason: unknown): Promise<boolean> {
    if (!(reason instanceof SmaltiError) || reason.code !== "CORRUPT") return false;
    const { topic = "" } = reason.details;
    const { unheld, file } = this.#growing.get(topic) ?? {};
    if (!unheld || !file) return false;
    return await unheld.ended(() => this.#committedNow(topic, file.session), NEVER) !== undefined;
  }

  async #lookOnce(signal: AbortSignal | undefined): Promise<TopicFileReader[]> {
    const before = await this.#readManifest();
    const live = await this.#live.read(before);
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
  ): Promise<GrowingTopic> {
    const path = topicPath(filesOf(manifest), { name });
    const where = { sequence: manifest.name, topic: name, file: path };
    try {
      let known = this.#growing.get(name);
      if (known?.file.session !== session) {
        const unheld = mayHold(this.#files) ? undefined : new UnheldFile(this.#files, path);
        const read = unheld?.read ?? bytesIn(this.#files, path);
        const isFar = unheld !== undefined;
        const file = await GrowingFile.open(this.#engine, read, size, { session, isFar });
        known = { file, read, unheld, path, index: new IndexBuilder(), kept: this.#cache?.file() };
        this.#growing.set(name, known);
      }
      const { file, index } = known;
      for await (const { entry, batch: { table, times, rows, places } } of file.batches(size, signal)) {
        index.add(entry, keepsBounds(index.length, rows) ? summaryOf(table, times, places) : undefined);
      }
      return known;
    } catch (reason) {
      throw reason instanceof SmaltiError ? reason.at(where) : reason;
    }
  }

  #reader(
    sequence: string,
    name: string,
    { session: sessionId, created, bytes: sizeBytes }: LiveTopic,
    { file: { schema }, read, unheld, path, index, kept }: GrowingTopic,
  ): TopicFileReader {
    const { fields } = schema;
    const info = topicInfo(name, schema, { ...index.totals, sizeBytes }, { created, sessionId });
    const collected = { bounds: index.toBounds(fields), detail: index.toDetail(fields) };
    const reopen = () => this.#open(name);
    const ended = unheld && (() => unheld.ended(() => this.#committedNow(name, sessionId), NEVER));
    const parts = { info, schema, index: index.toIndex(), collected, kept, reopen, ended };
    return TopicFileReader.growing(read, this.#engine, path, parts, sequence);
  }

  /** A topic as it was committed; undefined where it was not yet. */
  async #committedNow(name: string, sessionId: string | undefined): Promise<TopicFileReader | undefined> {
    const manifest = await this.#readManifest();
    const isThere = manifest.topics.some((topic) => topic.name === name && topic.sessionId === sessionId);
    return isThere ? await this.#openTopic(manifest, name) : undefined;
  }

  async #open(topic: string): Promise<TopicFileReader> {
    const found = (await this.now()).find(({ info }) => info.name === topic);
    if (found) return found;
    throw new SmaltiError("NOT_FOUND", `Topic "${topic}" was removed while it was recorded`, { topic });
  }
}
