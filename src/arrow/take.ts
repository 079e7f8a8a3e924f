import {
  DictionaryVector,
  isEncoded,
  ListViewVector,
  RunEndVector,
  tooLarge,
  ViewVector,
} from "./encoded_vector.ts";
import { SmaltiError } from "../error.ts";
import { typeName } from "../schema.ts";
import { bytesOf, type Columns, emptyColumns, numberArrayType } from "./columns.ts";
import { isDirect, plainBytes } from "./plain_bytes.ts";
import {
  BinaryVector,
  BoolVector,
  FixedBinaryVector,
  FixedListVector,
  ListVector,
  NullVector,
  NumberVector,
  StructVector,
  type Vector,
} from "./vector.ts";

/** Which rows to take, in which order: row `rows[i]` of source `sources[i]`. */
export interface Picks {
  /** Positions in the list of sources. */
  sources: Int32Array;
  /** Row numbers in that source. */
  rows: Int32Array;
}

/** Rows `from` to `to` of the first source, in their order. */
export function rangePicks(from: number, to: number): Picks {
  const rows = new Int32Array(to - from);
  for (let i = 0; i < rows.length; i++) rows[i] = from + i;
  return { sources: new Int32Array(to - from), rows };
}

/** Bytes that columns in an encoding may take without it, unless another bound is given. */
const MAX_PLAIN_BYTES = 2 ** 30;

/**
 * Gathers rows of several batches of one schema into new columns. The bytes are copies, except that a whole run of
 * rows taken from one batch may be views on it.
 *
 * The new columns are plain: those of {@linkcode plainFields}. CORRUPT where a value is not where an encoding says; below a
 * missing value anything may stand, which is missing then. TOO_LARGE where all that are encoded take more than
 * `maxPlainBytes` then, since a few bytes of dictionaries, views and runs can stand for any number.
 */
export function take(
  batches: readonly StructVector[],
  picks: Picks,
  maxPlainBytes: number = MAX_PLAIN_BYTES,
): Columns {
  const out = emptyColumns(picks.rows.length);
  for (const batch of batches) batch.loadAll();
  checkPlainBytes(batches.map(({ children }) => children), picks, maxPlainBytes);
  const contiguous = isContiguous(picks);
  for (let i = 0; i < batches[0].children.length; i++) {
    takeField(batches.map((batch) => batch.children[i]), picks, contiguous, out);
  }
  return out;
}

/** Rows of one column as a batch of that column alone. */
export function takeColumn(vector: Vector, rows: Int32Array): Columns {
  const out = emptyColumns(rows.length);
  takeField([vector], { sources: new Int32Array(rows.length), rows }, false, out);
  return out;
}

/**
 * The same of a column in an encoding, without it. CORRUPT where a value is not where the encoding says; TOO_LARGE as
 * {@linkcode take}.
 */
export function takeEncoded(
  vector: Vector,
  rows: Int32Array,
  maxPlainBytes: number = MAX_PLAIN_BYTES,
): Columns {
  vector.loadAll();
  checkPlainBytes([[vector]], { sources: new Int32Array(rows.length), rows }, maxPlainBytes);
  return takeColumn(vector, rows);
}

function isContiguous({ sources, rows }: Picks): boolean {
  for (let i = 1; i < rows.length; i++) {
    if (rows[i] !== rows[i - 1] + 1 || sources[i] !== sources[0]) return false;
  }
  return rows.length > 0;
}

