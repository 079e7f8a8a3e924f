/**
 * Messages -> columns, fast: one loop over a message's keys puts its numbers straight into typed arrays, and only what varies in
 * size has a builder of its own. Walking a tree of builders costs up to twice as much.
 *
 * What a message must be is said in one place, the tree of builders: what does not fit here, the tree is asked to refuse.
 *
 * @module
 */
import { SmaltiError } from "../error.ts";
import { type FieldSchema, isOptional } from "../schema.ts";
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
import { isView } from "./row_view.ts";

// One kind for each type of array: a place in the code that sees several of them is many times as slow.
const STRUCT = 0;
const FLOAT64 = 1;
const FLOAT32 = 2;
const INT8 = 3;
const INT16 = 4;
const INT32 = 5;
const UINT8 = 6;
const UINT16 = 7;
const UINT32 = 8;
const INT64 = 9;
const UINT64 = 10;
const BOOL = 11;
/** What has a builder of its own. */
const OTHER = 12;

const SIGNED_KINDS = { 8: INT8, 16: INT16, 32: INT32, 64: INT64 };
const UNSIGNED_KINDS = { 8: UINT8, 16: UINT16, 32: UINT32, 64: UINT64 };

const LEAST_INT64 = -(2n ** 63n);
const MOST_INT64 = 2n ** 63n - 1n;
const MOST_UINT64 = 2n ** 64n - 1n;

function kindOf({ type, dictionary }: FieldSchema): number {
  if (dictionary) return OTHER;
  switch (type.kind) {
    case "struct":
      return STRUCT;
    case "bool":
      return BOOL;
    case "int":
      return (type.signed ? SIGNED_KINDS : UNSIGNED_KINDS)[type.bits];
    case "float":
      return type.bits === 64 ? FLOAT64 : type.bits === 32 ? FLOAT32 : OTHER;
    default:
      return OTHER;
  }
}

/** A field and its values. It grows and forgets with all others, so it does not count its rows. */
class Slot {
  readonly name: string;
  readonly kind: number;
  readonly isNullable: boolean;
  readonly isOptional: boolean;
  /** A struct's fields. */
  readonly children: readonly Slot[];
  /** Of what is {@linkcode OTHER}. */
  readonly builder: Builder | undefined;
  /** Values, or their bits; empty where there are none. */
  values: NumberArray;
  /** A bit is clear where the value is missing, and set also where there is none yet. Undefined as long as none is missing. */
  validity: Uint8Array | undefined = undefined;
  /** Whether the message at hand has it. */
  isFound = false;
  readonly #count: ByteCount;
  #capacity = 0;

  constructor(field: FieldSchema, path: string, count: ByteCount) {
    this.name = field.name;
    this.kind = kindOf(field);
    this.isNullable = field.nullable;
    this.isOptional = isOptional(field);
    this.children = this.kind === STRUCT ? slotsOf(field.children, `${path}.`, count) : [];
    this.builder = this.kind === OTHER ? createBuilder(field, path, count) : undefined;
    this.values = new (this.builder ? Uint8Array : numberArrayType(field.type) ?? Uint8Array)(0);
    this.#count = count;
  }

  /** Makes room for so many values, a multiple of 8. */
  grow(capacity: number): void {
    this.#capacity = capacity;
    for (const child of this.children) child.grow(capacity);
    if (this.validity) {
      const { length } = this.validity;
      this.validity = this.#enlarge(this.validity, capacity / 8).fill(255, length);
    }
    if (this.kind === STRUCT || this.builder) return;
    this.values = this.#enlarge(this.values, this.kind === BOOL ? capacity / 8 : capacity);
  }

  /** Forgets what was taken for the rows from `from` to before `to`. */
  forget(from: number, to: number): void {
    for (const child of this.children) child.forget(from, to);
    this.builder?.truncate(from);
    if (!this.validity || from >= to) return;
    this.validity[from >> 3] |= 255 << (from & 7);
    this.validity.fill(255, (from >> 3) + 1, Math.ceil(to / 8));
  }

