/**
 * Bytes of a ROS 1 bag -> records, in file order.
 *
 * @module
 */
import type { Engine } from "../../engine.ts";
import { SmaltiError } from "../../error.ts";
import { giveBytes, takeBytes } from "../../util/buffer_pool.ts";
import { ByteWindow } from "../byte_window.ts";
import type { Flaw } from "../flaws.ts";
import { MessageBatch } from "../message_batch.ts";
import { bunzip2 } from "./bunzip2.ts";

/** What a bag of version 2.0 begins with. */
export const BAG_MAGIC = "#ROSBAG V2.0\n";

/** Kinds of records. */
const OP = { message: 2, header: 3, index: 4, chunk: 5, chunkInfo: 6, connection: 7 } as const;
/** Fields that a record of each kind has, and their bytes; undefined of any number. */
const REQUIRED: ReadonlyMap<number, readonly (readonly [name: string, bytes: number | undefined])[]> =
  new Map([
    [OP.message, [["conn", 4], ["time", 8]]],
    [OP.header, [["index_pos", 8]]],
    [OP.index, [["conn", 4]]],
    [OP.chunk, [["compression", undefined], ["size", 4]]],
    [OP.chunkInfo, [["chunk_pos", 8]]],
    [OP.connection, [["conn", 4], ["topic", undefined]]],
  ]);
/** Bytes of a record's header at most; those of connections have a topic's name. */
const MAX_HEADER_BYTES = 1 << 16;

/** A connection: the messages of one publisher on one topic. */
export interface BagConnection {
  readonly type: "connection";
  readonly id: number;
  readonly topic: string;
  /** The fields of its header: `type`, `md5sum`, `message_definition`, `callerid`, `latching`. */
  readonly fields: ReadonlyMap<string, string>;
}

/** A message. */
export interface BagMessage {
  readonly type: "message";
  readonly connection: number;
  readonly timeNs: bigint;
  /** A view, good until the next record is asked for. */
  readonly data: Uint8Array;
}

/** What a bag is read into; messages in chunks come in batches. */
export type BagRecord = BagConnection | BagMessage | MessageBatch;

/** Options of {@linkcode BagReader}. */
export interface BagReaderOptions {
  readonly engine: Pick<Engine, "decompress">;
  /** Bytes of the whole file, where known. */
  readonly sizeBytes: number | undefined;
  /** The largest record, and the largest chunk once decompressed, that is read. */
  readonly maxRecordBytes: number;
  /** Takes what is wrong; throws where the file is not to be read on. */
  readonly flaw: (flaw: Flaw) => void;
  /** Whether records in chunks are left out. @default false */
  readonly outside?: boolean;
}

/**
 * Reads the connections and messages of a bag from its bytes, whatever pieces they come in. The index is not used: a bag
 * that was never closed is as good as one with it. Where no record begins where one should, it goes on with the next whose
 * header's fields fit, in a chunk too, and tells of a flaw.
 *
 * Source: http://wiki.ros.org/Bags/Format/2.0.
 */
export class BagReader {
  readonly #options: BagReaderOptions;
  readonly #window = new ByteWindow();
  readonly #batch = new MessageBatch();
  #isOpened = false;
  /** Where what cannot be read begins, and what is wrong there. */
  #lost: { offset: number; what: string; isPadding: boolean } | undefined;
  #skip = 0;
  /** What the header says of a bag that was closed: chunks, and where its index begins. */
  #closed: { chunkCount: number; indexAt: number } | undefined;
  #chunkCount = 0;
  /** Whether it was told that a record is lost. */
  #hasLost = false;
  /** Bytes of the whole file, once known. */
  #sizeBytes: number | undefined;
  /** Where the record that came last begins: its chunk, for what is in one. */
  start = 0;

  constructor(options: BagReaderOptions) {
    this.#options = options;
    this.#sizeBytes = options.sizeBytes;
  }

