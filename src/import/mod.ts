/**
 * Recordings of other formats become sequences. In a module of its own, so that who imports nothing loads no reader.
 *
 * @module
 */
export { importMcap, type ImportMcapOptions, type ImportMcapReport } from "./mcap/import_mcap.ts";
export type { ImportFlaw } from "./flaws.ts";
export type { ImportOptions, ImportReport } from "./recording_import.ts";
export type { ImportedTopic } from "./topic_import.ts";
export type { ByteChunks, ByteSource } from "./byte_source.ts";
export { type OpenedFile, openFile } from "./open_file.ts";
