/**
 * The main entry for browsers, and for bundlers that build for them: without what reaches servers, which is Node's.
 *
 * @module
 */
import { type Connect, createConnect } from "../connect.ts";
import { bundledModule } from "./bundled.ts";
import { SCHEMES } from "../schemes.ts";

export * from "../api.ts";

/** As `connect` of the main entry, but for `grpc:` URLs, which are UNSUPPORTED. */
export const connect: Connect = createConnect({ wasm: bundledModule, schemes: SCHEMES });
