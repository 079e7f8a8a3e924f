import type { StoredBatches } from "../backend.ts";
import { SmaltiError } from "../error.ts";
import { MAX_NS } from "../types.ts";
import type { ColumnFields, ColumnName } from "../read/columns/column_fields.ts";
import type { ColumnStreamer } from "../read/columns/column_streamer.ts";
import type { SequenceColumnOptions } from "../read/columns/sequence_columns.ts";
import type { SequenceStreamOptions } from "../read/message_stream.ts";
import type { SequenceHandler } from "../read/sequence_handler.ts";
import type { SequenceStreamer } from "../read/sequence_streamer.ts";
import { storedOf } from "./cut_splits.ts";
import type { Split, SplitTopic } from "./split.ts";

/** Options of {@linkcode SplitHandler.getDataStreamer}: the window is the split's. */
export type SplitStreamOptions = Omit<SequenceStreamOptions, "startNs" | "endNs" | "follow" | "onLate">;

/** Options of {@linkcode SplitHandler.getColumnStreamer}. */
export type SplitColumnOptions<F extends ColumnFields = ColumnFields> = Omit<
  SequenceColumnOptions<F>,
  "startNs" | "endNs"
>;

/** A split open for reading: its rows in strict time order, those of its window alone. Made by `client.openSplit`. */
export class SplitHandler {
  /** What was opened. */
  readonly split: Split;
  readonly #handler: SequenceHandler;
  readonly #window: { startNs: bigint; endNs?: bigint };
  readonly #topics: readonly string[];

  private constructor(split: Split, handler: SequenceHandler) {
    this.split = split;
    this.#handler = handler;
    this.#topics = split.topics.map(({ name }) => name);
    const endNs = BigInt(split.endNs);
    this.#window = { startNs: BigInt(split.startNs), ...(endNs <= MAX_NS && { endNs }) };
  }

  /** @internal Looks whether the files are those that the split was cut of. IO where they are not, NOT_FOUND, CORRUPT. */
  static async open(split: Split, handler: SequenceHandler): Promise<SplitHandler> {
    for (const topic of split.topics) {
      const stored = storedOf(handler, topic.name, (await handler.topicSource(topic.name)).stored);
      checkSame(split, topic, stored);
    }
    return new SplitHandler(split, handler);
  }

  /** The sequence that it is a part of. */
  get sequence(): SequenceHandler {
    return this.#handler;
  }

  /** Streams the split's messages, as {@linkcode SequenceHandler.getDataStreamer} does those of a window. */
  getDataStreamer(options: SplitStreamOptions = {}): SequenceStreamer {
    return this.#handler.getDataStreamer({ topics: this.#topics, ...options, ...this.#window });
  }

  /** Streams fields of the split as columns, as {@linkcode SequenceHandler.getColumnStreamer} does those of a window. */
  getColumnStreamer<const F extends ColumnFields>(
    options: SplitColumnOptions<F>,
  ): ColumnStreamer<ColumnName<F>> {
    return this.#handler.getColumnStreamer<F>(
      { topics: this.#topics, ...options, ...this.#window } as SequenceColumnOptions<F>,
    );
  }
}

function checkSame({ sequence }: Split, topic: SplitTopic, stored: StoredBatches): void {
  const seen = `${stored.file} of ${stored.sizeBytes} bytes with index ${stored.fingerprint}`;
  const wanted = `${topic.file} of ${topic.sizeBytes} bytes with index ${topic.fingerprint}`;
  if (seen === wanted) return;
  throw new SmaltiError(
    "IO",
    `Cannot open a split of sequence "${sequence}": topic "${topic.name}" has changed since it was cut: ` +
      `found ${seen}, wanted ${wanted}; cut it anew`,
    { sequence, topic: topic.name, file: stored.file },
  );
}
