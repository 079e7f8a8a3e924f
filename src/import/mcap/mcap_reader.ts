/**
 * MCAP bytes -> records, in file order.
 *
 * @module
 */
import type { Engine } from "../../engine.ts";
import { type ErrorCode, SmaltiError } from "../../error.ts";
import { MAX_NS } from "../../types.ts";
import { giveBytes } from "../../util/buffer_pool.ts";
import type { Flaw } from "../flaws.ts";
import { MessageBatch } from "../message_batch.ts";
import { ByteWindow } from "../byte_window.ts";
import { chunkRecords, openChunk } from "./mcap_chunk.ts";
import {
  HEADER_BYTES,
  innerLength,
  looksLikeRecord,
  MAGIC,
  type McapRecord,
  MESSAGE_BYTES,
  Opcode,
  parseChunk,
  parseFooter,
  parseRecord,
  RECORD_NAMES,
} from "./mcap_records.ts";

/** Where a message's log time is in its record. */
const LOG_TIME_AT = 6;
/** Messages one after another are mostly not further apart. */
const NEAR_NS = 3_600_000_000_000n;
/** Bytes of a record's beginning by which its inner lengths are known, or it is not taken for one. */
const PREFIX_BYTES = 4096;
/** Bytes in which a file without its signature must show that it is an MCAP all the same. */
const UNSIGNED_BYTES = 1 << 22;

/** A hostile file could have every byte looked at once for each byte. */
const MAX_VERIFIED_BYTES = 2 ** 32;

/** Options of {@linkcode McapReader}. */
export interface McapReaderOptions {
  /** Decompresses chunks. */
  engine: Pick<Engine, "decompress" | "crc32">;
  /** Bytes of the whole file, where known. */
  sizeBytes?: number;
  /** The largest record, and the largest chunk once decompressed, that is read. */
  maxRecordBytes: number;
  /** Takes what is wrong; throws where the file is not to be read on. */
  flaw(flaw: Flaw): void;
  /** Whether flaws that cost something are lived with. Then lengths are not believed without a look at what follows. */
  salvage: boolean;
  /**
   * Whether only what stands outside of chunks is wanted: then the summary too where its CRC is wrong or does not come.
   * @default false
   */
  outside?: boolean;
}

/** What is wrong with a record's place or length. */
interface Problem {
  kind: string;
  code: ErrorCode;
  message: string;
  offset: number;
}

/**
 * Reads the records of an MCAP file from its bytes, whatever pieces they come in. CRCs are checked: of chunks, attachments,
 * the data section and the summary. The file's words for lengths are not believed beyond a bound on what is held at once.
 * Messages of flaws lack their subject, the file: `the file is cut: ...`.
 *
 * Each record is parsed by itself, so that one with a flaw costs no other. Where the next one does not begin where a length
 * says, and flaws are lived with, the reader looks on byte by byte for a record whose inner lengths fit and which is
 * followed by another (resynchronization). In a file of chunks it takes none there that belongs into a chunk: of a chunk it
 * knows nothing of the CRC would be gone.
 *
 * Source: MCAP specification, https://mcap.dev/spec.
 */
export class McapReader {
  readonly #options: McapReaderOptions;
  readonly #window = new ByteWindow();
  readonly #batch = new MessageBatch();
  /** Whether the beginning was seen, or there is nothing more to come. */
  #isOpened = false;
  #isEnded = false;
  /** Where the record that was handed on last begins: its chunk, for what is in one. */
  #start = 0;
  /** What is lost at the moment, from `offset` on. */
  #gap: Problem | undefined;
  /** Why a file without its signature is none, until it shows that it is one. */
  #unsigned: SmaltiError | undefined;
  /** Bytes before this place in the file are skipped. */
  #skipTo = 0;
  /** Whether the footer came; where the file ends, by its closing signature; whether another recording follows. */
  #hasFooter = false;
  #fileEnd: number | undefined;
  #isFollowed = false;

  /** CRC of the section up to `#crcTo`, a place in the file. */
  #crc = 0;
  #crcTo = 0;
  #inData = true;
  /** Whether something of the section is known to be wrong, so that its CRC tells nothing new. */
  #isFlawed = false;
  /** What the summary tells again, until its CRC was seen. */
  readonly #summary: McapRecord[] = [];
  #isSummaryRight = false;
  #hasChunks = false;
  readonly #channelIds = new Set<number>();
  /** Bytes of which CRCs are still looked at to find out whether they are records. */
  #verifiable = MAX_VERIFIED_BYTES;