  /** The records that more bytes make whole. To be read to its end before the next call. */
  *read(bytes: Uint8Array): Generator<BagRecord> {
    this.#window.append(bytes);
    yield* this.#records();
    this.#window.keep();
  }

  /** Says that there are no more bytes; gives the records that this makes whole, as {@linkcode read}. CORRUPT where the file is no bag. */
  *finish(): Generator<BagRecord> {
    const { offset, left } = this.#window;
    if (!this.#isOpened) {
      throw new SmaltiError("CORRUPT", `the file is no bag: ${left} bytes, fewer than its signature has`);
    }
    const end = this.#sizeBytes = offset + left;
    if (this.#skip > 0) {
      const message =
        `the file is cut: it ends at byte ${end}, ${this.#skip} bytes before its last record does`;
      this.#options.flaw({ kind: "cut", message, offset: end, bytes: 0, lost: "a part of its index" });
      return;
    }
    yield* this.#records();
    if (this.#window.left > 0) this.#lose(this.#window.offset, "no record begins there");
    if (!this.#lost || this.#lost.isPadding) return this.#count(end);
    const { offset: start, what } = this.#lost;
    const message = `the file is cut or damaged at byte ${start}: ${what}, and it ends at byte ${end}`;
    this.#options.flaw({ kind: "cut", message, offset: start, bytes: end - start, lost: "what was there" });
  }

  /** Tells of chunks that are not there, where nothing else told of a loss. */
  #count(end: number): void {
    if (!this.#closed || this.#hasLost) return;
    const { chunkCount, indexAt } = this.#closed;
    if (indexAt > end) {
      const message = `the file is cut: it ends at byte ${end}, and its index would begin at byte ${indexAt}`;
      this.#options.flaw({ kind: "cut", message, offset: end, lost: "what came after" });
    } else if (this.#chunkCount < chunkCount) {
      const message =
        `the file is damaged: it has ${this.#chunkCount} chunks and says that there are ${chunkCount}`;
      this.#options.flaw({
        kind: "chunk",
        message,
        offset: end,
        lost: `${chunkCount - this.#chunkCount} chunks`,
      });
    }
  }

