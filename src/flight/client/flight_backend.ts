import type { Backend, SequenceSink, SequenceSource } from "../../backend.ts";
import type { Engine } from "../../engine.ts";
import { SmaltiError } from "../../error.ts";
import { compareNames, isSequenceName } from "../../names.ts";
import { pause } from "../../util/pause.ts";
import type {
  CompactReport,
  Metadata,
  Notification,
  NotificationPlace,
  QueryHit,
  QueryObject,
  RecoverReport,
  SequenceInfo,
  StoreInfo,
} from "../../types.ts";
import type { WireObject } from "../json.ts";
import { locatorOf, sessionLocatorOf } from "../locator.ts";
import { MAX_DECODE_BYTES } from "../protocol.ts";
import { openTransport, type TransportOptions } from "../transport.ts";
import { Calls } from "./calls.ts";
import { infoFacts, notificationFacts, queryFacts, type SequenceFacts, sequenceFacts } from "./facts.ts";
import { FlightSink } from "./flight_sink.ts";
import { FlightSource } from "./flight_source.ts";

/** Options of {@linkcode connectFlight}. */
export interface FlightOptions extends TransportOptions {
  /** How long to try, in milliseconds. @default 5000 */
  timeoutMs?: number;
  /** Stops trying. */
  signal?: AbortSignal;
}

/** Before the second try, in ms; doubled with every one. */
const FIRST_PAUSE_MS = 25;
/** Part of the server's limit that a message may take: there is a frame around it. */
const LIMIT_SHARE = 0.9;

/**
 * Connects to a Mosaico daemon, or a server of ours: tries until it answers. UNAVAILABLE where it does not in time; at
 * once whatever it answers else, such as PERMISSION_DENIED for a key that it refuses.
 */
export async function connectFlight(url: string, engine: Engine, options: FlightOptions): Promise<Backend> {
  const { timeoutMs = 5000, signal } = options;
  const calls = new Calls(openTransport(url, options));
  const what = `Cannot connect to ${url}`;
  const timeout = AbortSignal.timeout(timeoutMs);
  const stop = signal ? AbortSignal.any([signal, timeout]) : timeout;
  let failure: SmaltiError | undefined;
  try {
    for (let pauseMs = FIRST_PAUSE_MS;; pauseMs *= 2) {
      try {
        const { maxMessageBytes = MAX_DECODE_BYTES } = infoFacts(await calls.action("info", {}, what, stop));
        return new FlightBackend(url, calls, engine, Math.floor(LIMIT_SHARE * maxMessageBytes));
      } catch (reason) {
        signal?.throwIfAborted();
        if (timeout.aborted || !(reason instanceof SmaltiError)) throw reason;
        if (reason.code !== "UNAVAILABLE") throw reason;
        failure = reason;
      }
      await pause(pauseMs, stop);
    }
  } catch (reason) {
    calls.close();
    signal?.throwIfAborted();
    if (!timeout.aborted) throw reason;
    const last = failure ? `; the last try: ${failure.rawMessage}` : "";
    throw new SmaltiError("UNAVAILABLE", `${what}: no answer within ${timeoutMs} ms${last}`, {
      cause: failure ?? reason,
    });
  }
}

/** Recordings behind a server. */
class FlightBackend implements Backend {
  readonly engine: Engine;
  readonly durability = "commit";
  readonly storeUrl: string;
  readonly #calls: Calls;
  readonly #maxBytes: number;

  constructor(url: string, calls: Calls, engine: Engine, maxBytes: number) {
    this.storeUrl = url;
    this.#calls = calls;
    this.engine = engine;
    this.#maxBytes = maxBytes;
  }

