/**
 * `smalti serve DIR`: the recordings of a directory, for Mosaico's clients.
 *
 * @module
 */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Client } from "../client.ts";
import { isNotFound, SmaltiError } from "../error.ts";
import type { ApiKey, Server } from "../flight/server/mod.ts";
import { mapLimited } from "../util/map_limited.ts";
import { parsePort } from "./arguments.ts";
import type { Context } from "./context.ts";
import { errorText } from "./error_text.ts";
import { count, formatBytes } from "./number_text.ts";
import { withClient } from "./open.ts";
import { writeError } from "./output.ts";
import { isRemote } from "./remote_file.ts";
import { readApiKeys, readText } from "./serve_files.ts";
import { ServeLog } from "./serve_log.ts";
import { UsageError } from "./usage_error.ts";

/** As long as timers can be: 24 days. */
const MAX_SECONDS = 2_000_000;

/** Where the store is far away, one after another would take a round trip each. */
const MANIFESTS_AT_A_TIME = 16;

interface Options {
  host: string;
  port: number;
  tlsCert?: string;
  tlsKey?: string;
  apiKeys?: string;
  readOnly?: true;
  sessionTimeout: number;
  log?: "json";
}

/** Adds the command. */
export function addServe(program: Command, context: Context): void {
  program.command("serve")
    .description(
      "Serves the recordings of a directory or a bucket to Mosaico's clients (Arrow Flight), until Ctrl-C.",
    )
    .argument("<DIR>", "directory with the recordings, or s3://bucket/prefix")
    .option("--host <H>", "address to listen on", "127.0.0.1")
    .addOption(
      new Option("--port <N>", "port to listen on; 0 takes a free one").default(6726).argParser(parsePort),
    )
    .option("--tls-cert <FILE>", "certificate, and what it is signed with, in PEM; with --tls-key")
    .option("--tls-key <FILE>", "key of the certificate, in PEM")
    .option("--api-keys <FILE>", "keys that are accepted, as JSON; without it everybody may do everything")
    .option("--read-only", "refuse all that writes or deletes, and recover nothing")
    .addOption(
      new Option(
        "--session-timeout <S>",
        "seconds after which a session ends that no client does anything with",
      )
        .default(600).argParser(parseSeconds),
    )
    .addOption(
      new Option(
        "--log <FORMAT>",
        "a line on stderr for every call; without it, one a minute in which there were calls",
      ).choices(["json"]),
    )
    .addHelpText(
      "after",
      '\nThe file of keys: [{"key": "...", "permission": "read" | "write" | "delete" | "manage", "expires": "2030-01-01"}].\n' +
        "Each permission includes those before it; expires may be left out. What clients were writing when the server\n" +
        "is stopped, or their session ends for want of calls, is kept, marked as failed. What a server that was killed\n" +
        "left behind is recovered at the start; in a bucket while it serves already.",
    )
    .action(async (directory: string, options: Options) => {
      const { host, port, tlsCert, tlsKey } = options;
      if ((tlsCert === undefined) !== (tlsKey === undefined)) {
        throw new UsageError("--tls-cert and --tls-key go together");
      }
      const tls = tlsCert !== undefined && tlsKey !== undefined
        ? { cert: await readText(tlsCert), key: await readText(tlsKey) }
        : undefined;
      const apiKeys = options.apiKeys === undefined ? undefined : await readApiKeys(options.apiKeys);
      await withClient(directory, async (client) => {
        const { createServer } = await import("../flight/server/mod.ts");
        const { signal } = context;
        const isFar = isRemote(directory);
        if (options.readOnly) await refuseMissing(client, directory);
        else if (!isFar) await recoverAll(client, signal);
        const log = new ServeLog(options.log === "json");
        const server = await createServer(client, {
          host,
          port,
          ...(tls && { tls }),
          ...(apiKeys && { apiKeys }),
          ...(options.readOnly && { readOnly: true }),
          sessionTimeoutMs: options.sessionTimeout * 1000,
          onCall: (call) => log.add(call),
          onError: logError,
        });
        // To look at all of a bucket takes long: nobody waits for it.
        const recovering = isFar && !options.readOnly
          ? recoverAll(client, signal).catch(logError)
          : Promise.resolve();
        try {
          await serve(context, server, log, directory, apiKeys);
        } finally {
          await recovering;
        }
      });
    });
}

