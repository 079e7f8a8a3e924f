import type { Engine } from "../engine.ts";
import { SmaltiError } from "../error.ts";
import type { SerializationFormat } from "../ontology/define_ontology.ts";
import type { FieldSchema } from "../schema.ts";
import type { Metadata, Window } from "../types.ts";
import type { SequenceWriter } from "../write/sequence_writer.ts";
import { openDecoder } from "./decoders.ts";
import type { Flaw } from "./flaws.ts";
import type { ImportOptions } from "./import_options.ts";
import type { MessageBatch } from "./message_batch.ts";
import type {
  DecoderKind,
  DecoderOptions,
  MessageDecoder,
  MessageFormat,
  Row,
  RowWriter,
} from "./message_decoder.ts";
import { TimeField } from "./message_time.ts";
import { ontologyOf } from "./ontology/known.ts";
import type { KnownMapping } from "./ontology/mapping.ts";
import { RawDecoder } from "./raw_decoder.ts";
import { matchesPatterns } from "./topic_patterns.ts";
import { INDEX_FIELD, type MessageCounter, TopicImport } from "./topic_import.ts";
import { TopicNames } from "./topic_names.ts";
import { WindowWriter } from "./window_writer.ts";

/** The topic's metadata that tells why its messages stay bytes. */
const UNDECODED_KEY = "import.undecoded";

/** Of topics that are not wanted. */
const NOTHING: MessageDecoder = { fields: [], misfitCount: 0, push: () => undefined };
const NOWHERE: RowWriter = {
  push: () => undefined,
  pushColumns: () => undefined,
  pushPrepared: () => undefined,
};
/** Columns of all topics of an import: a few bytes of a file can ask for thousands. */
const MAX_COLUMNS = 250_000;

/** What a message counts beside its bytes. */
const MESSAGE_BYTES = 64;

/** A topic of a file. */
export interface SourceTopic {
  /** Its name in the file; the sequence's may have to be another. */
  name: string;
  /** The tag of its ontology. */
  tag: string;
  /** How its messages are encoded, or what opens a decoder of the importer's own. */
  format: MessageFormat | ((options: DecoderOptions) => MessageDecoder);
  /** How Mosaico stores its messages. @default "default" */
  serializationFormat?: SerializationFormat;
  /** Columns for what the file says around a message. @default none */
  envelope?: readonly FieldSchema[];
  /** Facts about it. */
  metadata: Metadata;
}

/** What the topics of an import are made with. */
export interface ImportTopicsParts {
  readonly engine: Engine;
  readonly options: ImportOptions;
  /** The times that are wanted. @default all */
  readonly window: Window | undefined;
  /** Decoders of messages. @default all there are */
  readonly decoders: readonly DecoderKind[] | undefined;
  /** Takes what is wrong. May throw. */
  readonly flaw: (flaw: Flaw) => void;
  /** After how many bytes of messages all that is held back is written; and what writes it. @default when it suits */
  readonly holdsFor?: { readonly bytes: number; readonly write: () => Promise<void> } | undefined;
}

/** The topics of an import. A promise that comes back is awaited before the next call. */
export class ImportTopics {
  /** Those that were created, in order. */
  readonly created: TopicImport[] = [];
  readonly counter: MessageCounter = { count: 0 };
  readonly #parts: ImportTopicsParts;
  readonly #names = new TopicNames();
  readonly #collected = { bytes: 0 };
  /** Topics for messages that do not fit their class, by the name of their topic in the file. */
  readonly #asides = new Map<string, TopicImport>();
  #columnCount = 0;
  /** Bytes of messages since all that was held back was written. */
  #takenBytes = 0;
  /** Whether messages are noted, so that nothing may be written but by who notes them. */
  #isNoting = false;

  constructor(parts: ImportTopicsParts) {
    this.#parts = parts;
  }

  /** Creates a topic for the messages of one format, under its name or one like it. One that is not wanted takes nothing. */
  async create(sequence: SequenceWriter, topic: SourceTopic): Promise<TopicImport> {
    const { topics, time = "log" } = this.#parts.options;
    if (topics && !matchesPatterns(topics, topic.name)) return this.#leftOut(topic.name);
    return await this.#create(sequence, topic, time !== "log" && time !== "publish", true);
  }

  /** Writes what topics hold back. */
  async flush(): Promise<void> {
    for (const topic of this.created) await topic.flush();
  }

  /**
   * Takes messages in their order. Those of topics that take many at once are noted and decoded together, which costs no view
   * and no integer of 64 bits; `take` is called for the others.
   *
   * @param topicOf The topic of a channel's messages; undefined where none is known, so that `take` is to see.
   * @param noted Told of each message that is noted.
   */
  async takeMessages(
    batch: MessageBatch,
    topicOf: (channel: number) => TopicImport | undefined,
    take: (i: number) => Promise<void> | undefined,
    noted?: (i: number) => void,
  ): Promise<void> {
    const { count: messages, channels, starts, ends, lows, highs } = batch;
    const base = starts[0];
    const bytes = batch.bytes.subarray(base, ends[messages - 1]);
    const topics: TopicImport[] = [];
    this.#isNoting = true;
    // Together, since they lie in the same bytes.
    const decode = async () => {
      if (topics.length === 0) return;
      this.#parts.engine.decodeRecords(bytes, topics.map((topic) => topic.noted));
      for (const topic of topics.splice(0)) await topic.decodeNoted(bytes);
    };
    try {
      for (let i = 0; i < messages; i++) {
        const topic = topicOf(channels[i]);
        const count = topic?.note(starts[i] - base, ends[i] - base, lows[i], highs[i]) ?? 0;
        if (count > 0) {
          this.#takenBytes += ends[i] - starts[i] + MESSAGE_BYTES;
          if (count === 1) topics.push(topic!);
          noted?.(i);
          continue;
        }
        // What it is given otherwise comes after what is noted, and there may be room again.
        if (topics.includes(topic!)) await decode();
        const taken = take(i);
        if (taken) await taken;
      }
    } finally {
      this.#isNoting = false;
      await decode();
    }
    await this.#taken();
  }

