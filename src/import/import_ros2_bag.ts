/**
 * A directory that rosbag2 wrote -> a sequence.
 *
 * @module
 */
import { backendOf, type Client } from "../client.ts";
import { SmaltiError } from "../error.ts";
import { formatOf } from "./formats.ts";
import { openFile } from "./open_file.ts";
import type { ImportOptions } from "./import_options.ts";
import type { ImportReport } from "./import_report.ts";
import { readRos2Bag } from "./ros2_bag.ts";

/** Options of {@linkcode importRos2Bag}. */
export interface ImportRos2BagOptions extends ImportOptions {
  /** Bound on a record or message, and on a file that is compressed whole, in bytes. @default 512 MiB */
  maxRecordBytes?: number;
}

/**
 * Records a bag of ROS 2 that is a directory as a new sequence: all files that its `metadata.yaml` lists, in that order, whether
 * SQLite (`.db3`) or MCAP, also compressed (`.db3.zstd`). The text of the metadata is `ros2.bag_metadata` in the sequence's.
 *
 * Rejects with NOT_FOUND where the directory is no such bag or one of its files is not there, UNSUPPORTED where the runtime has no
 * files or they are of another format; otherwise as {@linkcode importDb3} and {@linkcode importMcap} do.
 *
 * @example
 * ```ts
 * import { connect } from "smalti";
 * import { importRos2Bag } from "smalti/import";
 *
 * await using client = await connect("./recordings");
 * await importRos2Bag(client, "logs/wbag", { name: "wbag" });
 * ```
 *
 * Source: rosbag2_storage of ros2/rosbag2.
 */
export async function importRos2Bag(
  client: Client,
  directory: string,
  options: ImportRos2BagOptions,
): Promise<ImportReport> {
  const bag = await readRos2Bag(directory);
  if (!bag) {
    const text = `Cannot import ${directory}: it is no bag of ROS 2, whose metadata.yaml lists its files`;
    throw new SmaltiError("NOT_FOUND", text, { file: directory });
  }
  const { maxRecordBytes, metadata, signal } = options;
  const opened = await Promise.all(bag.files.map(openFile));
  const { engine } = backendOf(client);
  const { format, sources } = await formatOf(opened, { engine, maxRecordBytes, signal });
  const importer = await format.load();
  return await importer(client, sources, { ...options, metadata: { ...bag.metadata, ...metadata } });
}
