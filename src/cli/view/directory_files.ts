import type { Client } from "../../client.ts";
import type { Store } from "../../store/store.ts";
import { listStore } from "../store_list.ts";
import { isBelow, openBelow, type OpenedFile } from "./paths.ts";
import type { ServedStore, ShownFile, ShownFiles } from "./shown_files.ts";
import { StoreChanges } from "./store_changes.ts";

const PIECE_BYTES = 256 * 1024;

/** The recordings of a directory. */
export function servedDirectory(store: Store, client: Client): ServedStore {
  const { url: root } = store;
  const files = new DirectoryFiles(root);
  const list = () => listStore(client, store, (directory) => files.isShown(directory));
  return { store, client, files, list, changes: new StoreChanges(store, root) };
}

/** Files of a directory; none that a link leads to elsewhere. */
export class DirectoryFiles implements ShownFiles {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async open(parts: readonly string[]): Promise<ShownFile | undefined> {
    const file = await openBelow(this.#root, parts);
    return file && shown(file);
  }

  isShown(directory: string): Promise<boolean> {
    return isBelow(this.#root, [directory]);
  }
}

function shown({ handle, stats }: OpenedFile): ShownFile {
  const { ino, size, mtimeNs, mtimeMs } = stats;
  return {
    size: Number(size),
    tag: `"${ino.toString(36)}-${size.toString(36)}-${mtimeNs.toString(36)}"`,
    modified: new Date(Number(mtimeMs)).toUTCString(),
    pieceBytes: PIECE_BYTES,
    read: async (offset, length) => {
      const bytes = new Uint8Array(length);
      const { bytesRead } = await handle.read(bytes, 0, length, offset);
      return bytes.subarray(0, bytesRead);
    },
    close: () => handle.close(),
  };
}
