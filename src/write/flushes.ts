import type { SequenceSink } from "../backend.ts";
import { SmaltiError } from "../error.ts";
import { MAX_TIMER_MS } from "../util/pause.ts";
import { MIN_NS } from "../types.ts";
import { type AutoFlush, DEFAULT_AUTO_FLUSH } from "./session_options.ts";
import type { SessionLife } from "./session_life.ts";
import type { TopicWriter } from "./topic_writer.ts";

/** Of the time, the part that flushes take at most where nobody said when to flush. */
const FLUSH_SHARE = 0.1;
/** But it waits no longer for that than this, in ms: one flush that took minutes says little of the next. */
const MAX_WAIT_MS = 30_000;
/** After so long without a message, in ms, followers get all that was flushed. */
const IDLE_MS = 1000;

/** What {@linkcode Flushes} needs to know of its session. */
export interface FlushContext {
  readonly sequence: string;
  readonly sink: SequenceSink;
  readonly topics: ReadonlyMap<string, TopicWriter>;
  readonly life: SessionLife;
  readonly autoFlush: AutoFlush | undefined;
  readonly latenessNs: bigint;
}

/** The flushes of a session: those that are called, those that come by themselves, and what followers are told after them. */
export class Flushes {
  readonly #context: FlushContext;
  #unflushed = 0;
  /** With so many of them there is something to do: to flush, or to see to it that it is done in time. */
  #noticedAt = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #idleTimer: ReturnType<typeof setTimeout> | undefined;
  /** Flushes under way: a flush belongs to its session. */
  readonly #running = new Set<Promise<void>>();
  /** The last automatic flush, and how long it took, in ms. */
  #flushing: Promise<void> = Promise.resolve();
  #flushMs = 0;
  /** Whether messages were sent that could not be flushed: from then on nobody can say what followers have. */
  #hasGap = false;
  /** Time of the newest message that was flushed. */
  #flushedNs: bigint = MIN_NS;

  constructor(context: FlushContext) {
    this.#context = context;
  }

  /** Resolves when every message taken before is durable, and followers have been told. */
  flush(): Promise<void> {
    return this.track(this.#flush());
  }

  async #flush(): Promise<void> {
    clearTimeout(this.#idleTimer);
    const [rows, startMs] = [this.#rowCount(), performance.now()];
    const topics = [...this.#context.topics.values()];
    const drained = Promise.all(topics.map((topic) => topic.drain()));
    // Now, when all that was taken is on its way, and nothing more is.
    const newest = topics.reduce(
      (most, { newestNs }) => newestNs !== undefined && newestNs > most ? newestNs : most,
      MIN_NS,
    );
    for (const topic of topics) topic.forgetPending();
    const { sink, latenessNs } = this.#context;
    const untilNs = newest - latenessNs;
    const checkpoint = () => untilNs > MIN_NS ? sink.checkpoint(untilNs) : undefined;
    try {
      await drained;
      const synced = Promise.all(topics.map((topic) => topic.sync()));
      // Side by side they share a record of a log.
      await (sink.isLogged ? Promise.all([synced, checkpoint()]) : synced);
    } catch (reason) {
      this.#hasGap = true;
      throw reason;
    }
    if (!sink.isLogged) await checkpoint();
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
    if (this.#context.life.status !== "open" || this.#hasGap) return;
    const idleMs = Math.max(IDLE_MS, Math.min(Number(this.#context.latenessNs) / 1e6, MAX_TIMER_MS));
    this.#idleTimer = setTimeout(() => {
      const rowsNow = this.#rowCount();
      // What a flush under way has sent is no longer pending, and not yet there.
      if (rowsNow === rows && this.#running.size === 0) this.#tellIdle(rows, isAgain);
      else this.#awaitIdle(rowsNow, performance.now(), isAgain);
    }, Math.max(0, sinceMs + idleMs - performance.now()));
  }

  #tellIdle(rows: number, isAgain: boolean): void {
    const pendingNs = [...this.#context.topics.values()].reduce<bigint | undefined>(
      (least, { pendingNs: ns }) => {
        return ns !== undefined && (least === undefined || ns < least) ? ns : least;
      },
      undefined,
    );
    const endNs = this.#flushedNs + 1n;
    const untilNs = pendingNs === undefined || pendingNs > endNs ? endNs : pendingNs;
    const isIdle = pendingNs === undefined ? () => this.#rowCount() === rows : undefined;
    this.track(this.#context.sink.checkpoint(untilNs, isIdle)).catch((reason) => {
      if (!isAgain) this.#fail(reason);
      this.#awaitIdle(rows, performance.now(), true);
    });
  }

  #rowCount(): number {
    return [...this.#context.topics.values()].reduce((sum, { rowCount }) => sum + rowCount, 0);
  }

  /** Keeps a failure of what nobody called, for the next call. */
  #fail(reason: unknown): void {
    this.#context.life.failure ??= SmaltiError.from(reason, "IO").at({ sequence: this.#context.sequence });
  }

  /** Counts what is not yet durable, and has it flushed in time. */
  taken(bytes: number): void {
    this.#unflushed += bytes;
    if (this.#unflushed >= this.#noticedAt) this.#notice();
  }

  #notice(): void {
    const { intervalMs, bytes: most = Infinity } = this.#context.autoFlush!;
    if (this.#unflushed >= most) return this.#flushInTurn();
    this.#noticedAt = most;
    if (intervalMs !== undefined) {
      const isOwn = this.#context.autoFlush === DEFAULT_AUTO_FLUSH;
      const rest = isOwn ? Math.min(this.#flushMs / FLUSH_SHARE, MAX_WAIT_MS) : 0;
      this.#timer = setTimeout(() => this.#flushInTurn(), Math.max(intervalMs, rest));
    }
  }

  /** One flush after another: side by side they would only wait for the same disk. */
  #flushInTurn(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#unflushed = this.#noticedAt = 0;
    const flush = async () => {
      if (this.#context.life.status !== "open") return;
      const start = performance.now();
      await this.track(this.#flush());
      this.#flushMs = performance.now() - start;
    };
    this.#flushing = this.#flushing.then(flush).catch((reason) => this.#fail(reason));
  }

  /** No more of them come by themselves. */
  stop(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#idleTimer);
  }

  /** Resolves when no flush is under way. Who called one is told what came of it; what matters to the end, the end finds. */
  async settle(): Promise<void> {
    await this.#flushing;
    await Promise.allSettled(this.#running);
  }

  /** Counts a flush until it has ended. */
  async track(flush: Promise<void>): Promise<void> {
    this.#running.add(flush);
    try {
      await flush;
    } finally {
      this.#running.delete(flush);
    }
  }
}
