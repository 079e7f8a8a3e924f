/**
 * A sequence -> JSON lines (NDJSON).
 *
 * @module
 */
import type { Message, MessageJson } from "../read/merge/message.ts";
import type { SequenceHandler } from "../read/sequence_handler.ts";
import { exportLines } from "./lines.ts";
import type { ExportOptions, ExportReport } from "./recording_export.ts";

/** The column of imported topics that holds what the others do not, and is null in nearly every message. */
const OVERFLOW = "_json";

/**
 * Writes a sequence as JSON lines in UTF-8: a message a line, in strict time order, as its `toJSON()` gives it (see
 * {@linkcode MessageJson}): `{"timestamp_ns":"1700000000000000000","topic":"imu","ontology":"IMU","data":{...}}`. Times are
 * decimal strings, and so are integers beyond 2^53; bytes are in base64, missing values null, and NaN and the infinities, which
 * JSON has not, the texts `"NaN"`, `"Infinity"` and `"-Infinity"`; -0 is 0: `pushJson` of a topic takes it all back. A column `_json`
 * is left out where it is null.
 *
 * The sink is closed at the end and aborted where it fails. Memory is bounded by the stream's and 64 KiB of text, and a
 * sink that is slow slows the export down.
 *
 * Rejects as reading does (CORRUPT, NOT_FOUND of a topic, RangeError of a window), with the signal's reason, or with what
 * the sink fails with.
 *
 * @example
 * ```ts
 * import { connect } from "smalti";
 * import { createFile, exportJsonLines } from "smalti/export";
 *
 * await using client = await connect("./recordings");
 * const handler = await client.sequenceHandler("drive_log_01");
 * const report = await exportJsonLines(handler, await createFile("gps.ndjson"), { topics: ["gps/front"] });
 * console.log(report.messageCount, report.byteCount);
 * ```
 *
 * Source: JSON Lines, https://jsonlines.org.
 */
export async function exportJsonLines(
  handler: SequenceHandler,
  sink: WritableStream<Uint8Array>,
  options: ExportOptions = {},
): Promise<ExportReport> {
  return await exportLines(handler, sink, options, jsonLine);
}

/** A message as a line of JSON, its end included. */
export function jsonLine(message: Message): string {
  return JSON.stringify(jsonOf(message)) + "\n";
}

/** What a line says of a message. */
export function jsonOf(message: Message): MessageJson {
  const json = message.toJSON();
  // Set, not deleted: deleting makes an object slow. What is undefined JSON leaves out.
  if (json.data[OVERFLOW] === null) json.data[OVERFLOW] = undefined;
  return json;
}
