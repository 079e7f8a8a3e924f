import { readFile } from "node:fs/promises";
import { loadNativeCodecs } from "../../src/engine/load/native.ts";
import { createWasmEngine } from "../../src/engine/wasm.ts";
import { engineContract } from "../contract/engine.ts";

const module = await WebAssembly.compile(
  await readFile(new URL("../../src/engine/generated/smalti.wasm", import.meta.url)),
);

const engine = await createWasmEngine(module);
const faster = await createWasmEngine(module, loadNativeCodecs());

engineContract("wasm", () => engine);
engineContract("wasm with native codecs", () => faster);
