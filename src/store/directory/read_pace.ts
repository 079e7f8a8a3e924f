import { TimeSlice } from "../../util/time_slice.ts";

/** A read is quick that takes no longer than this: of bytes in the page cache it takes a fifth of it, as a rule. In milliseconds. */
const QUICK_MS = 0.5;
/** After a slow read it takes so many quick ones in a row to be quick again, or a time without reads ahead of need. */
const ENOUGH = 8;
/** That time comes after so many times what the slow read took. */
const PATIENCE = 16;

/**
 * Whether the files of a directory are read at once, on the thread that asks, or through the runtime's pool of threads. What
 * is in the page cache is there in less time than a thread takes to wake up; what has to come from a disk or over a network
 * would hold the event loop for as long as that takes. Nobody can ask the system which it will be, so what reads took tells:
 *
 * - `quick`: reads are done at once, until one is slow;
 * - `slow`: reads go through the pool, several at a time, which gains;
 * - `unknown`, at first and after a while of slow reads: the next read goes through the pool, alone, and tells.
 *
 * So the loop is held by one slow read at most each time that quick reads end, and never by a disk that is always slow. Where
 * some are slow and some are not, as those that the system has read ahead, it is held for a small part of the time.
 */
export class ReadPace {
  /** Reads that are done at once wait for nothing, so between two of them others are to have a turn. */
  readonly slice: TimeSlice = new TimeSlice();
  readonly #now: () => number;
  #state: "unknown" | "quick" | "slow" = "unknown";
  #slowUntilMs = 0;
  /** Quick reads since the last slow one. */
  #quick = 0;
  /** Reads in the pool, and how many there were so far. */
  #running = 0;
  #begun = 0;

  /** @param now A clock in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** How reads went lately. */
  get state(): "unknown" | "quick" | "slow" {
    if (this.#state === "slow" && this.#now() >= this.#slowUntilMs) this.#state = "unknown";
    return this.#state;
  }

  /** Runs a read on this thread, and takes its time. */
  atOnce<T>(read: () => T): T {
    const startMs = this.#now();
    try {
      return read();
    } finally {
      const ms = this.#now() - startMs;
      if (ms > QUICK_MS) this.#slow(ms);
    }
  }

  /** Waits for a read in the pool, and takes its time; a quick one takes as long as so many quick ones at once. */
  async inPool<T>(read: () => Promise<T>, parts: number): Promise<T> {
    const number = ++this.#begun;
    const isFirst = this.#running++ === 0;
    const startMs = this.#now();
    try {
      return await read();
    } finally {
      this.#running--;
      this.#note(this.#now() - startMs, parts, isFirst && number === this.#begun);
    }
  }

  /** Takes the time of a read in the pool: too long where it waited for others, or for the event loop. */
  #note(ms: number, parts: number, isAlone: boolean): void {
    const isQuick = ms <= QUICK_MS * parts;
    this.#quick = isQuick ? this.#quick + 1 : 0;
    if (this.state === "unknown") {
      if (isQuick) this.#state = "quick";
      else if (isAlone) this.#slow(ms);
    } else if (this.#quick >= ENOUGH) this.#state = "quick";
  }

  #slow(ms: number): void {
    this.#state = "slow";
    this.#quick = 0;
    this.#slowUntilMs = this.#now() + PATIENCE * ms;
  }
}
