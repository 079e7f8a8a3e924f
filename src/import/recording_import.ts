/**
 * Files -> a sequence: what all importers share. An importer reads its format's records and says what they are.
 *
 * @module
 */
import { backendOf, type Client } from "../client.ts";
import type { Engine } from "../engine.ts";
import { SmaltiError } from "../error.ts";
import { sequenceName } from "../names.ts";
import type { FieldSchema } from "../schema.ts";
import { timeWindow } from "../read/time_window.ts";
import type { TimestampNs } from "../timestamp.ts";
import type { OptionNames } from "../util/options.ts";
import type { AttachmentInfo, Metadata, SequenceInfo, Window } from "../types.ts";
import type { SequenceWriter } from "../write/sequence_writer.ts";
import { DEFAULT_AUTO_FLUSH } from "../write/session_options.ts";
import { type ByteSource, type ImportSources, readParts } from "./byte_source.ts";
import { readAll } from "./compressed.ts";
import { openDecoder } from "./decoders.ts";
import { drySequence } from "./dry_run.ts";
import { type Flaw, Flaws, type ImportFlaw } from "./flaws.ts";
import type { SerializationFormat } from "../ontology/define_ontology.ts";
import { type ImportedFile, ImportFiles } from "./import_files.ts";
import type {
  DecoderKind,
  DecoderOptions,
  MessageDecoder,
  MessageFormat,
  Row,
  RowWriter,
} from "./message_decoder.ts";
import type { MessageBatch } from "./message_batch.ts";
import { isTimeUnit, TimeField, type TimeUnit } from "./message_time.ts";
import { type OntologyMappings, ontologyOf } from "./ontology/known.ts";
import type { KnownMapping } from "./ontology/mapping.ts";
import type { RandomAccess } from "./random_access.ts";
import { RawDecoder } from "./raw_decoder.ts";
import type { RosDefinitions } from "./ros/ros_definitions.ts";
import { matchesPatterns } from "./topic_patterns.ts";
import { type ImportedTopic, INDEX_FIELD, type MessageCounter, TopicImport } from "./topic_import.ts";
import { TopicNames } from "./topic_names.ts";
import { WindowWriter } from "./window_writer.ts";

/** Options of every import. */
export interface ImportOptions {
  /** The new sequence's name. */
  name: string;
  /** Facts about the sequence, beside those from the file. @default {} */
  metadata?: Metadata;
  /** Gives the import up. @default none */
  signal?: AbortSignal;
  /** Called as bytes of all files have been read; `totalBytes` is undefined where one does not say. @default none */
  onProgress?: (bytesRead: number, totalBytes: number | undefined) => void;
  /** Bound on what the sequence's topics hold in memory before it is stored, in bytes. @default 32 MiB */
  maxBufferedBytes?: number;
  /**
   * What integers of 64 bits become, as all of JSON's are: columns of int64, which read as bigint, or of float64, which
   * read as numbers (`message.data.lat * 1e-7`). An integer that no float64 holds exactly, which is one beyond 2^53, does
   * not fit such a column: JSON keeps it in `_json`. @default "bigint"
   */
  integers?: "bigint" | "number";
  /**
   * Whether to keep what the file has around each message, as columns: its number in the file over all topics `_index`
   * (uint64), which goes on from file to file; of MCAP also publish time `_publish_time_ns` (uint64) and sequence number
   * `_sequence` (uint32). @default false
   */
  envelope?: boolean;
  /**
   * Which time orders the messages: `log`, when they were recorded; `publish`, when they were sent, which MCAP alone tells
   * (INVALID_ARGUMENT for other files); else a field of the messages, its names with `.` between them: `header.stamp`.
   * (`.log` is a field called log.) The field holds a number of `timeUnit`, an ISO 8601 text, or an object with seconds and
   * nanoseconds as in ROS: `sec` and `nanosec`. Digits beyond nanoseconds are rounded. A message whose field is missing or
   * says no time is a flaw, and so are all messages that stay bytes. The other times are kept: the log time as column `_log_time_ns`, and in MCAP the publish time, where a field
   * orders, as `_publish_time_ns`; in ULog it is the field `timestamp` anyway. @default "log"
   */
  time?: "log" | "publish" | (string & Record<never, never>);
  /** What numbers in the field `time` count. @default "ns"; in tables told by their size */
  timeUnit?: TimeUnit;
  /**
   * Topics to take, as patterns of their names in the file: `*` stands for anything, the last pattern that matches decides, and
   * one with `!` before it takes away; where all take away, they do from all topics. @default all
   */
  topics?: readonly string[];
  /** The first time to take, of those that order the messages. @default no bound */
  startNs?: TimestampNs;
  /** The first time not to take. @default no bound */
  endNs?: TimestampNs;
  /**
   * Whether to write nothing: the file is read, messages are decoded and checked, and the report tells what would come of it. Its
   * `sequence` is made up then: its topics have no bytes, and whether its name is free is not looked at. @default false
   */
  dryRun?: boolean;
  /**
   * Topics whose messages become those of Mosaico's classes where their types are known (ROS's and PX4's usual ones), as
   * patterns of names: `*` stands for anything, and a pattern with `!` before it takes away again. Messages that do not fit are
   * kept as they are on a topic `<name>_raw`. @default none
   */
  ontology?: readonly string[];
  /**
   * Further types for {@linkcode ontology}, by their name in the file: the class, and where each of its fields comes from.
   * They come before those that are known. @default none
   */
  mappings?: OntologyMappings;
  /**
   * Definitions of ROS 2 messages by type, where the file has none of theirs, as bags from before Iron and MCAP with empty
   * schemas. They come before those of ROS 2 Humble's own packages, which are known. @default those of ROS 2 Humble
   */
  definitions?: RosDefinitions;
  /**
   * Whether to go on where the file is flawed: what cannot be read is left out and told in the report's `flaws`, all else
   * is committed. Else the import fails there. A flaw that costs nothing is told either way. @default false
   */
  salvage?: boolean;
}

