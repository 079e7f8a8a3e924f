/**
 * JSON lines (NDJSON) -> a sequence.
 *
 * @module
 */
import type { Client } from "../../client.ts";
import { SmaltiError } from "../../error.ts";
import { checkOptions, type OptionNames } from "../../util/options.ts";
import { excerpt, quoted } from "../../util/excerpt.ts";
import type { ImportSources } from "../byte_source.ts";
import { membersOf, type Span, textAt } from "../json/json_scan.ts";
import { IMPORT_OPTIONS, type ImportOptions } from "../import_options.ts";
import type { ImportReport } from "../import_report.ts";
import { importRecording, type RecordingImport } from "../recording_import.ts";
import { lineFlaw, parseData } from "./line_data.ts";
import { type Line, LineReader } from "./line_reader.ts";
import { type LineMessage, LineTopics } from "./line_topics.ts";

/** Options of {@linkcode importJsonLines}. */
export interface ImportJsonLinesOptions extends ImportOptions {
  /**
   * The topic of lines that name none.
   * @default the file's name without directory and extension; the sequence's where the source has no name
   */
  topic?: string;
  /** Bound on a line, in bytes; memory goes with it. @default 64 MiB */
  maxRecordBytes?: number;
}

const JSON_LINES_OPTIONS: OptionNames<ImportJsonLinesOptions> = {
  ...IMPORT_OPTIONS,
  topic: true,
  maxRecordBytes: true,
};

const DEFAULT_LINE_BYTES = 64 * 2 ** 20;

/** What a line of an export has. */
const TIME = "timestamp_ns";
const MEMBERS = new Set([TIME, "topic", "ontology", "data"]);
/** The tag of messages whose line names none. */
const TAG = "json";
const NO_TEXT = "no UTF-8";
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/**
 * Records JSON lines as a new sequence: a message a line, in one of two forms, which the first line of a file shows.
 *
 * As `exportJsonLines` and `smalti play --format ndjson` write them, `{"timestamp_ns":"17","topic":"imu","ontology":"IMU",
 * "data":{...}}`, in any order and with `ontology` or without. An export that is imported gives the same lines when it is
 * exported again. Where the tag names a built-in ontology and the first messages of the topic fit it, that is the topic's.
 *
 * Or any objects, of which a field is the time: `time` and `timeUnit` are needed then. Each is a message of one topic, whole.
 *
 * Columns of a topic without an ontology are those of its first messages (1000, or 64 KiB of them, or what came before a
 * live source paused for a second): integers int64 (by `integers` float64), numbers float64, text utf8, booleans bool,
 * objects structs, arrays lists. A message that they do not hold whole is kept in the column `_json` too, as text. In lines
 * of an export, text that is an integer beyond 2^53, or `NaN` or an infinity, is that number.
 *
 * Times are never rounded on the way. Empty lines are skipped. The topic's metadata has `ndjson.topic`, its name in the file.
 *
 * Rejects with CORRUPT where a line is no JSON or not of its file's form, INVALID_MESSAGE where a message has no time or is
 * none of its ontology's, UNSUPPORTED for a time beyond int64, TOO_LARGE beyond `maxRecordBytes`; the error names line and
 * byte. With `salvage` such lines are left out (kinds `line`, `message`, `time`). INVALID_ARGUMENT where `time` asks for what lines do not have. Otherwise as `importMcap`.
 *
 * @example
 * ```ts
 * import { connect } from "smalti";
 * import { importJsonLines, openFile } from "smalti/import";
 *
 * await using client = await connect("./recordings");
 * const log = await openFile("engine.ndjson"); // lines such as {"at":"2026-11-28T12:00:00.25Z","rpm":2100}
 * await importJsonLines(client, log, { name: "engine", time: "at" });
 * ```
 *
 * Source: JSON Lines, https://jsonlines.org.
 */
export async function importJsonLines(
  client: Client,
  sources: ImportSources,
  options: ImportJsonLinesOptions,
): Promise<ImportReport> {
  checkOptions(options, JSON_LINES_OPTIONS, "Cannot import");
  const { name, topic, maxRecordBytes = DEFAULT_LINE_BYTES } = options;
  let topics: LineTopics | undefined;
  return await importRecording(client, sources, options, {
    what: "the JSON lines",
    async read(recording) {
      topics ??= new LineTopics(recording);
      const file = new LinesFile(recording, topics, topic ?? topicOfFile(recording.fileName) ?? name);
      const lines = new LineReader(maxRecordBytes, (line) => {
        const text = `it is too large: it has more than ${maxRecordBytes} bytes`;
        lineFlaw(recording, line, new SmaltiError("TOO_LARGE", text));
      });
      for await (const bytes of recording.bytes()) {
        for (const line of lines.append(bytes)) {
          const taken = file.take(line);
          if (taken) await taken;
        }
      }
      for (const line of lines.finish()) await file.take(line);
      return {};
    },
  });
}

