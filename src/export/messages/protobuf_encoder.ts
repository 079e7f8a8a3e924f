/**
 * Columns -> Protocol Buffers: the plan that decodes them, turned round.
 *
 * Source: https://protobuf.dev/programming-guides/encoding/.
 *
 * @module
 */
import { BinaryVector, BoolVector, type ListVector, NumberVector, type Vector } from "../../arrow/vector.ts";
import type { MessageFormat } from "../../import/message_decoder.ts";
import { compileDescriptors } from "../../import/protobuf/protobuf_decoder.ts";
import { FIELD_WORDS, PRESENCE, PROTO, type RecordPlan, REPEATED, TABLE_WORDS } from "../../record_plan.ts";
import { type FieldSchema, schemaKey } from "../../schema.ts";
import type { ByteBuilder } from "../byte_builder.ts";
import { importedFields, PlanEncoder } from "./plan_encoder.ts";
import type { EncodeRow } from "./row_encoder.ts";

/** Wire types. */
const WIRE = { varint: 0, fixed64: 1, bytes: 2, start: 3, end: 4, fixed32: 5 } as const;

/** Wire types by the kind of a field. */
const WIRE_OF: Readonly<Record<number, number>> = {
  [PROTO.bool]: WIRE.varint,
  [PROTO.int32]: WIRE.varint,
  [PROTO.int64]: WIRE.varint,
  [PROTO.sint32]: WIRE.varint,
  [PROTO.sint64]: WIRE.varint,
  [PROTO.fixed32]: WIRE.fixed32,
  [PROTO.fixed64]: WIRE.fixed64,
  [PROTO.text]: WIRE.bytes,
  [PROTO.bytes]: WIRE.bytes,
  [PROTO.message]: WIRE.bytes,
  [PROTO.group]: WIRE.start,
};

/**
 * Makes messages by the descriptors that they came with: the same values, though other writers order and pack them otherwise.
 * For a topic with these columns after `timestamp_ns`; undefined where they are not those that its descriptors give.
 *
 * @param envelope Those that say what is around a message, which come last.
 */
export async function openProtobufEncoder(
  format: MessageFormat,
  fields: readonly FieldSchema[],
  envelope: readonly FieldSchema[],
): Promise<PlanEncoder | undefined> {
  // What cannot be compiled was not decoded by it.
  const compiled = await compileDescriptors(format.schema!).catch(() => undefined);
  if (!compiled) return undefined;
  const wanted = importedFields(compiled, envelope);
  if (schemaKey(wanted) !== schemaKey(fields)) return undefined;
  return new PlanEncoder(format, compiled.plan, wanted.length, bindProtobuf);
}

/** Encodes rows of columns by a plan. What is null is absent; of lists, zero or empty. */
export function bindProtobuf(plan: RecordPlan, columns: readonly Vector[]): EncodeRow {
  const flat: Vector[] = [];
  for (const column of columns) addColumns(column, flat);
  const writer = new ProtobufWriter(flat, plan.code);
  return (row, out) => writer.write(row, out);
}

/** A column and those below it, in the order of their numbers. */
function addColumns(vector: Vector, flat: Vector[]): void {
  if (!vector.loaded) vector.load();
  flat.push(vector);
  for (const child of vector.children) addColumns(child, flat);
}

class ProtobufWriter {
  readonly #columns: readonly Vector[];
  readonly #code: Int32Array;
  #out!: ByteBuilder;

  constructor(columns: readonly Vector[], code: Int32Array) {
    this.#columns = columns;
    this.#code = code;
  }

  write(row: number, out: ByteBuilder): void {
    this.#out = out;
    this.#message(0, row);
  }

