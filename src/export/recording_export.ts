/**
 * A sequence -> a file: what all exporters share. An exporter makes bytes of messages.
 *
 * @module
 */
import { type ErrorCode, SmaltiError } from "../error.ts";
import { topicName } from "../names.ts";
import type { Message } from "../read/merge/message.ts";
import type { RowBlock } from "../read/merge/row_block.ts";
import type { SequenceHandler } from "../read/sequence_handler.ts";
import type { SequenceStreamer } from "../read/sequence_streamer.ts";
import type { MessageBlock } from "../read/streamer.ts";
import type { AttachmentInfo, TimeRange } from "../types.ts";
import { FlawList } from "../util/flaw_list.ts";
import { checkOptions, type OptionNames } from "../util/options.ts";
import { totals } from "../util/totals.ts";
import { type ColumnPiece, piecesOf } from "./column_pieces.ts";

/** Options of every export. */
export interface ExportOptions extends TimeRange {
  /** Names of the topics to export. @default all */
  topics?: readonly string[];
  /** Gives the export up: it rejects with the signal's reason. @default none */
  signal?: AbortSignal;
  /** Called as messages have been written; `totalCount` is undefined where it is not known, as of a window. @default none */
  onProgress?: (messageCount: number, totalCount: number | undefined) => void;
  /**
   * Whether to go on where the sequence is damaged, or a value cannot be held by the format: that is left out and told in the
   * report's `flaws`. Else the export fails there. @default false
   */
  salvage?: boolean;
  /** Goes on with what is still being written, as `getDataStreamer` does; each message is passed on at once. @default false */
  follow?: boolean;
}

const EXPORT_OPTIONS: OptionNames<ExportOptions> = {
  startNs: true,
  endNs: true,
  topics: true,
  signal: true,
  onProgress: true,
  salvage: true,
  follow: true,
};

/** A file that is being written. */
export interface OpenFile {
  /** Hands bytes over, which are the file's from now on. */
  write(bytes: Uint8Array): Promise<void>;
  /** The file is whole. */
  close(): Promise<void>;
  /** Leaves nothing of it; undefined where there is no other. */
  discard?(reason: unknown): Promise<void>;
}

/** Something that an export left out. */
export interface ExportFlaw {
  /** `damage` of what is stored; `value` that the format cannot hold. */
  readonly kind: "damage" | "value";
  /** The topic concerned, where it is one's. */
  readonly topic?: string;
  /** What is left out, in words: `its message at 5 ns`. */
  readonly lost: string;
  /** What is wrong, in words, for people. */
  readonly message: string;
}

/** What an export did. */
export interface ExportReport {
  /** Messages written, on all topics. */
  readonly messageCount: number;
  /** Bytes written. */
  readonly byteCount: number;
  /** Names of the topics that were to be written, in ASCII order; one may have no message. */
  readonly topics: readonly string[];
  /** What was left out under `salvage`, the first thousand. */
  readonly flaws: readonly ExportFlaw[];
  /** How much was left out, by kind. */
  readonly flawCounts: Readonly<Record<string, number>>;
}

/** What a message cannot be written for; the others can. */
const VALUE_CODES: ReadonlySet<ErrorCode> = new Set(["UNSUPPORTED", "INVALID_MESSAGE", "CORRUPT"]);

/**
 * Makes a file of a sequence: `write` asks for its messages and hands over bytes. The sink is closed when that returns, and
 * aborted where it fails.
 */
export async function exportRecording(
  handler: SequenceHandler,
  sink: WritableStream<Uint8Array>,
  options: ExportOptions,
  write: (recording: RecordingExport) => Promise<void>,
): Promise<ExportReport> {
  checkOptions(options, EXPORT_OPTIONS, `Cannot export sequence "${handler.name}"`);
  const writer = sink.getWriter();
  try {
    options.signal?.throwIfAborted();
    const recording = await RecordingExport.open(handler, writer, options);
    await write(recording);
    options.signal?.throwIfAborted();
    await writer.close();
    return recording.report;
  } catch (reason) {
    // What the sink has to say of its own end is not what went wrong.
    await writer.abort(reason).catch(() => {});
    throw reason;
  }
}

/** One export, as its exporter sees it. */
export class RecordingExport {
  /** The sequence: where damage is lived with, what is whole of it. */
  readonly handler: SequenceHandler;
  readonly #flaws: FlawList<ExportFlaw>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #options: ExportOptions;
  #topics: readonly string[] | undefined;
  #messageCount = 0;
  #byteCount = 0;

  private constructor(
    handler: SequenceHandler,
    flaws: FlawList<ExportFlaw>,
    writer: WritableStreamDefaultWriter<Uint8Array>,
    options: ExportOptions,
  ) {
    this.handler = handler;
    this.#flaws = flaws;
    this.#writer = writer;
    this.#options = options;
    if (options.topics) this.restrictTo(options.topics.map((name) => topicName(name)));
  }

