/**
 * A sequence -> a file for each topic: what exporters of tables share.
 *
 * @module
 */
import { SmaltiError } from "../error.ts";
import { type FieldSchema, plainFields } from "../schema.ts";
import type { SequenceHandler } from "../read/sequence_handler.ts";
import type { TopicSchema } from "../types.ts";
import { jsonText } from "../util/json_text.ts";
import { DirectoryFiles } from "./directory_files.ts";
import type { OutputDirectory } from "./output_directory.ts";
import { type ExportOptions, exportRecording, type ExportReport } from "./recording_export.ts";
import type { ColumnPiece } from "./column_pieces.ts";

/** Where tables go: several topics into a directory, one also into a stream of bytes. */
export type TableOutput = WritableStream<Uint8Array> | OutputDirectory;

/** One topic, as an exporter of tables sees it. */
export interface TopicTable {
  /** The topic's name. */
  readonly name: string;
  /** Its columns in plain types, `timestamp_ns` first. */
  readonly fields: readonly FieldSchema[];
  /** What a file can say of topic and sequence as texts by key. */
  readonly facts: ReadonlyMap<string, string>;
  /** Its rows in time order. A piece is good until the next is asked for. */
  pieces(): AsyncGenerator<ColumnPiece>;
  /** Hands bytes of its file over, which are the sink's from then on. */
  write(bytes: Uint8Array): Promise<void>;
}

/**
 * Makes a file of each topic, one after another: `write` asks for the topic's rows and hands over bytes. Into a directory they
 * are called by topic and extension. INVALID_ARGUMENT where it is a stream and there is another number of topics than one.
 */
export async function exportTables(
  handler: SequenceHandler,
  output: TableOutput,
  options: ExportOptions,
  extension: string,
  write: (topic: TopicTable) => Promise<void>,
): Promise<ExportReport> {
  const files = "getWriter" in output ? undefined : new DirectoryFiles(output);
  const sink = files?.sink ?? output as WritableStream<Uint8Array>;
  try {
    return await exportRecording(handler, sink, options, async (recording) => {
      const { topics } = recording.report;
      if (!files && topics.length !== 1) throw notOne(handler.name, topics, extension);
      for (const name of topics) {
        const schema = await handler.topicSchema(name);
        try {
          await files?.begin(`${name}.${extension}`);
          await write({
            name,
            fields: plainFields(schema.fields),
            facts: factsOf(handler, name, schema),
            pieces: () => recording.columnPieces(name),
            write: (bytes) => recording.write(bytes),
          });
          await files?.end();
        } catch (reason) {
          throw reason instanceof SmaltiError ? reason.at({ sequence: handler.name, topic: name }) : reason;
        }
      }
    });
  } catch (reason) {
    // Not by the sink: one that has failed is told of no abort.
    await files?.abort(reason);
    throw reason;
  }
}

/** What a table's file says of where it came from. */
function factsOf(handler: SequenceHandler, name: string, schema: TopicSchema): ReadonlyMap<string, string> {
  return new Map([
    ["smalti:sequence", handler.name],
    ["smalti:topic", name],
    ["smalti:ontology_tag", schema.ontologyTag],
    ["smalti:metadata", jsonText(schema.metadata)],
    ["smalti:sequence_metadata", jsonText(handler.metadata)],
  ]);
}

function notOne(sequence: string, topics: readonly string[], extension: string): SmaltiError {
  const some = topics.slice(0, 8).join(", ") + (topics.length > 8 ? ", ..." : "");
  const text =
    `Cannot export sequence "${sequence}" as one .${extension} file: it would have ${topics.length} ` +
    `topics${some && ` (${some})`}; wanted one, or a directory for a file each`;
  return new SmaltiError("INVALID_ARGUMENT", text, { sequence });
}
