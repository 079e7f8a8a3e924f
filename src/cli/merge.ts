/**
 * `smalti merge NAME... --into NEW`: several sequences as a new one.
 *
 * @module
 */
import { Argument, type Command, Option } from "commander";
import { totals } from "../util/totals.ts";
import { parseSequenceName, parseTopicName, storeOption, topicsOption } from "./arguments.ts";
import type { Context } from "./context.ts";
import { count } from "./number_text.ts";
import { withClient } from "./open.ts";
import { startProgress } from "./progress.ts";
import { endOption, resolveWindow, startOption, TIMES_HELP, type WindowOptions } from "./time_argument.ts";
import { UsageError } from "./usage_error.ts";

interface Options extends WindowOptions {
  into: string;
  topics?: string[];
  prefix?: string[];
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
    .addOption(
      new Option("--prefix <a,b>", "what the topics of each sequence are put under, so that they stay apart")
        .argParser((text, before: string[] = []) => [...before, ...text.split(",").map(parsePrefix)]),
    )
    .addOption(startOption())
    .addOption(endOption())
    .addOption(storeOption())
    .addHelpText("after", TIMES_HELP.replace("the sequence", "all sequences"))
    .addHelpText("after", "\nMessages of one time, and facts of one key, go by the order of the names.")
    .action(async (names: string[], { into, topics, prefix: prefixes, store, ...times }: Options) => {
      if (prefixes && prefixes.length !== names.length) {
        throw new UsageError(
          `wanted as many prefixes as sequences, ${names.length}: there are ${prefixes.length}`,
        );
      }
      await withClient(store, async (client) => {
        const handlers = [];
        for (const name of names) handlers.push(await client.sequenceHandler(name));
        const window = resolveWindow(times, { topics: handlers.flatMap(({ topics }) => topics) });
        const { mergeSequences } = await import("../edit/merge.ts");
        const progress = await startProgress("merging");
        const onProgress = progress.update;
        const edit = { topics, prefixes, ...window, signal, onProgress };
        const info = await mergeSequences(handlers, client, into, edit)
          .finally(() => progress.stop());
        const { rowCount: rows } = totals(info.topics);
        await out.write(`${into}: ${count(rows, "message")} of ${count(names.length, "sequence")}\n`);
      });
    });
}

/** What topics are put under: as a topic's name. */
const parsePrefix = (text: string) => text === "" ? "" : parseTopicName(text);
