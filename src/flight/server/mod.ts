/**
 * A server that Mosaico's Python SDK takes for its daemon, over any client's recordings. Runs on Deno, Node and Bun.
 *
 * @module
 */
export { createServer, Server, type ServerOptions } from "./server.ts";
export type { CallRecord } from "./call_record.ts";
export type { ApiKey, Permission } from "./api_keys.ts";
