/**
 * `smalti convert IN OUT`: a recording of one format as files of another, without a store.
 *
 * @module
 */
import { type Command, Option } from "commander";
import { legalSequenceName } from "../names.ts";
import type { McapCompression } from "../export/mcap/chunk_compression.ts";
import type { Context } from "./context.ts";
import {
  compressionOption,
  EXPORT_FORMATS,
  type ExportFormat,
  formatOfName,
  openExport,
} from "./export_formats.ts";
import { findRecordings, nameOfRecording, STDIN } from "./find_recordings.ts";
import { writeFlaws } from "./flaws.ts";
import { importRecordingFiles } from "./import_recording.ts";
import { writeFaults } from "./import_report.ts";
import { count } from "./number_text.ts";
import { withClient } from "./open.ts";
import { writeError } from "./output.ts";
import { addReadOptions, givenOptions, type ReadOptions } from "./read_options.ts";
import { TIMES_HELP } from "./time_argument.ts";
import { UsageError } from "./usage_error.ts";

/** What stands for standard output. */
const STDOUT = "-";

interface Options extends ReadOptions {
  to?: ExportFormat;
  compression?: McapCompression;
}

/** Adds the command. */
export function addConvert(program: Command, context: Context): void {
  const command = program.command("convert")
    .description(
      "Makes a recording of one format into files of another, as import and export do, without a store.",
    )
    .argument("<IN>", "a file or its URL (https:, s3:), or a directory of rosbag2; - is standard input")
    .argument("<OUT>", "the new file, or directory for a file a topic or picture; - is standard output")
    .addOption(
      new Option("--to <FORMAT>", "which (default: as OUT ends)").choices(EXPORT_FORMATS),
    )
    .addOption(compressionOption());
  addReadOptions(command)
    .addHelpText("after", TIMES_HELP)
    .action((from: string, to: string, options: Options) => convert(context, from, to, options));
}

async function convert(context: Context, from: string, path: string, options: Options): Promise<void> {
  const { out, signal } = context;
  const { to = formatOfName(path), compression, ...rest } = options;
  if (!to) {
    const text = `${path} does not end as a format does: wanted --to with ${EXPORT_FORMATS.join(", ")}`;
    throw new UsageError(text);
  }
  const given = await givenOptions(rest);
  const [recording, ...others] = await findRecordings([from], path);
  if (others.length > 0) {
    throw new UsageError(`${from} has ${others.length + 1} recordings: wanted one; import takes many`);
  }
  if (recording.reason !== undefined) throw recording.reason;
  const name = from === STDIN ? legalSequenceName("stdin") : nameOfRecording(recording);
  const output = path === STDOUT ? undefined : path;
  const open = await openExport({ to, output, compression }, out);
  const { convertRecording } = await import("../export/convert/convert.ts");
  await withClient("memory:", async (client) => {
    const importing = { ...given, name, mcapEnvelope: to === "mcap" };
    const { imported, exported, lateCount } = await convertRecording(
      client,
      (into, signal) => importRecordingFiles(into, recording, importing, signal, "converting"),
      (handler, signal) => open(handler, { signal, salvage: given.salvage }),
      { signal },
    );
    if (output !== undefined) {
      await out.write(`converted ${count(exported.messageCount, "message")} to ${output}\n`);
    }
    await writeFaults(imported);
    await writeFlaws(exported, "smalti: ", { what: "recording", done: "converted" });
    const isLossy = imported.flaws.some(({ lost }) => lost !== undefined) || exported.flaws.length > 0;
    if (isLossy) context.exitCode = 1;
    if (lateCount === 0) return;
    const text = `${count(lateCount, "message")} came much later than newer ones, and stand behind them`;
    await writeError(`smalti: ${text}: import and export would put them in order\n`);
  });
}