function takeField(vectors: readonly Vector[], picks: Picks, contiguous: boolean, out: Columns): void {
  const { sources, rows } = picks;
  const count = rows.length;
  const first = vectors[0];
  if (first instanceof DictionaryVector) return takeValues(vectors as DictionaryVector[], picks, out);
  if (first instanceof RunEndVector) return takeRuns(vectors as RunEndVector[], picks, out);
  const validity = takeValidity(vectors, picks);
  out.nodes.push(count, first instanceof NullVector ? count : validity.nullCount);
  if (first instanceof NullVector) return;
  out.buffers.push(validity.bits);

  if (first instanceof NumberVector) {
    if (contiguous) {
      const { values } = vectors[sources[0]] as NumberVector;
      out.buffers.push(bytesOf(values.subarray(rows[0], rows[0] + count)));
      return;
    }
    const { type } = first.field;
    if (type.kind === "float" && type.bits !== 16) { // half floats are bits already
      return takeFloats(vectors as readonly NumberVector[], type.bits === 64 ? 2 : 1, picks, out);
    }
    const values = new (numberArrayType(type)!)(count);
    const from = vectors.map((vector) => (vector as NumberVector).values);
    for (let i = 0; i < count; i++) values[i] = from[sources[i]][rows[i]];
    out.buffers.push(bytesOf(values));
  } else if (first instanceof BoolVector) {
    const bits = new Uint8Array(Math.ceil(count / 8));
    for (let i = 0; i < count; i++) {
      const from = (vectors[sources[i]] as BoolVector).bits;
      if (from[rows[i] >> 3] & (1 << (rows[i] & 7))) bits[i >> 3] |= 1 << (i & 7);
    }
    out.buffers.push(bits);
  } else if (first instanceof FixedBinaryVector) { // decimals too
    const { size } = first;
    const data = new Uint8Array(count * size);
    for (let i = 0; i < count; i++) {
      const from = (vectors[sources[i]] as FixedBinaryVector).data;
      data.set(from.subarray(rows[i] * size, (rows[i] + 1) * size), i * size);
    }
    out.buffers.push(data);
  } else if (first instanceof BinaryVector) {
    takeBinary(vectors as readonly BinaryVector[], picks, contiguous, out);
  } else if (first instanceof ViewVector) {
    takeViews(vectors as readonly ViewVector[], picks, out);
  } else if (first instanceof ListVector || first instanceof ListViewVector) {
    const ranges = vectors as readonly (ListVector | ListViewVector)[];
    const offsets = takeOffsets(ranges, picks, out);
    if (ranges.every((range) => isDirect(range.children[0]))) return takeItems(ranges, picks, offsets, out);
    const inner = { sources: new Int32Array(offsets[count]), rows: new Int32Array(offsets[count]) };
    for (let i = 0; i < count; i++) {
      if (offsets[i] === offsets[i + 1]) continue;
      const [start] = ranges[sources[i]].range(rows[i]);
      for (let at = offsets[i]; at < offsets[i + 1]; at++) {
        inner.sources[at] = sources[i];
        inner.rows[at] = start + at - offsets[i];
      }
    }
    takeField(ranges.map((range) => range.children[0]), inner, isContiguous(inner), out);
  } else if (first instanceof FixedListVector) {
    const { size } = first;
    const [items] = vectors[sources[0]]?.children ?? [];
    if (contiguous && isDirect(items)) {
      const { bytes, width } = bytesOfItems(items);
      out.nodes.push(count * size, 0);
      const start = rows[0] * size * width;
      out.buffers.push(new Uint8Array(0), bytes.subarray(start, start + count * size * width));
      return;
    }
    const inner = { sources: new Int32Array(count * size), rows: new Int32Array(count * size) };
    for (let i = 0; i < count * size; i++) {
      const row = Math.floor(i / size);
      inner.sources[i] = sources[row];
      inner.rows[i] = rows[row] * size + (i % size);
    }
    takeField(vectors.map((vector) => vector.children[0]), inner, contiguous && size > 0, out);
  } else if (first instanceof StructVector) {
    for (let i = 0; i < first.children.length; i++) {
      takeField(vectors.map((vector) => vector.children[i]), picks, contiguous, out);
    }
  } else {
    throw new SmaltiError(
      "UNSUPPORTED",
      `Cannot copy rows of column "${first.field.name}" of type ${typeName(first.field)}`,
    );
  }
}

function takeValidity(
  vectors: readonly Vector[],
  { sources, rows }: Picks,
): { bits: Uint8Array; nullCount: number } {
  if (vectors.every((vector) => vector.validity === null)) return { bits: new Uint8Array(0), nullCount: 0 };
  const bits = new Uint8Array(Math.ceil(rows.length / 8));
  let nullCount = rows.length;
  for (let i = 0; i < rows.length; i++) {
    if (!vectors[sources[i]].isValid(rows[i])) continue;
    bits[i >> 3] |= 1 << (i & 7);
    nullCount--;
  }
  return nullCount === 0 ? { bits: new Uint8Array(0), nullCount } : { bits, nullCount };
}

/** What is made of ranges of something else. */
type RangesVector = BinaryVector | ListVector | ViewVector | ListViewVector;

/** Writes the offsets buffer of the taken rows by their lengths; gives the offsets as numbers. A null row takes nothing. */
function takeOffsets(
  vectors: readonly RangesVector[],
  picks: Picks,
  out: Columns,
): Float64Array {
  const { sources, rows } = picks;
  const offsets = new Float64Array(rows.length + 1);
  for (let i = 0; i < rows.length; i++) {
    offsets[i + 1] = offsets[i];
    const vector = vectors[sources[i]];
    if (vector.isValid(rows[i])) offsets[i + 1] += vector.extentOf(rows[i]);
  }
  const { type } = vectors[0].field;
  const large = "offsets" in type && type.offsets === 64;
  if (!large && offsets[rows.length] > 0x7fffffff) {
    throw new SmaltiError(
      "TOO_LARGE",
      `Column "${vectors[0].field.name}" passes 2 GiB in one batch: wanted less`,
    );
  }
  out.buffers.push(bytesOf(large ? BigInt64Array.from(offsets, BigInt) : Int32Array.from(offsets)));
  return offsets;
}