  *#records(): Generator<BagRecord> {
    const window = this.#window;
    if (!this.#isOpened && !this.#open()) return;
    for (;;) {
      if (this.#skip > 0) {
        const skipped = Math.min(window.left, this.#skip);
        window.at += skipped;
        this.#skip -= skipped;
        if (this.#skip > 0) return;
      }
      const found = this.#next();
      if (found === "more" || found === "end") return;
      if (found === "lost") {
        if (window.left === 0) return;
        window.at++;
        continue;
      }
      this.#endLost(window.offset);
      this.start = window.offset;
      const { op, header, data, end } = found;
      window.at = end;
      if (op === OP.chunk) this.#chunkCount++;
      if (op === OP.header) this.#takeHeader(header);
      if (op !== OP.chunk) yield* this.#record(op, header, data);
      else if (!this.#options.outside) yield* this.#chunk(header, data);
    }
  }

  #takeHeader(header: Fields): void {
    const [low, high] = [0, 4].map((at) => number32(header.get("index_pos")!.subarray(at, at + 4))!);
    const indexAt = low + 2 ** 32 * high;
    const chunkCount = number32(header.get("chunk_count")) ?? 0;
    if (indexAt > 0) this.#closed = { chunkCount, indexAt };
  }

  #open(): boolean {
    const { bytes, at, left } = this.#window;
    for (let i = 0; i < Math.min(left, BAG_MAGIC.length); i++) {
      if (bytes[at + i] === BAG_MAGIC.charCodeAt(i)) continue;
      const text = `the file is no ROS 1 bag of version 2.0: its signature is wrong at byte ${i}`;
      throw new SmaltiError("CORRUPT", text, { offset: i });
    }
    if (left < BAG_MAGIC.length) return false;
    this.#window.at += BAG_MAGIC.length;
    this.#isOpened = true;
    return true;
  }

  /** The next record when all of it is there. */
  #next(): "more" | "lost" | "end" | { op: number; header: Fields; data: Uint8Array; end: number } {
    const { bytes, view, at, left, offset } = this.#window;
    const { maxRecordBytes } = this.#options;
    const sizeBytes = this.#sizeBytes ?? Infinity;
    const none = () => this.#lose(offset, "no record begins there");
    if (left < 4) return offset + 4 > sizeBytes ? "end" : "more";
    const headerBytes = view.getUint32(at, true);
    if (headerBytes > MAX_HEADER_BYTES || offset + 8 + headerBytes > sizeBytes) return none();
    if (left < 8 + headerBytes) {
      // A header that does not begin with a field will not be one when more has come.
      const isField = left < 8 ||
        view.getUint32(at + 4, true) <= headerBytes - 4 && isName(bytes, at + 8, bytes.length);
      return isField ? "more" : none();
    }
    const header = readFields(bytes, view, at + 4, at + 4 + headerBytes);
    const op = opOf(header);
    if (header === undefined || op === undefined) return none();
    const dataBytes = view.getUint32(at + 4 + headerBytes, true);
    const start = at + 8 + headerBytes;
    const end = offset + 8 + headerBytes + dataBytes;
    if (end > sizeBytes) return this.#lose(offset, `a record there would end at byte ${end}`);
    if (dataBytes > maxRecordBytes) {
      const text =
        `the record at byte ${offset} has ${dataBytes} bytes and at most ${maxRecordBytes} are read`;
      this.#options.flaw({
        kind: "too_large",
        code: "TOO_LARGE",
        message: `the file is too large: ${text}`,
        offset,
        lost: "the record",
      });
      this.#hasLost = true;
      this.#skip = dataBytes;
      return { op: OP.index, header, data: bytes.subarray(start, start), end: start };
    }
    if (op === OP.index || op === OP.chunkInfo) {
      // Nothing of it is needed, and there is much.
      this.#skip = dataBytes;
      return { op, header, data: bytes.subarray(start, start), end: start };
    }
    if (start + dataBytes > bytes.length) return "more";
    return { op, header, data: bytes.subarray(start, start + dataBytes), end: start + dataBytes };
  }

  #lose(offset: number, what: string): "lost" {
    this.#lost ??= { offset, what, isPadding: true };
    const { bytes, at } = this.#window;
    if (bytes[at] !== 0) this.#lost.isPadding = false;
    return "lost";
  }

  #endLost(end: number): void {
    const lost = this.#lost;
    this.#lost = undefined;
    // Some writers leave zeros before what follows the chunks.
    if (!lost || lost.isPadding) return;
    this.#hasLost = true;
    const { offset, what } = lost;
    const message = `the file is damaged at byte ${offset}: ${what}`;
    this.#options.flaw({ kind: "damaged", offset, message, bytes: end - offset, lost: "what was there" });
  }

  *#chunk(header: Fields, data: Uint8Array): Generator<BagRecord> {
    const offset = this.start;
    const compression = textOf(header.get("compression"));
    const size = number32(header.get("size")) ?? data.length;
    let bytes: Uint8Array;
    try {
      bytes = this.#decompress(compression, data, size);
    } catch (reason) {
      const { rawMessage: message, code } = SmaltiError.from(reason, "CORRUPT");
      this.#options.flaw({
        kind: "chunk",
        code,
        message: `the file has a chunk at byte ${offset} that cannot be read: ${message}`,
        offset,
        bytes: data.length,
        lost: "its messages",
        cause: reason,
      });
      return;
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let from: number | undefined;
    const endLost = (at: number) => {
      if (from === undefined) return;
      const message = `the file is damaged: in its chunk at byte ${offset} no record begins at byte ${from}`;
      this.#options.flaw({
        kind: "chunk",
        message,
        offset,
        lost: `${at - from} of its ${bytes.length} bytes`,
      });
      from = undefined;
    };
    const batch = this.#batch;
    batch.begin(bytes, view, offset);
    for (let at = 0; at < bytes.length;) {
      const end = addMessage(batch, at);
      if (end > 0) {
        endLost(at);
        at = end;
        if (!batch.isFull) continue;
      }
      if (batch.count > 0) {
        yield batch;
        batch.begin(bytes, view, offset);
      }
      if (end > 0) continue;
      const record = readRecord(bytes, view, at);
      if (!record) {
        from ??= at;
        at++;
        continue;
      }
      endLost(at);
      yield* this.#record(record.op, record.header, record.data);
      at = record.end;
    }
    endLost(bytes.length);
    if (batch.count > 0) yield batch;
    if (bytes !== data) giveBytes(bytes);
  }

  #decompress(compression: string, data: Uint8Array, size: number): Uint8Array {
    const { maxRecordBytes, engine } = this.#options;
    if (size > maxRecordBytes) {
      throw new SmaltiError("TOO_LARGE", `it has ${size} bytes and at most ${maxRecordBytes} are read`);
    }
    switch (compression) {
      case "none":
        return data;
      case "lz4":
        return engine.decompress("lz4", data, size, takeBytes);
      case "bz2":
        return bunzip2(data, size);
      default: {
        const text = `it is compressed by ${JSON.stringify(compression)}: none, lz4 and bz2 are known`;
        throw new SmaltiError("UNSUPPORTED", text);
      }
    }
  }

  *#record(op: number, header: Fields, data: Uint8Array): Generator<BagRecord> {
    if (op !== OP.message && op !== OP.connection) return;
    const id = number32(header.get("conn"))!;
    if (op === OP.message) {
      yield { type: "message", connection: id, timeNs: timeOf(header.get("time")!), data };
      return;
    }
    const view = new DataView(data.buffer, data.byteOffset, data.length);
    const fields = readFields(data, view, 0, data.length);
    const topic = textOf(header.get("topic"));
    if (!fields) {
      const message = `the file is damaged at byte ${this.start}: the connection ${id} cannot be read`;
      return this.#options.flaw({ kind: "connection", message, offset: this.start, lost: "its messages" });
    }
    yield {
      type: "connection",
      id,
      topic,
      fields: new Map([...fields].map(([key, value]) => [key, textOf(value)])),
    };
  }
}

