/**
 * A sequence that takes the place of another. It is recorded in a directory of its own within the other's, under the other's
 * lock, and committed by one atomic replacement of `sequence.json` that names the directory: before, the other is as it
 * was; after, nothing leads to its files. Whatever is cut short leaves files that nothing leads to.
 *
 * @module
 */
import type { Store } from "../store/store.ts";
import { isDirectory, MANIFEST, type Manifest } from "./manifest.ts";
import { LOCK } from "./remove_sequence.ts";

/** Whether the entries of a sequence's directory tell of another that is to take its place, or was. */
export function hasOtherDirectory(
  { directory }: Pick<Manifest, "directory">,
  entries: readonly string[],
): boolean {
  return entries.some((entry) => isDirectory(entry) && entry !== directory);
}

/**
 * Removes what is left of sequences that had the place of this one, or were to take it, where there is anything. The caller
 * holds the lock.
 *
 * @param options `ifPossible`: what cannot be removed stays, as it does no harm.
 */
export async function removeReplaced(
  store: Store,
  manifest: Manifest,
  { ifPossible = false }: { ifPossible?: boolean } = {},
): Promise<void> {
  const { place, directory } = manifest;
  const stays = (entry: string) =>
    directory === undefined
      ? !isDirectory(entry)
      : entry === directory || entry.startsWith(MANIFEST) || entry.startsWith(LOCK);
  const left = (await store.list(place)).filter((entry) => !stays(entry));
  for (const entry of left) {
    const removal = store.remove(`${place}/${entry}`);
    await (ifPossible ? removal.catch(() => {}) : removal);
  }
}
