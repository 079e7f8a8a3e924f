/**
 * `smalti filter NAME NEW`: some topics or some time of a sequence as a new one.
 *
 * @module
 */
import { Argument, type Command } from "commander";
import { totals } from "../util/totals.ts";
import { nameArgument, parseSequenceName, storeOption, topicsOption } from "./arguments.ts";
import type { Context } from "./context.ts";
import { count } from "./number_text.ts";
import { withClient } from "./open.ts";
import { startProgress } from "./progress.ts";
import { endOption, resolveWindow, startOption, TIMES_HELP, type WindowOptions } from "./time_argument.ts";

interface Options extends WindowOptions {
  topics?: string[];
  store: string;
}

/** Adds the command. */
export function addFilter(program: Command, { out, signal }: Context): void {
  program.command("filter")
    .description("Makes a new sequence of some topics, or some time, of another.")
    .addArgument(nameArgument())
    .addArgument(new Argument("<NEW>", "name of the new sequence").argParser(parseSequenceName))
    .addOption(topicsOption())
    .addOption(startOption())
    .addOption(endOption())
    .addOption(storeOption())
    .addHelpText("after", TIMES_HELP)
    .action(async (name: string, made: string, options: Options) => {
      await withClient(options.store, async (client) => {
        const handler = await client.sequenceHandler(name);
        const { filterSequence } = await import("../edit/filter.ts");
        const { topics } = options;
        const progress = await startProgress("filtering");
        const onProgress = progress.update;
        const edit = { topics, ...resolveWindow(options, handler), signal, onProgress };
        const info = await filterSequence(handler, client, made, edit).finally(() => progress.stop());
        await out.write(`${made}: ${count(totals(info.topics).rowCount, "message")} of ${name}\n`);
      });
    });
}
