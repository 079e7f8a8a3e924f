/**
 * Runs without any permission: the WASM module comes with the sources.
 *
 * @module
 */
import * as smalti from "../../mod.ts";
import { recordAndReplay } from "./record.mjs";

console.log(await recordAndReplay(smalti, "memory:"));
