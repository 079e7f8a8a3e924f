/**
 * A file -> a sequence: what all importers share. An importer reads its format's records and says what they are.
 *
 * @module
 */
import { backendOf, type Client } from "../client.ts";
import type { Engine } from "../engine.ts";
import { SmaltiError } from "../error.ts";
import { sequenceName } from "../names.ts";
import type { FieldSchema } from "../schema.ts";
import type { OptionNames } from "../util/options.ts";
import type { AttachmentInfo, Metadata, SequenceInfo } from "../types.ts";
import type { SequenceWriter } from "../write/sequence_writer.ts";
import { type ByteChunks, type ByteSource, readParts, toByteSource } from "./byte_source.ts";
import { openDecoder } from "./decoders.ts";
import { type Flaw, Flaws, type ImportFlaw } from "./flaws.ts";
import type { DecoderKind, MessageFormat, Row } from "./message_decoder.ts";
import { type ImportedTopic, TopicImport } from "./topic_import.ts";
import { TopicNames } from "./topic_names.ts";

/** Options of every import. */
export interface ImportOptions {
  /** The new sequence's name. */
  name: string;
  /** Facts about the sequence, beside those from the file. @default {} */
  metadata?: Metadata;
  /** Gives the import up. @default none */
  signal?: AbortSignal;
  /** Called as bytes have been read; `totalBytes` is undefined where the source does not say. @default none */
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
  salvage: true,
};

/** What an import did. */
export interface ImportReport {
  /** The sequence as it is now. */
  readonly sequence: SequenceInfo;
  /** What became of each topic of the file, in the order of their making. */
  readonly topics: readonly ImportedTopic[];
  /** Messages taken, on all topics. */
  readonly messageCount: number;
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
  /** How its messages are encoded. */
  format: MessageFormat;
  /** Columns for what the file says around a message. @default none */
  envelope?: readonly FieldSchema[];
  /** Facts about it. */
  metadata: Metadata;
}

/** What an importer brings to {@linkcode importRecording}. */
export interface Importer<R> {
  /** What errors call the file where the source has no name: `the MCAP file`. */
  what: string;
  /** Reads the file to its end and hands over what is in it; returns what its report has beside the shared. */
  read(recording: RecordingImport): Promise<R>;
  /** Decoders of messages. @default all there are */
  decoders?: readonly DecoderKind[];
}

const DEFAULT_BUFFERED_BYTES = 32 * 2 ** 20;

/**
 * Makes a sequence of a file. The sequence begins when the importer says so; it is finalized when `read` returns. Where
 * that fails, what came before stays readable, as a sequence in state `failed`, and the error says how much that is;
 * where the signal ended it, nothing stays. Under `salvage` flaws of the file are no failure, but where all of it was lost.
 */
export async function importRecording<R extends object>(
  client: Client,
  source: ByteSource | ByteChunks,
  options: ImportOptions,
  importer: Importer<R>,
): Promise<ImportReport & R> {
  sequenceName(options.name);
  const recording = new RecordingImport(client, toByteSource(source), options, importer);
  try {
    options.signal?.throwIfAborted();
    const rest = await importer.read(recording);
    return { ...await recording.finish(), ...rest };
  } catch (reason) {
    throw await recording.fail(reason);
  }
}

/** One import, as its importer sees it. A promise that comes back is awaited before the next call. */
export class RecordingImport {
  /** Facts that the file tells about the sequence as it is read; stored when it ends, whole or not. */
  readonly metadata: Metadata = {};
  readonly #client: Client;
  readonly #source: ByteSource;
  readonly #options: ImportOptions;
  readonly #importer: Pick<Importer<unknown>, "what" | "decoders">;
  readonly #names = new TopicNames();
  readonly #topics: TopicImport[] = [];
  readonly #flaws: Flaws;
  #sequence: SequenceWriter | undefined;
  #attachmentCount = 0;
  /** Byte of the file at which what is handed over begins, where the importer says so: for flaws. */
  offset = 0;

  constructor(
    client: Client,
    source: ByteSource,
    options: ImportOptions,
    importer: Pick<Importer<unknown>, "what" | "decoders">,
  ) {
    this.#client = client;
    this.#source = source;
    this.#options = options;
    this.#importer = importer;
    this.#flaws = new Flaws(options.salvage ?? false);
  }

