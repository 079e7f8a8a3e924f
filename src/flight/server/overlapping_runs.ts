import type { BatchAhead, Run, RunSource } from "../../backend.ts";

/** A batch that is open, and those after it for as long as one begins before all rows so far are out. */
export class OverlappingRuns implements RunSource {
  readonly #rest: RunSource;
  #first: Run | undefined;
  #lastNs: bigint;

  constructor(first: Run, rest: RunSource) {
    this.#first = first;
    this.#rest = rest;
    this.#lastNs = lastTime(first);
  }

  get nextNs(): bigint | undefined {
    if (this.#first) return this.#first.batch.times[this.#first.from];
    const { nextNs } = this.#rest;
    return nextNs !== undefined && nextNs <= this.#lastNs ? nextNs : undefined;
  }

  get nextBytes(): number {
    return this.#first?.batch.message.length ?? this.#rest.nextBytes;
  }

  get ahead(): BatchAhead | undefined {
    return this.#first ? undefined : this.#rest.ahead;
  }

  prefetch(): void {
    if (!this.#first) this.#rest.prefetch();
  }

  dropAhead(): void {
    this.#rest.dropAhead();
  }

  async open(): Promise<Run | undefined> {
    const run = this.#first ?? await this.#rest.open();
    this.#first = undefined;
    if (run && lastTime(run) > this.#lastNs) this.#lastNs = lastTime(run);
    return run;
  }

  /** The rest goes on. */
  close(): void {
    this.#first = undefined;
  }
}

/** Time of a run's last row. */
export function lastTime({ batch, to }: Run): bigint {
  return batch.times[to - 1];
}
