/**
 * Figures of lines between two moments.
 *
 * @module
 */
import { secondsOf } from "../time/clock.ts";
import { lowerBound } from "./buckets.ts";
import { checkWhole, toDataError } from "./data_error.ts";
import type { CompiledLine } from "./expression/compile.ts";
import { byTopic, type LineRows, readLines, startBefore } from "./line_rows.ts";
import type { StatsAnswer, StatsRequest } from "./protocol.ts";
import type { Recording } from "./recording.ts";

const MAX_LINES = 64;

/** Figures of each line, in their order. All rows between the moments are read, and the one before. */
export async function answerStats(
  recording: Recording,
  { lines, aNs, bNs }: StatsRequest,
  signal: AbortSignal,
): Promise<StatsAnswer[]> {
  checkWhole(lines.length, "The number of lines", 0, MAX_LINES);
  const [firstNs, lastNs] = aNs <= bNs ? [aNs, bNs] : [bNs, aNs];
  const figures = lines.map((_, line) => new Figures(line, firstNs, lastNs));
  await recording.prepare(lines);
  const compiled: CompiledLine[] = [];
  const places: number[] = [];
  for (const [line, text] of lines.entries()) {
    try {
      compiled.push(recording.compiler.compile(text));
      places.push(line);
    } catch (reason) {
      figures[line].error = toDataError(reason);
    }
  }
  await Promise.all(
    byTopic(compiled).map(async (group) => {
      const own = group.places.map((place) => figures[places[place]]);
      try {
        const fromNs = await startBefore(recording, group.lines[0].topic, firstNs, signal);
        const window = { fromNs, toNs: lastNs + 1n };
        for await (const rows of readLines(recording, group.lines, window, { signal, gaps: [] })) {
          for (const [i, one] of own.entries()) one.add(rows, rows.values[i]);
        }
        for (const [i, one] of own.entries()) one.unit = group.lines[i].unit;
      } catch (reason) {
        if (signal.aborted) throw reason;
        for (const one of own) one.error = toDataError(reason);
      }
    }),
  );
  return figures.map((one) => one.finish(aNs > bNs));
}

class Figures {
  error: StatsAnswer["error"];
  unit: string | undefined;
  readonly #line: number;
  readonly #aNs: bigint;
  readonly #bNs: bigint;
  #count = 0;
  #missing = 0;
  #min = NaN;
  #max = NaN;
  #mean = 0;
  #squares = 0;
  #atA = NaN;
  #atB = NaN;
  #firstNs: bigint | undefined;
  #lastNs: bigint | undefined;

  constructor(line: number, aNs: bigint, bNs: bigint) {
    this.#line = line;
    this.#aNs = aNs;
    this.#bNs = bNs;
  }

  add({ ns }: LineRows, values: Float64Array): void {
    const from = lowerBound(ns, this.#aNs);
    const [afterA, afterB] = [lowerBound(ns, this.#aNs + 1n), lowerBound(ns, this.#bNs + 1n)];
    if (afterA > 0) this.#atA = values[afterA - 1];
    if (afterB > 0) this.#atB = values[afterB - 1];
    if (from === afterB) return;
    this.#firstNs ??= ns[from];
    this.#lastNs = ns[afterB - 1];
    for (let row = from; row < afterB; row++) {
      const value = values[row];
      if (Number.isNaN(value)) {
        this.#missing++;
        continue;
      }
      this.#count++;
      if (!(value >= this.#min)) this.#min = value;
      if (!(value <= this.#max)) this.#max = value;
      // Welford's way, which does not lose digits of values that are far from zero.
      const off = value - this.#mean;
      this.#mean += off / this.#count;
      this.#squares += off * (value - this.#mean);
    }
  }

  finish(isSwapped: boolean): StatsAnswer {
    const rows = this.#count + this.#missing;
    const span = rows > 1 ? secondsOf(this.#lastNs! - this.#firstNs!) : 0;
    const { unit, error } = this;
    return {
      line: this.#line,
      count: this.#count,
      missing: this.#missing,
      min: this.#min,
      max: this.#max,
      mean: this.#count > 0 ? this.#mean : NaN,
      deviation: this.#count > 0 ? Math.sqrt(this.#squares / this.#count) : NaN,
      atA: isSwapped ? this.#atB : this.#atA,
      atB: isSwapped ? this.#atA : this.#atB,
      rate: span > 0 ? (rows - 1) / span : 0,
      ...(unit !== undefined && { unit }),
      ...(error && { error }),
    };
  }
}
