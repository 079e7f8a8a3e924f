/**
 * Protocol Buffers. Twin of `crates/core/src/records/protobuf.rs`.
 *
 * Source: https://protobuf.dev/programming-guides/encoding.
 *
 * @module
 */
import { appendNull, lengthOf, type RecordColumn } from "./record_columns.ts";
import {
  FIELD_WORDS,
  FREE_BYTES,
  MAX_GROWTH,
  PRESENCE,
  PROTO,
  REPEATED,
  STATUS,
  TABLE_WORDS,
} from "../../record_plan.ts";

/** Nesting of groups that are skipped. */
const MAX_GROUPS = 100;

/** Runs the tables of Protocol Buffers. Throws the status of a record that does not fit. */
export class ProtobufMachine {
  readonly #columns: readonly RecordColumn[];
  readonly #code: Int32Array;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #isText = true;
  /** Whether every field was known so far. */
  #isWhole = true;
  /** The varint that was read last, in two halves. */
  #low = 0;
  #high = 0;
  /** Per field of the messages that are being read: where its last value lies; -1 where it is absent. */
  #starts = new Int32Array(64);
  #ends = new Int32Array(64);
  #slots = 0;
  /** What may still be appended for items of lists, in bytes. */
  #left = 0;

  constructor(columns: readonly RecordColumn[], code: Int32Array) {
    this.#columns = columns;
    this.#code = code;
  }

  /** Decodes a message; its status. */
  message(bytes: Uint8Array, start: number, end: number): number {
    this.#bytes = bytes;
    this.#isText = this.#isWhole = true;
    this.#slots = 0;
    this.#left = (end - start) * MAX_GROWTH + FREE_BYTES;
    this.#message(0, start, end);
    return !this.#isText ? STATUS.text : this.#isWhole ? STATUS.fits : STATUS.extra;
  }

  /** Decodes the message between two places by the table at a place of the code. */
  #message(table: number, start: number, end: number): void {
    const code = this.#code;
    const count = code[table];
    const first = table + TABLE_WORDS;
    const base = this.#openSlots(count);
    this.#at = start;
    // Fields mostly come in the order of their numbers.
    let guess = 0;
    while (this.#at < end) {
      this.#varint(end);
      const wire = this.#low & 7;
      const number = this.#tagNumber();
      const from = this.#value(number, wire, end);
      const to = wire === 3 ? this.#groupEnd : this.#at;
      const index = this.#find(first, count, number, guess);
      if (index < 0) {
        this.#isWhole = false;
        continue;
      }
      guess = index + 1;
      const field = first + FIELD_WORDS * index;
      const kind = code[field + 1];
      const column = code[field + 2];
      const isRepeated = (code[field + 3] & REPEATED) !== 0;
      const isPacked = isRepeated && wire === 2 && kind < PROTO.text;
      if (wireOf(kind) !== wire && !isPacked) {
        this.#isWhole = false; // of another type than ours
        continue;
      }
      if (isRepeated) {
        const after = this.#at;
        if (kind >= PROTO.message) this.#spend(code[code[field + 4] + 2]);
        if (isPacked) this.#packed(kind, this.#columns[column + 1], from, to);
        else this.#append(kind, column + 1, code[field + 4], from, to);
        this.#at = after;
        continue;
      }
      const oneof = code[field + 5];
      if (oneof !== 0) {
        // It takes time, if no bytes.
        this.#spend(count);
        for (let other = 0; other < count; other++) {
          if (other !== index && code[first + FIELD_WORDS * other + 5] === oneof) {
            this.#starts[base + other] = -1;
          }
        }
      }
      // Parts of one message, to be merged.
      if (kind >= PROTO.message && this.#starts[base + index] >= 0) throw STATUS.encoding;
      this.#starts[base + index] = from;
      this.#ends[base + index] = to;
    }
    for (let index = 0; index < count; index++) {
      const field = first + FIELD_WORDS * index;
      const column = code[field + 2];
      const from = this.#starts[base + index];
      if ((code[field + 3] & REPEATED) !== 0) {
        this.#columns[column].close(lengthOf(this.#columns, column + 1));
      } else if (from >= 0) {
        this.#append(code[field + 1], column, code[field + 4], from, this.#ends[base + index]);
      } else if ((code[field + 3] & PRESENCE) !== 0) {
        appendNull(this.#columns, column);
      } else {
        appendDefault(this.#columns[column], code[field + 1]);
      }
    }
    if (code[table + 1] >= 0) this.#columns[code[table + 1]].count++;
    this.#slots = base;
  }

  #spend(bytes: number): void {
    this.#left -= bytes;
    if (this.#left < 0) throw STATUS.broken;
  }

  /** Makes room for a message's slots, all absent; where they begin. */
  #openSlots(count: number): number {
    const base = this.#slots;
    this.#slots += count;
    if (this.#slots > this.#starts.length) {
      const enlarge = (array: Int32Array<ArrayBuffer>) => {
        const larger = new Int32Array(2 * this.#slots);
        larger.set(array);
        return larger;
      };
      this.#starts = enlarge(this.#starts);
      this.#ends = enlarge(this.#ends);
    }
    this.#starts.fill(-1, base, this.#slots);
    return base;
  }

  /** The number in the tag that was read last. */
  #tagNumber(): number {
    if (this.#high >>> 0 > 0 || this.#low >>> 3 === 0) throw STATUS.broken;
    return this.#low >>> 3;
  }

  /** Where the last group's end begins. */
  #groupEnd = 0;

  /** Passes over a value; where it begins, without its length. */
  #value(number: number, wire: number, end: number): number {
    let from = this.#at;
    let bytes = 0;
    switch (wire) {
      case 0:
        this.#varint(end);
        return from;
      case 1:
        bytes = 8;
        break;
      case 2:
        this.#varint(end);
        from = this.#at;
        if (this.#high !== 0) throw STATUS.short;
        bytes = this.#low >>> 0;
        break;
      case 3:
        this.#skipGroup(number, end);
        return from;
      case 5:
        bytes = 4;
        break;
      default:
        throw STATUS.broken;
    }
    if (from + bytes > end) throw STATUS.short;
    this.#at = from + bytes;
    return from;
  }

  /** Passes over a group's fields and its end. */
  #skipGroup(number: number, end: number): void {
    const open = [number];
    while (open.length > 0) {
      const start = this.#at;
      this.#varint(end);
      const wire = this.#low & 7;
      const inner = this.#tagNumber();
      if (wire === 3) {
        if (open.length === MAX_GROUPS) throw STATUS.broken;
        open.push(inner);
      } else if (wire === 4) {
        if (open.pop() !== inner) throw STATUS.broken;
        this.#groupEnd = start;
      } else {
        this.#value(inner, wire, end);
      }
    }
  }

  #varint(end: number): void {
    const bytes = this.#bytes;
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.#at >= end) throw STATUS.short;
      const byte = bytes[this.#at++];
      if (shift < 28) low |= (byte & 127) << shift;
      else if (shift === 28) {
        low |= (byte & 127) << 28;
        high = (byte & 127) >> 4;
      } else high |= (byte & 127) << (shift - 32);
      if (byte < 128) {
        this.#low = low;
        this.#high = high;
        return;
      }
    }
    throw STATUS.broken;
  }

