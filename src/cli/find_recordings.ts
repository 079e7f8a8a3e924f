/**
 * Paths -> the recordings to import.
 *
 * @module
 */
import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, join, resolve, sep } from "node:path";
import { SmaltiError } from "../error.ts";
import { readRos2Bag } from "../import/ros2_bag.ts";
import { legalSequenceName, MAX_PART } from "../names.ts";
import { fileError } from "../store/directory/file_error.ts";
import type { Metadata } from "../types.ts";
import { fileNameOfUrl, isRemote, shownUrl } from "./remote_file.ts";
import { UsageError } from "./usage_error.ts";

/** A recording: what becomes a sequence. */
export interface Recording {
  /** The file or directory, as people are told. */
  readonly path: string;
  readonly files: readonly string[];
  /** Facts about it beside those in the files. */
  readonly metadata: Metadata;
  /** Why it cannot be imported, where that showed when it was found. */
  readonly reason?: unknown;
}

/** What stands for standard input. */
export const STDIN = "-";

/** A file is one recording. */
export function ofFile(path: string): Recording {
  return { path, files: [path], metadata: {} };
}

/**
 * The recordings that paths and URLs name, in their order. A directory of rosbag2 is one; any other stands for all that is below it, in the
 * order of the names, and so does a pattern (`*`, `?`, `**`) that no shell has replaced. NOT_FOUND where one has none. What cannot be
 * read is there too, with the reason.
 *
 * @param store Where recordings go: what is there is none to be imported.
 */
export async function findRecordings(paths: readonly string[], store: string): Promise<Recording[]> {
  const found = await Promise.all(paths.map(async (path) => {
    if (path === STDIN) return [ofFile(path)];
    if (isRemote(path)) {
      if (/[*?]/.test(fileNameOfUrl(path))) {
        throw new UsageError(
          `${shownUrl(path)} is a pattern, and only files of this machine are found by one`,
        );
      }
      return [{ path: shownUrl(path), files: [path], metadata: {} }];
    }
    const stats = await stat(path).catch(() => undefined);
    const except = resolve(store);
    if (!stats && /[*?]/.test(path)) {
      return await below(baseOf(path), { except, matches: patternOf(path) }, path);
    }
    if (!stats?.isDirectory()) return [ofFile(path)];
    return await below(path, { except }, path);
  }));
  return found.flat();
}

async function below(
  directory: string,
  options: Omit<WalkOptions, "onError">,
  path: string,
): Promise<Recording[]> {
  const recordings: Recording[] = [];
  const onError = (path: string, reason: unknown) => {
    recordings.push({ ...ofFile(path), reason });
    return Promise.resolve();
  };
  for await (const recording of walkFiles(directory, { ...options, onError })) {
    const { path, files } = recording;
    try {
      if (files[0] !== path || await hasFormat(path)) recordings.push(recording);
    } catch (reason) {
      await onError(path, reason);
    }
  }
  if (recordings.length > 0) return recordings;
  throw new SmaltiError("NOT_FOUND", `There is no recording in ${path}`, { file: path });
}

/** Options of {@linkcode walkFiles}. */
export interface WalkOptions {
  /** A directory to leave out, as an absolute path. */
  except: string;
  /** Which paths to take. @default all */
  matches?: RegExp;
  /** Hears of what cannot be read, and is left out then. */
  onError: (path: string, reason: unknown) => Promise<void>;
}

/**
 * The files and bags in and below a directory, by name, whether they are recordings or not. What is hidden is left out, and so is
 * a file that ends in `.part` or `.tmp`. Links to directories are not followed.
 */
export async function* walkFiles(directory: string, options: WalkOptions): AsyncGenerator<Recording> {
  const { except, matches, onError } = options;
  if (resolve(directory) === except) return;
  let entries: Dirent[];
  try {
    entries = await readdir(directory, { withFileTypes: true });
    const bag = matches?.test(directory) === false ? undefined : await readRos2Bag(directory);
    if (bag) return yield { path: directory, ...bag };
  } catch (reason) {
    // As shells do, a pattern passes over directories that it does not name.
    if (matches?.test(directory) !== false) await onError(directory, fileError(reason, "read", directory));
    return;
  }
  entries.sort((a, b) => a.name < b.name ? -1 : 1);
  for (const entry of entries) {
    if (/^\.|\.(part|tmp)$/.test(entry.name)) continue;
    const path = join(directory, entry.name);
    if (entry.isDirectory()) {
      yield* walkFiles(path, options);
      continue;
    }
    if (matches?.test(path) === false) continue;
    try {
      if ((await stat(path)).isFile()) yield ofFile(path);
    } catch (reason) {
      const error = fileError(reason, "open", path);
      if (error.code !== "NOT_FOUND") await onError(path, error); // else a link to nothing, or it has gone meanwhile
    }
  }
}

/** Whether a file that nobody named is a recording. */
async function hasFormat(path: string): Promise<boolean> {
  const [{ openFile }, { findFormat }] = await Promise.all([
    import("../import/open_file.ts"),
    import("../import/formats.ts"),
  ]);
  return await findFormat(await openFile(path)) !== undefined;
}

/** The directory below which all is that a pattern names. */
function baseOf(pattern: string): string {
  const parts = pattern.split(/[/\\]/);
  const at = parts.findIndex((part) => /[*?]/.test(part));
  return at === 0 ? "." : parts.slice(0, at).join(sep) || sep;
}

/** `*` and `?` stand for what is within a name, `**` for any number of directories. */
function patternOf(pattern: string): RegExp {
  const path = join(pattern); // as the walk has them
  const text = path.replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*\*[/\\]|\*\*|\*|\?/g, (wildcard) => {
      if (wildcard === "?") return "[^/\\\\]";
      if (wildcard === "*") return "[^/\\\\]*";
      return wildcard === "**" ? ".*" : "(?:.*[/\\\\])?";
    });
  return new RegExp(`^${text}$`);
}

/**
 * The sequence's name for a recording: the file's without its extensions, or the directory's, `_` for what the rule forbids. Throws a
 * UsageError where nothing is left.
 */
export function nameOfRecording({ path, files }: Pick<Recording, "path" | "files">): string {
  if (path === STDIN) throw new UsageError("standard input has no name: give the sequence's by --name");
  const isFile = files[0] === path || isRemote(path);
  const last = isRemote(path) ? fileNameOfUrl(path) : basename(resolve(path));
  const bare = isFile ? last.replace(/\.zstd?$/, "").replace(/(?<=.)\.[^.]*$/, "") : last;
  const name = legalSequenceName(bare);
  if (name !== "") return name;
  throw new UsageError(`no sequence name can be made of ${JSON.stringify(path)}; give one by --name`);
}

/** A name that is not taken: the same, or with `_2`, `_3` and so on. */
export function freeName(name: string, taken: ReadonlySet<string>): string {
  let free = name;
  for (let number = 2; taken.has(free); number++) {
    const end = `_${number}`;
    free = name.slice(0, MAX_PART - end.length) + end;
  }
  return free;
}
