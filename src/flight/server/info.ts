/**
 * ListFlights, GetFlightInfo, GetSchema: what there is.
 *
 * @module
 */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { encodeSchemaMessage } from "../../arrow/encode.ts";
import { ColumnEncoder } from "../../arrow/encodings.ts";
import type { Backend, TopicSource } from "../../backend.ts";
import { isNotFound, SmaltiError } from "../../error.ts";
import { plainFields } from "../../schema.ts";
import { quoted } from "../../util/excerpt.ts";
import { compareNames } from "../../names.ts";
import { withCurrent } from "../../reopen.ts";
import type { SequenceInfo, SessionInfo, TopicInfo, TopicSchema, Window } from "../../types.ts";
import type { FlightDescriptor, FlightInfoSchema } from "../generated/flight_pb.ts";
import { encodeJson, type WireObject } from "../json.ts";
import { locatorOf, parseLocator, parseTopicLocator, sessionLocatorOf } from "../locator.ts";
import {
  CMD,
  nsOf,
  PATH,
  type SequenceMetadata,
  type SessionMetadata,
  type TopicMetadata,
} from "../protocol.ts";
import { encodeTicket } from "../ticket.ts";
import { readBody, textMember, timeMember } from "./body.ts";
import { windowOf } from "./get.ts";
import type { OpenSession, Sessions } from "./sessions.ts";

type FlightInfoInit = MessageInitShape<typeof FlightInfoSchema>;
type EndpointInit = NonNullable<FlightInfoInit["endpoint"]>[number];
type Range = { startNs?: bigint; endNs?: bigint };

/** Names of all sequences; none where there is no store yet, which the first client to write makes. */
export async function sequenceNames(backend: Backend): Promise<string[]> {
  try {
    return await backend.listSequences();
  } catch (reason) {
    if (isNotFound(reason)) return [];
    throw reason;
  }
}

/** One item of ListFlights for each sequence, in ASCII order. */
export async function* listFlights(backend: Backend, criteria: Uint8Array): AsyncGenerator<FlightInfoInit> {
  const text = new TextDecoder().decode(criteria);
  if (text !== "" && text !== "/") {
    throw new SmaltiError("INVALID_ARGUMENT", `Criteria is ${quoted(text)}: wanted nothing, or "/"`);
  }
  for (const name of await sequenceNames(backend)) {
    yield {
      flightDescriptor: { type: PATH, path: [name] },
      endpoint: [{ ticket: { ticket: new TextEncoder().encode(name) } }],
      totalRecords: -1n,
      totalBytes: -1n,
    };
  }
}

/** What a sequence or topic is, with a ticket for each topic. NOT_FOUND, INVALID_ARGUMENT. */
export async function flightInfo(
  backend: Backend,
  sessions: Sessions,
  descriptor: FlightDescriptor,
): Promise<FlightInfoInit> {
  const command = commandOf(descriptor);
  const startNs = timeMember(command, "timestamp_ns_start");
  const endNs = timeMember(command, "timestamp_ns_end");
  if (startNs !== undefined && endNs !== undefined && startNs >= endNs) {
    throw new SmaltiError(
      "INVALID_ARGUMENT",
      `timestamp_ns_start is ${startNs}, timestamp_ns_end ${endNs}: wanted start before end`,
    );
  }
  const range = { ...(startNs !== undefined && { startNs }), ...(endNs !== undefined && { endNs }) };
  const { sequence, topic } = parseLocator(textMember(command, "resource_locator"));
  const info = await backend.readInfo(sequence, { live: true });
  const open = sessions.isWriting(sequence) ? sessions.of(sequence).map(ownSession) : otherSessions(info);
  if (topic !== undefined) {
    const writing = open.flatMap(({ topics }) => topics).find(({ name }) => name === topic);
    return await topicFlight(backend, descriptor, { info, writing, name: topic, range });
  }
  const endpoint = [
    ...await Promise.all(info.topics.map(async (topic) => {
      return endpointOf(info, topic, range, await windowInfo(backend, sequence, topic, range));
    })),
    ...openTopics(open).map((topic) => openEndpoint(sequence, topic, range)),
  ];
  return {
    flightDescriptor: descriptor,
    endpoint,
    totalRecords: BigInt(info.topics.reduce((sum, topic) => sum + topic.rowCount, 0)),
    totalBytes: BigInt(info.topics.reduce((sum, topic) => sum + topic.sizeBytes, 0)),
    appMetadata: encodeJson(sequenceMetadata(info, open)),
  };
}

