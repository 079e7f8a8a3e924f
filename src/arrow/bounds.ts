/**
 * Bounds of a batch's numeric columns: what tells of a batch, without a look at it, that no row of it can match.
 *
 * @module
 */
import type { FieldSchema } from "../schema.ts";
import { halfToNumber } from "./half.ts";
import { HalfVector, NumberVector, StructVector, type Vector } from "./vector.ts";

/** Below this float64 holds every integer. */
const EXACT = 2 ** 53;

/**
 * Paths of the columns that have bounds, each the places of fields on the way down, such as `2,0`: integers, floats and
 * temporal ones that are not within lists, but for the first column, the time.
 */
export function boundedColumns(fields: readonly FieldSchema[]): string[] {
  const below = ({ type, children, dictionary }: FieldSchema, path: string): string[] => {
    if (dictionary) return [];
    if (type.kind === "struct") return children.flatMap((child, i) => below(child, `${path},${i}`));
    return type.kind === "int" || type.kind === "float" || type.kind === "temporal" ? [path] : [];
  };
  return fields.flatMap((field, i) => i === 0 ? [] : below(field, `${i}`));
}

/**
 * Smallest and largest value of each of a batch's {@linkcode boundedColumns}, one pair after another; missing values
 * and NaN do not count. Infinity and -Infinity where there is none. Of 64-bit integers beyond 2^53 not the values
 * themselves, but float64 numbers a little below and above them.
 */
export function boundsOf(table: StructVector): Float64Array {
  return blockBoundsOf(table, Math.max(1, table.length));
}

/**
 * The same of every block of so many rows of a batch, the last of which may have fewer: of one column after another the pairs
 * of all blocks. A batch without rows has one block.
 */
export function blockBoundsOf(table: StructVector, blockRows: number): Float64Array {
  const columns = boundedVectors(table);
  const blocks = Math.max(1, Math.ceil(table.length / blockRows));
  const bounds = new Float64Array(2 * columns.length * blocks);
  let at = 0;
  for (const { vector, parents } of columns) {
    const { numbers } = numbersOf(vector, parents, table.length);
    let from = 0;
    do {
      const to = Math.min(from + blockRows, numbers.length);
      extremesInto(bounds, at, numbers, from, to);
      at += 2;
      from = to;
    } while (from < numbers.length);
    if (is64Bit(vector.field)) widen(bounds, at - 2 * blocks, at);
  }
  return bounds;
}

/** The vectors of a batch's {@linkcode boundedColumns}, and the structs that each lies in. */
export function boundedVectors(table: StructVector): { vector: NumberVector; parents: readonly Vector[] }[] {
  const below = (vector: Vector, parents: readonly Vector[]): ReturnType<typeof boundedVectors> => {
    if (vector instanceof NumberVector) return [{ vector, parents }];
    if (!(vector instanceof StructVector)) return [];
    return vector.children.flatMap((child) => below(child, [...parents, vector]));
  };
  return table.children.slice(1).flatMap((column) => below(column, []));
}

/** A column's values as numbers. */
export interface ColumnNumbers {
  /** By row; 64-bit integers beyond 2^53 rounded to the nearest, missing values NaN. A view where it can be. */
  readonly numbers: Float64Array;
  /** How many are missing. */
  readonly missing: number;
}

/** The values of the first so many rows of a column that lies within `parents`, structs that may be missing. */
export function numbersOf(vector: NumberVector, parents: readonly Vector[], rows: number): ColumnNumbers {
  if (!vector.loaded) vector.load();
  // The children of a struct may be longer than it is.
  const stored = floatsOf(vector).subarray(0, rows);
  const sparse = [vector, ...parents].filter(({ nullCount }) => nullCount !== 0);
  if (sparse.length === 0) return { numbers: stored, missing: 0 };
  const numbers = stored.slice();
  let missing = 0;
  for (let row = 0; row < numbers.length; row++) {
    if (sparse.every((each) => each.isValid(row))) continue;
    numbers[row] = NaN;
    missing++;
  }
  return { numbers, missing };
}

