import { Buffer } from "node:buffer";

/** Whether both are there and hold the same. Vitest's own comparison is far too slow for many files. */
export function sameBytes(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a !== undefined && b !== undefined && Buffer.compare(a, b) === 0;
}
