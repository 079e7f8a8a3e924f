/**
 * What `smalti serve` says of its calls: each with `--log json`, and every minute how it is doing.
 *
 * @module
 */
import process from "node:process";
import type { CallRecord, Server } from "../flight/server/mod.ts";
import { writeError } from "./output.ts";
import { printable } from "./printable.ts";

const PERIOD_MS = 60_000;

/** Counts calls, and writes them down. */
export class ServeLog {
  readonly #isJson: boolean;
  readonly #start = performance.now();
  /** Calls since the start, by status. */
  readonly #calls = new Map<string, number>();
  #hasNews = false;

  constructor(isJson: boolean) {
    this.#isJson = isJson;
  }

  /** Takes a call that has ended. */
  add(call: CallRecord): void {
    this.#calls.set(call.status, (this.#calls.get(call.status) ?? 0) + 1);
    this.#hasNews = true;
    if (!this.#isJson) return;
    const durationMs = Math.round(call.durationMs * 10) / 10;
    this.#write({ ...call, durationMs });
  }

  /** Writes how a server is doing every minute in which there were calls. The function ends that with a last line. */
  watch(server: Server): () => void {
    const timer = setInterval(() => this.#health(server), PERIOD_MS);
    return () => {
      clearInterval(timer);
      this.#health(server);
    };
  }

  #health(server: Server): void {
    if (!this.#hasNews) return;
    this.#hasNews = false;
    const calls = Object.fromEntries([...this.#calls].sort(([a], [b]) => a < b ? -1 : 1));
    const facts = {
      uptimeS: Math.round((performance.now() - this.#start) / 1000),
      connections: server.connectionCount,
      openSessions: server.openSessionCount,
      memoryMb: Math.round(process.memoryUsage().rss / 1e6),
    };
    if (this.#isJson) return this.#write({ event: "health", ...facts, calls });
    const counts = Object.entries(calls).map(([status, count]) => `${count} ${status}`).join(", ");
    const { uptimeS, connections, openSessions, memoryMb } = facts;
    writeError(
      `smalti: up ${uptimeS} s, calls: ${counts}; ${connections} connections, ${openSessions} open sessions, ${memoryMb} MB\n`,
    );
  }

  #write(entry: object): void {
    // Still JSON, which escapes a character so.
    writeError(`${printable(JSON.stringify({ time: new Date().toISOString(), ...entry }))}\n`);
  }
}
