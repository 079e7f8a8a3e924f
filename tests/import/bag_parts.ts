/**
 * Bags of ROS 1 by hand, record by record, so that each can be wrong.
 *
 * @module
 */
import { concat, encode } from "./mcap_file.ts";
import { u32, u64 } from "./mcap_parts.ts";

export const BAG_MAGIC = encode("#ROSBAG V2.0\n");

type Value = string | Uint8Array;

function fields(values: Readonly<Record<string, Value>>): Uint8Array {
  return concat(
    Object.entries(values).map(([name, value]) => {
      const field = concat([
        encode(`${name}=`),
        typeof value === "string" ? encode(value) : value,
      ]);
      return concat([u32(field.length), field]);
    }),
  );
}

/** A record: its header's fields and its data, each with its length. */
export function bagRecord(
  op: number,
  header: Readonly<Record<string, Value>>,
  data: Uint8Array,
): Uint8Array {
  const head = fields({ ...header, op: Uint8Array.of(op) });
  return concat([u32(head.length), head, u32(data.length), data]);
}

export const bagHeader = bagRecord(
  3,
  { index_pos: u64(0), conn_count: u32(1), chunk_count: u32(1) },
  new Uint8Array(64).fill(32),
);

/** A connection for messages with one field `i`. */
export function connection(
  id: number,
  topic: string,
  { type = "test/I", definition = "uint32 i" } = {},
): Uint8Array {
  const data = fields({
    topic,
    type,
    md5sum: "*",
    message_definition: definition,
  });
  return bagRecord(7, { conn: u32(id), topic }, data);
}

/** A message at so many seconds, of `{ i: seconds }`, or of other bytes. */
export function bagMessage(
  id: number,
  seconds: number,
  data: Uint8Array = u32(seconds),
): Uint8Array {
  return bagRecord(
    2,
    { conn: u32(id), time: concat([u32(seconds), u32(0)]) },
    data,
  );
}

export function bagChunk(
  records: Uint8Array,
  { compression = "none", bytes = records, size = records.length } = {},
): Uint8Array {
  return bagRecord(5, { compression, size: u32(size) }, bytes);
}

export function bag(...records: Uint8Array[]): Uint8Array {
  return concat([BAG_MAGIC, bagHeader, ...records]);
}
