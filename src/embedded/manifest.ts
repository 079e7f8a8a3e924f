import { SmaltiError } from "../error.ts";
import { topicName } from "../names.ts";
import { quoted } from "../util/excerpt.ts";
import { jsonText } from "../util/json_text.ts";
import { parseJson } from "../util/parse_json.ts";
import type { Extent } from "../util/totals.ts";
import { topicFileOf } from "./file_names.ts";
import {
  type AttachmentInfo,
  MAX_NS,
  type Metadata,
  MIN_NS,
  type SequenceInfo,
  type SequenceState,
  type SessionInfo,
  type TopicInfo,
  type TopicSchema,
} from "../types.ts";

/** The manifest's name in a sequence's directory. */
export const MANIFEST = "sequence.json";
/** Where attachments are in it. No topic's path can be it: topic names hold no dots. */
export const ATTACHMENTS = "sequence.attachments";
/** What the paths of topics' files end with. */
export const TOPIC_SUFFIX = ".arrow";
/**
 * 2 since sessions may be open side by side, and `sequence.live` and `sequence.notifications` have other forms. 3 since names
 * become file names by a rule.
 */
const VERSION = 3;
/** From when on topics' files are named by the rule, unless the manifest says otherwise. */
const RULED_VERSION = 3;
const OLDEST_VERSION = 1;
const STATES: readonly SequenceState[] = ["recording", "finalized", "failed", "recovered"];
/** What the directories of sequences are called that took another's place. No topic's path can be it. */
const DIRECTORY = /^sequence\.[0-9a-f]{8}$/;
/** What is read from a manifest must not lead out of the sequence's directory. */
const ATTACHMENT_FILE = /^sequence\.attachments\/[A-Za-z0-9-]+$/;
const TOPIC_FILE = /^[A-Za-z0-9_!-]+(\/[A-Za-z0-9_!-]+)*\.arrow$/;

/** A topic with where its file is. */
export interface StoredTopic extends TopicInfo {
  /** The file, relative to the directory of the sequence's files. @default what the rule gives for its name */
  readonly file?: string;
}
const REMOVED_FILE = /^(sequence\.attachments\/[A-Za-z0-9-]+|[A-Za-z0-9_!-]+(\/[A-Za-z0-9_!-]+)*\.arrow)$/;

/** An attachment with where its bytes are. */
export interface StoredAttachment extends AttachmentInfo {
  /** The file, relative to the directory of the sequence's files. */
  readonly file: string;
  /** CRC-32 of the bytes. */
  readonly crc: number;
  /** The session that attached it. Not known of older ones. */
  readonly sessionId?: string;
}

/** What `sequence.json` says: the commit of a sequence. */
export interface Manifest extends SequenceInfo {
  /** The sequence's directory in the store. Not in the text: the directory is where that was found. */
  readonly place: string;
  /** Tells it from another sequence that takes its name later. Not in version 1. */
  readonly id?: string;
  /** Where its files are, relative to its own directory, where it took the place of another. @default there itself */
  readonly directory?: string;
  readonly topics: readonly StoredTopic[];
  readonly attachments: readonly StoredAttachment[];
  /** Files of removed sessions that are still to go, relative to the directory of the sequence's files. */
  readonly removing?: readonly string[];
}

/** Tells a sequence from another one that takes its name. */
export function identityOf({ id, created }: Manifest): string {
  return id ?? created.toISOString();
}

/** Where a sequence's files are, but for its manifest and its lock. */
export function filesOf({ place, directory }: Pick<Manifest, "place" | "directory">): string {
  return directory === undefined ? place : `${place}/${directory}`;
}

/** The directory of the files of a sequence that is to take another's place: none that was there before. */
export function newDirectory(): string {
  return `sequence.${crypto.randomUUID().slice(0, 8)}`;
}

/** Whether an entry of a sequence's directory is what {@linkcode newDirectory} gives. */
export function isDirectory(entry: string): boolean {
  return DIRECTORY.test(entry);
}

