/**
 * `smalti import FILE...`: recordings of other formats as new sequences.
 *
 * @module
 */
import { type Command, Option } from "commander";
import type { Client } from "../client.ts";
import type { Metadata } from "../types.ts";
import { parseSequenceName, storeOption } from "./arguments.ts";
import type { Context } from "./context.ts";
import { findRecordings, nameOfRecording, type Recording, STDIN } from "./find_recordings.ts";
import { parseMetadata } from "./import_arguments.ts";
import { type GivenOptions, importRecordingFiles } from "./import_recording.ts";
import { writeFaults, writeReport } from "./import_report.ts";
import { withClient } from "./open.ts";
import { addReadOptions, givenOptions, type ReadOptions } from "./read_options.ts";
import { isRemote } from "./remote_file.ts";
import { TIMES_HELP } from "./time_argument.ts";
import { UsageError } from "./usage_error.ts";

interface Options extends ReadOptions, Pick<GivenOptions, "dryRun" | "metadata"> {
  name?: string;
  watch?: string;
  store: string;
}

/** Adds the command. */
export function addImport(program: Command, context: Context): void {
  const command = program.command("import")
    .description(
      "Records files of other formats as new sequences: MCAP, bags of ROS 1 and 2, PX4's ULog, Parquet, Arrow, CSV, JSON lines.",
    )
    .argument(
      "[FILE...]",
      "files, directories, patterns, URLs of files (https:, s3:): each recording becomes a sequence; - is standard input, while it is being written",
    )
    .addOption(
      new Option(
        "--name <NAME>",
        "one sequence of all files, so called (default: each file becomes one, called as it is)",
      )
        .argParser(parseSequenceName),
    )
    .addOption(
      new Option("--watch <DIR>", "import what is in a directory, and what comes, each once, until a signal")
        .conflicts(["name", "dryRun"]),
    )
    .addOption(new Option("--dry-run", "write nothing, and tell what would be imported"))
    .addOption(
      new Option("--metadata <KEY=VALUE>", "facts about the sequence, or an object of JSON; may be repeated")
        .argParser(parseMetadata),
    )
    .addOption(storeOption());
  addReadOptions(command)
    .addHelpText("after", TIMES_HELP)
    .action((files: string[], options: Options) => importPaths(context, files, options));
}

async function importPaths(context: Context, paths: string[], options: Options): Promise<void> {
  const { name, watch, store, ...rest } = options;
  const given = await givenOptions(rest);
  if (watch !== undefined) {
    if (paths.length > 0) {
      throw new UsageError("--watch takes what is in its directory: give no files beside it");
    }
    const { importArriving } = await import("./import_watch.ts");
    return await withClient(store, (client) => importArriving(context, client, watch, store, given));
  }
  if (paths.length === 0) {
    throw new UsageError("missing required argument 'FILE': files, directories or patterns, or --watch DIR");
  }
  if (paths.filter((path) => path === STDIN).length > 1) {
    throw new UsageError("standard input can be read once: give - once");
  }
  const recordings = await findRecordings(paths, store);
  // A directory may hold one recording today and two tomorrow: what is said of it is the same.
  const isOne = name !== undefined ||
    paths.length === 1 && (isRemote(paths[0]) || recordings[0].path === paths[0]);
  const one = name === undefined ? recordings[0] : joined(recordings);
  const single = isOne ? { ...given, name: name ?? nameOfRecording(one) } : undefined;
  await withClient(given.dryRun ? "memory:" : store, async (client) => {
    if (single) return await importOne(context, client, one, single);
    const { importMany } = await import("./import_many.ts");
    await importMany(context, client, recordings, given);
  });
}

/** One recording of the files of several. */
function joined(recordings: readonly Recording[]): Recording {
  const unread = recordings.find(({ reason }) => reason !== undefined);
  if (unread || recordings.length === 1) return unread ?? recordings[0];
  const facts = recordings.map(({ metadata }) => metadata).filter((metadata) =>
    Object.keys(metadata).length > 0
  );
  const metadata: Metadata = {};
  for (const key of new Set(facts.flatMap(Object.keys))) {
    const values = facts.map((fact) => fact[key]).filter((value) => value !== undefined);
    metadata[key] = values.length === 1 ? values[0] : values;
  }
  return { path: recordings[0].path, files: recordings.flatMap(({ files }) => files), metadata };
}

/** Imports a recording and says what came of it. A sequence of files that was not finished for Ctrl-C is removed. */
export async function importOne(
  { out, signal }: Context,
  client: Client,
  recording: Recording,
  options: GivenOptions,
): Promise<void> {
  if (recording.reason !== undefined) throw recording.reason;
  const { dryRun, topics, start, end } = options;
  const report = await importRecordingFiles(client, recording, options, signal);
  await writeReport(out, report, {
    dryRun,
    isPart: [topics, start, end].some((given) => given !== undefined),
  });
  await writeFaults(report);
}