/** Their names. */
export const IMPORT_OPTIONS: OptionNames<ImportOptions> = {
  name: true,
  metadata: true,
  signal: true,
  onProgress: true,
  maxBufferedBytes: true,
  integers: true,
  envelope: true,
  time: true,
  timeUnit: true,
  salvage: true,
  topics: true,
  startNs: true,
  endNs: true,
  dryRun: true,
  ontology: true,
  mappings: true,
  definitions: true,
};

/** What an import did. */
export interface ImportReport {
  /** The sequence as it is now. */
  readonly sequence: SequenceInfo;
  /** What became of each topic of the file, in the order of their making. */
  readonly topics: readonly ImportedTopic[];
  /** Messages taken, on all topics. */
  readonly messageCount: number;
  /** The files, in the order given. */
  readonly files: readonly ImportedFile[];
  /** What is wrong with the file, in its order: the first 1,000 flaws. */
  readonly flaws: readonly ImportFlaw[];
  /** How many flaws there are, by kind. */
  readonly flawCounts: Readonly<Record<string, number>>;
}

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

/** What an importer brings to {@linkcode importRecording}. */
export interface Importer<R> {
  /** What errors call the file where the source has no name: `the MCAP file`. */
  what: string;
  /**
   * Reads a file to its end and hands over what is in it; returns the counts that its report has beside the shared. Called
   * for each file in order; the counts add up.
   */
  read(recording: RecordingImport): Promise<R>;
  /** Decoders of messages. @default all there are */
  decoders?: readonly DecoderKind[];
}

const DEFAULT_BUFFERED_BYTES = 32 * 2 ** 20;
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

/**
 * Makes a sequence of files. The sequence begins when the importer says so; it is finalized when all files were read. Where
 * one fails, what came before stays readable, as a sequence in state `failed`, and the error says how much that is; where
 * the signal ended it, nothing stays, but of a live source what came is committed. Under `salvage` flaws of the files are no
 * failure, but where all of it was lost.
 */
export async function importRecording<R extends { readonly [K in keyof R]: number }>(
  client: Client,
  sources: ImportSources,
  options: ImportOptions,
  importer: Importer<R>,
): Promise<ImportReport & R> {
  sequenceName(options.name);
  const { timeUnit } = options;
  if (timeUnit !== undefined && !isTimeUnit(timeUnit)) {
    throw new TypeError(`Cannot import: timeUnit is ${JSON.stringify(timeUnit)}, wanted s, ms, us or ns`);
  }
  const { startNs, endNs } = options;
  const isBounded = startNs !== undefined || endNs !== undefined;
  const window = isBounded ? timeWindow(options, "Cannot import") : undefined;
  const files = new ImportFiles(sources, importer.what);
  const recording = new RecordingImport(client, files, options, window, importer.decoders);
  try {
    options.signal?.throwIfAborted();
    const counts: R[] = [];
    while (recording.nextFile()) counts.push(await importer.read(recording));
    return { ...await recording.finish(), ...sum(counts) };
  } catch (reason) {
    throw await recording.fail(reason);
  }
}