/** Until a signal ends it. */
async function serve(
  context: Context,
  server: Server,
  log: ServeLog,
  directory: string,
  apiKeys: readonly ApiKey[] | undefined,
): Promise<void> {
  const endLog = log.watch(server);
  try {
    await context.out.write(`serving ${directory} at ${server.url}\n`);
    await context.out.flush();
    const isLocal = server.host === "127.0.0.1" || server.host === "::1";
    if (!apiKeys && !isLocal) {
      await writeError("smalti: no --api-keys: whoever reaches this address may read, write and delete\n");
    }
    if (!server.url.startsWith("grpc+tls:") && !isLocal) {
      const what = apiKeys ? "API keys and recordings" : "recordings";
      await writeError(`smalti: no --tls-cert: ${what} cross the network for all to see\n`);
    }
    const { signal } = context;
    if (!signal.aborted) {
      await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    }
  } finally {
    endLog();
    await server.close();
  }
  context.signal.throwIfAborted();
}

/** Who only reads would wait for ever for what is in a misspelled directory. NOT_FOUND. */
async function refuseMissing(client: Client, place: string): Promise<void> {
  const names = await client.listSequences().catch((reason) => {
    if (isNotFound(reason)) throw reason;
  });
  // Buckets have no directories: where nothing is, nothing was meant.
  if (names?.length === 0 && isRemote(place)) {
    throw new SmaltiError("NOT_FOUND", `Cannot serve ${place}: there is no sequence`);
  }
}

/** Commits what writers left that died: nobody could read it, or go on with it, until then. */
async function recoverAll(client: Client, signal: AbortSignal): Promise<void> {
  // Where there is no store yet, the first client to write makes it.
  const names = await client.listSequences().catch((reason) => {
    if (isNotFound(reason)) return [];
    throw reason;
  });
  const states = await mapLimited(names, MANIFESTS_AT_A_TIME, async (name) => {
    // The server ends.
    if (signal.aborted) return "unknown";
    return await client.sequenceInfo(name).then(({ state }) => state, (reason: Error) => reason);
  });
  for (const [i, name] of names.entries()) {
    const state = states[i];
    if (signal.aborted) return;
    try {
      if (state instanceof Error) throw state;
      if (state !== "recording") continue;
      const { files } = await client.recover(name);
      const rows = files.reduce((sum, { rowsKept }) => sum + rowsKept, 0);
      const lost = files.reduce((sum, { bytesDiscarded }) => sum + bytesDiscarded, 0);
      await writeError(
        `smalti: recovered "${name}": kept ${count(rows, "row")} in ${
          count(files.length, "topic")
        }, left out ${formatBytes(lost)}\n`,
      );
    } catch (reason) {
      const code = reason instanceof SmaltiError ? reason.code : undefined;
      // A directory that holds something else; a sequence whose writer lives.
      if (code === "NOT_FOUND" || code === "LOCKED") continue;
      await writeError(`smalti: left "${name}" as it is: ${errorText(reason)}\n`);
    }
  }
}

function logError(reason: unknown): void {
  const text = reason instanceof SmaltiError
    ? errorText(reason)
    : (reason instanceof Error && reason.stack) || String(reason);
  writeError(`smalti: ${text}\n`);
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && seconds > 0 && seconds <= MAX_SECONDS) return seconds;
  throw new InvalidArgumentError(`Wanted seconds, more than 0 and at most ${MAX_SECONDS}.`);
}
