/**
 * What a server's metadata tells of sequences and topics. Liberal: what smalti can do without may be missing.
 *
 * @module
 */
import { SmaltiError } from "../../error.ts";
import { quoted } from "../../util/excerpt.ts";
import { compareNames } from "../../names.ts";
import type { SerializationFormat } from "../../ontology/define_ontology.ts";
import type {
  LiveInfo,
  Metadata,
  Notification,
  NotificationPlace,
  QueryHit,
  SequenceInfo,
  SequenceState,
  SessionInfo,
  StoreInfo,
  TopicInfo,
} from "../../types.ts";
import { setMember } from "../../util/parse_json.ts";
import type { FlightInfo } from "../generated/flight_pb.ts";
import { isObject, kindOf, type WireObject, type WireValue } from "../json.ts";
import { parseTopicLocator, sessionIdOf } from "../locator.ts";
import { answer } from "./calls.ts";

const STATES: readonly SequenceState[] = ["recording", "finalized", "failed", "recovered"];
const WRITERS: readonly LiveInfo["writer"][] = ["alive", "gone", "unknown"];

/** What a FlightInfo tells of a sequence. */
export interface SequenceFacts {
  readonly info: SequenceInfo;
  /** By topic, for the rows that were asked for. */
  readonly tickets: ReadonlyMap<string, Uint8Array>;
}

/** A sequence by its FlightInfo. CORRUPT where what is needed is missing. */
export function sequenceFacts(name: string, info: FlightInfo): SequenceFacts {
  const what = `Cannot read what the server tells of sequence "${name}"`;
  const body = answer(info.appMetadata, what);
  const sessions = list(body.sessions).filter(isObject).map((session) => sessionFacts(session, what));
  const tickets = new Map<string, Uint8Array>();
  const [committed, going]: [TopicInfo[], TopicInfo[]] = [[], []];
  for (const { appMetadata, ticket } of info.endpoint) {
    const facts = answer(appMetadata, what);
    const topic = topicFacts(facts, sessions, what);
    // What another server gives out before the session's end can be read.
    const isGoing = facts.locked === false && (isObject(facts.smalti) || topic.firstNs === undefined);
    (isGoing ? going : committed).push(topic);
    if (ticket) tickets.set(topic.name, ticket.ticket);
  }
  const { state: told, writer } = isObject(body.smalti) ? body.smalti : {};
  const isReadable = sessions.some(({ state }) => state === "finalized");
  const state = isOneOf(STATES, told) ? told : isReadable ? "finalized" : "recording";
  const isGoing = state === "recording" || going.length > 0;
  const live: LiveInfo = { topics: inOrder(going), writer: isOneOf(WRITERS, writer) ? writer : "unknown" };
  return {
    info: {
      name,
      state,
      metadata: metadataOf(body.user_metadata),
      created: dateOf(body.created_at_ns, "created_at_ns", what),
      sessions,
      topics: inOrder(committed),
      attachments: [],
      ...(isGoing && { live }),
    },
    tickets,
  };
}

function inOrder(topics: readonly TopicInfo[]): TopicInfo[] {
  return topics.toSorted((a, b) => compareNames(a.name, b.name));
}

function isOneOf<T extends string>(words: readonly T[], value: WireValue | undefined): value is T {
  return (words as readonly unknown[]).includes(value);
}

/** What a server says of itself; old ones say little. */
export function infoFacts(response: WireObject | undefined): StoreInfo {
  const config = isObject(response?.config) ? response.config : {};
  const limit = config.grpc_max_decode_message_size;
  return {
    version: typeof response?.version === "string" ? response.version : "unknown",
    ...(isInteger(limit) && { maxMessageBytes: Number(limit) }),
  };
}

/** What was said about a sequence or topic. CORRUPT. */
export function notificationFacts(
  place: NotificationPlace,
  response: WireObject | undefined,
): Notification[] {
  const what = "Cannot read the server's notifications";
  return list(response?.notifications).filter(isObject).map(({ msg, created_datetime }) => {
    const written = text(created_datetime, "created_datetime", what);
    // ISO, or as `2026-01-31 12:00:00.123456 UTC`; without a zone it is UTC, and a Date has milliseconds.
    const iso = written.replace(/ UTC$|Z$/, "").replace(" ", "T").replace(/(\.\d{3})\d*$/, "$1");
    const created = new Date(`${iso}Z`);
    if (Number.isNaN(created.getTime())) {
      throw new SmaltiError(
        "CORRUPT",
        `${what}: created_datetime is ${quoted(written)}, wanted a time`,
      );
    }
    return { ...place, type: "error", message: text(msg, "msg", what), created };
  });
}

