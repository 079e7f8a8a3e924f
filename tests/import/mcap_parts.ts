/**
 * MCAP files by hand, record by record, so that each can be wrong.
 *
 * @module
 */
import { crc32 } from "@foxglove/crc";
import { concat, encode } from "./mcap_file.ts";

export const MAGIC = Uint8Array.of(0x89, 0x4d, 0x43, 0x41, 0x50, 0x30, 0x0d, 0x0a);

export function u16(value: number): Uint8Array {
  return Uint8Array.of(value & 255, value >> 8);
}

export function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

export function u64(value: number | bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  return bytes;
}

/** Bytes with their length in front. */
export function sized(bytes: Uint8Array | string): Uint8Array {
  const content = typeof bytes === "string" ? encode(bytes) : bytes;
  return concat([u32(content.length), content]);
}

/** A record: its header and its content. */
export function record(opcode: number, ...fields: Uint8Array[]): Uint8Array {
  const content = concat(fields);
  return concat([Uint8Array.of(opcode), u64(content.length), content]);
}

export const header = record(1, sized("test profile"), sized("test library"));
export const footer = record(2, u64(0), u64(0), u32(0));

export function schema(id: number, properties: Record<string, string> = { i: "integer" }): Uint8Array {
  const types = Object.fromEntries(Object.entries(properties).map(([name, type]) => [name, { type }]));
  const text = JSON.stringify({ type: "object", properties: types });
  return record(3, u16(id), sized("Test"), sized("jsonschema"), sized(text));
}

export function channel(
  id: number,
  topic: string,
  schemaId = 1,
  ...metadata: [string, string][]
): Uint8Array {
  const map = sized(concat(metadata.flat().map(sized)));
  return record(4, u16(id), u16(schemaId), sized(topic), sized("json"), map);
}

/** A message `{"i": time}`, or other bytes. */
export function message(
  channelId: number,
  time: number | bigint,
  data = encode(`{"i":${time}}`),
): Uint8Array {
  return record(5, u16(channelId), u32(0), u64(time), u64(time), data);
}

/** Messages at times from `start` to below `end`. */
export function messages(channelId: number, start: number, end: number): Uint8Array {
  return concat(Array.from({ length: end - start }, (_, i) => message(channelId, start + i)));
}

/** A chunk; its CRC is right unless another is given. */
export function chunk(
  records: Uint8Array,
  { crc = crc32(records), compression = "", bytes = records, size = records.length }: {
    crc?: number;
    compression?: string;
    bytes?: Uint8Array;
    size?: number;
  } = {},
): Uint8Array {
  return record(6, u64(3), u64(9), u64(size), u32(crc), sized(compression), u64(bytes.length), bytes);
}

export function attachment(name: string, data: Uint8Array, crc?: number): Uint8Array {
  const content = concat([u64(1), u64(1), sized(name), sized("text/plain"), u64(data.length), data]);
  return record(9, content, u32(crc ?? crc32(content)));
}

export function metadata(name: string, ...pairs: [string, string][]): Uint8Array {
  return record(12, sized(name), sized(concat(pairs.flat().map(sized))));
}

/** The end of the data, a summary, and the end of the file. */
export function ending(summary: Uint8Array = new Uint8Array(0), dataCrc = 0): Uint8Array {
  const beginning = concat([Uint8Array.of(2), u64(20), u64(0), u64(0)]);
  return concat([
    record(15, u32(dataCrc)),
    summary,
    beginning,
    u32(crc32(concat([summary, beginning]))),
    MAGIC,
  ]);
}

/** A file of records, with a header and an end. */
export function file(...records: Uint8Array[]): Uint8Array {
  return concat([MAGIC, header, ...records, ending()]);
}
