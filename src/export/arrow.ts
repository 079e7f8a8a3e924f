/**
 * A sequence -> Arrow IPC files.
 *
 * @module
 */
import { BATCH_BYTES, BATCH_ROWS } from "../arrow/batching.ts";
import type { Columns } from "../arrow/columns.ts";
import { MAGIC } from "../arrow/decode.ts";
import { encodeBatch, encodeFileEnd, encodeSchemaMessage, type FooterBlock } from "../arrow/encode.ts";
import { compressBuffer } from "../arrow/seal_batch.ts";
import type { Engine } from "../engine.ts";
import { headBytesOf } from "../engine/batch_message.ts";
import type { SequenceHandler } from "../read/sequence_handler.ts";
import type { FieldSchema, Schema } from "../schema.ts";
import type { ExportOptions, ExportReport } from "./recording_export.ts";
import { exportTables, groupsOf, type TableOutput, type TopicTable } from "./topic_files.ts";

/**
 * Writes a sequence as Arrow IPC files (Feather of version 2), a file for each topic: its columns as they are recorded,
 * `timestamp_ns` first, in time order, in batches of about half a mebibyte, buffers compressed by LZ4 where that saves
 * (with decimals of 128 bits and more none are, for polars). Dictionaries, views and runs, which recordings of other software may have, go out plain. The schema's metadata has
 * the names of sequence and topic, the ontology's tag, and what was told of both as JSON (`smalti:topic`, ...).
 *
 * Into a directory (`createDirectory`) go all topics, as `TOPIC.arrow`; a topic `gps/front` is `gps/front.arrow`. A stream
 * takes one topic: INVALID_ARGUMENT where others are chosen or there. What it writes to is closed at the end and
 * aborted where it fails. Memory is bounded by the stream's and a batch.
 *
 * Rejects as reading does (CORRUPT, NOT_FOUND of a topic, RangeError of a window), with the signal's reason, or with what
 * writing fails with.
 *
 * @example
 * ```ts
 * import { connect } from "smalti";
 * import { createDirectory, exportArrow } from "smalti/export";
 *
 * await using client = await connect("./recordings");
 * const handler = await client.sequenceHandler("drive_log_01");
 * await exportArrow(handler, await createDirectory("drive_log_01"), { topics: ["imu", "gps/front"] });
 * ```
 *
 * Source: Arrow Columnar Format, "Serialization and Interprocess Communication (IPC)".
 */
export async function exportArrow(
  handler: SequenceHandler,
  output: TableOutput,
  options: ExportOptions = {},
): Promise<ExportReport> {
  return await exportTables(handler, output, options, "arrow", (topic) => writeTopic(handler.engine, topic));
}

async function writeTopic(engine: Engine, topic: TopicTable): Promise<void> {
  const { fields } = topic;
  const schema: Schema = { fields, metadata: topic.facts };
  const blocks: FooterBlock[] = [];
  let offset = 0;
  const write = async (bytes: Uint8Array) => {
    await topic.write(bytes);
    offset += bytes.length;
  };
  const compress = hasWideNumbers(fields) ? undefined : (bytes: Uint8Array) => compressBuffer(engine, bytes);
  const writeBatch = async (columns: Columns) => {
    const message = encodeBatch(columns, { compress });
    blocks.push({ offset, length: message.length, headBytes: headBytesOf(message) });
    await write(message);
  };
  const head = encodeSchemaMessage(schema);
  const start = new Uint8Array(8 + head.length);
  start.set(MAGIC);
  start.set(head, 8);
  await write(start);
  for await (const columns of groupsOf(topic, () => BATCH_BYTES, BATCH_ROWS)) await writeBatch(columns);
  await write(encodeFileEnd(schema, blocks, new Map()));
}

/** Whether there are numbers of 16 bytes: polars fails on those that are not compressed in a batch whose buffers may be. */
function hasWideNumbers(fields: readonly FieldSchema[]): boolean {
  return fields.some(({ type, children }) => {
    return type.kind === "decimal" && type.bits >= 128 || hasWideNumbers(children);
  });
}
