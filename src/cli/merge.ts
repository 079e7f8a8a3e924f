/**
 * `smalti merge NAME... --into NEW`: several sequences as a new one.
 *
 * @module
 */
import { Argument, type Command, Option } from "commander";
import { totals } from "../util/totals.ts";
import { parseSequenceName, storeOption, topicsOption } from "./arguments.ts";
import type { Context } from "./context.ts";
import { count } from "./number_text.ts";
import { withClient } from "./open.ts";
import { startProgress } from "./progress.ts";

interface Options {
  into: string;
  topics?: string[];
  store: string;
}

/** Adds the command. */
export function addMerge(program: Command, { out, signal }: Context): void {
  program.command("merge")
    .description(
      "Makes a new sequence of several: a topic that more than one has becomes one, in time order.",
    )
    .addArgument(
      new Argument("<NAME...>", "names of the sequences")
        .argParser((text, before: string[] = []) => [...before, parseSequenceName(text)]),
    )
    .addOption(
      new Option("--into <NEW>", "name of the new sequence").argParser(parseSequenceName)
        .makeOptionMandatory(),
    )
    .addOption(topicsOption())
    .addOption(storeOption())
    .addHelpText("after", "\nMessages of one time, and facts of one key, go by the order of the names.")
    .action(async (names: string[], { into, topics, store }: Options) => {
      await withClient(store, async (client) => {
        const handlers = [];
        for (const name of names) handlers.push(await client.sequenceHandler(name));
        const { mergeSequences } = await import("../edit/merge.ts");
        const progress = await startProgress("merging");
        const onProgress = progress.update;
        const info = await mergeSequences(handlers, client, into, { topics, signal, onProgress })
          .finally(() => progress.stop());
        const { rowCount: rows } = totals(info.topics);
        await out.write(`${into}: ${count(rows, "message")} of ${count(names.length, "sequence")}\n`);
      });
    });
}
