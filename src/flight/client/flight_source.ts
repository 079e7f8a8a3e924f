import { decodeSchemaMessage } from "../../arrow/decode.ts";
import { decodeColumns, Dictionaries } from "../../arrow/dictionaries.ts";
import { encodeBatch } from "../../arrow/encode.ts";
import { MessageType } from "../../engine/batch_message.ts";
import type {
  BatchAhead,
  Follower,
  LatestRow,
  Run,
  RunOptions,
  RunSource,
  SequenceSource,
  TopicSource,
} from "../../backend.ts";
import { openBatch } from "../../arrow/stored_batch.ts";
import type { Engine } from "../../engine.ts";
import { SmaltiError } from "../../error.ts";
import { type FieldSchema, plainFields, schemaKey } from "../../schema.ts";
import { TimeSlice } from "../../util/time_slice.ts";
import { firstDescent, lowerBound } from "../../util/times.ts";
import {
  MAX_NS,
  MIN_NS,
  type SequenceInfo,
  type TopicInfo,
  type TopicSchema,
  type Window,
} from "../../types.ts";
import type { ReceivedData } from "../data_frames.ts";
import type { WireObject } from "../json.ts";
import { locatorOf } from "../locator.ts";
import { fromStatus } from "../status.ts";
import type { Calls } from "./calls.ts";
import { windowFacts } from "./facts.ts";

type ArrowMessage = NonNullable<ReceivedData["arrow"]>;

/** The columns of a stream. */
interface SentFields {
  readonly fields: readonly FieldSchema[];
  readonly isPlain: boolean;
  readonly dictionaries: Dictionaries;
}

/** A sequence on a server, open for reading. */
export class FlightSource implements SequenceSource {
  readonly info: SequenceInfo;
  readonly #calls: Calls;
  readonly #engine: Engine;
  readonly #tickets: ReadonlyMap<string, Uint8Array>;

  /** @param tickets By topic, for all of its rows. */
  constructor(
    calls: Calls,
    engine: Engine,
    info: SequenceInfo,
    tickets: ReadonlyMap<string, Uint8Array>,
  ) {
    this.#calls = calls;
    this.#engine = engine;
    this.info = info;
    this.#tickets = tickets;
  }