type Fields = ReadonlyMap<string, Uint8Array>;

const decoder = new TextDecoder();

/** Bytes around a message's data, where its header has the fields `conn`, `op` and `time` alone; names as words. */
const MESSAGE_BYTES = 46;
const MESSAGE_HEADER_BYTES = 38;
const CONN = 0x6e6e6f63;
const TIME = 0x656d6974;
const OP_MESSAGE = 0x023d706f;

/**
 * Adds the message in a chunk that begins there, if it has no fields but those that it must have, as most are. Where it ends; 0
 * where {@linkcode readRecord} is to look.
 */
function addMessage(batch: MessageBatch, at: number): number {
  const { bytes, view } = batch;
  const start = at + MESSAGE_BYTES;
  if (start > bytes.length || view.getUint32(at, true) !== MESSAGE_HEADER_BYTES) return 0;
  const end = start + view.getUint32(start - 4, true);
  if (end > bytes.length) return 0;
  let [conn, time, op] = [0, 0, 0];
  for (let field = at + 4; field < start - 4;) {
    const length = view.getUint32(field, true);
    const name = view.getUint32(field + 4, true);
    const value = field + 9;
    if (length === 9 && name === CONN && bytes[field + 8] === EQUALS) conn = value;
    else if (length === 13 && name === TIME && bytes[field + 8] === EQUALS) time = value;
    else if (length === 4 && name === OP_MESSAGE) op = value;
    else return 0;
    field += 4 + length;
  }
  if (conn === 0 || time === 0 || op === 0) return 0;
  // Nanoseconds in words of 32 bits, by float64: 10^9 is 1953125 times 2^9, so that all of it is exact.
  const units = view.getUint32(time, true) * 1_953_125;
  const high = Math.floor(units / 2 ** 23);
  const low = (units - high * 2 ** 23) * 2 ** 9 + view.getUint32(time + 4, true);
  const carry = low >= 2 ** 32 ? 1 : 0;
  batch.add(view.getUint32(conn, true), start, end, low - carry * 2 ** 32, high + carry);
  return end;
}

