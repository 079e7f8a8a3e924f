/**
 * Encodings whose fields follow one another: CDR, ROS 1, ULog. Twin of `crates/core/src/records/sequential.rs`, which names
 * the sources.
 *
 * @module
 */
import { lengthOf, type RecordColumn } from "./record_columns.ts";
import { END_ALIGNMENT, STATUS, STEP, STEP_WORDS } from "../../record_plan.ts";

/** The encapsulation that ROS 2 writes: XCDR version 1, little endian, no options; as an integer in little endian. */
const USUAL_HEADER = 0x0100;

/** Bits of a boolean that no column takes. */
const NO_BOOL = 0xfe;

/** Runs sequential code. Throws the status of a record that does not fit. */
export class SequentialMachine {
  readonly #columns: readonly RecordColumn[];
  readonly #code: Int32Array;
  #bytes: Uint8Array = new Uint8Array(0);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;
  #end = 0;
  /** What alignment counts from. */
  #origin = 0;
  #maxAlignment = 1;
  #isBig = false;
  /** Whether collections of what is not primitive have their size in bytes in front: XCDR version 2. */
  #isDelimited = false;
  #isText = true;
  /** Bits so far that no column takes, and that are zero where a record is as usual. */
  #lost = 0;

  constructor(columns: readonly RecordColumn[], code: Int32Array) {
    this.#columns = columns;
    this.#code = code;
  }

  /** Decodes a CDR record; its status. */
  cdr(bytes: Uint8Array, view: DataView, start: number, end: number): number {
    if (end - start < 4) throw STATUS.short;
    const kind = bytes[start + 1];
    if (bytes[start] !== 0 || !(kind === 0 || kind === 1 || kind === 6 || kind === 7)) throw STATUS.encoding;
    this.#begin(bytes, view, start + 4, end);
    this.#isBig = (kind & 1) === 0;
    this.#isDelimited = kind >= 6;
    this.#maxAlignment = this.#isDelimited ? 4 : 8;
    if (view.getUint32(start, true) !== USUAL_HEADER) this.#lost = 1;
    this.#run(0, this.#code.length);
    const left = end - this.#at;
    if (left >= END_ALIGNMENT) throw STATUS.long;
    const isPadded = left > 0 && (end - start) % END_ALIGNMENT === 0;
    if (isPadded) this.#look(this.#at, end, 0xff);
    else this.#lost |= left;
    return isPadded && this.#status === STATUS.fits ? STATUS.padded : this.#status;
  }

  /** Decodes a record of little-endian fields without padding; its status. */
  packed(bytes: Uint8Array, view: DataView, start: number, end: number, mayGoOn: boolean): number {
    this.#begin(bytes, view, start, end);
    this.#run(0, this.#code.length);
    // After a prefix anything may follow, and what no column takes is nothing.
    if (mayGoOn) this.#lost = 0;
    else if (end > this.#at) throw STATUS.long;
    return this.#status;
  }

  /** Of a record that was read to its end. */
  get #status(): number {
    if (!this.#isText) return STATUS.text;
    return this.#lost === 0 ? STATUS.fits : STATUS.unusual;
  }

  #begin(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    this.#bytes = bytes;
    this.#view = view;
    this.#at = this.#origin = start;
    this.#end = end;
    this.#isText = true;
    this.#lost = 0;
  }

  #align(width: number): void {
    const mask = Math.min(width, this.#maxAlignment) - 1;
    const padding = (this.#origin - this.#at) & mask;
    if (padding > 0) this.#look(this.#at, this.#at += padding, 0xff);
  }

  /** Looks for bits of a mask in bytes. What of them lies behind the record does not count: it is too short then. */
  #look(start: number, end: number, mask: number): void {
    for (let at = start; at < end; at++) this.#lost |= this.#bytes[at] & mask;
  }

  /** Passes over bytes, and gives where they begin. */
  #take(bytes: number): number {
    const start = this.#at;
    const end = start + bytes;
    if (end > this.#end) throw STATUS.short;
    this.#at = end;
    return start;
  }

  #count(): number {
    this.#align(4);
    return this.#view.getUint32(this.#take(4), !this.#isBig);
  }

  #run(from: number, to: number): void {
    const code = this.#code;
    const columns = this.#columns;
    for (let pc = from; pc < to;) {
      const a = code[pc + 1];
      const b = code[pc + 2];
      const c = code[pc + 3];
      const step = code[pc];
      pc += STEP_WORDS;
      switch (step) {
        case STEP.values: {
          this.#align(b);
          const start = this.#take(b * c);
          columns[a].pushValues(this.#view, this.#bytes, start, this.#at, b, this.#isBig);
          break;
        }
        case STEP.each: {
          this.#align(b);
          const start = this.#take(b * c);
          for (let i = 0, at = start; i < c; i++, at += b) {
            columns[a + i].pushValues(this.#view, this.#bytes, at, at + b, b, this.#isBig);
          }
          break;
        }
        case STEP.text: {
          const count = this.#count();
          const start = this.#take(count);
          const hasNul = b === 1 && count > 0 && this.#bytes[this.#at - 1] === 0;
          if (b === 1 && !hasNul) this.#lost = 1;
          const end = this.#at - (hasNul ? 1 : 0);
          if (!columns[a].pushText(this.#bytes, start, end)) this.#isText = false;
          break;
        }
        case STEP.bytes:
          this.#pushBytes(columns[a], this.#count());
          break;
        case STEP.fixedBytes:
          this.#pushBytes(columns[a], b);
          break;
        case STEP.list: {
          const count = this.#count();
          const items = columns[a + 1];
          if (count > 0) {
            this.#align(b);
            const start = this.#take(count * b);
            items.pushValues(this.#view, this.#bytes, start, this.#at, b, this.#isBig);
          }
          columns[a].close(items.length / b);
          break;
        }
        case STEP.sequence: {
          if (this.#isDelimited) this.#count();
          const count = this.#count();
          if (count > Math.floor(Math.max(0, this.#end - this.#at) / Math.max(c, 1))) throw STATUS.short;
          const end = pc + STEP_WORDS * b;
          for (let i = 0; i < count; i++) this.#run(pc, end);
          pc = end;
          columns[a].close(lengthOf(columns, a + 1));
          break;
        }
        case STEP.repeat: {
          if (this.#isDelimited) this.#count();
          const end = pc + STEP_WORDS * b;
          for (let i = 0; i < a; i++) this.#run(pc, end);
          pc = end;
          break;
        }
        case STEP.bools:
          this.#pushBools(columns[a], b);
          break;
        case STEP.boolList:
          this.#pushBools(columns[a + 1], this.#count());
          columns[a].close(columns[a + 1].count);
          break;
        case STEP.skip:
          this.#align(a);
          this.#look(this.#take(a * b), this.#at, 0xff);
          break;
        case STEP.fixedText: {
          const start = this.#take(b);
          let end = start;
          while (end < this.#at && this.#bytes[end] !== 0) end++;
          if (!columns[a].pushText(this.#bytes, start, end)) this.#isText = false;
          break;
        }
        case STEP.unit:
          columns[a].count++;
      }
    }
  }

  #pushBytes(column: RecordColumn, count: number): void {
    const start = this.#take(count);
    column.push(this.#bytes, start, this.#at);
    column.close(column.length);
  }

  #pushBools(column: RecordColumn, count: number): void {
    const start = this.#take(count);
    for (let at = start; at < this.#at; at++) column.pushBool(this.#bytes[at] !== 0);
    this.#look(start, this.#at, NO_BOOL);
  }
}
