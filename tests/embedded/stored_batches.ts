import { decodeFrame, MessageType } from "../../src/engine/batch_message.ts";
import { readAll, type Store } from "../../src/store/store.ts";

/** How many batches a topic's file has, found by going through it; it may have no footer. */
export async function storedBatches(store: Store, path: string): Promise<number> {
  const bytes = await readAll(store, path);
  let count = 0;
  for (let at = 8; at < bytes.length;) {
    const frame = decodeFrame(bytes.subarray(at));
    if (!frame) break;
    if (frame.type === MessageType.recordBatch) count++;
    at += frame.headBytes + frame.bodyBytes;
  }
  return count;
}

/** Paths of all files of a store, in ASCII order. */
export async function allFiles(store: Store, path = ""): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await store.list(path)) {
    const below = path === "" ? entry : `${path}/${entry}`;
    const isFile = await store.size(below).then(() => true, () => false);
    found.push(...isFile ? [below] : await allFiles(store, below));
  }
  return found.sort();
}
