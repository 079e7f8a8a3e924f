/**
 * Recordings of other formats become sequences. In a module of its own, so that who imports nothing loads no reader.
 *
 * @module
 */
export { importMcap, type ImportMcapOptions, type ImportMcapReport } from "./mcap/import_mcap.ts";
export { importJsonLines, type ImportJsonLinesOptions } from "./json_lines/import_json_lines.ts";
export type { ImportFlaw } from "./flaws.ts";
export type { ImportOptions, ImportReport } from "./recording_import.ts";
export type { ImportedTopic } from "./topic_import.ts";
export type { ImportedFile } from "./import_files.ts";
export type { TimeUnit } from "./message_time.ts";
export type { ByteChunks, ByteSource, ImportSources } from "./byte_source.ts";
export { type OpenedFile, openFile } from "./open_file.ts";
