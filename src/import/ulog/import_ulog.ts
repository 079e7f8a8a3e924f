/**
 * PX4's ULog -> a sequence.
 *
 * @module
 */
import { viewOf } from "../../util/view_of.ts";
import type { Client } from "../../client.ts";
import type { JsonValue, Metadata } from "../../types.ts";
import { checkOptions } from "../../util/options.ts";
import type { ImportSources } from "../byte_source.ts";
import { rawDecoder } from "../decoders.ts";
import { Undecodable } from "../message_decoder.ts";
import { IMPORT_OPTIONS, type ImportOptions } from "../import_options.ts";
import type { ImportReport } from "../import_report.ts";
import { importRecording, type RecordingImport } from "../recording_import.ts";
import { RecordMessageDecoder } from "../records/record_message_decoder.ts";
import { decodeText } from "../text.ts";
import { MessageBatch } from "../message_batch.ts";
import type { TopicImport } from "../topic_import.ts";
import {
  compileUlog,
  formatText,
  parseUlogFormat,
  timeOffset,
  UlogFormatError,
  type UlogFormats,
} from "./ulog_plan.ts";
import { ULOG_DATA_BYTES, type UlogMessage, UlogReader, type UlogRecord } from "./ulog_reader.ts";

/** Bytes of formats, texts, information and parameters that are kept of a log. */
const MAX_KEPT_BYTES = 32 * 2 ** 20;

/** Types of values of information and parameters that are numbers. */
const NUMBERS: Readonly<Record<string, (view: DataView, at: number) => number | bigint>> = {
  int8_t: (view, at) => view.getInt8(at),
  uint8_t: (view, at) => view.getUint8(at),
  int16_t: (view, at) => view.getInt16(at, true),
  uint16_t: (view, at) => view.getUint16(at, true),
  int32_t: (view, at) => view.getInt32(at, true),
  uint32_t: (view, at) => view.getUint32(at, true),
  int64_t: (view, at) => view.getBigInt64(at, true),
  uint64_t: (view, at) => view.getBigUint64(at, true),
  float: (view, at) => view.getFloat32(at, true),
  double: (view, at) => view.getFloat64(at, true),
  bool: (view, at) => view.getUint8(at),
};
const WIDTHS: Readonly<Record<string, number>> = {
  int8_t: 1,
  uint8_t: 1,
  bool: 1,
  int16_t: 2,
  uint16_t: 2,
  int32_t: 4,
  uint32_t: 4,
  float: 4,
  int64_t: 8,
  uint64_t: 8,
  double: 8,
};

/**
 * Records a ULog file as a new sequence. A topic is called as its message, `vehicle_gps_position`; where there are several
 * instances, `battery_status/0`, `battery_status/1`. Times are its `timestamp` (microseconds since the vehicle's start), which
 * stays a field too. Columns: see {@linkcode compileUlog}.
 *
 * The sequence's metadata has `ulog.version`, `ulog.start_us`, `ulog.info`, `ulog.parameters` (as they were at the start),
 * `ulog.default_parameters`, `ulog.changed_parameters`, `ulog.messages` (the texts) and `ulog.dropouts_ms`, where there are any.
 *
 * Rejects as {@linkcode importMcap} does.
 *
 * Source: https://docs.px4.io/main/en/dev_log/ulog_file_format.
 */
export async function importUlog(
  client: Client,
  sources: ImportSources,
  options: ImportOptions,
): Promise<ImportReport> {
  checkOptions(options, IMPORT_OPTIONS, "Cannot import");
  const byKey = new Map<string, TopicImport>();
  return await importRecording(client, sources, options, {
    what: "the ULog file",
    async read(recording) {
      const several = await findInstances(recording);
      const reader = new UlogReader((flaw) => recording.flaw(flaw));
      const log = new UlogImport(recording, reader, byKey, several);
      const takeAll = async (records: Iterable<UlogRecord>) => {
        for (const record of records) {
          recording.offset = record.offset;
          const taken = record instanceof MessageBatch ? log.takeData(record) : log.take(record);
          if (taken) await taken;
        }
      };
      for await (const bytes of recording.bytes()) await takeAll(reader.read(bytes));
      await takeAll(reader.finish());
      await log.finish();
      return {};
    },
  });
}

