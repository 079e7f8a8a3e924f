/**
 * Lines of a plot: what is known at once of batches, then of blocks of rows, then the rows.
 *
 * @module
 */
import { type FieldSeries, SmaltiError, type TopicSeries } from "../../entry/web.ts";
import { BucketFiller, Buckets, withValues } from "./buckets.ts";
import { checkWhole, checkWindow, isDamage, joinGaps, toDataError } from "./data_error.ts";
import type { CompiledLine } from "./expression/compile.ts";
import type { MonotoneLine } from "./expression/program.ts";
import { byTopic, readLines } from "./line_rows.ts";
import type {
  BucketsAnswer,
  Gap,
  Level,
  PointsAnswer,
  SeriesAnswer,
  SeriesRequest,
  WindowNs,
} from "./protocol.ts";
import type { Recording } from "./recording.ts";
import { salvaging } from "./topic_rows.ts";

/** Rows that are read for a window without being asked for. */
const MAX_ROWS = 1_000_000;
/** Rows a pixel that are given as points: a line through them is what a band would be. */
const POINTS_PER_PIXEL = 2;
/** Rows that are read at once. */
const FEW_ROWS = 20_000;
const MAX_LINES = 64;
const LEVELS: readonly Level[] = ["batches", "detail", "rows"];

/** Answers, line by line and level by level. Rejects where it is given up, or the request makes no sense. */
export async function answerSeries(
  recording: Recording,
  request: SeriesRequest,
  tell: (answer: SeriesAnswer) => void,
  signal: AbortSignal,
): Promise<null> {
  const { lines, level = "auto" } = request;
  const window = checkWindow(request);
  const pixels = checkWhole(request.pixels, "pixels", 1, 16_384);
  if (level !== "auto" && !LEVELS.includes(level)) {
    throw new SmaltiError("INVALID_ARGUMENT", `level is ${String(level)}, wanted auto, ${LEVELS.join(", ")}`);
  }
  checkWhole(lines.length, "The number of lines", 0, MAX_LINES);
  await recording.prepare(lines);
  const compiled = new Map<number, CompiledLine>();
  for (const [line, text] of lines.entries()) {
    try {
      compiled.set(line, recording.compiler.compile(text));
    } catch (reason) {
      tell({ shape: "error", line, isFinal: true, error: toDataError(reason) });
    }
  }
  const places = [...compiled.keys()];
  const groups = byTopic([...compiled.values()]);
  await Promise.all(groups.map(async (group) => {
    const own = group.places.map((place) => places[place]);
    const topic = new TopicLines(recording, group.lines, own, { window, pixels, level, signal, tell });
    try {
      await topic.answer();
    } catch (reason) {
      if (signal.aborted) throw reason;
      for (const line of own) tell({ shape: "error", line, isFinal: true, error: toDataError(reason) });
    }
  }));
  return null;
}

interface LinesOptions {
  readonly window: WindowNs;
  readonly pixels: number;
  readonly level: Level | "auto";
  readonly signal: AbortSignal;
  readonly tell: (answer: SeriesAnswer) => void;
}

type BucketsFacts = Pick<BucketsAnswer, "level" | "rows" | "isFinal" | "isExact" | "gaps">;

/** Lines whose rows are those of one topic. */
class TopicLines {
  readonly #recording: Recording;
  readonly #lines: readonly CompiledLine[];
  readonly #places: readonly number[];
  readonly #options: LinesOptions;
  /** By line; undefined where the smallest and largest values of a field do not tell those of the line. */
  readonly #monotone: readonly (MonotoneLine | undefined)[];

