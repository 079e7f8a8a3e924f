/**
 * `smalti export NAME`: a sequence as a file of another format.
 *
 * @module
 */
import { type Command, Option } from "commander";
import type { McapCompression } from "../export/mcap/chunk_compression.ts";
import { nameArgument, storeOption, topicsOption } from "./arguments.ts";
import type { Context } from "./context.ts";
import { compressionOption, EXPORT_FORMATS, type ExportFormat, openExport } from "./export_formats.ts";
import { writeFlaws } from "./flaws.ts";
import { count } from "./number_text.ts";
import { withSequence } from "./open.ts";
import { startProgress } from "./progress.ts";
import { endOption, resolveWindow, startOption, TIMES_HELP, type WindowOptions } from "./time_argument.ts";

interface Options extends WindowOptions {
  to: ExportFormat;
  output?: string;
  topics?: string[];
  compression?: McapCompression;
  salvage?: boolean;
  store: string;
}

/** Adds the command. */
export function addExport(program: Command, context: Context): void {
  program.command("export")
    .description("Writes a sequence as a file of another format.")
    .addArgument(nameArgument())
    .addOption(new Option("--to <FORMAT>", "which").choices(EXPORT_FORMATS).makeOptionMandatory())
    .addOption(
      new Option(
        "-o, --output <PATH>",
        "the new file, or directory for a file a topic or picture (default: standard output)",
      ),
    )
    .addOption(compressionOption())
    .addOption(topicsOption())
    .addOption(
      new Option(
        "--salvage",
        "go on where the sequence is damaged or the format cannot hold a value: leave that out, say so, and exit with 1",
      ),
    )
    .addOption(startOption())
    .addOption(endOption())
    .addOption(storeOption())
    .addHelpText("after", TIMES_HELP)
    .action((name: string, options: Options) => exportSequence(context, name, options));
}

async function exportSequence(context: Context, name: string, options: Options): Promise<void> {
  const { out, signal } = context;
  const { to, output, topics, compression, salvage, store } = options;
  await withSequence(store, name, async (handler) => {
    const window = resolveWindow(options, handler);
    const topicCount = (topics ?? handler.topics).length;
    const open = await openExport({ to, output, compression, topicCount }, out);
    const progress = await startProgress("exporting");
    const { update: onProgress } = progress;
    const report = await open(handler, { topics, ...window, signal, salvage, onProgress })
      .finally(() => progress.stop());
    if (output !== undefined) {
      await out.write(`exported ${count(report.messageCount, "message")} to ${output}\n`);
    }
    await writeFlaws(report, "smalti: ", { what: "sequence", done: "exported" });
    if (report.flaws.length > 0) context.exitCode = 1;
  });
}
