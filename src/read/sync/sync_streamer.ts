import { type Builder, createBuilder } from "../../arrow/builder.ts";
import type { Columns } from "../../arrow/columns.ts";
import { toRecordBatch, toTable } from "../../arrow/interchange.ts";
import type { LoadArrow, RecordBatch, Table } from "../../arrow/library.ts";
import { SmaltiError } from "../../error.ts";
import { type FieldSchema, TIMESTAMP_FIELD, typeName } from "../../schema.ts";
import { didYouMean } from "../../util/nearest.ts";
import { TimeSlice } from "../../util/time_slice.ts";
import { Turns } from "../../util/turns.ts";
import { MAX_NS, MIN_NS, type Window } from "../../types.ts";
import type { FieldSource } from "./last_value.ts";
import { MessageGaps } from "./message_gaps.ts";
import { PeriodClock, spanOf, type SyncClock, TopicClock } from "./sync_clock.ts";
import { SyncCursor } from "./sync_cursor.ts";
import {
  checkSync,
  type SyncField,
  type SyncFields,
  type SyncOptions,
  type SyncPolicy,
  type SyncRow,
  type SyncValues,
} from "./sync_options.ts";
import { checkRows, rowLimit, type TableOptions } from "../table_options.ts";
import { timeWindow } from "../time_window.ts";
import type { TopicHandler } from "../topic_handler.ts";

/** Rows of a batch. */
const BATCH_ROWS = 4096;
/** Rows of a table at most, unless told. */
const TABLE_ROWS = 10_000_000;
/** Ticks between two messages at most, unless told. */
const GAP_TICKS = 10_000_000n;
/** Rows and messages between two looks at the time. */
const SLICE_ROWS = 64;
const FLOAT64 = { kind: "float", bits: 64 } as const;

/** The first column of the table. */
const TICK_FIELD: FieldSchema = {
  ...TIMESTAMP_FIELD,
  metadata: {
    description: "Tick of the clock that the fields were brought onto, in nanoseconds.",
    unit: "ns",
  },
};

/** One column of the table. */
interface Column {
  readonly name: string;
  readonly topic: string;
  readonly policy: SyncPolicy;
  readonly toleranceNs: bigint | undefined;
  readonly schema: FieldSchema;
  readonly cursor: SyncCursor;
}

/** The open streamer. */
interface Opened {
  readonly columns: readonly Column[];
  readonly clock: SyncClock;
}

/** A topic open for reading: as users have it, and what is behind it. */
export interface SyncTopic {
  readonly handler: TopicHandler;
  readonly source: FieldSource["source"];
}

/**
 * One pass over rows on one clock: at every tick the value that each field has then, by its policy
 * ({@linkcode SyncPolicy}). Iterate it row by row, or take it as Arrow columns for models and plots: `timestamp_ns`, then
 * the fields under the names they were given, nullable. Leaving the loop closes it.
 *
 * Made by {@linkcode SequenceHandler.getSyncStreamer}. All ways of reading share the one pass; calls side by side are served
 * one after another. After an error it is closed.
 */
