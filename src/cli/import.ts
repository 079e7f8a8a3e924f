/**
 * `smalti import FILE...`: recordings of other formats as a new sequence.
 *
 * @module
 */
import { basename, extname } from "node:path";
import process from "node:process";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Client } from "../client.ts";
import type { ByteSource } from "../import/byte_source.ts";
import type { ImportOptions } from "../import/recording_import.ts";
import { legalSequenceName } from "../names.ts";
import { parseSequenceName, parseSize, storeOption } from "./arguments.ts";
import type { Context } from "./context.ts";
import { writeFlaws } from "./flaws.ts";
import { count } from "./number_text.ts";
import { withClient } from "./open.ts";
import { writeError } from "./output.ts";
import { startProgress } from "./progress.ts";
import { UsageError } from "./usage_error.ts";

/** What stands for standard input. */
const STDIN = "-";

/** Options of the import that are its caller's to give. */
type GivenOptions = Omit<ImportOptions, "signal" | "onProgress"> & {
  topic?: string;
  maxRecordBytes?: number;
};

interface Options extends Omit<GivenOptions, "name" | "maxRecordBytes"> {
  name?: string;
  maxRecord?: number;
  store: string;
}

/** Adds the command. */
export function addImport(program: Command, context: Context): void {
  program.command("import")
    .description("Records MCAP files, or JSON lines, as a new sequence.")
    .argument("<FILE...>", "the files, all of one format; - is standard input, while it is being written")
    .addOption(
      new Option("--name <NAME>", "name of the sequence (default: the file's name without its extension)")
        .argParser(parseSequenceName),
    )
    .addOption(
      new Option("--integers <AS>", "what integers of 64 bits are read as")
        .choices(["bigint", "number"]).default("bigint"),
    )
    .addOption(new Option("--envelope", "keep what is around messages: publish time, sequence number, order"))
    .addOption(
      new Option("--time <WHICH>", "what orders messages: log, publish, or a field of theirs (header.stamp)")
        .default("log").argParser(parseTimeName),
    )
    .addOption(
      new Option(
        "--time-unit <UNIT>",
        "what numbers in that field count (default: ns; in tables by their size)",
      )
        .choices(["s", "ms", "us", "ns"]),
    )
    .addOption(new Option("--topic <NAME>", "topic of JSON lines that name none (default: the file's name)"))
    .option(
      "--salvage",
      "go on where a file is cut or damaged: leave out what cannot be read, and say what that is",
    )
    .addOption(
      new Option(
        "--max-record <BYTES>",
        "largest record, chunk or line that is read, such as 2G (default: 512M; lines 64M)",
      )
        .argParser(parseSize),
    )
    .addOption(storeOption())
    .action(async (files: string[], { store, name = nameOfFiles(files), maxRecord, ...rest }: Options) => {
      const options = { name, ...rest, ...(maxRecord !== undefined && { maxRecordBytes: maxRecord }) };
      await withClient(store, (client) => importFiles(context, client, files, options));
    });
}

/** Imports files and says what came of it. A sequence of files that was not finished for Ctrl-C is removed. */
export async function importFiles(
  { out, signal }: Context,
  client: Client,
  files: readonly string[],
  options: GivenOptions,
): Promise<void> {
  if (files.filter((file) => file === STDIN).length > 1) {
    throw new UsageError("standard input can be read once: give - once");
  }
  const { formatOf } = await import("../import/formats.ts");
  const { format, sources } = await formatOf(await Promise.all(files.map(openSource)), signal);
  if (options.topic !== undefined && !format.takesTopic) {
    throw new UsageError(`--topic is for JSON lines: ${files[0]} is ${format.name}`);
  }
  const importer = await format.load();
  const progress = await startProgress("importing");
  let report;
  try {
    report = await importer(client, sources, { ...options, signal, onProgress: progress.update });
  } finally {
    progress.stop();
  }
  const { messageCount, topics } = report;
  const parts = report.files.length === 1
    ? ""
    : `: ${report.files.map((file) => `${file.messageCount} of ${file.name}`).join(", ")}`;
  await out.write(
    `imported ${count(messageCount, "message")} on ${
      count(topics.length, "topic")
    } into ${options.name}${parts}\n`,
  );
  await writeFlaws(report);
  const { droppedPublishTimes = 0, unknownRecordCount = 0 } = report;
  if (droppedPublishTimes > 0) {
    const messages = count(droppedPublishTimes, "message");
    await writeError(
      `smalti: publish times of ${messages} were not their log times and are not kept (--envelope keeps them)\n`,
    );
  }
  if (unknownRecordCount > 0) {
    await writeError(`smalti: ${count(unknownRecordCount, "record")} of an unknown kind skipped\n`);
  }
}

async function openSource(file: string): Promise<ByteSource> {
  if (file === STDIN) return { name: STDIN, chunks: process.stdin, isLive: true };
  const { openFile } = await import("../import/open_file.ts");
  return await openFile(file);
}

/** The sequence's name where none is given. */
function nameOfFiles(files: readonly string[]): string {
  const [file] = files;
  if (files.length > 1) throw new UsageError("several files become one sequence: give its name by --name");
  if (file === STDIN) {
    throw new UsageError("standard input has no name: give the sequence's by --name");
  }
  return nameOfFile(file);
}

/** A sequence's name made of a file's: without the extension, `_` for what the rule forbids. */
export function nameOfFile(file: string): string {
  const name = legalSequenceName(basename(file, extname(file)));
  if (name === "") {
    throw new UsageError(`no sequence name can be made of ${JSON.stringify(file)}; give one by --name`);
  }
  return name;
}

function parseTimeName(text: string): string {
  if (text.replace(/^\./, "") !== "") return text;
  throw new InvalidArgumentError("Wanted log, publish, or the name of a field.");
}
