import {
  BATCH_BYTES,
  BATCH_ROWS,
  BatchPieces,
  copyColumns,
  cutColumns,
  rowsPerBatch,
} from "../arrow/batching.ts";
import { type ByteCount, START_CAPACITY } from "../arrow/field_builder.ts";
import { MessageBuilder } from "../arrow/message_builder.ts";
import { show } from "../util/show.ts";
import { bytesIn, bytesOf, type Columns, rowWidth } from "../arrow/columns.ts";
import { columnsFrom } from "../arrow/columns_from.ts";
import { columnsOfRecordBatch } from "../arrow/interchange.ts";
import { inTimeOrder } from "../arrow/rearrange.ts";
import type { TopicSink } from "../backend.ts";
import { SmaltiError } from "../error.ts";
import type { Ontology } from "../ontology/define_ontology.ts";
import { messageFromJson } from "../ontology/from_json.ts";
import type { MessageInput } from "../ontology/field.ts";
import { type FieldSchema, TIMESTAMP_FIELD } from "../schema.ts";
import { checkOptions, type OptionNames } from "../util/options.ts";
import { MAX_NS, MIN_NS, toNs } from "../timestamp.ts";
import type { Metadata, TimestampNs } from "../types.ts";
import { notOpen, type SessionLife, takeFailure, type WriterStatus } from "./session_life.ts";
import type { Holder, WriteMemory } from "./write_memory.ts";
import type { LoadArrow, RecordBatch } from "../arrow/library.ts";

/** Columns of less than this part of a batch wait for more instead of making one of their own. */
const OWN_BATCH = 1 / 4;

/** A message to be written: its time and its data. */
export interface TopicMessage<T> {
  /** Its time, in nanoseconds; need not be later than that of the message before. */
  readonly timestampNs: TimestampNs;
  /** Its data, as the topic's ontology wants it. */
  readonly data: MessageInput<T>;
}

/** Columns of a `T`: each field as an array of values, or of columns again where it is a struct. */
export type ColumnsInput<T> = {
  [K in keyof T]:
    | ArrayLike<MessageInput<T[K]>>
    | (NonNullable<T[K]> extends object ? ColumnsInput<NonNullable<T[K]>> : never);
};

/** What {@linkcode TopicWriter.pushColumns} takes: the rows' times, and a column for each field. */
export type TopicColumns<T> = { readonly timestampNs: BigInt64Array } & ColumnsInput<T>;

/** Options of {@linkcode TopicWriter.pushColumns}. */
export interface PushColumnsOptions {
  /**
   * Gives the arrays away: the caller does not change them any more, nor the rest of the buffers that they are views on. They
   * are held in memory until their rows are sent. @default false
   */
  transfer?: boolean;
}

const PUSH_COLUMNS: OptionNames<PushColumnsOptions> = { transfer: true };

/** What a sequence's writer gives its topics. */
export interface TopicContext {
  readonly sequence: string;
  readonly topic: string;
  readonly sink: TopicSink;
  readonly memory: WriteMemory;
  readonly loadArrow: LoadArrow;
  /** Where the sequence stands; changes with it. */
  readonly life: SessionLife;
  /** Counts a flush among what the sequence waits for before it ends. */
  readonly pending: (flush: Promise<void>) => Promise<void>;
  /** Gives up the whole sequence. */
  readonly abort: (reason: unknown) => Promise<void>;
  /** Hears of the bytes of rows that were taken; where somebody counts. */
  readonly taken?: (bytes: number) => void;
}

