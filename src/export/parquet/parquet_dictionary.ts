import { Utf8Vector } from "../../arrow/vector.ts";
import type { Leaf } from "./parquet_levels.ts";
import { rowOf } from "./parquet_values.ts";

/** Texts are judged by so many whether they repeat. */
const SAMPLE = 1000;
/** Texts in a dictionary: beyond this each is stored where it is. */
const MAX_TEXTS = 1 << 16;

/** Texts that repeat. */
export interface Dictionary {
  /** A row for each text. */
  readonly rows: readonly number[];
  /** Of each value: the place of its text. */
  readonly places: Int32Array;
}

/** By hash: the place of a text and one more, 0 where there is none. Twice as long as there can be texts. */
const table = new Int32Array(2 * MAX_TEXTS);

/** The texts of a leaf, where at least half of them are repetitions. They are told apart by their bytes: texts of each would be garbage. */
export function dictionaryOf(leaf: Leaf): Dictionary | undefined {
  const { vector, levels: { valueCount } } = leaf;
  if (!(vector instanceof Utf8Vector) || valueCount === 0) return undefined;
  const { data, offsets } = vector;
  const places = new Int32Array(valueCount);
  const rows: number[] = [];
  table.fill(0);
  for (let i = 0; i < valueCount; i++) {
    const row = rowOf(leaf, i);
    vector.check(row);
    let slot = hashOf(data, offsets[row], offsets[row + 1]);
    while (table[slot] !== 0 && !isSame(vector, rows[table[slot] - 1], row)) slot = (slot + 1) % table.length;
    if (table[slot] === 0) {
      table[slot] = rows.push(row);
      if (rows.length === MAX_TEXTS || i >= SAMPLE && 2 * rows.length > i) return undefined;
    }
    places[i] = table[slot] - 1;
  }
  return 2 * rows.length <= valueCount ? { rows, places } : undefined;
}

/** FNV-1a, as a place in the table. */
function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0x811c9dc5 | 0;
  for (let i = from; i < to; i++) hash = Math.imul(hash ^ bytes[i], 0x01000193);
  return (hash ^ (hash >>> 16)) & (table.length - 1);
}

function isSame({ data, offsets }: Utf8Vector, a: number, b: number): boolean {
  const [from, other] = [offsets[a], offsets[b]];
  const length = offsets[a + 1] - from;
  if (offsets[b + 1] - other !== length) return false;
  for (let i = 0; i < length; i++) if (data[from + i] !== data[other + i]) return false;
  return true;
}
