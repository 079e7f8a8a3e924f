/**
 * Cells of text -> columns of types: what all of a column's cells are.
 *
 * @module
 */
import { createBuilder } from "../../arrow/builder.ts";
import type { Builder } from "../../arrow/field_builder.ts";
import { type Columns, emptyColumns } from "../../arrow/columns.ts";
import type { FieldSchema } from "../../schema.ts";

const INTEGER = /^[+-]?\d+$/;
/** Of the parts none can take another's digits: else a text of many digits that is no number takes the square of their time. */
const FLOAT = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const NOT_FINITE = /^([+-]?)(?:(nan)|inf(?:inity)?)$/i;
/** An integer of so many characters fits int64. */
const SAFE_LENGTH = 18;
const [MIN_INT64, MAX_INT64, MAX_UINT64] = [-(2n ** 63n), 2n ** 63n - 1n, 2n ** 64n - 1n];

/** Whether a cell is a number. */
export function isNumber(cell: string): boolean {
  return FLOAT.test(cell) || NOT_FINITE.test(cell);
}

/** A number as text; undefined where it is none. */
function toFloat(cell: string): number | undefined {
  if (FLOAT.test(cell)) return Number(cell);
  const [, sign, nan] = NOT_FINITE.exec(cell) ?? [];
  if (sign === undefined) return undefined;
  return nan !== undefined ? NaN : sign === "-" ? -Infinity : Infinity;
}

function toInteger(cell: string): bigint {
  return BigInt(cell.startsWith("+") ? cell.slice(1) : cell);
}

/** The type of a column's cells, as far as they were seen. */
export class CellType {
  #hasIntegers = false;
  #hasFloats = false;
  #hasText = false;
  #isSigned = false;
  #isLarge = false;
  #isTooLarge = false;
  /** The size of the largest number. */
  largest = -1;

  /** Looks at a cell that is not empty. */
  add(cell: string): void {
    if (this.#hasText) return;
    if (INTEGER.test(cell)) {
      this.#hasIntegers = true;
      this.#grow(Number(cell));
      if (cell.charCodeAt(0) === 0x2d) this.#isSigned = true;
      if (cell.length > SAFE_LENGTH) this.#addLarge(toInteger(cell));
      return;
    }
    const number = toFloat(cell);
    if (number === undefined) this.#hasText = true;
    else {
      this.#hasFloats = true;
      this.#grow(number);
    }
  }

  #grow(number: number): void {
    const size = Math.abs(number);
    if (size > this.largest && size < Infinity) this.largest = size;
  }

  #addLarge(value: bigint): void {
    if (value < MIN_INT64 || value > MAX_UINT64) this.#isTooLarge = true;
    else if (value > MAX_INT64) this.#isLarge = true;
  }

  /** int64, uint64 where int64 is too small, float64, else text. */
  type(integers: "bigint" | "number"): FieldSchema["type"] {
    const float = { kind: "float", bits: 64 } as const;
    if (this.#hasText || !this.#hasIntegers && !this.#hasFloats) return { kind: "utf8", offsets: 32 };
    if (this.#hasFloats || integers === "number") return float;
    if (this.#isTooLarge || this.#isLarge && this.#isSigned) return { kind: "utf8", offsets: 32 };
    return { kind: "int", bits: 64, signed: !this.#isLarge };
  }
}

/** Undefined for an empty cell, null for one that is none of the type. */
function valueOf(cell: string, type: FieldSchema["type"]): string | number | bigint | undefined | null {
  if (cell === "") return undefined;
  if (type.kind === "utf8") return cell;
  if (type.kind === "float") return toFloat(cell) ?? null;
  if (!INTEGER.test(cell)) return null;
  const value = toInteger(cell);
  const [least, most] = type.kind === "int" && !type.signed ? [0n, MAX_UINT64] : [MIN_INT64, MAX_INT64];
  return value < least || value > most ? null : value;
}

/** Collects rows of cells as columns. */
export class CsvColumns {
  readonly #fields: readonly FieldSchema[];
  /** Of the cells; with {@linkcode ROW_FIELD} there is one field more. */
  readonly #cells: number;
  #builders: Builder[] = [];
  #rows = 0;
  /** Characters so far, about. */
  size = 0;

  constructor(fields: readonly FieldSchema[], cells: number) {
    this.#fields = fields;
    this.#cells = cells;
    this.#open();
  }

  get rows(): number {
    return this.#rows;
  }

  /** Takes a row; whether the columns hold it whole. Where they do not, the column for rows has it as text, if there is one. */
  add(row: readonly string[]): boolean {
    let fits = true;
    for (let i = 0; i < this.#cells; i++) {
      const cell = i < row.length ? row[i] : "";
      const value = valueOf(cell, this.#fields[i].type);
      if (value === null) fits = false;
      this.#builders[i].append(value);
      this.size += cell.length + 8;
    }
    for (let i = this.#cells; i < row.length; i++) if (row[i] !== "") fits = false;
    if (this.#fields.length > this.#cells) {
      this.#builders[this.#cells].append(fits ? undefined : csvText(row));
    }
    this.#rows++;
    return fits;
  }

  /** The columns, and begins anew. */
  take(): Columns {
    const columns = emptyColumns(this.#rows);
    for (const builder of this.#builders) builder.collect(columns);
    this.#open();
    return columns;
  }

  #open(): void {
    this.#builders = this.#fields.map((field) =>
      createBuilder(field, field.name, { variable: 0, capacity: 0 })
    );
    this.#rows = 0;
    this.size = 0;
  }
}

/** Cells as a line of CSV. */
function csvText(row: readonly string[]): string {
  return row.map((cell) => /[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell).join(",");
}
