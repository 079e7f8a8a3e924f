import type { FileReader } from "../../src/store/store.ts";
import { pause } from "../../src/util/pause.ts";

/** A store as it is seen from far away: it only reads, holds no file open, and does not tell who writes. */
export function farReader(store: FileReader): FileReader {
  return {
    url: store.url,
    list: (path) => store.list(path),
    size: (path) => store.size(path),
    // It cannot tell a file that grew from another one.
    read: (path, offset, length, { reader: _, ...options } = {}) => store.read(path, offset, length, options),
    watch: () => ({ next: (signal) => pause(5, signal), close: () => {} }),
    close: () => Promise.resolve(),
  };
}
