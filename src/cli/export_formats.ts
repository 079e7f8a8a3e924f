/**
 * Formats that recordings go out as, and where to.
 *
 * @module
 */
import { Option } from "commander";
import type { McapCompression } from "../export/mcap/chunk_compression.ts";
import type { OutputDirectory } from "../export/output_directory.ts";
import type { ExportOptions, ExportReport } from "../export/recording_export.ts";
import type { SequenceHandler } from "../read/sequence_handler.ts";
import type { Context } from "./context.ts";
import { s3Options } from "./open.ts";
import { isRemote, shownUrl } from "./remote_file.ts";
import { UsageError } from "./usage_error.ts";

/** What exports into one file. */
const FILE_EXPORTERS = {
  mcap: async () => (await import("../export/mcap/export_mcap.ts")).exportMcap,
  ndjson: async () => (await import("../export/json_lines.ts")).exportJsonLines,
};

/** What exports a topic a file. */
const TABLE_EXPORTERS = {
  arrow: async () => (await import("../export/arrow.ts")).exportArrow,
  csv: async () => (await import("../export/csv.ts")).exportCsv,
  parquet: async () => (await import("../export/parquet/export_parquet.ts")).exportParquet,
};

/** What exports many files. */
const DIRECTORY_EXPORTERS = {
  images: async () => (await import("../export/images.ts")).exportImages,
};

/** A format by its name, which is also how its files end. */
export type ExportFormat = "mcap" | "ndjson" | "arrow" | "csv" | "parquet" | "images";

/** How else files end. */
const ENDINGS: Readonly<Record<string, ExportFormat>> = { jsonl: "ndjson" };

/** Their names. */
export const EXPORT_FORMATS: readonly ExportFormat[] = [FILE_EXPORTERS, TABLE_EXPORTERS, DIRECTORY_EXPORTERS]
  .flatMap((exporters) => Object.keys(exporters) as ExportFormat[]);

/** `--compression CODEC`. */
export function compressionOption(): Option {
  return new Option("--compression <CODEC>", "of the chunks of MCAP (default: lz4)")
    .choices(["lz4", "zstd", "none"]);
}

/** The format that a file's name tells; undefined where it tells none. */
export function formatOfName(path: string): ExportFormat | undefined {
  const [, ending = ""] = /\.([^./\\]+)$/.exec(path.toLowerCase()) ?? [];
  if (Object.hasOwn(ENDINGS, ending)) return ENDINGS[ending];
  return EXPORT_FORMATS.find((format) => format === ending && !isIn(format, DIRECTORY_EXPORTERS));
}

/** An export as it was asked for. */
export interface ExportRequest {
  readonly to: ExportFormat;
  /** A new file or directory; undefined for standard output. */
  readonly output: string | undefined;
  readonly compression: McapCompression | undefined;
  /** How many topics there are, where that is known. */
  readonly topicCount?: number;
}

/** Writes a sequence. */
export type Export = (handler: SequenceHandler, options: ExportOptions) => Promise<ExportReport>;

/** What exports to where it is to go; that which is there is not replaced. UsageError where format and place do not fit. */
export async function openExport(
  { to, output, compression, topicCount = 1 }: ExportRequest,
  out: Context["out"],
): Promise<Export> {
  if (compression !== undefined && to !== "mcap") {
    throw new UsageError(`--compression is not for ${to}, but for mcap`);
  }
  if (output !== undefined && isRemote(output) && !isBucket(output)) {
    throw new UsageError(`${shownUrl(output)} cannot be written: wanted a path on this machine, or s3://`);
  }
  const stream = async () => output === undefined ? out.toWritableStream() : await createOutput(output);
  if (isIn(to, FILE_EXPORTERS)) {
    const exporter = await FILE_EXPORTERS[to]();
    const ofFormat = compression !== undefined && { compression };
    return async (handler, options) => await exporter(handler, await stream(), { ...options, ...ofFormat });
  }
  if (isIn(to, DIRECTORY_EXPORTERS)) {
    if (output === undefined) {
      throw new UsageError(`--to ${to} is many files: wanted -o DIRECTORY`);
    }
    return intoDirectory(await DIRECTORY_EXPORTERS[to](), output);
  }
  const exporter = await TABLE_EXPORTERS[to]();
  if (output !== undefined && formatOfName(output) !== to) return intoDirectory(exporter, output);
  if (topicCount !== 1) {
    const text =
      `--to ${to} is a file a topic, and there are ${topicCount}: wanted one by --topics, or -o DIRECTORY`;
    throw new UsageError(text);
  }
  return async (handler, options) => await exporter(handler, await stream(), options);
}

type ExportFiles = (
  handler: SequenceHandler,
  directory: OutputDirectory,
  options: ExportOptions,
) => Promise<ExportReport>;

function intoDirectory(exporter: ExportFiles, path: string): Export {
  return async (handler, options) => await exporter(handler, await createOutputs(path), options);
}

async function createOutput(path: string): Promise<WritableStream<Uint8Array>> {
  if (!isBucket(path)) return await (await import("../export/create_file.ts")).createFile(path);
  const { createObject } = await import("../export/create_object.ts");
  return await createObject(path, await s3Options(path, true));
}

async function createOutputs(path: string): Promise<OutputDirectory> {
  if (!isBucket(path)) return await (await import("../export/create_directory.ts")).createDirectory(path);
  const { createObjects } = await import("../export/create_object.ts");
  return await createObjects(path, await s3Options(path, true));
}

function isBucket(path: string): boolean {
  return /^s3:/i.test(path);
}

function isIn<T extends object>(format: string, exporters: T): format is keyof T & string {
  return Object.hasOwn(exporters, format);
}
