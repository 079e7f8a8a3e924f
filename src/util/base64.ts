import { builtin } from "./builtin.ts";

/** What is used of Node's bytes. */
interface NodeBytes {
  from(buffer: ArrayBufferLike, offset: number, length: number): { toString(encoding: "base64"): string };
}

const { "Buffer": nodeBytes } = builtin<{ "Buffer"?: NodeBytes }>("node:buffer");

/** Bytes in base64. */
export function encodeBase64(bytes: Uint8Array): string {
  const native = bytes as { toBase64?(): string };
  if (native.toBase64) return native.toBase64();
  // Node's `btoa` takes ten times as long.
  if (nodeBytes) return nodeBytes.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
  let text = "";
  // In pieces: an argument list has a limit.
  for (let i = 0; i < bytes.length; i += 8192) {
    text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  }
  return btoa(text);
}

/** The bytes that base64 stands for. */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  const { fromBase64 } = Uint8Array as unknown as { fromBase64?(text: string): Uint8Array<ArrayBuffer> };
  if (fromBase64) return fromBase64(text);
  const units = atob(text);
  const bytes = new Uint8Array(units.length);
  for (let i = 0; i < units.length; i++) bytes[i] = units.charCodeAt(i);
  return bytes;
}
