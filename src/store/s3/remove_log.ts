/**
 * Removing what a log is of, in an order in which it may be cut short at any time.
 *
 * @module
 */
import type { Bucket } from "./bucket.ts";

/** All keys with a prefix. */
export async function* keysBelow(bucket: Bucket, prefix: string): AsyncGenerator<string> {
  for await (const { keys } of bucket.list(prefix)) yield* keys;
}

/** Removes records and bulk objects that nobody needs any more: all but the epochs and what is to stay. */
export async function tidyLog(bucket: Bucket, root: string, stays: ReadonlySet<string>): Promise<void> {
  const keys: string[] = [];
  for await (const key of keysBelow(bucket, root)) {
    if (isInFolder(root, key) && !stays.has(key)) keys.push(key);
  }
  await bucket.delete(keys);
}

/**
 * Removes a log whole. First the records: without its first an epoch has none. Then the epochs, the last one first, so that
 * those that are left have no gaps. At the very end the last record of each, which may be a fence: a writer that wakes up
 * then sees that its epoch is gone.
 */
export async function removeLog(bucket: Bucket, root: string): Promise<void> {
  const epochs: string[] = [];
  const folders = new Map<string, string[]>();
  for await (const key of keysBelow(bucket, root)) {
    if (!isInFolder(root, key)) {
      epochs.push(key);
      continue;
    }
    const folder = key.slice(0, key.lastIndexOf("/") + 1);
    folders.set(folder, [...folders.get(folder) ?? [], key]);
  }
  const [first, middle, last]: string[][] = [[], [], []];
  for (const keys of folders.values()) {
    const records = keys.filter((key) => /\/\d+$/.test(key)).sort();
    const end = records.pop();
    if (end !== undefined) last.push(end);
    if (records.length > 0) first.push(records[0]);
    middle.push(...keys.filter((key) => key !== end && key !== records[0]));
  }
  await bucket.delete(first);
  await bucket.delete(middle);
  for (const epoch of epochs.sort().reverse()) await bucket.delete([epoch]);
  await bucket.delete(last);
}

function isInFolder(root: string, key: string): boolean {
  return key.includes("/", root.length);
}