/** A topic's schema. NOT_FOUND, LOCKED. */
export async function topicSchema(
  backend: Backend,
  descriptor: FlightDescriptor,
): Promise<Uint8Array<ArrayBuffer>> {
  const locator = textMember(commandOf(descriptor), "resource_locator");
  const { sequence, topic } = parseTopicLocator(locator);
  return schemaBytes((await (await backend.openSequence(sequence)).openTopic(topic)).schema);
}

async function topicFlight(
  backend: Backend,
  descriptor: FlightDescriptor,
  { info, writing, name, range }: {
    info: SequenceInfo;
    writing: TopicInfo | undefined;
    name: string;
    range: Range;
  },
): Promise<FlightInfoInit> {
  if (writing) {
    const endpoint = [openEndpoint(info.name, writing, range)];
    return { flightDescriptor: descriptor, endpoint, totalRecords: -1n, totalBytes: -1n };
  }
  const topic = info.topics.find((topic) => topic.name === name);
  if (!topic) {
    throw new SmaltiError("NOT_FOUND", `No topic "${name}" in sequence "${info.name}"`, {
      sequence: info.name,
      topic: name,
    });
  }
  const { schema } = await (await backend.openSequence(info.name)).openTopic(name);
  return {
    flightDescriptor: descriptor,
    schema: schemaBytes(schema),
    endpoint: [endpointOf(info, topic, range, await windowInfo(backend, info.name, topic, range))],
    totalRecords: BigInt(topic.rowCount),
    totalBytes: BigInt(topic.sizeBytes),
  };
}

function commandOf({ type, cmd }: FlightDescriptor): WireObject {
  if (type === CMD) return readBody(cmd, "Descriptor");
  throw new SmaltiError("INVALID_ARGUMENT", "Descriptor is a path or missing: wanted a command");
}

/** The columns as DoGet gives them. */
function schemaBytes(schema: TopicSchema): Uint8Array<ArrayBuffer> {
  const { fields } = new ColumnEncoder(plainFields(schema.fields));
  return Uint8Array.from(encodeSchemaMessage({ fields, metadata: new Map() }));
}

/** A session that is being written, with what it has of each topic. */
interface GoingSession {
  id: string;
  created: Date;
  topics: readonly TopicInfo[];
}

/** A session of a client of ours. */
function ownSession({ created, sink: { session: { id } }, topics }: OpenSession): GoingSession {
  return {
    id,
    created,
    topics: [...topics.values()].map(({ name, schema, created, received }) => {
      return { name, ...schema, ...received, created, sessionId: id };
    }),
  };
}

/** Those that somebody beside the server writes, or has left. */
function otherSessions({ sessions, live }: SequenceInfo): GoingSession[] {
  if (!live) return [];
  const going = new Map<string, GoingSession>();
  for (const { id, state, created } of sessions) {
    if (state === "recording") going.set(id, { id, created, topics: [] });
  }
  for (const topic of live.topics) {
    const { sessionId: id, created } = topic;
    const session = going.get(id) ?? { id, created, topics: [] };
    going.set(id, { ...session, topics: [...session.topics, topic] });
  }
  return [...going.values()];
}

function sequenceMetadata(info: SequenceInfo, open: readonly GoingSession[]): SequenceMetadata {
  // The manifest names a first session from its beginning.
  const sessions: SessionMetadata[] = info.sessions.filter(({ ended }) => ended).map((session) => ({
    locator: sessionLocatorOf(info.name, session.id),
    created_at_ns: nsOf(session.created),
    completed_at_ns: nsOf(session.ended!),
    locked: true,
    topics: session.topics.map((topic) => locatorOf(info.name, topic)),
  }));
  for (const session of open) {
    sessions.push({
      locator: sessionLocatorOf(info.name, session.id),
      created_at_ns: nsOf(session.created),
      completed_at_ns: null,
      locked: false,
      topics: openTopics([session]).map((topic) => locatorOf(info.name, topic.name)),
    });
  }
  return {
    resource_locator: info.name,
    created_at_ns: nsOf(info.created),
    user_metadata: info.metadata,
    sessions,
    smalti: { state: info.state, ...(info.live && { writer: info.live.writer }) },
  };
}

