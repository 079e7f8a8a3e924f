/**
 * Text that is short enough for a URL: deflated, in base64url.
 *
 * @module
 */

/** Packs a text. */
export async function deflateText(text: string): Promise<string> {
  const deflated = new Blob([text]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(deflated).arrayBuffer());
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/**
 * Unpacks it. Rejects where it was not packed so, is cut, or comes to more bytes than allowed: it stops there, so that a small
 * text cannot fill the memory.
 */
export async function inflateText(packed: string, maxBytes: number): Promise<string> {
  if (!/^[A-Za-z0-9_-]+$/.test(packed)) throw new Error("it is no base64url");
  const binary = atob(packed.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(binary, (char) => char.charCodeAt(0));
  const inflated = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const reader = inflated.getReader();
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  let size = 0;
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return text + decoder.decode();
    size += value.length;
    if (size > maxBytes) {
      await reader.cancel().catch(() => {});
      throw new Error(`it has more than ${maxBytes} bytes`);
    }
    text += decoder.decode(value, { stream: true });
  }
}
