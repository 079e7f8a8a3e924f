/**
 * What of a message goes to the other side without a copy.
 *
 * @module
 */

/** Buffers and bitmaps of a message. A buffer of which an array has only a part may be another's too, and is copied. */
export function transferablesOf(message: unknown): Transferable[] {
  const found = new Set<Transferable>();
  visit(message, found, 0);
  return [...found];
}

function visit(value: unknown, found: Set<Transferable>, depth: number): void {
  // Answers are no deeper; what messages hold may be.
  if (typeof value !== "object" || value === null || depth > 20) return;
  if (ArrayBuffer.isView(value)) {
    const { buffer, byteLength } = value;
    if (buffer instanceof ArrayBuffer && byteLength === buffer.byteLength && byteLength > 0) {
      found.add(buffer);
    }
    return;
  }
  if (typeof ImageBitmap !== "undefined" && value instanceof ImageBitmap) {
    return void found.add(value as unknown as Transferable);
  }
  if (value instanceof Blob || value instanceof Date) return;
  for (const part of Object.values(value)) visit(part, found, depth + 1);
}
