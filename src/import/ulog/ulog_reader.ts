/**
 * ULog bytes -> messages, in file order.
 *
 * @module
 */
import { SmaltiError } from "../../error.ts";
import { ByteWindow } from "../byte_window.ts";
import type { Flaw } from "../flaws.ts";

/** What a ULog file begins with; then its version and the time of its start. */
export const ULOG_MAGIC: readonly number[] = [0x55, 0x4c, 0x6f, 0x67, 0x01, 0x12, 0x35];
const FILE_HEADER_BYTES = 16;
/** Size and type. */
const HEADER_BYTES = 3;
/** Types of messages that there are. */
const KNOWN = new Set([..."BFIMPQARDLCSO"].map((letter) => letter.charCodeAt(0)));
/** A sync message's content. */
const SYNC: readonly number[] = [0x2f, 0x73, 0x13, 0x20, 0x25, 0x0c, 0xbb, 0x12];

/** A message of a ULog file. */
export interface UlogMessage {
  /** Its type: a letter. */
  readonly type: string;
  /** Where it begins in the file. */
  readonly offset: number;
  /** Its content; a view, good until the next message is asked for. */
  readonly content: Uint8Array;
}

/**
 * Reads the messages of a ULog file from its bytes, whatever pieces they come in. Where no message begins where one should,
 * it goes on with the next sync message, or one that is followed by another, and tells of a flaw.
 *
 * Source: https://docs.px4.io/main/en/dev_log/ulog_file_format.
 */
export class UlogReader {
  readonly #window = new ByteWindow();
  readonly #flaw: (flaw: Flaw) => void;
  #isOpened = false;
  /** Time of the start, in microseconds. */
  startUs = 0n;
  version = 0;
  /** Where what cannot be read begins. */
  #lostFrom: number | undefined;

  /** @param flaw Takes what is wrong; throws where the file is not to be read on. */
  constructor(flaw: (flaw: Flaw) => void) {
    this.#flaw = flaw;
  }

  /** The messages that more bytes make whole. To be read to its end before the next call. */
  *read(bytes: Uint8Array): Generator<UlogMessage> {
    this.#window.append(bytes);
    yield* this.#messages();
    this.#window.keep();
  }

  /** Says that there are no more bytes. CORRUPT where the file is no ULog. */
  finish(): void {
    const { offset, left } = this.#window;
    if (!this.#isOpened) {
      throw new SmaltiError("CORRUPT", `the file is no ULog file: ${left} bytes, fewer than its header has`);
    }
    this.#endLost(offset + left);
    if (left === 0) return;
    const message = `the file is cut: it ends at byte ${
      offset + left
    }, within the message that begins at byte ${offset}`;
    this.#flaw({ kind: "cut", message, offset, bytes: left, lost: "a message" });
  }

  *#messages(): Generator<UlogMessage> {
    const window = this.#window;
    if (!this.#isOpened && !this.#open()) return;
    while (window.left >= HEADER_BYTES) {
      const { bytes, view, at, offset } = window;
      const size = view.getUint16(at, true);
      const end = at + HEADER_BYTES + size;
      if (!KNOWN.has(bytes[at + 2]) || this.#lostFrom !== undefined && !this.#isSound(at, end)) {
        this.#lostFrom ??= offset;
        window.at++;
        continue;
      }
      if (end > bytes.length) return;
      this.#endLost(offset);
      window.at = end;
      yield {
        type: String.fromCharCode(bytes[at + 2]),
        offset,
        content: bytes.subarray(at + HEADER_BYTES, end),
      };
    }
  }

  #open(): boolean {
    const { bytes, view, left, at } = this.#window;
    const wrong = ULOG_MAGIC.findIndex((byte, i) => i < left && bytes[at + i] !== byte);
    if (wrong >= 0) {
      const text = `the file is no ULog file: its signature is wrong at byte ${wrong}`;
      throw new SmaltiError("CORRUPT", text, { offset: wrong });
    }
    if (left < FILE_HEADER_BYTES) return false;
    this.version = bytes[at + ULOG_MAGIC.length];
    this.startUs = view.getBigUint64(at + 8, true);
    this.#window.at += FILE_HEADER_BYTES;
    this.#isOpened = true;
    return true;
  }

  /** Whether what is at a place after a gap is a message: a sync, or one that another follows. */
  #isSound(at: number, end: number): boolean {
    const { bytes } = this.#window;
    if (bytes[at + 2] === "S".charCodeAt(0)) {
      return end - at === HEADER_BYTES + SYNC.length &&
        SYNC.every((byte, i) => bytes[at + HEADER_BYTES + i] === byte);
    }
    return end > at + HEADER_BYTES && end + HEADER_BYTES <= bytes.length && KNOWN.has(bytes[end + 2]);
  }

  #endLost(offset: number): void {
    const from = this.#lostFrom;
    if (from === undefined) return;
    this.#lostFrom = undefined;
    const message = `the file is damaged at byte ${from}: no message begins there`;
    this.#flaw({ kind: "damaged", message, offset: from, bytes: offset - from, lost: "what was there" });
  }
}
