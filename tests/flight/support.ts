/**
 * A server over recordings in memory, and the client's end of a connection to it.
 *
 * @module
 */
import { ConnectError } from "@connectrpc/connect";
import { type Client, connect } from "../../mod.ts";
import { SmaltiError } from "../../src/error.ts";
import type { FlightData, FlightInfo } from "../../src/flight/generated/flight_pb.ts";
import { toFlight } from "../../src/flight/ipc.ts";
import { decodeObject, encodeJson, type WireObject } from "../../src/flight/json.ts";
import { CMD } from "../../src/flight/protocol.ts";
import { createServer, type Server, type ServerOptions } from "../../src/flight/server/mod.ts";
import { type FlightConnection, openTransport, type TransportOptions } from "../../src/flight/transport.ts";
import { encodeBatch, encodeSchemaMessage } from "../../src/arrow/encode.ts";
import { bytesOf, type Columns } from "../../src/arrow/columns.ts";
import type { FieldSchema } from "../../src/schema.ts";
import { TIMESTAMP_FIELD } from "../../src/schema.ts";

/** What a call throws or rejects with, which must be ours. */
export async function errorOf(call: () => unknown): Promise<SmaltiError> {
  try {
    await call();
  } catch (reason) {
    if (reason instanceof SmaltiError) return reason;
    throw reason;
  }
  throw new Error("nothing was thrown");
}

/** What a server answers with: `code: message`, or `ok`. */
export async function statusOf(call: () => unknown): Promise<string> {
  try {
    await call();
    return "ok";
  } catch (reason) {
    if (reason instanceof ConnectError) return reason.message;
    throw reason;
  }
}

/** A server with a client at its end. */
export interface Served {
  client: Client;
  server: Server;
  flight: FlightConnection;
  /** Does an action; its response. */
  act: (name: string, body?: object) => Promise<unknown>;
  /** Opens another connection. */
  open: (options: TransportOptions) => FlightConnection;
}

/** Runs `body` with a server of its own. */
export async function serving<R>(
  options: ServerOptions,
  body: (served: Served) => Promise<R>,
  url = "memory:",
): Promise<R> {
  const client = await connect(url);
  const server = await createServer(client, { port: 0, ...options });
  const connections: FlightConnection[] = [];
  const open = (options: TransportOptions) => {
    const connection = openTransport(server.url, options);
    connections.push(connection);
    return connection;
  };
  const flight = open({});
  try {
    return await body({ client, server, flight, open, act: (name, body) => act(flight, name, body) });
  } finally {
    for (const connection of connections) connection.close();
    await server.close();
    await client.close();
  }
}

/** Does an action; its response. */
export async function act(flight: FlightConnection, name: string, body: object = {}): Promise<unknown> {
  const results: WireObject[] = [];
  for await (const { body: bytes } of flight.rpc.doAction({ type: name, body: encodeJson(body) })) {
    results.push(decodeObject(bytes, "Result"));
  }
  if (results.length !== 1 || results[0].action !== name) throw new Error(`${results.length} results`);
  return results[0].response;
}

/** A descriptor with a command. */
export function command(body: object): { type: number; cmd: Uint8Array<ArrayBuffer> } {
  return { type: CMD, cmd: encodeJson(body) };
}

/** `app_metadata` as plain values: bigint as decimal text. */
export function metadataOf(bytes: Uint8Array): Record<string, unknown> {
  return decodeObject(bytes, "app_metadata") as Record<string, unknown>;
}

/** The topics' metadata of a GetFlightInfo answer. */
export function endpointsOf(info: FlightInfo): Record<string, unknown>[] {
  return info.endpoint.map(({ appMetadata }) => metadataOf(appMetadata));
}

/** A table with one column of numbers. */
export const VALUE_FIELDS: readonly FieldSchema[] = [
  TIMESTAMP_FIELD,
  { name: "value", type: { kind: "float", bits: 64 }, nullable: true, children: [] },
];

/** A batch of that table. */
export function valueBatch(times: bigint[], values: number[]): Columns {
  const none = new Uint8Array(0);
  return {
    rows: times.length,
    nodes: [times.length, 0, times.length, 0],
    buffers: [none, bytesOf(BigInt64Array.from(times)), none, bytesOf(Float64Array.from(values))],
  };
}

type Parts = Partial<Pick<FlightData, "dataHeader" | "dataBody" | "appMetadata">> & {
  flightDescriptor?: ReturnType<typeof command>;
};

/** The messages of an upload. */
export async function* upload(
  descriptor: object,
  fields: readonly FieldSchema[],
  batches: readonly (Columns | Parts)[],
): AsyncGenerator<Parts> {
  const schema = toFlight(encodeSchemaMessage({ fields, metadata: new Map() }));
  yield { flightDescriptor: command(descriptor), ...schema };
  for (const batch of batches) yield "rows" in batch ? toFlight(encodeBatch(batch)) : batch;
}

/** Uploads, and waits for the status. */
export async function put(flight: FlightConnection, messages: AsyncIterable<Parts>): Promise<void> {
  for await (const _ of flight.rpc.doPut(messages)) throw new Error("a PutResult");
}

/** An upload of one row, which goes on until it is released. */
export function heldUpload(
  flight: FlightConnection,
  descriptor: object,
): { done: Promise<void>; release: () => void } {
  let release = () => {};
  const held = new Promise<void>((resolve) => release = resolve);
  const messages = async function* () {
    yield* upload(descriptor, VALUE_FIELDS, [valueBatch([1n], [1])]);
    await held;
  };
  return { done: put(flight, messages()), release };
}

/** Creates a sequence with a session and one topic without an upload. */
export async function beginTopic(
  act: Served["act"],
  name = "drive",
  topic = "value",
): Promise<{ session: string; locator: string; descriptor: object }> {
  await act("sequence_create", { locator: name, user_metadata: { vehicle: "A" } });
  const { uuid, locator } = await act("session_create", { locator: name }) as {
    uuid: string;
    locator: string;
  };
  const created = await act("topic_create", {
    session_uuid: uuid,
    locator: `${name}/${topic}`,
    serialization_format: "default",
    ontology_tag: "Value",
    user_metadata: { rate: 5 },
  }) as { uuid: string };
  return {
    session: uuid,
    locator,
    descriptor: { resource_locator: `${name}/${topic}`, topic_uuid: created.uuid },
  };
}
