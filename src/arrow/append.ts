/**
 * Columns, one batch after another -> columns of all their rows. It copies buffers whole, without a look at single values, so
 * small batches cost little more than their bytes.
 *
 * @module
 */
import { SmaltiError } from "../error.ts";
import { type FieldSchema, typeName } from "../schema.ts";
import { bytesOf, type Columns, emptyColumns, numberArrayType } from "./columns.ts";
import { GrowingBits, GrowingBytes } from "./growing.ts";

/** A batch whose buffers are at hand when asked for: as they are in memory, not compressed. */
export interface RawBatch {
  /** Rows in the batch. */
  readonly rows: number;
  /** Per field in depth-first order: length, null count. */
  readonly nodes: ArrayLike<number>;
  /** The bytes of a buffer; of columns without any value only offsets of lists are asked for. */
  buffer(index: number): Uint8Array;
}

/** Collects batches of one schema. CORRUPT, UNSUPPORTED: after that it is of no use. */
export class BatchAppender {
  readonly #columns: readonly ColumnAppender[];
  #rows = 0;

  constructor(fields: readonly FieldSchema[]) {
    this.#columns = fields.map(createAppender);
  }

  /** Rows collected so far. */
  get rows(): number {
    return this.#rows;
  }

  /** Bytes collected so far, about. */
  get bytes(): number {
    return this.#columns.reduce((sum, column) => sum + column.bytes, 0);
  }

