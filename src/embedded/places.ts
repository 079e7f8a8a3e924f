/**
 * Where sequences are in a store: a directory each, called by the rule of `file_names.ts`. Older versions called it as the
 * sequence; such a directory is found where there is none by the rule.
 *
 * @module
 */
import { isNotFound } from "../error.ts";
import { compareNames, isSequenceName } from "../names.ts";
import { type FileReader, readAll } from "../store/store.ts";
import { fileNameOf, partOf } from "./file_names.ts";
import { MANIFEST } from "./manifest.ts";
import { REMOVED } from "./remove_sequence.ts";

/** Names of the sequences that entries of a store stand for, each once, in ASCII order. */
export function sequencesOf(entries: readonly string[]): string[] {
  const names = entries.map(partOf).filter((name) => name !== undefined && isSequenceName(name)) as string[];
  return [...new Set(names)].sort(compareNames);
}

/** Where a sequence is, or would be created. */
export async function placeOf(files: FileReader, name: string): Promise<string> {
  const place = fileNameOf(name);
  if (place === name || await isThere(files, place)) return place;
  return await olderPlace(files, name) ?? place;
}

/** Where an older version put a sequence; undefined where it did not, or the rule gives the same place. */
export async function olderPlace(files: FileReader, name: string): Promise<string | undefined> {
  if (fileNameOf(name) === name || !await isThere(files, name)) return undefined;
  // A file system that does not tell capitals from small letters finds another sequence's.
  return await isExact(files, name) ? name : undefined;
}

/** Whether a directory holds a sequence, or what is left of one. */
async function isThere(files: FileReader, place: string): Promise<boolean> {
  return await has(files, `${place}/${MANIFEST}`) || await has(files, `${place}/${REMOVED}`);
}

async function has(files: FileReader, path: string): Promise<boolean> {
  try {
    await files.size(path);
    return true;
  } catch (reason) {
    if (isNotFound(reason)) return false;
    throw reason;
  }
}

/** Whether a directory that was found has this very name. */
async function isExact(files: FileReader, place: string): Promise<boolean> {
  if ("append" in files) return (await files.list("")).includes(place);
  // What only reads may not list its directories, or not as they are now: what the manifest says decides, if it says anything.
  const text = new TextDecoder().decode(await readAll(files, `${place}/${MANIFEST}`));
  const written = /"name": "([^"]*)"/.exec(text)?.[1];
  return written === undefined || written === place || written.toLowerCase() !== place.toLowerCase();
}