  #message(table: number, row: number): void {
    const code = this.#code;
    const end = table + TABLE_WORDS + FIELD_WORDS * code[table];
    for (let at = table + TABLE_WORDS; at < end; at += FIELD_WORDS) {
      const [kind, column, flags] = [code[at + 1], code[at + 2], code[at + 3]];
      const vector = this.#columns[column];
      if (!vector.isValid(row)) continue;
      if (flags === REPEATED) this.#repeated(at, kind, vector as ListVector, this.#columns[column + 1], row);
      else if (flags === PRESENCE || !isDefault(vector, row)) this.#field(at, kind, vector, row);
    }
  }

  #repeated(at: number, kind: number, list: ListVector, items: Vector, row: number): void {
    const [from, to] = list.range(row);
    if (from === to) return;
    const wire = WIRE_OF[kind];
    if (wire === WIRE.bytes || wire === WIRE.start) {
      for (let item = from; item < to; item++) this.#field(at, kind, items, item);
      return;
    }
    // Numbers side by side, as every reader takes them.
    this.#tag(this.#code[at], WIRE.bytes);
    this.#sized(() => {
      for (let item = from; item < to; item++) this.#value(at, kind, items, item);
    });
  }

  #field(at: number, kind: number, vector: Vector, row: number): void {
    this.#tag(this.#code[at], WIRE_OF[kind]);
    this.#value(at, kind, vector, row);
  }

  #value(at: number, kind: number, vector: Vector, row: number): void {
    const out = this.#out;
    switch (kind) {
      case PROTO.bool:
        out.uint8((vector as BoolVector).get(row) ? 1 : 0);
        break;
      case PROTO.int32:
      case PROTO.int64:
        // A negative one has all of 64 bits.
        this.#varint(BigInt.asUintN(64, BigInt(numberAt(vector, row))));
        break;
      case PROTO.sint32:
      case PROTO.sint64: {
        const value = BigInt(numberAt(vector, row));
        this.#varint(BigInt.asUintN(64, (value << 1n) ^ (value >> 63n)));
        break;
      }
      case PROTO.fixed32:
      case PROTO.fixed64: {
        const width = kind === PROTO.fixed32 ? 4 : 8;
        const { buffer, byteOffset } = (vector as NumberVector).values;
        const from = byteOffset + row * width;
        if (vector.isValid(row)) out.raw(new Uint8Array(buffer, from, width));
        else out.zeros(width);
        break;
      }
      case PROTO.text:
      case PROTO.bytes: {
        const bytes = bytesAt(vector as BinaryVector, row);
        this.#varint(BigInt(bytes.length));
        out.raw(bytes);
        break;
      }
      case PROTO.message:
        this.#sized(() => this.#message(this.#code[at + 4], row));
        break;
      case PROTO.group:
        this.#message(this.#code[at + 4], row);
        this.#tag(this.#code[at], WIRE.end);
    }
  }

  #tag(number: number, wire: number): void {
    this.#varint(BigInt(number) << 3n | BigInt(wire));
  }

  /** What `write` adds, with its bytes in front: moved where these take more than one. */
  #sized(write: () => void): void {
    const out = this.#out;
    const start = out.length;
    write();
    const size = out.length - start;
    let width = 1;
    while (size >= 2 ** (7 * width)) width++;
    out.take(width);
    out.bytes.copyWithin(start + width, start, start + size);
    for (let i = 0, rest = size; i < width; i++, rest = Math.floor(rest / 128)) {
      out.bytes[start + i] = rest % 128 + (i < width - 1 ? 128 : 0);
    }
  }

  #varint(value: bigint): void {
    // Most are small, and fast as numbers.
    if (value < 2n ** 32n) {
      let rest = Number(value);
      for (; rest >= 128; rest = Math.floor(rest / 128)) this.#out.uint8(rest % 128 + 128);
      this.#out.uint8(rest);
      return;
    }
    for (; value >= 128n; value >>= 7n) this.#out.uint8(Number(value & 127n) + 128);
    this.#out.uint8(Number(value));
  }
}

/** A number; 0 of an item that is null. */
function numberAt(vector: Vector, row: number): number | bigint {
  return (vector as NumberVector).get(row) ?? 0;
}

/** Bytes of a text or of bytes; none of an item that is null. */
function bytesAt(vector: BinaryVector, row: number): Uint8Array {
  if (!vector.isValid(row)) return new Uint8Array(0);
  vector.check(row);
  return vector.data.subarray(vector.offsets[row], vector.offsets[row + 1]);
}

/** Whether a field without presence has its default, which is not written. */
function isDefault(vector: Vector, row: number): boolean {
  if (vector instanceof BinaryVector) return vector.extentOf(row) === 0;
  if (vector instanceof BoolVector) return vector.get(row) === false;
  if (!(vector instanceof NumberVector)) return false;
  const value = vector.values[row];
  // -0 is another value than 0.
  return typeof value === "bigint" ? value === 0n : Object.is(value, 0);
}
