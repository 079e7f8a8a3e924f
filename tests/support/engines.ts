import { readFile } from "node:fs/promises";
import { Client } from "../../src/client.ts";
import { EmbeddedBackend } from "../../src/embedded/embedded_backend.ts";
import type { Engine } from "../../src/engine.ts";
import { createJsEngine } from "../../src/engine/js.ts";
import { createWasmEngine } from "../../src/engine/wasm.ts";
import type { Store } from "../../src/store/store.ts";
import { loadArrow } from "./tables.ts";

const MODULE = new URL("../../src/engine/generated/smalti.wasm", import.meta.url);

/** Each engine once: what is read with one must be what is read with another. */
export async function allEngines(): Promise<Engine[]> {
  return [createJsEngine(), await createWasmEngine(await WebAssembly.compile(await readFile(MODULE)))];
}

/** A client on a store, with an engine. */
export function clientWith(engine: Engine, store: Store, maxCachedBytes?: number): Client {
  return new Client(new EmbeddedBackend(store, engine, maxCachedBytes), loadArrow);
}
