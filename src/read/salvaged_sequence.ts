/**
 * A damaged sequence as what is whole of it.
 *
 * @module
 */
import type { Vector } from "../arrow/vector.ts";
import type {
  BatchAhead,
  Follower,
  Run,
  RunOptions,
  RunSource,
  SequenceSource,
  TopicSource,
} from "../backend.ts";
import { SmaltiError } from "../error.ts";
import { reopened } from "../reopen.ts";
import { isWrittenAnew } from "../store/store.ts";
import {
  type AttachmentInfo,
  MAX_NS,
  MIN_NS,
  type SequenceInfo,
  type TopicInfo,
  type Window,
} from "../types.ts";
import { mapLimited } from "../util/map_limited.ts";

/** Topics that are opened at a time. */
const TOPICS_AT_A_TIME = 32;

/** Damage that was met, and what is passed over for it, in words. */
export interface Damage {
  readonly topic: string;
  readonly reason: SmaltiError;
  readonly lost: string;
  /** Times of what is passed over, both inclusive, as far as they are known. */
  readonly span?: { readonly firstNs: bigint; readonly lastNs: bigint | undefined };
}

/** Reads a sequence and passes over what is damaged: batches, and topics of which nothing can be made out. */
export class SalvagedSequence implements SequenceSource {
  readonly info: SequenceInfo;
  readonly #source: SequenceSource;
  readonly #topics: ReadonlyMap<string, SalvagedTopic>;

  private constructor(source: SequenceSource, topics: ReadonlyMap<string, SalvagedTopic>) {
    this.#source = source;
    this.#topics = topics;
    this.info = { ...source.info, topics: source.info.topics.filter(({ name }) => topics.has(name)) };
  }

  /** Opens all topics. `onDamage` hears of each damage once, in the order of the topics; what it throws, reading throws. */
  static async open(source: SequenceSource, onDamage: (damage: Damage) => void): Promise<SalvagedSequence> {
    const opened = await mapLimited(source.info.topics, TOPICS_AT_A_TIME, (info) => openTopic(source, info));
    for (const { damage } of opened) if (damage) onDamage(damage);
    const topics = opened.flatMap(({ topic }) => topic ? [new SalvagedTopic(topic, onDamage)] : []);
    return new SalvagedSequence(source, new Map(topics.map((topic) => [topic.info.name, topic])));
  }

  openTopic(name: string): Promise<TopicSource> {
    const topic = this.#topics.get(name);
    return topic ? Promise.resolve(topic) : this.#source.openTopic(name);
  }

  readAttachment(attachment: AttachmentInfo): Promise<Uint8Array> {
    return this.#source.readAttachment(attachment);
  }

  follow(): Follower | Promise<Follower> {
    return this.#source.follow();
  }
}

/** A topic as far as it can be opened, and what of it cannot. */
async function openTopic(
  source: SequenceSource,
  { name, rowCount }: TopicInfo,
): Promise<{ topic?: TopicSource | undefined; damage?: Damage }> {
  try {
    return { topic: await source.openTopic(name) };
  } catch (reason) {
    if (!isDamage(reason)) throw reason;
    const topic = await source.salvageTopic?.(name).catch((failure) => {
      if (!isDamage(failure)) throw failure;
    }) ?? undefined;
    const [whole] = await topic?.countRows([MIN_NS, MAX_NS]) ?? [0];
    return {
      topic,
      damage: { topic: name, reason, lost: `${rowCount - whole} of its ${rowCount} messages` },
    };
  }
}

/** Whether something cannot be read since it is damaged, or is not there. */
function isDamage(reason: unknown): reason is SmaltiError {
  return reason instanceof SmaltiError && !isWrittenAnew(reason) &&
    ["CORRUPT", "NOT_FOUND", "OUT_OF_ORDER"].includes(reason.code);
}

/** A topic that is open, as what is whole of it. */
export class SalvagedTopic implements TopicSource {
  readonly info: TopicSource["info"];
  readonly schema: TopicSource["schema"];
  readonly countRows: TopicSource["countRows"];
  readonly verify: TopicSource["verify"];
  readonly #source: TopicSource;
  readonly #onDamage: (damage: Damage) => void;
  /** Batches that were told of. */
  readonly #told = new Set<unknown>();

  constructor(source: TopicSource, onDamage: (damage: Damage) => void) {
    this.info = source.info;
    this.schema = source.schema;
    this.countRows = source.countRows.bind(source);
    this.verify = source.verify.bind(source);
    this.#source = source;
    this.#onDamage = onDamage;
  }