/** Path of a topic's file in its store, by the directory of its sequence's files. */
export function topicPath(files: string, { name, file }: Pick<StoredTopic, "name" | "file">): string {
  return `${files}/${file ?? topicFileOf(name) + TOPIC_SUFFIX}`;
}

/** Names the file of a topic where that is not what the rule gives: older versions took the topic's name. */
export function withFile(topic: TopicInfo, file: string): StoredTopic {
  return file === topicFileOf(topic.name) + TOPIC_SUFFIX ? topic : { ...topic, file };
}

/** What the manifest tells of a topic: its schema but for the columns, what its file holds, and where it comes from. */
export function topicInfo(
  name: string,
  { ontologyTag, serializationFormat, metadata }: TopicSchema,
  held: Extent,
  origin: Pick<TopicInfo, "created" | "sessionId">,
): TopicInfo {
  return { name, ontologyTag, serializationFormat, metadata, ...held, ...origin };
}

/** The manifest as JSON text. Times are decimal strings, since they pass 2^53; numbers in metadata are as they were given. */
export function encodeManifest({ place: _, ...manifest }: Manifest): Uint8Array {
  const topics = manifest.topics.map((topic) => withTimeTexts(topic, "firstNs", "lastNs"));
  const attachments = manifest.attachments.map((stored) => withTimeTexts(stored, "timestampNs", "createdNs"));
  const json = { format: "smalti", version: VERSION, ...manifest, topics, attachments };
  return new TextEncoder().encode(jsonText(json, 2) + "\n");
}

function withTimeTexts<T extends object>(facts: T, ...times: (keyof T)[]): object {
  const texts = times.filter((time) => facts[time] !== undefined).map((time) => [time, `${facts[time]}`]);
  return { ...facts, ...Object.fromEntries(texts) };
}

