/**
 * `smalti copy [NAME...] --to PLACE`: sequences in another store.
 *
 * @module
 */
import type { Command } from "commander";
import { optionalNamesArgument, storeOption } from "./arguments.ts";
import type { Context } from "./context.ts";
import { count, formatBytes } from "./number_text.ts";
import { withClient } from "./open.ts";
import { startProgress } from "./progress.ts";

/** Adds the command. */
export function addCopy(program: Command, context: Context): void {
  program.command("copy")
    .description(
      "Copies sequences to another store, and checks the copies. One that was cut short is gone on with by the same command.",
    )
    .addArgument(optionalNamesArgument())
    .addOption(storeOption())
    .requiredOption("--to <PLACE>", "the other store: a directory, or s3://bucket/prefix")
    .action(async (names: string[], { store, to }: { store: string; to: string }) => {
      const { signal, out } = context;
      await withClient(store, (from) =>
        withClient(to, async (client) => {
          for (const name of names.length > 0 ? names : await from.listSequences()) {
            const progress = await startProgress(name);
            const onProgress = (bytes: number, total: number) => progress.update(bytes, total);
            const { files, kept, bytes } = await from.copy(name, client, { signal, onProgress })
              .finally(() => progress.stop());
            const there = kept === 0 ? "" : `, ${count(kept, "file")} there already`;
            await out.write(`${name}: ${count(files, "file")} copied${there}, ${formatBytes(bytes)}\n`);
          }
        }), { write: false });
    });
}
