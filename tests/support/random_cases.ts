/**
 * Random cases by number: each has a seed of its own, so that one that fails can be run again alone.
 *
 * @module
 */
import process from "node:process";
import { SmaltiError } from "../../src/error.ts";

/** How many cases to run, and the seed of the first; the next have the seeds that follow. */
export interface CaseRange {
  cases: number;
  seed: number;
}

/** From SMALTI_CASES and SMALTI_SEED where they are set; else so many cases, and a seed that differs every time. */
export function caseRange(cases: number): CaseRange {
  const { SMALTI_CASES, SMALTI_SEED } = process.env;
  return {
    cases: SMALTI_CASES ? Number(SMALTI_CASES) : cases,
    seed: SMALTI_SEED ? Number(SMALTI_SEED) : Math.floor(Math.random() * 2 ** 31),
  };
}

/** What to do to see a failure again. */
export function failedCase(seed: number, file: string, reason: unknown): Error {
  const text = reason instanceof Error ? reason.stack ?? reason.message : String(reason);
  const rerun = `SMALTI_SEED=${seed} SMALTI_CASES=1 deno task test --only deno ${file}`;
  return new Error(`Case with seed ${seed} failed: ${text}\nRun it alone: ${rerun}`, { cause: reason });
}

/** A stream of random numbers that a seed fixes: mulberry32. */
export class Random {
  #state: number;

  constructor(seed: number) {
    // Neighbouring seeds must not give neighbouring streams.
    this.#state = Math.imul(seed, 0x9e3779b1) ^ Math.floor(seed / 2 ** 32);
    this.below(1);
  }

  /** A whole number from 0 to below `end`. */
  below(end: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * end);
  }

  /** True once in so many times. */
  oneIn(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }

  shuffle<T>(items: T[]): T[] {
    for (let i = items.length - 1; i > 0; i--) {
      const other = this.below(i + 1);
      [items[i], items[other]] = [items[other], items[i]];
    }
    return items;
  }
}

/** What a call gives, or the code and text of its SmaltiError; any other error is thrown on. */
export function outcomeOf<T>(call: () => T): T | string {
  try {
    return call();
  } catch (error) {
    if (error instanceof SmaltiError) return error.message;
    throw error;
  }
}
