import { type LoadArrow, noArrow } from "./arrow/library.ts";
import { type Backend, failureOfOne, type SequenceSink } from "./backend.ts";
import { type EngineInfo, engineInfo } from "./engine.ts";
import { isNotFound, SmaltiError } from "./error.ts";
import { mapLimited } from "./util/map_limited.ts";
import { didYouMean } from "./util/nearest.ts";
import { checkOptions, type OptionNames } from "./util/options.ts";
import { newSequenceName, sequenceName, topicName } from "./names.ts";
import type { QueryRequest } from "./query/builders.ts";
import { SequenceHandler } from "./read/sequence_handler.ts";
import type { SplitOptions } from "./splits/cut_splits.ts";
import type { Split } from "./splits/split.ts";
import type { SplitHandler } from "./splits/split_handler.ts";
import type { TopicHandler } from "./read/topic_handler.ts";
import type {
  CompactReport,
  CopyOptions,
  CopyReport,
  Metadata,
  Notification,
  NotificationPlace,
  QueryHit,
  RecoverOptions,
  RecoverReport,
  SequenceEntry,
  SequenceInfo,
  StoreInfo,
} from "./types.ts";
import type { SequenceWriter } from "./write/sequence_writer.ts";
import {
  checkSession,
  DEFAULT_AUTO_FLUSH,
  plainMetadata,
  SESSION_OPTIONS,
  type SessionOptions,
} from "./write/session_options.ts";

/** Options of {@linkcode Client.sequenceCreate}. */
export interface SequenceOptions extends SessionOptions {
  /** Facts about the sequence, kept with it. @default {} */
  metadata?: Metadata;
  /**
   * What is done where the name is taken. `replace` records beside the sequence that is there, which is read and listed as
   * before until the new one is committed; then that takes its place, at once and durably, and the old one is removed. An
   * abort, by whatever error policy, a crash and a failure to commit leave the old one as it was; of the new one nothing is
   * kept then: record under a name of its own what is to survive a crash. UNSUPPORTED on a server. @default "error"
   */
  ifExists?: "error" | "replace";
}

/** Options of {@linkcode Client.sequenceHandler}. */
export interface HandlerOptions {
  /** Whether a sequence that is still being recorded is opened too, to be followed. @default false */
  follow?: boolean;
}

/** Options of {@linkcode Client.listSequences}. */
export interface ListOptions {
  /** Read each sequence's manifest too. @default false */
  details?: boolean;
}

/** Manifests that are read at a time. */
const MANIFESTS_AT_A_TIME = 32;

/** Options of {@linkcode Client.query}. */
export interface QueryOptions {
  /** Stops it. */
  signal?: AbortSignal;
  /**
   * Hears of what could not be read, such as a damaged manifest or batch, by the sequence's name; the query goes on without
   * it. A server tells its own log. @default nobody does
   */
  onError?: (sequence: string, error: SmaltiError) => void;
}

const SEQUENCE_OPTIONS: OptionNames<SequenceOptions> = { ...SESSION_OPTIONS, metadata: true, ifExists: true };
const HANDLER_OPTIONS: OptionNames<HandlerOptions> = { follow: true };
const LIST_OPTIONS: OptionNames<ListOptions> = { details: true };
const RECOVER_OPTIONS: OptionNames<RecoverOptions> = { failed: true };
const COPY_OPTIONS: OptionNames<CopyOptions> = { signal: true, onProgress: true };
const QUERY_OPTIONS: OptionNames<QueryOptions> = { signal: true, onError: true };

let readBackend: (client: Client) => Backend;

/** @internal What is behind a client: for who serves or imports. */
export function backendOf(client: Client): Backend {
  return readBackend(client);
}

/** A place with recordings. Made by `connect`; close it when done. */
export class Client implements AsyncDisposable {
  readonly #backend: Backend;
  readonly #loadArrow: LoadArrow;
  readonly #writers = new Set<SequenceWriter>();
  /** Writers whose sequences are being created. */
  readonly #beginning = new Set<Promise<SequenceWriter>>();
  #closing: Promise<void> | undefined;

  /** @internal Use `connect`. */
  constructor(backend: Backend, loadArrow: LoadArrow = noArrow) {
    this.#backend = backend;
    this.#loadArrow = loadArrow;
  }