function sum<R extends { readonly [K in keyof R]: number }>(counts: readonly R[]): R {
  return counts.reduce((total, more) => {
    const entries = (Object.keys(total) as (keyof R)[]).map((key) => [key, total[key] + more[key]]);
    return Object.fromEntries(entries) as R;
  });
}

/** Fields at every depth. */
function countFields(fields: readonly FieldSchema[]): number {
  return fields.reduce((sum, { children }) => sum + 1 + countFields(children), 0);
}

/** One import, as its importer sees it. A promise that comes back is awaited before the next call. */
export class RecordingImport {
  readonly #client: Client;
  readonly #files: ImportFiles;
  readonly #options: ImportOptions;
  readonly #window: Window | undefined;
  readonly #decoders: readonly DecoderKind[] | undefined;
  readonly #names = new TopicNames();
  readonly #topics: TopicImport[] = [];
  readonly #counter: MessageCounter = { count: 0 };
  readonly #collected = { bytes: 0 };
  /** Topics for messages that do not fit their class, by the name of their topic in the file. */
  readonly #asides = new Map<string, TopicImport>();
  readonly #flaws: Flaws;
  #columnCount = 0;
  #sequence: SequenceWriter | undefined;
  #isBegun = false;
  #hold: (() => Promise<void>) | undefined;
  /** Byte of the file at which what is handed over begins, where the importer says so: for flaws. */
  offset = 0;
  /** What is put before what is said of a flaw: `line 3: `. */
  place = "";
  /** Whether its messages have publish times, which {@linkcode begin} refuses to order by else. */
  hasPublishTimes = false;

  constructor(
    client: Client,
    files: ImportFiles,
    options: ImportOptions,
    window: Window | undefined,
    decoders: readonly DecoderKind[] | undefined,
  ) {
    this.#client = client;
    this.#files = files;
    this.#options = options;
    this.#window = window;
    this.#decoders = decoders;
    this.#flaws = new Flaws(options.salvage ?? false);
  }

