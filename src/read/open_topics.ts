import type { SequenceSource, TopicSource } from "../backend.ts";
import { SmaltiError } from "../error.ts";
import { compareNames, topicName } from "../names.ts";
import { reopened, withCurrent } from "../reopen.ts";
import type { SequenceInfo, TopicInfo } from "../types.ts";
import { mapLimited } from "../util/map_limited.ts";
import { didYouMean } from "../util/nearest.ts";
import { type Extent, totals } from "../util/totals.ts";

/** Topics that are opened or looked into at a time. */
export const TOPICS_AT_A_TIME = 32;

/** The topics of a sequence, by name: each is opened once, when it is first needed. */
export class OpenTopics {
  readonly #source: SequenceSource;
  /** Names of the topics of `#namesOf`. */
  #names: ReadonlySet<string> = new Set();
  #namesOf: readonly TopicInfo[] | undefined;
  /** What the topics were at the last look, while the sequence is recorded. */
  #grown: readonly TopicInfo[] | undefined;
  readonly #opened = new Map<string, Promise<TopicSource>>();

  constructor(source: SequenceSource) {
    this.#source = source;
  }

  /** A topic's name as the manifest has it. NOT_FOUND, INVALID_NAME. */
  known(name: string): string {
    const { info } = this.#source;
    const topic = topicName(name, info.name);
    if (this.#infos !== this.#namesOf) {
      this.#namesOf = this.#infos;
      this.#names = new Set(this.#infos.map(({ name }) => name));
    }
    if (this.#names.has(topic)) return topic;
    const names = [...this.#names];
    const some = names.length > 8
      ? `${names.slice(0, 8).join(", ")} and ${names.length - 8} more`
      : names.join(", ");
    throw new SmaltiError(
      "NOT_FOUND",
      `No topic "${topic}" in sequence "${info.name}"; it has ${some || "none"}${didYouMean(topic, names)}`,
      { sequence: info.name, topic },
    );
  }

  /** Names of topics, all unless some are given, once each and in order. NOT_FOUND, INVALID_NAME. */
  chosen(names: readonly string[] = this.#infos.map(({ name }) => name)): string[] {
    return [...new Set(names.map((name) => this.known(name)))].sort(compareNames);
  }

  /** The time from the first to the last message of some topics. */
  extentOf(names: readonly string[]): Extent {
    const chosen = new Set(names);
    return totals(this.#infos.filter(({ name }) => chosen.has(name)));
  }

  /** One of them, by its name in the manifest. CORRUPT. */
  open(topic: string): Promise<TopicSource> {
    let source = this.#opened.get(topic);
    if (!source) {
      source = this.#source.openTopic(topic);
      this.#opened.set(topic, source);
      // What failed may succeed another time.
      source.catch(() => this.#opened.delete(topic));
    }
    return source;
  }

  /** Some of them. */
  openAll(topics: readonly string[], signal: AbortSignal | undefined): Promise<TopicSource[]> {
    return mapLimited(topics, TOPICS_AT_A_TIME, (name) => {
      signal?.throwIfAborted();
      return this.open(name);
    });
  }

  /** Some of them, from the files that are there now, for all who ask from now on. */
  async reopenAll(sources: readonly TopicSource[]): Promise<TopicSource[]> {
    const current = await Promise.all(sources.map(reopened));
    for (const source of current) this.#opened.set(source.info.name, Promise.resolve(source));
    return current;
  }

  /** What is made of each of some topics, in their order. */
  ofEach<R>(
    topics: readonly string[],
    signal: AbortSignal | undefined,
    action: (source: TopicSource, i: number) => Promise<R>,
  ): Promise<R[]> {
    return mapLimited([...topics.entries()], TOPICS_AT_A_TIME, async ([i, name]) => {
      signal?.throwIfAborted();
      return await withCurrent(await this.open(name), (source) => action(source, i));
    });
  }

  /** Opens all of them anew where they are being recorded and followed: there may be more in them. LOCKED as {@linkcode checkEnded}. */
  async lookAgain(tried: string, signal?: AbortSignal): Promise<void> {
    const { soFar, info } = this.#source;
    if (!soFar) return checkEnded(info, tried, "follow: true");
    const topics = await soFar(signal);
    this.#grown = topics.map(({ info }) => info);
    this.#opened.clear();
    for (const topic of topics) this.#opened.set(topic.info.name, Promise.resolve(topic));
  }

  /** What is known of them, also of those that are being recorded where that was looked into. */
  get #infos(): readonly TopicInfo[] {
    return this.#grown ?? this.#source.info.topics;
  }

  /** Lets go of what is kept at hand of them. */
  letGo(): void {
    for (const source of this.#opened.values()) source.then((source) => source.letGo?.(), () => {});
  }
}

/** LOCKED where a sequence was being recorded when it was opened. */
export function checkEnded({ name, state }: SequenceInfo, tried: string, wanted?: string): void {
  if (state !== "recording") return;
  throw new SmaltiError(
    "LOCKED",
    `${tried}: it was being recorded when it was opened${wanted === undefined ? "" : `; wanted ${wanted}`}`,
    { sequence: name },
  );
}
