/**
 * What a recording holds, as the page is told.
 *
 * @module
 */
import type { FieldSchema, SequenceInfo, TopicInfo } from "../../entry/web.ts";
import { secondsOf } from "../time/clock.ts";
import type { DataError, FieldInfo, FieldKind, RecordingInfo, TopicSummary } from "./protocol.ts";

/** What is known of a topic's columns: its fields without the time, or why they are not known. */
export type TopicFields = { readonly fields: readonly FieldSchema[] } | { readonly error: DataError };

/** How the page is told of a recording. */
export interface InfoParts {
  readonly url: string;
  readonly sequence: SequenceInfo;
  readonly fields: ReadonlyMap<string, TopicFields>;
  readonly isLive: boolean;
  readonly engine: string;
  /** Where seconds are counted from, once it is known. */
  readonly startNs: bigint | undefined;
}

/** Tells of a recording. */
export function recordingInfo({ url, sequence, fields, isLive, engine, startNs }: InfoParts): RecordingInfo {
  const growing = new Set(isLive ? sequence.live?.topics.map(({ name }) => name) : []);
  const known = [...sequence.topics, ...(isLive ? sequence.live?.topics ?? [] : [])];
  const topics = known
    .map((info) => topicSummary(info, fields.get(info.name), growing.has(info.name)))
    .sort((a, b) => a.name < b.name ? -1 : 1);
  const times = (pick: (topic: TopicSummary) => bigint | undefined) =>
    topics.map(pick).filter((ns) => ns !== undefined);
  const firstNs = times(({ firstNs }) => firstNs).reduce<bigint | undefined>(
    (a, b) => a === undefined || b < a ? b : a,
    undefined,
  );
  const lastNs = times(({ lastNs }) => lastNs).reduce<bigint | undefined>(
    (a, b) => a === undefined || b > a ? b : a,
    undefined,
  );
  const { name, state, metadata, created, sessions, attachments } = sequence;
  return {
    name,
    url,
    state,
    isLive,
    startNs: startNs ?? firstNs ?? 0n,
    ...(firstNs !== undefined && { firstNs }),
    ...(lastNs !== undefined && { lastNs }),
    rows: topics.reduce((sum, { rows }) => sum + rows, 0),
    bytes: topics.reduce((sum, { bytes }) => sum + bytes, 0),
    topics,
    metadata: plain(metadata),
    created,
    sessions: sessions.map(({ id, state, created, ended, reason, topics }) => ({
      id,
      state,
      created,
      ...(ended && { ended }),
      ...(reason !== undefined && { reason }),
      topics: [...topics],
    })),
    attachments: attachments.map(({ name, mediaType, timestampNs, sizeBytes }) => ({
      name,
      ...(mediaType !== undefined && { mediaType }),
      ...(timestampNs !== undefined && { timestampNs }),
      bytes: sizeBytes,
    })),
    engine,
  };
}

function topicSummary(info: TopicInfo, known: TopicFields | undefined, isGrowing: boolean): TopicSummary {
  const { name, ontologyTag, rowCount, firstNs, lastNs, sizeBytes, metadata } = info;
  const span = firstNs !== undefined && lastNs !== undefined ? secondsOf(lastNs - firstNs) : 0;
  return {
    name,
    ontologyTag,
    rows: rowCount,
    ...(firstNs !== undefined && { firstNs }),
    ...(lastNs !== undefined && { lastNs }),
    bytes: sizeBytes,
    rate: rowCount > 1 && span > 0 ? (rowCount - 1) / span : 0,
    fields: known && "fields" in known ? known.fields.map((field) => fieldInfo(field, "", false)) : [],
    metadata: plain(metadata),
    isGrowing,
    isOpen: known !== undefined,
    ...(known && "error" in known && { error: known.error }),
  };
}

function fieldInfo(schema: FieldSchema, before: string, isInList: boolean): FieldInfo {
  const { name, metadata } = schema;
  const path = before + name;
  const kind = kindOf(schema);
  const isBelowList = isInList || kind === "list";
  return {
    name,
    path,
    kind: isInList && (kind === "number" || kind === "bool" || kind === "text") ? "other" : kind,
    type: typeText(schema),
    ...(metadata?.unit !== undefined && { unit: metadata.unit }),
    ...(metadata?.description !== undefined && { description: metadata.description }),
    // Items of lists are shown in values alone.
    children: kind === "struct"
      ? schema.children.map((child) => fieldInfo(child, `${path}.`, isBelowList))
      : [],
    schema,
  };
}

function kindOf({ type: { kind } }: FieldSchema): FieldKind {
  switch (kind) {
    case "int":
    case "float":
    case "temporal":
      return "number";
    case "bool":
      return "bool";
    case "utf8":
    case "utf8View":
      return "text";
    case "binary":
    case "binaryView":
    case "fixedBinary":
      return "bytes";
    case "list":
    case "listView":
    case "fixedList":
    case "map":
      return "list";
    case "struct":
      return "struct";
    default:
      return "other";
  }
}

/** A type in the words of Arrow. */
function typeText({ type, children }: FieldSchema): string {
  switch (type.kind) {
    case "int":
      return `${type.signed ? "" : "u"}int${type.bits}`;
    case "float":
      return `float${type.bits}`;
    case "temporal":
      return `${type.of}[${type.unit}]`;
    case "decimal":
      return `decimal(${type.precision}, ${type.scale})`;
    case "list":
    case "listView":
      return `list<${typeText(children[0])}>`;
    case "fixedList":
      return `list<${typeText(children[0])}>[${type.size}]`;
    case "struct":
      return "struct";
    default:
      return type.kind;
  }
}

/** A copy that structured cloning takes. */
function plain<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(plain) as T;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, plain(part)])) as T;
}