  constructor(options: McapReaderOptions) {
    this.#options = options;
  }

  /** Where the record that came last begins, in the file: its chunk, for what is in one. */
  get start(): number {
    return this.#start;
  }

  /** Whether that record is in the part of the file that merely repeats what is in the others. */
  get isInSummary(): boolean {
    return !this.#inData;
  }

  /** Whether the summary came whole, and no CRC speaks against it. */
  get isSummaryRight(): boolean {
    return this.#isSummaryRight;
  }

  /**
   * The records that more bytes make whole; what a chunk holds comes in its place. Bytes are views, good until the next
   * record is asked for. To be read to its end before the next call. Throws what `flaw` throws.
   */
  *read(bytes: Uint8Array): Generator<McapRecord> {
    this.#window.append(bytes);
    yield* this.#records();
    this.#count(this.#window.offset);
    this.#window.keep();
  }

  /** The records that are left when there are no more bytes. CORRUPT where the file is no MCAP. */
  *finish(): Generator<McapRecord> {
    this.#isEnded = true;
    yield* this.#records();
    const { offset, left } = this.#window;
    if (!this.#isOpened) {
      const text = `the file is no MCAP file: ${left} bytes, fewer than its signature has`;
      throw this.#unsigned ?? new SmaltiError("CORRUPT", text);
    }
    if (this.#options.outside && !this.#isSummaryRight) yield* this.#summary;
    if (this.#fileEnd !== undefined) {
      if (offset > this.#fileEnd) this.#trailing(this.#fileEnd, offset - this.#fileEnd);
    } else if (this.#skipTo <= offset) {
      this.#cut(`the file is cut: it ends at byte ${offset} without a footer`);
    }
  }

  *#records(): Generator<McapRecord> {
    const window = this.#window;
    if (!this.#isOpened && !this.#open()) return;
    for (;;) {
      if (this.#skipTo > window.offset) {
        window.at += Math.min(window.left, this.#skipTo - window.offset);
        if (window.left === 0) return;
      }
      if (this.#hasFooter) return this.#close();
      if (this.#gap && !this.#endGap(this.#gap)) return;
      const length = this.#nextLength();
      if (length === undefined) {
        if (this.#gap || this.#skipTo > window.offset) continue;
        return;
      }
      const start = this.#start = window.offset;
      const content = window.bytes.subarray(window.at + HEADER_BYTES, window.at + HEADER_BYTES + length);
      const opcode = window.bytes[window.at];
      if (opcode === Opcode.DATA_END) this.#endData(content);
      if (opcode === Opcode.FOOTER) yield* this.#endSummary(content);
      window.at += HEADER_BYTES + length;
      if (opcode === Opcode.CHUNK) {
        this.#hasChunks = true;
        yield* this.#chunk(content, start);
      } else {
        const record = this.#parse(opcode, content);
        if (record) yield record;
      }
    }
  }

  /** Sees whether the file is an MCAP. Whether its records may be read now. */
  #open(): boolean {
    const { bytes, left, at } = this.#window;
    const wrong = bytes.subarray(at, at + MAGIC.length).findIndex((byte, i) => byte !== MAGIC[i]);
    if (wrong < 0 && left < MAGIC.length) return false;
    this.#isOpened = true;
    if (wrong < 0) {
      this.#window.at += MAGIC.length;
      return true;
    }
    const message = `the file is no MCAP file: its signature is wrong at byte ${wrong}`;
    this.#unsigned = new SmaltiError("CORRUPT", message, { offset: wrong });
    if (!this.#options.salvage) throw this.#unsigned;
    this.#gap = { kind: "magic", code: "CORRUPT", message, offset: 0 };
    return true;
  }

  /**
   * The length of the next record, when all of it is there. Undefined where it is not, or is not to be read: more bytes are
   * needed, or there is a gap now, or something to skip.
   */
  #nextLength(): number | undefined {
    const window = this.#window;
    const { offset, left, bytes, view, at } = window;
    if (left < HEADER_BYTES) {
      if (this.#isEnded && left > 0) this.#cutWithin();
      return undefined;
    }
    const { sizeBytes = Infinity, maxRecordBytes, salvage } = this.#options;
    const opcode = bytes[at];
    const length = Number(view.getBigUint64(at + 1, true));
    const end = offset + HEADER_BYTES + length;
    if (opcode === 0) {
      return this.#lose("damaged", `the file is damaged at byte ${offset}: no record begins with 0`);
    }
    if (end > sizeBytes || length > maxRecordBytes) {
      // Of a message's length nothing tells whether it is right.
      const fits = salvage && opcode !== Opcode.MESSAGE && this.#fits(opcode, length);
      if (fits === undefined) return undefined;
      const isCut = end > sizeBytes;
      const record = `the record at byte ${offset} claims ${view.getBigUint64(at + 1, true)} bytes`;
      const message = isCut
        ? `the file is cut or damaged: ${record} and the file ends at byte ${sizeBytes}`
        : `the file is too large: ${record} and at most ${maxRecordBytes} are read`;
      const kind = isCut ? "cut" : "too_large";
      const code = isCut ? "CORRUPT" : "TOO_LARGE";
      if (!fits) return this.#lose(kind, message, code);
      this.#flaw({
        kind,
        code,
        message,
        offset,
        bytes: HEADER_BYTES + length,
        lost: `a ${nameOf(opcode)} record`,
      });
      this.#skipTo = end;
      return undefined;
    }
    if (left < HEADER_BYTES + length) {
      if (this.#isEnded) this.#cutWithin();
      return undefined;
    }
    if (!salvage) return length;
    const fits = this.#fits(opcode, length);
    if (fits && opcode === Opcode.FOOTER) return length;
    const next = at + HEADER_BYTES + length;
    let isFollowed = this.#isRecordAt(next);
    if (fits && isFollowed !== undefined) isFollowed = this.#isWhole(opcode, next, isFollowed);
    if (isFollowed === undefined) return undefined;
    if (isFollowed) return length;
    return this.#lose(
      "damaged",
      `the file is damaged at byte ${offset}: no record follows the ${nameOf(opcode)} that begins there`,
    );
  }

  /** Whether the next record is as long as the lengths in it say; undefined where that needs more bytes. */
  #fits(opcode: number, length: number, at = this.#window.at): boolean | undefined {
    const { bytes } = this.#window;
    const start = at + HEADER_BYTES;
    const wanted = Math.min(length, PREFIX_BYTES);
    const prefix = bytes.subarray(start, start + wanted);
    const inner = innerLength(opcode, prefix);
    if (inner === undefined && prefix.length < wanted && !this.#isEnded) return undefined;
    return opcode === Opcode.MESSAGE ? length >= inner! : inner === length;
  }

  /** Whether a record may begin there, or the file ends; undefined where that needs more bytes. */
  #isRecordAt(at: number): boolean | undefined {
    const { bytes, view } = this.#window;
    if (at + HEADER_BYTES <= bytes.length) return looksLikeRecord(bytes, view, at);
    if (!this.#isEnded) return undefined;
    return at === bytes.length || at < bytes.length && bytes[at] in RECORD_NAMES;
  }

  /**
   * Whether the record at hand, which is as long as it says, ends at `end` indeed, and is not one of which a part is gone,
   * or the one after it. Undefined where that needs more bytes.
   */
  #isWhole(opcode: number, end: number, isFollowed: boolean): boolean | undefined {
    const { bytes, view, at } = this.#window;
    if (opcode !== Opcode.MESSAGE) {
      if (isFollowed || this.#isVerified(opcode, at, end)) return true;
      return opcode !== Opcode.CHUNK && this.#holdsNone(at + 1, end);
    }
    // Its length alone tells where it ends, so another may have come to lie in it; the bytes of its times may be any.
    const content = at + HEADER_BYTES + MESSAGE_BYTES;
    const holdsNone = this.#holdsNone(content, end, (inner) => this.#isLikelier(inner, at, end));
    if (!holdsNone || isFollowed || bytes[end] in RECORD_NAMES) return holdsNone;
    if (end + HEADER_BYTES > bytes.length) return false;
    const length = Number(view.getBigUint64(end + 1, true));
    return length <= this.#options.maxRecordBytes && this.#isRecordAt(end + HEADER_BYTES + length);
  }

  /** Whether no record, of those that count, begins in a part of the bytes; undefined where that needs more. */
  #holdsNone(start: number, end: number, counts?: (at: number) => boolean | undefined): boolean | undefined {
    for (let at = start; at < end; at++) {
      const isSound = this.#isSound(at) && (counts ? counts(at) : true);
      if (isSound !== false) return isSound && false;
    }
    return true;
  }

  /**
   * Whether what looks like a record in a message is likelier than it: the bytes of numbers look like one now and then. It is not
   * where it goes on beyond the message's end and a record begins there beyond doubt, nor where its time is far from the message's.
   */
  #isLikelier(inner: number, message: number, end: number): boolean | undefined {
    const { bytes, view } = this.#window;
    if (inner + HEADER_BYTES + Number(view.getBigUint64(inner + 1, true)) > end) {
      const isNextSound = this.#isSound(end);
      if (isNextSound !== false) return isNextSound && false;
    }
    if (bytes[inner] !== Opcode.MESSAGE) return true;
    const time = (record: number) => view.getBigUint64(record + HEADER_BYTES + LOG_TIME_AT, true);
    const apart = time(inner) - time(message);
    return apart < NEAR_NS && -apart < NEAR_NS;
  }

  /** Whether a record has a CRC, and it is right. */
  #isVerified(opcode: number, at: number, end: number): boolean {
    const { engine, maxRecordBytes } = this.#options;
    const content = this.#window.bytes.subarray(at + HEADER_BYTES, end);
    this.#verifiable -= content.length;
    if (this.#verifiable < 0) return false;
    try {
      if (opcode === Opcode.CHUNK) {
        const chunk = parseChunk(content);
        if (chunk.crc === 0) return false;
        openChunk(engine, chunk, 0, maxRecordBytes);
        return true;
      }
      const record = parseRecord(opcode, content);
      return record?.type === "Attachment" && record.crc !== 0 &&
        record.crc === engine.crc32(content.subarray(0, record.crcBytes));
    } catch (reason) {
      if (!(reason instanceof SmaltiError)) throw reason;
      return false;
    }
  }

  /** Where the file ends within a record. */
  #cutWithin(): void {
    const { offset, left, bytes, view, at } = this.#window;
    const message = `the file is cut: it ends at byte ${
      offset + left
    }, within the record that begins at byte ${offset}`;
    const isSure = left >= HEADER_BYTES && bytes[at] !== Opcode.MESSAGE;
    if (isSure && this.#fits(bytes[at], Number(view.getBigUint64(at + 1, true)))) {
      this.#cut(message, left, `a ${nameOf(bytes[at])} record`);
      this.#skipTo = Infinity;
    } else this.#lose("cut", message);
  }

  #cut(message: string, bytes = 0, lost = "what came after"): void {
    this.#flaw({ kind: "cut", message, offset: this.#window.offset, bytes, lost });
  }

