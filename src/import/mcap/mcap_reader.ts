/**
 * MCAP bytes -> records, in file order.
 *
 * @module
 */
import { crc32Final, crc32Init, crc32Update } from "@foxglove/crc";
import { MCAP_MAGIC, McapStreamReader, Opcode } from "@mcap/core";
import type { TypedMcapRecord, TypedMcapRecords } from "@mcap/core";
import type { Engine } from "../../engine.ts";
import { SmaltiError } from "../../error.ts";
import { decompressZstd } from "./zstd_frames.ts";

/** Bytes before a record's content: its opcode and its length. */
const HEADER_BYTES = 9;
const MAGIC_BYTES = MCAP_MAGIC.length;

/** Options of {@linkcode McapReader}. */
export interface McapReaderOptions {
  /** Decompresses chunks. */
  engine: Pick<Engine, "decompress">;
  /** Bytes of the whole file, where known. */
  sizeBytes?: number;
  /** The largest record, and the largest chunk once decompressed, that is read. */
  maxRecordBytes: number;
}

/**
 * Reads the records of an MCAP file from its bytes, whatever pieces they come in. The reader of `@mcap/core` parses them
 * and checks the CRCs of chunks and attachments. This adds the CRC of the data section, a bound on what is held at once
 * (the file's words for lengths are not believed beyond it), and places for errors. Messages of errors lack their
 * subject, the file: `the file is cut: ...`.
 *
 * Source: MCAP specification, https://mcap.dev/spec.
 */
export class McapReader {
  readonly #options: McapReaderOptions;
  readonly #reader: McapStreamReader;
  /** Bytes taken so far, and how many of them went on to be parsed. */
  #seen = 0;
  #passedOn = 0;
  /** Where the record that {@linkcode next} returned last begins and ends: its chunk, for what is in one. */
  #start = 0;
  #end = MAGIC_BYTES;
  /** What keeps the bytes that follow from being read. */
  #problem: SmaltiError | undefined;

  /** Where the next record's header begins, as lengths say; what of a header was seen; where the last magic ends. */
  #nextHeader = MAGIC_BYTES;
  readonly #header = new Uint8Array(HEADER_BYTES);
  #headerBytes = 0;
  #fileEnd = Infinity;

  /** CRC of the data section while it lasts. */
  #crc = crc32Init();
  #inData = true;

