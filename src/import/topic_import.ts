import { bytesOf, type Columns } from "../arrow/columns.ts";
import { type ErrorCode, SmaltiError } from "../error.ts";
import type { FieldSchema } from "../schema.ts";
import type { RecordJob } from "../record_plan.ts";
import { MAX_NS, MIN_NS, type Window } from "../types.ts";
import type { Flaw } from "./flaws.ts";
import type { MessageDecoder, Row, RowWriter } from "./message_decoder.ts";

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
  /** Such messages by what is wrong with them; undefined where there is none of which that is known. */
  readonly misfits?: Readonly<Record<string, number>>;
  /** Why its messages stay bytes; undefined where they are decoded. Also in its metadata, as `import.undecoded`. */
  readonly reason?: string;
}

/** Numbers the messages of an import. */
export interface MessageCounter {
  /** Messages so far. */
  count: number;
}

/** The column for {@linkcode MessageCounter}'s numbers. */
export const INDEX_FIELD: FieldSchema = {
  name: "_index",
  type: { kind: "int", bits: 64, signed: false },
  nullable: true,
  children: [],
  metadata: { description: "Number of the message in the file, over all topics; the first is 0." },
};

/** The column for the time at which a message was recorded, where another orders. */
export const LOG_TIME_FIELD: FieldSchema = {
  name: "_log_time_ns",
  type: { kind: "int", bits: 64, signed: true },
  nullable: true,
  children: [],
};

/** What a topic is written with. */
export interface TopicParts {
  readonly sourceName: string;
  /** Its name in the sequence. */
  readonly name: string;
  /** Messages written. */
  readonly rowCount: () => number;
  readonly writer: RowWriter;
  readonly decoder: MessageDecoder;
  readonly counter: MessageCounter;
  /** Whether {@linkcode INDEX_FIELD} is one of its columns. */
  readonly isNumbered: boolean;
  /** Whether the decoder finds the times of messages in them. */
  readonly isTimedByField: boolean;
  /** The times that are wanted. @default all */
  readonly window?: Window | undefined;
  /** Takes what is wrong with a message. May throw. */
  readonly flaw: (flaw: Flaw) => void;
  /** Told of the bytes of each message once it is written or held back. A promise that comes back is awaited. @default none */
  readonly taken?: ((bytes: number) => Promise<void> | undefined) | undefined;
}

/** What a decoder says of a message that it cannot write. */
const REFUSALS: ReadonlySet<ErrorCode> = new Set(["CORRUPT", "INVALID_MESSAGE", "UNSUPPORTED"]);

/** Writes the messages of one topic. */
export class TopicImport {
  readonly #parts: TopicParts;
  /** Whether it is not wanted: its messages are counted, and nothing else is done with them. */
  readonly isLeftOut: boolean;
  readonly #takesNotes: boolean;

  constructor(parts: TopicParts, isLeftOut = false) {
    this.#parts = parts;
    this.isLeftOut = isLeftOut;
    const { decoder, isNumbered, isTimedByField, window } = parts;
    this.#takesNotes = decoder.note !== undefined && !isNumbered && !isTimedByField && !window;
  }

  /** The topic's name in the sequence. */
  get name(): string {
    return this.#parts.name;
  }

  /** What became of it so far. */
  get report(): ImportedTopic {
    const { name, sourceName, rowCount, decoder: { misfitCount, misfits = {}, reason } } = this.#parts;
    return {
      name,
      sourceName,
      messageCount: rowCount(),
      misfitCount,
      ...(Object.keys(misfits).length > 0 && { misfits: { ...misfits } }),
      ...(reason !== undefined && { reason }),
    };
  }

  /**
   * Writes one message, with the values of the envelope's columns. A promise that comes back is awaited before the next.
   * One at a time beyond int64 is a flaw, and so is one that the decoder refuses: they throw unless the import salvages.
   *
   * @param index Its number in the file, where it was held back. @default the next
   */
  push(
    timestampNs: bigint,
    bytes: Uint8Array,
    envelope?: Row,
    index?: number,
  ): Promise<void> | undefined {
    const { writer, decoder, counter, isNumbered, isTimedByField, window, flaw, taken } = this.#parts;
    const number = index ?? counter.count++;
    if (this.isLeftOut) return undefined;
    if (!isTimedByField && (timestampNs > MAX_NS || timestampNs < MIN_NS)) {
      const wanted = timestampNs > MAX_NS ? "times up to 2^63 - 1 ns" : "times from -2^63 ns on";
      const message =
        `the file has a message on topic "${this.name}" at ${timestampNs} ns: ${wanted} are supported`;
      flaw({ kind: "time", code: "UNSUPPORTED", message, ...this.#lost });
      return undefined;
    }
    if (window && !isTimedByField && (timestampNs < window.firstNs || timestampNs > window.lastNs)) {
      return undefined;
    }
    const beside = isNumbered ? { ...envelope, [INDEX_FIELD.name]: number } : envelope;
    const { length } = bytes;
    let pushed: Promise<void> | undefined;
    try {
      pushed = decoder.push(writer, timestampNs, bytes, beside);
    } catch (reason) {
      if (!(reason instanceof SmaltiError) || !REFUSALS.has(reason.code)) throw reason;
      const { code, rawMessage: message } = reason;
      flaw({ kind: isTimedByField ? "time" : "message", code, message, cause: reason, ...this.#lost });
      return undefined;
    }
    if (!taken) return pushed;
    return pushed ? pushed.then(() => taken(length)) : taken(length);
  }

  /**
   * Notes a message without columns beside its own, as {@linkcode MessageDecoder.note} does, for {@linkcode decodeNoted}.
   *
   * @returns Messages that are noted; 0 where {@linkcode push} is to take it.
   */
  note(start: number, end: number, low: number, high: number): number {
    // Times beyond int64 are told of there.
    if (!this.#takesNotes || high >= 2 ** 31) return 0;
    const { decoder, counter } = this.#parts;
    const noted = decoder.note!(start, end, low, high);
    if (noted > 0) counter.count++;
    return noted;
  }

  /** What is noted, to be decoded. */
  get noted(): RecordJob {
    return this.#parts.decoder.noted!;
  }

  /** Writes what was decoded of what is noted, or holds it back. A promise that comes back is awaited before the next. */
  decodeNoted(bytes: Uint8Array): Promise<void> | undefined {
    const { decoder, writer } = this.#parts;
    return decoder.decodeNoted!(writer, bytes);
  }

  /**
   * Writes many messages as columns: their times (`timestamp_ns`), then the decoder's. They are read before it returns. A promise
   * that comes back is awaited before the next.
   */
  pushColumns(columns: Columns): Promise<void> | undefined {
    const { writer, counter, isNumbered } = this.#parts;
    const { rows } = columns;
    if (isNumbered) {
      const first = BigInt(counter.count);
      columns.nodes.push(rows, 0);
      columns.buffers.push(
        new Uint8Array(0),
        bytesOf(BigUint64Array.from({ length: rows }, (_, i) => first + BigInt(i))),
      );
    }
    counter.count += rows;
    return writer.pushPrepared(columns);
  }

  get #lost(): Pick<Flaw, "topic" | "lost"> {
    return { topic: this.name, lost: "1 message" };
  }

  /** Writes what the decoder holds back. */
  flush(): Promise<void> | undefined {
    const { writer, decoder } = this.#parts;
    return decoder.flush?.(writer);
  }
}
