import type { TimestampNs } from "../timestamp.ts";
import type { Metadata } from "../types.ts";
import type { OptionNames } from "../util/options.ts";
import type { TimeUnit } from "./message_time.ts";
import type { OntologyMappings } from "./ontology/known.ts";
import type { RosDefinitions } from "./ros/ros_definitions.ts";

/** Options of every import. */
export interface ImportOptions {
  /** The new sequence's name. */
  name: string;
  /** Facts about the sequence, beside those from the file. @default {} */
  metadata?: Metadata;
  /** Gives the import up. @default none */
  signal?: AbortSignal;
  /** Called as bytes of all files have been read; `totalBytes` is undefined where one does not say. @default none */
  onProgress?: (bytesRead: number, totalBytes: number | undefined) => void;
  /** Bound on what the sequence's topics hold in memory before it is stored, in bytes. @default 16 MiB */
  maxBufferedBytes?: number;
  /**
   * What integers of 64 bits become, as all of JSON's are: columns of int64, which read as bigint, or of float64, which
   * read as numbers (`message.data.lat * 1e-7`). An integer that no float64 holds exactly, which is one beyond 2^53, does
   * not fit such a column: JSON keeps it in `_json`. @default "bigint"
   */
  integers?: "bigint" | "number";
  /**
   * Whether to keep what the file has around each message, as columns: its number in the file over all topics `_index`
   * (uint64), which goes on from file to file; of MCAP also publish time `_publish_time_ns` (uint64) and sequence number
   * `_sequence` (uint32); `_padding` (binary) for messages in CDR whose bytes their values do not tell. @default false
   */
  envelope?: boolean;
  /**
   * Which time orders the messages: `log`, when they were recorded; `publish`, when they were sent, which MCAP alone tells
   * (INVALID_ARGUMENT for other files); else a field of the messages, its names with `.` between them: `header.stamp`.
   * (`.log` is a field called log.) The field holds a number of `timeUnit`, an ISO 8601 text, or an object with seconds and
   * nanoseconds as in ROS: `sec` and `nanosec`. Digits beyond nanoseconds are rounded. A message whose field is missing or
   * says no time is a flaw, and so are all messages that stay bytes. The other times are kept: the log time as column `_log_time_ns`, and in MCAP the publish time, where a field
   * orders, as `_publish_time_ns`; in ULog it is the field `timestamp` anyway. @default "log"
   */
  time?: "log" | "publish" | (string & Record<never, never>);
  /** What numbers in the field `time` count. @default "ns"; in tables told by their size */
  timeUnit?: TimeUnit;
  /**
   * Topics to take, as patterns of their names in the file: `*` stands for anything, the last pattern that matches decides, and
   * one with `!` before it takes away; where all take away, they do from all topics. @default all
   */
  topics?: readonly string[];
  /** The first time to take, of those that order the messages. @default no bound */
  startNs?: TimestampNs;
  /** The first time not to take. @default no bound */
  endNs?: TimestampNs;
  /**
   * Whether to write nothing: the file is read, messages are decoded and checked, and the report tells what would come of it. Its
   * `sequence` is made up then: its topics have no bytes, and whether its name is free is not looked at. @default false
   */
  dryRun?: boolean;
  /**
   * Topics whose messages become those of Mosaico's classes where their types are known (ROS's and PX4's usual ones), as
   * patterns of names: `*` stands for anything, and a pattern with `!` before it takes away again. Messages that do not fit are
   * kept as they are on a topic `<name>_raw`. @default none
   */
  ontology?: readonly string[];
  /**
   * Further types for {@linkcode ontology}, by their name in the file: the class, and where each of its fields comes from.
   * They come before those that are known. @default none
   */
  mappings?: OntologyMappings;
  /**
   * Definitions of ROS 2 messages by type, where the file has none of theirs, as bags from before Iron and MCAP with empty
   * schemas. They come before those of ROS 2 Humble's own packages, which are known. @default those of ROS 2 Humble
   */
  definitions?: RosDefinitions;
  /**
   * Whether to go on where the file is flawed: what cannot be read is left out and told in the report's `flaws`, all else
   * is committed. Else the import fails there. A flaw that costs nothing is told either way. @default false
   */
  salvage?: boolean;
}

/** Their names. */
export const IMPORT_OPTIONS: OptionNames<ImportOptions> = {
  name: true,
  metadata: true,
  signal: true,
  onProgress: true,
  maxBufferedBytes: true,
  integers: true,
  envelope: true,
  time: true,
  timeUnit: true,
  salvage: true,
  topics: true,
  startNs: true,
  endNs: true,
  dryRun: true,
  ontology: true,
  mappings: true,
  definitions: true,
};
