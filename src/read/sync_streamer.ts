import type { RecordBatch, Table } from "apache-arrow";
import { type Builder, createBuilder } from "../arrow/builder.ts";
import type { Columns } from "../arrow/columns.ts";
import { toRecordBatch, toTable } from "../arrow/interchange.ts";
import { SmaltiError } from "../error.ts";
import { type FieldSchema, TIMESTAMP_FIELD, typeName } from "../schema.ts";
import { MAX_NS, MIN_NS, type Window } from "../types.ts";
import { SyncCursor } from "./sync_cursor.ts";
import type { SyncField, SyncOptions, SyncPolicy, SyncRow } from "./sync_options.ts";
import { bufferedBytes } from "./streamer.ts";
import { timeWindow } from "./time_window.ts";
import type { TopicHandler } from "./topic_handler.ts";

const POLICIES: readonly SyncPolicy[] = ["hold", "asOf", "nearest", "linear", "drop"];
/** Rows of a batch. */
const BATCH_ROWS = 4096;
const FLOAT64 = { kind: "float", bits: 64 } as const;

/** One column of the table. */
interface Column {
  readonly name: string;
  readonly policy: SyncPolicy;
  readonly toleranceNs: bigint | undefined;
  readonly schema: FieldSchema;
  readonly cursor: SyncCursor;
}

/** The open streamer: its columns and its clock. */
interface Opened {
  readonly columns: readonly Column[];
  /** The next tick; undefined at the end. */
  readonly tick: () => Promise<bigint | undefined> | bigint | undefined;
  readonly close: () => Promise<void>;
}

/**
 * One pass over rows on one clock: at every tick the value that each field has then, by its policy
 * ({@linkcode SyncPolicy}). Iterate it row by row, or take it as Arrow columns for models and plots: `timestamp_ns`, then
 * the fields under the names they were given, nullable. Leaving the loop closes it.
 *
 * Made by {@linkcode SequenceHandler.getSyncStreamer}. All ways of reading share the one pass.
 */
export class SyncStreamer implements AsyncIterableIterator<SyncRow>, AsyncDisposable {
  readonly #openTopic: (name: string) => Promise<TopicHandler>;
  readonly #options: SyncOptions;
  readonly #window: Window;
  #opened: Promise<Opened> | undefined;
  #closed = false;
  /** The tick before. */
  #lastNs: bigint | undefined;

  /** @internal Use {@linkcode SequenceHandler.getSyncStreamer}. */
  constructor(sequence: string, openTopic: (name: string) => Promise<TopicHandler>, options: SyncOptions) {
    checkOptions(options);
    this.#openTopic = openTopic;
    this.#options = options;
    this.#window = timeWindow(options, `sequence "${sequence}"`);
  }

