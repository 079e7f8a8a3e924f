/**
 * Sequences become files of other formats. In a module of its own, so that who exports nothing loads no writer.
 *
 * @module
 */
export { exportArrow } from "./arrow.ts";
export { type ConvertOptions, convertRecording, type ConvertReport } from "./convert/convert.ts";
export { createDirectory } from "./create_directory.ts";
export { createFile } from "./create_file.ts";
export { createObject, createObjects } from "./create_object.ts";
export { exportCsv } from "./csv.ts";
export { exportImages } from "./images.ts";
export { exportJsonLines } from "./json_lines.ts";
export type { McapCompression } from "./mcap/chunk_compression.ts";
export { exportMcap, type ExportMcapOptions } from "./mcap/export_mcap.ts";
export { exportParquet } from "./parquet/export_parquet.ts";
export type { OutputDirectory } from "./output_directory.ts";
export type { ExportFlaw, ExportOptions, ExportReport } from "./recording_export.ts";
export type { TableOutput } from "./topic_files.ts";
