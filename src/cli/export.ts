/**
 * `smalti export NAME`: a sequence as a file of another format.
 *
 * @module
 */
import { type Command, Option } from "commander";
import { nameArgument, storeOption, topicsOption } from "./arguments.ts";
import type { SequenceHandler } from "../read/sequence_handler.ts";
import type { ExportOptions, ExportReport } from "../export/recording_export.ts";
import type { exportImages } from "../export/images.ts";
import type { McapCompression } from "../export/mcap/chunk_compression.ts";
import type { Context } from "./context.ts";
import { count } from "./number_text.ts";
import { withSequence } from "./open.ts";
import { startProgress } from "./progress.ts";
import { endOption, resolveWindow, startOption, TIMES_HELP, type WindowOptions } from "./time_argument.ts";
import { UsageError } from "./usage_error.ts";

/** What exports as each format into one file. */
const EXPORTERS = {
  mcap: async () => (await import("../export/mcap/export_mcap.ts")).exportMcap,
  ndjson: async () => (await import("../export/json_lines.ts")).exportJsonLines,
};

/** What exports a topic a file, and is the files' extension. */
const TABLE_EXPORTERS = {
  arrow: async () => (await import("../export/arrow.ts")).exportArrow,
  csv: async () => (await import("../export/csv.ts")).exportCsv,
  parquet: async () => (await import("../export/parquet/export_parquet.ts")).exportParquet,
};

/** Pictures: files of their own, in a directory. */
const IMAGES = "images";

interface Options extends WindowOptions {
  to: keyof typeof EXPORTERS | keyof typeof TABLE_EXPORTERS | typeof IMAGES;
  output?: string;
  topics?: string[];
  compression?: McapCompression;
  store: string;
}

/** Adds the command. */
export function addExport(program: Command, context: Context): void {
  program.command("export")
    .description("Writes a sequence as a file of another format.")
    .addArgument(nameArgument())
    .addOption(
      new Option("--to <FORMAT>", "which").choices([
        ...Object.keys(EXPORTERS),
        ...Object.keys(TABLE_EXPORTERS),
        IMAGES,
      ]).makeOptionMandatory(),
    )
    .addOption(
      new Option(
        "-o, --output <PATH>",
        "the new file, or directory for a file a topic or picture (default: standard output)",
      ),
    )
    .addOption(
      new Option("--compression <CODEC>", "of the chunks of MCAP (default: lz4)")
        .choices(["lz4", "zstd", "none"]),
    )
    .addOption(topicsOption())
    .addOption(startOption())
    .addOption(endOption())
    .addOption(storeOption())
    .addHelpText("after", TIMES_HELP)
    .action((name: string, options: Options) => exportSequence(context, name, options));
}

async function exportSequence({ out, signal }: Context, name: string, options: Options): Promise<void> {
  const { to, output, topics, compression, store } = options;
  if (compression !== undefined && to !== "mcap") {
    throw new UsageError(`--compression is not for ${to}, but for mcap`);
  }
  await withSequence(store, name, async (handler) => {
    const window = resolveWindow(options, handler);
    const open = await opener(to, output, (topics ?? handler.topics).length, out, compression);
    const progress = await startProgress("exporting");
    const { update: onProgress } = progress;
    const { messageCount } = await open(handler, { topics, ...window, signal, onProgress })
      .finally(() => progress.stop());
    if (output !== undefined) await out.write(`exported ${count(messageCount, "message")} to ${output}\n`);
  });
}

type Export = (handler: SequenceHandler, options: ExportOptions) => Promise<ExportReport>;

/** What exports to where it is to go: that which is there is not replaced. */
async function opener(
  to: Options["to"],
  output: string | undefined,
  topicCount: number,
  out: Context["out"],
  compression: McapCompression | undefined,
): Promise<Export> {
  if (to === IMAGES) {
    if (output === undefined) throw new UsageError("--to images is many files: wanted -o DIRECTORY");
    return await intoDirectory((await import("../export/images.ts")).exportImages, output);
  }
  const { createFile } = await import("../export/create_file.ts");
  const stream = async () => output === undefined ? out.toWritableStream() : await createFile(output);
  if (!isTable(to)) {
    const exporter = await EXPORTERS[to]();
    const ofFormat = compression !== undefined && { compression };
    return async (handler, options) => await exporter(handler, await stream(), { ...options, ...ofFormat });
  }
  const exporter = await TABLE_EXPORTERS[to]();
  if (output === undefined || output.endsWith(`.${to}`)) {
    if (topicCount !== 1) {
      const text =
        `--to ${to} is a file a topic, and there are ${topicCount}: wanted one by --topics, or -o DIRECTORY`;
      throw new UsageError(text);
    }
    return async (handler, options) => await exporter(handler, await stream(), options);
  }
  return await intoDirectory(exporter, output);
}

async function intoDirectory(exporter: typeof exportImages, path: string): Promise<Export> {
  const { createDirectory } = await import("../export/create_directory.ts");
  return async (handler, options) => await exporter(handler, await createDirectory(path), options);
}

function isTable(to: Options["to"]): to is keyof typeof TABLE_EXPORTERS {
  return to in TABLE_EXPORTERS;
}