  /** Adds the rows of a batch; its bytes are copied. */
  append(batch: RawBatch): void {
    const cursor = new Cursor(batch);
    for (const column of this.#columns) column.append(cursor, batch.rows);
    this.#rows += batch.rows;
  }

  /** The rows collected, as columns of the caller's own; it is empty then. */
  collect(): Columns {
    const out = emptyColumns(this.#rows);
    for (const column of this.#columns) column.collect(out);
    this.#rows = 0;
    return out;
  }
}

/** Goes through a batch's nodes and buffers, field by field. */
class Cursor {
  readonly #batch: RawBatch;
  #node = 0;
  #buffer = 0;

  constructor(batch: RawBatch) {
    this.#batch = batch;
  }

  /** The null count of the next field, which must have so many values; any number of them unless given. */
  node(field: FieldSchema, length?: number): { length: number; nullCount: number } {
    const found = this.#batch.nodes[2 * this.#node];
    const nullCount = this.#batch.nodes[2 * this.#node + 1];
    this.#node++;
    if (!(found >= 0) || !(nullCount >= 0) || nullCount > found || (length ?? found) !== found) {
      throw new SmaltiError(
        "UNSUPPORTED",
        `Column "${field.name}" has ${found} values, ${nullCount} missing: wanted ${length}`,
      );
    }
    return { length: found, nullCount };
  }

  /** The next buffer, with at least so many bytes. */
  buffer(field: FieldSchema, bytes: number): Uint8Array {
    const buffer = this.#batch.buffer(this.#buffer++);
    if (buffer.length >= bytes) return buffer;
    throw new SmaltiError(
      "CORRUPT",
      `Column "${field.name}" has ${buffer.length} bytes in a buffer: wanted ${bytes}`,
    );
  }

  skip(buffers: number): void {
    this.#buffer += buffers;
  }

  /** Bytes of the next buffer, which stays the next. */
  get nextBytes(): number {
    return this.#batch.buffer(this.#buffer).length;
  }
}

abstract class ColumnAppender {
  readonly field: FieldSchema;
  /** Undefined as long as no value is missing. */
  #validity: GrowingBits | undefined;
  protected length = 0;

  constructor(field: FieldSchema) {
    this.field = field;
  }

  /** Bytes collected, but for what says which values are missing. */
  abstract get bytes(): number;
  /** Adds the field's values: so many, or as many as its node has. Gives how many there were. */
  abstract append(cursor: Cursor, length?: number): number;
  abstract collect(out: Columns): void;

  /** Takes up the node and the validity bitmap. */
  protected begin(cursor: Cursor, length?: number): { length: number; hasValues: boolean } {
    const node = cursor.node(this.field, length);
    const { nullCount } = node;
    if (nullCount > 0 && !this.#validity) {
      this.#validity = new GrowingBits();
      this.#validity.add(this.length, true);
    }
    const isMixed = nullCount > 0 && nullCount < node.length;
    if (isMixed) this.#validity!.add(node.length, cursor.buffer(this.field, Math.ceil(node.length / 8)));
    else {
      cursor.skip(1);
      this.#validity?.add(node.length, nullCount === 0);
    }
    this.length += node.length;
    return { length: node.length, hasValues: nullCount < node.length };
  }

  /** Gives the node and the validity bitmap. */
  protected end(out: Columns): void {
    const nullCount = this.#validity ? this.length - this.#validity.set : 0;
    out.nodes.push(this.length, nullCount);
    const bits = this.#validity?.take();
    out.buffers.push(nullCount > 0 ? bits! : new Uint8Array(0));
    this.#validity = undefined;
    this.length = 0;
  }
}

class FixedAppender extends ColumnAppender {
  readonly #width: number;
  readonly #values = new GrowingBytes();

  constructor(field: FieldSchema, width: number) {
    super(field);
    this.#width = width;
  }

  get bytes(): number {
    return this.#values.length;
  }

  append(cursor: Cursor, wanted?: number): number {
    const { length, hasValues } = this.begin(cursor, wanted);
    const bytes = length * this.#width;
    if (hasValues) this.#values.add(cursor.buffer(this.field, bytes).subarray(0, bytes));
    else {
      cursor.skip(1);
      this.#values.grow(bytes);
    }
    return length;
  }

  collect(out: Columns): void {
    this.end(out);
    out.buffers.push(this.#values.take());
  }
}

class BoolAppender extends ColumnAppender {
  readonly #values = new GrowingBits();

  get bytes(): number {
    return this.#values.bytes;
  }

  append(cursor: Cursor, wanted?: number): number {
    const { length, hasValues } = this.begin(cursor, wanted);
    if (hasValues) this.#values.add(length, cursor.buffer(this.field, Math.ceil(length / 8)));
    else {
      cursor.skip(1);
      this.#values.add(length, false);
    }
    return length;
  }

  collect(out: Columns): void {
    this.end(out);
    out.buffers.push(this.#values.take());
  }
}

/** What is made of offsets into something else: text, bytes, lists. */
abstract class RangesAppender extends ColumnAppender {
  readonly #isLarge: boolean;
  /** Used again for the next columns: lists of numbers that grow anew would be most of the garbage. */
  #offsets = new Float64Array(64);
  #count = 1;

  constructor(field: FieldSchema) {
    super(field);
    this.#isLarge = "offsets" in field.type && field.type.offsets === 64;
  }

  get bytes(): number {
    return this.#count * (this.#isLarge ? 8 : 4);
  }

  /** Adds the next offsets; gives the range that they span in what they lead into. */
  protected addOffsets(cursor: Cursor, length: number, hasValues: boolean): [from: number, to: number] {
    const start = this.#count;
    this.#grow(start + length);
    const own = this.#offsets;
    const base = own[start - 1];
    if (!hasValues) {
      cursor.skip(1);
      own.fill(base, start, start + length);
      return [0, 0];
    }
    const buffer = cursor.buffer(this.field, (length + 1) * (this.#isLarge ? 8 : 4));
    const offsets = this.#isLarge
      ? new BigInt64Array(buffer.buffer, buffer.byteOffset, length + 1)
      : new Int32Array(buffer.buffer, buffer.byteOffset, length + 1);
    const first = Number(offsets[0]);
    let last = first;
    for (let i = 1; i <= length; i++) {
      const next = Number(offsets[i]);
      if (next < last || first < 0) {
        throw new SmaltiError("CORRUPT", `Column "${this.field.name}" has offset ${next} after ${last}`);
      }
      last = next;
      own[start + i - 1] = base + next - first;
    }
    if (!this.#isLarge && base + last - first > 0x7fffffff) {
      throw new SmaltiError(
        "TOO_LARGE",
        `Column "${this.field.name}" passes 2 GiB in one batch: wanted less`,
      );
    }
    return [first, last];
  }

  protected endOffsets(out: Columns): void {
    this.end(out);
    const offsets = this.#offsets.subarray(0, this.#count);
    out.buffers.push(
      bytesOf(this.#isLarge ? BigInt64Array.from(offsets, BigInt) : new Int32Array(offsets)),
    );
    this.#count = 1;
  }

  #grow(count: number): void {
    this.#count = count;
    if (count <= this.#offsets.length) return;
    const larger = new Float64Array(2 * count);
    larger.set(this.#offsets);
    this.#offsets = larger;
  }
}

class BinaryAppender extends RangesAppender {
  readonly #data = new GrowingBytes();

  override get bytes(): number {
    return super.bytes + this.#data.length;
  }

  append(cursor: Cursor, wanted?: number): number {
    const { length, hasValues } = this.begin(cursor, wanted);
    const [from, to] = this.addOffsets(cursor, length, hasValues);
    if (hasValues) this.#data.add(cursor.buffer(this.field, to).subarray(from, to));
    else cursor.skip(1);
    return length;
  }

  collect(out: Columns): void {
    this.endOffsets(out);
    out.buffers.push(this.#data.take());
  }
}

class ListAppender extends RangesAppender {
  readonly #items: ColumnAppender;

  constructor(field: FieldSchema) {
    super(field);
    this.#items = createAppender(field.children[0]);
  }

  override get bytes(): number {
    return super.bytes + this.#items.bytes;
  }

  append(cursor: Cursor, wanted?: number): number {
    const { length } = this.begin(cursor, wanted);
    // Lists that are all missing may have items all the same; without any, writers may leave out the offsets.
    const [from, to] = this.addOffsets(cursor, length, cursor.nextBytes > 0);
    const items = this.#items.append(cursor);
    if (from === 0 && to === items) return length;
    // Items that no list holds would have to be left out one by one.
    const text = `Column "${this.field.name}" has lists of items ${from} to ${to} of ${items}: wanted all`;
    throw new SmaltiError("UNSUPPORTED", text);
  }

  collect(out: Columns): void {
    this.endOffsets(out);
    this.#items.collect(out);
  }
}

/** What has nothing but other columns: structs, lists of one length. */
class NestedAppender extends ColumnAppender {
  readonly #children: readonly ColumnAppender[];
  /** Values of a child for one of its own. */
  readonly #factor: number;

  constructor(field: FieldSchema, factor: number) {
    super(field);
    this.#factor = factor;
    this.#children = field.children.map(createAppender);
  }

  get bytes(): number {
    return this.#children.reduce((sum, child) => sum + child.bytes, 0);
  }

  append(cursor: Cursor, wanted?: number): number {
    const { length } = this.begin(cursor, wanted);
    for (const child of this.#children) child.append(cursor, length * this.#factor);
    return length;
  }

  collect(out: Columns): void {
    this.end(out);
    for (const child of this.#children) child.collect(out);
  }
}

/** Has no buffers at all. */
class NullAppender extends ColumnAppender {
  get bytes(): number {
    return 0;
  }

  append(cursor: Cursor, wanted?: number): number {
    const { length } = cursor.node(this.field, wanted);
    this.length += length;
    return length;
  }

  collect(out: Columns): void {
    out.nodes.push(this.length, this.length);
    this.length = 0;
  }
}

function createAppender(field: FieldSchema): ColumnAppender {
  const { type } = field;
  const numbers = field.dictionary ? undefined : numberArrayType(type);
  if (numbers) return new FixedAppender(field, numbers.BYTES_PER_ELEMENT);
  if (!field.dictionary) {
    switch (type.kind) {
      case "null":
        return new NullAppender(field);
      case "bool":
        return new BoolAppender(field);
      case "decimal":
        return new FixedAppender(field, type.bits / 8);
      case "fixedBinary":
        return new FixedAppender(field, type.size);
      case "utf8":
      case "binary":
        return new BinaryAppender(field);
      case "list":
      case "map":
        return new ListAppender(field);
      case "fixedList":
        return new NestedAppender(field, type.size);
      case "struct":
        return new NestedAppender(field, 1);
    }
  }
  const text = `Cannot copy rows of column "${field.name}" of type ${typeName(field)}`;
  throw new SmaltiError("UNSUPPORTED", text);
}