/** Names of the messages of which more than one instance has data; undefined of a stream, of which nothing is known ahead. */
async function findInstances(recording: RecordingImport): Promise<ReadonlySet<string> | undefined> {
  const file = recording.bytesAgain();
  if (!file) return undefined;
  const names = new Map<number, { name: string; instance: number }>();
  const instances = new Map<string, Set<number>>();
  const reader = new UlogReader(() => {});
  // Whether data came for a number that were not looked at before.
  const hasData = new Uint8Array(1 << 16);
  const takeData = (number: number) => {
    hasData[number] = 1;
    const found = names.get(number);
    if (!found) return;
    const known = instances.get(found.name);
    if (known) known.add(found.instance);
    else instances.set(found.name, new Set([found.instance]));
  };
  for await (const bytes of file) {
    for (const record of reader.read(bytes)) {
      if (record instanceof MessageBatch) {
        const { count, channels } = record;
        for (let i = 0; i < count; i++) if (hasData[channels[i]] === 0) takeData(channels[i]);
        continue;
      }
      const { type, content } = record;
      if (type === "D" && content.length >= 2) takeData(content[0] | content[1] << 8);
      if (type !== "A" || content.length <= 3) continue;
      const name = decodeText(content.subarray(3));
      const number = content[1] | content[2] << 8;
      hasData[number] = 0;
      if (name !== undefined) names.set(number, { name, instance: content[0] });
    }
  }
  return new Set([...instances].filter(([, found]) => found.size > 1).map(([name]) => name));
}

/** A subscription: the messages of one number. */
interface Subscription {
  readonly format: string;
  readonly instance: number;
  /** Bytes before the time. */
  readonly timeAt: number;
  topic: TopicImport | undefined;
}

/** Takes a log's messages in order. */
class UlogImport {
  readonly #recording: RecordingImport;
  readonly #reader: UlogReader;
  /** Topics by name and columns, of all files. */
  readonly #byKey: Map<string, TopicImport>;
  readonly #several: ReadonlySet<string> | undefined;
  readonly #formats = new Map<string, ReturnType<typeof parseUlogFormat>["fields"]>();
  /** By their numbers, of 16 bits. */
  readonly #subscriptions: (Subscription | undefined)[] = [];
  /** Information and parameters by kind and key. */
  readonly #facts = new Map<string, Map<string, JsonValue>>();
  #keptBytes = 0;
  #hasTold = false;
  readonly #messages: JsonValue[] = [];
  readonly #changed: JsonValue[] = [];
  #dropoutsMs: number[] = [];
  /** Whether data have begun: parameters are changes from then on. */
  #hasData = false;

  constructor(
    recording: RecordingImport,
    reader: UlogReader,
    byKey: Map<string, TopicImport>,
    several: ReadonlySet<string> | undefined,
  ) {
    this.#byKey = byKey;
    this.#recording = recording;
    this.#reader = reader;
    this.#several = several;
  }

