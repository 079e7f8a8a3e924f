import type * as Fs from "node:fs";
import type * as FsPromises from "node:fs/promises";
import { builtin } from "../../util/builtin.ts";

// Empty where there are no files.
const { statSync } = builtin<typeof Fs>("node:fs");
const { stat } = builtin<typeof FsPromises>("node:fs/promises");

/**
 * What the system knows of a file. ENOENT for a directory. EINVAL for what else is no regular file, to be asked before one
 * is opened: to open a FIFO waits for its other end, and to read a device may never end. To write to one such as /dev/full
 * does.
 */
export async function statRegular(path: string, isForWriting = false): Promise<Fs.Stats> {
  return checkRegular(await stat(path), isForWriting);
}

/** The same at once, for a file to be read. */
export function statRegularSync(path: string): Fs.Stats {
  return checkRegular(statSync(path), false);
}

function checkRegular(found: Fs.Stats, isForWriting: boolean): Fs.Stats {
  if (found.isFile() || (isForWriting && found.isCharacterDevice())) return found;
  if (found.isDirectory()) throw Object.assign(new Error("it is a directory"), { code: "ENOENT" });
  throw Object.assign(new Error(`it is ${kindOf(found)}: wanted a regular file`), { code: "EINVAL" });
}

function kindOf(found: Fs.Stats): string {
  if (found.isFIFO()) return "a FIFO";
  if (found.isSocket()) return "a socket";
  return found.isCharacterDevice() || found.isBlockDevice() ? "a device" : "no file";
}
