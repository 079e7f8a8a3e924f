/**
 * A page that fetches the module, as Vite wants it said.
 *
 * @module
 */
import * as smalti from "smalti/slim";
// @ts-ignore: what the bundler makes of it
import wasm from "smalti/smalti.wasm?url";
import { report } from "./report.mjs";

report(smalti, { wasm: new URL(wasm, import.meta.url) });
