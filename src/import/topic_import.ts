import { MAX_NS } from "../types.ts";
import type { TopicWriter } from "../write/topic_writer.ts";
import type { Flaw } from "./flaws.ts";
import type { MessageDecoder, Row } from "./message_decoder.ts";

/** What became of one topic of a file. */
export interface ImportedTopic {
  /** The topic's name in the sequence. */
  readonly name: string;
  /** Its name in the file. */
  readonly sourceName: string;
  /** Messages taken. */
  readonly messageCount: number;
  /** Messages that the columns do not hold whole: they are kept as they were too, those in JSON in `_json`. */
  readonly misfitCount: number;
}

/** Writes the messages of one topic. */
export class TopicImport {
  readonly #sourceName: string;
  readonly #writer: TopicWriter<Row>;
  readonly #decoder: MessageDecoder;
  readonly #flaw: (flaw: Flaw) => void;

  /** @param flaw Takes what is wrong with a message. May throw. */
  constructor(
    sourceName: string,
    writer: TopicWriter<Row>,
    decoder: MessageDecoder,
    flaw: (flaw: Flaw) => void,
  ) {
    this.#sourceName = sourceName;
    this.#writer = writer;
    this.#decoder = decoder;
    this.#flaw = flaw;
  }

  /** The topic's name in the sequence. */
  get name(): string {
    return this.#writer.name;
  }

  /** What became of it so far. */
  get report(): ImportedTopic {
    return {
      name: this.name,
      sourceName: this.#sourceName,
      messageCount: this.#writer.rowCount,
      misfitCount: this.#decoder.misfitCount,
    };
  }

  /**
   * Writes one message, with the values of the envelope's columns. A promise that comes back is awaited before the next.
   * One at a time beyond int64 is a flaw: UNSUPPORTED, unless the import salvages.
   */
  push(timestampNs: bigint, bytes: Uint8Array, envelope?: Row): Promise<void> | undefined {
    if (timestampNs > MAX_NS) {
      const message =
        `the file has a message on topic "${this.name}" at ${timestampNs} ns: times up to 2^63 - 1 ns are supported`;
      this.#flaw({ kind: "time", code: "UNSUPPORTED", message, topic: this.name, lost: "1 message" });
      return undefined;
    }
    return this.#decoder.push(this.#writer, timestampNs, bytes, envelope);
  }

  /** Writes what the decoder holds back. */
  flush(): Promise<void> | undefined {
    return this.#decoder.flush?.(this.#writer);
  }
}
