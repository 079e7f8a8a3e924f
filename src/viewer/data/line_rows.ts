/**
 * Expressions, row by row of their topic.
 *
 * @module
 */
import { MAX_INT64, MIN_INT64 } from "./int64.ts";
import type { CompiledLine } from "./expression/compile.ts";
import type { FieldUse } from "./expression/program.ts";
import type { WindowNs } from "./protocol.ts";
import type { Recording } from "./recording.ts";
import { lowerBound } from "./buckets.ts";
import { readColumns, type RowsOptions, type TopicRows } from "./topic_rows.ts";

/** Values of some lines at rows of their topic, ascending in time. Not to be changed or transferred. */
export interface LineRows {
  readonly ns: BigInt64Array;
  readonly seconds: Float64Array;
  /** A column a line. */
  readonly values: readonly Float64Array[];
}

/**
 * Runs lines of one topic over a window, block by block. Fields of other topics are taken as of the row's time: the last value at
 * or before it, also from before the window. What looks at the row before begins with that one.
 */
export async function* readLines(
  recording: Recording,
  lines: readonly CompiledLine[],
  window: WindowNs,
  options: RowsOptions,
): AsyncGenerator<LineRows, void, undefined> {
  const { topic } = lines[0];
  const uses = distinctUses(lines);
  const own = uses.filter((use) => use.topic === topic);
  const paths = [...new Set(own.map(({ path }) => path))];
  const others = [...new Set(uses.map((use) => use.topic))].filter((name) => name !== topic);
  const held = await Promise.all(others.map(async (name) => {
    return await HeldTopic.open(recording, name, uses.filter((use) => use.topic === name), window, options);
  }));
  for (const { program } of lines) program.reset();
  const first = lines.some(({ program }) => program.looksBack)
    ? await startBefore(recording, topic, window.fromNs, options.signal)
    : window.fromNs;
  try {
    for await (const rows of readColumns(recording, topic, paths, { ...window, fromNs: first }, options)) {
      const columns = new Map<FieldUse, Float64Array>();
      for (const use of own) columns.set(use, rows.numbers(paths.indexOf(use.path), use.equals));
      for (const one of held) await one.fill(rows.ns, columns);
      const values = lines.map(({ program }) => {
        const given = program.fields.map((field) => columns.get(uses.find((use) => isSame(use, field))!)!);
        return program.run({ columns: given, seconds: rows.seconds });
      });
      const skip = rows.ns[0] >= window.fromNs ? 0 : lowerBound(rows.ns, window.fromNs);
      if (skip === rows.length) continue;
      yield {
        ns: rows.ns.subarray(skip),
        seconds: rows.seconds.subarray(skip),
        values: skip === 0 ? values : values.map((column) => column.subarray(skip)),
      };
    }
  } finally {
    for (const one of held) await one.close();
  }
}

/** Groups lines by their topic, with their places. */
export function byTopic(lines: readonly CompiledLine[]): { lines: CompiledLine[]; places: number[] }[] {
  const groups = new Map<string, { lines: CompiledLine[]; places: number[] }>();
  for (const [place, line] of lines.entries()) {
    const group = groups.get(line.topic) ?? { lines: [], places: [] };
    group.lines.push(line);
    group.places.push(place);
    groups.set(line.topic, group);
  }
  return [...groups.values()];
}

function distinctUses(lines: readonly CompiledLine[]): FieldUse[] {
  const uses: FieldUse[] = [];
  for (const use of lines.flatMap(({ program }) => program.fields)) {
    if (!uses.some((other) => isSame(use, other))) uses.push(use);
  }
  return uses;
}

function isSame(a: FieldUse, b: FieldUse): boolean {
  return a.topic === b.topic && a.path === b.path && a.equals === b.equals;
}

/** The time of the last row before a window, or the window's start where there is none. */
export async function startBefore(
  recording: Recording,
  topic: string,
  fromNs: bigint,
  signal: AbortSignal | undefined,
): Promise<bigint> {
  if (fromNs <= MIN_INT64) return fromNs;
  const handler = await recording.topic(topic);
  // Where that is damaged, the first row has none before it.
  const before = await handler.latestAt(fromNs - 1n, { signal }).catch(() => undefined);
  signal?.throwIfAborted();
  return before?.timestampNs ?? fromNs;
}

/** Fields of another topic: their last values at or before moments that ascend. */
class HeldTopic {
  readonly #uses: readonly FieldUse[];
  readonly #rows: AsyncGenerator<TopicRows, void, undefined>;
  /** The last value of each field so far. */
  readonly #last: Float64Array;
  #block: { rows: TopicRows; columns: Float64Array[]; at: number } | undefined;
  #isEnded = false;

  private constructor(uses: readonly FieldUse[], rows: AsyncGenerator<TopicRows, void, undefined>) {
    this.#uses = uses;
    this.#rows = rows;
    this.#last = new Float64Array(uses.length).fill(NaN);
  }

  static async open(
    recording: Recording,
    topic: string,
    uses: readonly FieldUse[],
    window: WindowNs,
    options: RowsOptions,
  ): Promise<HeldTopic> {
    const fromNs = await startBefore(
      recording,
      topic,
      window.fromNs < MAX_INT64 ? window.fromNs + 1n : window.fromNs,
      options.signal,
    );
    const paths = uses.map(({ path }) => path);
    return new HeldTopic(uses, readColumns(recording, topic, paths, { fromNs, toNs: window.toNs }, options));
  }

  /** Adds a column for each field: its value as of each moment. */
  async fill(ns: BigInt64Array, columns: Map<FieldUse, Float64Array>): Promise<void> {
    const own = this.#uses.map(() => new Float64Array(ns.length));
    for (let row = 0; row < ns.length; row++) {
      const reading = this.#advance(ns[row]);
      // A wait a row would take most of the time.
      if (reading) await reading;
      for (let i = 0; i < own.length; i++) own[i][row] = this.#last[i];
    }
    for (const [i, use] of this.#uses.entries()) columns.set(use, own[i]);
  }

  close(): Promise<unknown> {
    return this.#rows.return();
  }

  /** Takes all rows up to a moment. */
  #advance(ns: bigint): Promise<void> | undefined {
    while (!this.#isEnded) {
      const block = this.#block;
      if (!block || block.at === block.rows.length) return this.#readOn(ns);
      if (block.rows.ns[block.at] > ns) return undefined;
      for (let i = 0; i < this.#last.length; i++) this.#last[i] = block.columns[i][block.at];
      block.at++;
    }
    return undefined;
  }

  async #readOn(ns: bigint): Promise<void> {
    const { value: rows, done } = await this.#rows.next();
    if (done) {
      this.#isEnded = true;
      return;
    }
    this.#block = { rows, columns: this.#uses.map(({ equals }, i) => rows.numbers(i, equals)), at: 0 };
    await this.#advance(ns);
  }
}