  /** Takes the value as missing, with all that is within it: place holders there, null where the schema allows it. */
  miss(row: number): void {
    for (const child of this.children) child.miss(row);
    if (this.builder) return this.builder.appendMissing();
    if (this.kind === BOOL) this.setBit(row, false);
    else if (this.kind === INT64 || this.kind === UINT64) (this.values as BigInt64Array)[row] = 0n;
    else if (this.kind !== STRUCT) (this.values as Float64Array)[row] = 0;
    if (!this.isNullable) return;
    this.validity ??= new Uint8Array(this.#capacity / 8).fill(255);
    this.validity[row >> 3] &= ~(1 << (row & 7));
  }

  setBit(row: number, value: boolean): void {
    const bits = this.values as Uint8Array;
    const bit = 1 << (row & 7);
    if (value) bits[row >> 3] |= bit;
    else bits[row >> 3] &= ~bit;
  }

  /** Adds the nodes and buffers of so many rows: views. */
  collect(rows: number, out: Columns): void {
    if (this.builder) return this.builder.collect(out);
    const bits = this.validity?.subarray(0, Math.ceil(rows / 8));
    const nullCount = bits ? countZeros(bits, rows) : 0;
    out.nodes.push(rows, nullCount);
    out.buffers.push(nullCount > 0 ? bits! : NO_BYTES);
    if (this.kind === STRUCT) { for (const child of this.children) child.collect(rows, out); }
    else out.buffers.push(bytesOf(this.values.subarray(0, this.kind === BOOL ? Math.ceil(rows / 8) : rows)));
  }

  /** A larger array that begins with what `array` holds. */
  #enlarge<A extends NumberArray>(array: A, length: number): A {
    const larger = new (array.constructor as new (length: number) => A)(length);
    larger.set(array as never);
    this.#count.capacity += larger.byteLength - array.byteLength;
    return larger;
  }
}

function slotsOf(fields: readonly FieldSchema[], prefix: string, count: ByteCount): Slot[] {
  return fields.map((field) => new Slot(field, prefix + field.name, count));
}

/** Collects the messages of one topic: the same columns as of {@linkcode StructBuilder}. */
export class MessageBuilder {
  /** Messages so far. */
  length = 0;
  readonly #fields: readonly FieldSchema[];
  readonly #slots: readonly Slot[];
  /** Messages that fit before the arrays must grow. */
  #capacity = 0;

  /** @param count Of the bytes of all columns; added to. */
  constructor(fields: readonly FieldSchema[], count: ByteCount) {
    this.#fields = fields;
    this.#slots = slotsOf(fields, "", count);
  }

