import type { Builder } from "../../arrow/field_builder.ts";
import type { Columns } from "../../arrow/columns.ts";
import { toRecordBatch, toTable } from "../../arrow/tables.ts";
import type { LoadArrow, RecordBatch, Table } from "../../arrow/library.ts";
import type { FieldSchema } from "../../schema.ts";
import { TimeSlice } from "../../util/time_slice.ts";
import { Turns } from "../../util/turns.ts";
import { MAX_NS, MIN_NS, type Window } from "../../types.ts";
import { PeriodClock } from "./sync_clock.ts";
import { closeAll, type Column, fieldsOf, maxGapOf, type Opened, type SyncTopic } from "./opened_sync.ts";
import {
  checkSync,
  type SyncFields,
  type SyncOptions,
  type SyncRow,
  type SyncValues,
} from "./sync_options.ts";
import { checkRows, rowLimit, type TableOptions } from "../table_options.ts";
import { timeWindow } from "../time_window.ts";

/** Rows of a batch. */
const BATCH_ROWS = 4096;
/** Rows of a table at most, unless told. */
const TABLE_ROWS = 10_000_000;
/** Rows and messages between two looks at the time. */
const SLICE_ROWS = 64;
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
    this.#window = timeWindow(options, `Cannot stream sequence "${sequence}"`);
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
    else this.#gapsUntilNs = undefined;
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
    const maxGapNs = maxGapOf(this.#options);
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
    return this.#opened =
      await (this.#opening ??= import("./sync_columns.ts").then(({ openColumns }) =>
        openColumns(this.#sequence, this.#openTopic, this.#options, this.#window)
      ));
  }

  /** The next rows as columns; undefined at the end. */
  #collect(): Promise<{ fields: FieldSchema[]; columns: Columns } | undefined> {
    return this.#turns.take(async () => {
      const [opened, { createBuilder }] = await Promise.all([
        this.#open(),
        import("../../arrow/builder.ts"),
      ]);
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
