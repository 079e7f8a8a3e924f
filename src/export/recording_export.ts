/**
 * A sequence -> a file: what all exporters share. An exporter makes bytes of messages.
 *
 * @module
 */
import { topicName } from "../names.ts";
import type { Message } from "../read/merge/message.ts";
import type { RowBlock } from "../read/merge/row_blocks.ts";
import type { SequenceHandler } from "../read/sequence_handler.ts";
import type { SequenceStreamer } from "../read/sequence_streamer.ts";
import type { MessageBlock } from "../read/streamer.ts";
import type { TimeRange } from "../types.ts";
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
  /** Goes on with what is still being written, as `getDataStreamer` does; each message is passed on at once. @default false */
  follow?: boolean;
}

const EXPORT_OPTIONS: OptionNames<ExportOptions> = {
  startNs: true,
  endNs: true,
  topics: true,
  signal: true,
  onProgress: true,
  follow: true,
};

/** A file that is being written. */
export interface OpenFile {
  /** Hands bytes over, which are the file's from now on. */
  write(bytes: Uint8Array): Promise<void>;
  /** The file is whole. */
  close(): Promise<void>;
}

/** What an export did. */
export interface ExportReport {
  /** Messages written, on all topics. */
  readonly messageCount: number;
  /** Bytes written. */
  readonly byteCount: number;
  /** Names of the topics that were to be written, in ASCII order; one may have no message. */
  readonly topics: readonly string[];
}

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
    const recording = new RecordingExport(handler, writer, options);
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
  readonly #handler: SequenceHandler;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #options: ExportOptions;
  #topics: readonly string[] | undefined;
  #messageCount = 0;
  #byteCount = 0;

  constructor(
    handler: SequenceHandler,
    writer: WritableStreamDefaultWriter<Uint8Array>,
    options: ExportOptions,
  ) {
    this.#handler = handler;
    this.#writer = writer;
    this.#options = options;
    if (options.topics) this.restrictTo(options.topics.map((name) => topicName(name)));
  }

  /** What was written so far. */
  get report(): ExportReport {
    return { messageCount: this.#messageCount, byteCount: this.#byteCount, topics: this.topics };
  }

  /** Names of the topics that are written, in ASCII order. Of what is passed on as it comes those that came so far. */
  get topics(): readonly string[] {
    return this.#topics ?? this.#handler.topics.map(({ name }) => name);
  }

  /** Leaves out all other topics; of those that are already being read their messages come all the same. */
  restrictTo(names: readonly string[]): void {
    this.#topics = [...new Set(names)].sort();
  }

  /** Notes that a message of the block at hand is not written. */
  leaveOut(): void {
    this.#messageCount--;
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
    return this.#handler.getDataStreamer({ topics, startNs, endNs, signal, follow });
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

  /** Hands bytes over, which are the sink's, or the file's, from now on. Resolves when it has taken them; what it fails with. */
  async write(bytes: Uint8Array, file: Pick<OpenFile, "write"> = this.#writer): Promise<void> {
    await file.write(bytes);
    this.#byteCount += bytes.length;
  }

  #totalCount(): number | undefined {
    const { startNs, endNs, follow } = this.#options;
    if (startNs !== undefined || endNs !== undefined || follow || this.#handler.isOneShot) return undefined;
    const names = new Set(this.topics);
    return totals(this.#handler.topics.filter(({ name }) => names.has(name))).rowCount;
  }
}