  constructor(options: McapReaderOptions) {
    this.#options = options;
    const { engine } = options;
    this.#reader = new McapStreamReader({
      includeChunks: true,
      decompressHandlers: {
        lz4: (bytes, size) => engine.decompress("lz4", bytes, Number(size)),
        zstd: (bytes, size) => decompressZstd(engine, bytes, Number(size)),
      },
    });
  }

  /** Bytes taken so far. */
  get bytesSeen(): number {
    return this.#seen;
  }

  /** Takes bytes; they are copied. Call {@linkcode next} until it gives nothing before the next call. */
  append(bytes: Uint8Array): void {
    if (this.#problem) return;
    const good = this.#walk(bytes);
    if (this.#inData) {
      this.#crc = crc32Update(this.#crc, bytes.subarray(0, good));
    }
    this.#seen += bytes.length;
    if (good === 0) return;
    this.#passedOn += good;
    this.#reader.append(
      good === bytes.length ? bytes : bytes.subarray(0, good),
    );
  }

  /**
   * The next record; undefined where more bytes are needed. What a chunk holds comes after the chunk. CORRUPT, TOO_LARGE,
   * UNSUPPORTED (a chunk's compression); the reader is of no use afterwards.
   */
  next(): TypedMcapRecord | undefined {
    let record: TypedMcapRecord | undefined;
    try {
      record = this.#reader.nextRecord();
    } catch (reason) {
      throw this.#damage(reason);
    }
    if (!record) {
      if (this.#problem) throw this.#problem;
      return undefined;
    }
    const end = this.#consumed();
    // What comes out of a chunk moves no further through the file.
    if (end !== this.#end) {
      this.#start = this.#end;
      this.#end = end;
    }
    if (record.type === "Chunk") this.#checkChunk(record);
    if (record.type === "DataEnd") this.#checkData(record.dataSectionCrc);
    return record;
  }

  /** Says that there are no more bytes. CORRUPT where the file is not whole. */
  finish(): void {
    if (this.#seen < MAGIC_BYTES) {
      throw new SmaltiError(
        "CORRUPT",
        `the file is no MCAP file: ${this.#seen} bytes, fewer than its signature has`,
      );
    }
    if (this.#reader.done()) return;
    const text = this.#seen > this.#end
      ? `the file is cut: it ends at byte ${this.#seen}, within the record that begins at byte ${this.#end}`
      : `the file is cut: it ends at byte ${this.#seen} without a footer`;
    throw new SmaltiError("CORRUPT", text, { offset: this.#end });
  }

  /** Reads the headers of records as far as the bytes go. Returns how many of the bytes are sound. */
  #walk(bytes: Uint8Array): number {
    for (
      let at = this.#seen;
      at < MAGIC_BYTES && at - this.#seen < bytes.length;
      at++
    ) {
      if (bytes[at - this.#seen] === MCAP_MAGIC[at]) continue;
      this.#problem = new SmaltiError(
        "CORRUPT",
        `the file is no MCAP file: its signature is wrong at byte ${at}`,
        { offset: at },
      );
      return 0;
    }
    const end = this.#seen + bytes.length;
    for (let at = this.#seen; at < end;) {
      if (at >= this.#fileEnd) {
        this.#problem = new SmaltiError(
          "CORRUPT",
          `the file goes on after its end at byte ${this.#fileEnd}`,
          { offset: at },
        );
        return at - this.#seen;
      }
      if (at < this.#nextHeader) {
        at = Math.min(end, this.#nextHeader);
        continue;
      }
      const byte = bytes[at - this.#seen];
      if (this.#headerBytes === 0 && byte === Opcode.DATA_END && this.#inData) {
        this.#crc = crc32Update(this.#crc, bytes.subarray(0, at - this.#seen));
        this.#inData = false;
      }
      this.#header[this.#headerBytes++] = byte;
      at++;
      if (this.#headerBytes < HEADER_BYTES) continue;
      const start = this.#nextHeader;
      if (!this.#takeHeader(start)) return Math.max(0, start - this.#seen);
    }
    return bytes.length;
  }

  /** Whether a record with the header just read, which begins at `start`, can be read. */
  #takeHeader(start: number): boolean {
    const view = new DataView(this.#header.buffer);
    const opcode = view.getUint8(0);
    const length = view.getBigUint64(1, true);
    const { sizeBytes = Infinity, maxRecordBytes } = this.#options;
    const end = start + HEADER_BYTES + Number(length);
    const record = `the record at byte ${start} claims ${length} bytes`;
    if (opcode === 0) {
      const text = `the file is damaged at byte ${start}: no record begins with 0`;
      this.#problem = new SmaltiError("CORRUPT", text, { offset: start });
    } else if (end > sizeBytes) {
      const text = `the file is cut or damaged: ${record} and the file ends at byte ${sizeBytes}`;
      this.#problem = new SmaltiError("CORRUPT", text, { offset: start });
    } else if (length > maxRecordBytes) {
      this.#problem = new SmaltiError(
        "TOO_LARGE",
        `the file is too large: ${record} and at most ${maxRecordBytes} are read`,
        { offset: start },
      );
    }
    this.#headerBytes = 0;
    this.#nextHeader = end;
    if (opcode === Opcode.FOOTER) {
      this.#nextHeader = this.#fileEnd = end + MAGIC_BYTES;
    }
    return this.#problem === undefined;
  }

  #checkChunk(
    { compression, uncompressedSize }: TypedMcapRecords["Chunk"],
  ): void {
    const { maxRecordBytes } = this.#options;
    const where = { offset: this.#start };
    if (compression !== "" && compression !== "lz4" && compression !== "zstd") {
      const text = `the file has a chunk at byte ${this.#start} compressed by ${
        JSON.stringify(compression)
      }: lz4 and zstd are known`;
      throw new SmaltiError("UNSUPPORTED", text, where);
    }
    if (uncompressedSize > maxRecordBytes) {
      const text =
        `the file has a chunk at byte ${this.#start} of ${uncompressedSize} bytes: at most ${maxRecordBytes} are read`;
      throw new SmaltiError("TOO_LARGE", text, where);
    }
  }

  #checkData(wanted: number): void {
    const crc = crc32Final(this.#crc);
    if (wanted === 0 || crc === wanted) return;
    const text = `the file is damaged: its data up to byte ${this.#start} has the CRC ${hex(crc)}, not ${
      hex(wanted)
    } as it says`;
    throw new SmaltiError("CORRUPT", text, { offset: this.#start });
  }

  #consumed(): number {
    return this.#passedOn - this.#reader.bytesRemaining();
  }

  #damage(reason: unknown): SmaltiError {
    // Parsing a record of the file moves past its header before anything fails, one within a chunk does not.
    const offset = this.#consumed() === this.#end ? this.#start : this.#end;
    if (reason instanceof SmaltiError) {
      const what = reason.code === "CORRUPT" ? "is damaged" : "cannot be read";
      const text = `the file ${what} at byte ${offset}: ${reason.rawMessage}`;
      return new SmaltiError(reason.code, text, { offset, cause: reason });
    }
    return SmaltiError.from(
      reason,
      "CORRUPT",
      `the file is damaged at byte ${offset}`,
    ).at({ offset });
  }
}

function hex(crc: number): string {
  return crc.toString(16).padStart(8, "0");
}
