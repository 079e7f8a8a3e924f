/**
 * `smalti recover [NAME]`: commits what writers that died left behind.
 *
 * @module
 */
import type { Command } from "commander";
import type { Client } from "../client.ts";
import { SmaltiError } from "../error.ts";
import { optionalNameArgument, storeOption } from "./arguments.ts";
import type { Context } from "./context.ts";
import { errorText } from "./error_text.ts";
import { count, formatBytes } from "./number_text.ts";
import { namingStore, withClient } from "./open.ts";
import { printable } from "./printable.ts";
import { formatTime } from "./time_text.ts";

/** Adds the command. */
export function addRecover(program: Command, context: Context): void {
  program.command("recover")
    .description(
      "Commits what is left of a sequence whose writer died, or of all such, and says what was kept and lost.",
    )
    .addArgument(optionalNameArgument())
    .addOption(storeOption())
    .addHelpText(
      "after",
      "\nSound files are not touched. What was only in the writer's memory is not known. Exit code 1 where bytes had\n" +
        "to be left out.",
    )
    .action(async (name: string | undefined, { store }: { store: string }) => {
      await withClient(store, async (client) => {
        const names = name === undefined ? await client.listSequences() : [name];
        for (const each of names) {
          try {
            await recover(context, client, each);
          } catch (reason) {
            if (name !== undefined) throw namingStore(reason, store, name);
            // Of all: directories that hold something else, and sequences that are being recorded.
            if (!(reason instanceof SmaltiError) || !["NOT_FOUND", "LOCKED"].includes(reason.code)) {
              throw reason;
            }
          }
        }
      });
    });
}

async function recover(context: Context, client: Client, name: string): Promise<void> {
  const { out } = context;
  const { changed, files } = await client.recover(name);
  for (const { topic, rowsKept, batchesKept, bytesDiscarded, lastNs, error } of files) {
    const kept =
      `kept ${count(rowsKept, "row")} in ${batchesKept} ${batchesKept === 1 ? "batch" : "batches"}` +
      (lastNs === undefined ? "" : `, the last at ${formatTime(lastNs)}`);
    const lost = bytesDiscarded === 0 ? "" : `; left out ${formatBytes(bytesDiscarded)}`;
    await out.write(`${printable(topic)}: ${error ? `failed: ${errorText(error)}` : kept + lost}\n`);
    if (bytesDiscarded > 0) context.exitCode = 1;
  }
  await out.write(
    `${name}: ${changed ? "recovered" : files.length > 0 ? "damaged" : "nothing to recover"}\n`,
  );
}
