import { show } from "../arrow/builder.ts";
import type { SequenceSink } from "../backend.ts";
import { SmaltiError } from "../error.ts";
import { newTopicName } from "../names.ts";
import type { Ontology } from "../ontology/define_ontology.ts";
import { TIMESTAMP_FIELD } from "../schema.ts";
import { type AttachmentInfo, MAX_NS, type Metadata, MIN_NS, type SequenceInfo } from "../types.ts";
import { type SessionLife, takeFailure, TopicWriter, type WriterStatus } from "./topic_writer.ts";
import { WriteMemory } from "./write_memory.ts";

/** What becomes of a session that is given up: `delete` removes it, `report` keeps it, marked as failed. */
export type ErrorPolicy = "delete" | "report";

/** Options of `sequenceUpdate`, and of every session. */
export interface SessionOptions {
  /** What becomes of the session when it is aborted. @default "report" */
  errorPolicy?: ErrorPolicy;
  /** Bound on what the session's topics hold in memory, in bytes. @default 32 MiB */
  maxBufferedBytes?: number;
  /**
   * Bounds on what a crash may cost, and on how long followers wait for what was pushed. False for none: what was pushed is
   * durable then, and shown to followers, after `flush` or `finalize`.
   * @default in a directory, after a second; more rarely where syncing would take more than a tenth of the time. Else none
   */
  autoFlush?: AutoFlush | false;
  /**
   * How much earlier than the newest message of any topic a message may still come, in nanoseconds: so far behind the
   * newest are those who follow, while messages come. @default 0n
   */
  latenessNs?: bigint;
}

/** When a session flushes by itself, beside pushes: whichever bound is reached first. */
export interface AutoFlush {
  /** Flush so long after the first message that is not yet durable, in milliseconds. */
  intervalMs?: number;
  /** Flush when so many bytes of messages are not yet durable, as they are in memory. */
  bytes?: number;
}

/** Options of {@linkcode SequenceWriter.topicCreate}. */
export interface TopicOptions<T> {
  /** What the topic's messages hold: a built-in class such as `GPS`, or one's own by `defineOntology`. */
  ontology: Ontology<T>;
  /** Facts about the topic, kept with it. @default {} */
  metadata?: Metadata;
}

const DEFAULT_BUFFERED = 32 * 2 ** 20;
/** How long after the first message that is not yet durable a session flushes by itself, in ms, unless told otherwise. */
const FLUSH_MS = 1000;
/** Of the time, the part that flushes take at most where nobody said when to flush. */
const FLUSH_SHARE = 0.1;
/** After so long without a message, in ms, followers get all that was flushed. */
const IDLE_MS = 1000;
/** Timers take no longer sleep; they would end at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** When a session flushes by itself, unless told otherwise. */
export const DEFAULT_AUTO_FLUSH: AutoFlush = { intervalMs: FLUSH_MS };

/**
 * Writes one session of a sequence: create topics, push messages, finalize. Finalizing commits the session and locks
 * it; leaving it without that aborts it, by its error policy.
 *
 * Made by `client.sequenceCreate` and `client.sequenceUpdate`. Concurrent calls are allowed.
 *
 * @example
 * ```ts
 * import { connect, GPS } from "smalti";
 *
 * await using client = await connect("memory:");
 * await using sequence = await client.sequenceCreate("drive_log_01", { metadata: { vehicle: "A" } });
 * const gps = await sequence.topicCreate("gps/front", { ontology: GPS });
 * await gps.push({ timestampNs: 1_700_000_000_000_000_000n, data: { position: { x: 45.46, y: 9.19, z: 122 } } });
 * await sequence.finalize(); // without this line, leaving the block would abort
 * ```
 */
