/**
 * Tables -> topics: what importers of columns share.
 *
 * @module
 */
import { bytesOf, type Columns } from "../../arrow/columns.ts";
import { vectorsOf } from "../../arrow/rearrange.ts";
import { take } from "../../arrow/take.ts";
import { type FieldSchema, MISSING_KEY, schemaKey, TIMESTAMP_FIELD } from "../../schema.ts";
import type { Metadata } from "../../types.ts";
import type { MessageDecoder } from "../message_decoder.ts";
import type { RecordingImport } from "../recording_import.ts";
import { INDEX_FIELD, type TopicImport } from "../topic_import.ts";
import { SmaltiError } from "../../error.ts";
import type { RowTimes } from "./time_column.ts";

/** The tag of tables: no class of anybody's. */
const TAG = "table";
/** A column `timestamp_ns` where another one is the time. */
const LOG_TIME = "_log_time_ns";

/** The topic of a file: its name up to the first dot; undefined where it has none. */
function topicOfFile(path: string | undefined): string | undefined {
  const name = path?.replace(/^.*[/\\]/, "").replace(/(?<=.)\..*$/, "");
  return name === "" || name === "-" ? undefined : name;
}

/** Names of columns, each once: one that is taken gets `_2`, `_3` and so on, an empty one is `column_` and its number. */
export function uniqueNames(names: readonly string[], reserved: Iterable<string> = []): string[] {
  /** Every name, with the last number that it has got: a file may have thousands of one. */
  const taken = new Map<string, number>();
  for (const name of reserved) taken.set(name, 1);
  return names.map((given, i) => {
    const name = given === "" ? `column_${i + 1}` : given;
    let unique = name;
    let number = taken.get(name) ?? 1;
    while (taken.has(unique)) unique = `${name}_${++number}`;
    taken.set(name, number);
    if (unique !== name) taken.set(unique, 1);
    return unique;
  });
}

/** The topics of all files of an import. */
export class TableTopics {
  readonly #recording: RecordingImport;
  readonly #topic: string | undefined;
  readonly #tables = new Map<string, Table>();

  /** @param topic The topic's name. @default the file's name up to the first dot, else the sequence's */
  constructor(recording: RecordingImport, topic: string | undefined) {
    this.#recording = recording;
    this.#topic = topic;
  }

  /** The topic of a file that is called so. */
  nameOf(fileName: string | undefined): string {
    return this.#topic ?? topicOfFile(fileName) ?? this.#recording.sequenceName;
  }

  /** Where the rows of the current file go: files of one name, schema and time share a topic. The sequence must have begun. */
  async open({ fields, time, facts }: TableShape): Promise<Table> {
    const recording = this.#recording;
    const name = this.nameOf(recording.fileName);
    const key = JSON.stringify([name, time, schemaKey(fields, true)]);
    const known = this.#tables.get(key);
    if (known) return known.begin();
    // A time that is timestamp_ns itself is the topic's.
    const own = fields.findIndex((field) => field.name === TIMESTAMP_FIELD.name && field.name === time);
    const kept = fields.filter((_, i) => i !== own);
    const reserved = recording.envelope ? [INDEX_FIELD.name] : [];
    const names = uniqueNames(
      kept.map((field) => field.name === TIMESTAMP_FIELD.name ? LOG_TIME : field.name),
      reserved,
    );
    const decoder: TableDecoder = {
      fields: kept.map((field, i) => ({ ...withMissing(field), name: names[i] })),
      misfitCount: 0,
      push() {
        throw new SmaltiError("INTERNAL", "a table has columns, no messages");
      },
    };
    const topic = await recording.createTopic({ name, tag: TAG, format: () => decoder, metadata: facts });
    const table = new Table(recording, topic, decoder, fields, own);
    this.#tables.set(key, table);
    return table;
  }
}

/** What a table is. */
export interface TableShape {
  /** Its columns, plain. */
  readonly fields: readonly FieldSchema[];
  /** The name of the one that is the time. */
  readonly time: string;
  /** Facts about it. */
  readonly facts: Metadata;
}

interface TableDecoder extends MessageDecoder {
  misfitCount: number;
}

/** A struct of nulls is none that is missing. */
function withMissing(field: FieldSchema): FieldSchema {
  const children = field.children.map(withMissing);
  if (field.type.kind !== "struct") return { ...field, children };
  return { ...field, children, metadata: { ...field.metadata, [MISSING_KEY]: "null" } };
}

/** The topic of one table. */
export class Table {
  readonly #recording: RecordingImport;
  readonly #topic: TopicImport;
  readonly #decoder: TableDecoder;
  readonly #fields: readonly FieldSchema[];
  readonly #own: number;
  #rows = 0;

  /** @param own The column that is `timestamp_ns`; -1 where none is. */
  constructor(
    recording: RecordingImport,
    topic: TopicImport,
    decoder: TableDecoder,
    fields: readonly FieldSchema[],
    own: number,
  ) {
    this.#recording = recording;
    this.#topic = topic;
    this.#decoder = decoder;
    this.#fields = fields;
    this.#own = own;
  }

  /** Counts rows from 1 again. */
  begin(): this {
    this.#rows = 0;
    return this;
  }

  /** The topic's name. */
  get name(): string {
    return this.#topic.name;
  }

  /** Counts rows that the columns do not hold whole. */
  addMisfits(count: number): void {
    this.#decoder.misfitCount += count;
  }

  /**
   * Writes rows in plain columns of the table's fields, which are the writer's then. A row without a time is a flaw. A promise
   * that comes back is awaited before the next.
   */
  push(columns: Columns, { times, bad }: RowTimes): Promise<void> | undefined {
    const { rows } = columns;
    for (const { row, text } of bad) {
      const message = `row ${this.#rows + row + 1}: ${text}`;
      const lost = { topic: this.name, lost: "1 row" };
      this.#recording.flaw({ kind: "time", code: "INVALID_MESSAGE", message, ...lost });
    }
    this.#rows += rows;
    const all = this.#withTimes(columns, times);
    if (bad.length === 0) return this.#topic.pushColumns(all);
    const left = new Set(bad.map(({ row }) => row));
    const picked = Int32Array.from(Array.from({ length: rows }, (_, i) => i).filter((row) => !left.has(row)));
    if (picked.length === 0) return undefined;
    const fields = [TIMESTAMP_FIELD, ...this.#decoder.fields];
    const picks = { sources: new Int32Array(picked.length), rows: picked };
    return this.#topic.pushColumns(take([vectorsOf(fields, all)], picks));
  }

  /** The columns with the times before them, without the one that is these times. */
  #withTimes(columns: Columns, times: BigInt64Array): Columns {
    const { rows } = columns;
    const nodes = [...columns.nodes];
    const buffers = [...columns.buffers];
    if (this.#own >= 0) {
      const nodeAt = this.#fields.slice(0, this.#own).reduce((sum, field) => sum + nodesOf(field), 0);
      const { at } = vectorsOf(this.#fields, columns).children[this.#own];
      nodes.splice(2 * nodeAt, 2 * nodesOf(this.#fields[this.#own]));
      const next = vectorsOf(this.#fields, columns).children[this.#own + 1]?.at ?? buffers.length;
      buffers.splice(at, next - at);
    }
    return { rows, nodes: [rows, 0, ...nodes], buffers: [new Uint8Array(0), bytesOf(times), ...buffers] };
  }
}

function nodesOf({ children }: FieldSchema): number {
  return children.reduce((sum, child) => sum + nodesOf(child), 1);
}
