/**
 * `smalti export NAME`: a sequence as a file of another format.
 *
 * @module
 */
import { type Command, Option } from "commander";
import { nameArgument, storeOption, topicsOption } from "./arguments.ts";
import type { Context } from "./context.ts";
import { count } from "./number_text.ts";
import { withSequence } from "./open.ts";
import { startProgress } from "./progress.ts";
import { endOption, resolveWindow, startOption, TIMES_HELP, type WindowOptions } from "./time_argument.ts";

/** What exports as each format. */
const EXPORTERS = {
  mcap: async () => (await import("../export/mcap/export_mcap.ts")).exportMcap,
  ndjson: async () => (await import("../export/json_lines.ts")).exportJsonLines,
};

interface Options extends WindowOptions {
  to: keyof typeof EXPORTERS;
  output?: string;
  topics?: string[];
  store: string;
}

/** Adds the command. */
export function addExport(program: Command, context: Context): void {
  program.command("export")
    .description("Writes a sequence as a file of another format.")
    .addArgument(nameArgument())
    .addOption(new Option("--to <FORMAT>", "which").choices(Object.keys(EXPORTERS)).makeOptionMandatory())
    .addOption(new Option("-o, --output <FILE>", "the new file (default: standard output)"))
    .addOption(topicsOption())
    .addOption(startOption())
    .addOption(endOption())
    .addOption(storeOption())
    .addHelpText("after", TIMES_HELP)
    .action((name: string, options: Options) => exportSequence(context, name, options));
}

async function exportSequence({ out, signal }: Context, name: string, options: Options): Promise<void> {
  const { to, output, topics, store } = options;
  const exporter = await EXPORTERS[to]();
  const { createFile } = await import("../export/create_file.ts");
  await withSequence(store, name, async (handler) => {
    const window = resolveWindow(options, handler);
    const sink = output === undefined ? out.toWritableStream() : await createFile(output);
    const progress = await startProgress("exporting");
    const { update: onProgress } = progress;
    const { messageCount } = await exporter(handler, sink, { topics, ...window, signal, onProgress })
      .finally(() => progress.stop());
    if (output !== undefined) await out.write(`exported ${count(messageCount, "message")} to ${output}\n`);
  });
}
