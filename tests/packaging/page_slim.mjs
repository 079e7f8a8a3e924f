/**
 * A page that fetches the module: the URL is where esbuild's loader "file" copies it.
 *
 * @module
 */
import * as smalti from "smalti/slim";
// @ts-ignore: what the bundler makes of it
import wasm from "smalti/smalti.wasm";
import { report } from "./report.mjs";

report(smalti, { wasm: new URL(wasm, import.meta.url) });