  static {
    readBackend = (client) => client.#backend;
  }

  /** What decodes and orders here. */
  get engine(): EngineInfo {
    return engineInfo(this.#backend.engine);
  }

  /** What the recordings are reached through: the server's version and limit, or smalti's version. UNAVAILABLE. */
  async info(): Promise<StoreInfo> {
    this.#check("ask for info");
    return await this.#backend.info();
  }

  /**
   * Names of all sequences, whatever their state, in ASCII order; one look at the directory. NOT_FOUND where the directory
   * is not there, as before the first sequence is created in it, or is a file. Over `http:` what the store's
   * `index.json` names; UNSUPPORTED where there is none.
   */
  listSequences(): Promise<string[]>;
  /**
   * With `details`, what each manifest tells, in ASCII order of the names. One that cannot be read is there as its name and
   * an `error`: CORRUPT, UNSUPPORTED, PERMISSION_DENIED, IO.
   *
   * @example
   * ```ts
   * import { connect } from "smalti";
   *
   * await using client = await connect("./recordings");
   * for (const entry of await client.listSequences({ details: true })) {
   *   console.log(entry.name, entry.error ? entry.error.message : entry.state);
   * }
   * ```
   */
  listSequences(options: ListOptions & { details: true }): Promise<SequenceEntry[]>;
  /** Either, by `details`. */
  listSequences(options: ListOptions): Promise<string[] | SequenceEntry[]>;
  async listSequences(options: ListOptions = {}): Promise<string[] | SequenceEntry[]> {
    this.#check("list sequences");
    checkOptions(options, LIST_OPTIONS, "Cannot list sequences");
    const names = await this.#backend.listSequences();
    if (!options.details) return names;
    const entries = await mapLimited(
      names,
      MANIFESTS_AT_A_TIME,
      async (name): Promise<SequenceEntry | undefined> => {
        try {
          return await this.#backend.readInfo(name, { live: true });
        } catch (reason) {
          const error = failureOfOne(reason);
          if (!error) throw reason;
          // A directory without a manifest, or a sequence removed since.
          return error.code === "NOT_FOUND" ? undefined : { name, error };
        }
      },
    );
    return entries.filter((entry) => entry !== undefined);
  }

  /**
   * What the manifest of one sequence tells, whatever its state, and in `live` what is being recorded, as far as it was
   * flushed. Rejects with NOT_FOUND, INVALID_NAME, CORRUPT where the
   * manifest is damaged.
   */
  async sequenceInfo(name: string): Promise<SequenceInfo> {
    this.#check(`look at sequence ${JSON.stringify(name)}`);
    return await this.#of(name, this.#backend.readInfo(sequenceName(name), { live: true }));
  }

  /**
   * Starts a new sequence. The writer commits by `finalize()`; disposing it without that aborts. The name is of letters,
   * digits, `_` and `-`, 200 characters at most, the first a letter or digit.
   *
   * Rejects with INVALID_NAME, ALREADY_EXISTS where the name is taken, LOCKED where another writer has it.
   */
  sequenceCreate(name: string, options?: SequenceOptions): Promise<SequenceWriter>;
  /**
   * Starts a new sequence and runs `record` with its writer: returning commits, throwing aborts by the error policy and
   * rejects with what was thrown. Resolves to what `record` returned, when all is durable.
   */
  sequenceCreate<R>(
    name: string,
    options: SequenceOptions,
    record: (sequence: SequenceWriter) => Promise<R> | R,
  ): Promise<R>;
  async sequenceCreate<R>(
    name: string,
    options: SequenceOptions = {},
    record?: (sequence: SequenceWriter) => Promise<R> | R,
  ): Promise<SequenceWriter | R> {
    this.#check(`create sequence ${JSON.stringify(name)}`);
    const checked = newSequenceName(name);
    const tried = `Cannot create sequence "${checked}"`;
    checkOptions(options, SEQUENCE_OPTIONS, tried);
    const { ifExists = "error", metadata = {} } = options;
    if (ifExists !== "error" && ifExists !== "replace") {
      throw new TypeError(`${tried}: ifExists is ${JSON.stringify(ifExists)}, wanted "error" or "replace"`);
    }
    const kept = plainMetadata(metadata, `sequence "${checked}"`);
    this.#checkSession(options, checked);
    return await this.#write(checked, this.#backend.createSequence(checked, kept, ifExists), options, record);
  }

  /**
   * Starts another session of a sequence, to add topics. What earlier sessions wrote stays as it is. Several sessions that
   * are begun by one client may be open side by side; the sequence is finalized when the last of them is.
   *
   * Rejects with NOT_FOUND, INVALID_NAME, LOCKED where another client or process writes it.
   */
  sequenceUpdate(name: string, options?: SessionOptions): Promise<SequenceWriter>;
  /** The same with a function that records, as in {@linkcode sequenceCreate}. */
  sequenceUpdate<R>(
    name: string,
    options: SessionOptions,
    record: (sequence: SequenceWriter) => Promise<R> | R,
  ): Promise<R>;
  async sequenceUpdate<R>(
    name: string,
    options: SessionOptions = {},
    record?: (sequence: SequenceWriter) => Promise<R> | R,
  ): Promise<SequenceWriter | R> {
    this.#check(`update sequence ${JSON.stringify(name)}`);
    const checked = sequenceName(name);
    checkOptions(options, SESSION_OPTIONS, `Cannot update sequence "${checked}"`);
    this.#checkSession(options, checked);
    const sink = this.#of(checked, this.#backend.updateSequence(checked));
    return await this.#write(checked, sink, options, record);
  }

  /**
   * Opens a sequence for reading. One that is still being recorded opens with `follow: true` alone, for
   * `getDataStreamer({ follow: true })`, and for `latestAt` and statistics of what was flushed so far; `topics` are those that were committed
   * before.
   *
   * Rejects with NOT_FOUND, INVALID_NAME, LOCKED while it is being recorded, CORRUPT where its manifest is damaged.
   */
  async sequenceHandler(name: string, options: HandlerOptions = {}): Promise<SequenceHandler> {
    this.#check(`open sequence ${JSON.stringify(name)}`);
    const checked = sequenceName(name);
    checkOptions(options, HANDLER_OPTIONS, `Cannot open sequence "${checked}"`);
    const source = await this.#of(checked, this.#backend.openSequence(checked, options));
    return new SequenceHandler(source, this.#backend.engine, this.#loadArrow);
  }

  /** Opens one topic of a sequence for reading. Errors as {@linkcode sequenceHandler}. */
  async topicHandler(sequence: string, topic: string): Promise<TopicHandler> {
    return await (await this.sequenceHandler(sequence)).topicHandler(topic);
  }

  /**
   * Which topics of which sequences match, in ASCII order. What the manifests tell is looked at first, then the bounds of
   * batches; rows are read only where neither tells, up to the first that matches. A server answers for what it stores.
   * Sequences that are being recorded have no topics yet; a query without conditions finds nothing. What cannot be read, such
   * as a damaged manifest or batch, is left out, and `onError` is told.
   *
   * Rejects with INVALID_ARGUMENT, which names the condition, where an operand or path makes no sense; TypeError where an
   * expression stands at the wrong place. A server that is not smalti's knows neither `not` of `match` and `in`, nor two
   * conditions on one path unless they are `geq` and `leq`.
   *
   * @example
   * ```ts
   * import { connect, GPS, sequenceQ, topicQ } from "smalti";
   *
   * await using client = await connect("memory:");
   * const hits = await client.query({
   *   sequence: sequenceQ.name.match("drive_*").and(sequenceQ.metadata("vehicle.id").eq("v1")),
   *   topic: topicQ.name.match("gps/*"),
   *   ontology: GPS.q.position.x.gt(45).or(GPS.q.position.y.outside(8, 10)),
   * });
   * for (const { sequence, topics } of hits) console.log(sequence, topics.map(({ name }) => name));
   * ```
   */
  async query(request: QueryRequest, options: QueryOptions = {}): Promise<QueryHit[]> {
    this.#check("query");
    checkOptions(options, QUERY_OPTIONS, "Cannot query");
    const { queryBodies } = await import("./query/builders.ts");
    const bodies = queryBodies(request);
    const { findAll } = await import("./query/find_all.ts");
    return await findAll(this.#backend, bodies, options);
  }

  /**
   * Cuts sequences into splits: pieces for the workers of a cluster, of about the same size, each row in exactly one. By
   * sequence in ASCII order, within one in time order. Goes by the indexes alone and reads no batch. Sequences that are being
   * recorded are passed over, unless they are named.
   *
   * Rejects with NOT_FOUND and LOCKED for sequences that are named, UNSUPPORTED on a server, CORRUPT. TypeError and RangeError
   * for options that make no sense.
   *
   * @example
   * ```ts
   * import { connect } from "smalti";
   *
   * await using client = await connect("./recordings");
   * for await (const split of client.splits({ by: { seconds: 60 } })) console.log(JSON.stringify(split));
   * ```
   */
  async *splits(options: SplitOptions = {}): AsyncGenerator<Split, void, undefined> {
    this.#check("cut splits");
    const { splitsOf } = await import("./splits/splits_of.ts");
    yield* splitsOf(this, this.#backend, options);
  }

  /**
   * Opens a split, as it came out of {@linkcode splits} or as its JSON text, for a replay of its rows in strict time order. The
   * recordings must be the same, wherever they are now: a copy of the store will do.
   *
   * Rejects with INVALID_ARGUMENT for what is no split, NOT_FOUND, and IO where a file has changed since it was cut.
   *
   * @example
   * ```ts
   * import { connect } from "smalti";
   *
   * await using client = await connect("./recordings");
   * for await (const cut of client.splits({ by: "sequence" })) {
   *   const split = await client.openSplit(JSON.stringify(cut));
   *   for await (const [topic, { timestampNs }] of split.getDataStreamer()) console.log(topic, timestampNs);
   * }
   * ```
   */
  async openSplit(split: Split | string): Promise<SplitHandler> {
    this.#check("open a split");
    const [{ toSplit }, { SplitHandler }] = await Promise.all([
      import("./splits/split.ts"),
      import("./splits/split_handler.ts"),
    ]);
    const checked = toSplit(split);
    return await SplitHandler.open(checked, await this.sequenceHandler(checked.sequence));
  }

  /**
   * Removes a sequence with all it holds, whatever its state; there is no way back. Of one that is a symbolic link the link
   * goes, and what it leads to stays.
   *
   * Rejects with NOT_FOUND, INVALID_NAME, LOCKED where a writer has it, PERMISSION_DENIED.
   */
  async sequenceDelete(name: string): Promise<void> {
    this.#check(`delete sequence ${JSON.stringify(name)}`);
    await this.#of(name, this.#backend.deleteSequence(sequenceName(name)));
  }

  /**
   * Removes a session that has ended (`sequenceInfo(name).sessions` has their ids), with its topics, attachments and rows; there is
   * no way back. The rest of the sequence stays, and so does the sequence where it was the last one. Facts that the session
   * added to the sequence's metadata stay too. Who reads one of its topics meanwhile gets NOT_FOUND at the next batch.
   *
   * Rejects with NOT_FOUND, INVALID_NAME, LOCKED where the session is being written, or another client or process writes the
   * sequence.
   *
   * @example
   * ```ts
   * import { connect } from "smalti";
   *
   * await using client = await connect("./recordings");
   * const { sessions } = await client.sequenceInfo("drive_01");
   * for (const { id, state } of sessions) if (state === "failed") await client.sessionDelete("drive_01", id);
   * ```
   */
  async sessionDelete(sequence: string, id: string): Promise<void> {
    this.#check(`delete a session of sequence ${JSON.stringify(sequence)}`);
    const name = sequenceName(sequence);
    await this.#of(name, this.#backend.readInfo(name));
    await this.#backend.deleteSession(name, id);
  }

  /**
   * What writers said went wrong with a sequence, in the order they said it: at most 1000, the oldest make room. They stay
   * until they are cleared or the sequence is deleted. Rejects with NOT_FOUND, INVALID_NAME, CORRUPT.
   */
  async listSequenceNotifications(name: string): Promise<Notification[]> {
    this.#check(`list the notifications of sequence ${JSON.stringify(name)}`);
    return await this.#of(name, this.#backend.listNotifications({ sequence: sequenceName(name) }));
  }

  /** The same of a topic. */
  async listTopicNotifications(sequence: string, topic: string): Promise<Notification[]> {
    this.#check(`list the notifications of sequence ${JSON.stringify(sequence)}`);
    return await this.#backend.listNotifications(await this.#topicPlace(sequence, topic));
  }

  /** Forgets what writers said about a sequence. Rejects with NOT_FOUND, INVALID_NAME. */
  async clearSequenceNotifications(name: string): Promise<void> {
    this.#check(`clear the notifications of sequence ${JSON.stringify(name)}`);
    await this.#of(name, this.#backend.clearNotifications({ sequence: sequenceName(name) }));
  }

  /** The same of a topic. */
  async clearTopicNotifications(sequence: string, topic: string): Promise<void> {
    this.#check(`clear the notifications of sequence ${JSON.stringify(sequence)}`);
    await this.#backend.clearNotifications(await this.#topicPlace(sequence, topic));
  }

  async #topicPlace(name: string, topicText: string): Promise<NotificationPlace> {
    const sequence = sequenceName(name);
    const topic = topicName(topicText, sequence);
    const { topics } = await this.#of(sequence, this.#backend.readInfo(sequence));
    const names = topics.map((other) => other.name);
    if (names.includes(topic)) return { sequence, topic };
    const text = `No topic "${topic}" in sequence "${sequence}"${didYouMean(topic, names)}`;
    throw new SmaltiError("NOT_FOUND", text, { sequence, topic });
  }

  /**
   * Commits what a writer that died (a crash, a loss of power) left of a sequence: every message whose `flush()` had
   * resolved, and whole batches beyond it. The report says, for each file, what was kept and what was cut off or
   * damaged; what was only in the writer's memory nobody knows. Nothing that is sound is changed, and a second recovery
   * changes nothing. `sequenceUpdate` may go on afterwards, with new topic names. On a full disk it makes room first. With
   * `failed`, a session that was given up and marked as failed counts as recovered too, and why it failed stays with it.
   *
   * Rejects with NOT_FOUND, INVALID_NAME, LOCKED while a writer lives, CORRUPT where the manifest is damaged, PERMISSION_DENIED
   * where something is to be recovered and the place may only be read.
   */
  async recover(name: string, options: RecoverOptions = {}): Promise<RecoverReport> {
    const tried = `recover sequence ${JSON.stringify(name)}`;
    this.#check(tried);
    checkOptions(options, RECOVER_OPTIONS, `Cannot ${tried}`);
    return await this.#of(name, this.#backend.recoverSequence(sequenceName(name), options));
  }

  /**
   * Joins the small batches that frequent flushes left in a sequence's topics, where that saves at least a tenth of their
   * batches or bytes. `finalize` and `recover` do that too; this is for recordings made before, or on a disk that was full. It
   * also gives files of older versions the bounds of blocks of rows that make plots and queries quick.
   * Rows and their order stay. Who reads or follows the sequence on this machine goes on.
   *
   * Rejects with NOT_FOUND, INVALID_NAME, LOCKED while it is written, CORRUPT where the manifest is damaged, UNSUPPORTED on a
   * server. What a single topic fails with is in the report.
   */
  async compact(name: string): Promise<CompactReport> {
    this.#check(`compact sequence ${JSON.stringify(name)}`);
    return await this.#of(name, this.#backend.compactSequence(sequenceName(name)));
  }

  /**
   * Copies a sequence that has ended to another place, as it is: a directory, memory, an object store. Each file is checked
   * whole after it was copied, and the copy is there when all are. One that is cut short is gone on with by the same call,
   * which keeps what is whole. Where the copy is there already, all of it is checked.
   *
   * Rejects with NOT_FOUND, INVALID_NAME, LOCKED while it is recorded or somebody writes there, ALREADY_EXISTS where another
   * sequence has its name there, CORRUPT where it is damaged, UNSUPPORTED where either place is a server or can only be read.
   *
   * @example
   * ```ts
   * import { connect } from "smalti";
   *
   * await using from = await connect("./recordings");
   * await using to = await connect("memory:");
   * const { files, bytes } = await from.copy("drive_log_01", to);
   * console.log(files, bytes);
   * ```
   */
  async copy(name: string, to: Client, options: CopyOptions = {}): Promise<CopyReport> {
    this.#check(`copy sequence ${JSON.stringify(name)}`);
    to.#check(`copy sequence ${JSON.stringify(name)}`);
    const checked = sequenceName(name);
    checkOptions(options, COPY_OPTIONS, `Cannot copy sequence "${checked}"`);
    const backend = this.#backend;
    if (!backend.copySequence) {
      const text = `Cannot copy sequence "${checked}" from a server: wanted a store of files`;
      throw new SmaltiError("UNSUPPORTED", text, { sequence: checked });
    }
    return await this.#of(checked, backend.copySequence(checked, to.#backend, options));
  }

  /** Aborts what is still being written and gives back what is held open. A second call waits for the first. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#beginning);
    await Promise.allSettled([...this.#writers].map((writer) => writer[Symbol.asyncDispose]()));
    await this.#backend.close();
  }

  /** Closes it. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #write<R>(
    name: string,
    sink: Promise<SequenceSink>,
    options: SessionOptions,
    record?: (sequence: SequenceWriter) => Promise<R> | R,
  ): Promise<SequenceWriter | R> {
    const writer = await this.#begin(name, sink, options);
    if (!record) return writer;
    let result: R;
    try {
      result = await record(writer);
    } catch (reason) {
      if (writer.isStop(reason)) {
        await writer.settle();
        return undefined as R;
      }
      // What was thrown matters more than a failure to note it down.
      await writer.abort(reason).catch(() => {});
      throw reason;
    }
    if (writer.status === "open") await writer.finalize();
    else await writer.settle();
    return result;
  }

  /** The writer on a sink, known to `close` from the start. */
  async #begin(name: string, sink: Promise<SequenceSink>, options: SessionOptions): Promise<SequenceWriter> {
    // Who only reads needs none of it.
    const loading = import("./write/sequence_writer.ts");
    loading.catch(() => {}); // told below
    const beginning = sink.then(async (sink) => {
      const { SequenceWriter } = await loading;
      // By name, not spread: a caller's class may have them as getters.
      const { errorPolicy, maxBufferedBytes, latenessNs } = options;
      const { durability, flushBytes } = this.#backend;
      const autoFlush = flushBytes !== undefined
        ? { bytes: flushBytes }
        : options.autoFlush ?? (durability === "sync" ? DEFAULT_AUTO_FLUSH : false);
      const session = { errorPolicy, maxBufferedBytes, latenessNs, autoFlush };
      const ended = () => this.#writers.delete(writer);
      const writer: SequenceWriter = new SequenceWriter(name, sink, session, this.#loadArrow, ended);
      this.#writers.add(writer);
      return writer;
    });
    this.#beginning.add(beginning);
    try {
      const writer = await beginning;
      this.#check(`write sequence ${JSON.stringify(name)}`);
      return writer;
    } finally {
      this.#beginning.delete(beginning);
    }
  }

  /** What is done with a sequence. Where it is not there, the error says where it was looked for, and what is like it. */
  async #of<R>(name: string, done: Promise<R>): Promise<R> {
    try {
      return await done;
    } catch (reason) {
      const isOfSequence = reason instanceof SmaltiError && isNotFound(reason) &&
        reason.details.sequence === name && reason.details.topic === undefined;
      throw isOfSequence ? await this.#notFound(name, reason) : reason;
    }
  }

  async #notFound(name: string, cause: SmaltiError): Promise<SmaltiError> {
    let names: string[] = [];
    try {
      names = await this.#backend.listSequences();
    } catch (reason) {
      // The store itself is what is missing.
      if (reason instanceof SmaltiError && isNotFound(reason)) return reason.at({ sequence: name });
    }
    const { storeUrl } = this.#backend;
    // What a server said is kept; it may also list what it does not find.
    const text = `${cause.rawMessage}${storeUrl === undefined ? "" : ` in ${storeUrl}`}`;
    return new SmaltiError("NOT_FOUND", text + didYouMean(name, names.filter((other) => other !== name)), {
      sequence: name,
      cause: cause.cause ?? cause,
    });
  }

  #checkSession(options: SessionOptions, sequence: string): void {
    checkSession(options);
    if (!options.autoFlush || this.#backend.durability !== "commit") return;
    throw new SmaltiError(
      "UNSUPPORTED",
      `Cannot write sequence "${sequence}" with autoFlush: here it is durable only once it is finalized`,
      { sequence },
    );
  }

  #check(verb: string): void {
    if (this.#closing) throw new SmaltiError("CLOSED", `Cannot ${verb}: the client is closed`);
  }
}
