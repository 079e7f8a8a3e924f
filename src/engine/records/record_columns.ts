/**
 * Columns as they grow: the buffers of Arrow's columnar format. Twin of `crates/core/src/records/column.rs`.
 *
 * @module
 */
import { COLUMN, COLUMN_WORDS, type RecordColumns, STATUS } from "../../record_plan.ts";

/** Memory of a buffer up to this size is kept for the next rows. */
const KEPT_BYTES = 1 << 20;

const NO_BYTES = new Uint8Array(0);
const MAX_OFFSET = 2 ** 31 - 1;

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const lenient = new TextDecoder("utf-8", { ignoreBOM: true });
const encoder = new TextEncoder();

/** One column. */
export class RecordColumn {
  readonly kind: number;
  /** Bytes of a value, items of a list. */
  readonly argument: number;
  /** Where the columns that are no descendants go on. */
  readonly next: number;
  data: Uint8Array = NO_BYTES;
  #view = new DataView(NO_BYTES.buffer);
  /** Bytes of `data` that are values. */
  length = 0;
  #offsets = new Int32Array(16);
  /** Values that have offsets. */
  closed = 0;
  /** Of booleans, and of structs without fields. */
  count = 0;
  /** Bits, as far as the last null; all that follow are no nulls. */
  #validity: Uint8Array = NO_BYTES;
  #known = 0;
  nulls = 0;

  constructor(kind: number, argument: number, next: number) {
    this.kind = kind;
    this.argument = argument;
    this.next = next;
  }

  /** Bytes collected. */
  get bytes(): number {
    return this.length + 4 * (this.closed + 1);
  }

  /** Where the last value ends. */
  get lastOffset(): number {
    return this.#offsets[this.closed];
  }

  /** Makes room for more bytes, and gives where they begin. */
  room(bytes: number): number {
    const start = this.length;
    const end = start + bytes;
    if (end > this.data.length) {
      const larger = new Uint8Array(Math.max(256, 2 * this.data.length, end));
      larger.set(this.data.subarray(0, start));
      this.data = larger;
      this.#view = new DataView(larger.buffer);
    }
    this.length = end;
    return start;
  }

  /** Appends bytes. */
  push(bytes: Uint8Array, start: number, end: number): void {
    const at = this.room(end - start);
    if (end - start > 32) this.data.set(bytes.subarray(start, end), at);
    else for (let i = start, to = at; i < end; i++, to++) this.data[to] = bytes[i];
  }

  /** Appends values of so many bytes that lie in memory in this order, or the other way round. */
  pushValues(
    view: DataView,
    bytes: Uint8Array,
    start: number,
    end: number,
    width: number,
    isBig: boolean,
  ): void {
    if (!isBig && end - start > 64 || width === 1) return this.push(bytes, start, end);
    const at = this.room(end - start);
    const target = this.#view;
    // Not as floats, which may lose what a NaN holds.
    if (width === 8) {
      for (let i = start, to = at; i < end; i += 8, to += 8) {
        target.setUint32(to, view.getUint32(isBig ? i + 4 : i, !isBig), true);
        target.setUint32(to + 4, view.getUint32(isBig ? i : i + 4, !isBig), true);
      }
    } else if (width === 4) {
      for (let i = start, to = at; i < end; i += 4, to += 4) {
        target.setUint32(to, view.getUint32(i, !isBig), true);
      }
    } else {
      for (let i = start, to = at; i < end; i += 2, to += 2) {
        target.setUint16(to, view.getUint16(i, !isBig), true);
      }
    }
  }

  /** Appends the 4 bytes of an integer. */
  push32(value: number): void {
    const at = this.room(4);
    this.#view.setInt32(at, value, true);
  }

  /** Appends the 8 bytes of an integer in two halves. */
  push64(low: number, high: number): void {
    const at = this.room(8);
    this.#view.setInt32(at, low, true);
    this.#view.setInt32(at + 4, high, true);
  }

  pushBool(value: boolean): void {
    if ((this.count & 7) === 0) this.data[this.room(1)] = 0;
    if (value) this.data[this.count >> 3] |= 1 << (this.count & 7);
    this.count++;
  }

  /** Appends text; whether it is UTF-8. What is not is replaced. */
  pushText(bytes: Uint8Array, start: number, end: number): boolean {
    let at = start;
    while (at < end && bytes[at] < 128) at++;
    let valid = true;
    if (at < end) {
      try {
        strict.decode(bytes.subarray(at, end));
      } catch {
        valid = false;
        const text = encoder.encode(lenient.decode(bytes.subarray(start, end)));
        this.push(text, 0, text.length);
      }
    }
    if (valid) this.push(bytes, start, end);
    this.close(this.length);
    return valid;
  }