  /** Has all that is held back written, where it was held back for long enough. */
  #taken(bytes?: number): Promise<void> | undefined {
    if (bytes !== undefined) this.#takenBytes += bytes + MESSAGE_BYTES;
    const { holdsFor } = this.#parts;
    if (!holdsFor || this.#isNoting || this.#takenBytes < holdsFor.bytes) return undefined;
    this.#takenBytes = 0;
    return holdsFor.write();
  }

  #leftOut(name: string): TopicImport {
    const facts = { name, sourceName: name, isNumbered: false, isTimedByField: false };
    const parts = {
      ...facts,
      counter: this.counter,
      decoder: NOTHING,
      writer: NOWHERE,
      rowCount: () => 0,
      flaw: this.#parts.flaw,
    };
    return new TopicImport(parts, true);
  }

  async #create(
    sequence: SequenceWriter,
    { name: sourceName, tag, format, serializationFormat = "default", envelope = [], metadata }: SourceTopic,
    isTimedByField: boolean,
    counts: boolean,
  ): Promise<TopicImport> {
    const { engine, decoders, window, flaw, holdsFor, options: wanted } = this.#parts;
    const { integers = "bigint", time = "log", timeUnit = "ns", envelope: isNumbered = false } = wanted;
    const name = this.#names.claim(sourceName);
    const beside = isNumbered ? [...envelope, INDEX_FIELD] : envelope;
    const options = {
      engine,
      collected: this.#collected,
      reserved: beside,
      envelope: isNumbered,
      mapping: this.#mappingOf(sourceName, tag),
      aside: (timestampNs: bigint, bytes: Uint8Array) =>
        this.#keepAside(sequence, sourceName, metadata, timestampNs, bytes),
      flaw: (found: Flaw) => flaw({ topic: name, ...found }),
      integers,
      time: isTimedByField ? new TimeField(time, timeUnit, name) : undefined,
    };
    const decoder = typeof format === "function"
      ? format(options)
      : await openDecoder(format, options, decoders);
    const fields = [...decoder.fields, ...beside];
    this.#columnCount += countFields(fields);
    if (this.#columnCount > MAX_COLUMNS) {
      const text = `its topics have more than ${MAX_COLUMNS} columns, up to topic "${name}"`;
      throw new SmaltiError("TOO_LARGE", text, { topic: name });
    }
    const writer = await sequence.topicCreate<Row>(name, {
      ontology: Object.freeze({
        tag: decoder.ontology?.tag ?? tag.toWellFormed(), // files of Arrow have UTF-8, JSON need not
        format: decoder.ontology?.format ?? serializationFormat,
        fields,
      }),
      metadata: { ...metadata, ...(decoder.reason !== undefined && { [UNDECODED_KEY]: decoder.reason }) },
    });
    const topic = new TopicImport({
      name,
      sourceName,
      rowCount: () => writer.rowCount,
      writer: window ? new WindowWriter(writer, fields, window) : writer,
      window,
      decoder,
      counter: this.counter,
      isNumbered,
      isTimedByField,
      flaw,
      taken: counts && holdsFor ? (bytes) => this.#taken(bytes) : undefined,
    });
    this.created.push(topic);
    return topic;
  }

  /** What messages of a type become; undefined where that is what they are. */
  #mappingOf(topic: string, type: string): KnownMapping | undefined {
    const { ontology, mappings } = this.#parts.options;
    if (ontology === undefined || !matchesPatterns(ontology, topic)) return undefined;
    return ontologyOf(type, mappings);
  }

  /** Keeps a message of a topic that has a class, but not its columns, in a topic of its own. */
  async #keepAside(
    sequence: SequenceWriter,
    source: string,
    metadata: Metadata,
    timestampNs: bigint,
    bytes: Uint8Array,
  ): Promise<void> {
    let topic = this.#asides.get(source);
    if (!topic) {
      const name = `${source}_raw`;
      const format = () => new RawDecoder("they do not fit the class that the others become");
      // It is told the times that were found, by a decoder in the midst of writing: no time to write what is held back.
      topic = await this.#create(sequence, { name, tag: name, format, metadata }, false, false);
      this.#asides.set(source, topic);
    }
    await topic.push(timestampNs, bytes);
  }
}

/** Fields at every depth. */
function countFields(fields: readonly FieldSchema[]): number {
  return fields.reduce((sum, { children }) => sum + 1 + countFields(children), 0);
}