  /** Begins one. Errors as opening topics. */
  static async open(
    handler: SequenceHandler,
    writer: WritableStreamDefaultWriter<Uint8Array>,
    options: ExportOptions,
  ): Promise<RecordingExport> {
    const flaws = new FlawList<ExportFlaw>();
    if (!options.salvage || handler.isOneShot) return new RecordingExport(handler, flaws, writer, options);
    const whole = await handler.salvaging(({ topic, reason, lost }) => {
      flaws.add({ kind: "damage", topic, message: flawText(reason, topic), lost });
    });
    const gone = new Set(handler.topics.map(({ name }) => name));
    for (const { name } of whole.topics) gone.delete(name);
    const topics = options.topics?.filter((name) => !gone.has(topicName(name)));
    return new RecordingExport(whole, flaws, writer, { ...options, topics });
  }

  /** What was written so far. */
  get report(): ExportReport {
    const { listed: flaws, counts: flawCounts } = this.#flaws;
    const [messageCount, byteCount] = [this.#messageCount, this.#byteCount];
    return { messageCount, byteCount, topics: this.topics, flaws, flawCounts };
  }

  /** Names of the topics that are written, in ASCII order. Of what is passed on as it comes those that came so far. */
  get topics(): readonly string[] {
    return this.#topics ?? this.handler.topics.map(({ name }) => name);
  }

  /** Leaves out all other topics; of those that are already being read their messages come all the same. */
  restrictTo(names: readonly string[]): void {
    this.#topics = [...new Set(names)].sort();
  }

  /** Notes that a message of the block at hand is not written. */
  leaveOut(): void {
    this.#messageCount--;
  }

  /** Notes that a message of the block at hand is not written for a reason, where that is lived with; else throws that. */
  leaveOutMessage(reason: unknown, topic: string, timestampNs: bigint): void {
    this.salvage(reason, `its message at ${timestampNs} ns`, topic);
    this.leaveOut();
  }

  /** Notes what is left out for a reason that concerns it alone, where that is lived with; else throws that. */
  salvage(reason: unknown, lost: string, topic?: string): void {
    const isOne = reason instanceof SmaltiError && VALUE_CODES.has(reason.code);
    if (!this.#options.salvage || !isOne) throw reason;
    const kind = reason.code === "CORRUPT" ? "damage" : "value";
    this.#flaws.add({ kind, ...(topic !== undefined && { topic }), message: flawText(reason, topic), lost });
  }

  /** The attachments one after another, with their places in the list. */
  async *attachments(): AsyncGenerator<[index: number, info: AttachmentInfo, bytes: Uint8Array]> {
    for (const [index, info] of this.handler.attachments.entries()) {
      this.#options.signal?.throwIfAborted();
      let bytes: Uint8Array;
      try {
        bytes = await this.handler.readAttachment(info);
      } catch (reason) {
        this.salvage(reason, `the attachment ${JSON.stringify(info.name)}`);
        continue;
      }
      yield [index, info, bytes];
    }
  }

  /** The messages in strict time order, in blocks. A block counts as written when the next is asked for. */
  async *blocks(): AsyncGenerator<MessageBlock<[topic: string, message: Message]>> {
    yield* this.#counted(this.#stream().batches());
  }

  /** The same as rows of columns: each block's rows are places in batches. */
  async *rowBlocks(): AsyncGenerator<RowBlock> {
    yield* this.#counted(this.#stream().rowBlocks());
  }

  /** The messages of one topic in time order as pieces of columns, each of them good until the next is asked for. */
  async *columnPieces(topic: string): AsyncGenerator<ColumnPiece> {
    for await (const block of this.#counted(this.#stream([topic]).rowBlocks())) yield* piecesOf(block);
  }

  #stream(topics = this.#topics): SequenceStreamer {
    const { startNs, endNs, signal, follow } = this.#options;
    return this.handler.getDataStreamer({ topics, startNs, endNs, signal, follow });
  }

  async *#counted<B extends { readonly length: number }>(blocks: AsyncIterable<B>): AsyncGenerator<B> {
    const { onProgress } = this.#options;
    const total = this.#totalCount();
    for await (const block of blocks) {
      yield block;
      this.#messageCount += block.length;
      onProgress?.(this.#messageCount, total);
    }
  }

  /** The sink as a file: what is written to it is counted by {@linkcode write}. */
  get sink(): OpenFile {
    return { write: (bytes) => this.#writer.write(bytes), close: () => Promise.resolve() };
  }

  /** Hands bytes over, which are the sink's, or the file's, from now on. Resolves when it has taken them; what it fails with. */
  async write(bytes: Uint8Array, file: Pick<OpenFile, "write"> = this.#writer): Promise<void> {
    await file.write(bytes);
    this.#byteCount += bytes.length;
  }

  #totalCount(): number | undefined {
    const { startNs, endNs, follow } = this.#options;
    if (startNs !== undefined || endNs !== undefined || follow || this.handler.isOneShot) return undefined;
    const names = new Set(this.topics);
    return totals(this.handler.topics.filter(({ name }) => names.has(name))).rowCount;
  }
}

function flawText({ rawMessage }: SmaltiError, topic: string | undefined): string {
  return topic === undefined || rawMessage.includes(topic) ? rawMessage : `topic "${topic}": ${rawMessage}`;
}
