import { SmaltiError } from "../../src/error.ts";
import type { Store } from "../../src/store/store.ts";

/**
 * The same store, on a disk without room for a second copy of a file: at the end of a session small batches are not joined,
 * so that what was flushed apart stays apart.
 */
export function keepingBatches<S extends Store>(store: S): S {
  const create = store.create.bind(store);
  store.create = async (path) => {
    if (!path.endsWith(".arrow.new")) return await create(path);
    throw new SmaltiError("NO_SPACE", `Cannot create ${path}: no room for a second copy`, { file: path });
  };
  return store;
}
