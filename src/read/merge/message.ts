import { plainRow, type RowClass, rowClass, type RowView } from "../../arrow/row_view.ts";
import type { Vector } from "../../arrow/vector.ts";
import type { OpenBatch } from "../../arrow/stored_batch.ts";
import { SmaltiError } from "../../error.ts";
import type { Ontology } from "../../ontology/define_ontology.ts";
import { firstDifference } from "../../ontology/first_difference.ts";
import type { TopicSchema } from "../../types.ts";

/** A message's data where its type is not known: fields by name. */
// deno-lint-ignore no-explicit-any -- what a recording holds is not known to the type checker
export type MessageData = Record<string, any>;

/** A message as a plain object: a copy that is the caller's own. */
export interface MessageObject<T = MessageData> {
  /** Its time, in nanoseconds. */
  timestampNs: bigint;
  /** The topic's name, without a leading `/`. */
  topic: string;
  /** The tag of the topic's ontology. */
  ontologyTag: string;
  /** The fields that have a value. */
  data: T;
}

/** A message as JSON has it. */
export interface MessageJson {
  /** Nanoseconds as a decimal string, since they pass 2^53. */
  timestamp_ns: string;
  /** The topic's name. */
  topic: string;
  /** The tag of the topic's ontology. */
  ontology: string;
  /**
   * The fields: int64 as decimal strings where they pass 2^53, bytes in base64, missing values as null, and "NaN",
   * "Infinity" and "-Infinity" where JSON has no number.
   */
  data: Record<string, unknown>;
}

/**
 * One message of a recording: a view on its batch, whose values are read from the columns when they are touched. It is
 * valid for as long as it is kept, and keeps its batch in memory for as long.
 *
 * Fields of a view, of `data` and of the structs within, are getters, so what copies an object by its own properties finds
 * none of them: `Object.keys`, spread, `Object.assign`. `structuredClone` and `postMessage` throw a DataCloneError, and
 * `push` refuses such a copy. {@linkcode toObject} gives a plain object for all of that.
 *
 * @example
 * ```ts
 * import { connect, GPS } from "smalti";
 *
 * await using client = await connect("./recordings");
 * const topic = await client.topicHandler("drive_log_01", "gps/front");
 * for await (const message of topic.getDataStreamer()) {
 *   const { timestampNs, data } = message.toObject(GPS);
 *   const onGround = { ...data, position: { ...data.position, z: 0 } };
 *   console.log(timestampNs, structuredClone(onGround));
 * }
 * ```
 */
export interface Message {
  /** Its time, in nanoseconds. */
  readonly timestampNs: bigint;
  /** The topic's name, without a leading `/`. */
  readonly topic: string;
  /** The tag of the topic's ontology. */
  readonly ontologyTag: string;
  /**
   * Its fields, by plain property access. Missing values are undefined, and so are structs whose fields are all missing,
   * unless they were imported from JSON, which tells `{}` from null;
   * int64 and uint64 are bigint; decimals are exact text, with all digits of their scale; bytes and lists of numbers are views on the batch, not to be changed.
   *
   * Reading throws CORRUPT where the column's bytes are damaged.
   */
  readonly data: MessageData;
  /**
   * The same data with the type of an ontology. The ontology may have fewer fields than the topic, or optional ones that it
   * lacks, which read as undefined: a recording may be older or newer than the program. So do values that are missing in a
   * recording of other software, whatever the type says.
   *
   * INVALID_ARGUMENT where the topic's ontology has another tag, lacks a field that is not optional, or holds values of
   * another type in one: the text names the first.
   */
  getData<T>(ontology: Ontology<T>): T;
  /** A plain deep copy: the values that are there, with bytes and lists of numbers that are the caller's own. */
  toObject(): MessageObject;
  /** The same with the type of an ontology; INVALID_ARGUMENT as {@linkcode getData}. */
  toObject<T>(ontology: Ontology<T>): MessageObject<T>;
  /** For `JSON.stringify`. */
  toJSON(): MessageJson;
}

/** A topic as its messages need it. */
export interface MessageTopic {
  readonly name: string;
  readonly sequence: string;
  readonly schema: TopicSchema;
  /** Makes the views on rows of its columns after `timestamp_ns`. */
  readonly row: RowClass;
  /** Ontologies that were found to be the topic's. */
  readonly matching: Set<unknown>;
}

/** What the messages of a topic share. */
export function messageTopic(
  sequence: string,
  name: string,
  schema: TopicSchema,
): MessageTopic {
  return {
    sequence,
    name,
    schema,
    row: rowClass(schema.fields.slice(1)),
    matching: new Set(),
  };
}

