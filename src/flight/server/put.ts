/**
 * DoPut: one topic's upload.
 *
 * @module
 */
import { Code, ConnectError } from "@connectrpc/connect";
import { BATCH_ROWS, BatchPieces, copyColumns, cutColumns, rowsPerBatch } from "../../arrow/batching.ts";
import { bytesIn, type Columns } from "../../arrow/columns.ts";
import { decodeSchemaMessage } from "../../arrow/decode.ts";
import { Dictionaries } from "../../arrow/dictionaries.ts";
import { MessageType } from "../../engine/batch_message.ts";
import { checkNulls } from "../../arrow/interchange.ts";
import { inTimeOrder, timesOf } from "../../arrow/rearrange.ts";
import { rangePicks, take } from "../../arrow/take.ts";
import type { Backend, TopicSink } from "../../backend.ts";
import { decompressedBytes, openBatch } from "../../arrow/stored_batch.ts";
import type { Engine } from "../../engine.ts";
import { SmaltiError } from "../../error.ts";
import { type FieldSchema, plainFields, TIMESTAMP_FIELD, typeName } from "../../schema.ts";
import { giveBytes } from "../../util/buffer_pool.ts";
import { totals } from "../../util/totals.ts";
import type { ReceivedData } from "../data_frames.ts";
import { locatorOf } from "../locator.ts";
import { CMD } from "../protocol.ts";
import { readBody, textMember } from "./body.ts";
import type { ByteBudget } from "./byte_budget.ts";
import { checkText } from "../../arrow/check_text.ts";
import type { OpenTopic, Sessions } from "./sessions.ts";

/** How much larger than a message may be what it holds when it is decompressed. */
const MAX_RATIO = 4;

/** What an upload needs. */
export interface PutContext {
  readonly backend: Pick<Backend, "engine">;
  readonly sessions: Sessions;
  /** Bytes of a message at most. */
  readonly maxMessageBytes: number;
  /** Bytes of what is decompressed, of all uploads together. */
  readonly rawBudget: ByteBudget;
  /** Bytes of dictionaries, of all uploads together. */
  readonly dictionaryBudget: ByteBudget;
}

/** Stores what a client uploads. Resolves at the stream's end; the topic is whole then. */
export async function putTopic(
  requests: AsyncIterable<ReceivedData>,
  context: PutContext,
  signal: AbortSignal,
): Promise<void> {
  const { sessions } = context;
  let topic: OpenTopic | undefined;
  let rows: RowCollector | undefined;
  try {
    for await (const data of requests) {
      if (!topic) {
        topic = begin(data, sessions);
        rows = await open(topic, data, context, signal);
      } else await rows!.add(data);
    }
    if (!topic) throw new SmaltiError("INVALID_ARGUMENT", "Upload ended before its descriptor and schema");
    await rows!.end();
    sessions.endUpload(topic, "uploaded");
  } catch (reason) {
    // What is on its way to the store has to arrive before anybody may end the session.
    await rows?.settle();
    if (topic) sessions.endUpload(topic, "broken");
    throw uploadError(reason, topic);
  } finally {
    rows?.close();
  }
}

/** What is wrong with bytes that a client sent is the client's mistake, not damage of the store. */
function uploadError(reason: unknown, topic: OpenTopic | undefined): unknown {
  if (!(reason instanceof SmaltiError)) return reason;
  const code = reason.code === "CORRUPT" || reason.code === "UNSUPPORTED" ? "INVALID_MESSAGE" : reason.code;
  if (!topic) return new SmaltiError(code, reason.rawMessage, { cause: reason });
  const { name, session: { sequence } } = topic;
  const text = `Cannot upload topic "${locatorOf(sequence, name)}": ${reason.rawMessage}`;
  return new SmaltiError(code, text, { sequence, topic: name, cause: reason });
}

function begin({ descriptor }: ReceivedData, sessions: Sessions): OpenTopic {
  if (descriptor?.type !== CMD) {
    throw new SmaltiError("INVALID_ARGUMENT", "Upload has no descriptor with a command in its first message");
  }
  const command = readBody(descriptor.cmd, "Descriptor of the upload");
  return sessions.beginUpload(textMember(command, "resource_locator"), textMember(command, "topic_uuid"));
}

