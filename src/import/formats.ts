/**
 * What formats files may have, known by how they begin.
 *
 * @module
 */
import type { Client } from "../client.ts";
import { SmaltiError } from "../error.ts";
import { type ByteSource, firstBytes } from "./byte_source.ts";
import type { ImportMcapReport } from "./mcap/import_mcap.ts";
import type { ImportOptions, ImportReport } from "./recording_import.ts";

/** Imports files of one format. */
export type Import = (
  client: Client,
  sources: readonly ByteSource[],
  options: ImportOptions & { topic?: string; maxRecordBytes?: number },
) => Promise<ImportReport & Partial<Pick<ImportMcapReport, "droppedPublishTimes" | "unknownRecordCount">>>;

/** A format of files. */
export interface FileFormat {
  /** What it is called: `MCAP file`. */
  readonly name: string;
  /** Whether a file that begins so is one, or was one before it was damaged. */
  isBegun(head: Uint8Array): boolean;
  /** Whether its import takes the option `topic`. */
  readonly takesTopic: boolean;
  /** Loads what imports it. */
  load(): Promise<Import>;
}

/** Bytes of a file that are looked at. */
const HEAD_BYTES = 64;

const MCAP_MAGIC = [0x89, 0x4d, 0x43, 0x41, 0x50, 0x30, 0x0d, 0x0a];

/** Every format. The first that fits is taken. */
export const FORMATS: readonly FileFormat[] = [
  {
    name: "MCAP file",
    takesTopic: false,
    // Most of its signature: what is damaged is for the reader to say.
    isBegun: (head) => MCAP_MAGIC.filter((byte, i) => byte === head[i]).length > MCAP_MAGIC.length / 2,
    load: async () => (await import("./mcap/import_mcap.ts")).importMcap,
  },
  {
    name: "Parquet file",
    takesTopic: true,
    isBegun: (head) => startsWith(head, "PAR1") || startsWith(head, "PARE"),
    load: async () => (await import("./parquet/import_parquet.ts")).importParquet,
  },
  {
    name: "Arrow file",
    takesTopic: true,
    isBegun: (head) => startsWith(head, "ARROW1") || isArrowStream(head),
    load: async () => (await import("./arrow/import_arrow.ts")).importArrow,
  },
  {
    name: "JSON lines",
    takesTopic: true,
    isBegun: (head) => /^\uFEFF?\s*\{/.test(new TextDecoder("utf-8", { ignoreBOM: true }).decode(head)),
    load: async () => (await import("./json_lines/import_json_lines.ts")).importJsonLines,
  },
  {
    name: "CSV file",
    takesTopic: true,
    isBegun: isCsv,
    load: async () => (await import("./csv/import_csv.ts")).importCsv,
  },
];

function startsWith(head: Uint8Array, text: string): boolean {
  return head.length >= text.length && [...text].every((letter, i) => letter.charCodeAt(0) === head[i]);
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
function isCsv(head: Uint8Array): boolean {
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
  return !/^[{[]/.test(first) && /^[^\r\n]*[,;\t|]/.test(first);
}

function formatByHead(head: Uint8Array): FileFormat | undefined {
  return FORMATS.find((format) => format.isBegun(head));
}

/**
 * The format of files, and the files to read in place of those given: of one that cannot be read twice the beginning is gone.
 * Where a file of several is of another format than the first, or of none that is known: UNSUPPORTED, which names the file.
 */
export async function formatOf(
  sources: readonly ByteSource[],
  signal?: AbortSignal,
): Promise<{ format: FileFormat; sources: readonly ByteSource[] }> {
  const whole: ByteSource[] = [];
  let format: FileFormat | undefined;
  for (const given of sources) {
    const { head, source } = await firstBytes(
      given,
      HEAD_BYTES,
      (head) => formatByHead(head) !== undefined,
      signal,
    );
    whole.push(source);
    const found = formatByHead(head);
    const file = given.name ?? "the file";
    const refuse = (text: string) =>
      new SmaltiError("UNSUPPORTED", `Cannot import ${file}: ${text}`, { file: given.name });
    if (!found) {
      const names = FORMATS.map(({ name }) => `no ${name}`).join(" and ");
      throw refuse(head.length === 0 ? `it is empty, ${names}` : `it is ${names}`);
    }
    if (format && found !== format) {
      throw refuse(`it is of another format, ${found.name}, than the files before, ${format.name}`);
    }
    format = found;
  }
  return { format: format!, sources: whole };
}