export class SyncStreamer<F extends SyncFields = SyncFields>
  implements AsyncIterableIterator<SyncRow<F>>, AsyncDisposable {
  readonly #sequence: string;
  readonly #openTopic: (name: string) => Promise<SyncTopic>;
  readonly #loadArrow: LoadArrow;
  readonly #options: SyncOptions<F>;
  readonly #window: Window;
  /** After an error it is closed. */
  readonly #turns = new Turns(() => this.close());
  readonly #slice = new TimeSlice();
  #opening: Promise<Opened> | undefined;
  /** Once it is open. */
  #opened: Opened | undefined;
  #closed = false;
  /** The tick before. */
  #lastNs: bigint | undefined;
  /** Rows to give out and messages to pass before the event loop may be due a turn. */
  #untilPause = SLICE_ROWS;
  /** The first tick at which gaps between messages may be others; undefined for never. */
  #gapsUntilNs: bigint | undefined = MIN_NS;

  /** @internal Use {@linkcode SequenceHandler.getSyncStreamer}. */
  constructor(
    sequence: string,
    openTopic: (name: string) => Promise<SyncTopic>,
    loadArrow: LoadArrow,
    options: SyncOptions<F>,
  ) {
    checkSync(options);
    this.#sequence = sequence;
    this.#openTopic = openTopic;
    this.#loadArrow = loadArrow;
    this.#options = options;
    this.#window = timeWindow(options, `sequence "${sequence}"`);
  }

  /** Itself: it is one pass. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /**
   * The row of the next tick; done after the last. NOT_FOUND, INVALID_ARGUMENT, CORRUPT, RangeError where there is no
   * message for too long (`maxGapNs`), the signal's reason.
   */
  next(): Promise<IteratorResult<SyncRow<F>, undefined>> {
    const atHand = this.#turns.isIdle ? this.#rowAtHand() : undefined;
    if (atHand) return Promise.resolve({ done: false, value: atHand });
    return this.#turns.take(async () => {
      const value = this.#rowAtHand() ?? await this.#readRow();
      return value ? { done: false, value } : { done: true, value: undefined };
    });
  }

  /** Closes it, as leaving a loop does. */
  async return(): Promise<IteratorResult<SyncRow<F>, undefined>> {
    await this.close();
    return { done: true, value: undefined };
  }

  /** The rows not yet read as apache-arrow RecordBatches of up to 4,096 rows. Loads apache-arrow. */
  async *toArrow(): AsyncGenerator<RecordBatch, void, undefined> {
    try {
      for (let part = await this.#collect(); part; part = await this.#collect()) {
        yield await toRecordBatch(this.#loadArrow, part.fields, part.columns);
      }
    } finally {
      await this.close();
    }
  }

  /**
   * The rows not yet read as one apache-arrow Table, held in memory whole. Loads apache-arrow. TOO_LARGE where they are more
   * than `maxRows`; of a clock with a period that is known from the start.
   */
  async toTable(options: TableOptions = {}): Promise<Table> {
    const maxRows = rowLimit(options, TABLE_ROWS);
    const where = { sequence: this.#sequence };
    const parts: Columns[] = [];
    const { columns, clock } = await this.#turns.take(() => this.#open());
    let rows = 0;
    try {
      for (let part = await this.#collect(); part; part = await this.#collect()) {
        parts.push(part.columns);
        rows += part.columns.rows;
        checkRows(BigInt(rows) + clock.left, maxRows, where, clock.left > 0n);
      }
    } catch (reason) {
      await this.close();
      throw reason;
    }
    return await toTable(this.#loadArrow, fieldsOf(columns), parts);
  }

  /** Ends the pass and lets go of what it held. A second call does nothing. */
  async close(): Promise<void> {
    this.#closed = true;
    const opened = await this.#opening?.catch(() => undefined);
    if (opened) await closeAll(opened);
  }

  /** Closes it. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The next row, where nothing has to be waited for: neither messages nor a turn of the event loop that is due. */
  #rowAtHand(): SyncRow<F> | undefined {
    const opened = this.#opened;
    if (!opened || this.#closed || this.#options.signal?.aborted || --this.#untilPause < 0) return undefined;
    const { columns, clock } = opened;
    const ns = clock.peek();
    if (ns === undefined || this.#gapsUntilNs !== undefined && ns >= this.#gapsUntilNs) return undefined;
    for (const { cursor } of columns) {
      const passed = cursor.moveAtHand(ns);
      if (passed === undefined) return undefined;
      this.#untilPause -= passed;
    }
    return this.#rowAt(opened, ns);
  }

  /** The next row; undefined at the end, and once it is closed. */
  async #readRow(): Promise<SyncRow<F> | undefined> {
    const { signal } = this.#options;
    if (this.#closed) return undefined;
    await this.#slice.pause();
    this.#untilPause = SLICE_ROWS;
    signal?.throwIfAborted();
    const opened = this.#opened ?? await this.#open();
    const { columns, clock } = opened;
    let ns = clock.peek();
    if (ns === undefined && await clock.load()) ns = clock.peek();
    signal?.throwIfAborted();
    if (ns === undefined) await this.close();
    if (ns === undefined || this.#closed) return undefined;
    const late = columns.filter(({ cursor }) => cursor.moveAtHand(ns) === undefined);
    if (late.length > 0) await Promise.all(late.map(({ cursor }) => cursor.moveTo(ns)));
    signal?.throwIfAborted();
    if (this.#closed) return undefined;
    if (clock instanceof PeriodClock) this.#checkGaps(columns, clock, ns);
    return this.#rowAt(opened, ns);
  }

  #rowAt({ columns, clock }: Opened, ns: bigint): SyncRow<F> {
    const values: Record<string, unknown> = {};
    for (const column of columns) values[column.name] = this.#valueAt(column, ns);
    this.#lastNs = ns;
    clock.pass();
    return { timestampNs: ns, values: values as SyncValues<F> };
  }

  /** Refuses to tick on and on where there is no message: as a rule one of the two has a wrong time. RangeError. */
  #checkGaps(columns: readonly Column[], clock: PeriodClock, ns: bigint): void {
    if (this.#gapsUntilNs === undefined || ns < this.#gapsUntilNs) return;
    let from: { ns: bigint; topic: string } | undefined;
    let to: { ns: bigint; topic: string } | undefined;
    let isGap = true;
    this.#gapsUntilNs = undefined;
    for (const { topic, cursor } of columns) {
      const { gap, untilNs } = cursor.gaps!.at(ns);
      if (untilNs !== undefined && (this.#gapsUntilNs === undefined || untilNs < this.#gapsUntilNs)) {
        this.#gapsUntilNs = untilNs;
      }
      if (!gap) isGap = false;
      else {
        const { fromNs, toNs } = gap;
        if (fromNs !== undefined && (!from || fromNs > from.ns)) from = { ns: fromNs, topic };
        if (toNs !== undefined && (!to || toNs < to.ns)) to = { ns: toNs, topic };
      }
    }
    if (!isGap || !from || !to) return;
    const firstNs = from.ns > clock.firstNs ? from.ns : clock.firstNs;
    const lastNs = to.ns < clock.lastNs ? to.ns : clock.lastNs;
    const { maxGapNs = GAP_TICKS * clock.periodNs } = this.#options;
    if (lastNs - firstNs <= maxGapNs) return;
    throw new RangeError(
      `Cannot sync sequence "${this.#sequence}" every ${clock.periodNs} ns: there are ${
        (lastNs - firstNs) / clock.periodNs
      } ticks and no message between ${from.ns} ns (topic "${from.topic}") and ${to.ns} ns (topic "${to.topic}"), ` +
        `wanted at most ${maxGapNs} ns; set startNs or endNs, or maxGapNs`,
    );
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
        const [from, to] = [Number(before.value), Number(after?.value)];
        if (before.ns === ns) return from;
        if (after === undefined) return undefined;
        const part = Number(ns - before.ns) / Number(after.ns - before.ns);
        const step = to - from;
        // Each of the two may be finite, and what is between them not.
        return Number.isFinite(step) ? from + step * part : from * (1 - part) + to * part;
      }
    }
  }

  async #open(): Promise<Opened> {
    return this.#opened = await (this.#opening ??= this.#openAll());
  }

  async #openAll(): Promise<Opened> {
    const { fields, onTopic, periodNs, signal, maxBufferedBytes, startNs, endNs } = this.#options;
    const { maxGapNs = GAP_TICKS * (periodNs ?? 1n) } = this.#options;
    const names = new Set(Object.values(fields).map(({ topic }) => topic));
    const topics = new Map(
      await Promise.all(
        [...names, ...(onTopic === undefined ? [] : [onTopic])].map(async (name) =>
          [name, await this.#openTopic(name)] as const
        ),
      ),
    );
    const window = this.#window;
    const span = spanOf([...names].map((name) => topics.get(name)!.handler));
    const firstNs = startNs === undefined && span ? span.firstNs : window.firstNs;
    const columns = Object.entries(fields).map(([name, source]): Column => {
      const { handler, source: topicSource } = topics.get(source.topic)!;
      const policy = source.policy ?? this.#options.policy ?? "hold";
      const schema = findField(handler.fields.slice(1), source, policy, name);
      // What follows the window matters to those that look ahead.
      const looksAhead = policy === "nearest" || policy === "linear";
      const cursor = new SyncCursor(
        handler,
        { sequence: this.#sequence, source: topicSource, path: source.field.split(".") },
        {
          fromNs: onTopic === undefined ? firstNs : window.firstNs,
          endNs: looksAhead ? MAX_NS + 1n : window.lastNs + 1n,
        },
        onTopic === undefined ? new MessageGaps(maxGapNs) : undefined,
        { signal, maxBufferedBytes },
      );
      const toleranceNs = source.toleranceNs ?? this.#options.toleranceNs;
      return { name, topic: handler.name, policy, toleranceNs, schema, cursor };
    });
    if (onTopic !== undefined) {
      const ticks = topics.get(onTopic)!.handler.getDataStreamer({
        startNs,
        endNs,
        signal,
        maxBufferedBytes,
      });
      this.#gapsUntilNs = undefined;
      return { columns, clock: new TopicClock(ticks) };
    }
    // Without a message there is no time to begin or to end at, unless both are given.
    const isNowhere = !span && (startNs === undefined || endNs === undefined);
    const lastNs = isNowhere ? firstNs - 1n : endNs === undefined ? span!.lastNs : window.lastNs;
    return { columns, clock: new PeriodClock(firstNs, lastNs, periodNs!) };
  }

  /** The next rows as columns; undefined at the end. */
  #collect(): Promise<{ fields: FieldSchema[]; columns: Columns } | undefined> {
    return this.#turns.take(async () => {
      const opened = await this.#open();
      const fields = fieldsOf(opened.columns);
      const count = { variable: 0, capacity: 0 };
      const builders = fields.map((field): Builder => createBuilder(field, field.name, count));
      let rows = 0;
      while (rows < BATCH_ROWS) {
        const row = this.#rowAtHand() ?? await this.#readRow();
        if (!row) break;
        builders[0].append(row.timestampNs);
        opened.columns.forEach(({ name }, i) => builders[i + 1].append(row.values[name]));
        rows++;
      }
      if (rows === 0) return undefined;
      const columns: Columns = { rows, nodes: [], buffers: [] };
      for (const builder of builders) builder.collect(columns);
      return { fields, columns };
    });
  }
}

async function closeAll({ columns, clock }: Opened): Promise<void> {
  await Promise.all([clock.close(), ...columns.map(({ cursor }) => cursor.close())]);
}

function fieldsOf(columns: readonly Column[]): FieldSchema[] {
  return [TICK_FIELD, ...columns.map(({ schema }) => schema)];
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
      const names = choices.map((field) => field.name);
      throw new SmaltiError(
        "NOT_FOUND",
        `No field "${path}" in topic "${topic}": "${part}" is none of ${names.join(", ")}${
          didYouMean(part, names)
        }`,
        { topic },
      );
    }
    choices = found.type.kind === "struct" ? found.children : [];
  }
  const { type, metadata } = found!;
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
    return { name, type: FLOAT64, nullable: true, children: [], ...(metadata && { metadata }) };
  }
  return { ...found!, name, nullable: true };
}
