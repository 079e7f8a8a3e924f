import { readFile } from "node:fs/promises";
import process from "node:process";
import { loadNativeCodecs } from "../../src/engine/load/native.ts";
import { createWasmEngine } from "../../src/engine/wasm.ts";
import { engineContract } from "../contract/engine.ts";

// The module that CI has just built, where it did.
const path = process.env.SMALTI_WASM ??
  new URL("../../src/engine/generated/smalti.wasm", import.meta.url);
const module = await WebAssembly.compile(await readFile(path));

const engine = await createWasmEngine(module);
const faster = await createWasmEngine(module, loadNativeCodecs());

engineContract("wasm", () => engine);
engineContract("wasm with native codecs", () => faster);