/** Takes floats as words of 32 bits: as floats NaNs may lose what they hold. */
function takeFloats(
  vectors: readonly NumberVector[],
  words: 1 | 2,
  { sources, rows }: Picks,
  out: Columns,
): void {
  const from = vectors.map(({ values: { buffer, byteOffset, byteLength } }) =>
    new Uint32Array(buffer, byteOffset, byteLength / 4)
  );
  const count = rows.length;
  const values = new Uint32Array(words * count);
  if (words === 2) {
    for (let i = 0; i < count; i++) {
      const source = from[sources[i]];
      values[2 * i] = source[2 * rows[i]];
      values[2 * i + 1] = source[2 * rows[i] + 1];
    }
  } else for (let i = 0; i < count; i++) values[i] = from[sources[i]][rows[i]];
  out.buffers.push(bytesOf(values));
}

function takeBinary(
  vectors: readonly BinaryVector[],
  picks: Picks,
  contiguous: boolean,
  out: Columns,
): void {
  const offsets = takeOffsets(vectors, picks, out);
  const source = vectors[picks.sources[0]];
  if (contiguous && source.validity === null) {
    const start = source.offsets[picks.rows[0]];
    out.buffers.push(source.data.subarray(start, start + offsets[picks.rows.length]));
    return;
  }
  const data = new Uint8Array(offsets[picks.rows.length]);
  for (let i = 0; i < picks.rows.length; i++) {
    const { data: from, offsets: places } = vectors[picks.sources[i]];
    const start = places[picks.rows[i]];
    data.set(from.subarray(start, start + offsets[i + 1] - offsets[i]), offsets[i]);
  }
  out.buffers.push(data);
}

/** Items that are bytes of one width, all there: ranges of bytes are copied, and items are not looked at one by one. */
function takeItems(
  ranges: readonly (ListVector | ListViewVector)[],
  { sources, rows }: Picks,
  offsets: Float64Array,
  out: Columns,
): void {
  const items = ranges.map(({ children: [items] }) => bytesOfItems(items));
  const count = offsets[rows.length];
  const { width } = items[0];
  const data = new Uint8Array(count * width);
  for (let i = 0; i < rows.length; i++) {
    if (offsets[i] === offsets[i + 1]) continue;
    const [from, to] = ranges[sources[i]].range(rows[i]);
    data.set(items[sources[i]].bytes.subarray(from * width, to * width), offsets[i] * width);
  }
  out.nodes.push(count, 0);
  out.buffers.push(new Uint8Array(0), data);
}

function bytesOfItems(items: Vector): { bytes: Uint8Array; width: number } {
  if (items instanceof FixedBinaryVector) return { bytes: items.data, width: items.size };
  const { values } = items as NumberVector;
  return { bytes: bytesOf(values), width: numberArrayType(items.field.type)!.BYTES_PER_ELEMENT };
}

function takeViews(vectors: readonly ViewVector[], picks: Picks, out: Columns): void {
  const { sources, rows } = picks;
  const offsets = takeOffsets(vectors, picks, out);
  const data = new Uint8Array(offsets[rows.length]);
  for (let i = 0; i < rows.length; i++) {
    if (offsets[i] < offsets[i + 1]) data.set(vectors[sources[i]].value(rows[i]), offsets[i]);
  }
  out.buffers.push(data);
}

/** What rows of dictionary columns stand for: rows of all parts of all dictionaries. */
function takeValues(vectors: readonly DictionaryVector[], { sources, rows }: Picks, out: Columns): void {
  const parts: Vector[] = [];
  const firstPart = vectors.map(({ dictionary }) =>
    parts.push(...dictionary.parts) - dictionary.parts.length
  );
  const inner = { sources: new Int32Array(rows.length), rows: new Int32Array(rows.length) };
  for (let i = 0; i < rows.length; i++) {
    const [part, row] = vectors[sources[i]].find(rows[i]) ?? [0, 0];
    inner.sources[i] = firstPart[sources[i]] + part;
    inner.rows[i] = row;
  }
  takeField(parts, inner, false, out);
}

/** What rows in runs stand for. */
function takeRuns(vectors: readonly RunEndVector[], { sources, rows }: Picks, out: Columns): void {
  const runs = Int32Array.from(rows, (row, i) => vectors[sources[i]].run(row));
  takeField(vectors.map(({ values }) => values), { sources, rows: runs }, false, out);
}

function checkPlainBytes(
  tables: readonly (readonly Vector[])[],
  { sources, rows }: Picks,
  most: number,
): void {
  const encoded = tables[0].flatMap((column, i) => isEncoded(column) ? [i] : []);
  let bytes = 0;
  for (const i of encoded) {
    for (let at = 0; at < rows.length; at++) {
      const column = tables[sources[at]][i];
      bytes += plainBytes(column, rows[at], most - bytes, true);
      if (bytes > most) throw tooLarge(column, most);
    }
  }
}