/** `logs/engine.ndjson` -> `engine`. */
function topicOfFile(path: string | undefined): string | undefined {
  const name = path?.replace(/^.*[/\\]/, "").replace(/(?<=.)\.[^.]*$/, "");
  return name === "" || name === "-" ? undefined : name;
}

/** Takes the lines of a file in order. */
class LinesFile {
  readonly #recording: RecordingImport;
  readonly #topics: LineTopics;
  readonly #topic: string;
  /** Whether its lines are those of an export; undefined before the first. */
  #isExported: boolean | undefined;

  /** @param topic Of lines that name none. */
  constructor(recording: RecordingImport, topics: LineTopics, topic: string) {
    this.#recording = recording;
    this.#topics = topics;
    this.#topic = topic;
  }

  /** Takes a line. A promise that comes back is awaited before the next. */
  take(line: Line): Promise<void> | undefined {
    if (line.number === 1) line = withoutMark(line);
    if (isBlank(line.bytes)) return undefined;
    if (!this.#recording.isBegun) return this.#begin(line);
    let message: LineMessage;
    try {
      message = this.#isExported ? exportedMessage(line.bytes) : this.#plainMessage(line.bytes);
    } catch (reason) {
      return lineFlaw(this.#recording, line, reason);
    }
    return this.#topics.push(message, line);
  }

  /** Starts the sequence at the first line that is JSON. */
  async #begin(line: Line): Promise<void> {
    try {
      this.#isExported = isExported(parseData(line.bytes));
    } catch (reason) {
      return lineFlaw(this.#recording, line, reason);
    }
    const { time } = this.#recording;
    if (!this.#isExported && time === "log") {
      const text =
        "its lines have no timestamp_ns, topic and data: wanted the field that is their time (time, --time FIELD)";
      throw new SmaltiError("INVALID_ARGUMENT", text);
    }
    await this.#recording.begin();
    await this.take(line);
  }

  #plainMessage(bytes: Uint8Array): LineMessage {
    parseData(bytes);
    return { topic: this.#topic, tag: TAG, timestampNs: undefined, data: bytes, isExported: false };
  }
}

function isExported(line: object): boolean {
  return [TIME, "topic", "data"].every((key) => Object.hasOwn(line, key));
}

/** The message of a line as an export writes it. What its data is made of is looked at where it is decoded. */
function exportedMessage(bytes: Uint8Array): LineMessage {
  const members = membersOf(bytes);
  if (!members) {
    parseData(bytes); // says what is wrong
    throw new SmaltiError("CORRUPT", "it is no JSON object");
  }
  for (const key of members.keys()) {
    if (MEMBERS.has(key)) continue;
    throw new SmaltiError("CORRUPT", `it has ${quoted(key)}: wanted ${[...MEMBERS].join(", ")} alone`);
  }
  const data = members.get("data");
  if (!data) throw new SmaltiError("CORRUPT", "its data is missing, wanted an object");
  const topic = textOf(bytes, members.get("topic"), "topic");
  if (topic === "") throw new SmaltiError("CORRUPT", "its topic is empty, wanted a name");
  return {
    topic,
    tag: members.has("ontology") ? textOf(bytes, members.get("ontology"), "ontology") : TAG,
    timestampNs: timeOf(bytes, members.get(TIME)),
    data: bytes.subarray(data.start, data.end),
    isExported: true,
  };
}

function textOf(bytes: Uint8Array, span: Span | undefined, key: string): string {
  const text = span ? textAt(bytes, span) ?? NO_TEXT : "missing";
  const value = span && text.startsWith('"') ? parseText(text) : undefined;
  if (value === undefined) throw new SmaltiError("CORRUPT", `its ${key} is ${excerpt(text)}, wanted a text`);
  return value;
}

function parseText(json: string): string | undefined {
  try {
    return JSON.parse(json) as string;
  } catch {
    return undefined;
  }
}

/** An integer as it was written, a number or a text. */
function timeOf(bytes: Uint8Array, span: Span | undefined): bigint {
  const text = span ? textAt(bytes, span) ?? NO_TEXT : "missing";
  const [, quote = "", digits] = /^("?)(-?\d{1,400})\1$/.exec(text) ?? [];
  if (digits !== undefined && (quote !== "" || !/^-?0\d/.test(digits))) return BigInt(digits);
  const wanted = "wanted integer nanoseconds, a number or a text";
  throw new SmaltiError("CORRUPT", `its ${TIME} is ${excerpt(text)}, ${wanted}`);
}

function withoutMark(line: Line): Line {
  const hasMark = BYTE_ORDER_MARK.every((byte, i) => line.bytes[i] === byte);
  return hasMark ? { ...line, bytes: line.bytes.subarray(BYTE_ORDER_MARK.length) } : line;
}

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}
