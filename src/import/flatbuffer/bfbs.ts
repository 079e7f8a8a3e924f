/**
 * Schemas of FlatBuffers in binary form (.bfbs).
 *
 * Source: reflection.fbs of google/flatbuffers.
 *
 * @module
 */
import { ByteBuffer } from "flatbuffers";

/** BaseType of reflection.fbs. */
export const BASE = {
  none: 0,
  unionType: 1,
  bool: 2,
  byte: 3,
  ubyte: 4,
  short: 5,
  ushort: 6,
  int: 7,
  uint: 8,
  long: 9,
  ulong: 10,
  float: 11,
  double: 12,
  string: 13,
  vector: 14,
  object: 15,
  union: 16,
  array: 17,
} as const;

/** A type: what it is, what its items are, and which object or enum. */
export interface FlatType {
  readonly base: number;
  readonly element: number;
  readonly index: number;
  readonly fixedLength: number;
}

/** A field of a table or struct. */
export interface FlatField {
  readonly name: string;
  readonly type: FlatType;
  readonly id: number;
  /** In a table its place in the vtable, in a struct its offset. */
  readonly offset: number;
  readonly defaultInteger: bigint;
  readonly defaultReal: number;
  readonly isOptional: boolean;
  /** Whether its offset has 64 bits. */
  readonly isFar: boolean;
}

/** A table or struct. */
export interface FlatObject {
  readonly name: string;
  /** In the order of their ids. */
  readonly fields: readonly FlatField[];
  readonly isStruct: boolean;
  /** Of a struct. */
  readonly byteSize: number;
}

/** An enum or union. */
export interface FlatEnum {
  readonly values: readonly { readonly name: string; readonly value: bigint; readonly type: FlatType }[];
}

/** What a .bfbs describes. */
export interface FlatSchema {
  readonly objects: readonly FlatObject[];
  readonly enums: readonly FlatEnum[];
}

/** Items of a list; a lying schema could claim millions. */
const MAX_ITEMS = 100_000;

/** Reads a .bfbs. Throws Error where it is none. */
export function readBfbs(bytes: Uint8Array): FlatSchema {
  const buffer = new ByteBuffer(bytes);
  if (bytes.length < 8 || !buffer.__has_identifier("BFBS")) {
    throw new Error("it is no binary FlatBuffers schema");
  }
  const schema = new Table(buffer, buffer.readInt32(0), new Budget(bytes.length));
  return { objects: schema.tables(0, readObject), enums: schema.tables(1, readEnum) };
}

function readObject(table: Table): FlatObject {
  return {
    name: table.text(0),
    fields: table.tables(1, readField).sort((a, b) => a.id - b.id),
    isStruct: table.number(2, (at) => table.buffer.readInt8(at)) !== 0,
    byteSize: table.number(4, (at) => table.buffer.readInt32(at)),
  };
}

function readField(table: Table): FlatField {
  const { buffer } = table;
  return {
    name: table.text(0),
    type: readType(table.table(1)),
    id: table.number(2, (at) => buffer.readUint16(at)),
    offset: table.number(3, (at) => buffer.readUint16(at)),
    defaultInteger: table.at(4) === 0 ? 0n : buffer.readInt64(table.at(4)),
    defaultReal: table.number(5, (at) => buffer.readFloat64(at)),
    isOptional: table.number(11, (at) => buffer.readInt8(at)) !== 0,
    isFar: table.number(13, (at) => buffer.readInt8(at)) !== 0,
  };
}

function readType(table: Table | undefined): FlatType {
  const { buffer } = table ?? {};
  return {
    base: table?.number(0, (at) => buffer!.readInt8(at)) ?? BASE.none,
    element: table?.number(1, (at) => buffer!.readInt8(at)) ?? BASE.none,
    index: table?.number(2, (at) => buffer!.readInt32(at), -1) ?? -1,
    fixedLength: table?.number(3, (at) => buffer!.readUint16(at)) ?? 0,
  };
}

function readEnum(table: Table): FlatEnum {
  return {
    values: table.tables(1, (value) => ({
      name: value.text(0),
      value: value.at(1) === 0 ? 0n : value.buffer.readInt64(value.at(1)),
      type: readType(value.table(3)),
    })),
  };
}

/** Bounds what is read by what there is: tables and texts may be shared, so that a few bytes say much. */
class Budget {
  #left: number;

  constructor(bytes: number) {
    this.#left = 2 * bytes;
  }

  spend(bytes: number): void {
    this.#left -= bytes;
    if (this.#left < 0) throw new Error("its parts lie over each other");
  }
}

/** A table of the schema. Fields by their number. */
class Table {
  readonly buffer: ByteBuffer;
  readonly #at: number;
  readonly #budget: Budget;

  constructor(buffer: ByteBuffer, at: number, budget: Budget) {
    budget.spend(4);
    this.buffer = buffer;
    this.#at = at;
    this.#budget = budget;
  }

  /** Where a field lies; 0 where it is absent. */
  at(field: number): number {
    const offset = this.buffer.__offset(this.#at, 4 + 2 * field);
    return offset === 0 ? 0 : this.#at + offset;
  }

  number(field: number, read: (at: number) => number, missing = 0): number {
    const at = this.at(field);
    return at === 0 ? missing : read(at);
  }

  text(field: number): string {
    const at = this.at(field);
    if (at === 0) return "";
    this.#budget.spend(Math.max(0, this.buffer.readInt32(at + this.buffer.readInt32(at))));
    return String(this.buffer.__string(at));
  }

  table(field: number): Table | undefined {
    const at = this.at(field);
    return at === 0 ? undefined : new Table(this.buffer, this.buffer.__indirect(at), this.#budget);
  }

  tables<T>(field: number, read: (table: Table) => T): T[] {
    const at = this.at(field);
    if (at === 0) return [];
    const vector = at + this.buffer.readInt32(at);
    const length = this.buffer.readInt32(vector);
    if (!(length >= 0 && length <= MAX_ITEMS)) throw new Error(`it claims ${length} items`);
    return Array.from(
      { length },
      (_, i) => read(new Table(this.buffer, this.buffer.__indirect(vector + 4 + 4 * i), this.#budget)),
    );
  }
}