  /** Begins a gap. */
  #lose(kind: string, message: string, code: ErrorCode = "CORRUPT"): undefined {
    const window = this.#window;
    const { offset } = window;
    // In what may be a chunk there are none of the file's own records.
    if (window.bytes[window.at] === Opcode.CHUNK) this.#hasChunks = true;
    this.#gap = { kind, code, message, offset };
    if (!this.#options.salvage && (this.#inData || kind === "cut")) this.#reportGap(this.#gap, 0);
    window.at++;
  }

  /** Looks for the record with which the gap ends. Whether there is one yet. */
  #endGap(gap: Problem): boolean {
    const window = this.#window;
    for (; window.left > 0; window.at++) {
      const found = this.#isSound(window.at);
      if (found === undefined) return false;
      if (!found) continue;
      this.#unsigned = undefined;
      this.#gap = undefined;
      // Whatever it looked like, the file goes on.
      this.#reportGap(gap.kind === "cut" ? { ...gap, kind: "damaged" } : gap, window.offset - gap.offset);
      return true;
    }
    if (this.#unsigned && (this.#isEnded || window.offset > UNSIGNED_BYTES)) throw this.#unsigned;
    if (!this.#isEnded) return false;
    this.#gap = undefined;
    this.#skipTo = Infinity;
    this.#reportGap(gap, window.offset - gap.offset);
    return true;
  }

  #reportGap({ kind, code, message, offset }: Problem, bytes: number): void {
    const lost = this.#inData || kind === "cut" ? "what is there" : undefined;
    this.#flaw({ kind, code, message, offset, ...(bytes > 0 && { bytes }), ...(lost && { lost }) });
  }

