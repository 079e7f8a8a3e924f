/**
 * The engines under test, by the name in the cases.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import type { Engine } from "../src/engine/engine.ts";
import { createJsEngine } from "../src/engine/js.ts";
import { loadNativeCodecs } from "../src/engine/load/native.ts";
import { createWasmEngine } from "../src/engine/wasm.ts";

/** Both, with what the runtime has in native code. */
export async function loadEngines(): Promise<Engine[]> {
  const bytes = await readFile(new URL("../src/engine/generated/smalti.wasm", import.meta.url));
  const native = loadNativeCodecs();
  return [createJsEngine(native), await createWasmEngine(await WebAssembly.compile(bytes), native)];
}
