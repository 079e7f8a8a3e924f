/**
 * FlatBuffers. Twin of `crates/core/src/records/flat.rs`.
 *
 * Source: https://flatbuffers.dev/internals.
 *
 * @module
 */
import { appendNull, lengthOf, type RecordColumn } from "./record_columns.ts";
import {
  FLAT,
  FLAT_FIELD_WORDS,
  FLAT_MEMBER_WORDS,
  FLAT_TABLE_WORDS,
  FREE_BYTES,
  MAX_GROWTH,
  STATUS,
} from "../../record_plan.ts";

/** Runs the tables of FlatBuffers. Throws the status of a record that does not fit. */
export class FlatMachine {
  readonly #columns: readonly RecordColumn[];
  readonly #code: Int32Array;
  #bytes: Uint8Array = new Uint8Array(0);
  #view = new DataView(this.#bytes.buffer);
  /** Where the record begins and ends; all other places count from the chunk's begin too. */
  #end = 0;
  /** What may still be appended for texts, bytes and lists, in bytes. */
  #left = 0;
  #isText = true;
  #isWhole = true;
  /** Items of the vector that was looked at last. */
  #items = 0;

  constructor(columns: readonly RecordColumn[], code: Int32Array) {
    this.#columns = columns;
    this.#code = code;
  }

  /** Decodes a FlatBuffer; its status. */
  buffer(bytes: Uint8Array, view: DataView, start: number, end: number): number {
    this.#bytes = bytes;
    this.#view = view;
    this.#end = end;
    this.#left = (end - start) * MAX_GROWTH + FREE_BYTES;
    this.#isText = this.#isWhole = true;
    this.#table(0, this.#follow(start), start);
    return !this.#isText ? STATUS.text : this.#isWhole ? STATUS.fits : STATUS.extra;
  }

  /** Sees that there are so many bytes at a place. */
  #check(at: number, bytes: number): number {
    if (at + bytes > this.#end) throw STATUS.short;
    return at;
  }

