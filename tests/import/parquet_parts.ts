/**
 * Parquet files taken apart and put together again, so that any value of their footer, page headers and pages can be wrong.
 * Format: Thrift's compact protocol; Apache Parquet Format.
 *
 * @module
 */
import { compressors } from "hyparquet-compressors";
import type { CompressionCodec } from "hyparquet";
import { decompressPage } from "hyparquet/src/datapage.js";
import { concat, encode } from "./mcap_file.ts";
import { u32 } from "./mcap_parts.ts";

/** A value of Thrift's: a struct is a map of fields by their ids. */
export type Struct = Map<number, Value>;
export interface Value {
  type: number;
  value: boolean | bigint | Uint8Array | List | Struct;
}
export interface List {
  type: number;
  items: Value["value"][];
}

const MAGIC = encode("PAR1");
const TRUE = 1, FALSE = 2, BYTE = 3, DOUBLE = 7, BINARY = 8, LIST = 9, STRUCT = 12;

class ThriftReader {
  readonly bytes: Uint8Array;
  at = 0;
  constructor(bytes: Uint8Array, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }
  varint(): bigint {
    let value = 0n;
    for (let shift = 0n;; shift += 7n) {
      const byte = this.bytes[this.at++];
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }
  zigzag(): bigint {
    const value = this.varint();
    return value >> 1n ^ -(value & 1n);
  }
  take(length: number): Uint8Array {
    return this.bytes.slice(this.at, this.at += length);
  }
  value(type: number): Value["value"] {
    if (type === BYTE) return BigInt(this.bytes[this.at++]);
    if (type < DOUBLE) return this.zigzag();
    if (type === DOUBLE) return this.take(8);
    if (type === BINARY) return this.take(Number(this.varint()));
    if (type === STRUCT) return this.struct();
    if (type !== LIST) throw new Error(`Thrift type ${type}`);
    const head = this.bytes[this.at++];
    const count = head >> 4 === 15 ? Number(this.varint()) : head >> 4;
    const kind = head & 15;
    const items = Array.from({ length: count }, () => {
      return kind <= FALSE ? this.bytes[this.at++] === 1 : this.value(kind);
    });
    return { type: kind, items };
  }
  struct(): Struct {
    const fields: Struct = new Map();
    for (let id = 0;;) {
      const head = this.bytes[this.at++];
      if (head === 0) return fields;
      id = head >> 4 === 0 ? Number(this.zigzag()) : id + (head >> 4);
      const type = head & 15;
      fields.set(id, { type, value: type <= FALSE ? type === TRUE : this.value(type) });
    }
  }
}

function varint(value: bigint): number[] {
  const bytes = [];
  for (value = BigInt.asUintN(64, value); value >= 0x80n; value >>= 7n) {
    bytes.push(Number(value & 0x7fn) | 0x80);
  }
  return [...bytes, Number(value)];
}

const zigzag = (value: bigint) => varint(value << 1n ^ value >> 63n);

function bytesOfValue(type: number, value: Value["value"]): number[] {
  if (typeof value === "bigint") return type === BYTE ? [Number(BigInt.asUintN(8, value))] : zigzag(value);
  if (typeof value === "boolean") return [value ? 1 : 2];
  if (value instanceof Uint8Array) {
    return type === DOUBLE ? [...value] : [...varint(BigInt(value.length)), ...value];
  }
  if (value instanceof Map) return bytesOfStruct(value);
  const { items, type: kind } = value;
  const head = items.length < 15
    ? [items.length << 4 | kind]
    : [0xf0 | kind, ...varint(BigInt(items.length))];
  return [...head, ...items.flatMap((item) => bytesOfValue(kind, item))];
}

function bytesOfStruct(fields: Struct): number[] {
  const bytes: number[] = [];
  let last = 0;
  for (const [id, { type, value }] of fields) {
    const kind = typeof value === "boolean" ? (value ? TRUE : FALSE) : type;
    if (id > last && id - last < 16) bytes.push((id - last) << 4 | kind);
    else bytes.push(kind, ...zigzag(BigInt(id)));
    if (typeof value !== "boolean") bytes.push(...bytesOfValue(type, value));
    last = id;
  }
  return [...bytes, 0];
}

/** A page whose data is not compressed. */
export interface Page {
  header: Struct;
  data: Uint8Array;
}
export interface Chunk {
  pages: Page[];
}

/** A file whose pages are not compressed. */
export interface ParquetParts {
  footer: Struct;
  /** By row group, then column. */
  chunks: Chunk[][];
}

/** Fields of a struct. */
export const number = (struct: Struct, id: number) => Number(struct.get(id)?.value ?? 0);
export const child = (struct: Struct, id: number) => struct.get(id)!.value as Struct;
export const list = (struct: Struct, id: number) => (struct.get(id)!.value as List).items as Struct[];
const CODECS: readonly CompressionCodec[] = [
  "UNCOMPRESSED",
  "SNAPPY",
  "GZIP",
  "LZO",
  "BROTLI",
  "LZ4",
  "ZSTD",
  "LZ4_RAW",
];

/** Takes a file apart. */
export function parquetParts(bytes: Uint8Array): ParquetParts {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const footer = new ThriftReader(bytes, bytes.length - 8 - view.getUint32(bytes.length - 8, true)).struct();
  const chunks = list(footer, 4).map((group) =>
    list(group, 1).map((chunk) => {
      const meta = child(chunk, 3);
      const codec = CODECS[number(meta, 4)];
      const reader = new ThriftReader(bytes, number(meta, 11) || number(meta, 9));
      const end = reader.at + number(meta, 7);
      const pages: Page[] = [];
      while (reader.at < end) {
        const header = reader.struct();
        const stored = reader.take(number(header, 3));
        pages.push({ header, data: plainPage(header, stored, codec) });
      }
      meta.set(4, { type: 5, value: 0n });
      for (const id of [4, 5, 6, 7]) chunk.delete(id); // offset and column index
      return { pages };
    })
  );
  return { footer, chunks };
}

function plainPage(header: Struct, stored: Uint8Array, codec: CompressionCodec): Uint8Array {
  const raw = number(header, 2);
  const plain = (bytes: Uint8Array, length: number) => decompressPage(bytes, length, codec, compressors);
  if (!header.has(8)) return plain(stored, raw).slice();
  const v2 = child(header, 8);
  const levels = number(v2, 5) + number(v2, 6);
  const isCompressed = v2.get(7)?.value !== false && codec !== "UNCOMPRESSED";
  v2.set(7, { type: FALSE, value: false });
  const values = stored.subarray(levels);
  return concat([
    stored.subarray(0, levels),
    isCompressed && raw > levels ? plain(values, raw - levels) : values,
  ]);
}

/**
 * The file of its parts. Lengths and places in the footer are those of the pages, until `change` makes them others; so are the
 * lengths in the pages' headers, but where they are to stay as they are.
 */
export function parquetFile(
  { footer, chunks }: ParquetParts,
  { keepsLengths = false, change = (_: Struct): void => {} } = {},
): Uint8Array {
  const out: Uint8Array[] = [MAGIC];
  let at = MAGIC.length;
  chunks.forEach((group, i) => {
    const groups = footer.get(4)?.value as List | undefined;
    const columns = (groups?.items?.[i] as Struct | undefined)?.get(1)?.value as List | undefined;
    group.forEach(({ pages }, column) => {
      const start = at;
      let first: number | undefined;
      let words: number | undefined;
      for (const { header, data } of pages) {
        if (!keepsLengths) {
          for (const id of [2, 3]) header.set(id, { type: 5, value: BigInt(data.length) });
        }
        if (header.has(7)) words ??= at;
        else first ??= at;
        const head = Uint8Array.from(bytesOfStruct(new Map([...header].sort(([a], [b]) => a - b))));
        out.push(head, data);
        at += head.length + data.length;
      }
      const meta = (columns?.items?.[column] as Struct | undefined)?.get(3)?.value;
      if (!(meta instanceof Map)) return;
      const set = (id: number, value: number) => meta.set(id, { type: 6, value: BigInt(value) });
      set(6, at - start);
      set(7, at - start);
      set(9, first ?? start);
      if (words === undefined) meta.delete(11);
      else set(11, words);
    });
  });
  change(footer);
  const end = Uint8Array.from(bytesOfStruct(footer));
  return concat([...out, end, u32(end.length), MAGIC]);
}
