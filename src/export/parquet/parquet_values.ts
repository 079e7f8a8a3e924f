/**
 * Columns -> values as hyparquet-writer takes them.
 *
 * @module
 */
import {
  DecimalVector,
  FixedListVector,
  HalfVector,
  ListVector,
  NumberVector,
  StructVector,
  type Vector,
} from "../../arrow/vector.ts";

type Values = ArrayLike<unknown>;

/** The values of a column, undefined where they are missing. Numbers that are all there are not copied. */
export function valuesOf(column: Vector): Values {
  column.loadAll();
  if (column instanceof NumberVector && !(column instanceof HalfVector) && column.validity === null) {
    // The writer converts uint32 of plain arrays alone.
    if (!(column.values instanceof Uint32Array)) return column.values;
  }
  const read = readerOf(column);
  const values = new Array<unknown>(column.length);
  for (let row = 0; row < values.length; row++) values[row] = read(row);
  return values;
}

/** Whether a zero with a sign is among the floats of a column, or of those within it. */
export function hasNegativeZero(column: Vector): boolean {
  if (column.children.length > 0) return column.children.some(hasNegativeZero);
  const { type } = column.field;
  if (type.kind !== "float" || type.bits === 16 || !(column instanceof NumberVector)) return false;
  column.loadAll();
  const values = column.values as Float64Array | Float32Array;
  return values.some((value) => Object.is(value, -0));
}

function readerOf(column: Vector): (row: number) => unknown {
  if (column instanceof DecimalVector) return (row) => column.unscaled(row);
  if (column instanceof StructVector) {
    const names = column.children.map(({ field }) => field.name);
    const readers = column.children.map(readerOf);
    return (row) => {
      if (!column.isValid(row)) return undefined;
      const value: Record<string, unknown> = {};
      for (let i = 0; i < names.length; i++) value[names[i]] = readers[i](row);
      return value;
    };
  }
  if (column instanceof ListVector) {
    const items = itemsOf(column.children[0]);
    return (row) => column.isValid(row) ? items(...column.range(row)) : undefined;
  }
  if (column instanceof FixedListVector) {
    const items = itemsOf(column.children[0]);
    const { size } = column;
    return (row) => column.isValid(row) ? items(row * size, (row + 1) * size) : undefined;
  }
  return (row) => column.get(row);
}

function itemsOf(column: Vector): (from: number, to: number) => unknown[] {
  const read = readerOf(column);
  return (from, to) => {
    const items = new Array<unknown>(to - from);
    for (let i = from; i < to; i++) items[i - from] = read(i);
    return items;
  };
}
