import * as main from "smalti";
import * as slim from "smalti/slim";
import { recordAndReplay } from "../record.mjs";
import { check, readExport, withDirectory } from "./support.mjs";

const bytes = await readExport("smalti/smalti.wasm");
const module = await WebAssembly.compile(bytes);
check("imports", WebAssembly.Module.imports(module).length, 0);

check("its bytes", await recordAndReplay(slim, "memory:", { wasm: bytes }), "wasm");
check("compiled", await recordAndReplay(slim, "memory:", { wasm: module }), "wasm");
const url = import.meta.resolve("smalti/smalti.wasm");
check("its URL", await recordAndReplay(slim, "memory:", { wasm: url }), "wasm");
check("its bytes, engine js", await recordAndReplay(slim, "memory:", { wasm: bytes, engine: "js" }), "js");
check("instead of the bundled one", await recordAndReplay(main, "memory:", { wasm: module }), "wasm");
await withDirectory(async (directory) => {
  check("in a directory", await recordAndReplay(slim, directory, { wasm: bytes }), "wasm");
});