  /** Decompresses. */
  get engine(): Engine {
    return backendOf(this.#client).engine;
  }

  /** Bytes of the whole file, where known. */
  get sizeBytes(): number | undefined {
    return this.#source.sizeBytes;
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
    this.#flaws.add({ offset: this.offset, ...flaw });
  }

  /** Whether {@linkcode begin} was called. */
  get isBegun(): boolean {
    return this.#sequence !== undefined;
  }

  /** The file's bytes in order, in parts of up to 1 MiB. Throws the signal's reason once it is given. */
  async *bytes(): AsyncGenerator<Uint8Array> {
    const { signal, onProgress } = this.#options;
    let bytesRead = 0;
    for await (const part of readParts(this.#source.chunks, signal)) {
      yield part;
      bytesRead += part.length;
      onProgress?.(bytesRead, this.sizeBytes);
    }
  }

  /** The same bytes once more, beside {@linkcode bytes}; undefined where the source can be walked over only once. */
  bytesAgain(): AsyncGenerator<Uint8Array> | undefined {
    return this.#source.isRepeatable ? readParts(this.#source.chunks, this.#options.signal) : undefined;
  }

  /** Starts the sequence: to be called when the file has shown that it is one, before all below. */
  async begin(metadata: Metadata = {}): Promise<void> {
    const { name, metadata: given, maxBufferedBytes = DEFAULT_BUFFERED_BYTES } = this.#options;
    this.#sequence = await this.#client.sequenceCreate(name, {
      maxBufferedBytes,
      autoFlush: false, // what is lost can be imported again
      metadata: { ...given, ...metadata },
    });
  }

  /** Creates a topic for the messages of one format, under its name or one like it. */
  async createTopic(
    { name, tag, format, envelope = [], metadata }: SourceTopic,
  ): Promise<TopicImport> {
    const { integers = "bigint" } = this.#options;
    const reserved = envelope.map((field) => field.name);
    const decoder = await openDecoder(format, { reserved, integers }, this.#importer.decoders);
    const writer = await this.#sequence!.topicCreate<Row>(this.#names.claim(name), {
      ontology: Object.freeze({ tag, format: "default", fields: [...decoder.fields, ...envelope] }),
      metadata,
    });
    const topic = new TopicImport(name, writer, decoder, (flaw) => this.flaw(flaw));
    this.#topics.push(topic);
    return topic;
  }

  /** Keeps a file that is in the file. */
  async attach(info: Omit<AttachmentInfo, "sizeBytes">, bytes: Uint8Array): Promise<void> {
    await this.#sequence!.attach(info, bytes);
    this.#attachmentCount++;
  }

  /**
   * Commits the sequence; one without topics where the file has nothing. Where it had something and all of that was lost
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
    const sequence = this.#sequence!;
    sequence.addMetadata(this.metadata);
    return { sequence: await sequence.finalize(), ...this.#report() };
  }

  /** Ends an import that failed; returns what to throw. */
  async fail(reason: unknown): Promise<unknown> {
    const { name, signal } = this.#options;
    const { name: file } = this.#source;
    const what = `${file === undefined ? this.#importer.what : JSON.stringify(file)} as sequence "${name}"`;
    if (signal?.aborted) {
      const text = `Import of ${what} was aborted${await this.#end(() => this.#discard(reason))}`;
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

  /** Keeps what came before the failure. */
  async #salvage(reason: unknown): Promise<string> {
    const sequence = this.#sequence!;
    if (sequence.status === "open") {
      // Where the store has failed it takes nothing more; abort says what it has.
      await this.#flush().catch(() => {});
      sequence.addMetadata(this.metadata);
    }
    await sequence.abort(reason, "report");
    const { messageCount, topics } = this.#report();
    return `what came before is kept, in state failed: messages ${messageCount}, topics ${topics.length}`;
  }

  async #discard(reason: unknown): Promise<string> {
    await this.#sequence!.abort(reason, "delete");
    return "nothing of it is kept";
  }

  #report(): Omit<ImportReport, "sequence"> {
    const topics = this.#topics.map(({ report }) => report);
    const messageCount = topics.reduce((sum, topic) => sum + topic.messageCount, 0);
    return { topics, messageCount, flaws: this.#flaws.listed, flawCounts: this.#flaws.counts };
  }

  /** Whether there is neither message nor attachment nor fact. */
  get #isEmpty(): boolean {
    return this.#attachmentCount === 0 && this.#topics.every(({ report }) => report.messageCount === 0) &&
      Object.values(this.metadata).every((fact) => Array.isArray(fact) && fact.length === 0);
  }

  async #flush(): Promise<void> {
    for (const topic of this.#topics) await topic.flush();
  }
}
