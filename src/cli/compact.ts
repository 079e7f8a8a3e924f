/**
 * `smalti compact [NAME]`: joins the small batches that frequent flushes left.
 *
 * @module
 */
import type { Command } from "commander";
import type { Client } from "../client.ts";
import { SmaltiError } from "../error.ts";
import { optionalNameArgument, storeOption } from "./arguments.ts";
import type { Context } from "./context.ts";
import { errorText } from "./error_text.ts";
import { formatBytes } from "./number_text.ts";
import { withClient } from "./open.ts";
import { printable } from "./printable.ts";

/** Adds the command. */
export function addCompact(program: Command, context: Context): void {
  program.command("compact")
    .description("Joins small batches, as frequent flushes leave them, of a sequence or of all.")
    .addArgument(optionalNameArgument())
    .addOption(storeOption())
    .addHelpText(
      "after",
      "\nRows and their order stay. A topic is written anew where that saves at least a tenth of its batches or bytes, and\n" +
        "where its file, of an older version, lacks the bounds of blocks of rows by which plots and queries are quick; the\n" +
        "disk needs room for both meanwhile. Finalizing does the same, so this is for recordings made before, or on a disk\n" +
        "that was full. Exit code 1 where a topic could not be compacted.",
    )
    .action(async (name: string | undefined, { store }: { store: string }) => {
      await withClient(store, async (client) => {
        const names = name === undefined ? await client.listSequences() : [name];
        for (const each of names) {
          context.signal.throwIfAborted();
          try {
            await compact(context, client, each);
          } catch (reason) {
            if (name !== undefined) throw reason;
            if (!(reason instanceof SmaltiError)) throw reason;
            // Of all: directories that hold something else.
            if (reason.code === "NOT_FOUND") continue;
            // What is being recorded will be compacted at its end.
            if (reason.code !== "LOCKED") context.exitCode = 1;
            await context.out.write(`${printable(each)}: not compacted: ${errorText(reason)}\n`);
          }
        }
      });
    });
}

async function compact(context: Context, client: Client, name: string): Promise<void> {
  const { out } = context;
  const { topics } = await client.compact(name);
  for (const { topic, batchesBefore, batches, sizeBytesBefore, sizeBytes, error } of topics) {
    if (error) context.exitCode = 1;
    const done = `${batchesBefore} to ${batches} batches, ${formatBytes(sizeBytesBefore)} to ${
      formatBytes(sizeBytes)
    }`;
    await out.write(`${printable(topic)}: ${error ? `failed: ${errorText(error)}` : done}\n`);
  }
  const failed = topics.filter(({ error }) => error).length;
  const verdict = failed > 0 ? "not compacted" : topics.length > 0 ? "compacted" : "nothing to compact";
  await out.write(`${name}: ${verdict}\n`);
}
