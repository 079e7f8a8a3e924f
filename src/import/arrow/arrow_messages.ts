import { decodeFrame, MessageType } from "../../engine/batch_message.ts";
import { SmaltiError } from "../../error.ts";
import { ByteWindow } from "../byte_window.ts";

const MAGIC = [..."ARROW1"].map((letter) => letter.charCodeAt(0));
/** What is before the first message of a file: the magic, padded to 8 bytes. */
const FILE_HEAD = 8;

/** A message of a stream. */
export interface ArrowMessage {
  /** One of `MessageType`. */
  readonly type: number;
  /** The encapsulated message, in memory of its own. */
  readonly message: Uint8Array;
  /** Where in the file it begins. */
  readonly offset: number;
}

/**
 * Cuts the bytes of an Arrow IPC file or stream into its messages. A file has a stream within, so one that has lost its
 * footer is read up to where it ends.
 */
export class ArrowMessages {
  readonly #window = new ByteWindow();
  readonly #maxBytes: number;
  #isFile: boolean | undefined;
  #hasSchema = false;
  #isEnded = false;
  /** The last bytes of the file. */
  #tail: number[] = [];
  /** Whether it ended within a message. */
  isCut = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Where in the file the next message begins. */
  get offset(): number {
    return this.#window.offset;
  }

  /** Takes bytes; gives the messages that are whole then. CORRUPT, TOO_LARGE. */
  *append(part: Uint8Array): Generator<ArrowMessage> {
    this.#tail = [...this.#tail, ...part.subarray(-MAGIC.length)].slice(-MAGIC.length);
    if (this.#isEnded) return;
    this.#window.append(part);
    for (let next = this.#next(); next; next = this.#next()) yield next;
    this.#window.keep();
  }

  /** CORRUPT where the file ended too early. */
  finish(): void {
    if (!this.#isEnded && (this.#window.left > 0 || !this.#hasSchema)) {
      this.isCut = true;
      throw new SmaltiError(
        "CORRUPT",
        `it is cut: it ends within a message of ${this.#window.left} bytes or more`,
      );
    }
    if (this.#isFile && !MAGIC.every((byte, i) => byte === this.#tail[i])) {
      this.isCut = true;
      throw new SmaltiError("CORRUPT", "it is cut: it does not end as an Arrow file does");
    }
  }

  #next(): ArrowMessage | undefined {
    const window = this.#window;
    if (this.#isEnded) return undefined;
    if (this.#isFile === undefined) {
      if (window.left < FILE_HEAD) return undefined;
      this.#isFile = MAGIC.every((byte, i) => byte === window.bytes[window.at + i]);
      if (this.#isFile) window.at += FILE_HEAD;
    }
    // Before Arrow 0.15 a stream ended with four bytes alone.
    if (window.left >= 4 && window.view.getInt32(window.at, true) === 0) {
      this.#isEnded = true;
      return undefined;
    }
    if (window.left < 8) return undefined;
    const marked = window.view.getInt32(window.at, true) === -1;
    const length = window.view.getInt32(window.at + (marked ? 4 : 0), true);
    if (length === 0) {
      this.#isEnded = true;
      return undefined;
    }
    const headBytes = (marked ? 8 : 4) + length;
    if (length < 0) throw new SmaltiError("CORRUPT", `a message has a head of ${length} bytes`);
    if (headBytes > this.#maxBytes) throw this.#tooLarge(headBytes);
    if (window.left < headBytes) return undefined;
    const { type, bodyBytes } = decodeFrame(window.bytes.subarray(window.at, window.at + headBytes))!;
    const wanted = this.#hasSchema
      ? type === MessageType.recordBatch || type === MessageType.dictionaryBatch
      : type === MessageType.schema;
    if (!wanted) throw new SmaltiError("CORRUPT", `it has a message of type ${type} where none is`);
    const bytes = headBytes + bodyBytes;
    if (bytes > this.#maxBytes) throw this.#tooLarge(bytes);
    if (window.left < bytes) return undefined;
    this.#hasSchema = true;
    const offset = window.offset;
    const message = window.bytes.slice(window.at, window.at + bytes);
    window.at += bytes;
    return { type, message, offset };
  }

  #tooLarge(bytes: number): SmaltiError {
    return new SmaltiError("TOO_LARGE", `a message has ${bytes} bytes: wanted at most ${this.#maxBytes}`);
  }
}
