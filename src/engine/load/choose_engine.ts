import type * as FsPromises from "node:fs/promises";
import { builtin } from "../../util/builtin.ts";
import { SmaltiError } from "../../error.ts";
import type { Engine } from "../../engine.ts";
import { createWasmEngine } from "../wasm.ts";
import { loadNativeCodecs } from "./native.ts";

/** A compiled `WebAssembly.Module`, which shows nothing of itself: a type that needs no lib "DOM". */
export type WasmModule = object;

/** Where the WASM engine's module comes from: compiled, its bytes, or a URL of them (or the text of one). */
export type WasmSource = WasmModule | ArrayBuffer | Uint8Array<ArrayBuffer> | URL | string;

/** How to choose what decodes and orders. */
export interface EngineOptions {
  /**
   * `auto`: the WASM engine where the runtime has WebAssembly with SIMD, else the one in TypeScript. Both give the same
   * results. @default "auto"
   */
  engine?: "auto" | "wasm" | "js";
  /** The module to use instead of the bundled one. */
  wasm?: WasmSource;
}

/** What an entry of the package brings along; not called before an engine is chosen. */
export type BundledWasm = () => Promise<WasmModule | Uint8Array<ArrayBuffer>>;

/** Engines of what was loaded before, so that a module is compiled and instantiated once. */
const engines = new WeakMap<object, Promise<Engine>>();

/**
 * The engine that the options ask for. A module that cannot be loaded, is broken, or is of other sources is an error
 * (UNAVAILABLE, INVALID_ARGUMENT), never a reason to fall back. UNSUPPORTED where `wasm` is asked for and the runtime has
 * none.
 */
export async function chooseEngine(
  { engine = "auto", wasm }: EngineOptions,
  bundled: BundledWasm | undefined,
): Promise<Engine> {
  if (engine !== "auto" && engine !== "wasm" && engine !== "js") {
    throw new TypeError(`Option engine is ${JSON.stringify(engine)}: wanted "auto", "wasm" or "js"`);
  }
  const source = wasm ?? bundled;
  if (engine === "js" || (engine === "auto" && source === undefined)) {
    return await loadJsEngine();
  }
  if (source === undefined) {
    throw new SmaltiError(
      "INVALID_ARGUMENT",
      "This entry of smalti brings no WASM module: wanted one in option wasm",
    );
  }
  const isObject = typeof source === "object" || typeof source === "function";
  const made = (isObject ? engines.get(source) : undefined) ?? load(source);
  if (isObject) engines.set(source, made);
  try {
    return await made;
  } catch (reason) {
    // Others may wait for it too, and another may have begun since.
    if (isObject && engines.get(source) === made) engines.delete(source);
    if (reason === noWasm && engine === "auto") return await loadJsEngine();
    throw reason;
  }
}

/** Not where the one in WASM does its work. */
async function loadJsEngine(): Promise<Engine> {
  const { createJsEngine } = await import("../js.ts");
  return createJsEngine(loadNativeCodecs());
}

async function load(source: WasmSource | BundledWasm): Promise<Engine> {
  const found = typeof source === "function"
    ? await source()
    : typeof source === "string" || source instanceof URL
    ? await fetchBytes(source)
    : source;
  return await createWasmEngine(isModule(found) ? found : await compile(found), loadNativeCodecs());
}

/** Also true for a module of another realm. */
function isModule(source: object): source is WebAssembly.Module {
  return Object.prototype.toString.call(source) === "[object WebAssembly.Module]";
}

const noWasm = new SmaltiError("UNSUPPORTED", "This runtime does not compile WebAssembly with SIMD");

/** The smallest module with a SIMD instruction: `i32.const 0; i8x16.splat; i8x16.popcnt`. */
// deno-fmt-ignore
const PROBE = Uint8Array.of(
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
);

async function compile(bytes: ArrayBuffer | Uint8Array<ArrayBuffer>): Promise<WebAssembly.Module> {
  try {
    // Absent, too old, or forbidden (by a content security policy, on some edge runtimes).
    await WebAssembly.compile(PROBE);
  } catch {
    throw noWasm;
  }
  try {
    return await WebAssembly.compile(bytes);
  } catch (cause) {
    throw new SmaltiError("INVALID_ARGUMENT", "WASM module is damaged: it does not compile", { cause });
  }
}

async function fetchBytes(url: string | URL): Promise<ArrayBuffer | Uint8Array<ArrayBuffer>> {
  let status: string;
  try {
    const { readFile } = builtin<typeof FsPromises>("node:fs/promises");
    // Node's fetch takes no file: URLs.
    if (readFile && /^file:/i.test(String(url))) return Uint8Array.from(await readFile(new URL(url)));
    const response = await fetch(url);
    if (response.ok) return await response.arrayBuffer();
    status = `status ${response.status}`;
  } catch (cause) {
    throw new SmaltiError("UNAVAILABLE", `Cannot load the WASM module from ${url}`, { cause });
  }
  throw new SmaltiError("UNAVAILABLE", `Cannot load the WASM module from ${url}: ${status}`);
}
