/**
 * The records of one writer, numbered without gaps, each created where there is none. So nobody can write one whose number
 * another has taken: who takes over creates the next record itself, as a fence.
 *
 * @module
 */
import { SmaltiError } from "../../error.ts";
import { nextTurn } from "../../util/time_slice.ts";
import type { Bucket } from "./bucket.ts";
import { type Epoch, type LogKeys, readEpoch } from "./epochs.ts";
import { encodeRecord, type LogStep } from "./record.ts";

/** Times by which writers and those who wait for them act, in milliseconds. */
export interface LogTiming {
  /** A writer that has written nothing for so long says that it lives. */
  readonly heartbeatMs: number;
  /** After such a silence a writer makes sure of its lock before it changes anything. */
  readonly trustedMs: number;
  /** Who was not heard of for so long counts as gone. */
  readonly silentMs: number;
}

/** More than the clocks' resolution apart, so that a writer knows before others do. */
export const LOG_TIMING: LogTiming = { heartbeatMs: 10_000, trustedMs: 15_000, silentMs: 30_000 };

/** Bytes after which another record is begun. */
const RECORD_BYTES = 8 * 2 ** 20;

/** Writes the log of an epoch. */
export class WriteAheadLog {
  readonly epoch: Epoch;
  readonly #bucket: Bucket;
  readonly #keys: LogKeys;
  readonly #timing: LogTiming;
  readonly #lost = new AbortController();
  #steps: { step: LogStep; bytes: Uint8Array | undefined }[] = [];
  /** Records written. */
  #count = 0;
  #waiting: Promise<void> | undefined;
  #writing: Promise<void> = Promise.resolve();
  #failure: SmaltiError | undefined;
  /** When the last record that was created was sent. Both clocks: one may stop while a machine sleeps, one may be set. */
  #heard = now();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  constructor(bucket: Bucket, keys: LogKeys, epoch: Epoch, timing: LogTiming) {
    this.#bucket = bucket;
    this.#keys = keys;
    this.epoch = epoch;
    this.#timing = timing;
    this.#beat();
  }

  /** Aborts with LOCKED when another has taken over. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Keys of its records. */
  get records(): string[] {
    return Array.from({ length: this.#count }, (_, i) => this.#keys.record(this.epoch, i + 1));
  }

  /** Adds a step to the next record. */
  add(step: LogStep, bytes?: Uint8Array): void {
    this.#steps.push({ step, bytes });
  }

  /**
   * Resolves when all steps that were added before are in records; calls share them. So nobody had taken over when it was
   * called: LOCKED. After a failure all calls fail.
   */
  flush(): Promise<void> {
    return this.#waiting ??= this.#next();
  }

  async #next(): Promise<void> {
    await this.#writing;
    // What others add in the same turn of the event loop comes along.
    await nextTurn();
    this.#waiting = undefined;
    const written = this.#writeAll();
    this.#writing = written.catch(() => {});
    await written;
  }

  /** Resolves when all steps that were added before are in records: without a new one where they are. */
  async settled(): Promise<void> {
    if (this.#steps.length > 0 || this.#waiting) return await this.flush();
    await this.#writing;
    this.#checkGood();
  }

  /** Makes sure that nobody has taken over, where that is not known of late. */
  async check(): Promise<void> {
    this.#checkGood();
    if (silence(this.#heard) > this.#timing.trustedMs) await this.flush();
  }

  /** Counts as lost from now on. */
  lose(why: string): SmaltiError {
    const text = `The lock on ${this.#bucket.shown(this.#keys.root)} was lost: ${why}`;
    if (!this.lost.aborted) this.#lost.abort(new SmaltiError("LOCKED", text));
    this.stop();
    return this.lost.reason;
  }

  /** Says no more that it lives. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #checkGood(): void {
    if (this.lost.aborted) throw this.lost.reason;
    if (this.#failure) throw this.#failure;
  }

  async #writeAll(): Promise<void> {
    let left = this.#steps.length; // what comes meanwhile is another flush's
    do {
      this.#checkGood();
      let [count, bytes] = [0, 0];
      while (count < left && bytes < RECORD_BYTES) bytes += this.#steps[count++].bytes?.length ?? 0;
      left -= count;
      await this.#write(this.#steps.splice(0, count));
    } while (left > 0);
  }

  async #write(steps: readonly { step: LogStep; bytes: Uint8Array | undefined }[]): Promise<void> {
    const parts = steps.flatMap(({ bytes }) => bytes ?? []);
    const record = encodeRecord({
      kind: "steps",
      steps: steps.map(({ step }) => step),
      bytes: joined(parts),
    });
    const [sent, before] = [now(), this.#heard];
    const key = this.#keys.record(this.epoch, this.#count + 1);
    try {
      if (!await this.#bucket.create(key, record, crypto.randomUUID())) {
        throw this.lose("another has taken it over");
      }
      // A fence that was there in so long a time may have been removed, with all that it was of.
      if (silence(before) > this.#timing.trustedMs) {
        const found = await readEpoch(this.#bucket, this.#keys, this.epoch.number);
        if (found?.id !== this.epoch.id) throw this.lose("what it was on was removed");
      }
    } catch (reason) {
      // It may be there although that failed: nothing may follow.
      this.#failure = SmaltiError.from(reason, "IO");
      this.stop();
      throw this.#failure;
    }
    this.#count++;
    this.#heard = sent;
    this.#beat();
  }

  #beat(): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.flush().catch(() => {}); // who changes something is told
    }, this.#timing.heartbeatMs);
    // Where a timer would keep the process, it must not.
    (this.#timer as { unref?(): void }).unref?.();
  }
}

/** A moment, by the clock that goes on while a machine sleeps and by the one that nobody sets. */
function now(): [number, number] {
  return [Date.now(), performance.now()];
}

function silence([date, time]: readonly [number, number]): number {
  const [dateNow, timeNow] = now();
  return Math.max(Math.abs(dateNow - date), timeNow - time);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
