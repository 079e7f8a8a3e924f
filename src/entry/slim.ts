/**
 * `smalti/slim`: what records and replays without the WASM module and apache-arrow, for libraries that leave the choice to
 * their users. The engine is the one in TypeScript unless `connect(url, { wasm })` is given a module; `smalti/smalti.wasm` is
 * one. Tables and RecordBatches want `connect(url, { arrow })`.
 *
 * @module
 */
import { type Connect, createConnect } from "../connect.ts";
import { SCHEMES } from "../schemes.ts";

export * from "../api.ts";

/** As `connect` of the main entry, without a module of its own. */
export const connect: Connect = createConnect({ schemes: SCHEMES });