async function open(
  topic: OpenTopic,
  { arrow }: ReceivedData,
  context: PutContext,
  signal: AbortSignal,
): Promise<RowCollector> {
  if (arrow?.type !== MessageType.schema) throw unexpected("begins with another message than a schema");
  const { fields } = decodeSchemaMessage(arrow.message);
  checkTable(fields);
  const dictionaries = new Dictionaries(context.backend.engine, fields);
  const sink = await topic.session.sink.createTopic(topic.name, {
    ...topic.schema,
    fields: plainFields(fields),
  });
  return new RowCollector(topic, sink, { fields, dictionaries }, context, signal);
}

/** Refuses tables that are no topic's. */
function checkTable(fields: readonly FieldSchema[]): void {
  const at = fields.findIndex((field) => field.name === TIMESTAMP_FIELD.name);
  const seen = at < 0 ? "missing" : `column ${at}, ${typeName(fields[at])}`;
  if (seen !== "column 0, int64") {
    throw new SmaltiError("INVALID_MESSAGE", `"timestamp_ns" is ${seen}: wanted column 0, int64`);
  }
  const names = new Set(fields.map((field) => field.name));
  if (names.size < fields.length) {
    throw new SmaltiError("INVALID_MESSAGE", "Two columns have one name: wanted names of their own");
  }
}

/** Columns as a client sends them. */
interface SentColumns {
  readonly fields: readonly FieldSchema[];
  readonly dictionaries: Dictionaries;
}

function unexpected(what: string): ConnectError {
  return new ConnectError(`Upload ${what}`, Code.Aborted);
}

/** Batches as a client sends them -> batches as they are stored: plain, sorted, and neither small nor huge. */
class RowCollector {
  readonly #topic: OpenTopic;
  readonly #sink: TopicSink;
  /** Columns as they are stored. */
  readonly #fields: readonly FieldSchema[];
  /** Columns as they are sent, and what their dictionaries hold. */
  readonly #sent: SentColumns;
  readonly #engine: Engine;
  readonly #maxRawBytes: number;
  readonly #rawBudget: ByteBudget;
  readonly #dictionaryBudget: ByteBudget;
  #dictionaryBytes = 0;
  readonly #signal: AbortSignal;
  readonly #pieces: BatchPieces;
  /** What the pieces are views of. */
  #messages: Uint8Array[] = [];
  /** The last two batches on their way to the store: while one is written, the next is made. */
  #written: readonly [before: Promise<void>, last: Promise<void>] = [Promise.resolve(), Promise.resolve()];

  constructor(
    topic: OpenTopic,
    sink: TopicSink,
    sent: SentColumns,
    { backend, maxMessageBytes, rawBudget, dictionaryBudget }: PutContext,
    signal: AbortSignal,
  ) {
    this.#topic = topic;
    this.#sink = sink;
    this.#sent = sent;
    this.#fields = plainFields(sent.fields);
    this.#dictionaryBudget = dictionaryBudget;
    this.#pieces = new BatchPieces(this.#fields);
    this.#engine = backend.engine;
    this.#maxRawBytes = MAX_RATIO * maxMessageBytes;
    this.#rawBudget = rawBudget;
    this.#signal = signal;
  }