  /** Itself: it is one pass. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The row of the next tick; done after the last. NOT_FOUND, INVALID_ARGUMENT, CORRUPT, the signal's reason. */
  async next(): Promise<IteratorResult<SyncRow, undefined>> {
    try {
      if (this.#closed) return { done: true, value: undefined };
      this.#options.signal?.throwIfAborted();
      const { columns, tick } = await (this.#opened ??= this.#open());
      const ns = await tick();
      if (ns === undefined || this.#closed) {
        await this.close();
        return { done: true, value: undefined };
      }
      const late = columns.filter(({ cursor }) => !cursor.isAt(ns));
      if (late.length > 0) await Promise.all(late.map(({ cursor }) => cursor.moveTo(ns)));
      const values: Record<string, unknown> = {};
      for (const column of columns) values[column.name] = this.#valueAt(column, ns);
      this.#lastNs = ns;
      return { done: false, value: { timestampNs: ns, values } };
    } catch (reason) {
      await this.close();
      throw reason;
    }
  }

  /** Closes it, as leaving a loop does. */
  async return(): Promise<IteratorResult<SyncRow, undefined>> {
    await this.close();
    return { done: true, value: undefined };
  }

  /** The rows not yet read as apache-arrow RecordBatches of up to 4,096 rows. Loads apache-arrow. */
  async *toArrow(): AsyncGenerator<RecordBatch, void, undefined> {
    try {
      for (let part = await this.#collect(); part; part = await this.#collect()) {
        yield await toRecordBatch(part.fields, part.columns);
      }
    } finally {
      await this.close();
    }
  }

  /** The rows not yet read as one apache-arrow Table, held in memory whole. Loads apache-arrow. */
  async toTable(): Promise<Table> {
    const parts: Columns[] = [];
    const { columns } = await (this.#opened ??= this.#open());
    for (let part = await this.#collect(); part; part = await this.#collect()) parts.push(part.columns);
    return await toTable(fieldsOf(columns), parts);
  }

  /** Ends the pass and lets go of what it held. A second call does nothing. */
  async close(): Promise<void> {
    this.#closed = true;
    const opened = await this.#opened?.catch(() => undefined);
    await opened?.close();
  }

  /** Closes it. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #valueAt({ policy, toleranceNs, cursor: { before, after } }: Column, ns: bigint): unknown {
    const tolerance = toleranceNs ?? MAX_NS * 2n;
    switch (policy) {
      case "hold":
        return before?.value;
      case "asOf":
        return before !== undefined && ns - before.ns <= tolerance ? before.value : undefined;
      case "drop": {
        const { periodNs } = this.#options;
        const since = periodNs === undefined ? this.#lastNs ?? ns - 1n : ns - periodNs;
        return before !== undefined && before.ns > since ? before.value : undefined;
      }
      case "nearest": {
        const isLater = after !== undefined && (before === undefined || after.ns - ns < ns - before.ns);
        const nearest = isLater ? after : before;
        const distance = nearest === undefined ? 0n : isLater ? nearest.ns - ns : ns - nearest.ns;
        return distance <= tolerance ? nearest?.value : undefined;
      }
      case "linear": {
        if (before === undefined) return undefined;
        const from = Number(before.value);
        if (before.ns === ns) return from;
        if (after === undefined) return undefined;
        const part = Number(ns - before.ns) / Number(after.ns - before.ns);
        return from + (Number(after.value) - from) * part;
      }
    }
  }

  async #open(): Promise<Opened> {
    const { fields, onTopic, periodNs, signal, maxBufferedBytes } = this.#options;
    const names = new Set(Object.values(fields).map(({ topic }) => topic));
    const handlers = new Map(
      await Promise.all(
        [...names, ...(onTopic === undefined ? [] : [onTopic])].map(async (name) =>
          [name, await this.#openTopic(name)] as const
        ),
      ),
    );
    const { firstNs, lastNs } = this.#window;
    const spans = [...names].map((name) => handlers.get(name)!).filter(({ rowCount }) => rowCount > 0);
    const isOpen = this.#options.startNs === undefined;
    const startNs = !isOpen || spans.length === 0
      ? firstNs
      : spans.reduce((least, { firstNs }) => firstNs! < least ? firstNs! : least, MAX_NS);
    const columns = Object.entries(fields).map(([name, source]): Column => {
      const topic = handlers.get(source.topic)!;
      const policy = source.policy ?? this.#options.policy ?? "hold";
      const schema = findField(topic.fields.slice(1), source, policy, name);
      // What follows the window matters to those that look ahead.
      const looksAhead = policy === "nearest" || policy === "linear";
      const endNs = looksAhead ? MAX_NS + 1n : lastNs + 1n;
      const first = onTopic === undefined || !isOpen ? startNs : firstNs;
      const cursor = new SyncCursor(topic, source.field, first, endNs, { signal, maxBufferedBytes });
      return {
        name,
        policy,
        toleranceNs: source.toleranceNs ?? this.#options.toleranceNs,
        schema,
        cursor,
      };
    });
    const closeCursors = () => Promise.all(columns.map(({ cursor }) => cursor.close()));
    if (onTopic !== undefined) {
      const clock = handlers.get(onTopic)!.getDataStreamer({
        startNs: this.#options.startNs,
        endNs: this.#options.endNs,
        signal,
        maxBufferedBytes,
      });
      return {
        columns,
        tick: async () => (await clock.next()).value?.timestampNs,
        close: async () => void await Promise.all([clock.close(), closeCursors()]),
      };
    }
    const last = spans.reduce((most, { lastNs }) => lastNs! > most ? lastNs! : most, MIN_NS);
    const end = this.#options.endNs === undefined ? last : lastNs;
    // Where there is no message a bound that was left out is nowhere.
    const isNowhere = spans.length === 0 && (isOpen || this.#options.endNs === undefined);
    let next = isNowhere ? end + 1n : startNs;
    const tick = () => {
      const ns = next;
      next += periodNs!;
      return ns <= end ? ns : undefined;
    };
    return { columns, tick, close: async () => void await closeCursors() };
  }

  /** The next rows as columns; undefined at the end. */
  async #collect(): Promise<{ fields: FieldSchema[]; columns: Columns } | undefined> {
    const opened = await (this.#opened ??= this.#open());
    const fields = fieldsOf(opened.columns);
    const count = { variable: 0, capacity: 0 };
    const builders = fields.map((field): Builder => createBuilder(field, field.name, count));
    let rows = 0;
    while (rows < BATCH_ROWS) {
      const { done, value } = await this.next();
      if (done) break;
      builders[0].append(value.timestampNs);
      opened.columns.forEach(({ name }, i) => builders[i + 1].append(value.values[name]));
      rows++;
    }
    if (rows === 0) return undefined;
    const columns: Columns = { rows, nodes: [], buffers: [] };
    for (const builder of builders) builder.collect(columns);
    return { fields, columns };
  }
}

function fieldsOf(columns: readonly Column[]): FieldSchema[] {
  return [TIMESTAMP_FIELD, ...columns.map(({ schema }) => schema)];
}

/** The column's schema: that of the field at the path, under the column's name. */
function findField(
  fields: readonly FieldSchema[],
  { topic, field: path }: SyncField,
  policy: SyncPolicy,
  name: string,
): FieldSchema {
  let found: FieldSchema | undefined;
  let choices = fields;
  for (const part of path.split(".")) {
    found = choices.find((field) => field.name === part);
    if (!found) {
      throw new SmaltiError(
        "NOT_FOUND",
        `No field "${path}" in topic "${topic}": "${part}" is none of ${
          choices.map((field) => field.name).join(", ")
        }`,
        { topic },
      );
    }
    choices = found.type.kind === "struct" ? found.children : [];
  }
  const { type } = found!;
  if (policy === "linear") {
    if (type.kind !== "int" && type.kind !== "float") {
      throw new SmaltiError(
        "INVALID_ARGUMENT",
        `Cannot draw a line through field "${path}" of topic "${topic}": it is ${
          typeName(found!)
        }, wanted a number`,
        { topic },
      );
    }
    return { name, type: FLOAT64, nullable: true, children: [] };
  }
  return { ...found!, name, nullable: true };
}

/** Refuses what makes no sense before anything is opened. */
function checkOptions(options: SyncOptions): void {
  const { fields, periodNs, onTopic, policy = "hold", toleranceNs } = options;
  bufferedBytes(options);
  if ((periodNs === undefined) === (onTopic === undefined)) {
    throw new TypeError("Cannot sync: wanted either periodNs or onTopic");
  }
  if (periodNs !== undefined && !(typeof periodNs === "bigint" && periodNs > 0n)) {
    throw new RangeError(`Cannot sync: periodNs is ${String(periodNs)}, wanted a bigint above 0`);
  }
  for (const [name, field] of Object.entries(fields)) {
    const chosen = field.policy ?? policy;
    if (!POLICIES.includes(chosen)) {
      throw new TypeError(
        `Cannot sync "${name}": policy is ${String(chosen)}, wanted one of ${POLICIES.join(", ")}`,
      );
    }
    const tolerance = field.toleranceNs ?? toleranceNs;
    if (tolerance === undefined && chosen === "asOf") {
      throw new TypeError(`Cannot sync "${name}": policy asOf needs toleranceNs`);
    }
    if (tolerance !== undefined && !(typeof tolerance === "bigint" && tolerance >= 0n)) {
      throw new RangeError(
        `Cannot sync "${name}": toleranceNs is ${String(tolerance)}, wanted a bigint from 0 on`,
      );
    }
    if (name === TIMESTAMP_FIELD.name) {
      throw new TypeError(`Cannot sync a field called "${name}": that column is the clock`);
    }
  }
}
