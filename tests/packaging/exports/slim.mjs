import * as main from "smalti";
import * as smalti from "smalti/slim";
import { outcome, recordAndReplay } from "../record.mjs";
import { check, withDirectory } from "./support.mjs";

const names = (module) => Object.keys(module).sort().join(" ");
check("exports as the main entry", names(smalti) === names(main), true);
check("classes of the main entry", smalti.SmaltiError === main.SmaltiError, true);
check("in memory", await recordAndReplay(smalti, "memory:"), "js");
await withDirectory(async (directory) => {
  check("in a directory", await recordAndReplay(smalti, directory), "js");
});
check(
  "engine wasm without a module",
  await outcome(smalti, "memory:", { engine: "wasm" }),
  "INVALID_ARGUMENT",
);