/** What a query found; nothing where there is no response. CORRUPT. */
export function queryFacts(response: WireObject | undefined): QueryHit[] {
  const what = "Cannot read what the server found";
  return list(response?.items).filter(isObject).map(({ sequence, topics }) => ({
    sequence: text(sequence, "sequence", what),
    topics: list(topics).filter(isObject).map(({ locator, ontology_tag }) => ({
      name: parseTopicLocator(text(locator, "locator", what)).topic,
      ontologyTag: text(ontology_tag, "ontology_tag", what),
    })),
  }));
}

/** Rows in the window that was asked for, and its last time; of the whole topic where there was none. */
export function windowFacts(info: FlightInfo, what: string): { rows: number; lastNs: bigint | undefined } {
  const body = answer(info.endpoint[0]?.appMetadata ?? new Uint8Array(0), what);
  const window = body.time_window_info;
  const data = isObject(window) ? window : isObject(body.data_info) ? body.data_info : {};
  const interval = isObject(data.interval) ? data.interval : undefined;
  const rows = data.row_count ?? data.total_row_count ?? 0;
  return { rows: Number(rows), lastNs: interval && nsOf(interval.end_ns, "end_ns", what) };
}

function sessionFacts(session: WireObject, what: string): SessionInfo {
  const locator = text(session.locator, "locator", what);
  const isLocked = session.locked === true;
  const ended = session.completed_at_ns;
  return {
    id: sessionIdOf(locator),
    state: isLocked ? "finalized" : "recording",
    created: dateOf(session.created_at_ns, "created_at_ns", what),
    ...(isInteger(ended) && { ended: dateOf(ended, "completed_at_ns", what) }),
    topics: list(session.topics).map((topic) => parseTopicLocator(text(topic, "topics[]", what)).topic)
      .sort(compareNames),
  };
}

function topicFacts(body: WireObject, sessions: readonly SessionInfo[], what: string): TopicInfo {
  const { topic: name } = parseTopicLocator(text(body.resource_locator, "resource_locator", what));
  const live = isObject(body.smalti) ? body.smalti.live : undefined;
  const data = isObject(live) ? live : isObject(body.data_info) ? body.data_info : {};
  const interval = isObject(data.interval) ? data.interval : undefined;
  return {
    name,
    ontologyTag: text(body.ontology_tag, "ontology_tag", what),
    serializationFormat: text(body.serialization_format, "serialization_format", what) as SerializationFormat,
    metadata: metadataOf(body.user_metadata),
    rowCount: Number(data.row_count ?? data.total_row_count ?? 0),
    ...(interval && {
      firstNs: nsOf(interval.start_ns, "start_ns", what),
      lastNs: nsOf(interval.end_ns, "end_ns", what),
    }),
    sizeBytes: Number(data.total_bytes ?? 0),
    created: dateOf(body.created_at_ns, "created_at_ns", what),
    sessionId: sessions.find((session) => session.topics.includes(name))?.id ?? "",
  };
}

function list(value: WireValue | undefined): WireValue[] {
  return Array.isArray(value) ? value : [];
}

function isInteger(value: WireValue | undefined): value is number | bigint {
  return typeof value === "bigint" || Number.isSafeInteger(value);
}

function text(value: WireValue | undefined, key: string, what: string): string {
  if (typeof value === "string") return value;
  throw new SmaltiError("CORRUPT", `${what}: ${key} is ${kindOf(value)}, wanted text`);
}

function nsOf(value: WireValue | undefined, key: string, what: string): bigint {
  if (isInteger(value)) return BigInt(value);
  throw new SmaltiError("CORRUPT", `${what}: ${key} is ${kindOf(value)}, wanted nanoseconds`);
}

function dateOf(value: WireValue | undefined, key: string, what: string): Date {
  return new Date(Number(nsOf(value, key, what) / 1_000_000n));
}

/** What JSON has no word for becomes null. */
function metadataOf(value: WireValue | undefined): Metadata {
  if (!isObject(value)) return {};
  dropNonFinite(value);
  return value;
}

function dropNonFinite(container: WireObject | WireValue[]): void {
  for (const [key, item] of Object.entries(container)) {
    if (typeof item === "number" && !Number.isFinite(item)) setMember(container as WireObject, key, null);
    else if (typeof item === "object" && item !== null) dropNonFinite(item);
  }
}
