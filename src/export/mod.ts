/**
 * Sequences become files of other formats. In a module of its own, so that who exports nothing loads no writer.
 *
 * @module
 */
export { createFile } from "./create_file.ts";
export { exportJsonLines } from "./json_lines.ts";
export { exportMcap } from "./mcap/export_mcap.ts";
export type { ExportOptions, ExportReport } from "./recording_export.ts";
