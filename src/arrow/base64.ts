/** Bytes in base64. */
export function encodeBase64(bytes: Uint8Array): string {
  let text = "";
  // In pieces: an argument list has a limit.
  for (let i = 0; i < bytes.length; i += 8192) {
    text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  }
  return btoa(text);
}
