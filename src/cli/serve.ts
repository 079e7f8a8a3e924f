/**
 * `smalti serve DIR`: the recordings of a directory, for Mosaico's clients.
 *
 * @module
 */
import { type Command, InvalidArgumentError, Option } from "commander";
import { SmaltiError } from "../error.ts";
import type { ApiKey, Server } from "../flight/server/mod.ts";
import type { Context } from "./context.ts";
import { errorText } from "./error_text.ts";
import { withClient } from "./open.ts";
import { writeError } from "./output.ts";
import { readApiKeys, readText } from "./serve_files.ts";
import { ServeLog } from "./serve_log.ts";
import { UsageError } from "./usage_error.ts";

interface Options {
  host: string;
  port: number;
  tlsCert?: string;
  tlsKey?: string;
  apiKeys?: string;
  readOnly?: true;
  log?: "json";
}

/** Adds the command. */
export function addServe(program: Command, context: Context): void {
  program.command("serve")
    .description("Serves the recordings of a directory to Mosaico's clients (Arrow Flight), until Ctrl-C.")
    .argument("<DIR>", "directory with the recordings")
    .option("--host <H>", "address to listen on", "127.0.0.1")
    .addOption(
      new Option("--port <N>", "port to listen on; 0 takes a free one").default(6726).argParser(parsePort),
    )
    .option("--tls-cert <FILE>", "certificate, and what it is signed with, in PEM; with --tls-key")
    .option("--tls-key <FILE>", "key of the certificate, in PEM")
    .option("--api-keys <FILE>", "keys that are accepted, as JSON; without it everybody may do everything")
    .option("--read-only", "refuse all that writes or deletes")
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
        "is stopped is kept, marked as failed.",
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
        const log = new ServeLog(options.log === "json");
        const server = await createServer(client, {
          host,
          port,
          ...(tls && { tls }),
          ...(apiKeys && { apiKeys }),
          ...(options.readOnly && { readOnly: true }),
          onCall: (call) => log.add(call),
          onError: logError,
        });
        await serve(context, server, log, directory, apiKeys);
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

function logError(reason: unknown): void {
  const text = reason instanceof SmaltiError
    ? errorText(reason)
    : (reason instanceof Error && reason.stack) || String(reason);
  writeError(`smalti: ${text}\n`);
}

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port < 65_536) return port;
  throw new InvalidArgumentError("Wanted 0 to 65535.");
}
