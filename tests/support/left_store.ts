/**
 * What a process that died leaves.
 *
 * @module
 */
import { MemoryStore } from "../../src/store/memory.ts";
import { readAll, type Store } from "../../src/store/store.ts";

/** A store with what another has of a sequence now, but for the lock: as if its writer had died here. */
export async function copyOf(store: Store, sequence: string): Promise<MemoryStore> {
  const copy = new MemoryStore();
  const visit = async (directory: string): Promise<void> => {
    for (const entry of await store.list(directory)) {
      const path = `${directory}/${entry}`;
      if (entry === "sequence.lock") continue;
      if ((await store.list(path)).length > 0) await visit(path);
      else await copy.replace(path, await readAll(store, path));
    }
  };
  await visit(sequence);
  return copy;
}
