/**
 * Messages -> columns, fast: one loop over a message's keys puts its numbers straight into typed arrays, and only what varies in
 * size has a builder of its own. Walking a tree of builders costs up to twice as much.
 *
 * What a message must be is said in one place, the tree of builders: what does not fit here, the tree is asked to refuse.
 *
 * @module
 */
import { SmaltiError } from "../error.ts";
import type { FieldSchema } from "../schema.ts";
import { createBuilder, StructBuilder } from "./builder.ts";
import { bytesOf, type Columns, type NumberArray, numberArrayType } from "./columns.ts";
import {
  type Builder,
  type ByteCount,
  countZeros,
  isRecord,
  NO_BYTES,
  START_CAPACITY,
} from "./field_builder.ts";
import {
  BOOL,
  FLOAT32,
  FLOAT64,
  INT16,
  INT32,
  INT64,
  INT8,
  OTHER,
  type Slot,
  type Slots,
  slotsOf,
  STRUCT,
  UINT16,
  UINT32,
  UINT64,
  UINT8,
} from "./message_slots.ts";
import { isView } from "./row_view.ts";

const LEAST_INT64 = -(2n ** 63n);
const MOST_INT64 = 2n ** 63n - 1n;
const MOST_UINT64 = 2n ** 64n - 1n;

/** Collects the messages of one topic: the same columns as of {@linkcode StructBuilder}. */
export class MessageBuilder {
  /** Messages so far. */
  length = 0;
  readonly #fields: readonly FieldSchema[];
  readonly #slots: Slots;
  readonly #count: ByteCount;
  /** Messages that fit before the arrays must grow. */
  #capacity = 0;
  /** All columns of float64, one after another, each with room for `capacity`: fewer objects to look at for a message. */
  #floats: Float64Array = new Float64Array(0);
  /** By slot: the values of other types, or their bits; empty where there are none. */
  readonly #columns: NumberArray[];
  /** By slot. A bit is clear where the value is missing, and set also where there is none yet. */
  readonly #validity: (Uint8Array | undefined)[];
  /** By slot, for what is {@linkcode OTHER}. */
  readonly #builders: (Builder | undefined)[];

