/**
 * What every entry opens, by the scheme of the URL. One that can open more, or what others refuse, says so to `createConnect`.
 *
 * @module
 */
import { inStore, type Schemes } from "./connect.ts";
import { OTHER_SCHEMES } from "./other_schemes.ts";

const web = inStore(async (url) => new (await import("./store/http/http_store.ts")).HttpStore(url));

// In the order in which errors name them.
const { file, memory, ...others } = OTHER_SCHEMES;

/** Each of what reads or writes there is loaded when it is asked for. */
export const SCHEMES: Schemes = { file, memory, http: web, https: web, ...others };
