/**
 * A directory that rosbag2 wrote: `metadata.yaml` beside the files of one recording.
 *
 * @module
 */
import type * as FsPromises from "node:fs/promises";
import type * as Path from "node:path";
import { SmaltiError } from "../error.ts";
import { fileError } from "../store/directory/file_error.ts";
import type { Metadata } from "../types.ts";
import { builtin } from "../util/builtin.ts";

const { readFile, stat } = builtin<typeof FsPromises>("node:fs/promises");
const { basename, join } = builtin<typeof Path>("node:path");

/** A directory with one recording. */
export interface Ros2Bag {
  /** Paths of its files, in their order. */
  readonly files: readonly string[];
  /** Facts for the sequence: the text of `metadata.yaml`. */
  readonly metadata: Metadata;
}

const METADATA_FILE = "metadata.yaml";
const METADATA_KEY = "ros2.bag_metadata";
/** What is read of it: the most that is metadata and not something else. */
const MAX_BYTES = 16 * 2 ** 20;

/**
 * The bag that a directory is; undefined where it is none. NOT_FOUND where one of its files is not there, UNSUPPORTED where the
 * runtime has no files; else as reading the metadata does.
 */
export async function readRos2Bag(directory: string): Promise<Ros2Bag | undefined> {
  if (stat === undefined) {
    throw new SmaltiError("UNSUPPORTED", `Cannot open ${directory}: this runtime has no files`);
  }
  const path = join(directory, METADATA_FILE);
  const found = await statOf(path);
  if (!found?.isFile() || found.size > MAX_BYTES) return undefined;
  const text = await readFile(path, "utf8").catch((reason) => {
    throw fileError(reason, "read", path);
  });
  const names = bagFiles(text);
  if (names.length === 0) return undefined;
  const files = await Promise.all(names.map((name) => findFile(directory, name, path)));
  return { files, metadata: { [METADATA_KEY]: text } };
}

/** Old versions put the directory's name in front, and a file may have been compressed or decompressed since. */
async function findFile(directory: string, name: string, metadata: string): Promise<string> {
  const path = join(directory, basename(name));
  for (const file of [path, `${path}.zstd`, path.replace(/\.zstd$/, "")]) {
    if ((await statOf(file))?.isFile()) return file;
  }
  const text = `${metadata} names ${JSON.stringify(name)}, which is not there`;
  throw new SmaltiError("NOT_FOUND", text, { file: path });
}

/** Undefined where there is no such file. */
async function statOf(path: string) {
  try {
    return await stat(path);
  } catch (reason) {
    const error = fileError(reason, "open", path);
    if (error.code === "NOT_FOUND") return undefined;
    throw error;
  }
}

/**
 * The files of a bag in their order: the list `relative_file_paths`, which is all that is wanted of the YAML. Empty where it has
 * none.
 */
export function bagFiles(yaml: string): string[] {
  const lines = yaml.split(/\r?\n/);
  const at = lines.findIndex((line) => /^ *relative_file_paths:/.test(line));
  if (!/^ *rosbag2_bagfile_information:/m.test(yaml) || at < 0) return [];
  const flow = /:\s*\[(.*)\]\s*$/.exec(lines[at]);
  if (flow) return flow[1].split(",").map(scalar).filter((name) => name !== "");
  const names: string[] = [];
  for (const line of lines.slice(at + 1)) {
    const item = /^ *- +(.+)$/.exec(line);
    if (!item) break;
    names.push(scalar(item[1]));
  }
  return names;
}

/** A scalar of YAML: plain, or quoted one way or the other. */
function scalar(text: string): string {
  const bare = text.trim();
  if (/^".*"$/.test(bare)) return bare.slice(1, -1).replace(/\\(["\\/])/g, "$1");
  if (/^'.*'$/.test(bare)) return bare.slice(1, -1).replaceAll("''", "'");
  return bare.replace(/\s+#.*$/, "");
}