  /** Takes a message. A promise that comes back is awaited before the next. */
  take(message: UlogMessage): Promise<void> | undefined {
    if (message.type === "D") return this.#data(message.content);
    if (!this.#recording.isBegun) return this.#begin().then(() => this.take(message));
    const { type, content } = message;
    if (type !== "A" && type !== "S" && !this.#keeps(content)) return undefined;
    switch (type) {
      case "F":
        this.#format(content);
        break;
      case "A":
        this.#hasData = true;
        this.#subscribe(content);
        break;
      case "I":
        this.#keyed("info", content, 0);
        break;
      case "M":
        this.#keyed("info", content, 1);
        break;
      case "P":
        this.#keyed("parameters", content, 0);
        break;
      case "Q":
        this.#keyed("default_parameters", content, 1);
        break;
      case "L":
        this.#text(content, 1);
        break;
      case "C":
        this.#text(content, 3);
        break;
      case "O":
        if (content.length >= 2) this.#dropoutsMs.push(viewOf(content).getUint16(0, true));
    }
    return undefined;
  }

  /** Takes messages with data. */
  takeData(batch: MessageBatch): Promise<void> {
    const { count, channels, starts, ends, lows, highs, view, offset } = batch;
    const subscriptions = this.#subscriptions;
    for (let i = 0; i < count; i++) {
      const at = starts[i] + (subscriptions[channels[i]]?.timeAt ?? 0);
      // Where there is no time, one that nobody takes for one: each is looked at by itself.
      highs[i] = 2 ** 31;
      if (at + 8 > ends[i]) continue;
      const low = view.getUint32(at, true) * 1000;
      lows[i] = low;
      highs[i] = Math.min(highs[i], view.getUint32(at + 4, true) * 1000 + Math.floor(low / 2 ** 32));
    }
    return this.#recording.takeMessages(
      batch,
      (number) => subscriptions[number]?.topic,
      (i) => {
        this.#recording.offset = offset + starts[i] - ULOG_DATA_BYTES;
        return this.#data(batch.bytes.subarray(starts[i] - 2, ends[i]));
      },
    );
  }

  async finish(): Promise<void> {
    if (!this.#recording.isBegun) await this.#begin();
    const { metadata } = this.#recording;
    for (const [name, facts] of this.#facts) metadata[`ulog.${name}`] = Object.fromEntries(facts);
    if (this.#changed.length > 0) metadata["ulog.changed_parameters"] = this.#changed;
    if (this.#messages.length > 0) metadata["ulog.messages"] = this.#messages;
    if (this.#dropoutsMs.length > 0) metadata["ulog.dropouts_ms"] = this.#dropoutsMs;
  }

  /** Whether there is room for what a message says; told once where there is none. */
  #keeps(content: Uint8Array): boolean {
    this.#keptBytes += content.length + 64; // with what is around each
    if (this.#keptBytes <= MAX_KEPT_BYTES) return true;
    if (!this.#hasTold) {
      const message =
        `the file is too large: its formats, texts and parameters have more than ${MAX_KEPT_BYTES} bytes`;
      this.#recording.flaw({ kind: "too_large", code: "TOO_LARGE", message, lost: "those that follow" });
    }
    this.#hasTold = true;
    return false;
  }

  async #begin(): Promise<void> {
    const { version, startUs } = this.#reader;
    await this.#recording.begin({ "ulog.version": version, "ulog.start_us": String(startUs) });
  }

  #format(content: Uint8Array): void {
    const text = decodeText(content) ?? "";
    try {
      const { name, fields } = parseUlogFormat(text);
      this.#formats.set(name, fields);
    } catch (reason) {
      if (!(reason instanceof UlogFormatError)) throw reason;
      this.#bad("format", reason.message, "the format");
    }
  }

  #subscribe(content: Uint8Array): void {
    const format = content.length > 3 ? decodeText(content.subarray(3)) : undefined;
    if (format === undefined) return this.#bad("subscription", "it has no name", "its messages");
    const timeAt = timeOffset(this.#formats as UlogFormats, format);
    if (timeAt === undefined) {
      return this.#bad("format", `${JSON.stringify(format)} has no timestamp`, "its messages");
    }
    const number = viewOf(content).getUint16(1, true);
    const known = this.#subscriptions[number];
    if (known?.format === format && known.instance === content[0]) return;
    if (known) {
      const lost = `subscription ${number} as it was: later messages go by the new one`;
      this.#bad("subscription", `subscription ${number} is there twice, and not the same`, lost);
    }
    this.#subscriptions[number] = { format, instance: content[0], timeAt, topic: undefined };
  }

  #data(content: Uint8Array): Promise<void> | undefined {
    const number = content.length < 2 ? -1 : content[0] | content[1] << 8;
    const subscription = this.#subscriptions[number];
    if (!subscription) {
      this.#bad("message", `a message is of subscription ${number}, which is not there`, "1 message");
      return undefined;
    }
    const { topic, timeAt } = subscription;
    if (!topic) return this.#open(subscription).then(() => this.#data(content));
    if (2 + timeAt + 8 > content.length) {
      this.#bad("message", `a message of ${content.length} bytes ends before its timestamp`, "1 message");
      return undefined;
    }
    return topic.push(nanosecondsAt(content, 2 + timeAt), content.subarray(2));
  }

  async #open(subscription: Subscription): Promise<void> {
    const { format, instance } = subscription;
    const isOne = this.#several ? !this.#several.has(format) : instance === 0;
    const name = isOne ? format : `${format}/${instance}`;
    const metadata: Metadata = { "ulog.name": format, "ulog.instance": instance };
    const key = JSON.stringify([name, format, formatText(this.#formats, format)]);
    const topic = this.#byKey.get(key) ?? await this.#recording.createTopic({
      name,
      tag: format,
      format: (options) => {
        try {
          return new RecordMessageDecoder(compileUlog(this.#formats, format), options);
        } catch (reason) {
          if (reason instanceof UlogFormatError || reason instanceof Undecodable) {
            return rawDecoder("ulog", options, reason.message);
          }
          throw reason;
        }
      },
      metadata,
    });
    this.#byKey.set(key, topic);
    subscription.topic = topic;
  }

  /** Takes information or a parameter: the bytes before the key's length, `TYPE KEY`, the value. */
  #keyed(kind: "info" | "parameters" | "default_parameters", content: Uint8Array, before: number): void {
    const keyBytes = content[before];
    const key = decodeText(content.subarray(before + 1, before + 1 + keyBytes));
    const match = /^(\w+)(?:\[(\d+)\])? (\S+)$/.exec(key ?? "");
    const value = match && valueOf(match[1], content.subarray(before + 1 + keyBytes));
    if (!match || value === undefined) return this.#bad(kind, "its key or its value cannot be read", "it");
    const name = match[3];
    if (kind === "parameters" && this.#hasData) {
      this.#changed.push({ [name]: value });
      return;
    }
    const facts = this.#facts.get(kind) ?? new Map<string, JsonValue>();
    this.#facts.set(kind, facts);
    const isMore = before === 1 && kind === "info" && content[0] === 1;
    if (before === 1 && kind === "info") {
      const known = facts.get(name);
      const list: JsonValue[] = Array.isArray(known) ? known as JsonValue[] : [];
      if (isMore && typeof value === "string" && list.length > 0) {
        list[list.length - 1] = String(list[list.length - 1]) + value;
      } else list.push(value);
      facts.set(name, list);
    } else facts.set(name, value);
  }

  #text(content: Uint8Array, timeAt: number): void {
    if (content.length < timeAt + 8) return this.#bad("text", "a logged text is too short", "1 text");
    const level = content[0] - 0x30;
    const timestamp = viewOf(content).getBigUint64(timeAt, true);
    const tag: Record<string, JsonValue> = timeAt === 3 ? { tag: viewOf(content).getUint16(1, true) } : {};
    const text = new TextDecoder().decode(content.subarray(timeAt + 8));
    this.#messages.push({ timestamp_us: String(timestamp), level, ...tag, text });
  }

  #bad(kind: string, what: string, lost: string): void {
    const message = `the file is damaged at byte ${this.#recording.offset}: ${what}`;
    this.#recording.flaw({ kind, message, lost });
  }
}

/** Microseconds that stand there, as nanoseconds. */
function nanosecondsAt(bytes: Uint8Array, at: number): bigint {
  const low = word(bytes, at);
  const nanoseconds = (low + 2 ** 32 * word(bytes, at + 4)) * 1000;
  // Arithmetic of bigint is slow, and hardly ever needed.
  if (nanoseconds <= Number.MAX_SAFE_INTEGER) return BigInt(nanoseconds);
  return (BigInt(low) + (BigInt(word(bytes, at + 4)) << 32n)) * 1000n;
}

function word(bytes: Uint8Array, at: number): number {
  return (bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 | bytes[at + 3] << 24) >>> 0;
}

/** A value of information: a text, a number, or numbers. */
function valueOf(type: string, bytes: Uint8Array): JsonValue | undefined {
  if (type === "char") return new TextDecoder().decode(bytes);
  const read = NUMBERS[type];
  if (!read || bytes.length === 0 || bytes.length % WIDTHS[type] !== 0) return undefined;
  const view = viewOf(bytes);
  const numbers: JsonValue[] = [];
  for (let at = 0; at < bytes.length; at += WIDTHS[type]) {
    const value = read(view, at);
    numbers.push(typeof value === "bigint" ? String(value) : Number.isFinite(value) ? value : String(value));
  }
  return numbers.length === 1 ? numbers[0] : numbers;
}