/** A batch with its topic. What messages need is at hand in it, since every step to a value costs a load from memory. */
export class TopicBatch {
  readonly topic: MessageTopic;
  readonly name: string;
  readonly row: RowClass;
  readonly times: BigInt64Array;
  /** The same bytes: a bigint out of a DataView takes Bun a sixth of the time, and halves of one can be read. */
  readonly clock: DataView;
  /** The columns after `timestamp_ns`. */
  columns: readonly Vector[];
  /** Bytes that were decompressed for them. */
  columnBytes = 0;
  /** Whether somebody holds the columns, so that letting go of them would free nothing. */
  inUse = false;
  /** Lets go of the columns, for who bounds what is held; undefined where nobody does. */
  release: (() => void) | undefined;
  /** Keeps it at hand for others once its rows were given out; undefined where nobody wants that. */
  readonly keep: (() => void) | undefined;
  /** Bytes beside the batch that are held for it. */
  extraBytes = 0;
  readonly batch: OpenBatch;

  constructor(topic: MessageTopic, batch: OpenBatch, keep?: () => void) {
    this.keep = keep;
    this.topic = topic;
    this.name = topic.name;
    this.row = topic.row;
    const { buffer, byteOffset, byteLength } = this.times = batch.times;
    this.clock = new DataView(buffer, byteOffset, byteLength);
    this.columns = batch.table.children.slice(1);
    this.columnBytes = batch.loadedBytes;
    this.batch = batch;
  }

  /** Bytes it takes without its columns: as stored, its times, and what is held beside them. */
  get heldBytes(): number {
    return this.batch.message.length + this.times.byteLength + this.extraBytes;
  }

  /** Lets go of what was decompressed of the columns; it is decompressed again when it is touched. */
  unload(): void {
    this.batch.unload();
    this.columns = this.batch.table.children.slice(1);
    this.columnBytes = 0;
  }
}

/** A message as a row of a batch. Typed as a constructor: the compiler wants no computed names in declarations. */
export const RowMessage: new (from: TopicBatch, row: number) => Message = class RowMessage
  implements Message {
  /** An own property, as in the views of rows, so that who clones a message hears of it. */
  readonly toObject: Message["toObject"];
  readonly #from: TopicBatch;
  readonly #row: number;

  constructor(from: TopicBatch, row: number) {
    this.toObject = toObject;
    this.#from = from;
    this.#row = row;
  }

  get timestampNs(): bigint {
    return this.#from.clock.getBigInt64(8 * this.#row, true);
  }

  get topic(): string {
    return this.#from.name;
  }

  get ontologyTag(): string {
    return this.#from.topic.schema.ontologyTag;
  }

  get data(): MessageData {
    const from = this.#from;
    return new from.row(from.columns, this.#row);
  }

  getData<T>(ontology: Ontology<T>): T {
    const { topic } = this.#from;
    if (!topic.matching.has(ontology)) checkOntology(topic, ontology);
    return this.data as T;
  }

  toJSON(): MessageJson {
    return {
      timestamp_ns: String(this.timestampNs),
      topic: this.topic,
      ontology: this.ontologyTag,
      data: plainRow(this.data as RowView, true),
    };
  }

  [Symbol.for("nodejs.util.inspect.custom")](): unknown {
    return this.toObject();
  }

  [Symbol.for("Deno.customInspect")](
    inspect: (value: unknown, options: unknown) => string,
    options: unknown,
  ): string {
    return inspect(this.toObject(), options);
  }
};

function toObject<T>(this: Message, ontology?: Ontology<T>): MessageObject<T> {
  const { timestampNs, topic, ontologyTag } = this;
  const view = ontology ? this.getData(ontology) : this.data;
  return { timestampNs, topic, ontologyTag, data: plainRow(view as RowView, false) as T };
}

/** Refuses an ontology that is not the topic's. INVALID_ARGUMENT. */
export function checkOntology<T>(topic: MessageTopic, ontology: Ontology<T>): void {
  const { ontologyTag, fields } = topic.schema;
  const where = { sequence: topic.sequence, topic: topic.name };
  if (ontology?.tag !== ontologyTag) {
    throw new SmaltiError(
      "INVALID_ARGUMENT",
      `Cannot read topic "${topic.name}" of sequence "${topic.sequence}" as ${ontology?.tag}: its ontology is ${ontologyTag}`,
      where,
    );
  }
  const difference = firstDifference(fields.slice(1), ontology.fields);
  if (difference !== undefined) {
    throw new SmaltiError(
      "INVALID_ARGUMENT",
      `Cannot read topic "${topic.name}" of sequence "${topic.sequence}" as this ${ontologyTag}: ${difference}`,
      where,
    );
  }
  topic.matching.add(ontology);
}
