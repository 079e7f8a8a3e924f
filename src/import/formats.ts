/**
 * What formats files may have, known by how they begin.
 *
 * @module
 */
import type { Client } from "../client.ts";
import type { Engine } from "../engine.ts";
import { SmaltiError } from "../error.ts";
import { type ByteSource, firstBytes } from "./byte_source.ts";
import { Decompressor } from "./compressed.ts";
import { isZstd } from "./frames.ts";
import type { ImportMcapReport } from "./mcap/import_mcap.ts";
import type { ImportOptions } from "./import_options.ts";
import type { ImportReport } from "./import_report.ts";

/** Options that some formats have beside those of every import. */
export interface FormatOptions {
  topic?: string;
  separator?: string;
  header?: boolean;
  maxRecordBytes?: number;
}

/** Imports files of one format. */
export type Import = (
  client: Client,
  sources: readonly ByteSource[],
  options: ImportOptions & FormatOptions,
) => Promise<ImportReport & Partial<Pick<ImportMcapReport, "droppedPublishTimes" | "unknownRecordCount">>>;

/** A format of files. */
export interface FileFormat {
  /** What it is called: `MCAP file`. */
  readonly name: string;
  /** Whether a file that begins so is one, or was one before it was damaged; cells are between `separator`, where that was said. */
  isBegun(head: Uint8Array, separator?: string): boolean;
  /** How its files are called, where many a file that is none begins so: others are left alone where nobody named them. */
  readonly extensions?: readonly string[];
  /** Whether the writer of a file has ended it, as far as a look at some of its bytes tells. @default true */
  isWhole?(source: ByteSource): Promise<boolean>;
  /** Whether it has publish times and sequence numbers around messages. @default false */
  readonly hasEnvelope?: boolean;
  /** Which of those options its import takes. */
  readonly takes: readonly (keyof FormatOptions)[];
  /** Loads what imports it. */
  load(): Promise<Import>;
}

/** Bytes of a file that are looked at. */
const HEAD_BYTES = 64;

/** Bound on a file that is compressed whole, unless one is given. */
const DEFAULT_CONTENT_BYTES = 512 * 2 ** 20;

const MCAP_MAGIC = [0x89, 0x4d, 0x43, 0x41, 0x50, 0x30, 0x0d, 0x0a];
const BAG_MAGIC = bytesOfText("#ROSBAG V2.0\n");
const SQLITE_MAGIC = bytesOfText("SQLite format 3\0");
const ULOG_MAGIC = [...bytesOfText("ULog"), 0x01, 0x12, 0x35];

/** A marker and the length 0; before Arrow 0.15 the length alone. */
const ARROW_STREAM_END = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];

