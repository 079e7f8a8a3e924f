/**
 * Removing a sequence, so that one cut short can be ended later: by removing the sequence again, or by creating one of
 * its name.
 *
 * @module
 */
import type { FileReader, Store } from "../store/store.ts";
import { MANIFEST } from "./manifest.ts";

/** The lock's name in a sequence's directory. No topic's path can be it: topic names hold no dots. */
export const LOCK = "sequence.lock";

/** Marks what is left of a sequence: without it nobody could tell that from files of somebody else's. */
export const REMOVED = "sequence.removed";

/** Removes the sequence at a place with all it holds. The caller holds its lock. */
export async function removeSequence(store: Store, place: string): Promise<void> {
  // A disk may be too full for the mark; removing things is what helps then.
  await store.create(`${place}/${REMOVED}`).catch(() => {});
  // Before the rest: what is left is then no sequence.
  await store.remove(`${place}/${MANIFEST}`);
  await removeContents(store, place);
  await store.remove(place);
}

/** Whether a sequence's removal was cut short after its manifest was gone. */
export async function isHalfRemoved(store: FileReader, place: string): Promise<boolean> {
  const entries = await store.list(place);
  return entries.includes(REMOVED) && !entries.includes(MANIFEST);
}

/** Ends a removal that was cut short, where there is one. The caller holds the lock and keeps it. */
export async function endRemoval(store: Store, place: string): Promise<void> {
  if (!await isHalfRemoved(store, place)) return;
  await removeContents(store, place);
  await store.remove(`${place}/${REMOVED}`);
}

/** All but the mark, which must not be gone before them, and the lock. */
async function removeContents(store: Store, place: string): Promise<void> {
  const others = (await store.list(place)).filter((entry) => entry !== REMOVED && entry !== LOCK);
  const removals = await Promise.allSettled(others.map((entry) => store.remove(`${place}/${entry}`)));
  // Only now: the caller gives the lock back, and nothing may go on then.
  for (const removal of removals) if (removal.status === "rejected") throw removal.reason;
}
