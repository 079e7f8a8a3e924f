/**
 * The column of a table that says when its rows were, and the times in it.
 *
 * @module
 */
import { type NumberVector, StructVector, type Vector } from "../../arrow/vector.ts";
import { SmaltiError } from "../../error.ts";
import { type DataType, TIMESTAMP_FIELD } from "../../schema.ts";
import { MAX_NS, type Metadata, MIN_NS } from "../../types.ts";
import { quoted } from "../../util/excerpt.ts";
import { didYouMean } from "../../util/nearest.ts";
import { TIME_UNITS, timeToNs, type TimeUnit } from "../message_time.ts";

/** What columns of times are usually called, in small letters and without what is before the first. */
const USUAL_NAMES = ["timestamp", "time", "stamp", "t", "datetime"];

const NS_PER_DAY = 86_400_000_000_000n;

/** A column as far as it matters here; of what no type is known its name alone. */
export interface NamedColumn {
  readonly name: string;
  readonly type?: DataType;
}

/**
 * Which column is the time: the one that was named, by its name or as a path into structs with `.` between names; else
 * `timestamp_ns`, the first of Arrow's type timestamp, or one with a usual name. INVALID_ARGUMENT, which lists the columns,
 * where there is none.
 *
 * @returns The number of the column, and the names within it.
 */
export function findTimeColumn(
  columns: readonly NamedColumn[],
  wanted: string | undefined,
): { index: number; within: readonly string[] } {
  const names = columns.map(({ name }) => name);
  if (wanted === undefined) {
    const index = guess(columns);
    if (index >= 0) return { index, within: [] };
    const text = `its columns are ${listed(names)}: wanted the one that is the time (time, --time COLUMN)`;
    throw new SmaltiError("INVALID_ARGUMENT", text);
  }
  // One called log or publish is named with a dot before it.
  for (const path of [wanted, wanted.replace(/^\./, "")]) {
    const whole = names.indexOf(path);
    if (whole >= 0) return { index: whole, within: [] };
    const parts = path.split(".");
    const first = names.indexOf(parts[0]);
    if (first >= 0) return { index: first, within: parts.slice(1) };
  }
  const text = `it has no column ${JSON.stringify(wanted)}, only ${listed(names)}`;
  throw new SmaltiError("INVALID_ARGUMENT", text + didYouMean(wanted, names));
}

function guess(columns: readonly NamedColumn[]): number {
  const exact = columns.findIndex(({ name }) => name === TIMESTAMP_FIELD.name);
  if (exact >= 0) return exact;
  const typed = columns.findIndex(({ type }) => type?.kind === "temporal" && type.of === "timestamp");
  if (typed >= 0) return typed;
  const plain = columns.map(({ name }) => name.toLowerCase().replace(/^[^a-z]+/, ""));
  for (const name of USUAL_NAMES) if (plain.includes(name)) return plain.indexOf(name);
  return -1;
}

/** So many are named. */
const MAX_LISTED = 50;

function listed(names: readonly string[]): string {
  const more = names.length - MAX_LISTED;
  return names.slice(0, MAX_LISTED).map((name) => JSON.stringify(name)).join(", ") +
    (more > 0 ? ` and ${more} more` : "");
}

/** The times of rows, and what is wrong with those that have none. */
export interface RowTimes {
  /** Nanoseconds; 0 where a row has none. */
  readonly times: BigInt64Array;
  /** Rows without a time that can be kept, in order. */
  readonly bad: readonly BadTime[];
}

/** A row without a time. */
export interface BadTime {
  readonly row: number;
  /** What is wrong, in words. */
  readonly text: string;
}

/** The unit that numbers count, by the size of the largest: as seconds, milli-, micro- or nanoseconds since 1970 they are from 1973 to 5138. */
export function unitBySize(largest: number): TimeUnit {
  if (largest < 1e11) return "s";
  if (largest < 1e14) return "ms";
  return largest < 1e17 ? "us" : "ns";
}

/** What told the unit: the option, the column's name (`timestamp_ns`), its type, or the size of its numbers. */
export type UnitBy = "option" | "name" | "type" | "size";

/** What a topic's metadata says of its time. */
export function timeFacts(column: string, unit: TimeUnit | undefined, unitBy: UnitBy): Metadata {
  return { "table.time": { column, ...(unit && { unit, unit_by: unitBy }) } };
}

/** Collects times of rows. */
export class TimesWriter {
  readonly #times: BigInt64Array;
  readonly #bad: BadTime[] = [];
  readonly #column: string;

  constructor(rows: number, column: string) {
    this.#times = new BigInt64Array(rows);
    this.#column = column;
  }

