/**
 * The engines under test, by the name in the cases.
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import process from "node:process";
import type { Engine } from "../src/engine.ts";
import { createJsEngine } from "../src/engine/js.ts";
import { loadNativeCodecs } from "../src/engine/load/native.ts";
import { createWasmEngine } from "../src/engine/wasm.ts";

/**
 * The engines to take: both, unless SMALTI_ENGINE names one. Whole replays take one a process, as programs do: V8
 * optimizes code that has seen two less well.
 */
export const engineNames: readonly ("js" | "wasm")[] = (["js", "wasm"] as const)
  .filter((name) => (process.env.SMALTI_ENGINE ?? name) === name);

/** Both, with what the runtime has in native code. */
export async function loadEngines(): Promise<Engine[]> {
  const bytes = await readFile(new URL("../src/engine/generated/smalti.wasm", import.meta.url));
  const native = loadNativeCodecs();
  return [createJsEngine(native), await createWasmEngine(await WebAssembly.compile(bytes), native)];
}
