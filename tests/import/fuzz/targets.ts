/**
 * What is fuzzed, by name.
 *
 * @module
 */
import type { FuzzTarget } from "./check.ts";
import { sqliteTarget } from "./databases.ts";
import { messagesTarget, ROS_TOKENS } from "./messages.ts";
import { bagTarget, mcapTarget, ulogTarget } from "./recordings.ts";
import { arrowTarget, csvTarget, linesTarget, parquetTarget } from "./tables.ts";

export const FUZZ_TARGETS: Readonly<Record<string, () => Promise<FuzzTarget>>> = {
  sqlite: sqliteTarget,
  csv: csvTarget,
  parquet: parquetTarget,
  arrow: arrowTarget,
  lines: linesTarget,
  flatbuffer: () => messagesTarget(({ encoding }) => encoding === "flatbuffer"),
  protobuf: () => messagesTarget(({ encoding }) => encoding === "protobuf"),
  ros: () => messagesTarget(({ schema }) => schema.encoding.startsWith("ros"), ROS_TOKENS),
  bag: bagTarget,
  ulog: ulogTarget,
  mcap: mcapTarget,
};