/**
 * Smallest and largest of a field's numbers from a row to before another; NaN does not count. Infinity and -Infinity where
 * there is none. Where they stand for 64-bit integers beyond 2^53, a little below and above them.
 */
export function extremesOf(
  field: FieldSchema,
  numbers: Float64Array,
  from = 0,
  to: number = numbers.length,
): [min: number, max: number] {
  const pair = new Float64Array(2);
  extremesInto(pair, 0, numbers, from, to);
  if (is64Bit(field)) widen(pair, 0, 2);
  return [pair[0], pair[1]];
}

/** Puts smallest and largest of some numbers into a place. Every number that is written goes through here. */
function extremesInto(
  pairs: Float64Array,
  at: number,
  numbers: Float64Array,
  from: number,
  to: number,
): void {
  let min = Infinity;
  let max = -Infinity;
  // From both ends: where values rise or fall, the extremes are found at once, and a processor that guesses that the others
  // are none is right. One that is wrong at each second value takes four times as long.
  for (let low = from, high = to - 1; low <= high; low++, high--) {
    const first = numbers[low];
    const last = numbers[high];
    if (first < min) min = first;
    if (first > max) max = first;
    if (last < min) min = last;
    if (last > max) max = last;
  }
  pairs[at] = min;
  pairs[at + 1] = max;
}

/** Moves pairs outwards to at or beyond whatever integers were rounded to them. */
function widen(pairs: Float64Array, from: number, to: number): void {
  for (let at = from; at < to; at += 2) {
    pairs[at] = lower(pairs[at]);
    pairs[at + 1] = -lower(-pairs[at + 1]);
  }
}

/** A column's values, missing ones as they are stored; a view where it can be. Integers are rounded to the nearest. */
function floatsOf(vector: NumberVector): Float64Array {
  const { values, field: { type } } = vector;
  if (values instanceof Float64Array) return values;
  if (vector instanceof HalfVector) return Float64Array.from(values as Uint16Array, halfToNumber);
  if (!(values instanceof BigInt64Array || values instanceof BigUint64Array)) return new Float64Array(values);
  // Not by way of bigint, which is many times slower.
  const { buffer, byteOffset, length } = values;
  const low = new Uint32Array(buffer, byteOffset, 2 * length);
  const high = type.kind === "int" && !type.signed ? low : new Int32Array(buffer, byteOffset, 2 * length);
  const floats = new Float64Array(length);
  for (let row = 0; row < length; row++) floats[row] = high[2 * row + 1] * 2 ** 32 + low[2 * row];
  return floats;
}

/** Bounds of batches with the same columns. */
export class BatchBounds {
  /** Place of each column by its path. */
  readonly #columns: ReadonlyMap<string, number>;
  readonly #values: Float64Array;

  /** @param values Those of {@linkcode boundsOf}, one batch after another; kept as they are. */
  constructor(fields: readonly FieldSchema[], values: Float64Array) {
    this.#columns = new Map(boundedColumns(fields).map((path, column) => [path, column]));
    this.#values = values;
  }

  /** How many batches there are. */
  get batches(): number {
    return this.#columns.size === 0 ? 0 : this.#values.length / (2 * this.#columns.size);
  }

  /** Smallest and largest value of the column at a path in a batch; undefined where it has no bounds. */
  of(batch: number, path: string): [min: number, max: number] | undefined {
    const column = this.#columns.get(path);
    if (column === undefined) return undefined;
    const at = 2 * (batch * this.#columns.size + column);
    return [this.#values[at], this.#values[at + 1]];
  }
}

function is64Bit({ type }: FieldSchema): boolean {
  return (type.kind === "int" || type.kind === "temporal") && type.bits === 64;
}

/** At or below whatever integer was rounded to this. */
function lower(value: number): number {
  if (Math.abs(value) < EXACT || !Number.isFinite(value)) return value;
  // Not among the exact ones, where it would pass for a value of a row.
  return value > 0 ? Math.max(EXACT, value - value * 2 ** -52) : value + value * 2 ** -52;
}
