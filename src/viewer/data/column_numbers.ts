/**
 * Columns as float64.
 *
 * @module
 */
import { type BigIntColumn, type Column, SmaltiError } from "../../entry/web.ts";

const WORD = 2 ** 32;

/**
 * A column's values as float64, NaN where one is missing; 64-bit integers to the nearest. Of text 1 where it is `equals`, 0 where it is
 * another. May be the column's own array: not to be changed.
 */
export function numbersOf(column: Column, equals?: string): Float64Array {
  if (column.kind === "text" && equals !== undefined) return equalTo(column, equals);
  switch (column.kind) {
    case "number":
    case "boolean": {
      if (column.values instanceof Float64Array && !column.validity) return column.values;
      return withoutMissing(Float64Array.from(column.values), column.validity);
    }
    case "bigint":
      return withoutMissing(roundedOf(column), column.validity);
    case "null":
      return new Float64Array(column.length).fill(NaN);
    default:
      throw new SmaltiError(
        "INVALID_ARGUMENT",
        `Column "${column.field.name}" is ${column.kind}, wanted numbers`,
      );
  }
}

function withoutMissing(values: Float64Array, validity: Uint8Array | undefined): Float64Array {
  if (validity) { for (let i = 0; i < values.length; i++) if (validity[i] === 0) values[i] = NaN; }
  return values;
}

/** In two halves: a bigint for each would take most of the time. */
function roundedOf({ values }: BigIntColumn): Float64Array {
  const words = new Int32Array(values.buffer, values.byteOffset, 2 * values.length);
  const isSigned = values instanceof BigInt64Array;
  const numbers = new Float64Array(values.length);
  for (let i = 0; i < numbers.length; i++) {
    const high = words[2 * i + 1];
    numbers[i] = (isSigned ? high : high >>> 0) * WORD + (words[2 * i] >>> 0);
  }
  return numbers;
}

function equalTo(column: Column, text: string): Float64Array {
  const numbers = new Float64Array(column.length);
  for (let row = 0; row < numbers.length; row++) {
    const value = column.at(row);
    numbers[row] = value === undefined ? NaN : Number(value === text);
  }
  return numbers;
}
