/**
 * A sequence -> a file for each topic: what exporters of tables share.
 *
 * @module
 */
import { BatchAppender } from "../arrow/append.ts";
import type { Columns } from "../arrow/columns.ts";
import { rangePicks, take } from "../arrow/take.ts";
import { SmaltiError } from "../error.ts";
import { type FieldSchema, plainFields } from "../schema.ts";
import type { SequenceHandler } from "../read/sequence_handler.ts";
import type { TopicSchema } from "../types.ts";
import { jsonText } from "../util/json_text.ts";
import { type ColumnPiece, topicPieces } from "./column_pieces.ts";
import { exportFiles } from "./directory_files.ts";
import { PassedPieces } from "./passed_pieces.ts";
import type { OutputDirectory } from "./output_directory.ts";
import {
  type ExportOptions,
  exportRecording,
  type ExportReport,
  type OpenFile,
  type RecordingExport,
} from "./recording_export.ts";

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
 * Makes a file of each topic: `write` asks for the topic's rows and hands over bytes. Into a directory they are called by topic and
 * extension. INVALID_ARGUMENT where it is a stream and there is another number of topics than one.
 */
export async function exportTables(
  handler: SequenceHandler,
  output: TableOutput,
  options: ExportOptions,
  extension: string,
  write: WriteTable,
): Promise<ExportReport> {
  const tables = (recording: RecordingExport, open: OpenTopic) => new TopicTables(recording, open, write);
  if (!("getWriter" in output)) {
    return await exportFiles(handler, output, options, async (recording, files) => {
      await tables(recording, (name) => files.open(`${name}.${extension}`)).write();
    });
  }
  return await exportRecording(handler, output, options, async (recording) => {
    const names: string[] = [];
    const open = (name: string) => {
      names.push(name);
      if (names.length > 1) throw notOne(handler.name, names, extension);
      return Promise.resolve(recording.sink);
    };
    const known = recording.topics;
    if (!handler.isOneShot && known.length !== 1) throw notOne(handler.name, known, extension);
    await tables(recording, open).write();
    if (names.length === 0) throw notOne(handler.name, names, extension);
  });
}

type WriteTable = (topic: TopicTable) => Promise<void>;
type OpenTopic = (name: string) => Promise<OpenFile>;

/** The tables of an export. */
class TopicTables {
  readonly #handler: SequenceHandler;
  readonly #recording: RecordingExport;
  readonly #open: OpenTopic;
  readonly #write: WriteTable;

  constructor(recording: RecordingExport, open: OpenTopic, write: WriteTable) {
    this.#handler = recording.handler;
    this.#recording = recording;
    this.#open = open;
    this.#write = write;
  }

  /** Writes all of them. */
  async write(): Promise<void> {
    if (this.#handler.isOneShot) return await this.#writeTogether();
    for (const name of this.#recording.topics) {
      await this.#writeTopic(name, () => this.#recording.columnPieces(name));
    }
  }

  /** Side by side, for rows that can be read once: they come in the order of all topics. */
  async #writeTogether(): Promise<void> {
    const open = new Map<string, PassedPieces>();
    const begin = (name: string) => {
      const known = open.get(name);
      if (known) return known;
      const begun = new PassedPieces((pieces) => this.#writeTopic(name, pieces));
      open.set(name, begun);
      return begun;
    };
    try {
      for await (const block of this.#recording.rowBlocks()) {
        for (const [name, pieces] of topicPieces(block)) {
          for (const piece of pieces) await begin(name).pass(piece);
        }
      }
      for (const name of this.#recording.topics) begin(name);
      for (const topic of open.values()) await topic.end();
    } catch (reason) {
      await Promise.all([...open.values()].map((topic) => topic.abort(reason)));
      throw reason;
    }
  }

  async #writeTopic(name: string, pieces: TopicTable["pieces"]): Promise<void> {
    const schema = await this.#handler.topicSchema(name);
    const file = await this.#open(name);
    try {
      await this.#write({
        name,
        fields: plainFields(schema.fields),
        facts: factsOf(this.#handler, name, schema),
        pieces,
        write: (bytes) => this.#recording.write(bytes, file),
      });
      await file.close();
    } catch (reason) {
      const error = reason instanceof SmaltiError
        ? reason.at({ sequence: this.#handler.name, topic: name })
        : reason;
      // Of rows that pass once the others wait for these.
      if (!file.discard || this.#handler.isOneShot) throw error;
      this.#recording.salvage(error, "all of its messages", name);
      await file.discard(reason);
    }
  }
}

/** A topic's rows as columns of about so many bytes, or so many rows if that comes first. */
export async function* groupsOf(
  { fields, pieces }: TopicTable,
  maxBytes: () => number,
  maxRows: number,
): AsyncGenerator<Columns> {
  const group = new BatchAppender(fields);
  for await (const { table, from, to } of pieces()) {
    const { rows, nodes, buffers } = take([table], rangePicks(from, to));
    group.append({ rows, nodes, buffer: (i) => buffers[i] });
    if (group.bytes >= maxBytes() || group.rows >= maxRows) yield group.collect();
  }
  if (group.rows > 0) yield group.collect();
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
