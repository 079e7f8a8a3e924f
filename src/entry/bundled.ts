import { decodeBase64 } from "../util/base64.ts";

/** The bytes of the WASM module, which are part of the package as text: base64 of what gzip makes of them, a third of their size. */
export async function bundledModule(): Promise<Uint8Array<ArrayBuffer>> {
  const { WASM_TEXT } = await import("../engine/generated/wasm_text.ts");
  const packed = new Blob([decodeBase64(WASM_TEXT)]).stream();
  return new Uint8Array(
    await new Response(packed.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer(),
  );
}
