/**
 * `smalti recover [NAME...]`: commits what writers that died left behind.
 *
 * @module
 */
import type { Command } from "commander";
import type { Client } from "../client.ts";
import { SmaltiError } from "../error.ts";
import type { RecoveredFile } from "../types.ts";
import { optionalNamesArgument, storeOption } from "./arguments.ts";
import type { Context } from "./context.ts";
import { errorText } from "./error_text.ts";
import { count, formatBytes } from "./number_text.ts";
import { withClient } from "./open.ts";
import { printable } from "./printable.ts";
import { formatTime } from "./time_text.ts";

/** Adds the command. */
export function addRecover(program: Command, context: Context): void {
  program.command("recover")
    .description(
      "Commits what is left of sequences whose writers died, or of all such, and says what was kept and lost.",
    )
    .addArgument(optionalNamesArgument())
    .option(
      "--failed",
      "commit sequences too that were given up and marked as failed, as by an import that met a flaw",
    )
    .addOption(storeOption())
    .addHelpText(
      "after",
      "\nSound files are not touched. What was only in the writer's memory is not known: where no message had reached\n" +
        "the disk, there is none to keep, and that is said. Exit code 1 where bytes had to be left out, else 0.",
    )
    .action(async (given: string[], { failed = false, store }: { failed?: boolean; store: string }) => {
      await withClient(store, async (client) => {
        const names = given.length > 0 ? given : await client.listSequences();
        for (const name of names) {
          try {
            await recover(context, client, name, failed);
          } catch (reason) {
            if (given.length > 0) throw reason;
            // Of all: directories that hold something else, and sequences that are being recorded.
            if (!(reason instanceof SmaltiError) || !["NOT_FOUND", "LOCKED"].includes(reason.code)) {
              throw reason;
            }
          }
        }
      });
    });
}

async function recover(context: Context, client: Client, name: string, failed: boolean): Promise<void> {
  const { out } = context;
  const { changed, failedSessions, files } = await client.recover(name, { failed });
  for (const file of files) {
    await out.write(`${printable(file.topic)}: ${outcomeOf(file)}\n`);
    if (file.bytesDiscarded > 0) context.exitCode = 1;
  }
  await out.write(
    `${name}: ${
      changed
        ? failedSessions ? "recovered" : `recovered${nothingKept(files)}`
        : files.length > 0
        ? "damaged"
        : `nothing to recover${
          await failedBefore(client, name) ? "; it failed: --failed commits what it has" : ""
        }`
    }\n`,
  );
}

async function failedBefore(client: Client, name: string): Promise<boolean> {
  return (await client.sequenceHandler(name)).info.sessions.some(({ state }) => state === "failed");
}

/** What came of one topic's file. */
function outcomeOf({ rowsKept, batchesKept, bytesDiscarded, lastNs, error }: RecoveredFile): string {
  if (error) return `failed: ${errorText(error)}`;
  if (rowsKept === 0 && bytesDiscarded === 0) return "no message had reached the disk";
  const kept = `kept ${count(rowsKept, "row")} in ${batchesKept} ${batchesKept === 1 ? "batch" : "batches"}`;
  const last = lastNs === undefined ? "" : `, the last at ${formatTime(lastNs)}`;
  return kept + last + (bytesDiscarded === 0 ? "" : `; left out ${formatBytes(bytesDiscarded)}`);
}

/** Where a recovery brought no message: that, so that nobody takes it for one that did; else nothing. */
function nothingKept(files: readonly RecoveredFile[]): string {
  if (files.some(({ rowsKept, error }) => rowsKept > 0 || error)) return "";
  const isCut = files.some(({ bytesDiscarded }) => bytesDiscarded > 0);
  return isCut
    ? ", but no message had reached the disk whole"
    : ", but no message had reached the disk: its writer ended before the first flush";
}