  /** Decompresses. */
  get engine(): Engine {
    return backendOf(this.#client).engine;
  }

  /** What errors and metadata call the file that is read; undefined where nobody says. */
  get fileName(): string | undefined {
    return this.#files.current.source.name;
  }

  /** Bytes of the whole file, where known. */
  get sizeBytes(): number | undefined {
    return this.#files.current.source.sizeBytes;
  }

  /** Facts that the file tells about the sequence as it is read; stored when it ends, whole or not. */
  get metadata(): Metadata {
    return this.#files.current.facts;
  }

  /** The same, of facts that tell about topics alone: a file of which nothing else is whole is none. */
  get topicFacts(): Metadata {
    return this.#files.current.topicFacts;
  }

  /** Whether flaws that cost something are lived with. */
  get salvages(): boolean {
    return this.#options.salvage ?? false;
  }

  /**
   * Notes down what is wrong with the file. Throws where that cost something, unless the import salvages: then the importer
   * goes on with what comes after.
   */
  flaw(flaw: Flaw): void {
    const file = this.#files.hasSeveral ? { file: this.fileName ?? this.#files.label } : {};
    this.#flaws.add({ offset: this.offset, ...file, ...flaw, message: this.place + flaw.message });
  }

  /** Whether {@linkcode begin} was called for this file. */
  get isBegun(): boolean {
    return this.#isBegun;
  }

  /** Whether columns are wanted for what is around a message. */
  get envelope(): boolean {
    return this.#options.envelope ?? false;
  }

  /** Which time orders the messages: one of the file's, or a field of theirs. */
  get time(): "log" | "publish" | "field" {
    const { time = "log" } = this.#options;
    if (time === "log") return "log";
    return time === "publish" ? "publish" : "field";
  }

  /** The field that orders the messages, or the column; undefined where none was named. */
  get timeField(): string | undefined {
    return this.time === "field" ? this.#options.time : undefined;
  }

  /** What numbers in that field count, where that was said. */
  get timeUnit(): TimeUnit | undefined {
    return this.#options.timeUnit;
  }

  /** What integers of 64 bits become. */
  get integers(): "bigint" | "number" {
    return this.#options.integers ?? "bigint";
  }

  /** Definitions of ROS 2 messages by type, where the caller gave some. */
  get definitions(): RosDefinitions | undefined {
    return this.#options.definitions;
  }

  /** The sequence's name. */
  get sequenceName(): string {
    return this.#options.name;
  }

  /** @internal Goes on to the next file; false after the last. */
  nextFile(): boolean {
    this.#isBegun = false;
    this.offset = 0;
    this.place = "";
    return this.#files.next(this.#counter.count);
  }

  /** The file's bytes in order, in parts of up to 1 MiB. Throws the signal's reason once it is given. */
  bytes(): AsyncGenerator<Uint8Array> {
    const { signal, onProgress } = this.#options;
    // A batch of a live source is held back no longer than its writer's own.
    const pause = { afterMs: DEFAULT_AUTO_FLUSH.intervalMs!, run: () => this.#flush() };
    return this.#files.bytes(signal, onProgress, pause);
  }

  /** The same bytes once more, beside {@linkcode bytes}; undefined where the source can be walked over only once. */
  bytesAgain(): AsyncGenerator<Uint8Array> | undefined {
    return this.#walkOf(this.#files.current.source)?.();
  }

  /** All files of the import, in order, to be looked at before their turn; `bytes` as {@linkcode bytesAgain} has them. */
  get files(): readonly {
    name: string | undefined;
    bytes: (() => AsyncGenerator<Uint8Array>) | undefined;
  }[] {
    return this.#files.sources.map((source) => ({ name: source.name, bytes: this.#walkOf(source) }));
  }

  #walkOf({ isRepeatable, chunks }: ByteSource): (() => AsyncGenerator<Uint8Array>) | undefined {
    return isRepeatable ? () => readParts(chunks, this.#options.signal) : undefined;
  }

  /** The file to be read at any place. One that is a stream is read into memory: TOO_LARGE beyond so many bytes. */
  async randomAccess(maxBytes: number): Promise<RandomAccess> {
    const { read, sizeBytes, whole } = this.#files.current.source;
    if (read && sizeBytes !== undefined) {
      const { signal, onProgress } = this.#options;
      let most = 0;
      return {
        sizeBytes,
        read: async (offset, length) => {
          signal?.throwIfAborted();
          const bytes = await read(offset, length);
          // Not in order, but mostly.
          most = Math.max(most, offset + bytes.length);
          onProgress?.(most, sizeBytes);
          return bytes;
        },
      };
    }
    const bytes = await whole?.() ?? await readAll(this.bytes(), maxBytes);
    return {
      sizeBytes: bytes.length,
      read: (offset, length) => Promise.resolve(bytes.subarray(offset, offset + length)),
    };
  }

  /** All bytes of a file beside this one, where there is such. */
  async beside(suffix: string, maxBytes: number): Promise<Uint8Array | undefined> {
    return await this.#files.current.source.beside?.(suffix, maxBytes);
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
    // Together, since they lie in the same bytes.
    const decode = async () => {
      if (topics.length === 0) return;
      this.engine.decodeRecords(bytes, topics.map((topic) => topic.noted));
      for (const topic of topics.splice(0)) await topic.decodeNoted(bytes);
    };
    try {
      for (let i = 0; i < messages; i++) {
        const topic = topicOf(channels[i]);
        const count = topic?.note(starts[i] - base, ends[i] - base, lows[i], highs[i]) ?? 0;
        if (count > 0) {
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
      await decode();
    }
  }

  /** Starts the sequence: to be called when the file has shown that it is one, before all below. */
  async begin(facts: Metadata = {}): Promise<void> {
    this.#isBegun = true;
    Object.assign(this.#files.current.opening, facts);
    if (this.#sequence) return;
    if (this.time === "publish" && !this.hasPublishTimes) {
      const text = `${this.#files.what} has no publish times: wanted log, or a field or column, as time`;
      throw new SmaltiError("INVALID_ARGUMENT", text);
    }
    const { name, maxBufferedBytes = DEFAULT_BUFFERED_BYTES, dryRun = false } = this.#options;
    const metadata = { ...this.#options.metadata, ...this.#files.facts() };
    this.#sequence = dryRun
      ? drySequence(name, metadata, maxBufferedBytes)
      : await this.#client.sequenceCreate(name, {
        maxBufferedBytes,
        // What is lost of a file can be imported again.
        ...(!this.#files.isLive && { autoFlush: false }),
        metadata,
      });
  }

  /** The number of a message that is pushed later, when others were: to be given then. */
  numberMessage(): number {
    return this.#counter.count++;
  }

  /** Says what writes the messages that the importer itself holds back, of all files. */
  holdBack(write: () => Promise<void>): void {
    this.#hold = write;
  }

  /** Creates a topic for the messages of one format, under its name or one like it. One that is not wanted takes nothing. */
  async createTopic(topic: SourceTopic): Promise<TopicImport> {
    const { topics } = this.#options;
    if (topics && !matchesPatterns(topics, topic.name)) return this.#leftOut(topic.name);
    return await this.#createTopic(topic, this.time === "field");
  }

  #leftOut(name: string): TopicImport {
    const flaw = (flaw: Flaw) => this.flaw(flaw);
    const facts = { name, sourceName: name, isNumbered: false, isTimedByField: false };
    const parts = {
      ...facts,
      counter: this.#counter,
      decoder: NOTHING,
      writer: NOWHERE,
      rowCount: () => 0,
      flaw,
    };
    return new TopicImport(parts, true);
  }

  async #createTopic(
    { name: sourceName, tag, format, serializationFormat = "default", envelope = [], metadata }: SourceTopic,
    isTimedByField: boolean,
  ): Promise<TopicImport> {
    const { integers = "bigint", time = "log", timeUnit = "ns" } = this.#options;
    const name = this.#names.claim(sourceName);
    const beside = this.envelope ? [...envelope, INDEX_FIELD] : envelope;
    const options = {
      engine: this.engine,
      collected: this.#collected,
      reserved: beside,
      mapping: this.#mappingOf(sourceName, tag),
      aside: (timestampNs: bigint, bytes: Uint8Array) =>
        this.#keepAside(sourceName, metadata, timestampNs, bytes),
      flaw: (flaw: Flaw) => this.flaw({ topic: name, ...flaw }),
      integers,
      time: isTimedByField ? new TimeField(time, timeUnit, name) : undefined,
    };
    const decoder = typeof format === "function"
      ? format(options)
      : await openDecoder(format, options, this.#decoders);
    const fields = [...decoder.fields, ...beside];
    this.#columnCount += countFields(fields);
    if (this.#columnCount > MAX_COLUMNS) {
      const text = `its topics have more than ${MAX_COLUMNS} columns, up to topic "${name}"`;
      throw new SmaltiError("TOO_LARGE", text, { topic: name });
    }
    const writer = await this.#sequence!.topicCreate<Row>(name, {
      ontology: Object.freeze({
        tag: decoder.ontology?.tag ?? tag,
        format: decoder.ontology?.format ?? serializationFormat,
        fields,
      }),
      metadata: { ...metadata, ...(decoder.reason !== undefined && { [UNDECODED_KEY]: decoder.reason }) },
    });
    const counter = this.#counter;
    const window = this.#window;
    const topic = new TopicImport({
      name,
      sourceName,
      rowCount: () => writer.rowCount,
      writer: window ? new WindowWriter(writer, fields, window) : writer,
      window,
      decoder,
      counter,
      isNumbered: this.envelope,
      isTimedByField,
      flaw: (flaw) => this.flaw(flaw),
    });
    this.#topics.push(topic);
    return topic;
  }

  /** What messages of a type become; undefined where that is what they are. */
  #mappingOf(topic: string, type: string): KnownMapping | undefined {
    const { ontology, mappings } = this.#options;
    if (ontology === undefined || !matchesPatterns(ontology, topic)) return undefined;
    return ontologyOf(type, mappings);
  }

  /** Keeps a message of a topic that has a class, but not its columns, in a topic of its own. */
  async #keepAside(
    source: string,
    metadata: Metadata,
    timestampNs: bigint,
    bytes: Uint8Array,
  ): Promise<void> {
    let topic = this.#asides.get(source);
    if (!topic) {
      const name = `${source}_raw`;
      const format = () => new RawDecoder("they do not fit the class that the others become");
      // It is told the times that were found.
      topic = await this.#createTopic({ name, tag: name, format, metadata }, false);
      this.#asides.set(source, topic);
    }
    await topic.push(timestampNs, bytes);
  }

  /** Keeps a file that is in the file. */
  async attach(info: Omit<AttachmentInfo, "sizeBytes">, bytes: Uint8Array): Promise<void> {
    await this.#sequence!.attach(info, bytes);
    this.#files.current.attachmentCount++;
  }

  /**
   * Commits the sequence; one without topics where the files have nothing. Where they had something and all of that was lost
   * there is no sequence, and the first flaw is the error.
   */
  async finish(): Promise<ImportReport> {
    this.#options.signal?.throwIfAborted();
    await this.#flush();
    if (this.#flaws.isLossy && this.#isEmpty) {
      const { message, offset } = this.#flaws.listed.find(({ lost }) => lost !== undefined) ??
        this.#flaws.listed[0];
      const error = new SmaltiError("CORRUPT", `nothing in it is whole: ${message}`, { offset });
      await this.#sequence?.abort(error, "delete");
      this.#sequence = undefined;
      throw error;
    }
    if (!this.#sequence) await this.begin();
    return { sequence: await this.#commit(), ...this.#report() };
  }

  /** Ends an import that failed; returns what to throw. */
  async fail(reason: unknown): Promise<unknown> {
    const { name, signal } = this.#options;
    const file = this.#files.current.source.name;
    const what = `${this.#files.label} as sequence "${name}"`;
    if (signal?.aborted) {
      const how = () => this.#files.isLive ? this.#keep() : this.#discard(reason);
      const text = `Import of ${what} was aborted${await this.#end(how)}`;
      return new SmaltiError("ABORTED", text, { sequence: name, cause: signal.reason });
    }
    const kept = await this.#end(() => this.#salvage(reason));
    if (!(reason instanceof SmaltiError)) return reason;
    return new SmaltiError(
      reason.code,
      `Cannot import ${what}: ${reason.rawMessage}${kept}`,
      { ...(file !== undefined && { file }), sequence: name, ...reason.details, cause: reason },
    );
  }

  /** Ends the sequence one way or another, if there is one, and says in words what is left. */
  async #end(how: () => Promise<string>): Promise<string> {
    if (!this.#sequence) return "; no sequence was made";
    try {
      return `; ${await how()}`;
    } catch (failure) {
      return `; and the sequence could not be ended: ${(failure as Error).message}`;
    }
  }

  async #commit(): Promise<SequenceInfo> {
    const sequence = this.#sequence!;
    await this.#flush();
    sequence.addMetadata(this.#facts());
    return await sequence.finalize();
  }

  /** Commits what came of a live source, which cannot be had again. */
  async #keep(): Promise<string> {
    await this.#commit();
    return `what came before is committed: ${this.#counts()}`;
  }

  /** Keeps what came before the failure. */
  async #salvage(reason: unknown): Promise<string> {
    const sequence = this.#sequence!;
    if (sequence.status === "open") {
      // Where the store has failed it takes nothing more; abort says what it has.
      await this.#flush().catch(() => {});
      sequence.addMetadata(this.#facts());
    }
    await sequence.abort(reason, "report");
    return `what came before is kept, in state failed: ${this.#counts()}`;
  }

  async #discard(reason: unknown): Promise<string> {
    await this.#sequence!.abort(reason, "delete");
    return "nothing of it is kept";
  }

  #counts(): string {
    const { messageCount, topics } = this.#report();
    return `messages ${messageCount}, topics ${topics.length}`;
  }

  #report(): Omit<ImportReport, "sequence"> {
    const topics = this.#topics.map(({ report }) => report);
    const messageCount = topics.reduce((sum, topic) => sum + topic.messageCount, 0);
    const files = this.#files.report(this.#counter.count);
    return { topics, messageCount, files, flaws: this.#flaws.listed, flawCounts: this.#flaws.counts };
  }

  #facts(): Metadata {
    return this.#files.facts(this.#counter.count);
  }

  /** Whether there is neither message nor attachment nor fact, but for messages that are not wanted. */
  get #isEmpty(): boolean {
    const isPart = this.#window !== undefined || this.#options.topics !== undefined;
    if (isPart && this.#counter.count > 0) return false;
    return this.#topics.every(({ report }) => report.messageCount === 0) && this.#files.isEmpty;
  }

  async #flush(): Promise<void> {
    await this.#hold?.();
    for (const topic of this.#topics) await topic.flush();
  }
}
