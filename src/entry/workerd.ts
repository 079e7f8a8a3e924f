/**
 * The main entry for runtimes that compile no bytes but import modules (workerd, edge-light).
 *
 * @module
 */
// @ts-ignore: a compiled module to these runtimes and their bundlers; others type it as its exports, or not at all
import module from "../engine/generated/smalti.wasm";
import { type Connect, createConnect } from "../connect.ts";
import { SCHEMES } from "../schemes.ts";

export * from "../api.ts";

/** As `connect` of the main entry. */
export const connect: Connect = createConnect({
  wasm: () => Promise.resolve(module as object),
  schemes: SCHEMES,
});