  /** Appends a value that lies between two places. */
  #append(kind: number, at: number, table: number, from: number, to: number): void {
    const column = this.#columns[at];
    switch (kind) {
      case PROTO.fixed32:
      case PROTO.fixed64:
        column.push(this.#bytes, from, to);
        break;
      case PROTO.text:
        if (!column.pushText(this.#bytes, from, to)) this.#isText = false;
        break;
      case PROTO.bytes:
        column.push(this.#bytes, from, to);
        column.close(column.length);
        break;
      case PROTO.message:
      case PROTO.group:
        this.#message(table, from, to);
        break;
      default:
        this.#at = from;
        this.#varint(to);
        pushVarint(column, kind, this.#low, this.#high);
    }
  }

  #packed(kind: number, column: RecordColumn, from: number, to: number): void {
    if (kind === PROTO.fixed32 || kind === PROTO.fixed64) {
      if ((to - from) % (kind === PROTO.fixed32 ? 4 : 8) !== 0) throw STATUS.short;
      column.push(this.#bytes, from, to);
      return;
    }
    for (this.#at = from; this.#at < to;) {
      this.#varint(to);
      pushVarint(column, kind, this.#low, this.#high);
    }
  }

  /** The field with a number, -1 where there is none; tries the one at `guess` first. */
  #find(first: number, count: number, number: number, guess: number): number {
    const code = this.#code;
    if (guess < count && code[first + FIELD_WORDS * guess] === number) return guess;
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (code[first + FIELD_WORDS * middle] < number) low = middle + 1;
      else high = middle;
    }
    return low < count && code[first + FIELD_WORDS * low] === number ? low : -1;
  }
}

function wireOf(kind: number): number {
  switch (kind) {
    case PROTO.fixed64:
      return 1;
    case PROTO.fixed32:
      return 5;
    case PROTO.text:
    case PROTO.bytes:
    case PROTO.message:
      return 2;
    case PROTO.group:
      return 3;
    default:
      return 0;
  }
}

function appendDefault(column: RecordColumn, kind: number): void {
  switch (kind) {
    case PROTO.text:
    case PROTO.bytes:
      return column.close(column.length);
    case PROTO.fixed32:
      return column.push32(0);
    case PROTO.fixed64:
      return column.push64(0, 0);
    default:
      pushVarint(column, kind, 0, 0);
  }
}

function pushVarint(column: RecordColumn, kind: number, low: number, high: number): void {
  switch (kind) {
    case PROTO.bool:
      return column.pushBool((low | high) !== 0);
    case PROTO.int32:
      return column.push32(low);
    case PROTO.sint32:
      return column.push32((low >>> 1) ^ -(low & 1));
    case PROTO.sint64: {
      const sign = -(low & 1);
      return column.push64((((low >>> 1) | (high << 31)) ^ sign) | 0, (high >>> 1) ^ sign);
    }
    default:
      column.push64(low, high);
  }
}
