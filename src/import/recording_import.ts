/**
 * Files -> a sequence: what all importers share. An importer reads its format's records and says what they are.
 *
 * @module
 */
import { backendOf, type Client } from "../client.ts";
import type { Engine } from "../engine.ts";
import { SmaltiError } from "../error.ts";
import { sequenceName } from "../names.ts";
import { timeWindow } from "../read/time_window.ts";
import type { AttachmentInfo, Metadata, SequenceInfo, Window } from "../types.ts";
import type { SequenceWriter } from "../write/sequence_writer.ts";
import { DEFAULT_AUTO_FLUSH } from "../write/session_options.ts";
import { type ByteSource, type ImportSources, readParts } from "./byte_source.ts";
import { readAll } from "./compressed.ts";
import { drySequence } from "./dry_run.ts";
import { type Flaw, Flaws } from "./flaws.ts";
import { ImportFiles } from "./import_files.ts";
import type { ImportOptions } from "./import_options.ts";
import type { ImportReport } from "./import_report.ts";
import { ImportTopics, type SourceTopic } from "./import_topics.ts";
import type { DecoderKind } from "./message_decoder.ts";
import { isTimeUnit, type TimeUnit } from "./message_time.ts";
import type { RandomAccess } from "./random_access.ts";
import type { RosDefinitions } from "./ros/ros_definitions.ts";
import type { TopicImport } from "./topic_import.ts";

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

const DEFAULT_BUFFERED_BYTES = 16 * 2 ** 20;
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

/** One import, as its importer sees it. A promise that comes back is awaited before the next call. */
export class RecordingImport {
  readonly #client: Client;
  readonly #files: ImportFiles;
  readonly #options: ImportOptions;
  readonly #topics: ImportTopics;
  readonly #flaws: Flaws;
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
    this.#flaws = new Flaws(options.salvage ?? false);
    const flaw = (flaw: Flaw) => this.flaw(flaw);
    // Who passes rows on in order waits so long for older ones.
    const { flushBytes } = backendOf(client);
    const holdsFor = flushBytes === undefined
      ? undefined
      : { bytes: flushBytes / 2, write: () => this.#flush() };
    this.#topics = new ImportTopics({ engine: this.engine, options, window, decoders, flaw, holdsFor });
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
    return this.#files.next(this.#topics.counter.count);
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
    return this.#topics.counter.count++;
  }

  /** Says what writes the messages that the importer itself holds back, of all files. */
  holdBack(write: () => Promise<void>): void {
    this.#hold = write;
  }

  /** Creates a topic for the messages of one format, under its name or one like it. One that is not wanted takes nothing. */
  async createTopic(topic: SourceTopic): Promise<TopicImport> {
    return await this.#topics.create(this.#sequence!, topic);
  }

  /** Takes messages in their order: see {@linkcode ImportTopics.takeMessages}. */
  takeMessages(...messages: Parameters<ImportTopics["takeMessages"]>): Promise<void> {
    return this.#topics.takeMessages(...messages);
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
    const what = this.#files.label + (this.#isPassedOn ? "" : ` as sequence "${name}"`);
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
    if (!this.#sequence) return this.#isPassedOn ? "" : "; no sequence was made";
    try {
      const kept = await how();
      return kept && `; ${kept}`;
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
    return `what came before is ${this.#isPassedOn ? "written" : "committed"}: ${this.#counts()}`;
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
    return this.#isPassedOn ? "" : `what came before is kept, in state failed: ${this.#counts()}`;
  }

  async #discard(reason: unknown): Promise<string> {
    await this.#sequence!.abort(reason, "delete");
    return this.#isPassedOn ? "" : "nothing of it is kept";
  }

  #counts(): string {
    const { messageCount, topics } = this.#report();
    return `messages ${messageCount}, topics ${topics.length}`;
  }

  #report(): Omit<ImportReport, "sequence"> {
    const topics = this.#topics.created.map(({ report }) => report);
    const messageCount = topics.reduce((sum, topic) => sum + topic.messageCount, 0);
    const files = this.#files.report(this.#topics.counter.count);
    return { topics, messageCount, files, flaws: this.#flaws.listed, flawCounts: this.#flaws.counts };
  }

  #facts(): Metadata {
    return this.#files.facts(this.#topics.counter.count);
  }

  /** Whether nothing is stored: what is left of a failure others tell. */
  get #isPassedOn(): boolean {
    return backendOf(this.#client).flushBytes !== undefined;
  }

  /** Whether there is neither message nor attachment nor fact, but for messages that are not wanted. */
  get #isEmpty(): boolean {
    const { topics, startNs, endNs } = this.#options;
    const isPart = topics !== undefined || startNs !== undefined || endNs !== undefined;
    if (isPart && this.#topics.counter.count > 0) return false;
    return this.#topics.created.every(({ report }) => report.messageCount === 0) && this.#files.isEmpty;
  }

  async #flush(): Promise<void> {
    await this.#hold?.();
    await this.#topics.flush();
  }
}
