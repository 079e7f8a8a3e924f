/**
 * Columns -> CDR and the serialization of ROS 1: the plan that decodes them, turned round.
 *
 * @module
 */
import {
  BinaryVector,
  BoolVector,
  FixedListVector,
  ListVector,
  NumberVector,
  StructVector,
  type Vector,
} from "../../arrow/vector.ts";
import { type RecordPlan, STEP, STEP_WORDS } from "../../record_plan.ts";
import type { ByteBuilder } from "../byte_builder.ts";
import type { EncodeRow } from "./row_encoder.ts";

const NOTHING = new Uint8Array(0);

/** A column as the steps of a plan see it. */
interface Slot {
  readonly validity: Uint8Array | null;
  /** Numbers, bits, or what offsets point into. */
  readonly bytes: Uint8Array;
  readonly offsets: ArrayLike<number>;
  /** Refuses a row whose offsets are none. */
  readonly check: (row: number) => void;
}

/** Encodes rows of columns by a plan: CDR as ROS 2 writes it (XCDR version 1, little endian), or ROS 1. Nulls become zeros, and nothing in lists. */
export function bindSequential(plan: RecordPlan, columns: readonly Vector[]): EncodeRow {
  const slots: Slot[] = [];
  for (const column of columns) addSlots(column, slots);
  const machine = new SequentialWriter(slots, plan.code);
  return plan.encoding === "cdr"
    ? (row, out) => machine.cdr(row, out)
    : (row, out) => machine.packed(row, out);
}

function addSlots(vector: Vector, slots: Slot[]): void {
  if (!vector.loaded) vector.load();
  slots.push(slotOf(vector));
  for (const child of vector.children) addSlots(child, slots);
}

function slotOf(vector: Vector): Slot {
  const { validity } = vector;
  const plain = { validity, bytes: NOTHING, offsets: NOTHING, check: () => {} };
  if (vector instanceof BinaryVector) {
    return { ...plain, bytes: vector.data, offsets: vector.offsets, check: (row) => vector.check(row) };
  }
  if (vector instanceof ListVector) {
    return { ...plain, offsets: vector.offsets, check: (row) => vector.check(row) };
  }
  if (vector instanceof NumberVector) {
    const { buffer, byteOffset, byteLength } = vector.values;
    return { ...plain, bytes: new Uint8Array(buffer, byteOffset, byteLength) };
  }
  if (vector instanceof BoolVector) return { ...plain, bytes: vector.bits };
  if (vector instanceof StructVector || vector instanceof FixedListVector) return plain;
  throw new TypeError(`no step writes columns like "${vector.field.name}"`);
}

class SequentialWriter {
  readonly #slots: readonly Slot[];
  readonly #code: Int32Array;
  #out!: ByteBuilder;
  /** What alignment counts from. */
  #origin = 0;
  /** The widest alignment: none in ROS 1. */
  #maxAlignment = 1;

  constructor(slots: readonly Slot[], code: Int32Array) {
    this.#slots = slots;
    this.#code = code;
  }

  cdr(row: number, out: ByteBuilder): void {
    // The encapsulation: XCDR version 1, little endian, no options.
    const at = out.take(4);
    out.view.setUint32(at, 0x0100, true);
    this.#maxAlignment = 8;
    this.#begin(out);
    this.#run(0, this.#code.length, row);
  }

  packed(row: number, out: ByteBuilder): void {
    this.#begin(out);
    this.#run(0, this.#code.length, row);
  }