  async info(): Promise<StoreInfo> {
    return infoFacts(await this.#calls.action("info", {}, "Cannot ask for the server's info"));
  }

  async listSequences(): Promise<string[]> {
    const names = await this.#calls.listFlights("Cannot list sequences");
    return names.filter(isSequenceName).sort(compareNames);
  }

  async readInfo(name: string): Promise<SequenceInfo> {
    return (await this.#read(name)).info;
  }

  async #read(name: string): Promise<SequenceFacts> {
    const what = `Cannot read sequence "${name}"`;
    try {
      return sequenceFacts(name, await this.#calls.flightInfo({ resource_locator: name }, what));
    } catch (reason) {
      throw reason instanceof SmaltiError ? reason.at({ sequence: name }) : reason;
    }
  }

  async createSequence(
    name: string,
    metadata: Metadata,
    ifExists: "error" | "replace" = "error",
  ): Promise<SequenceSink> {
    const what = `Cannot create sequence "${name}"`;
    if (ifExists === "replace") {
      const text =
        `${what} with ifExists "replace": Mosaico's protocol has no such call; delete the old one first`;
      throw new SmaltiError("UNSUPPORTED", text, { sequence: name });
    }
    const body: WireObject = { locator: name, user_metadata: metadata as WireObject };
    await this.#act("sequence_create", body, what, name);
    try {
      return await this.#beginSession(name, true, what);
    } catch (reason) {
      // Else the name would be taken by nothing.
      await this.#act("sequence_delete", { locator: name }, what, name).catch(() => {});
      throw reason;
    }
  }

  updateSequence(name: string): Promise<SequenceSink> {
    return this.#beginSession(name, false, `Cannot update sequence "${name}"`);
  }

  async openSequence(name: string, { follow = false } = {}): Promise<SequenceSource> {
    const { info, tickets } = await this.#read(name);
    const source = new FlightSource(this.#calls, this.engine, info, tickets);
    if (follow) source.follow();
    if (info.state !== "recording") return source;
    const text = `Sequence "${name}" is being recorded: wanted one with a finalized session`;
    throw new SmaltiError("LOCKED", text, { sequence: name });
  }

  async deleteSequence(name: string): Promise<void> {
    await this.#act("sequence_delete", { locator: name }, `Cannot delete sequence "${name}"`, name);
  }

  async deleteSession(name: string, id: string): Promise<void> {
    const what = `Cannot delete session "${id}" of sequence "${name}"`;
    // The protocol has one action for sessions that are open too, which is not what was asked for.
    const { sessions } = await this.readInfo(name);
    if (sessions.some((session) => session.id === id && session.state === "recording")) {
      const text = `${what}: it is being written, wanted one that ended`;
      throw new SmaltiError("LOCKED", text, { sequence: name });
    }
    await this.#act("session_delete", { locator: sessionLocatorOf(name, id) }, what, name);
  }

  recoverSequence(name: string): Promise<RecoverReport> {
    const text = `Cannot recover sequence "${name}": a server does that for what it stores`;
    return Promise.reject(new SmaltiError("UNSUPPORTED", text, { sequence: name }));
  }

  compactSequence(name: string): Promise<CompactReport> {
    const text = `Cannot compact sequence "${name}": a server does that for what it stores`;
    return Promise.reject(new SmaltiError("UNSUPPORTED", text, { sequence: name }));
  }

  async listNotifications(place: NotificationPlace): Promise<Notification[]> {
    const listed = await this.#actAt(place, "list", {}, "list the notifications of");
    return notificationFacts(place, listed);
  }

  async notify(place: NotificationPlace, message: string): Promise<void> {
    await this.#actAt(place, "create", { notification_type: "error", msg: message }, "notify of");
  }

  async clearNotifications(place: NotificationPlace): Promise<void> {
    await this.#actAt(place, "purge", {}, "clear the notifications of");
  }

  /** An action on notifications. */
  async #actAt(
    { sequence, topic }: NotificationPlace,
    verb: "list" | "create" | "purge",
    body: WireObject,
    tried: string,
  ): Promise<WireObject | undefined> {
    const of = topic === undefined ? "sequence" : "topic";
    const name = topic === undefined
      ? `sequence "${sequence}"`
      : `topic "${topic}" of sequence "${sequence}"`;
    const request = { locator: locatorOf(sequence, topic), ...body };
    return await this.#act(`${of}_notification_${verb}`, request, `Cannot ${tried} ${name}`, sequence);
  }

  async query(body: QueryObject, signal?: AbortSignal): Promise<QueryHit[]> {
    return queryFacts(await this.#calls.action("query", body as WireObject, "Cannot query", signal));
  }

  close(): Promise<void> {
    this.#calls.close();
    return Promise.resolve();
  }

  async #beginSession(sequence: string, isFirst: boolean, what: string): Promise<SequenceSink> {
    const created = await this.#act("session_create", { locator: sequence }, what, sequence);
    const { uuid, locator } = created ?? {};
    if (typeof uuid !== "string" || typeof locator !== "string") {
      throw new SmaltiError("CORRUPT", `${what}: the server gave no session`, { sequence });
    }
    const session = { sequence, uuid, locator, isFirst };
    return new FlightSink(this.#calls, session, this.#maxBytes, () => this.readInfo(sequence));
  }

  async #act(
    name: string,
    body: WireObject,
    what: string,
    sequence: string,
  ): Promise<WireObject | undefined> {
    try {
      return await this.#calls.action(name, body, what);
    } catch (reason) {
      throw reason instanceof SmaltiError ? reason.at({ sequence }) : reason;
    }
  }
}
