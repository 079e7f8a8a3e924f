/**
 * `smalti rm NAME`: removes a sequence.
 *
 * @module
 */
import type { Command } from "commander";
import { nameArgument, storeOption } from "./arguments.ts";
import type { Context } from "./context.ts";
import { withClient } from "./open.ts";

/** Adds the command. */
export function addRm(program: Command, { out }: Context): void {
  program.command("rm")
    .description("Removes a sequence with all it holds. There is no way back.")
    .addArgument(nameArgument())
    .addOption(storeOption())
    .action(async (name: string, { store }: { store: string }) => {
      await withClient(store, (client) => client.sequenceDelete(name));
      await out.write(`removed ${name}\n`);
    });
}
