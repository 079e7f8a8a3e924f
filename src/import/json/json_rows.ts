/**
 * JSON values -> rows of columns that may not hold them.
 *
 * @module
 */
import type { FieldSchema } from "../../schema.ts";
import type { JsonColumns } from "./json_schema.ts";

/** What of a message the columns hold. */
export interface FittedRow {
  /** One property a column; missing where there is no value for it. */
  readonly row: Record<string, unknown>;
  /** Whether that is all of the message. */
  readonly whole: boolean;
}

/** What stands in JSON for the numbers that it has not. */
const NOT_FINITE: ReadonlySet<string> = new Set(["NaN", "Infinity", "-Infinity"]);

/**
 * Cuts messages down to what their columns hold. It keeps every value that fits its column exactly, at every depth; a
 * key that has no column, a value of another type or out of range, and an integer that is not to be had exactly are left
 * out. Decimals are as they were parsed. The texts that exports write for numbers which readers of JSON would change are taken:
 * NaN, the infinities, and integers beyond 2^53.
 */
export class JsonFitter {
  readonly #root: ReadonlyMap<string, Column>;
  #whole = true;

  constructor({ fields, renamed }: JsonColumns) {
    const properties = new Map(
      [...renamed].map(([property, name]) => [name, property]),
    );
    this.#root = columnsByKey(fields, properties);
  }

  /** The row for a message, which is not changed. */
  fit(message: object): FittedRow {
    this.#whole = true;
    const row = this.#struct(message, this.#root);
    return { row, whole: this.#whole };
  }

  #struct(
    value: object,
    columns: ReadonlyMap<string, Column>,
  ): Record<string, unknown> {
    // Without a prototype, so that a column called `constructor` is missing where it is.
    const row: Record<string, unknown> = Object.create(null);
    for (const key of Object.keys(value)) {
      const column = columns.get(key);
      const item = (value as Record<string, unknown>)[key];
      if (!column) this.#whole = false;
      else if (item !== null) {
        row[column.field.name] = this.#value(item, column);
      }
    }
    return row;
  }

  #value(value: unknown, column: Column): unknown {
    const { type } = column.field;
    switch (type.kind) {
      case "bool":
        if (typeof value === "boolean") return value;
        break;
      case "int":
        if (typeof value === "number" && Number.isSafeInteger(value) && (type.signed || value >= 0)) {
          return value;
        }
        if (typeof value === "bigint" && isOf64(value, type.signed)) return value;
        if (typeof value === "string") {
          const integer = largeInteger(value);
          if (integer !== undefined && isOf64(integer, type.signed)) return integer;
        }
        break;
      case "float":
        if (typeof value === "number" && Number.isFinite(value)) return value;
        if (typeof value === "bigint") {
          const number = Number(value);
          if (Number.isFinite(number) && BigInt(number) === value) {
            return number;
          }
        }
        if (typeof value === "string" && NOT_FINITE.has(value)) return Number(value);
        break;
      case "utf8":
        if (typeof value === "string" && value.isWellFormed()) return value;
        break;
      case "list":
        if (!Array.isArray(value)) break;
        return value.map((item) => item === null ? undefined : this.#value(item, column.item!));
      case "struct":
        if (typeof value !== "object" || Array.isArray(value)) break;
        return this.#struct(value!, column.children!);
    }
    this.#whole = false;
    return undefined;
  }
}

/** The integer of int64 that a text stands for, where it is beyond 2^53 and written as an export writes it. */
function largeInteger(text: string): bigint | undefined {
  if (!/^-?[1-9]\d{15,19}$/.test(text)) return undefined;
  const integer = BigInt(text);
  return Number.isSafeInteger(Number(integer)) ? undefined : integer;
}

function isOf64(integer: bigint, signed: boolean): boolean {
  return (signed ? BigInt.asIntN(64, integer) : BigInt.asUintN(64, integer)) === integer;
}

interface Column {
  readonly field: FieldSchema;
  /** Of a list. */
  readonly item?: Column;
  /** Of a struct. */
  readonly children?: ReadonlyMap<string, Column>;
}

function columnsByKey(
  fields: readonly FieldSchema[],
  keys?: ReadonlyMap<string, string>,
): Map<string, Column> {
  return new Map(
    fields.map((
      field,
    ) => [keys?.get(field.name) ?? field.name, columnOf(field)]),
  );
}

function columnOf(field: FieldSchema): Column {
  switch (field.type.kind) {
    case "list":
      return { field, item: columnOf(field.children[0]) };
    case "struct":
      return { field, children: columnsByKey(field.children) };
    default:
      return { field };
  }
}
