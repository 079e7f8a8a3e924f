/**
 * Reading FlatBuffers without trusting them: every position is checked against the bytes before it is used.
 * Layout: flatbuffers.dev, "FlatBuffer internals". Field numbers are the order of fields in Arrow's .fbs files.
 *
 * @module
 */
import { SmaltiError } from "../error.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Bytes under a table, and how much of them may still be read. */
interface Source {
  bytes: Uint8Array;
  view: DataView;
  /** Any table or text may be pointed at from many places: without a bound a few bytes could stand for endless data. */
  allowance: number;
}

/** How often all bytes may be read over, on average, and what a small buffer may cost on top. */
const ALLOWANCE = { factor: 16, base: 1 << 16 };

/** One table within FlatBuffer bytes. A missing field gives its default, or undefined where it has none. */
export class FlatTable {
  readonly #buffer: Source;
  readonly #view: DataView;
  readonly #start: number;
  readonly #vtable: number;
  readonly #fieldCount: number;

  private constructor(buffer: Source, start: number) {
    const { view } = buffer;
    spend(buffer, 8);
    this.#buffer = buffer;
    this.#view = view;
    this.#start = start;
    this.#vtable = start - view.getInt32(within(view, start, 4), true);
    const vtableBytes = view.getUint16(within(view, this.#vtable, 4), true);
    within(view, this.#vtable, vtableBytes);
    this.#fieldCount = Math.max(0, (vtableBytes >> 1) - 2);
  }

  /** The root table of `bytes`. */
  static root(bytes: Uint8Array): FlatTable {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const allowance = ALLOWANCE.base + ALLOWANCE.factor * bytes.length;
    return new FlatTable({ bytes, view, allowance }, view.getUint32(within(view, 0, 4), true));
  }

  /** A signed integer of 8, 16 or 32 bits. */
  int(field: number, bits: 8 | 16 | 32, byDefault = 0): number {
    const at = this.#place(field, bits >> 3);
    if (at === 0) return byDefault;
    if (bits === 8) return this.#view.getInt8(at);
    return bits === 16 ? this.#view.getInt16(at, true) : this.#view.getInt32(at, true);
  }

  /** An integer of 64 bits, exactly. */
  bigint(field: number): bigint {
    const at = this.#place(field, 8);
    return at === 0 ? 0n : this.#view.getBigInt64(at, true);
  }

  /** An integer of 64 bits that counts bytes or rows: CORRUPT where it is negative or beyond 2^53. */
  count(field: number): number {
    return count(this.bigint(field));
  }

  bool(field: number): boolean {
    return this.int(field, 8) !== 0;
  }

  string(field: number): string | undefined {
    const at = this.#follow(field);
    if (at === 0) return undefined;
    const length = this.#view.getUint32(within(this.#view, at, 4), true);
    within(this.#view, at + 4, length);
    spend(this.#buffer, length);
    try {
      return utf8.decode(this.#buffer.bytes.subarray(at + 4, at + 4 + length));
    } catch (cause) {
      throw new SmaltiError("CORRUPT", "Arrow metadata holds text that is not UTF-8", { cause });
    }
  }

  table(field: number): FlatTable | undefined {
    const at = this.#follow(field);
    return at === 0 ? undefined : new FlatTable(this.#buffer, at);
  }

  /** A vector of tables. */
  tables(field: number): FlatTable[] {
    const [at, length] = this.#vector(field, 4);
    return Array.from({ length }, (_, i) => {
      const place = at + 4 * i;
      return new FlatTable(this.#buffer, place + this.#view.getUint32(place, true));
    });
  }

  /** A vector of structs made of 64-bit counts (Buffer, or plain longs), flattened. */
  counts(field: number, perItem: number): Float64Array {
    const [at, length] = this.#vector(field, 8 * perItem);
    const result = new Float64Array(length * perItem);
    for (let i = 0; i < result.length; i++) result[i] = count(this.#view.getBigInt64(at + 8 * i, true));
    return result;
  }

  /** A vector of FieldNode structs (length: long, null count: long), flattened; a null count of -1 says nothing. */
  nodes(field: number): Float64Array {
    const [at, length] = this.#vector(field, 16);
    const result = new Float64Array(length * 2);
    for (let i = 0; i < result.length; i++) {
      const value = this.#view.getBigInt64(at + 8 * i, true);
      result[i] = value === -1n && i % 2 === 1 ? -1 : count(value);
    }
    return result;
  }

  /** A vector of Block structs (offset: long, metaDataLength: int, padding, bodyLength: long). */
  blocks(field: number): { offset: number; length: number }[] {
    const [at, length] = this.#vector(field, 24);
    return Array.from({ length }, (_, i) => ({
      offset: count(this.#view.getBigInt64(at + 24 * i, true)),
      length: this.#view.getUint32(at + 24 * i + 8, true) +
        count(this.#view.getBigInt64(at + 24 * i + 16, true)),
    }));
  }

  /** A vector of KeyValue tables as a map; a later key wins. */
  keyValues(field: number): Map<string, string> {
    return new Map(this.tables(field).map((pair) => [pair.string(0) ?? "", pair.string(1) ?? ""]));
  }

  #place(field: number, size: number): number {
    if (field >= this.#fieldCount) return 0;
    const offset = this.#view.getUint16(this.#vtable + 4 + 2 * field, true);
    return offset === 0 ? 0 : within(this.#view, this.#start + offset, size);
  }

  #follow(field: number): number {
    const at = this.#place(field, 4);
    return at === 0 ? 0 : within(this.#view, at + this.#view.getUint32(at, true), 4);
  }

  #vector(field: number, itemSize: number): [at: number, length: number] {
    const at = this.#follow(field);
    if (at === 0) return [0, 0];
    const length = this.#view.getUint32(at, true);
    within(this.#view, at + 4, length * itemSize);
    return [at + 4, length];
  }
}

function spend(buffer: Source, bytes: number): void {
  buffer.allowance -= bytes;
  if (buffer.allowance < 0) {
    throw new SmaltiError("CORRUPT", "Arrow metadata points at the same bytes too often");
  }
}

function within(view: DataView, at: number, size: number): number {
  if (at < 0 || at + size > view.byteLength) {
    throw new SmaltiError("CORRUPT", "Arrow metadata points outside its bytes");
  }
  return at;
}

function count(value: bigint): number {
  if (value < 0n || value > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new SmaltiError("CORRUPT", `Arrow metadata counts ${value}: wanted 0 to 2^53 - 1`);
  }
  return Number(value);
}
