/**
 * One import: from files to a sequence.
 *
 * @module
 */
import process from "node:process";
import { backendOf, type Client } from "../client.ts";
import type { ByteSource } from "../import/byte_source.ts";
import type { FormatOptions, Import } from "../import/formats.ts";
import type { ImportOptions } from "../import/import_options.ts";
import { type Recording, STDIN } from "./find_recordings.ts";
import { startProgress } from "./progress.ts";
import { isRemote, openRemote } from "./remote_file.ts";
import { resolveWindow, type WindowOptions } from "./time_argument.ts";
import { UsageError } from "./usage_error.ts";

/** Options of an import that are its caller's to give; the times may count from the first message. */
export type GivenOptions =
  & Omit<ImportOptions, "signal" | "onProgress" | "startNs" | "endNs">
  & FormatOptions
  & WindowOptions
  & {
    /** Whether to keep what MCAP has around messages, unless `envelope` says so. */
    mcapEnvelope?: boolean;
  };

/** What an import of the command line tells. */
export type Report = Awaited<ReturnType<Import>>;

/**
 * Imports a recording, with a progress bar that is labelled so.
 *
 * @param label What the bar says.
 */
export async function importRecordingFiles(
  client: Client,
  recording: Recording,
  options: GivenOptions,
  signal: AbortSignal,
  label: string = "importing",
): Promise<Report> {
  const { formatOf, FORMATS } = await import("../import/formats.ts");
  const { start, end, topic, separator, header, maxRecordBytes, metadata, mcapEnvelope, ...given } = options;
  const opened = await Promise.all(recording.files.map(openSource));
  const { engine } = backendOf(client);
  const { format, sources } = await formatOf(opened, { engine, maxRecordBytes, separator, signal });
  const ofFormat: FormatOptions = {};
  for (const [key, value] of Object.entries({ topic, separator, header, maxRecordBytes })) {
    const name = key as keyof FormatOptions;
    if (value === undefined) continue;
    if (format.takes.includes(name)) Object.assign(ofFormat, { [name]: value });
    else if (name !== "maxRecordBytes") { // what is not bounded needs no bound
      const those = FORMATS.filter(({ takes }) => takes.includes(name)).map(({ name }) => name).join(", ");
      throw new UsageError(
        `--${name} is not for ${format.name}, which ${recording.path} is, but for ${those}`,
      );
    }
  }
  const importer = await format.load();
  const run = async (more: Pick<ImportOptions, "startNs" | "endNs" | "dryRun">) => {
    const progress = await startProgress(label);
    try {
      return await importer(client, sources, {
        ...given,
        envelope: given.envelope ?? (mcapEnvelope && format.hasEnvelope),
        ...ofFormat,
        metadata: { ...recording.metadata, ...metadata },
        ...more,
        signal,
        onProgress: progress.update,
      });
    } finally {
      progress.stop();
    }
  };
  if (!start && !end) return await run({});
  let topics: Report["sequence"]["topics"] = [];
  if (start?.fromFirst || end?.fromFirst) {
    if (opened.some(({ isLive }) => isLive)) {
      const text = "--start and --end that count from the first message want a file that can be read twice";
      throw new UsageError(`${text}: ${recording.path} cannot be`);
    }
    ({ sequence: { topics } } = await run({ dryRun: true }));
  }
  return await run(resolveWindow({ start, end }, { topics }));
}

async function openSource(file: string): Promise<ByteSource> {
  if (file === STDIN) return { name: STDIN, chunks: process.stdin, isLive: true };
  if (isRemote(file)) return await openRemote(file);
  const { openFile } = await import("../import/open_file.ts");
  return await openFile(file);
}
