/**
 * Values that seldom change, as runs of equal ones.
 *
 * @module
 */
import { SmaltiError } from "../../entry/web.ts";
import { secondsOf } from "../time/clock.ts";
import { checkWhole, checkWindow, joinGaps, toDataError } from "./data_error.ts";
import type { Gap, StatesAnswer, StatesRequest, WindowNs } from "./protocol.ts";
import type { Recording } from "./recording.ts";
import { readColumns } from "./topic_rows.ts";

type Value = StatesAnswer["values"][number];

const MAX_LINES = 64;

/** Runs of each line. One that cannot be had is told as an error in its place. */
export async function answerStates(
  recording: Recording,
  request: StatesRequest,
  tell: (answer: StatesAnswer) => void,
  signal: AbortSignal,
): Promise<null> {
  const window = checkWindow(request);
  const pixels = checkWhole(request.pixels, "pixels", 1, 16_384);
  checkWhole(request.lines.length, "The number of lines", 0, MAX_LINES);
  await recording.prepare(request.lines);
  await Promise.all(request.lines.map(async (text, line) => {
    try {
      tell(await runsOf(recording, line, text, { window, pixels, signal }));
    } catch (reason) {
      if (signal.aborted) throw reason;
      const error = toDataError(reason);
      tell({
        line,
        x: new Float64Array(0),
        end: recording.seconds(window.toNs),
        values: [],
        gaps: [],
        error,
      });
    }
  }));
  return null;
}

async function runsOf(
  recording: Recording,
  line: number,
  text: string,
  { window, pixels, signal }: { window: WindowNs; pixels: number; signal: AbortSignal },
): Promise<StatesAnswer> {
  const { topic, field } = recording.compiler.compileField(text);
  if (!["number", "bool", "text"].includes(field.kind)) {
    throw new SmaltiError(
      "INVALID_ARGUMENT",
      `Field "${field.path}" is ${field.type}, wanted a text, bool or number`,
    );
  }
  const handler = await recording.topic(topic);
  const before = await handler.latestAt(window.fromNs, { signal }).catch(() => undefined);
  signal.throwIfAborted();
  const fromNs = before?.timestampNs ?? window.fromNs;
  const gaps: Gap[] = [];
  const runs = new Runs(window, pixels);
  for await (
    const rows of readColumns(recording, topic, [field.path], { fromNs, toNs: window.toNs }, { signal, gaps })
  ) {
    for (let row = 0; row < rows.length; row++) runs.add(rows.ns[row], plainValue(rows.value(0, row)));
  }
  const { lastNs } = recording.summary(topic);
  const endNs = lastNs === undefined || lastNs > window.toNs ? window.toNs : lastNs;
  const { starts, values } = runs.finish();
  const x = Float64Array.from(starts, (ns) => secondsOf(ns - recording.startNs));
  return { line, x, end: recording.seconds(endNs), values, gaps: joinGaps(gaps) };
}

function plainValue(value: unknown): Value {
  if (value === undefined) return null;
  if (typeof value !== "bigint") return value as Value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** Runs of equal values; what changes within a pixel is one that is mixed (undefined). */
class Runs {
  readonly #fromNs: bigint;
  readonly #pixelNs: bigint;
  readonly #toNs: bigint;
  readonly #starts: bigint[] = [];
  readonly #values: Value[] = [];
  /** What holds, also within a mixed run. */
  #current: Value;
  /** The pixel of the last run's start, and of the last change. */
  #pixel = -1n;

  constructor({ fromNs, toNs }: WindowNs, pixels: number) {
    this.#fromNs = fromNs;
    this.#pixelNs = (toNs - fromNs + BigInt(pixels) - 1n) / BigInt(pixels);
    this.#toNs = toNs;
  }

  add(ns: bigint, value: Value): void {
    const isFirst = this.#starts.length === 0;
    // Of the rows before the window the last one counts.
    if (ns < this.#fromNs || isFirst) {
      this.#starts.splice(0, 1, ns);
      this.#values.splice(0, 1, value);
      this.#current = value;
      return;
    }
    const pixel = (ns - this.#fromNs) / this.#pixelNs;
    if (pixel > this.#pixel) this.#endMixed();
    if (Object.is(value, this.#current)) return;
    this.#current = value;
    const last = this.#starts.length - 1;
    if (pixel === this.#pixel && last > 0) {
      this.#values[last] = undefined;
      return;
    }
    this.#starts.push(ns);
    this.#values.push(value);
    this.#pixel = pixel;
  }

  finish(): { starts: bigint[]; values: Value[] } {
    this.#endMixed();
    return { starts: this.#starts, values: this.#values };
  }

  /** A mixed run lasts for its pixel; then there is what held at the end of it. */
  #endMixed(): void {
    const last = this.#starts.length - 1;
    if (last < 1 || this.#values[last] !== undefined) return;
    const endNs = this.#fromNs + (this.#pixel + 1n) * this.#pixelNs;
    if (endNs >= this.#toNs) return;
    this.#starts.push(endNs);
    this.#values.push(this.#current);
    this.#pixel = -1n;
  }
}