  /**
   * Takes one message; INVALID_MESSAGE where a value is none of its field's. What was taken of it until then,
   * {@linkcode truncate} forgets.
   */
  append(data: unknown): void {
    if (this.length === this.#capacity) {
      this.#capacity = Math.max(START_CAPACITY, 2 * this.#capacity);
      for (const slot of this.#slots) slot.grow(this.#capacity);
    }
    if (!isRecord(data) || !this.#takes(data)) this.#refuse(data);
    this.length++;
  }

  /** Forgets all messages from `length` on, and what was taken of one that was refused. */
  truncate(length: number): void {
    for (const slot of this.#slots) slot.forget(length, this.length + 1);
    this.length = length;
  }

  /** Adds the fields' nodes and buffers. They are views: the next append, or truncating, overwrites them. */
  collectFields(out: Columns): void {
    for (const slot of this.#slots) slot.collect(this.length, out);
  }

  #takes(record: Record<string, unknown>): boolean {
    try {
      return takeRecord(record, this.#slots, this.length);
    } catch {
      // A builder's refusal, or what a getter threw: which comes first the tree says.
      return false;
    }
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
}

/** Takes the values of a record; false where one is missing, unknown or does not fit. */
function takeRecord(record: Record<string, unknown>, slots: readonly Slot[], row: number): boolean {
  const count = slots.length;
  let i = 0;
  // Engines read a property by the key of the loop that is at it far faster than by any other.
  for (const key in record) {
    if (i === count || key !== slots[i].name) {
      i = skipMissing(record, slots, i, row, key);
      if (i === count) return takeByName(record, slots, row);
    }
    const slot = slots[i++];
    const value = record[key];
    if (slot.kind === FLOAT64 && typeof value === "number") (slot.values as Float64Array)[row] = value;
    else if (slot.kind === STRUCT && isRecord(value)) {
      if (!takeRecord(value, slot.children, row)) return false;
    } else if (!takeValue(slot, value, row)) return false;
  }
  // What the loop does not show: missing fields, and getters of a class.
  return i === count || skipMissing(record, slots, i, row) === count || takeByName(record, slots, row);
}

/** Takes fields as missing that may be and are, up to that of a key; gives the place of that. The number of fields where there is none. */
function skipMissing(
  record: Record<string, unknown>,
  slots: readonly Slot[],
  i: number,
  row: number,
  key?: string,
): number {
  for (; i < slots.length && slots[i].name !== key; i++) {
    const slot = slots[i];
    if (!slot.isOptional || property(record, slot.name) !== undefined) {
      return key === undefined ? i : slots.length;
    }
    slot.miss(row);
  }
  return i;
}

/** {@linkcode takeRecord} for keys in another order than the fields, and those that no loop shows. */
function takeByName(record: Record<string, unknown>, slots: readonly Slot[], row: number): boolean {
  for (const slot of slots) {
    slot.forget(row, row + 1);
    slot.isFound = false;
  }
  for (const key in record) {
    const value = record[key];
    if (value === undefined) continue;
    const slot = slots.find(({ name }) => name === key);
    if (!slot) {
      // The one key of a view; its fields are getters.
      if (key === "toObject" && isView(record)) continue;
      return false;
    }
    if (!takeValue(slot, value, row)) return false;
    slot.isFound = true;
  }
  return slots.every((slot) => slot.isFound || takeValue(slot, property(record, slot.name), row));
}

/** Takes a value; false where it is none of the field's. */
function takeValue(slot: Slot, value: unknown, row: number): boolean {
  switch (slot.kind) {
    case STRUCT:
      if (!isRecord(value)) break;
      return takeRecord(value, slot.children, row);
    case FLOAT64:
      if (typeof value !== "number") break;
      (slot.values as Float64Array)[row] = value;
      return true;
    case FLOAT32: {
      if (typeof value !== "number") break;
      const single = Math.fround(value);
      if (Math.abs(single) === Infinity && Math.abs(value) !== Infinity) return false;
      (slot.values as Float32Array)[row] = single;
      return true;
    }
    case INT8:
      if (!isInteger(value, -0x80, 0x7f)) break;
      (slot.values as Int8Array)[row] = value;
      return true;
    case INT16:
      if (!isInteger(value, -0x8000, 0x7fff)) break;
      (slot.values as Int16Array)[row] = value;
      return true;
    case INT32:
      if (!isInteger(value, -0x80000000, 0x7fffffff)) break;
      (slot.values as Int32Array)[row] = value;
      return true;
    case UINT8:
      if (!isInteger(value, 0, 0xff)) break;
      (slot.values as Uint8Array)[row] = value;
      return true;
    case UINT16:
      if (!isInteger(value, 0, 0xffff)) break;
      (slot.values as Uint16Array)[row] = value;
      return true;
    case UINT32:
      if (!isInteger(value, 0, 0xffffffff)) break;
      (slot.values as Uint32Array)[row] = value;
      return true;
    case INT64: {
      const integer = Number.isSafeInteger(value) ? BigInt(value as number) : value;
      if (typeof integer !== "bigint") break;
      if (integer < LEAST_INT64 || integer > MOST_INT64) return false;
      (slot.values as BigInt64Array)[row] = integer;
      return true;
    }
    case UINT64: {
      const integer = Number.isSafeInteger(value) ? BigInt(value as number) : value;
      if (typeof integer !== "bigint") break;
      if (integer < 0n || integer > MOST_UINT64) return false;
      (slot.values as BigUint64Array)[row] = integer;
      return true;
    }
    case BOOL:
      if (typeof value !== "boolean") break;
      slot.setBit(row, value);
      return true;
    default:
      slot.builder!.append(value);
      return true;
  }
  if (!slot.isOptional || value !== undefined && value !== null) return false;
  slot.miss(row);
  return true;
}

function isInteger(value: unknown, least: number, most: number): value is number {
  return typeof value === "number" && value >= least && value <= most && Number.isInteger(value);
}

/** A property, but for what every object has, such as `constructor`. */
function property(record: Record<string, unknown>, name: string): unknown {
  const value = record[name];
  return value !== undefined && value === Object.prototype[name as keyof object] ? undefined : value;
}