  /** Whether a record begins there beyond doubt, in a gap; undefined where that needs more bytes. */
  #isSound(at: number): boolean | undefined {
    const { bytes, view } = this.#window;
    const opcode = bytes[at];
    if (opcode === 0 || opcode > Opcode.DATA_END) return false;
    if (at + HEADER_BYTES > bytes.length) return this.#isEnded ? false : undefined;
    if (!looksLikeRecord(bytes, view, at)) return false;
    const isOfChunk = opcode >= Opcode.SCHEMA && opcode <= Opcode.MESSAGE;
    if (isOfChunk && this.#hasChunks && this.#inData) return false;
    const { sizeBytes = Infinity, maxRecordBytes } = this.#options;
    const length = Number(view.getBigUint64(at + 1, true));
    const end = at + HEADER_BYTES + length;
    const { offset, at: unread } = this.#window;
    if (offset - unread + end > sizeBytes) return false;
    const fits = this.#fits(opcode, length, at);
    if (!fits) return fits;
    // It will not be held to see what follows.
    if (length > maxRecordBytes) return opcode !== Opcode.MESSAGE;
    if (opcode === Opcode.MESSAGE && this.#isKnown(at + HEADER_BYTES) === false) return false;
    if (end > bytes.length) return this.#isEnded ? false : undefined;
    if (opcode === Opcode.FOOTER) return this.#isMagicAt(end);
    const isFollowed = this.#isRecordAt(end);
    if (isFollowed === false && opcode === Opcode.CHUNK) return this.#isVerified(opcode, at, end);
    if (opcode !== Opcode.MESSAGE || !isFollowed || end + HEADER_BYTES > bytes.length) return isFollowed;
    // Of a message there is least to go by.
    return this.#isRecordAt(end + HEADER_BYTES + Number(view.getBigUint64(end + 1, true)));
  }

  /** Whether a message's content at `at` is on a channel that came before, at a time there is; undefined where that needs more bytes. */
  #isKnown(at: number): boolean | undefined {
    const { view } = this.#window;
    if (at + 14 > view.byteLength) return undefined;
    return this.#channelIds.has(view.getUint16(at, true)) && view.getBigUint64(at + 6, true) <= MAX_NS;
  }