function endpointOf(
  info: SequenceInfo,
  topic: TopicInfo,
  range: Range,
  windowInfo: TopicMetadata["time_window_info"],
): EndpointInit {
  const session: SessionInfo | undefined = info.sessions.find(({ id }) => id === topic.sessionId);
  const ended = session?.ended;
  const metadata: TopicMetadata = {
    resource_locator: locatorOf(info.name, topic.name),
    created_at_ns: nsOf(topic.created),
    completed_at_ns: ended ? nsOf(ended) : null,
    locked: ended !== undefined,
    ontology_tag: topic.ontologyTag,
    serialization_format: topic.serializationFormat,
    user_metadata: topic.metadata,
    data_info: {
      interval: intervalOf(topic.firstNs, topic.lastNs),
      total_row_count: topic.rowCount,
      total_bytes: topic.sizeBytes,
      // A chunk is a file, and a topic is one.
      total_chunks_count: topic.rowCount > 0 ? 1 : 0,
    },
    time_window_info: windowInfo,
  };
  return {
    ticket: { ticket: encodeTicket({ locator: metadata.resource_locator, ...range }) },
    appMetadata: encodeJson(metadata),
  };
}

/** A topic that is still written: it is there, but nothing of it can be read yet. */
function openEndpoint(
  sequence: string,
  topic: TopicInfo,
  range: Range,
): EndpointInit {
  const metadata: TopicMetadata = {
    resource_locator: locatorOf(sequence, topic.name),
    created_at_ns: nsOf(topic.created),
    completed_at_ns: null,
    locked: false,
    ontology_tag: topic.ontologyTag,
    serialization_format: topic.serializationFormat,
    user_metadata: topic.metadata,
    data_info: { interval: null, total_row_count: 0, total_bytes: 0, total_chunks_count: 0 },
    time_window_info: hasBound(range) ? { interval: null, row_count: 0 } : null,
    smalti: {
      live: {
        interval: intervalOf(topic.firstNs, topic.lastNs),
        row_count: topic.rowCount,
        total_bytes: topic.sizeBytes,
      },
    },
  };
  return {
    ticket: { ticket: encodeTicket({ locator: metadata.resource_locator, ...range }) },
    appMetadata: encodeJson(metadata),
  };
}

function openTopics(open: readonly GoingSession[]): TopicInfo[] {
  return open.flatMap(({ topics }) => topics).sort((a, b) => compareNames(a.name, b.name));
}

/** How much of a topic lies in a window; null where none is asked for. */
async function windowInfo(
  backend: Backend,
  sequence: string,
  topic: TopicInfo,
  range: Range,
): Promise<TopicMetadata["time_window_info"]> {
  if (!hasBound(range)) return null;
  const window = windowOf(range);
  const { firstNs, lastNs, rowCount } = topic;
  if (firstNs === undefined || lastNs === undefined || firstNs > window.lastNs || lastNs < window.firstNs) {
    return { interval: null, row_count: 0 };
  }
  if (firstNs >= window.firstNs && lastNs <= window.lastNs) {
    return { interval: intervalOf(firstNs, lastNs), row_count: rowCount };
  }
  const source = await (await backend.openSequence(sequence)).openTopic(topic.name);
  return await withCurrent(source, async (source) => {
    const [count] = await source.countRows([window.firstNs, window.lastNs + 1n]);
    if (count === 0) return { interval: null, row_count: 0 };
    const last = (await source.latest(window.lastNs))!;
    const lastTime = last.batch.times[last.row];
    return { interval: intervalOf(await firstTime(source, window), lastTime), row_count: count };
  });
}

/** The first time in a window. Batches are opened until none that is left can begin earlier. */
async function firstTime(source: TopicSource, window: Window): Promise<bigint | undefined> {
  const runs = source.runs(window);
  let first: bigint | undefined;
  try {
    while (runs.nextNs !== undefined && (first === undefined || runs.nextNs < first)) {
      const run = await runs.open();
      const time = run?.batch.times[run.from];
      if (time !== undefined && (first === undefined || time < first)) first = time;
    }
  } finally {
    runs.close();
  }
  return first;
}

function hasBound({ startNs, endNs }: Range): boolean {
  return startNs !== undefined || endNs !== undefined;
}

function intervalOf(
  firstNs: bigint | undefined,
  lastNs: bigint | undefined,
): TopicMetadata["data_info"]["interval"] {
  return firstNs === undefined || lastNs === undefined ? null : { start_ns: firstNs, end_ns: lastNs };
}
