import { show } from "../util/show.ts";
import type { LoadArrow } from "../arrow/library.ts";
import type { SequenceSink } from "../backend.ts";
import { SmaltiError } from "../error.ts";
import { newTopicName } from "../names.ts";
import type { Ontology } from "../ontology/define_ontology.ts";
import { TIMESTAMP_FIELD } from "../schema.ts";
import type { Metadata, SequenceInfo } from "../types.ts";
import { checkOptions, type OptionNames } from "../util/options.ts";
import { notOpen, type SessionLife, takeFailure, type WriterStatus } from "./session_life.ts";
import { Flushes } from "./flushes.ts";
import {
  type AttachmentFacts,
  attachmentInfo,
  checkSession,
  DEFAULT_BUFFERED,
  type ErrorPolicy,
  plainMetadata,
  type SessionOptions,
} from "./session_options.ts";
import { TopicWriter } from "./topic_writer.ts";
import { WriteMemory } from "./write_memory.ts";

/** Options of {@linkcode SequenceWriter.topicCreate}. */
export interface TopicOptions<T> {
  /** What the topic's messages hold: a built-in class such as `GPS`, or one's own by `defineOntology`. */
  ontology: Ontology<T>;
  /** Facts about the topic, kept with it. @default {} */
  metadata?: Metadata;
}

const TOPIC_OPTIONS: OptionNames<TopicOptions<unknown>> = { ontology: true, metadata: true };

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
  readonly #flushes: Flushes;
  readonly #flushesItself: boolean;
  readonly #life: SessionLife = { status: "open", failure: undefined, isLost: false, stopped: undefined };
  #finalizing: Promise<SequenceInfo> | undefined;
  #aborting: Promise<void> | undefined;
  /** Why it was given up. */
  #abortReason: unknown;
  #endSignal: AbortSignal | undefined;
  readonly #loadArrow: LoadArrow;

  /** @internal Use `client.sequenceCreate` or `client.sequenceUpdate`. */
  constructor(
    name: string,
    sink: SequenceSink,
    options: SessionOptions,
    loadArrow: LoadArrow,
    ended: () => void,
  ) {
    const { errorPolicy = "report", maxBufferedBytes = DEFAULT_BUFFERED, autoFlush, latenessNs = 0n } =
      options;
    this.name = name;
    this.#sink = sink;
    this.#loadArrow = loadArrow;
    this.#flushesItself = autoFlush ? true : false;
    this.#flushes = new Flushes({
      sequence: name,
      sink,
      topics: this.#topics,
      life: this.#life,
      autoFlush: autoFlush || undefined,
      latenessNs,
    });
    sink.lost?.addEventListener("abort", () => this.#lose(sink.lost!.reason));
    if (sink.lost?.aborted) this.#lose(sink.lost.reason);
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
    const topic = newTopicName(name, this.name);
    checkOptions(options, TOPIC_OPTIONS, `Cannot create topic "${topic}" of sequence "${this.name}"`);
    const { ontology } = options;
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
      loadArrow: this.#loadArrow,
      life: this.#life,
      pending: (flush) => this.#flushes.track(flush),
      abort: (reason) => this.abort(reason),
      ...(this.#flushesItself && { taken: (bytes: number) => this.#flushes.taken(bytes) }),
    });
    this.#topics.set(topic, writer);
    return writer;
  }

  /**
   * Keeps a file beside the topics, such as a calibration; the bytes are read before it resolves. Names may repeat.
   * CLOSED after the end, UNSUPPORTED behind a daemon. TypeError and RangeError for facts that make no sense.
   */
  async attach(facts: AttachmentFacts, bytes: Uint8Array): Promise<void> {
    this.#check("attach to");
    const info = attachmentInfo(facts, bytes.length, this.name);
    await this.#wait(this.#sink.attach(info, bytes));
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
    await this.#flushes.flush();
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
   * Rejects where anything failed, in the background or now; the session is then aborted. LOCKED where another has taken the
   * sequence, as after this machine slept: what was flushed is theirs to recover. CLOSED where it has ended.
   */
  async finalize(): Promise<SequenceInfo> {
    this.#life.failure = undefined; // what matters of it, the end says too
    this.#check("finalize");
    this.#life.status = "finalizing";
    return await (this.#finalizing = this.#finalize());
  }

  async #finalize(): Promise<SequenceInfo> {
    this.#flushes.stop();
    try {
      await Promise.all(this.#pending);
      await this.#flushes.settle();
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
    this.#flushes.stop();
    const text = reason instanceof Error ? reason.message : String(reason ?? "left without finalize");
    await Promise.allSettled(this.#pending);
    await this.#flushes.settle();
    await Promise.allSettled([...this.#topics.values()].map((topic) => topic.drain()));
    try {
      await this.#sink.abort(policy, text);
    } finally {
      this.#ended();
    }
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

  /** Another may write the sequence now: this session can only be given up. */
  #lose(reason: unknown): void {
    if (this.#life.status !== "open") return;
    this.#life.isLost = true;
    this.#life.failure = SmaltiError.from(reason, "LOCKED").at({ sequence: this.name });
  }

  #check(verb: string): void {
    if (this.#life.failure) throw takeFailure(this.#life);
    if (this.#life.status === "open") return;
    const text = `Cannot ${verb} sequence "${this.name}": ${notOpen(this.#life)}`;
    throw new SmaltiError("CLOSED", text, { sequence: this.name });
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