  #isMagicAt(at: number): boolean | undefined {
    const { bytes } = this.#window;
    if (at + MAGIC.length > bytes.length && !this.#isEnded) return undefined;
    return MAGIC.every((byte, i) => bytes[at + i] === byte);
  }

  *#chunk(content: Uint8Array, start: number): Generator<McapRecord> {
    const { engine, maxRecordBytes, outside = false, salvage } = this.#options;
    if (outside) return;
    let chunk, records;
    try {
      chunk = parseChunk(content);
      records = openChunk(engine, chunk, start, maxRecordBytes);
    } catch (reason) {
      const times = chunk ? `, from ${chunk.startTime} to ${chunk.endTime} ns` : "";
      this.#flawOf(reason, "chunk", { bytes: content.length + HEADER_BYTES, lost: `its messages${times}` });
      return;
    }
    const isChecked = chunk.crc !== 0 || !salvage;
    const flaw = (reason: unknown, kind: string, lost: string) => this.#flawOf(reason, kind, { lost });
    for (const record of chunkRecords(records, { isChecked, batch: this.#batch, flaw })) {
      if (record.type === "Channel") this.#channelIds.add(record.id);
      yield record;
    }
    if (records !== chunk.records) giveBytes(records);
  }

  /** A record that is not in a chunk; undefined where it is not to be handed on. */
  #parse(opcode: number, content: Uint8Array): McapRecord | undefined {
    const lost = this.#inData ? `the ${nameOf(opcode)}` : undefined;
    let record;
    try {
      record = parseRecord(opcode, content);
      if (record?.type === "Attachment" && record.crc !== 0) {
        const crc = this.#options.engine.crc32(content.subarray(0, record.crcBytes));
        if (crc !== record.crc) {
          const name = JSON.stringify(record.name.slice(0, 100));
          const text = `attachment ${name} has the CRC ${hex(crc)}, not ${hex(record.crc)} as it says`;
          throw new SmaltiError("CORRUPT", text);
        }
      }
    } catch (reason) {
      this.#flawOf(reason, nameOf(opcode), { bytes: content.length + HEADER_BYTES, ...(lost && { lost }) });
      return undefined;
    }
    if (record === undefined) {
      const inner = innerLength(opcode, content);
      if (inner !== undefined && inner <= content.length) return undefined;
      const text = `a ${nameOf(opcode)} record of ${content.length} bytes is too short for what it lists`;
      this.#flawOf(new SmaltiError("CORRUPT", text), nameOf(opcode), {});
      return undefined;
    }
    if (record.type === "Channel") this.#channelIds.add(record.id);
    if (record.type !== "Schema" && record.type !== "Channel") return record;
    // Next to chunks they only tell again what is in one.
    if (this.#inData && !(this.#hasChunks && this.#options.salvage)) return record;
    this.#summary.push(record);
    return undefined;
  }

  #endData(content: Uint8Array): void {
    const { offset } = this.#window;
    this.#count(offset);
    if (this.#inData && content.length >= 4) {
      const crc = this.#crc;
      const { buffer, byteOffset } = content;
      const wanted = new DataView(buffer, byteOffset).getUint32(0, true);
      if (wanted !== 0 && crc !== wanted && !this.#isFlawed) {
        const message = `the file is damaged: its data up to byte ${offset} has the CRC ${hex(crc)}, not ${
          hex(wanted)
        } as it says`;
        this.#flaw({
          kind: "data_crc",
          message,
          offset,
          lost: "nothing that is known: what is wrong is not said",
        });
      }
    }
    this.#inData = false;
    this.#crc = 0;
    this.#crcTo = offset + HEADER_BYTES + content.length;
    this.#isFlawed = false;
  }

  *#endSummary(content: Uint8Array): Generator<McapRecord> {
    const { offset } = this.#window;
    // The footer's own beginning belongs to it.
    const start = this.#crcTo;
    this.#count(offset + HEADER_BYTES + Math.min(16, content.length));
    this.#hasFooter = true;
    try {
      const { summaryCrc } = parseFooter(content);
      const crc = this.#crc;
      if (this.#inData) return;
      if (summaryCrc !== 0 && summaryCrc !== crc && !this.#isFlawed) {
        const text = `its summary from byte ${start} has the CRC ${hex(crc)}, not ${
          hex(summaryCrc)
        } as it says`;
        this.#flaw({ kind: "summary", message: `the file is damaged: ${text}`, offset: start });
      }
      if (summaryCrc !== 0 && summaryCrc !== crc) return;
      this.#isSummaryRight = true;
    } catch (reason) {
      return this.#flawOf(reason, "footer", {});
    }
    yield* this.#summary;
  }

  /** Takes what follows the footer. */
  #close(): void {
    const window = this.#window;
    if (this.#fileEnd === undefined) {
      const isMagic = this.#isMagicAt(window.at);
      if (isMagic === undefined) return;
      const { offset, left } = window;
      this.#fileEnd = offset + Math.min(left, MAGIC.length);
      if (left < MAGIC.length) {
        this.#cut(`the file is cut: it ends at byte ${offset + left} within its closing signature`);
      } else if (!isMagic) {
        const message = `the file is damaged at byte ${offset}: its closing signature is wrong`;
        this.#flaw({ kind: "magic", message, offset });
      }
      window.at += Math.min(left, MAGIC.length);
    }
    if (window.left === 0) return;
    if (window.offset === this.#fileEnd) {
      const isMagic = this.#isMagicAt(window.at);
      if (isMagic === undefined) return;
      this.#isFollowed = isMagic;
    }
    window.at += window.left;
  }

  /** Says that something follows the end; what is another recording is not read. */
  #trailing(offset: number, bytes: number): void {
    const message = `the file goes on after its end at byte ${offset}${
      this.#isFollowed ? ", with another recording" : ""
    }`;
    this.#flaw({
      kind: "trailing",
      message,
      offset,
      bytes,
      ...(this.#isFollowed && { lost: "the other recording" }),
    });
  }

  /** Brings the section's CRC up to a place in the file. */
  #count(to: number): void {
    if (to <= this.#crcTo) return;
    const { bytes, offset, at } = this.#window;
    const base = offset - at;
    this.#crc = this.#options.engine.crc32(bytes.subarray(this.#crcTo - base, to - base), this.#crc);
    this.#crcTo = to;
  }

  #flaw(flaw: Flaw): void {
    this.#isFlawed = true;
    this.#options.flaw(flaw);
  }

  /** The flaw that an error tells of: of the record, or the chunk, at the current place. */
  #flawOf(reason: unknown, kind: string, what: Pick<Flaw, "bytes" | "lost">): void {
    if (!(reason instanceof SmaltiError)) throw reason;
    const { code, rawMessage, details } = reason;
    const offset = this.#start;
    const did = code === "CORRUPT" ? "is damaged" : "cannot be read";
    const message = details.offset === undefined
      ? `the file ${did} at byte ${offset}: ${rawMessage}`
      : rawMessage;
    this.#flaw({ kind, code, message, offset, ...what, cause: reason });
  }
}

function nameOf(opcode: number): string {
  return RECORD_NAMES[opcode] ?? "private";
}

function hex(crc: number): string {
  return crc.toString(16).padStart(8, "0");
}