  async openTopic(name: string): Promise<TopicSource> {
    const { name: sequence, topics } = this.info;
    const where = { sequence, topic: name };
    const what = `Cannot open topic "${name}" of sequence "${sequence}"`;
    const info = topics.find((topic) => topic.name === name);
    if (!info) throw new SmaltiError("NOT_FOUND", `No topic "${name}" in sequence "${sequence}"`, where);
    try {
      const sent = decodeSchemaMessage(await this.#calls.schema(locatorOf(sequence, name), what));
      const fields = plainFields(sent.fields);
      const { ontologyTag, serializationFormat, metadata } = info;
      const schema = { ontologyTag, serializationFormat, metadata, fields };
      return new FlightTopic(this.#calls, this.#engine, sequence, info, schema, this.#tickets.get(name));
    } catch (reason) {
      throw reason instanceof SmaltiError ? reason.at(where) : reason;
    }
  }

  readAttachment(): Promise<Uint8Array> {
    return Promise.reject(this.#unsupported("read attachments of"));
  }

  follow(): Follower {
    throw this.#unsupported("follow");
  }

  #unsupported(verb: string): SmaltiError {
    const { name: sequence } = this.info;
    return new SmaltiError("UNSUPPORTED", `Cannot ${verb} sequence "${sequence}" on a server`, { sequence });
  }
}

/** A topic on a server, open for reading. */
class FlightTopic implements TopicSource {
  readonly info: TopicInfo;
  readonly schema: TopicSchema;
  readonly #calls: Calls;
  readonly #engine: Engine;
  readonly #sequence: string;
  readonly #ticket: Uint8Array | undefined;

  constructor(
    calls: Calls,
    engine: Engine,
    sequence: string,
    info: TopicInfo,
    schema: TopicSchema,
    ticket: Uint8Array | undefined,
  ) {
    this.#ticket = ticket;
    this.#calls = calls;
    this.#engine = engine;
    this.#sequence = sequence;
    this.info = info;
    this.schema = schema;
  }

  runs(window: Window, signal?: AbortSignal, { reverse = false }: RunOptions = {}): RunSource {
    if (reverse) {
      const where = { sequence: this.#sequence, topic: this.info.name };
      const text =
        `Cannot read topic "${where.topic}" of sequence "${where.sequence}" backwards: it is on a server`;
      throw new SmaltiError("UNSUPPORTED", text, where);
    }
    return new FlightRuns(this.#calls, this.#engine, this.#sequence, this, window, signal);
  }

  /** What stands for its rows in a window. A call is saved where that is all of them. */
  async ticket(window: Window, what: string, signal: AbortSignal): Promise<Uint8Array> {
    const isWhole = window.firstNs === MIN_NS && window.lastNs === MAX_NS;
    if (isWhole && this.#ticket) return this.#ticket;
    const command = windowCommand(locatorOf(this.#sequence, this.info.name), window);
    const { endpoint } = await this.#calls.flightInfo(command, what, signal);
    const ticket = endpoint[0]?.ticket?.ticket;
    if (!ticket) throw new SmaltiError("CORRUPT", "the server gave no ticket");
    return ticket;
  }

  async countRows(edgesNs: readonly bigint[], signal?: AbortSignal): Promise<number[]> {
    const what = `Cannot count the rows of topic "${this.info.name}" of sequence "${this.#sequence}"`;
    return await Promise.all(
      edgesNs.slice(1).map(async (end, i) => {
        const window = { firstNs: edgesNs[i], lastNs: end - 1n };
        if (isEmpty(window, this.info)) return 0;
        const command = windowCommand(locatorOf(this.#sequence, this.info.name), window);
        return windowFacts(await this.#calls.flightInfo(command, what, signal), what).rows;
      }),
    );
  }

  async latest(ns: bigint, signal?: AbortSignal): Promise<LatestRow | undefined> {
    const what = `Cannot look into topic "${this.info.name}" of sequence "${this.#sequence}"`;
    const until = { firstNs: MIN_NS, lastNs: ns };
    if (isEmpty(until, this.info)) return undefined;
    const command = windowCommand(locatorOf(this.#sequence, this.info.name), until);
    const { lastNs } = windowFacts(await this.#calls.flightInfo(command, what, signal), what);
    if (lastNs === undefined) return undefined;
    // Of several rows at that time the last one that comes.
    const runs = this.runs({ firstNs: lastNs, lastNs: ns }, signal);
    try {
      let found: LatestRow | undefined;
      while (runs.nextNs !== undefined) {
        const run = await runs.open();
        if (run) found = { batch: run.batch, row: run.to - 1 };
      }
      return found;
    } finally {
      runs.close();
    }
  }

  /** The server has checked what it stores; here what comes over the wire. */
  async verify(
    { deep, onRows, signal }: Parameters<TopicSource["verify"]>[0],
  ): Promise<SmaltiError[]> {
    if (!deep) return [];
    const runs = this.runs({ firstNs: MIN_NS, lastNs: MAX_NS }, signal);
    try {
      let rows = 0;
      const slice = new TimeSlice();
      while (runs.nextNs !== undefined) {
        await slice.pause();
        const run = await runs.open();
        run?.batch.table.loadAll();
        if (run) onRows(rows += run.batch.rows);
      }
      return [];
    } catch (reason) {
      signal?.throwIfAborted();
      if (reason instanceof SmaltiError) return [reason];
      throw reason;
    } finally {
      runs.close();
    }
  }
}

/** One topic's rows as the server streams them: sorted, which is checked. The stream begins at once. */
class FlightRuns implements RunSource {
  nextNs: bigint | undefined;
  nextBytes = 0;
  readonly #engine: Engine;
  readonly #sequence: string;
  readonly #topic: FlightTopic;
  readonly #window: Window;
  readonly #signal: AbortSignal | undefined;
  readonly #stop = new AbortController();
  readonly #messages: AsyncGenerator<ArrowMessage> | undefined;
  /** What is tried, for errors. */
  readonly #what: string;
  #ahead: Promise<IteratorResult<ArrowMessage>> | undefined;
  #batches = 0;

  constructor(
    calls: Calls,
    engine: Engine,
    sequence: string,
    topic: FlightTopic,
    window: Window,
    signal: AbortSignal | undefined,
  ) {
    this.#engine = engine;
    this.#sequence = sequence;
    this.#topic = topic;
    this.#window = window;
    this.#signal = signal;
    const { info } = topic;
    this.#what = `Cannot read topic "${info.name}" of sequence "${sequence}"`;
    if (isEmpty(window, info)) return;
    this.nextNs = info.firstNs! > window.firstNs ? info.firstNs : window.firstNs;
    this.#messages = this.#stream(calls, signal);
    this.prefetch();
  }

  get ahead(): BatchAhead | undefined {
    if (this.#ahead || this.nextNs === undefined) return undefined;
    return { nextNs: this.nextNs, bytes: this.nextBytes, most: 1 };
  }

  prefetch(): void {
    if (!this.ahead) return;
    this.#ahead = this.#messages!.next();
    this.#ahead.catch(() => {}); // open() reports it
  }

  /** A stream gives nothing twice. */
  dropAhead(): void {}

  async open(): Promise<Run | undefined> {
    this.#signal?.throwIfAborted();
    try {
      this.prefetch();
      const { done, value } = await this.#ahead!;
      this.#ahead = undefined;
      if (!done) return this.#read(value);
      this.nextNs = undefined;
    } catch (reason) {
      this.#signal?.throwIfAborted();
      this.nextNs = undefined;
      // Closed while it waited: there is nothing more to come.
      if (this.#stop.signal.aborted) return undefined;
      // What is wrong with the bytes is found by what knows nothing of topics.
      const isBare = reason instanceof SmaltiError && !reason.rawMessage.startsWith(this.#what);
      const error = isBare
        ? new SmaltiError(reason.code, `${this.#what}: ${reason.rawMessage}`, { cause: reason })
        : fromStatus(reason, this.#what);
      throw error.at({ sequence: this.#sequence, topic: this.#topic.info.name });
    }
  }

  close(): void {
    this.nextNs = undefined;
    this.#ahead = undefined;
    this.#stop.abort();
  }

  async *#stream(calls: Calls, signal: AbortSignal | undefined): AsyncGenerator<ArrowMessage> {
    const stop = signal ? AbortSignal.any([signal, this.#stop.signal]) : this.#stop.signal;
    const ticket = await this.#topic.ticket(this.#window, this.#what, stop);
    let sent: SentFields | undefined;
    for await (const { arrow } of calls.download(ticket, stop)) {
      // Metadata alone is legal in Flight, and nobody's here.
      if (!arrow) continue;
      const { type, message } = arrow;
      if (!sent) {
        if (type !== MessageType.schema) {
          throw new SmaltiError("CORRUPT", "the stream begins without a schema");
        }
        const { fields } = decodeSchemaMessage(message);
        // A server may put a column in another encoding than it tells of.
        const plain = plainFields(fields);
        if (schemaKey(plain) !== schemaKey(this.#topic.schema.fields)) {
          throw new SmaltiError("CORRUPT", "the stream has another schema than the topic");
        }
        sent = { fields, isPlain: plain === fields, dictionaries: new Dictionaries(this.#engine, fields) };
      } else if (sent.isPlain) yield arrow;
      else if (type === MessageType.dictionaryBatch) sent.dictionaries.add(message, {});
      else if (type !== MessageType.recordBatch) yield arrow;
      else {
        const columns = decodeColumns(this.#engine, message, sent.fields, sent.dictionaries);
        yield { type, message: encodeBatch(columns) };
      }
    }
  }

  #read({ type, message }: ArrowMessage): Run | undefined {
    if (type !== MessageType.recordBatch) {
      throw new SmaltiError("UNSUPPORTED", "the stream has another message than a record batch");
    }
    const where = { sequence: this.#sequence, topic: this.#topic.info.name };
    const batch = openBatch(this.#engine, message, { fields: this.#topic.schema.fields, where });
    const { times, rows } = batch;
    this.nextBytes = message.length;
    if (rows === 0) return undefined;
    // The first batch may begin before what its topic's facts say.
    const isLate = this.#batches > 0 && times[0] < this.nextNs!;
    const row = isLate ? 0 : firstDescent(times);
    if (row >= 0) {
      const before = isLate ? this.nextNs : times[row - 1];
      throw new SmaltiError(
        "OUT_OF_ORDER",
        `a row at ${times[row]} ns comes after one at ${before} ns`,
        where,
      );
    }
    this.nextNs = times[rows - 1];
    const { firstNs, lastNs } = this.#window;
    const from = times[0] >= firstNs ? 0 : lowerBound(times, firstNs);
    const to = this.nextNs <= lastNs ? rows : lowerBound(times, lastNs + 1n);
    const batchNumber = this.#batches++;
    return from < to ? { batchNumber, batch, from, to } : undefined;
  }
}

/** Whether a topic has no row in a window, as far as its facts tell. */
function isEmpty({ firstNs, lastNs }: Window, topic: TopicInfo): boolean {
  return topic.firstNs === undefined || firstNs > lastNs || topic.firstNs > lastNs || topic.lastNs! < firstNs;
}

/** The command that asks for a window; open sides are left out, which is the only way to reach the last nanosecond. */
function windowCommand(locator: string, { firstNs, lastNs }: Window): WireObject {
  return {
    resource_locator: locator,
    ...(firstNs > MIN_NS && { timestamp_ns_start: firstNs }),
    ...(lastNs < MAX_NS && { timestamp_ns_end: lastNs + 1n }),
  };
}