/**
 * Takes the messages of one topic. Rows are collected in columns and sent to the store in batches, each sorted by time;
 * late messages come out in their right place all the same. `T` is the type of a message's data.
 *
 * Made by {@linkcode SequenceWriter.topicCreate}; ends with its sequence.
 *
 * @example
 * ```ts
 * import { connect, Temperature } from "smalti";
 *
 * await using client = await connect("memory:");
 * await client.sequenceCreate("oven", {}, async (sequence) => {
 *   const topic = await sequence.topicCreate("chamber", { ontology: Temperature });
 *   for (let second = 0; second < 3; second++) {
 *     await topic.push({ timestampNs: BigInt(second) * 1_000_000_000n, data: { value: 20 + second } });
 *   }
 * });
 * ```
 */
// deno-lint-ignore no-explicit-any -- a topic whose data type is not known takes anything; it is checked when pushed
export class TopicWriter<T = any> {
  /** The topic's name, without a leading `/`. */
  readonly name: string;
  /** What its messages hold. */
  readonly ontology: Ontology<T>;
  /** Facts given when it was created. */
  readonly metadata: Metadata;
  readonly #context: TopicContext;
  // Of the context and the ontology, what each message needs.
  readonly #life: SessionLife;
  readonly #memory: WriteMemory;
  readonly #taken: ((bytes: number) => void) | undefined;
  readonly #checkData: ((data: T) => void) | undefined;
  readonly #fields: readonly FieldSchema[];
  readonly #rowBytes: number;
  readonly #holder: Holder;
  #count: ByteCount = { variable: 0, capacity: 0 };
  #heldBytes = 0;
  #times: BigInt64Array<ArrayBuffer> = new BigInt64Array(START_CAPACITY);
  /** Messages that fit in them. */
  #room = START_CAPACITY;
  #rows: MessageBuilder;
  /** Columns that came in pieces too small to be batches. Never at the same time as rows in the builders. */
  readonly #pieces: BatchPieces;
  #rowCount = 0;
  #newestNs: bigint | undefined;
  #oldestSentNs: bigint | undefined;
  #failure: SmaltiError | undefined;
  /** The last batch sent. */
  #sent: Promise<void> = Promise.resolve();

