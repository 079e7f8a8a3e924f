/**
 * When a condition held: by the bounds of batches and blocks first, so that only rows are read among which it may have.
 *
 * @module
 */
import { checkWhole, checkWindow, isDamage, joinGaps } from "./data_error.ts";
import { wholeWindow } from "./activity.ts";
import type { CompiledLine } from "./expression/compile.ts";
import { readLines } from "./line_rows.ts";
import type { FindAnswer, FindRequest, Gap, WindowNs } from "./protocol.ts";
import type { Recording } from "./recording.ts";
import { readColumns } from "./topic_rows.ts";

/** Slices of the window that are judged by bounds. */
const BUCKETS = 4096;
/** Rows between two answers, at most. */
const TELL_ROWS = 200_000;

/** Tells stretches of rows for which it held, as they are found. */
export async function answerFind(
  recording: Recording,
  request: FindRequest,
  tell: (answer: FindAnswer) => void,
  signal: AbortSignal,
): Promise<null> {
  await recording.prepare([request.condition]);
  const line = recording.compiler.compile(request.condition);
  const window = request.window ? checkWindow(request.window) : wholeWindow(recording);
  const limit = checkWhole(request.limit ?? 10_000, "limit", 1, 100_000);
  const search = new Search(recording, line, { limit, tell, signal });
  const spans = await spansOf(recording, line, window, signal);
  for (const span of spans) {
    if (await search.look(span)) break;
  }
  search.finish(window.toNs);
  return null;
}

/** Parts of a window among whose rows it may hold, ascending; the whole where nothing tells. */
async function spansOf(
  recording: Recording,
  { program, topic }: CompiledLine,
  window: WindowNs,
  signal: AbortSignal,
): Promise<WindowNs[]> {
  const isBounded = program.fields.every((field) =>
    field.topic === topic && recording.compiler.field(topic, field.path)?.kind === "number"
  );
  if (!isBounded) return [window];
  const handler = await recording.topic(topic);
  const { fromNs: startNs, toNs: endNs } = window;
  const fields = [...new Set(program.fields.map(({ path }) => path))];
  const buckets = endNs - startNs < BigInt(BUCKETS) ? Number(endNs - startNs) : BUCKETS;
  let series;
  try {
    series = await handler.series({ fields, startNs, endNs, buckets, level: "detail", signal });
  } catch (reason) {
    if (isDamage(reason)) return [window];
    throw reason;
  }
  const columns = program.fields.map(({ path }) => series.fields.get(path)!);
  const spans: WindowNs[] = [];
  for (let bucket = 0; bucket < buckets; bucket++) {
    if (series.levels[bucket] === "none") continue;
    const fromNs = startNs + BigInt(bucket) * series.stepNs;
    const toNs = min(fromNs + series.stepNs, endNs);
    if (fromNs >= toNs) break;
    const intervals = columns.map(({ min, max }) => {
      return Number.isNaN(min[bucket])
        ? { lo: Infinity, hi: -Infinity }
        : { lo: min[bucket], hi: max[bucket] };
    });
    const { lo, hi } = program.bounds(intervals, {
      lo: recording.seconds(fromNs),
      hi: recording.seconds(toNs),
    });
    if (lo > hi || (lo === 0 && hi === 0)) continue;
    const last = spans.at(-1);
    if (last?.toNs === fromNs) spans[spans.length - 1] = { fromNs: last.fromNs, toNs };
    else spans.push({ fromNs, toNs });
  }
  return spans;
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

interface SearchOptions {
  readonly limit: number;
  readonly tell: (answer: FindAnswer) => void;
  readonly signal: AbortSignal;
}

class Search {
  readonly #recording: Recording;
  readonly #line: CompiledLine;
  readonly #options: SearchOptions;
  readonly #gaps: Gap[] = [];
  #fromNs: bigint[] = [];
  #toNs: bigint[] = [];
  /** A stretch that may go on. */
  #open: { fromNs: bigint; toNs: bigint } | undefined;
  #found = 0;
  #rowsRead = 0;
  #toldRows = 0;
  /** Where the part before ended. */
  #lookedToNs: bigint | undefined;
  #isCut = false;

  constructor(recording: Recording, line: CompiledLine, options: SearchOptions) {
    this.#recording = recording;
    this.#line = line;
    this.#options = options;
  }

  /** Looks at the rows of a part that is after the one before; true where there is no room for more. */
  async look(span: WindowNs): Promise<boolean> {
    if (this.#open && await this.#hasRow(this.#lookedToNs!, span.fromNs)) this.#close();
    const options = { signal: this.#options.signal, gaps: this.#gaps };
    for await (const { ns, values: [values] } of readLines(this.#recording, [this.#line], span, options)) {
      for (let row = 0; row < ns.length; row++) {
        const holds = values[row] !== 0 && !Number.isNaN(values[row]);
        if (!holds) this.#close();
        else if (this.#open) this.#open.toNs = ns[row];
        else if (this.#found === this.#options.limit) return this.#isCut = true;
        else {
          this.#open = { fromNs: ns[row], toNs: ns[row] };
          this.#found++;
        }
      }
      this.#rowsRead += ns.length;
      if (this.#rowsRead - this.#toldRows >= TELL_ROWS) this.#tell(ns[ns.length - 1], false);
    }
    this.#lookedToNs = span.toNs;
    return false;
  }

  finish(toNs: bigint): void {
    this.#close();
    this.#tell(toNs, true);
  }

  /** Whether there is a row, for which it does not hold as its bounds told: a stretch that goes up to it ends. */
  async #hasRow(fromNs: bigint, toNs: bigint): Promise<boolean> {
    if (fromNs >= toNs) return false;
    const options = { signal: this.#options.signal, gaps: this.#gaps };
    for await (const _ of readColumns(this.#recording, this.#line.topic, [], { fromNs, toNs }, options)) {
      return true;
    }
    return false;
  }

  #close(): void {
    if (!this.#open) return;
    this.#fromNs.push(this.#open.fromNs);
    this.#toNs.push(this.#open.toNs);
    this.#open = undefined;
  }

  #tell(lookedToNs: bigint, isFinal: boolean): void {
    this.#toldRows = this.#rowsRead;
    this.#options.tell({
      fromNs: BigInt64Array.from(this.#fromNs),
      toNs: BigInt64Array.from(this.#toNs),
      lookedTo: this.#recording.seconds(lookedToNs),
      rowsRead: this.#rowsRead,
      isFinal,
      isCut: this.#isCut,
      gaps: joinGaps(this.#gaps),
    });
    this.#fromNs = [];
    this.#toNs = [];
  }
}