  async reopen(): Promise<TopicSource> {
    return new SalvagedTopic(await reopened(this.#source), this.#onDamage);
  }

  get index(): TopicSource["index"] {
    return this.#source.index;
  }

  async readBounds(signal?: AbortSignal): ReturnType<NonNullable<TopicSource["readBounds"]>> {
    try {
      return await this.#source.readBounds?.(signal);
    } catch (reason) {
      if (isDamage(reason)) return undefined;
      throw reason;
    }
  }

  async readDetail(
    paths: readonly string[],
    signal?: AbortSignal,
  ): ReturnType<NonNullable<TopicSource["readDetail"]>> {
    return await this.#source.readDetail?.(paths, signal);
  }

  runs(window: Window, signal?: AbortSignal, options?: RunOptions): RunSource {
    return new SalvagedRuns(
      this.#source.runs(window, signal, options),
      (reason, lost, nextNs) => this.#tell(reason, lost, nextNs),
      options,
    );
  }

  async latest(ns: bigint, signal?: AbortSignal): ReturnType<TopicSource["latest"]> {
    try {
      return await this.#source.latest(ns, signal);
    } catch (reason) {
      if (isDamage(reason)) return undefined;
      throw reason;
    }
  }

  letGo(): void {
    this.#source.letGo?.();
  }

  #tell(reason: SmaltiError, lost: string, nextNs: bigint | undefined): void {
    const { batch } = reason.details;
    if (this.#told.has(batch)) return;
    this.#told.add(batch);
    const lastNs = batch === undefined ? this.info.lastNs : this.index?.lastNs[batch];
    const isKnown = lastNs !== undefined && nextNs !== undefined && lastNs >= nextNs;
    const span = nextNs === undefined ? undefined : { firstNs: nextNs, lastNs: isKnown ? lastNs : undefined };
    this.#onDamage({ topic: this.info.name, reason, lost, ...(span && { span }) });
  }
}

/** Passes over batches that are damaged. */
class SalvagedRuns implements RunSource {
  readonly #source: RunSource;
  readonly #onDamage: (reason: SmaltiError, lost: string, nextNs: bigint | undefined) => void;
  readonly #reverse: boolean;
  /** The columns that are wanted; undefined for all. */
  readonly #paths: RunOptions["paths"];

  constructor(
    source: RunSource,
    onDamage: (reason: SmaltiError, lost: string, nextNs: bigint | undefined) => void,
    { reverse = false, paths }: RunOptions = {},
  ) {
    this.#reverse = reverse;
    this.#paths = paths;
    this.#source = source;
    this.#onDamage = onDamage;
  }

  get nextNs(): bigint | undefined {
    return this.#source.nextNs;
  }

  get nextBytes(): number {
    return this.#source.nextBytes;
  }

  get ahead(): BatchAhead | undefined {
    return this.#source.ahead;
  }

  prefetch(): void {
    this.#source.prefetch();
  }

  dropAhead(): void {
    this.#source.dropAhead();
  }

  async open(): Promise<Run | undefined> {
    const { nextNs } = this;
    try {
      const run = await this.#source.open();
      // Columns are checked when they are touched, which is too late to pass over them.
      if (run) loadColumns(run.batch.table, this.#paths);
      run?.batch.unload();
      return run;
    } catch (reason) {
      if (!isDamage(reason)) throw reason;
      // A stream that has failed gives nothing more; a file has other batches.
      const isOneBatch = reason.details.batch !== undefined;
      if (!isOneBatch) this.#source.close();
      this.#onDamage(
        reason,
        `${isOneBatch ? "a batch of its messages" : "its messages"}, ${
          this.#reverse ? `from ${~nextNs!} ns back` : `from ${nextNs} ns on`
        }`,
        this.#reverse ? undefined : nextNs,
      );
      return undefined;
    }
  }

  close(): void {
    this.#source.close();
  }
}

/** Loads the columns at paths, and what tells which of the structs around are missing; all where none are given. CORRUPT. */
function loadColumns(table: Vector, paths: RunOptions["paths"]): void {
  if (!paths) return table.loadAll();
  for (const path of paths) {
    let vector = table;
    for (const place of path) {
      vector.prove();
      vector = vector.children[place];
    }
    vector.loadAll();
  }
}