/** Every format. The first that fits is taken. */
export const FORMATS: readonly FileFormat[] = [
  {
    name: "MCAP file",
    isBegun: (head) => isMostly(MCAP_MAGIC, head),
    isWhole: (source) => endsWith(source, [MCAP_MAGIC]),
    hasEnvelope: true,
    takes: ["maxRecordBytes"],
    load: async () => (await import("./mcap/import_mcap.ts")).importMcap,
  },
  {
    name: "Parquet file",
    isBegun: (head) => startsWith(head, "PAR1") || startsWith(head, "PARE"),
    isWhole: (source) => endsWith(source, [bytesOfText("PAR1"), bytesOfText("PARE")]),
    takes: ["topic", "maxRecordBytes"],
    load: async () => (await import("./parquet/import_parquet.ts")).importParquet,
  },
  {
    name: "Arrow file",
    isBegun: (head) => startsWith(head, "ARROW1") || isArrowStream(head),
    isWhole: async (source) => {
      const head = await source.read?.(0, 8) ?? [];
      if (startsWith(head, "ARROW1")) return await endsWith(source, [bytesOfText("ARROW1")]);
      // A stream may just end too, but then it looks like one that goes on.
      return await endsWith(source, [head[0] === 0xff ? ARROW_STREAM_END : ARROW_STREAM_END.slice(4)]);
    },
    takes: ["topic", "maxRecordBytes"],
    load: async () => (await import("./arrow/import_arrow.ts")).importArrow,
  },
  {
    name: "bag of ROS 1",
    isBegun: (head) => isMostly(BAG_MAGIC, head),
    isWhole: async ({ read }) => {
      const head = await read?.(0, 512);
      return head === undefined || hasIndex(head);
    },
    takes: ["maxRecordBytes"],
    load: async () => (await import("./bag/import_bag.ts")).importBag,
  },
  {
    name: "bag of ROS 2 in SQLite",
    isBegun: (head) => isMostly(SQLITE_MAGIC, head),
    isWhole: async (source) => !await hasBeside(source, "-wal") && !await hasBeside(source, "-journal"),
    takes: ["maxRecordBytes"],
    load: async () => (await import("./db3/import_db3.ts")).importDb3,
  },
  {
    name: "ULog file",
    isBegun: (head) => isMostly(ULOG_MAGIC, head),
    takes: [],
    load: async () => (await import("./ulog/import_ulog.ts")).importUlog,
  },
  {
    name: "JSON lines",
    isBegun: (head) => /^\uFEFF?\s*\{/.test(new TextDecoder("utf-8", { ignoreBOM: true }).decode(head)),
    extensions: ["ndjson", "jsonl"],
    takes: ["topic", "maxRecordBytes"],
    load: async () => (await import("./json_lines/import_json_lines.ts")).importJsonLines,
  },
  {
    name: "CSV file",
    isBegun: isCsv,
    extensions: ["csv", "tsv", "txt"],
    takes: ["topic", "separator", "header", "maxRecordBytes"],
    load: async () => (await import("./csv/import_csv.ts")).importCsv,
  },
];

function startsWith(head: Uint8Array | number[], text: string): boolean {
  return head.length >= text.length && [...text].every((letter, i) => letter.charCodeAt(0) === head[i]);
}

/** Whether a file ends with one of some marks; true where that cannot be looked at. */
async function endsWith({ read, sizeBytes = 0 }: ByteSource, marks: readonly number[][]): Promise<boolean> {
  if (!read) return true;
  const most = Math.max(...marks.map(({ length }) => length));
  const end = await read(Math.max(0, sizeBytes - most), most);
  return marks.some((mark) =>
    end.length >= mark.length && mark.every((byte, i) => byte === end[end.length - mark.length + i])
  );
}

/** Whether a stream begins: a marker of four bytes, before Arrow 0.15 none, the length of the schema's message, and that. */
function isArrowStream(head: Uint8Array): boolean {
  if (head.length < 16) return false;
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const start = view.getInt32(0, true) === -1 ? 4 : 0;
  const length = view.getInt32(start, true);
  // A FlatBuffer, whose root lies within the message.
  return length > 0 && length % 4 === 0 && length < 2 ** 28 &&
    view.getInt32(start + 4, true) < Math.min(length, 256) &&
    view.getInt32(start + 4, true) >= 4 && head[start + 7] === 0;
}

/** Whether there is text with a separator in its first line, and no JSON. */
function isCsv(head: Uint8Array, separator?: string): boolean {
  const isWide = head[0] === 0xff && head[1] === 0xfe || head[0] === 0xfe && head[1] === 0xff;
  const encoding = !isWide ? "utf-8" : head[0] === 0xff ? "utf-16le" : "utf-16be";
  let text: string;
  try {
    // What is cut at its end is no fault.
    text = new TextDecoder(encoding, { fatal: true }).decode(head, { stream: true });
  } catch {
    return false;
  }
  // deno-lint-ignore no-control-regex -- text has none of them
  if (/[\0-\x08\x0e-\x1f]/.test(text)) return false;
  const first = text.trimStart();
  const [line] = first.split(/[\r\n]/, 1);
  return !/^[{[]/.test(first) && (separator === undefined ? /[,;\t|]/.test(line) : line.includes(separator));
}

function bytesOfText(text: string): number[] {
  return [...new TextEncoder().encode(text)];
}

/** Whether a file begins with most of a signature: what is damaged is for the reader to say. */
function isMostly(magic: readonly number[], head: Uint8Array): boolean {
  return magic.filter((byte, i) => byte === head[i]).length > magic.length / 2;
}

/** Whether a bag's header says where its index is: whoever writes one says so at the end. */
function hasIndex(head: Uint8Array): boolean {
  const text = new TextDecoder("latin1").decode(head);
  const at = text.indexOf("index_pos=") + "index_pos=".length;
  return head.subarray(at, at + 8).some((byte) => byte !== 0);
}

/** Whether there is a file with something in it. */
async function hasBeside(source: ByteSource, suffix: string): Promise<boolean> {
  try {
    return (await source.beside?.(suffix, 0) ?? []).length > 0;
  } catch (reason) {
    if (reason instanceof SmaltiError && reason.code === "TOO_LARGE") return true;
    throw reason;
  }
}

function formatByHead(head: Uint8Array, separator?: string): FileFormat | undefined {
  return FORMATS.find((format) => format.isBegun(head, separator));
}

/** Of what is compressed nothing more is known before it is decompressed. */
const COMPRESSED: Pick<FileFormat, "extensions" | "isWhole"> = { extensions: ["zst", "zstd"] };

/** Whether a file that nobody named is to be imported, and how to tell that it is whole. Rejects as reading does. */
export async function findFormat(
  source: ByteSource,
  signal?: AbortSignal,
): Promise<Pick<FileFormat, "isWhole"> | undefined> {
  const { head } = await firstBytes(source, HEAD_BYTES, (head) => formatByHead(head) !== undefined, signal);
  const found = isZstd(head) ? COMPRESSED : formatByHead(head);
  const extension = source.name?.split(".").at(-1)?.toLowerCase() ?? "";
  return found?.extensions && !found.extensions.includes(extension) ? undefined : found;
}

/** What {@linkcode formatOf} needs. */
export interface FormatContext {
  /** Decompresses files that are compressed. */
  readonly engine: Pick<Engine, "decompress">;
  /** Bound on such a file, in bytes. @default 512 MiB */
  readonly maxRecordBytes?: number | undefined;
  /** What is between the cells of CSV. @default any that is usual */
  readonly separator?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The format of files, and the files to read in place of those given: of one that cannot be read twice the beginning is gone,
 * and one that is compressed by ZSTD is decompressed. Where a file of several is of another format than the first, or of none that
 * is known: UNSUPPORTED, which names the file. TOO_LARGE where one that is compressed has more than `maxRecordBytes`.
 */
export async function formatOf(
  sources: readonly ByteSource[],
  { engine, maxRecordBytes = DEFAULT_CONTENT_BYTES, separator, signal }: FormatContext,
): Promise<{ format: FileFormat; sources: readonly ByteSource[] }> {
  const decompressor = new Decompressor(engine, maxRecordBytes);
  const whole: ByteSource[] = [];
  let format: FileFormat | undefined;
  const look = (source: ByteSource) =>
    firstBytes(
      source,
      HEAD_BYTES,
      (head) => isZstd(head) || formatByHead(head, separator) !== undefined,
      signal,
    );
  for (const given of sources) {
    const file = given.name ?? "the file";
    const refuse = (text: string) =>
      new SmaltiError("UNSUPPORTED", `Cannot import ${file}: ${text}`, { file: given.name });
    let { head, source } = await look(given);
    if (isZstd(head)) {
      source = decompressor.contentOf(source, signal);
      whole.push(source);
      if (format) continue; // what is in it is looked at when its turn comes, since one of them is held at a time
      ({ head } = await look(source).catch((reason) => {
        if (!(reason instanceof SmaltiError)) throw reason;
        const text = `Cannot import ${file}: ${reason.rawMessage}`;
        throw new SmaltiError(reason.code, text, { file: given.name, cause: reason });
      }));
    } else whole.push(source);
    const found = formatByHead(head, separator);
    if (!found) {
      const names = FORMATS.map(({ name }) => `no ${name}`).join(", ");
      throw refuse(head.length === 0 ? `it is empty: ${names}` : `it is ${names}`);
    }
    if (format && found !== format) {
      throw refuse(`it is of another format, ${found.name}, than the files before, ${format.name}`);
    }
    format = found;
  }
  return { format: format!, sources: whole };
}