  #begin(out: ByteBuilder): void {
    this.#out = out;
    this.#origin = out.length;
  }

  #align(width: number): void {
    const mask = Math.min(width, this.#maxAlignment) - 1;
    const padding = (this.#origin - this.#out.length) & mask;
    if (padding > 0) this.#out.zeros(padding);
  }

  #count(count: number): void {
    this.#align(4);
    this.#out.uint32(count);
  }

  #run(from: number, to: number, row: number): void {
    const code = this.#code;
    const slots = this.#slots;
    for (let pc = from; pc < to;) {
      const a = code[pc + 1];
      const b = code[pc + 2];
      const c = code[pc + 3];
      const step = code[pc];
      pc += STEP_WORDS;
      switch (step) {
        case STEP.values:
          this.#align(b);
          this.#putValues(slots[a], row * c, c, b);
          break;
        case STEP.each: {
          this.#align(b);
          for (let i = 0; i < c; i++) this.#putValue(slots[a + i], row, b);
          break;
        }
        case STEP.text: {
          const [start, end] = this.#range(slots[a], row);
          this.#count(end - start + b);
          this.#out.raw(slots[a].bytes.subarray(start, end));
          if (b === 1) this.#out.uint8(0);
          break;
        }
        case STEP.bytes: {
          const [start, end] = this.#range(slots[a], row);
          this.#count(end - start);
          this.#out.raw(slots[a].bytes.subarray(start, end));
          break;
        }
        case STEP.fixedBytes: {
          const [start, end] = this.#range(slots[a], row);
          const bytes = slots[a].bytes.subarray(start, Math.min(end, start + b));
          this.#out.raw(bytes);
          this.#out.zeros(b - bytes.length);
          break;
        }
        case STEP.list: {
          const [start, end] = this.#range(slots[a], row);
          this.#count(end - start);
          if (end > start) {
            this.#align(b);
            this.#putValues(slots[a + 1], start, end - start, b);
          }
          break;
        }
        case STEP.sequence: {
          const [start, end] = this.#range(slots[a], row);
          this.#count(end - start);
          const next = pc + STEP_WORDS * b;
          for (let item = start; item < end; item++) this.#run(pc, next, item);
          pc = next;
          break;
        }
        case STEP.repeat: {
          const next = pc + STEP_WORDS * b;
          for (let i = 0; i < a; i++) this.#run(pc, next, row * a + i);
          pc = next;
          break;
        }
        case STEP.bools:
          this.#putBools(slots[a], row * b, b);
          break;
        case STEP.boolList: {
          const [start, end] = this.#range(slots[a], row);
          this.#count(end - start);
          this.#putBools(slots[a + 1], start, end - start);
          break;
        }
        case STEP.skip:
          this.#align(a);
          this.#out.zeros(a * b);
          break;
        case STEP.unit:
          break;
        default:
          throw new TypeError(`no step ${step} is written`);
      }
    }
  }

  /** Where a row's items are; nowhere where it is null. */
  #range(slot: Slot, row: number): [start: number, end: number] {
    if (isNull(slot, row)) return [0, 0];
    slot.check(row);
    return [slot.offsets[row], slot.offsets[row + 1]];
  }

  #putValue(slot: Slot, row: number, width: number): void {
    const at = this.#out.take(width);
    const { bytes } = this.#out;
    if (isNull(slot, row)) {
      bytes.fill(0, at, at + width);
      return;
    }
    // A copy of so few bytes costs less in place than by a call.
    for (let i = 0, from = row * width; i < width; i++) bytes[at + i] = slot.bytes[from + i];
  }

  #putValues(slot: Slot, first: number, count: number, width: number): void {
    if (slot.validity !== null) {
      for (let i = 0; i < count; i++) this.#putValue(slot, first + i, width);
    } else this.#out.raw(slot.bytes.subarray(first * width, (first + count) * width));
  }

  #putBools(slot: Slot, first: number, count: number): void {
    const at = this.#out.take(count);
    for (let i = 0; i < count; i++) {
      const row = first + i;
      const isTrue = !isNull(slot, row) && (slot.bytes[row >> 3] & (1 << (row & 7))) !== 0;
      this.#out.bytes[at + i] = isTrue ? 1 : 0;
    }
  }
}

function isNull({ validity }: Slot, row: number): boolean {
  return validity !== null && (validity[row >> 3] & (1 << (row & 7))) === 0;
}