  /** Sets the time of a row; undefined where `seen` is none. */
  set(row: number, ns: bigint | undefined, seen: unknown): void {
    if (ns !== undefined && ns >= MIN_NS && ns <= MAX_NS) {
      this.#times[row] = ns;
      return;
    }
    const is = seen === undefined || seen === null ? "is missing" : `is ${quoted(seen)}`;
    const wanted = ns === undefined
      ? "wanted a number, or a date and time of ISO 8601"
      : "times from -2^63 to 2^63 - 1 ns are supported";
    this.#bad.push({ row, text: `its time, column ${JSON.stringify(this.#column)}, ${is}: ${wanted}` });
  }

  finish(): RowTimes {
    return { times: this.#times, bad: this.#bad };
  }
}

/** Reads the times of rows from columns. */
export class ColumnTimes {
  readonly #name: string;
  readonly #index: number;
  readonly #within: readonly string[];
  #unit: TimeUnit | undefined;
  #unitBy: UnitBy;

  /** @param unit What numbers count; of a type that says so itself that. @default told by the first numbers */
  constructor(
    columns: readonly NamedColumn[],
    { index, within }: ReturnType<typeof findTimeColumn>,
    unit: TimeUnit | undefined,
  ) {
    const { name } = columns[index];
    this.#name = [name, ...within].join(".");
    this.#index = index;
    this.#within = within;
    const isExact = this.#name === TIMESTAMP_FIELD.name;
    this.#unit = unit ?? (isExact ? "ns" : undefined);
    this.#unitBy = unit ? "option" : isExact ? "name" : "size";
  }

  /** What a topic's metadata says of it. */
  get facts(): Metadata {
    return timeFacts(this.#name, this.#unit, this.#unitBy);
  }

  /** The times of all rows of a batch. INVALID_ARGUMENT where the column is none of times. */
  read(columns: readonly Vector[]): RowTimes {
    const vector = this.#find(columns);
    vector.loadAll();
    const { length } = vector;
    const { type } = vector.field;
    const writer = new TimesWriter(length, this.#name);
    if (type.kind === "temporal") {
      const step = type.unit === "day" ? NS_PER_DAY : 10n ** BigInt(TIME_UNITS[type.unit]);
      this.#unit = type.unit === "day" ? undefined : type.unit;
      this.#unitBy = "type";
      readIntegers(vector, step, writer);
      return writer.finish();
    }
    const unit = this.#unit ?? this.#tellUnit(vector);
    if (type.kind === "int") {
      readIntegers(vector, 10n ** BigInt(TIME_UNITS[unit]), writer);
      return writer.finish();
    }
    for (let row = 0; row < length; row++) {
      const value = vector.plain(row, false);
      const ns = typeof value === "number" ? shortNs(value, TIME_UNITS[unit]) : undefined;
      writer.set(row, ns ?? timeToNs(value, unit), value);
    }
    return writer.finish();
  }

  #find(columns: readonly Vector[]): Vector {
    let vector = columns[this.#index];
    for (const name of this.#within) {
      const child = vector instanceof StructVector
        ? vector.children.find(({ field }) => field.name === name)
        : undefined;
      if (!child) {
        const text = `it has no column ${JSON.stringify(this.#name)}: ` +
          `there is no ${JSON.stringify(name)} within ${JSON.stringify(vector.field.name)}`;
        throw new SmaltiError("INVALID_ARGUMENT", text);
      }
      vector = child;
    }
    return vector;
  }

  /** By the largest number of a batch; where there is none the next batch tells. */
  #tellUnit(vector: Vector): TimeUnit {
    let largest = -1;
    for (let row = 0; row < vector.length; row++) {
      const value = vector.get(row);
      if (typeof value === "object" || value === undefined) continue;
      const size = Math.abs(Number(value));
      if (size > largest && size < Infinity) largest = size;
    }
    if (largest < 0) return "ns";
    return this.#unit = unitBySize(largest);
  }
}

/** Digits after the point that most times have at most. */
const SHORT_DIGITS = 6;
const NS_STEPS = [1n, 10n, 100n, 1000n];

/**
 * What the shortest text of a number says, without making the text, where that has few digits: up to 2^53 of such steps lie
 * farther apart than float64 does, so no other text of as many digits is the same number.
 */
function shortNs(value: number, power: number): bigint | undefined {
  const digits = Math.min(power, SHORT_DIGITS);
  const steps = Math.round(value * 10 ** digits);
  if (!Number.isSafeInteger(steps) || steps / 10 ** digits !== value) return undefined;
  return BigInt(steps) * NS_STEPS[power - digits];
}

function readIntegers(vector: Vector, step: bigint, writer: TimesWriter): void {
  const { values } = vector as NumberVector;
  for (let row = 0; row < vector.length; row++) {
    if (vector.isValid(row)) writer.set(row, BigInt(values[row]) * step, values[row]);
    else writer.set(row, undefined, undefined);
  }
}
