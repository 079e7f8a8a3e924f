/** What a PNG begins with. */
export const SIGNATURE: readonly number[] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Whether bytes begin as a PNG does. */
export function isPng(bytes: Uint8Array): boolean {
  return SIGNATURE.every((byte, i) => bytes[i] === byte);
}

/** Bytes through a stream, such as a `CompressionStream`, piece by piece. */
export async function* through(
  parts: readonly Uint8Array[],
  stream: ReadableWritablePair<Uint8Array, BufferSource>,
): AsyncGenerator<Uint8Array> {
  const reader = new Blob(parts as Uint8Array<ArrayBuffer>[]).stream().pipeThrough(stream).getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    // Who stops early, since there is too much, leaves the rest.
    reader.cancel().catch(() => {});
  }
}
