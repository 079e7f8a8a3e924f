import { decodeBase64 } from "../util/base64.ts";

/** The bytes of the WASM module, which are part of the package as text. */
export async function bundledModule(): Promise<Uint8Array<ArrayBuffer>> {
  const { WASM_TEXT } = await import("../engine/generated/wasm_text.ts");
  return decodeBase64(WASM_TEXT);
}