  /** Ends a value of bytes, or a list whose items' column has so many values by now. Throws the status. */
  close(end: number): void {
    if (end > MAX_OFFSET) throw STATUS.large;
    if (++this.closed === this.#offsets.length) {
      const larger = new Int32Array(2 * this.closed);
      larger.set(this.#offsets);
      this.#offsets = larger;
    }
    this.#offsets[this.closed] = end;
  }

  markNull(at: number): void {
    if (at >> 3 >= this.#validity.length) {
      const larger = new Uint8Array(2 * (at >> 3) + 8);
      larger.set(this.#validity);
      this.#validity = larger;
    }
    this.#markValid(at);
    this.#known = at + 1;
    this.nulls++;
  }

  #markValid(end: number): void {
    for (let at = this.#known; at < end; at++) this.#validity[at >> 3] |= 1 << (at & 7);
  }

  truncateValidity(length: number): void {
    while (this.#known > length) {
      const bit = 1 << (--this.#known & 7);
      if ((this.#validity[this.#known >> 3] & bit) === 0) this.nulls--;
      this.#validity[this.#known >> 3] &= ~bit;
    }
  }

  /** Takes back bits or structs without fields after the first `length`. */
  truncateCount(length: number): void {
    this.count = Math.min(this.count, length);
    if (this.kind !== COLUMN.bool) return;
    this.length = Math.ceil(this.count / 8);
    if ((this.count & 7) !== 0) this.data[this.count >> 3] &= (1 << (this.count & 7)) - 1;
  }

  /** The bitmap for so many values. */
  takeValidity(length: number): Uint8Array {
    if (this.nulls === 0) return NO_BYTES;
    const bytes = Math.ceil(length / 8);
    const full = new Uint8Array(bytes);
    full.set(this.#validity.subarray(0, bytes));
    this.#validity = full;
    this.#markValid(length);
    this.#validity = NO_BYTES;
    return full;
  }

  takeOffsets(): Uint8Array {
    return new Uint8Array(this.#offsets.slice(0, this.closed + 1).buffer);
  }

  takeData(): Uint8Array {
    return this.data.slice(0, this.length);
  }

  clear(): void {
    if (this.data.length > KEPT_BYTES) {
      this.data = NO_BYTES;
      this.#view = new DataView(NO_BYTES.buffer);
    }
    this.#validity = NO_BYTES;
    this.length =
      this.closed =
      this.count =
      this.#known =
      this.nulls =
        0;
  }
}

/** The columns that a plan's words describe. */
export function createColumns(words: Int32Array): RecordColumn[] {
  const columns: RecordColumn[] = [];
  for (let at = 0; at < words.length; at += COLUMN_WORDS) {
    columns.push(new RecordColumn(words[at], words[at + 1], columns.length + 1 + words[at + 2]));
  }
  return columns;
}

/** Values in a column whose parent is between two values. */
export function lengthOf(columns: readonly RecordColumn[], at: number): number {
  const column = columns[at];
  switch (column.kind) {
    case COLUMN.fixed:
      return column.length / column.argument;
    case COLUMN.bool:
      return column.count;
    case COLUMN.struct:
      return column.next === at + 1 ? column.count : lengthOf(columns, at + 1);
    case COLUMN.fixedList:
      return Math.floor(lengthOf(columns, at + 1) / column.argument);
    default:
      return column.closed;
  }
}

/** Appends a null, and what stands in its place in the columns within. */
export function appendNull(columns: readonly RecordColumn[], at: number): void {
  const column = columns[at];
  column.markNull(lengthOf(columns, at));
  switch (column.kind) {
    case COLUMN.fixed: {
      const start = column.room(column.argument);
      column.data.fill(0, start, start + column.argument);
      break;
    }
    case COLUMN.bool:
      column.pushBool(false);
      break;
    case COLUMN.fixedList:
      for (let i = 0; i < column.argument; i++) appendNull(columns, at + 1);
      break;
    case COLUMN.struct:
      if (column.next === at + 1) column.count++;
      for (let child = at + 1; child < column.next; child = columns[child].next) appendNull(columns, child);
      break;
    default:
      column.close(column.lastOffset);
  }
}

/** Takes back all values after the first `length`. */
export function truncate(columns: readonly RecordColumn[], at: number, length: number): void {
  const column = columns[at];
  column.truncateValidity(length);
  switch (column.kind) {
    case COLUMN.fixed:
      column.length = Math.min(column.length, length * column.argument);
      break;
    case COLUMN.bool:
      column.truncateCount(length);
      break;
    case COLUMN.bytes:
      column.closed = Math.min(column.closed, length);
      column.length = column.lastOffset;
      break;
    case COLUMN.list:
      column.closed = Math.min(column.closed, length);
      truncate(columns, at + 1, column.lastOffset);
      break;
    case COLUMN.fixedList:
      truncate(columns, at + 1, length * column.argument);
      break;
    case COLUMN.struct:
      column.truncateCount(length);
      for (let child = at + 1; child < column.next; child = columns[child].next) {
        truncate(columns, child, length);
      }
  }
}

/** Adds the node and the buffers of a column of so many values, and of those within. */
export function collect(
  columns: readonly RecordColumn[],
  at: number,
  length: number,
  out: RecordColumns,
): void {
  const column = columns[at];
  out.nodes.push(length, column.nulls);
  out.buffers.push(column.takeValidity(length));
  switch (column.kind) {
    case COLUMN.fixed:
    case COLUMN.bool:
      out.buffers.push(column.takeData());
      break;
    case COLUMN.bytes:
      out.buffers.push(column.takeOffsets(), column.takeData());
      break;
    case COLUMN.list:
      out.buffers.push(column.takeOffsets());
      collect(columns, at + 1, column.lastOffset, out);
      break;
    case COLUMN.fixedList:
      collect(columns, at + 1, length * column.argument, out);
      break;
    case COLUMN.struct:
      for (let child = at + 1; child < column.next; child = columns[child].next) {
        collect(columns, child, length, out);
      }
  }
}