  /** @internal Use {@linkcode SequenceWriter.topicCreate}. */
  constructor(ontology: Ontology<T>, metadata: Metadata, context: TopicContext) {
    this.name = context.topic;
    this.ontology = ontology;
    this.metadata = metadata;
    this.#context = context;
    this.#life = context.life;
    this.#memory = context.memory;
    this.#taken = context.taken;
    this.#checkData = ontology.check;
    this.#fields = [TIMESTAMP_FIELD, ...ontology.fields];
    this.#rowBytes = this.#fields.reduce((sum, field) => sum + rowWidth(field), 0);
    this.#rows = new MessageBuilder(ontology.fields, this.#count);
    this.#pieces = new BatchPieces(this.#fields);
    const heldBytes = () => this.#heldBytes;
    this.#holder = {
      get heldBytes() {
        return heldBytes();
      },
      spill: () => this.#spill(),
    };
  }

  /** @internal Time of the newest message sent, in nanoseconds; undefined before the first. */
  get newestNs(): bigint | undefined {
    return this.#newestNs;
  }

  /** @internal Begins to look for {@linkcode pendingNs} anew; to be called when all that was taken has been sent. */
  forgetPending(): void {
    this.#oldestSentNs = undefined;
  }

  /** @internal Time of the earliest message taken since {@linkcode forgetPending}; undefined where there is none. */
  get pendingNs(): bigint | undefined {
    let oldest = this.#oldestSentNs;
    const look = (times: BigInt64Array) => {
      for (const time of times) if (oldest === undefined || time < oldest) oldest = time;
    };
    look(this.#times.subarray(0, this.#rows.length));
    for (const { rows, buffers: [, { buffer, byteOffset }] } of this.#pieces.all) {
      look(new BigInt64Array(buffer, byteOffset, rows));
    }
    return oldest;
  }

  /** Messages taken so far. */
  get rowCount(): number {
    return this.#rowCount;
  }

  /** Whether it takes messages: as its sequence. */
  get status(): WriterStatus {
    return this.#context.life.status;
  }

  /**
   * Takes one message. Its values are copied. Returns undefined when there was room for it, which is nearly always, and
   * a promise when the store cannot keep up, to be awaited before the next: `await topic.push(message)` is always right.
   *
   * Throws SmaltiError INVALID_MESSAGE for a value that the ontology does not allow: the message is not taken, earlier
   * ones stay. CLOSED after the sequence has ended; where a signal ends it, a promise that rejects with the signal's reason
   * (see {@linkcode SequenceWriter.finalizeOn}). Whatever the store failed with, once it has; what an automatic flush failed
   * with, to one call: the message is not taken then either.
   */
  push(message: TopicMessage<T>): Promise<void> | undefined {
    const { stopped } = this.#life;
    if (stopped) return stopped;
    this.#check("push");
    if (this.#pieces.bytes > 0) this.#send();
    const rows = this.#rows;
    const row = rows.length;
    const { variable } = this.#count;
    if (row === this.#room) this.#growTimes();
    try {
      this.#times[row] = timeOf(message);
      rows.append(message.data ?? undefined);
      if (this.#checkData) this.#checkData(message.data as T);
    } catch (reason) {
      rows.truncate(row);
      throw this.#refusal(reason);
    }
    this.#rowCount++;
    if (this.#taken) this.#taken(this.#rowBytes + this.#count.variable - variable);
    if (rows.length >= BATCH_ROWS || rows.length * this.#rowBytes + this.#count.variable >= BATCH_BYTES) {
      this.#send();
    }
    return this.#account();
  }

  /**
   * Takes one message as its JSON: what `toJSON` of a message gives, after `JSON.parse` or before. Bytes are in base64,
   * 64-bit integers decimal strings or safe integers, missing values null; `topic` is not looked at, `ontology` may be left
   * out. What one topic's messages give is taken by another as it was (but -0, which JSON.stringify writes as 0).
   *
   * Throws INVALID_MESSAGE where a value is none of its field's, and names the field. Otherwise as {@linkcode push}.
   *
   * @example
   * ```ts
   * import { connect, Temperature } from "smalti";
   *
   * await using client = await connect("memory:");
   * await client.sequenceCreate("oven", {}, async (sequence) => {
   *   const topic = await sequence.topicCreate("chamber", { ontology: Temperature });
   *   await topic.pushJson(JSON.parse('{"timestamp_ns":"10","data":{"value":293.5}}'));
   * });
   * ```
   */
  pushJson(json: unknown): Promise<void> | undefined {
    let message: TopicMessage<T>;
    try {
      const { tag, fields } = this.ontology;
      message = messageFromJson(tag, fields, json) as TopicMessage<T>;
    } catch (reason) {
      throw this.#refusal(reason);
    }
    return this.push(message);
  }

  /**
   * Takes many rows as columns: `timestampNs` and one column for each field, all of one length. A typed array of the
   * field's own type is the fast way; any array of values will do. A struct is an object of columns, or an array of
   * objects. Optional fields may be left out. Rows need not be sorted. The arrays are read before it returns, and copied
   * where the rows wait for more; with `transfer` they are the writer's from then on, and not copied.
   *
   * Throws INVALID_MESSAGE where a column is missing, unknown, of another length, or holds a value that the ontology
   * does not allow: none of the rows is taken. Otherwise as {@linkcode push}.
   *
   * @example
   * ```ts
   * import { connect, defineOntology, float64 } from "smalti";
   *
   * const Speed = defineOntology("Speed", { forward: float64({ unit: "m/s" }) });
   * await using client = await connect("memory:");
   * await client.sequenceCreate("run", {}, async (sequence) => {
   *   const topic = await sequence.topicCreate("speed", { ontology: Speed });
   *   await topic.pushColumns({ timestampNs: BigInt64Array.of(0n, 10n), forward: Float64Array.of(1.5, 1.6) });
   * });
   * ```
   */
  pushColumns(columns: TopicColumns<T>, options: PushColumnsOptions = {}): Promise<void> | undefined {
    const { stopped } = this.#context.life;
    if (stopped) return stopped;
    this.#check("push columns");
    checkOptions(
      options,
      PUSH_COLUMNS,
      `Cannot push columns to topic "${this.name}" of sequence "${this.#context.sequence}"`,
    );
    try {
      const { timestampNs, ...data } = columns ?? {};
      if (!(timestampNs instanceof BigInt64Array)) {
        throw new SmaltiError(
          "INVALID_MESSAGE",
          `timestampNs is ${show(timestampNs)}: wanted a BigInt64Array`,
        );
      }
      const made = columnsFrom(this.ontology.fields, timestampNs.length, data);
      return this.#takeColumns({
        rows: made.rows,
        nodes: [made.rows, 0, ...made.nodes],
        buffers: [new Uint8Array(0), bytesOf(timestampNs), ...made.buffers],
      }, options.transfer);
    } catch (reason) {
      throw this.#refusal(reason);
    }
  }

  /** @internal Takes columns as the store has them: the times, then the fields. They are read before it returns. */
  pushPrepared(columns: Columns): Promise<void> | undefined {
    const { stopped } = this.#context.life;
    if (stopped) return stopped;
    this.#check("push columns");
    return this.#takeColumns(columns);
  }

  /**
   * Takes the rows of an apache-arrow RecordBatch whose columns are `timestamp_ns` (int64) and the ontology's fields, by
   * name, type and order. Dictionaries count as what they stand for. Rows need not be sorted. The batch is read before the
   * promise resolves.
   *
   * Rejects with INVALID_MESSAGE where its schema is another or a value is missing that may not be. Otherwise as
   * {@linkcode push}.
   */
  async pushBatch(batch: RecordBatch): Promise<void> {
    await this.#context.life.stopped;
    this.#check("push a batch");
    let columns: Columns;
    try {
      columns = await columnsOfRecordBatch(this.#context.loadArrow, batch, this.#fields);
    } catch (reason) {
      throw this.#refusal(reason);
    }
    this.#check("push a batch");
    await this.#takeColumns(columns);
  }

  /**
   * Resolves when every message taken before is durable: synced to the disk, where the store is one. (What a daemon
   * has taken is durable once the sequence is finalized.) Rejects with whatever the store failed with.
   */
  async flush(): Promise<void> {
    this.#check("flush");
    await this.#context.pending(this.drain().then(() => this.sync()));
  }

  /** @internal Resolves when what the store has is durable. */
  async sync(): Promise<void> {
    const { sequence, topic, sink } = this.#context;
    try {
      await sink.sync();
    } catch (reason) {
      // Rows may be lost that were taken: nothing that follows them may succeed.
      throw this.#failure ??= SmaltiError.from(reason, "IO").at({ sequence, topic });
    }
  }

  /**
   * A stream that records what is written to it. Writing waits where the store cannot keep up. Closing it flushes and
   * leaves the sequence open; aborting it aborts the sequence.
   */
  toWritableStream(): WritableStream<TopicMessage<T>> {
    return new WritableStream({
      write: (message) => this.push(message),
      close: () => this.flush(),
      abort: (reason) => this.#context.abort(reason),
    });
  }

  /** @internal Sends what is left and waits until the store has it; rejects where anything failed. */
  async drain(): Promise<void> {
    this.#send();
    await this.#sent;
    if (this.#failure) throw this.#failure;
  }

  // Small, as all that is done for each message: engines put what is into the code around it.
  #check(verb: string): void {
    const life = this.#life;
    if (this.#failure || life.failure || life.status !== "open") this.#throw(verb);
  }

  #throw(verb: string): never {
    if (this.#failure) throw this.#failure;
    const { sequence, topic, life } = this.#context;
    if (life.failure) throw takeFailure(life);
    throw new SmaltiError(
      "CLOSED",
      `Cannot ${verb} to topic "${topic}" of sequence "${sequence}": ${notOpen(life)}`,
      { sequence, topic },
    );
  }

  #refusal(reason: unknown): unknown {
    if (!(reason instanceof SmaltiError)) return reason;
    const { sequence, topic } = this.#context;
    const text = `Cannot push to topic "${topic}" of sequence "${sequence}": ${reason.rawMessage}`;
    return new SmaltiError(reason.code, text, { sequence, topic, cause: reason.cause });
  }

  #growTimes(): void {
    const larger = new BigInt64Array(2 * this.#room);
    larger.set(this.#times);
    this.#times = larger;
    this.#room = larger.length;
  }

  /** After rows were added: keeps the shared count. */
  #account(): Promise<void> | undefined {
    const held = this.#count.capacity + 8 * this.#room + this.#pieces.bytes;
    if (held !== this.#heldBytes) this.#hold(held);
    return this.#memory.wait();
  }

  #hold(bytes: number): void {
    const more = bytes - this.#heldBytes;
    this.#heldBytes = bytes;
    this.#memory.hold(this.#holder, more);
  }

  #spill(): void {
    this.#send();
    this.#count = { variable: 0, capacity: 0 };
    this.#rows = new MessageBuilder(this.ontology.fields, this.#count);
    this.#times = new BigInt64Array(START_CAPACITY);
    this.#room = START_CAPACITY;
    this.#account();
  }

  /** Sends the rows collected so far as one batch. */
  #send(): void {
    if (this.#pieces.bytes > 0) this.#write(this.#pieces.take());
    const rows = this.#rows.length;
    if (rows === 0) return;
    const columns: Columns = {
      rows,
      nodes: [rows, 0],
      buffers: [new Uint8Array(0), bytesOf(this.#times.subarray(0, rows))],
    };
    this.#rows.collectFields(columns);
    this.#write(columns);
    this.#rows.truncate(0);
  }

  #takeColumns(columns: Columns, areOwn = false): Promise<void> | undefined {
    const { rows } = columns;
    const bytes = bytesIn(columns);
    this.#rowCount += rows;
    this.#context.taken?.(bytes);
    if (this.#rows.length > 0) this.#send();
    if (rows === 0) return this.#account();
    if (rows < BATCH_ROWS * OWN_BATCH && bytes < BATCH_BYTES * OWN_BATCH) {
      this.#pieces.add(areOwn ? columns : copyColumns(columns), bytes);
      if (this.#pieces.isFull) this.#send();
      return this.#account();
    }
    this.#send();
    for (const part of cutColumns(this.#fields, columns, rowsPerBatch(rows, bytes))) this.#write(part);
    return this.#account();
  }

  #write(columns: Columns): void {
    const { sequence, topic, sink, memory } = this.#context;
    const { sorted, firstNs, lastNs } = inTimeOrder(this.#fields, columns);
    if (this.#newestNs === undefined || lastNs > this.#newestNs) this.#newestNs = lastNs;
    if (this.#oldestSentNs === undefined || firstNs < this.#oldestSentNs) this.#oldestSentNs = firstNs;
    this.#sent = sink.write(sorted, firstNs, lastNs).catch((reason) => {
      this.#failure ??= SmaltiError.from(reason, "IO").at({ sequence, topic });
    });
    memory.send(bytesIn(columns), this.#sent);
  }
}

function timeOf(message: { readonly timestampNs: TimestampNs }): bigint {
  const time = message?.timestampNs;
  // Most times there are.
  if (typeof time === "bigint" && time >= MIN_NS && time <= MAX_NS) return time;
  try {
    return toNs(time, "timestampNs");
  } catch (cause) {
    throw new SmaltiError("INVALID_MESSAGE", (cause as Error).message, { cause });
  }
}