export class SequenceWriter implements AsyncDisposable {
  /** The sequence's name. */
  readonly name: string;
  readonly #sink: SequenceSink;
  readonly #policy: ErrorPolicy;
  readonly #memory: WriteMemory;
  readonly #topics = new Map<string, TopicWriter>();
  /** What the writer does beside pushes, to be waited for before it ends. */
  readonly #pending = new Set<Promise<unknown>>();
  readonly #ended: () => void;
  readonly #autoFlush: AutoFlush | undefined;
  readonly #latenessNs: bigint;
  #unflushed = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #idleTimer: ReturnType<typeof setTimeout> | undefined;
  /** Flushes under way: a flush belongs to its session. */
  readonly #flushes = new Set<Promise<void>>();
  /** The last automatic flush, and how long it took, in ms. */
  #flushing: Promise<void> = Promise.resolve();
  #flushMs = 0;
  /** Whether messages were sent that could not be flushed: from then on nobody can say what followers have. */
  #hasGap = false;
  /** Time of the newest message that was flushed. */
  #flushedNs: bigint = MIN_NS;
  readonly #life: SessionLife = { status: "open", failure: undefined, stopped: undefined };
  #finalizing: Promise<SequenceInfo> | undefined;
  #aborting: Promise<void> | undefined;
  /** Why it was given up. */
  #abortReason: unknown;
  #endSignal: AbortSignal | undefined;

  /** @internal Use `client.sequenceCreate` or `client.sequenceUpdate`. */
  constructor(name: string, sink: SequenceSink, options: SessionOptions, ended: () => void) {
    const { errorPolicy = "report", maxBufferedBytes = DEFAULT_BUFFERED, autoFlush, latenessNs = 0n } =
      options;
    this.#autoFlush = autoFlush || undefined;
    this.#latenessNs = latenessNs;
    this.name = name;
    this.#sink = sink;
    this.#policy = errorPolicy;
    this.#memory = new WriteMemory(maxBufferedBytes);
    this.#ended = ended;
  }

  /** Where it stands in its life: open, finalizing, then finalized or aborted. */
  get status(): WriterStatus {
    return this.#life.status;
  }

  /** The topics created so far, by name. */
  get topics(): ReadonlyMap<string, TopicWriter> {
    return this.#topics;
  }