  /** @param count Of the bytes of all columns; added to. */
  constructor(fields: readonly FieldSchema[], count: ByteCount) {
    this.#fields = fields;
    this.#count = count;
    const { all } = this.#slots = slotsOf(fields);
    this.#columns = all.map(({ kind, field }) =>
      new (kind === OTHER ? Uint8Array : numberArrayType(field.type) ?? Uint8Array)(0)
    );
    this.#validity = all.map(() => undefined);
    this.#builders = all.map(({ kind, field, path }) =>
      kind === OTHER ? createBuilder(field, path, count) : undefined
    );
  }

  /**
   * Takes one message; INVALID_MESSAGE where a value is none of its field's. What was taken of it until then,
   * {@linkcode truncate} forgets.
   */
  append(data: unknown): void {
    if (this.length === this.#capacity) this.#grow();
    if (!isRecord(data) || !this.#takes(data)) this.#refuse(data);
    this.length++;
  }

  /** Forgets all messages from `length` on, and what was taken of one that was refused. */
  truncate(length: number): void {
    this.#forget(this.#slots.root, length, this.length + 1);
    this.length = length;
  }

  /** Adds the fields' nodes and buffers. They are views: the next append, or truncating, overwrites them. */
  collectFields(out: Columns): void {
    const rows = this.length;
    for (const { index, kind, float } of this.#slots.all) {
      const builder = this.#builders[index];
      if (builder) {
        builder.collect(out);
        continue;
      }
      const bits = this.#validity[index]?.subarray(0, Math.ceil(rows / 8));
      const nullCount = bits ? countZeros(bits, rows) : 0;
      out.nodes.push(rows, nullCount);
      out.buffers.push(nullCount > 0 ? bits! : NO_BYTES);
      if (kind === STRUCT) continue;
      const [values, start] = kind === FLOAT64
        ? [this.#floats, float * this.#capacity]
        : [this.#columns[index], 0];
      out.buffers.push(bytesOf(values.subarray(start, start + (kind === BOOL ? Math.ceil(rows / 8) : rows))));
    }
  }

  #takes(record: Record<string, unknown>): boolean {
    try {
      return this.#takeStruct(record, this.#slots.root);
    } catch {
      // A builder's refusal, or what a getter threw: which comes first the tree says.
      return false;
    }
  }

  /** Takes the values of a record; false where one is missing, unknown or does not fit. */
  #takeStruct(record: Record<string, unknown>, struct: Slot): boolean {
    return struct.floatsFrom >= 0
      ? this.#takeFloats(record, struct)
      : this.#takeRecord(record, struct.children);
  }

  /** Those of a struct of float64 alone: fewer steps for each. */
  #takeFloats(record: Record<string, unknown>, { names, children, floatsFrom }: Slot): boolean {
    const floats = this.#floats;
    const capacity = this.#capacity;
    const start = floatsFrom * capacity + this.length;
    let at = start;
    let i = 0;
    for (const key in record) {
      if (key !== names[i]) {
        i = this.#skipMissing(record, children, i, key);
        if (i === children.length) return this.#takeByName(record, children);
        at = start + i * capacity;
      }
      const value = record[key];
      if (typeof value === "number") floats[at] = value;
      else if (!this.#take(children[i], value)) return false;
      at += capacity;
      i++;
    }
    return this.#endRecord(record, children, i);
  }

  /** Those of any other. */
  #takeRecord(record: Record<string, unknown>, slots: readonly Slot[]): boolean {
    const count = slots.length;
    const floats = this.#floats;
    const capacity = this.#capacity;
    const row = this.length;
    let i = 0;
    // Engines read a property by the key of the loop that is at it far faster than by any other.
    for (const key in record) {
      if (i === count || key !== slots[i].name) {
        i = this.#skipMissing(record, slots, i, key);
        if (i === count) return this.#takeByName(record, slots);
      }
      const slot = slots[i++];
      const value = record[key];
      if (slot.kind === FLOAT64 && typeof value === "number") floats[slot.float * capacity + row] = value;
      else if (!this.#take(slot, value)) return false;
    }
    return this.#endRecord(record, slots, i);
  }

  /** Takes what the loop over a record's keys does not show, from a field on: missing fields, and getters of a class. */
  #endRecord(record: Record<string, unknown>, slots: readonly Slot[], i: number): boolean {
    const { length } = slots;
    return i === length || this.#skipMissing(record, slots, i) === length || this.#takeByName(record, slots);
  }

  /** Takes fields as missing that may be and are, up to that of a key; gives the place of that, their number where there is none. */
  #skipMissing(record: Record<string, unknown>, slots: readonly Slot[], i: number, key?: string): number {
    for (; i < slots.length && slots[i].name !== key; i++) {
      const slot = slots[i];
      if (!slot.isOptional || property(record, slot.name) !== undefined) {
        return key === undefined ? i : slots.length;
      }
      this.#miss(slot);
    }
    return i;
  }

  /** Takes a record with keys in another order than the fields, or such as no loop shows. */
  #takeByName(record: Record<string, unknown>, slots: readonly Slot[]): boolean {
    const isFound = slots.map(() => false);
    for (const slot of slots) this.#forget(slot, this.length, this.length + 1);
    for (const key in record) {
      const value = record[key];
      if (value === undefined) continue;
      const i = slots.findIndex(({ name }) => name === key);
      if (i < 0) {
        // The one key of a view; its fields are getters.
        if (key === "toObject" && isView(record)) continue;
        return false;
      }
      if (!this.#take(slots[i], value)) return false;
      isFound[i] = true;
    }
    return slots.every((slot, i) => isFound[i] || this.#take(slot, property(record, slot.name)));
  }

  /** Takes a value; false where it is none of the field's. */
  #take(slot: Slot, value: unknown): boolean {
    const { kind, index } = slot;
    const row = this.length;
    switch (kind) {
      case STRUCT:
        if (!isRecord(value)) break;
        return this.#takeStruct(value, slot);
      case FLOAT64:
        if (typeof value !== "number") break;
        this.#floats[slot.float * this.#capacity + row] = value;
        return true;
      case FLOAT32: {
        if (typeof value !== "number") break;
        const single = Math.fround(value);
        if (Math.abs(single) === Infinity && Math.abs(value) !== Infinity) return false;
        (this.#columns[index] as Float32Array)[row] = single;
        return true;
      }
      case INT8:
        if (!isInteger(value, -0x80, 0x7f)) break;
        (this.#columns[index] as Int8Array)[row] = value;
        return true;
      case INT16:
        if (!isInteger(value, -0x8000, 0x7fff)) break;
        (this.#columns[index] as Int16Array)[row] = value;
        return true;
      case INT32:
        if (!isInteger(value, -0x80000000, 0x7fffffff)) break;
        (this.#columns[index] as Int32Array)[row] = value;
        return true;
      case UINT8:
        if (!isInteger(value, 0, 0xff)) break;
        (this.#columns[index] as Uint8Array)[row] = value;
        return true;
      case UINT16:
        if (!isInteger(value, 0, 0xffff)) break;
        (this.#columns[index] as Uint16Array)[row] = value;
        return true;
      case UINT32:
        if (!isInteger(value, 0, 0xffffffff)) break;
        (this.#columns[index] as Uint32Array)[row] = value;
        return true;
      case INT64: {
        const integer = Number.isSafeInteger(value) ? BigInt(value as number) : value;
        if (typeof integer !== "bigint") break;
        if (integer < LEAST_INT64 || integer > MOST_INT64) return false;
        (this.#columns[index] as BigInt64Array)[row] = integer;
        return true;
      }
      case UINT64: {
        const integer = Number.isSafeInteger(value) ? BigInt(value as number) : value;
        if (typeof integer !== "bigint") break;
        if (integer < 0n || integer > MOST_UINT64) return false;
        (this.#columns[index] as BigUint64Array)[row] = integer;
        return true;
      }
      case BOOL:
        if (typeof value !== "boolean") break;
        setBit(this.#columns[index] as Uint8Array, row, value);
        return true;
      default:
        this.#builders[index]!.append(value);
        return true;
    }
    if (!slot.isOptional || value !== undefined && value !== null) return false;
    this.#miss(slot);
    return true;
  }

  /** Takes a value as missing, with all that is within it: place holders there, null where the schema allows it. */
  #miss({ kind, index, float, children, field }: Slot): void {
    const row = this.length;
    for (const child of children) this.#miss(child);
    const builder = this.#builders[index];
    if (builder) return builder.appendMissing();
    const column = this.#columns[index];
    if (kind === BOOL) setBit(column as Uint8Array, row, false);
    else if (kind === FLOAT64) this.#floats[float * this.#capacity + row] = 0;
    else if (kind === INT64 || kind === UINT64) (column as BigInt64Array)[row] = 0n;
    else if (kind !== STRUCT) (column as Int32Array)[row] = 0;
    if (!field.nullable) return;
    setBit(this.#validity[index] ??= new Uint8Array(this.#capacity / 8).fill(255), row, false);
  }

  /** Forgets what was taken of a field for the rows from `from` to before `to`. */
  #forget({ index, children }: Slot, from: number, to: number): void {
    for (const child of children) this.#forget(child, from, to);
    this.#builders[index]?.truncate(from);
    const bits = this.#validity[index];
    if (!bits) return;
    bits[from >> 3] |= 255 << (from & 7);
    bits.fill(255, (from >> 3) + 1, Math.ceil(to / 8));
  }

  #refuse(data: unknown): never {
    const root: FieldSchema = {
      name: "",
      type: { kind: "struct" },
      nullable: false,
      children: this.#fields,
    };
    new StructBuilder(root, "", { variable: 0, capacity: 0 }).append(data);
    throw new SmaltiError(
      "INVALID_MESSAGE",
      `Field "data" has other values each time that it is read: wanted the same`,
    );
  }

  #grow(): void {
    const before = this.#capacity;
    const capacity = this.#capacity = Math.max(START_CAPACITY, 2 * before);
    const floats = new Float64Array(this.#slots.floats * capacity);
    for (let i = 0; i < this.#slots.floats; i++) {
      floats.set(this.#floats.subarray(i * before, (i + 1) * before), i * capacity);
    }
    this.#count.capacity += floats.byteLength - this.#floats.byteLength;
    this.#floats = floats;
    for (const { index, kind } of this.#slots.all) {
      const bits = this.#validity[index];
      if (bits) this.#validity[index] = this.#enlarge(bits, capacity / 8).fill(255, bits.length);
      if (kind === STRUCT || kind === FLOAT64 || kind === OTHER) continue;
      this.#columns[index] = this.#enlarge(this.#columns[index], kind === BOOL ? capacity / 8 : capacity);
    }
  }

  /** A larger array that begins with what `array` holds. */
  #enlarge<A extends NumberArray>(array: A, length: number): A {
    const larger = new (array.constructor as new (length: number) => A)(length);
    larger.set(array as never);
    this.#count.capacity += larger.byteLength - array.byteLength;
    return larger;
  }
}

function setBit(bits: Uint8Array, row: number, value: boolean): void {
  const bit = 1 << (row & 7);
  if (value) bits[row >> 3] |= bit;
  else bits[row >> 3] &= ~bit;
}

function isInteger(value: unknown, least: number, most: number): value is number {
  return typeof value === "number" && value >= least && value <= most && Number.isInteger(value);
}

/** A property, but for what every object has, such as `constructor`. */
function property(record: Record<string, unknown>, name: string): unknown {
  const value = record[name];
  return value !== undefined && value === Object.prototype[name as keyof object] ? undefined : value;
}