  async add({ arrow }: ReceivedData): Promise<void> {
    // Metadata alone is legal in Flight, and nobody's here.
    if (!arrow) throw unexpected("has a message without Arrow data");
    const { type, message } = arrow;
    if (type !== MessageType.recordBatch && type !== MessageType.dictionaryBatch) {
      throw unexpected("has another message than a record batch");
    }
    const rawBytes = decompressedBytes(this.#engine, message);
    if (rawBytes > this.#maxRawBytes) {
      throw new SmaltiError(
        "TOO_LARGE",
        `a batch of ${message.length} bytes has ${rawBytes} decompressed: wanted at most ${this.#maxRawBytes}`,
      );
    }
    if (type === MessageType.dictionaryBatch) return this.#addDictionary(message);
    const isEncoded = this.#sent.fields !== this.#fields;
    // How much columns take without their encoding is known when they are read.
    const mostBytes = rawBytes + (isEncoded ? this.#maxRawBytes : 0);
    // Messages wait for their own memory before, and never after: so nobody waits for who waits for them.
    const release = mostBytes === 0 ? undefined : await this.#rawBudget.take(mostBytes, this.#signal);
    try {
      const columns = this.#read(message);
      const bytes = bytesIn(columns);
      if (isEncoded) release?.(rawBytes + bytes);
      await this.#addColumns(columns, bytes, message);
    } finally {
      release?.();
    }
  }

  /** A dictionary is held until another takes its place, for which an upload cannot wait: so it is refused. */
  #addDictionary(message: Uint8Array): void {
    const { dictionaries } = this.#sent;
    this.#holdDictionaries(dictionaries.bytes + dictionaries.bytesOf(message));
    dictionaries.add(message, {}, this.#maxRawBytes);
    this.#holdDictionaries(dictionaries.bytes);
  }

  #holdDictionaries(bytes: number): void {
    const more = bytes - this.#dictionaryBytes;
    if (more > 0 && !this.#dictionaryBudget.tryTake(more)) {
      throw new SmaltiError(
        "TOO_LARGE",
        `dictionaries of ${bytes} bytes are more than the server has left for them`,
      );
    }
    if (more < 0) this.#dictionaryBudget.free(-more);
    this.#dictionaryBytes = bytes;
  }

  /** Lets go of the dictionaries. */
  close(): void {
    this.#holdDictionaries(0);
  }

  async #addColumns(columns: Columns, bytes: number, message: Uint8Array): Promise<void> {
    if (columns.rows === 0) return;
    this.#note(columns, bytes);
    // Views on a message that is much larger would keep all of it.
    if (message.buffer.byteLength > 2 * bytes) {
      this.#pieces.add(copyColumns(columns), bytes);
      giveBytes(message);
    } else {
      this.#pieces.add(columns, bytes);
      this.#messages.push(message);
    }
    if (this.#pieces.isFull) await this.#store();
  }

  /** For who asks how far the upload is. All times are not looked at: most clients send rows in their order. */
  #note(columns: Columns, sizeBytes: number): void {
    const times = timesOf(columns);
    const rowCount = columns.rows;
    const ends = [times[0], times[rowCount - 1]].map((ns) => {
      return { rowCount: 0, sizeBytes: 0, firstNs: ns, lastNs: ns };
    });
    this.#topic.received = totals([this.#topic.received, { rowCount, sizeBytes }, ...ends]);
  }

  async end(): Promise<void> {
    await this.#store();
    await Promise.all(this.#written);
  }

  /** Resolves when nothing is on its way any more, whatever came of it. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#written);
  }

  #read(message: Uint8Array): Columns {
    const { fields, dictionaries: { known: dictionaries } } = this.#sent;
    const { table, rows } = openBatch(this.#engine, message, { fields, dictionaries, where: {} });
    // Taken, not passed on: what a client claims of offsets and lengths is checked on the way.
    const columns = take([table], rangePicks(0, rows), this.#maxRawBytes);
    checkNulls(this.#fields, columns);
    checkText(this.#fields, columns);
    return columns;
  }

  /** Stores what has come together; waits for what was stored before, so that a client is slowed down to the disk. */
  async #store(): Promise<void> {
    const { bytes } = this.#pieces;
    if (bytes === 0) return;
    const whole = this.#pieces.take();
    const { rows } = whole;
    const full = rowsPerBatch(rows, bytes);
    // What is little more than a batch is one.
    const size = rows <= 2 * full && rows <= BATCH_ROWS ? rows : full;
    for (const part of cutColumns(this.#fields, whole, size)) {
      const { sorted, firstNs, lastNs } = inTimeOrder(this.#fields, part);
      const [before, last] = this.#written;
      await before;
      const { ending, locator } = this.#topic.session;
      // After its end a sink takes nothing more; the server may have been stopped meanwhile.
      if (ending) throw new SmaltiError("CLOSED", `session ${locator} has ended`);
      const next = this.#sink.write(sorted, firstNs, lastNs);
      next.catch(() => {}); // whoever awaits it is told
      this.#written = [last, next];
    }
    // The sink has read all of them.
    for (const message of this.#messages.splice(0)) giveBytes(message);
  }
}