  /**
   * Adds a topic. Its name is as a sequence's, with `/` between parts; each has 200 characters at most, the whole 1000. A
   * leading `/` is dropped. `T` is inferred from the ontology, so that `push` takes its
   * messages and nothing else.
   *
   * Rejects with INVALID_NAME where the name breaks the rule, ALREADY_EXISTS where the sequence has the topic, from this
   * session or an earlier one, CLOSED after the end.
   */
  async topicCreate<T>(name: string, options: TopicOptions<T>): Promise<TopicWriter<T>> {
    this.#check(`create topic ${JSON.stringify(name)} of`);
    const { ontology } = options;
    const topic = newTopicName(name, this.name);
    if (
      !(typeof ontology?.tag === "string" && typeof ontology.format === "string" &&
        Array.isArray(ontology.fields))
    ) {
      throw new TypeError(
        `Cannot create topic "${topic}" of sequence "${this.name}": its ontology is ${show(ontology)}, ` +
          "wanted one that is built in or made by defineOntology",
      );
    }
    const metadata = plainMetadata(options.metadata ?? {}, `topic "${topic}"`);
    const sink = await this.#wait(this.#sink.createTopic(topic, {
      ontologyTag: ontology.tag,
      serializationFormat: ontology.format,
      metadata,
      fields: [TIMESTAMP_FIELD, ...ontology.fields],
    }));
    const writer = new TopicWriter<T>(ontology, metadata, {
      sequence: this.name,
      topic,
      sink,
      memory: this.#memory,
      life: this.#life,
      pending: (flush) => this.#track(flush),
      abort: (reason) => this.abort(reason),
      ...(this.#autoFlush && { taken: (bytes: number) => this.#taken(bytes) }),
    });
    this.#topics.set(topic, writer);
    return writer;
  }

  /**
   * Keeps a file beside the topics, such as a calibration; the bytes are read before it resolves. Names may repeat.
   * CLOSED after the end, UNSUPPORTED behind a daemon. TypeError and RangeError for facts that make no sense.
   */
  async attach(info: Omit<AttachmentInfo, "sizeBytes">, bytes: Uint8Array): Promise<void> {
    this.#check("attach to");
    checkAttachment(info);
    await this.#wait(this.#sink.attach({ ...info, sizeBytes: bytes.length }, bytes));
  }

  /** Adds facts to the sequence's metadata; a later key wins. They are stored by `finalize`. CLOSED after the end. */
  addMetadata(metadata: Metadata): void {
    this.#check("add metadata to");
    this.#sink.addMetadata(plainMetadata(metadata, `sequence "${this.name}"`));
  }

  /**
   * Resolves when every message taken before, on all topics, is durable; see {@linkcode TopicWriter.flush}. It is a
   * checkpoint: who follows the sequence gets what is more than `latenessNs` before the newest of them, and all of it once no
   * message has come for a second, or for `latenessNs` where that is longer. A message that comes after such a pause with the
   * time of the last one, or an earlier one, is late.
   */
  async flush(): Promise<void> {
    this.#check("flush");
    await this.#track(this.#flush());
  }

  async #flush(): Promise<void> {
    clearTimeout(this.#idleTimer);
    const [rows, startMs] = [this.#rowCount(), performance.now()];
    const topics = [...this.#topics.values()];
    const flushed = Promise.all(topics.map((topic) => topic.sync()));
    // Now, when all that was taken is on its way, and nothing more is.
    const newest = topics.reduce(
      (most, { newestNs }) => newestNs !== undefined && newestNs > most ? newestNs : most,
      MIN_NS,
    );
    for (const topic of topics) topic.forgetPending();
    try {
      await flushed;
    } catch (reason) {
      this.#hasGap = true;
      throw reason;
    }
    const untilNs = newest - this.#latenessNs;
    if (untilNs > MIN_NS) await this.#sink.checkpoint(untilNs);
    // Of flushes side by side the last to end need not be the last that began.
    if (newest > this.#flushedNs) this.#flushedNs = newest;
    if (this.#flushedNs > MIN_NS) this.#awaitIdle(rows, startMs);
  }

  /**
   * Tells followers once no message has come for a while: then they need not wait for more of the newest time.
   *
   * @param rows How many there were when last looked at, at `sinceMs`.
   * @param isAgain Whether telling it has failed, which somebody has heard of or will.
   */
  #awaitIdle(rows: number, sinceMs: number, isAgain = false): void {
    clearTimeout(this.#idleTimer);
    if (this.#life.status !== "open" || this.#hasGap) return;
    const idleMs = Math.max(IDLE_MS, Math.min(Number(this.#latenessNs) / 1e6, MAX_TIMER_MS));
    this.#idleTimer = setTimeout(() => {
      const rowsNow = this.#rowCount();
      // What a flush under way has sent is no longer pending, and not yet there.
      if (rowsNow === rows && this.#flushes.size === 0) this.#tellIdle(rows, isAgain);
      else this.#awaitIdle(rowsNow, performance.now(), isAgain);
    }, Math.max(0, sinceMs + idleMs - performance.now()));
  }

  #tellIdle(rows: number, isAgain: boolean): void {
    const pendingNs = [...this.#topics.values()].reduce<bigint | undefined>((least, { pendingNs: ns }) => {
      return ns !== undefined && (least === undefined || ns < least) ? ns : least;
    }, undefined);
    const endNs = this.#flushedNs + 1n;
    const untilNs = pendingNs === undefined || pendingNs > endNs ? endNs : pendingNs;
    const isIdle = pendingNs === undefined ? () => this.#rowCount() === rows : undefined;
    this.#track(this.#sink.checkpoint(untilNs, isIdle)).catch((reason) => {
      if (!isAgain) this.#fail(reason);
      this.#awaitIdle(rows, performance.now(), true);
    });
  }

  #rowCount(): number {
    return [...this.#topics.values()].reduce((sum, { rowCount }) => sum + rowCount, 0);
  }

  /** Keeps a failure of what nobody called, for the next call. */
  #fail(reason: unknown): void {
    this.#life.failure ??= SmaltiError.from(reason, "IO").at({ sequence: this.name });
  }

  /** Counts what is not yet durable, and has it flushed in time. */
  #taken(bytes: number): void {
    const { intervalMs, bytes: most = Infinity } = this.#autoFlush!;
    this.#unflushed += bytes;
    if (this.#unflushed >= most) this.#flushInTurn();
    else if (intervalMs !== undefined && this.#timer === undefined) {
      const isOwn = this.#autoFlush === DEFAULT_AUTO_FLUSH;
      const rest = isOwn ? this.#flushMs / FLUSH_SHARE : 0;
      this.#timer = setTimeout(() => this.#flushInTurn(), Math.max(intervalMs, rest));
    }
  }

  /** One flush after another: side by side they would only wait for the same disk. */
  #flushInTurn(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#unflushed = 0;
    const flush = async () => {
      if (this.#life.status !== "open") return;
      const start = performance.now();
      await this.#track(this.#flush());
      this.#flushMs = performance.now() - start;
    };
    this.#flushing = this.#flushing.then(flush).catch((reason) => this.#fail(reason));
  }

  /**
   * Finalizes the session when a signal is given, as Ctrl-C gives one. From then on `push` takes nothing more: it gives a
   * promise that rejects with the signal's reason when the session is finalized, so a loop that awaits it ends then, and who
   * does not await it is not disturbed. The callback form resolves to undefined where its callback ends with that reason.
   * Does nothing where the session has ended before.
   *
   * @example
   * ```ts
   * import process from "node:process";
   * import { connect } from "smalti";
   *
   * await using client = await connect("./recordings");
   * await using sequence = await client.sequenceCreate("drive_log_02");
   * const stop = new AbortController();
   * for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(name, () => stop.abort());
   * sequence.finalizeOn(stop.signal);
   * ```
   */
  finalizeOn(signal: AbortSignal): void {
    const finalize = () => {
      if (this.#life.status !== "open") return;
      this.#endSignal = signal;
      const stopped = this.finalize().then(() => {
        throw signal.reason;
      });
      stopped.catch(() => {}); // who awaits a push is told
      this.#life.stopped = stopped;
    };
    if (signal.aborted) finalize();
    else signal.addEventListener("abort", finalize, { once: true });
  }

  /** @internal Whether this was thrown because a signal ended the session. */
  isStop(reason: unknown): boolean {
    return this.#endSignal !== undefined && reason === this.#endSignal.reason;
  }

  /**
   * Commits the session: waits for everything pending, stores it durably and locks it. Its topics and rows never change
   * from then on.
   *
   * Rejects where anything failed, in the background or now; the session is then aborted. CLOSED where it has ended.
   */
  async finalize(): Promise<SequenceInfo> {
    this.#life.failure = undefined; // what matters of it, the end says too
    this.#check("finalize");
    this.#life.status = "finalizing";
    return await (this.#finalizing = this.#finalize());
  }

  async #finalize(): Promise<SequenceInfo> {
    this.#stopTimers();
    try {
      await Promise.all(this.#pending);
      await this.#settleFlushes();
      await Promise.all([...this.#topics.values()].map((topic) => topic.drain()));
      const info = await this.#sink.finalize();
      this.#life.status = "finalized";
      this.#ended();
      return info;
    } catch (reason) {
      // What failed matters more than a failure to note it down.
      await (this.#aborting ??= this.#abort(reason, this.#policy)).catch(() => {});
      throw reason;
    }
  }

  /**
   * Gives the session up: by the error policy, unless another is given here, it is removed, or kept with what was
   * flushed and marked as failed with the reason. A second abort does nothing; CLOSED where the session is finalized. It
   * waits for a finalize under way, which it cannot undo.
   */
  async abort(reason?: unknown, policy: ErrorPolicy = this.#policy): Promise<void> {
    checkSession({ errorPolicy: policy });
    // Not awaited where there is none: a finalize that is called in the same turn must find the session aborted.
    if (this.#finalizing) await this.#finalizing.catch(() => {});
    if (this.#life.status === "finalized") this.#check("abort");
    await (this.#aborting ??= this.#abort(reason, policy));
  }

  async #abort(reason: unknown, policy: ErrorPolicy): Promise<void> {
    this.#life.status = "aborted";
    this.#abortReason = reason;
    this.#stopTimers();
    const text = reason instanceof Error ? reason.message : String(reason ?? "left without finalize");
    await Promise.allSettled(this.#pending);
    await this.#settleFlushes();
    await Promise.allSettled([...this.#topics.values()].map((topic) => topic.drain()));
    try {
      await this.#sink.abort(policy, text);
    } finally {
      this.#ended();
    }
  }

  #stopTimers(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#idleTimer);
  }

  /** Resolves when no flush is under way. Who called one is told what came of it; what matters to the end, the end finds. */
  async #settleFlushes(): Promise<void> {
    await this.#flushing;
    await Promise.allSettled(this.#flushes);
  }

  /** @internal Waits for an end under way; rejects where the session was, or is, given up. */
  async settle(): Promise<void> {
    await this.#finalizing;
    if (this.#life.status !== "aborted") return;
    await this.#aborting?.catch(() => {});
    const reason = this.#abortReason;
    if (reason instanceof Error) throw reason;
    const text = `Sequence "${this.name}" was given up: ${String(reason ?? "no reason given")}`;
    throw new SmaltiError("ABORTED", text, { sequence: this.name, cause: reason });
  }

  /**
   * Aborts unless the session has ended: a disposer cannot see whether its block threw, so it must not commit. Waits for
   * an end that is under way.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#life.status === "open") await this.abort();
    else await Promise.allSettled([this.#finalizing, this.#aborting]);
  }

  #check(verb: string): void {
    if (this.#life.failure) throw takeFailure(this.#life);
    if (this.#life.status === "open") return;
    const text = `Cannot ${verb} sequence "${this.name}": it is ${this.#life.status}, wanted open`;
    throw new SmaltiError("CLOSED", text, { sequence: this.name });
  }

  /** Counts a flush until it has ended. */
  async #track(flush: Promise<void>): Promise<void> {
    this.#flushes.add(flush);
    try {
      await flush;
    } finally {
      this.#flushes.delete(flush);
    }
  }

  async #wait<T>(promise: Promise<T>): Promise<T> {
    this.#pending.add(promise);
    try {
      return await promise;
    } finally {
      this.#pending.delete(promise);
    }
  }
}

/** Refuses options that make no sense, before anything is begun. TypeError, RangeError. */
export function checkSession(
  { errorPolicy = "report", maxBufferedBytes = DEFAULT_BUFFERED, autoFlush, latenessNs = 0n }: SessionOptions,
): void {
  if (errorPolicy !== "report" && errorPolicy !== "delete") {
    throw new TypeError(`errorPolicy is ${JSON.stringify(errorPolicy)}: wanted "report" or "delete"`);
  }
  if (!(maxBufferedBytes > 0)) {
    throw new RangeError(`maxBufferedBytes is ${maxBufferedBytes}: wanted a number of bytes above 0`);
  }
  if (typeof latenessNs !== "bigint") {
    throw new TypeError(`latenessNs is ${show(latenessNs)}: wanted a bigint of nanoseconds`);
  }
  if (latenessNs < 0n) throw new RangeError(`latenessNs is ${latenessNs}: wanted 0 or more nanoseconds`);
  for (const bound of ["intervalMs", "bytes"] as const) {
    const value = autoFlush ? autoFlush[bound] : undefined;
    if (value === undefined || value > 0) continue;
    throw new RangeError(`autoFlush.${bound} is ${value}: wanted a number above 0`);
  }
}

/** Refuses facts that a manifest could not give back. */
function checkAttachment(
  { name, mediaType, timestampNs, createdNs }: Omit<AttachmentInfo, "sizeBytes">,
): void {
  if (typeof name !== "string") throw new TypeError(`Attachment's name is ${String(name)}: wanted text`);
  if (mediaType !== undefined && typeof mediaType !== "string") {
    throw new TypeError(`mediaType of attachment "${name}" is ${String(mediaType)}: wanted text`);
  }
  for (const [key, time] of Object.entries({ timestampNs, createdNs })) {
    if (time === undefined) continue;
    if (typeof time !== "bigint") {
      throw new TypeError(`${key} of attachment "${name}" is ${String(time)}: wanted a bigint`);
    }
    if (time > MAX_NS || time < MIN_NS) {
      throw new RangeError(`${key} of attachment "${name}" is ${time}: wanted int64`);
    }
  }
}

/** Metadata as JSON has it, free of the caller's objects. TypeError for what JSON cannot say. */
export function plainMetadata(metadata: Metadata, what: string): Metadata {
  try {
    if (typeof metadata !== "object" || metadata === null || Array.isArray(metadata)) {
      throw new TypeError(`it is ${JSON.stringify(metadata)}, wanted an object`);
    }
    return JSON.parse(JSON.stringify(metadata, checkJson)) as Metadata;
  } catch (cause) {
    throw new TypeError(`Cannot keep the metadata of ${what}: ${(cause as Error).message}`, { cause });
  }
}

/** JSON.stringify drops or changes some values without a word. A member that is undefined counts as left out. */
function checkJson(this: unknown, key: string, value: unknown): unknown {
  const fits = value === undefined
    ? !Array.isArray(this)
    : typeof value === "number"
    ? Number.isFinite(value)
    : !["bigint", "function", "symbol"].includes(typeof value);
  if (fits) return value;
  throw new TypeError(`${JSON.stringify(key)} is ${String(value)}, wanted what JSON can say`);
}
