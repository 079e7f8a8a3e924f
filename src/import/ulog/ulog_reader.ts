/**
 * ULog bytes -> messages, in file order.
 *
 * @module
 */
import { SmaltiError } from "../../error.ts";
import { ByteWindow } from "../byte_window.ts";
import type { Flaw } from "../flaws.ts";
import { MessageBatch, MOST_BATCH_BYTES } from "../message_batch.ts";

/** What a ULog file begins with; then its version and the time of its start. */
export const ULOG_MAGIC: readonly number[] = [0x55, 0x4c, 0x6f, 0x67, 0x01, 0x12, 0x35];
const FILE_HEADER_BYTES = 16;
/** Size and type. */
const HEADER_BYTES = 3;
/** Bytes of a message with data before these: its header, and the number of its subscription. */
export const ULOG_DATA_BYTES = 5;
/** Types of messages that there are. */
const KNOWN = new Set([..."BFIMPQARDLCSO"].map((letter) => letter.charCodeAt(0)));
const LETTERS = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code));
const FLAGS = "B".charCodeAt(0);
const DATA = "D".charCodeAt(0);
/** A sync message's content. */
const SYNC: readonly number[] = [0x2f, 0x73, 0x13, 0x20, 0x25, 0x0c, 0xbb, 0x12];

/** A message of a ULog file, other than most with data. */
export interface UlogMessage {
  /** Its type: a letter. */
  readonly type: string;
  /** Where it begins in the file. */
  readonly offset: number;
  /** Its content; a view, good until the next message is asked for. */
  readonly content: Uint8Array;
}

/** What a ULog file is read into: messages with data come in batches, without their time. */
export type UlogRecord = UlogMessage | MessageBatch;

/**
 * Reads the messages of a ULog file from its bytes, whatever pieces they come in. Where no message begins where one should,
 * it goes on with the next sync message, or one that is followed by another or nothing, and tells of a flaw.
 *
 * Source: https://docs.px4.io/main/en/dev_log/ulog_file_format.
 */
export class UlogReader {
  readonly #window = new ByteWindow();
  readonly #batch = new MessageBatch();
  readonly #flaw: (flaw: Flaw) => void;
  #isOpened = false;
  /** Time of the start, in microseconds. */
  startUs = 0n;
  version = 0;
  /** Where what cannot be read begins. */
  #lostFrom: number | undefined;
  /** Where data begin that were appended later, after a crash: a message before may be cut there. */
  #appended: readonly number[] = [];
  /** Bytes to be left out. */
  #skip = 0;
  /** Where the file ends, once known. */
  #endOffset = Infinity;

  /** @param flaw Takes what is wrong; throws where the file is not to be read on. */
  constructor(flaw: (flaw: Flaw) => void) {
    this.#flaw = flaw;
  }

  /** The messages that more bytes make whole. To be read to its end before the next call. */
  *read(bytes: Uint8Array): Generator<UlogRecord> {
    this.#window.append(bytes);
    yield* this.#messages();
    this.#window.keep();
  }

  /** Says that there are no more bytes; gives the messages that this makes whole. CORRUPT where the file is no ULog. */
  *finish(): Generator<UlogRecord> {
    const { offset, left } = this.#window;
    if (!this.#isOpened) {
      throw new SmaltiError("CORRUPT", `the file is no ULog file: ${left} bytes, fewer than its header has`);
    }
    this.#endOffset = offset + left;
    yield* this.#messages();
    const from = this.#lostFrom ?? this.#window.offset;
    const end = this.#endOffset;
    if (from === end) return;
    const message =
      `the file is cut or damaged at byte ${from}: no whole message begins there, and it ends at byte ${end}`;
    this.#flaw({ kind: "cut", message, offset: from, bytes: end - from, lost: "what was there" });
  }

