/**
 * Large buffers that are used again. Fresh ones are dear: the system gives them page by page, and a JavaScript engine
 * collects garbage for every few of them. Nobody has to give one back; who does must be its only holder. Up to 64 MiB of
 * them are kept as long as the process lives.
 *
 * @module
 */

/** Below this a fresh one is cheap. */
const LEAST_BYTES = 128 * 1024;
/** Sizes are multiples of this, so that one fits the next time too. */
const STEP_BYTES = 64 * 1024;
/** Kept at most, together. */
const MOST_BYTES = 64 * 1024 * 1024;

const spare: ArrayBuffer[] = [];
let bytesKept = 0;

/** Bytes that the caller owns, 8-byte aligned and not zero: whatever was in them before. */
export function takeBytes(length: number): Uint8Array<ArrayBuffer> {
  if (length < LEAST_BYTES) return new Uint8Array(length);
  const at = spare.findLastIndex(({ byteLength }) => byteLength >= length && byteLength <= 2 * length);
  if (at < 0) return new Uint8Array(new ArrayBuffer(Math.ceil(length / STEP_BYTES) * STEP_BYTES), 0, length);
  const [buffer] = spare.splice(at, 1);
  bytesKept -= buffer.byteLength;
  return new Uint8Array(buffer, 0, length);
}

/** Gives back the whole buffer that the bytes are in, once nobody will look at it any more. */
export function giveBytes({ buffer }: Uint8Array): void {
  const { byteLength } = buffer;
  if (byteLength < LEAST_BYTES || byteLength % STEP_BYTES > 0 || byteLength > MOST_BYTES / 2) return;
  if (!(buffer instanceof ArrayBuffer)) return;
  // The oldest go first.
  while (bytesKept + byteLength > MOST_BYTES) bytesKept -= spare.shift()!.byteLength;
  spare.push(buffer);
  bytesKept += byteLength;
}
