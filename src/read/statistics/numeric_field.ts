import { type BatchBounds, boundedColumns, type ColumnNumbers, numbersOf } from "../../arrow/bounds.ts";
import { NumberVector, type StructVector, type Vector } from "../../arrow/vector.ts";
import { SmaltiError } from "../../error.ts";
import { type FieldSchema, isOptional, typeName } from "../../schema.ts";
import { fieldsAt } from "../field_path.ts";

/** A field that has bounds. */
export interface NumericField {
  /** Names on the way to it, joined by dots. */
  readonly path: string;
  readonly schema: FieldSchema;
  /** Places of the fields on the way to it. */
  readonly places: readonly number[];
  /** The same as in `BatchBounds`. */
  readonly column: string;
  /** Whether a row may lack it. */
  readonly isOptional: boolean;
}

/** All that a table has, in its order. */
export function numericFields(fields: readonly FieldSchema[]): NumericField[] {
  return boundedColumns(fields).map((column) => {
    const places = column.split(",").map(Number);
    const trail: FieldSchema[] = [];
    for (const place of places) trail.push((trail.at(-1)?.children ?? fields)[place]);
    const path = trail.map(({ name }) => name).join(".");
    return { path, schema: trail.at(-1)!, places, column, isOptional: trail.some(isOptional) };
  });
}

/** The field at a path. NOT_FOUND; INVALID_ARGUMENT where it is no number, or within a list. */
export function numericField(
  fields: readonly FieldSchema[],
  path: string,
  where: { sequence: string; topic: string },
  tried: string,
): NumericField {
  // The time, which comes first, is no value of a message.
  const found = fieldsAt(fields.slice(1), path, where).at(-1)!;
  const numeric = numericFields(fields).find(({ schema }) => schema === found);
  if (numeric) return numeric;
  throw new SmaltiError(
    "INVALID_ARGUMENT",
    `${tried}: field "${path}" of topic "${where.topic}" is ${
      typeName(found)
    }, wanted an integer, float or time`,
    where,
  );
}

/** A field's values in a batch. CORRUPT. */
export function fieldNumbers(table: StructVector, { places }: NumericField): ColumnNumbers {
  const parents: Vector[] = [];
  let vector: Vector = table;
  for (const place of places) {
    if (vector !== table) parents.push(vector);
    vector = vector.children[place];
  }
  if (!(vector instanceof NumberVector)) {
    throw new SmaltiError("INTERNAL", "Column with bounds is not of numbers");
  }
  return numbersOf(vector, parents, table.length);
}

/** Smallest and largest value of a field in a batch; undefined where the store does not know. */
export function knownBounds(
  bounds: BatchBounds | undefined,
  batch: number,
  { column }: NumericField,
): readonly [min: number, max: number] | undefined {
  const pair = bounds?.of(batch, column);
  // A batch of whose bounds nothing was kept has those of all numbers.
  return pair && pair[0] === -Infinity && pair[1] === Infinity ? undefined : pair;
}
