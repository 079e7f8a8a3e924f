/**
 * A server that Mosaico's Python SDK takes for its daemon, over any client's recordings. Runs on Deno, Node and Bun.
 *
 * @module
 */
export { createServer, Server, type ServerOptions } from "./server.ts";
export type { CallRecord } from "./service.ts";
export type { ApiKey, Permission } from "./api_keys.ts";