/** The manifest from its text, found at a place. CORRUPT where it is none, UNSUPPORTED where its version is another. */
export function decodeManifest(bytes: Uint8Array, name: string, place: string): Manifest {
  const where = { sequence: name, file: `${place}/${MANIFEST}` };
  let json: Json;
  let version: number;
  try {
    json = new Json("manifest", parseJson(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
    if (json.text("format") !== "smalti") throw new TypeError(`format is not "smalti"`);
    version = json.number("version");
  } catch (cause) {
    throw new SmaltiError("CORRUPT", `Manifest is damaged: ${(cause as Error).message}`, { ...where, cause });
  }
  if (version < OLDEST_VERSION || version > VERSION) {
    const wanted = `wanted ${OLDEST_VERSION} to ${VERSION}`;
    throw new SmaltiError("UNSUPPORTED", `Manifest has version ${version}: ${wanted}`, where);
  }
  try {
    return {
      name,
      place,
      ...(json.has("id") && { id: json.text("id") }),
      ...(json.has("directory") && {
        directory: json.match("directory", "a directory of the sequence's files", DIRECTORY),
      }),
      state: json.state("state"),
      metadata: json.object("metadata"),
      created: json.date("created"),
      sessions: json.list("sessions").map(decodeSession),
      topics: json.list("topics").map((topic) => decodeTopic(topic, version)),
      attachments: json.list("attachments").map(decodeAttachment),
      ...(json.has("removing") && { removing: json.list("removing").map(decodeRemoved) }),
    };
  } catch (cause) {
    throw new SmaltiError("CORRUPT", `Manifest is damaged: ${(cause as Error).message}`, { ...where, cause });
  }
}

function decodeSession(json: Json): SessionInfo {
  return {
    id: json.text("id"),
    state: json.state("state"),
    created: json.date("created"),
    ...(json.has("ended") && { ended: json.date("ended") }),
    ...(json.has("reason") && { reason: json.text("reason") }),
    topics: json.list("topics").map((topic) => checkedName(topic.value)),
  };
}

function decodeTopic(json: Json, version: number): StoredTopic {
  const name = checkedName(json.text("name"));
  const topic = {
    name,
    ontologyTag: json.text("ontologyTag"),
    serializationFormat: json.text("serializationFormat") as TopicInfo["serializationFormat"],
    metadata: json.object("metadata"),
    rowCount: json.number("rowCount"),
    ...(json.has("firstNs") && { firstNs: json.time("firstNs") }),
    ...(json.has("lastNs") && { lastNs: json.time("lastNs") }),
    sizeBytes: json.number("sizeBytes"),
    created: json.date("created"),
    sessionId: json.text("sessionId"),
  };
  if (json.has("file")) return withFile(topic, json.match("file", "a topic's file", TOPIC_FILE));
  return version < RULED_VERSION ? withFile(topic, name + TOPIC_SUFFIX) : topic;
}

function decodeAttachment(json: Json): StoredAttachment {
  return {
    name: json.text("name"),
    ...(json.has("mediaType") && { mediaType: json.text("mediaType") }),
    ...(json.has("timestampNs") && { timestampNs: json.time("timestampNs") }),
    ...(json.has("createdNs") && { createdNs: json.time("createdNs") }),
    sizeBytes: json.number("sizeBytes"),
    file: json.match("file", "a file among the attachments", ATTACHMENT_FILE),
    crc: json.number("crc"),
    ...(json.has("sessionId") && { sessionId: json.text("sessionId") }),
  };
}

function decodeRemoved({ value }: Json): string {
  if (typeof value === "string" && REMOVED_FILE.test(value)) return value;
  throw new TypeError(`removing has ${quoted(value)}: wanted a topic's or an attachment's file`);
}

/** A topic's name as topics are called. */
function checkedName(name: unknown): string {
  const checked = topicName(name as string);
  if (checked !== name) throw new TypeError(`topic ${JSON.stringify(name)} begins with a "/"`);
  return checked;
}

/** One object of the text; a member that is not of the wanted kind is a TypeError that names it. */
class Json {
  readonly #path: string;
  readonly value: unknown;
  constructor(path: string, value: unknown) {
    this.#path = path;
    this.value = value;
  }
  has(key: string): boolean {
    return this.#member(key) !== undefined;
  }
  text(key: string): string {
    return this.#wanted(key, "a text", (value) => typeof value === "string") as string;
  }
  match(key: string, what: string, pattern: RegExp): string {
    return this.#wanted(key, what, (value) => typeof value === "string" && pattern.test(value)) as string;
  }
  state(key: string): SequenceState {
    return this.#wanted(key, "a state", (value) => STATES.includes(value as SequenceState)) as SequenceState;
  }
  time(key: string): bigint {
    const time = BigInt(this.match(key, "a time in ns", /^-?\d{1,19}$/));
    this.#wanted(key, "int64", () => time >= MIN_NS && time <= MAX_NS);
    return time;
  }
  number(key: string): number {
    return this.#wanted(
      key,
      "a count",
      (value) => Number.isSafeInteger(value) && (value as number) >= 0,
    ) as number;
  }
  object(key: string): Metadata {
    return this.#wanted(key, "an object", (value) => typeof value === "object" && value !== null) as Metadata;
  }
  list(key: string): Json[] {
    const items = this.#wanted(key, "a list", Array.isArray) as unknown[];
    return items.map((item, i) => new Json(`${this.#path}.${key}[${i}]`, item));
  }
  date(key: string): Date {
    return new Date(
      this.#wanted(key, "a date", (value) => !Number.isNaN(Date.parse(String(value)))) as string,
    );
  }
  #member(key: string): unknown {
    return (this.value as Record<string, unknown> | null)?.[key];
  }
  #wanted(key: string, what: string, fits: (value: unknown) => boolean): unknown {
    const value = this.#member(key);
    if (!fits(value)) throw new TypeError(`${this.#path}.${key} is ${quoted(value)}: wanted ${what}`);
    return value;
  }
}
