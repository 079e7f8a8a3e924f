import * as smalti from "smalti";
import { outcome, recordAndReplay } from "../record.mjs";
import { check, withDirectory } from "./support.mjs";

console.log(Object.keys(smalti).sort().join(" "));
check("in memory", await recordAndReplay(smalti, "memory:"), "wasm");
check("in memory, engine js", await recordAndReplay(smalti, "memory:", { engine: "js" }), "js");
check("in memory, engine wasm", await recordAndReplay(smalti, "memory:", { engine: "wasm" }), "wasm");
await withDirectory(async (directory) => {
  check("in a directory", await recordAndReplay(smalti, directory), "wasm");
  check("in a directory, engine js", await recordAndReplay(smalti, directory, { engine: "js" }), "js");
});
check("a URL of another kind", await outcome(smalti, "ftp://host/"), "UNSUPPORTED");
