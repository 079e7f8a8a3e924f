/**
 * Where nested columns have values: Dremel's levels, made of validity bitmaps and offsets without looking at a value.
 *
 * Source: Apache Parquet Format, "Nested Encoding".
 *
 * @module
 */
import { FixedListVector, ListVector, NullVector, StructVector, type Vector } from "../../arrow/vector.ts";

/** A definition level while there is a value still. */
export const PRESENT = 255;

/** The places of a column: each is a value, or says which level has none. */
export interface Levels {
  readonly count: number;
  readonly maxDefinition: number;
  readonly maxRepetition: number;
  /** By place, {@linkcode PRESENT} where there is a value; null where there is one everywhere. */
  readonly definitions: Uint8Array | null;
  /** By place; null where each begins a row. */
  readonly repetitions: Uint8Array | null;
  /** How many have a value: these rows of the column, or where that is null, all from `first` on. */
  readonly valueCount: number;
  readonly rows: Int32Array | null;
  readonly first: number;
}

/** A column that is not made of others. */
export interface Leaf {
  readonly vector: Vector;
  readonly levels: Levels;
}

/** The leaves of a column of a table, in the order of its schema's elements. CORRUPT. */
export function leavesOf(column: Vector): Iterable<Leaf> {
  column.loadAll();
  return leaves(column, {
    count: column.length,
    maxDefinition: 0,
    maxRepetition: 0,
    definitions: null,
    repetitions: null,
    valueCount: column.length,
    rows: null,
    first: 0,
  });
}

function* leaves(vector: Vector, above: Levels, nullable = vector.field.nullable): Generator<Leaf> {
  const levels = present(vector, above, nullable);
  if (vector instanceof StructVector) {
    for (const child of vector.children) yield* leaves(child, levels);
  } else if (vector instanceof ListVector || vector instanceof FixedListVector) {
    const items = repeated(vector, levels);
    const [child] = vector.children;
    if (vector.field.type.kind === "map") {
      yield* leaves(child.children[0], items, false);
      yield* leaves(child.children[1], items);
    } else yield* leaves(child, items);
  } else yield { vector, levels };
}

/** Less the places where a column has nothing. */
function present(vector: Vector, above: Levels, nullable: boolean): Levels {
  const { count, valueCount, rows, first } = above;
  const maxDefinition = above.maxDefinition + (nullable ? 1 : 0);
  if (vector.validity === null && !(vector instanceof NullVector)) return { ...above, maxDefinition };
  const definitions = above.definitions?.slice() ?? new Uint8Array(count).fill(PRESENT);
  const kept = new Int32Array(valueCount);
  let [next, keptCount] = [0, 0];
  for (let place = 0; place < count; place++) {
    if (definitions[place] !== PRESENT) continue;
    const row = rows === null ? first + next : rows[next];
    next++;
    if (vector.isValid(row)) kept[keptCount++] = row;
    else definitions[place] = above.maxDefinition;
  }
  if (keptCount === valueCount) return { ...above, maxDefinition };
  if (!nullable) throw vector.corrupt(`lacks ${valueCount - keptCount} values: wanted one everywhere`);
  return { ...above, maxDefinition, definitions, valueCount: keptCount, rows: kept.subarray(0, keptCount) };
}

/** The items of lists: a place each, and one for each list that is empty or not there. */
function repeated(vector: ListVector | FixedListVector, lists: Levels): Levels {
  const { count, rows, first, valueCount } = lists;
  const starts = new Int32Array(valueCount);
  const lengths = new Int32Array(valueCount);
  let [itemCount, emptyCount] = [0, 0];
  let isOneRange = true;
  for (let i = 0; i < valueCount; i++) {
    const [from, to] = vector.range(rows === null ? first + i : rows[i]);
    starts[i] = from;
    lengths[i] = to - from;
    itemCount += to - from;
    if (to === from) emptyCount++;
    if (i > 0 && from !== starts[i - 1] + lengths[i - 1]) isOneRange = false;
  }
  const total = count - valueCount + emptyCount + itemCount;
  const maxRepetition = lists.maxRepetition + 1;
  const repetitions = new Uint8Array(total).fill(maxRepetition);
  const definitions = lists.definitions === null && emptyCount === 0
    ? null
    : new Uint8Array(total).fill(PRESENT);
  const items = isOneRange ? null : new Int32Array(itemCount);
  let [at, list, item] = [0, 0, 0];
  for (let place = 0; place < count; place++) {
    repetitions[at] = lists.repetitions === null ? 0 : lists.repetitions[place];
    const definition = lists.definitions === null ? PRESENT : lists.definitions[place];
    if (definition !== PRESENT) {
      definitions![at++] = definition;
      continue;
    }
    const length = lengths[list];
    if (length === 0) definitions![at] = lists.maxDefinition;
    if (items !== null) { for (let i = 0; i < length; i++) items[item++] = starts[list] + i; }
    at += length || 1;
    list++;
  }
  return {
    count: total,
    maxDefinition: lists.maxDefinition + 1,
    maxRepetition,
    definitions,
    repetitions,
    valueCount: itemCount,
    rows: items,
    first: valueCount > 0 ? starts[0] : 0,
  };
}
