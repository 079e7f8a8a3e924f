/**
 * Recordings of other formats become sequences. In a module of its own, so that who imports nothing loads no reader.
 *
 * @module
 */
export { importMcap, type ImportMcapOptions, type ImportMcapReport } from "./mcap/import_mcap.ts";
export { importBag, type ImportBagOptions } from "./bag/import_bag.ts";
export { importDb3, type ImportDb3Options } from "./db3/import_db3.ts";
export { importRos2Bag, type ImportRos2BagOptions } from "./import_ros2_bag.ts";
export { importUlog } from "./ulog/import_ulog.ts";
export { importArrow, type ImportArrowOptions } from "./arrow/import_arrow.ts";
export { importParquet, type ImportParquetOptions } from "./parquet/import_parquet.ts";
export { importCsv, type ImportCsvOptions } from "./csv/import_csv.ts";
export { importJsonLines, type ImportJsonLinesOptions } from "./json_lines/import_json_lines.ts";
export type { ImportFlaw } from "./flaws.ts";
export type { ImportOptions } from "./import_options.ts";
export type { ImportReport } from "./import_report.ts";
export type { ImportedTopic } from "./topic_import.ts";
export type { ImportedFile } from "./import_files.ts";
export type { OntologyMappings } from "./ontology/known.ts";
export type { ClassColumns, OntologyMapping } from "./ontology/mapping.ts";
export type { FieldSource, ScaledField } from "./ontology/convert.ts";
export type { RosDefinitions } from "./ros/ros_definitions.ts";
export type { TimeUnit } from "./message_time.ts";
export type { BlobLike } from "./blob_source.ts";
export type { ByteChunks, ByteSource, ImportSource, ImportSources } from "./byte_source.ts";
export { type OpenedFile, openFile } from "./open_file.ts";