/** A record in a chunk; undefined where there is none. */
function readRecord(
  bytes: Uint8Array,
  view: DataView,
  at: number,
): { op: number; header: Fields; data: Uint8Array; end: number } | undefined {
  if (at + 4 > bytes.length) return undefined;
  const start = at + 4 + view.getUint32(at, true);
  if (start + 4 > bytes.length) return undefined;
  const header = readFields(bytes, view, at + 4, start);
  const op = opOf(header);
  const end = start + 4 + view.getUint32(start, true);
  if (!header || op === undefined || end > bytes.length) return undefined;
  return { op, header, data: bytes.subarray(start + 4, end), end };
}

/** The kind of a record; undefined where there is none, or the fields are not there that it has. */
function opOf(header: Fields | undefined): number | undefined {
  const op = header?.get("op");
  const required = op?.length === 1 ? REQUIRED.get(op[0]) : undefined;
  const isWhole = required?.every(([name, bytes]) => {
    const value = header!.get(name);
    return value !== undefined && (bytes === undefined || value.length === bytes);
  });
  return isWhole ? op![0] : undefined;
}

/** The fields of a header: each its length, its name, `=`, its value. Undefined where they do not fill it. */
function readFields(bytes: Uint8Array, view: DataView, start: number, end: number): Fields | undefined {
  const fields = new Map<string, Uint8Array>();
  for (let at = start; at < end;) {
    if (at + 4 > end) return undefined;
    const length = view.getUint32(at, true);
    at += 4;
    if (at + length > end) return undefined;
    const equals = nameEnd(bytes, at, at + length);
    if (bytes[equals] !== EQUALS || equals === at + length) return undefined;
    fields.set(nameOf(bytes, at, equals), bytes.subarray(equals + 1, at + length));
    at += length;
  }
  return fields;
}

const EQUALS = "=".charCodeAt(0);

/** Where a name ends: letters in lower case, numbers and `_`. */
function nameEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  for (; at < end; at++) {
    const byte = bytes[at];
    if (!(byte >= 97 && byte <= 122 || byte >= 48 && byte <= 57 || byte === 95)) break;
  }
  return at;
}

/** Whether what is there of a field may begin with its name. */
function isName(bytes: Uint8Array, start: number, end: number): boolean {
  const at = nameEnd(bytes, start, end);
  return at === end || bytes[at] === EQUALS;
}

/** A field's name. */
function nameOf(bytes: Uint8Array, start: number, end: number): string {
  let name = "";
  for (let at = start; at < end; at++) name += String.fromCharCode(bytes[at]);
  return name;
}

function textOf(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? "" : decoder.decode(bytes);
}

function number32(bytes: Uint8Array | undefined): number | undefined {
  if (bytes?.length !== 4) return undefined;
  return (bytes[0] | bytes[1] << 8 | bytes[2] << 16 | bytes[3] << 24) >>> 0;
}

/** A time of ROS 1: seconds and nanoseconds. */
function timeOf(bytes: Uint8Array): bigint {
  return nanoseconds(number32(bytes.subarray(0, 4))!, number32(bytes.subarray(4))!);
}

function nanoseconds(seconds: number, rest: number): bigint {
  return BigInt(seconds) * 1_000_000_000n + BigInt(rest);
}