  #u16(at: number): number {
    return this.#view.getUint16(this.#check(at, 2), true);
  }

  #u32(at: number): number {
    return this.#view.getUint32(this.#check(at, 4), true);
  }

  /** Where the offset at a place leads. */
  #follow(at: number): number {
    return this.#check(at + this.#u32(at), 0);
  }

  /** Where the items of the vector at a place begin; sets how many there are. */
  #vector(at: number, width: number): number {
    this.#items = this.#u32(at);
    return this.#check(at + 4, this.#items * width);
  }

  #spend(bytes: number): void {
    this.#left -= bytes;
    if (this.#left < 0) throw STATUS.broken;
  }

  #table(table: number, at: number, start: number): void {
    const code = this.#code;
    const vtable = at - (this.#u32(at) | 0);
    if (vtable < start) throw STATUS.broken;
    const vtableBytes = this.#u16(vtable);
    this.#check(vtable, vtableBytes);
    /** Where the field with a place in the vtable lies; 0 where it is absent. */
    const place = (slot: number) => {
      const offset = slot + 2 > vtableBytes ? 0 : this.#u16(vtable + slot);
      return offset === 0 ? -1 : at + offset;
    };
    const count = code[table];
    for (let index = 0; index < count; index++) {
      const field = table + FLAT_TABLE_WORDS + FLAT_FIELD_WORDS * index;
      const kind = code[field + 1];
      const column = code[field + 2];
      const value = place(code[field]);
      if (kind === FLAT.other) {
        if (value >= 0) this.#isWhole = false;
      } else if (value < 0) {
        if (code[field + 5] === 1) appendNull(this.#columns, column);
        else this.#default(field, this.#columns[column]);
      } else if (kind === FLAT.union) {
        // The number of its member is the field before.
        const number = place(code[field] - 2);
        const member = number < 0 ? 0 : this.#bytes[this.#check(number, 1)];
        this.#union(field, member, value, start);
      } else {
        this.#value(field, value, start);
      }
    }
    if (code[table + 1] >= 0) this.#columns[code[table + 1]].count++;
    for (let slot = code[table + 3]; slot + 2 <= vtableBytes; slot += 2) {
      if (this.#u16(vtable + slot) !== 0) this.#isWhole = false;
    }
  }

  #default(field: number, column: RecordColumn): void {
    const low = this.#code[field + 6];
    const width = this.#code[field + 1] === FLAT.bool ? 0 : this.#code[field + 3];
    switch (width) {
      case 0:
        return column.pushBool(low !== 0);
      case 8:
        return column.push64(low, this.#code[field + 7]);
      case 4:
        return column.push32(low);
      default: {
        // The column's memory may be another after this.
        const at = column.room(width);
        for (let i = 0; i < width; i++) column.data[at + i] = low >> (8 * i);
      }
    }
  }

  #structure(table: number, at: number, start: number): void {
    const code = this.#code;
    for (let index = 0; index < code[table]; index++) {
      const field = table + FLAT_TABLE_WORDS + FLAT_FIELD_WORDS * index;
      this.#value(field, at + code[field], start);
      // An array's item is described by the field after it.
      if (code[field + 1] === FLAT.array) index++;
    }
    if (code[table + 1] >= 0) this.#columns[code[table + 1]].count++;
  }

  /** Appends the value of a field, whose words are at a place of the code. */
  #value(field: number, at: number, start: number): void {
    const code = this.#code;
    const at2 = code[field + 2];
    const column = this.#columns[at2];
    const width = code[field + 3];
    const table = code[field + 4];
    switch (code[field + 1]) {
      case FLAT.scalar:
        this.#check(at, width);
        return column.pushValues(this.#view, this.#bytes, at, at + width, width, false);
      case FLAT.bool:
        return column.pushBool(this.#bytes[this.#check(at, 1)] !== 0);
      case FLAT.other:
        this.#isWhole = false;
        return;
      case FLAT.struct:
        return this.#structure(table, at, start);
      case FLAT.array: {
        const item = field + FLAT_FIELD_WORDS;
        for (let index = 0; index < width; index++) this.#value(item, at + index * code[item + 5], start);
        return;
      }
      case FLAT.text:
        return this.#text(column, at);
      case FLAT.bytes: {
        const from = this.#vector(this.#follow(at), 1);
        this.#spend(this.#items);
        column.push(this.#bytes, from, from + this.#items);
        return column.close(column.length);
      }
      case FLAT.table:
        return this.#table(table, this.#follow(at), start);
      default:
        this.#list(code[field + 1], at2, width, table, this.#follow(at), start);
    }
  }

  #list(kind: number, at: number, width: number, table: number, vector: number, start: number): void {
    const from = this.#vector(vector, width);
    const count = this.#items;
    const isRows = kind === FLAT.structs || kind === FLAT.tables;
    this.#spend(4 + count * (isRows ? this.#code[table + 2] : width));
    const items = this.#columns[at + 1];
    switch (kind) {
      case FLAT.scalars: {
        // Of bytes too: their column's width is that of a value.
        items.pushValues(this.#view, this.#bytes, from, from + count * width, width, false);
        break;
      }
      case FLAT.bools:
        for (let index = 0; index < count; index++) items.pushBool(this.#bytes[from + index] !== 0);
        break;
      case FLAT.structs:
        for (let index = 0; index < count; index++) this.#structure(table, from + index * width, start);
        break;
      case FLAT.texts:
        for (let index = 0; index < count; index++) this.#text(items, from + 4 * index);
        break;
      default:
        for (let index = 0; index < count; index++) this.#table(table, this.#follow(from + 4 * index), start);
    }
    this.#columns[at].close(lengthOf(this.#columns, at + 1));
  }

  #text(column: RecordColumn, at: number): void {
    const from = this.#vector(this.#follow(at), 1);
    this.#spend(4 + this.#items);
    if (!column.pushText(this.#bytes, from, from + this.#items)) this.#isText = false;
  }

  /** Appends a union: a struct with a column for each member, of which one is no null. */
  #union(field: number, number: number, at: number, start: number): void {
    const code = this.#code;
    const table = code[field + 4];
    const end = table + 1 + FLAT_MEMBER_WORDS * code[table];
    let isKnown = false;
    for (let member = table + 1; member < end; member += FLAT_MEMBER_WORDS) {
      if (code[member] === number) isKnown = true;
    }
    if (!isKnown) {
      if (number !== 0) this.#isWhole = false;
      return appendNull(this.#columns, code[field + 2]);
    }
    for (let member = table + 1; member < end; member += FLAT_MEMBER_WORDS) {
      if (code[member] === number) this.#table(code[member + 1], this.#follow(at), start);
      else appendNull(this.#columns, code[member + 2]);
    }
  }
}