  constructor(
    recording: Recording,
    lines: readonly CompiledLine[],
    places: readonly number[],
    options: LinesOptions,
  ) {
    this.#recording = recording;
    this.#lines = lines;
    this.#places = places;
    this.#options = options;
    this.#monotone = lines.map(({ program: { monotone } }) => {
      const field = monotone && recording.compiler.field(monotone.field.topic, monotone.field.path);
      return field?.kind === "number" ? monotone : undefined;
    });
  }

  async answer(): Promise<void> {
    const { level, pixels } = this.#options;
    const first = await this.#series("batches");
    const rows = first.count.reduce((sum, count) => sum + count, 0);
    const isExact = first.isExact.every(Boolean);
    const isAuto = level === "auto";
    const isDense = rows > POINTS_PER_PIXEL * pixels;
    const wantsRows = level === "rows" || (isAuto && rows <= MAX_ROWS && !(isExact && isDense));
    // A few rows are read as soon as what is known of them.
    const wantsDetail = level === "detail" ||
      (!isExact && level !== "batches" && !(wantsRows && rows < FEW_ROWS));
    const hasBounds = this.#monotone.some((line) => line !== undefined);
    if (hasBounds) {
      this.#tellAll(first, { level: "batches", rows, isExact, isFinal: !wantsDetail && !wantsRows });
    }
    if (hasBounds && wantsDetail) {
      // Bounds of blocks are rounded.
      const known = { level: "detail", rows, isExact: false, isFinal: !wantsRows } as const;
      this.#tellAll(await this.#series("detail"), known);
    }
    // Of what bounds do not tell all is read, however much there is of it.
    const left = this.#lines.flatMap((_, i) => wantsRows || !this.#monotone[i] ? [i] : []);
    if (left.length === 0) return;
    const isFew = level !== "rows" && await this.#countRows(rows) <= POINTS_PER_PIXEL * pixels;
    if (isFew) return await this.#tellPoints(left);
    await this.#tellRows(left, rows);
  }

  /** Of the fields that have bounds, as far as a level tells. */
  async #series(level: Level, gaps?: Gap[]): Promise<TopicSeries> {
    const { window: { fromNs: startNs, toNs: endNs }, pixels, signal } = this.#options;
    const fields = [...new Set(this.#monotone.flatMap((line) => line ? [line.field.path] : []))];
    const opened = await this.#recording.topic(this.#lines[0].topic);
    const topic = gaps ? salvaging(this.#recording, opened, gaps) : opened;
    try {
      return await topic.series({ fields, startNs, endNs, buckets: pixels, level, signal });
    } catch (reason) {
      if (gaps || !isDamage(reason)) throw reason;
      // What has no bounds is read at every level, and may be damaged.
      return await this.#series(level, []);
    }
  }

  /** Rows of the window: exactly, where there are about as many as points may be. */
  async #countRows(about: number): Promise<number> {
    const { window: { fromNs, toNs }, pixels, signal } = this.#options;
    if (about > 4 * POINTS_PER_PIXEL * pixels) return about;
    const topic = await this.#recording.topic(this.#lines[0].topic);
    try {
      return (await topic.countRows([fromNs, toNs], { signal }))[0];
    } catch (reason) {
      if (isDamage(reason)) return about;
      throw reason;
    }
  }

  #tellAll(series: TopicSeries, known: Omit<BucketsFacts, "gaps">): void {
    for (const [i, line] of this.#monotone.entries()) {
      if (line) this.#tellBuckets(i, series, { ...known, gaps: [] });
    }
  }

  #tellBuckets(
    i: number,
    { startNs, stepNs, fields }: TopicSeries,
    facts: BucketsFacts,
  ): void {
    const line = this.#monotone[i]!;
    const extremes = applied(line, fields.get(line.field.path)!);
    const answer = withValues(startNs, stepNs, this.#recording.startNs, extremes);
    this.#options.tell({ shape: "buckets", ...this.#head(i), ...answer, ...facts });
  }

  #head(i: number): { line: number; unit?: string } {
    const { unit } = this.#lines[i];
    return { line: this.#places[i], ...(unit !== undefined && { unit }) };
  }

  /** All rows as they are. */
  async #tellPoints(left: readonly number[]): Promise<void> {
    const { window, signal, tell } = this.#options;
    const gaps: Gap[] = [];
    const lines = left.map((i) => this.#lines[i]);
    const x = new Growing();
    const y = lines.map(() => new Growing());
    for await (const { seconds, values } of readLines(this.#recording, lines, window, { signal, gaps })) {
      x.add(seconds);
      for (const [i, column] of values.entries()) y[i].add(column);
    }
    for (const [at, i] of left.entries()) {
      const answer: PointsAnswer = {
        shape: "points",
        ...this.#head(i),
        level: "rows",
        isFinal: true,
        isExact: true,
        rows: x.length,
        gaps: joinGaps(gaps),
        x: x.toArray(),
        y: y[at].toArray(),
      };
      tell(answer);
    }
  }

  /** By all rows: those of whole batches by their bounds where these tell, else read. */
  async #tellRows(left: readonly number[], rows: number): Promise<void> {
    const { window, pixels, signal, tell } = this.#options;
    const simple = left.filter((i) => this.#monotone[i]);
    const exact = { level: "rows", rows, isFinal: true, isExact: true } as const;
    if (simple.length > 0) {
      const gaps: Gap[] = [];
      let series: TopicSeries;
      try {
        const topic = await this.#recording.topic(this.#lines[0].topic);
        const fields = simple.map((i) => this.#monotone[i]!.field.path);
        const { fromNs: startNs, toNs: endNs } = window;
        series = await topic.series({ fields, startNs, endNs, buckets: pixels, level: "rows", signal });
      } catch (reason) {
        if (!isDamage(reason)) throw reason;
        series = await this.#series("rows", gaps);
      }
      for (const i of simple) this.#tellBuckets(i, series, { ...exact, gaps: joinGaps(gaps) });
    }
    const others = left.filter((i) => !this.#monotone[i]);
    if (others.length === 0) return;
    const gaps: Gap[] = [];
    const buckets = new Buckets(window.fromNs, window.toNs, pixels);
    const fillers = others.map(() => new BucketFiller(buckets));
    const lines = others.map((i) => this.#lines[i]);
    const tellOthers = (isFinal: boolean) => {
      for (const [at, i] of others.entries()) {
        const answer = withValues(buckets.fromNs, buckets.stepNs, this.#recording.startNs, fillers[at]);
        tell({ shape: "buckets", ...this.#head(i), ...answer, ...exact, isFinal, gaps: joinGaps(gaps) });
      }
    };
    let [read, nextTell] = [0, MAX_ROWS];
    for await (const { ns, values } of readLines(this.#recording, lines, window, { signal, gaps })) {
      for (const [i, column] of values.entries()) fillers[i].add(ns, column);
      read += ns.length;
      // A long one is drawn as it comes.
      if (read < nextTell) continue;
      nextTell += MAX_ROWS;
      tellOthers(false);
    }
    tellOthers(true);
  }
}

/** The extremes of a line, by those of its field. */
function applied(
  { direction, apply }: MonotoneLine,
  { min, max }: FieldSeries,
): { min: Float64Array; max: Float64Array } {
  const [low, high] = [min.map(apply), max.map(apply)].map((column) => column.map((value) => value + 0));
  return direction === 1 ? { min: low, max: high } : { min: high, max: low };
}

/** Numbers one after another. */
export class Growing {
  readonly #parts: Float64Array[] = [];
  /** How many there are. */
  length = 0;

  /** Takes some, as a copy. */
  add(part: Float64Array): void {
    this.#parts.push(part.slice());
    this.length += part.length;
  }

  /** All of them, in an array of one's own. */
  toArray(): Float64Array<ArrayBuffer> {
    const all = new Float64Array(this.length);
    let at = 0;
    for (const part of this.#parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }
}
