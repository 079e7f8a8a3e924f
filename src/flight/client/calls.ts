/**
 * The RPCs as a client makes them: JSON in and out, statuses as SmaltiErrors that say what was tried.
 *
 * @module
 */
import { SmaltiError } from "../../error.ts";
import { create, toBinary } from "@bufbuild/protobuf";
import { dataFrame, messageFrame, type ReceivedData } from "../data_frames.ts";
import { type FlightInfo, TicketSchema } from "../generated/flight_pb.ts";
import type { FlightParts } from "../ipc.ts";
import { decodeObject, encodeJson, isObject, type WireObject } from "../json.ts";
import { CMD } from "../protocol.ts";
import { fromStatus } from "../status.ts";
import type { FlightConnection } from "../transport.ts";

/** A message to be uploaded; the first one says of what topic. */
export type Upload = FlightParts & { command?: WireObject };

/** Makes calls over one connection. */
export class Calls {
  readonly #connection: FlightConnection;
  #closed = false;

  constructor(connection: FlightConnection) {
    this.#connection = connection;
  }

  /** The connection; CLOSED once it is closed, since it would come up again. */
  get #open(): FlightConnection {
    if (this.#closed) throw new SmaltiError("CLOSED", "the client is closed");
    return this.#connection;
  }

  get #rpc(): FlightConnection["rpc"] {
    return this.#open.rpc;
  }

  /** Runs an action; its response, undefined where it has none. `what` says what is tried. */
  async action(
    name: string,
    request: WireObject,
    what: string,
    signal?: AbortSignal,
  ): Promise<WireObject | undefined> {
    const bodies: Uint8Array[] = [];
    try {
      const call = this.#rpc.doAction({ type: name, body: encodeJson(request) }, { signal });
      for await (const { body } of call) bodies.push(body);
    } catch (reason) {
      throw fromStatus(reason, what);
    }
    // One text, though it may come in pieces.
    const body = concat(bodies);
    if (body.length === 0) return undefined;
    const { action, response } = answer(body, what);
    return action === name && isObject(response) ? response : undefined;
  }

  /** Names of all sequences. */
  async listFlights(what: string): Promise<string[]> {
    const names: string[] = [];
    try {
      for await (const { flightDescriptor } of this.#rpc.listFlights({})) {
        names.push(...flightDescriptor?.path ?? []);
      }
    } catch (reason) {
      throw fromStatus(reason, what);
    }
    return names;
  }

  /** What a sequence or topic is. */
  async flightInfo(command: WireObject, what: string, signal?: AbortSignal): Promise<FlightInfo> {
    try {
      return await this.#rpc.getFlightInfo({ type: CMD, cmd: encodeJson(command) }, { signal });
    } catch (reason) {
      throw fromStatus(reason, what);
    }
  }

  /** A topic's schema as a framed Arrow IPC message. */
  async schema(locator: string, what: string): Promise<Uint8Array> {
    try {
      const cmd = encodeJson({ resource_locator: locator });
      return (await this.#rpc.getSchema({ type: CMD, cmd })).schema;
    } catch (reason) {
      throw fromStatus(reason, what);
    }
  }

  /** Streams what a ticket stands for, until the signal. Rejects with statuses as they are. */
  download(ticket: Uint8Array, signal: AbortSignal): AsyncIterable<ReceivedData> {
    const request = toBinary(TicketSchema, create(TicketSchema, { ticket }));
    return this.#open.stream("DoGet", one(messageFrame(request)), signal);
  }

  /** Uploads a topic, until the signal; resolves when the server has taken all of it. Rejects with statuses as they are. */
  async upload(messages: AsyncIterable<Upload>, signal: AbortSignal): Promise<void> {
    const frames = async function* () {
      for await (const { command, ...parts } of messages) {
        yield* dataFrame(parts, command && encodeJson(command));
      }
    };
    for await (const _ of this.#open.stream("DoPut", frames(), signal));
  }

  close(): void {
    this.#closed = true;
    this.#connection.close();
  }
}

/** A body or app_metadata of the server's as an object; CORRUPT where it is none. */
export function answer(bytes: Uint8Array, what: string): WireObject {
  try {
    return decodeObject(bytes, "the server's answer");
  } catch (cause) {
    throw new SmaltiError("CORRUPT", `${what}: ${(cause as SmaltiError).rawMessage}`, { cause });
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0];
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

async function* one<T>(item: T): AsyncGenerator<T> {
  yield item;
}