  *#messages(): Generator<UlogRecord> {
    const window = this.#window;
    if (!this.#isOpened && !this.#open()) return;
    for (;;) {
      const skipped = Math.min(window.left, this.#skip);
      window.at += skipped;
      this.#skip -= skipped;
      const batch = this.#readData();
      if (batch) yield batch;
      if (window.left < HEADER_BYTES) return;
      const { bytes, at, offset } = window;
      const end = at + HEADER_BYTES + window.view.getUint16(at, true);
      const found = this.#judge(end);
      if (found === "more") return;
      if (found === "lost") {
        this.#lostFrom ??= offset;
        window.at++;
        continue;
      }
      if (found === "cut") {
        this.#skip = this.#appended.find((start) => start > offset)! - offset;
        continue;
      }
      this.#endLost(offset);
      window.at = end;
      const content = bytes.subarray(at + HEADER_BYTES, end);
      if (bytes[at + 2] === FLAGS) this.#takeFlags(content);
      yield { type: LETTERS[bytes[at + 2]], offset, content };
    }
  }

  /** The messages with data that follow one another from the next byte on and are beyond doubt; undefined where there is none. */
  #readData(): MessageBatch | undefined {
    const { bytes, view, at, offset } = this.#window;
    // Near a place to which data were appended, and after a gap, each is looked at.
    if (this.#lostFrom !== undefined || this.#appended.some((start) => start > offset)) return undefined;
    const batch = this.#batch;
    batch.begin(bytes, view, offset - at);
    let next = at;
    const last = Math.min(bytes.length - HEADER_BYTES - 2, at + MOST_BATCH_BYTES);
    while (next <= last && bytes[next + 2] === DATA) {
      const start = next + HEADER_BYTES;
      const end = start + view.getUint16(next, true);
      if (end > bytes.length || end < start + 2) break;
      batch.add(view.getUint16(start, true), start + 2, end, 0, 0);
      next = end;
    }
    this.#window.at = next;
    return batch.count > 0 ? batch : undefined;
  }

  /** What is at the next byte: a message that ends there, or none. What is cut where data were appended is no loss. */
  #judge(end: number): "whole" | "more" | "lost" | "cut" {
    const { bytes, at, offset } = this.#window;
    const endOffset = offset + end - at;
    const appended = this.#appended.find((start) => start > offset);
    if (appended !== undefined && endOffset > appended) return "cut";
    if (endOffset > this.#endOffset || !KNOWN.has(bytes[at + 2])) return "lost";
    if (this.#lostFrom === undefined) return end <= bytes.length ? "whole" : "more";
    // After a gap it is one that another follows, or nothing.
    if (endOffset + HEADER_BYTES > this.#endOffset) return endOffset === this.#endOffset ? "whole" : "lost";
    if (end + HEADER_BYTES > bytes.length) return "more";
    return this.#isSound(at, end) ? "whole" : "lost";
  }

  /** Takes the flags: UNSUPPORTED where they tell of what is not known. */
  #takeFlags(content: Uint8Array): void {
    if (content.length < 40) return;
    const unknown = content.findIndex((byte, i) => i >= 8 && i < 16 && (i === 8 ? byte & ~1 : byte) !== 0);
    if (unknown >= 0) {
      const text = `the ULog file has flags that make it unreadable for those who do not know them: byte ${
        unknown - 8
      } of them is ${content[unknown]}`;
      throw new SmaltiError("UNSUPPORTED", text);
    }
    const view = new DataView(content.buffer, content.byteOffset, content.length);
    if ((content[8] & 1) === 0) return;
    this.#appended = [16, 24, 32].map((at) => Number(view.getBigUint64(at, true)))
      .filter((start) => start !== 0).sort((a, b) => a - b);
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
    return end > at + HEADER_BYTES && KNOWN.has(bytes[end + 2]);
  }

  #endLost(offset: number): void {
    const from = this.#lostFrom;
    if (from === undefined) return;
    this.#lostFrom = undefined;
    const message = `the file is damaged at byte ${from}: no message begins there`;
    this.#flaw({ kind: "damaged", message, offset: from, bytes: offset - from, lost: "what was there" });
  }
}
