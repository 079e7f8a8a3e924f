/**
 * `smalti import FILE`: an MCAP file as a new sequence.
 *
 * @module
 */
import { basename, extname } from "node:path";
import { type Command, Option } from "commander";
import type { Client } from "../client.ts";
import type { ImportMcapOptions } from "../import/mcap/import_mcap.ts";
import { legalSequenceName } from "../names.ts";
import { parseSequenceName, parseSize, storeOption } from "./arguments.ts";
import type { Context } from "./context.ts";
import { writeFlaws } from "./flaws.ts";
import { count } from "./number_text.ts";
import { withClient } from "./open.ts";
import { writeError } from "./output.ts";
import { startProgress } from "./progress.ts";
import { UsageError } from "./usage_error.ts";

interface Options {
  name?: string;
  integers: "bigint" | "number";
  salvage?: boolean;
  maxRecord?: number;
  store: string;
}

/** Adds the command. */
export function addImport(program: Command, context: Context): void {
  program.command("import")
    .description("Records an MCAP file as a new sequence.")
    .argument("<FILE>", "the MCAP file")
    .addOption(
      new Option("--name <NAME>", "name of the sequence (default: the file's name without its extension)")
        .argParser(parseSequenceName),
    )
    .addOption(
      new Option("--integers <AS>", "what integers of 64 bits are read as")
        .choices(["bigint", "number"]).default("bigint"),
    )
    .option(
      "--salvage",
      "go on where the file is cut or damaged: leave out what cannot be read, and say what that is",
    )
    .addOption(
      new Option("--max-record <BYTES>", "largest record or chunk that is read, such as 2G (default: 512M)")
        .argParser(parseSize),
    )
    .addOption(storeOption())
    .action(async (file: string, { name = nameOfFile(file), maxRecord, store, ...rest }: Options) => {
      const options = { name, ...rest, ...(maxRecord !== undefined && { maxRecordBytes: maxRecord }) };
      await withClient(store, (client) => importFile(context, client, file, options));
    });
}

/** Imports a file and says what came of it. A sequence that was not finished for Ctrl-C is removed. */
export async function importFile(
  { out, signal }: Context,
  client: Client,
  file: string,
  options: Pick<ImportMcapOptions, "name" | "metadata" | "integers" | "salvage" | "maxRecordBytes">,
): Promise<void> {
  const { importMcap } = await import("../import/mcap/import_mcap.ts");
  const { openFile } = await import("../import/open_file.ts");
  const source = await openFile(file);
  const progress = await startProgress("importing");
  let report;
  try {
    report = await importMcap(client, source, { ...options, signal, onProgress: progress.update });
  } finally {
    progress.stop();
  }
  const { messageCount, topics, droppedPublishTimes, unknownRecordCount } = report;
  await out.write(
    `imported ${count(messageCount, "message")} on ${count(topics.length, "topic")} into ${options.name}\n`,
  );
  await writeFlaws(report);
  if (droppedPublishTimes > 0) {
    const messages = count(droppedPublishTimes, "message");
    await writeError(`smalti: publish times of ${messages} were not their log times and are not kept\n`);
  }
  if (unknownRecordCount > 0) {
    await writeError(`smalti: ${count(unknownRecordCount, "record")} of an unknown kind skipped\n`);
  }
}

/** A sequence's name made of a file's: without the extension, `_` for what the rule forbids. */
export function nameOfFile(file: string): string {
  const name = legalSequenceName(basename(file, extname(file)));
  if (name === "") {
    throw new UsageError(`no sequence name can be made of ${JSON.stringify(file)}; give one by --name`);
  }
  return name;
}
