import type { Columns } from "../arrow/columns.ts";
import { toRecordBatch, toTable } from "../arrow/tables.ts";
import type { LoadArrow, RecordBatch, Table } from "../arrow/library.ts";
import { compareNames } from "../names.ts";
import type { FieldSchema } from "../schema.ts";
import { TimeSlice } from "../util/time_slice.ts";
import { blockColumns } from "./merge/block_columns.ts";
import { type Message, RowMessage } from "./merge/message.ts";
import { MessageCursor } from "./merge/message_cursor.ts";
import type { RowBlock } from "./merge/row_block.ts";
import { type BlockSource, type MessageBlock, Streamer } from "./streamer.ts";
import type { TableOptions } from "./table_options.ts";

/** Several topics as tables, with the order between them. */
export interface MergedTables<T = Table> {
  /** Each topic's messages in time order, by topic name in ASCII order. */
  readonly tables: ReadonlyMap<string, T>;
  /** For each message in the strict order: the index of its topic in `tables`. */
  readonly topicIndex: Int32Array;
  /** For each message in the strict order: its row in that table. */
  readonly row: Int32Array;
}

/**
 * One pass over several topics of a sequence in strict time order: by timestamp, then topic name (ASCII), then order of
 * pushing. It gives `[topic, message]`; see {@linkcode Streamer}.
 *
 * @example
 * ```ts
 * import { connect, Temperature } from "smalti";
 *
 * await using client = await connect("memory:");
 * await client.sequenceCreate("oven", {}, async (sequence) => {
 *   const topic = await sequence.topicCreate("chamber", { ontology: Temperature });
 *   await topic.push({ timestampNs: 5n, data: { value: 361.5 } });
 * });
 * const handler = await client.sequenceHandler("oven");
 * for await (const block of handler.getDataStreamer().batches()) {
 *   for (const [topic, message] of block) console.log(topic, message.timestampNs, message.data.value);
 * }
 * ```
 */
export class SequenceStreamer extends Streamer<[topic: string, message: Message]> {
  readonly #fields: () => Promise<ReadonlyMap<string, readonly FieldSchema[]>>;
  readonly #loadArrow: LoadArrow;

  /** @internal Use {@linkcode SequenceHandler.getDataStreamer}. */
  constructor(
    open: () => Promise<BlockSource>,
    fields: () => Promise<ReadonlyMap<string, readonly FieldSchema[]>>,
    loadArrow: LoadArrow,
    signal: AbortSignal | undefined,
  ) {
    super(open, signal);
    this.#fields = fields;
    this.#loadArrow = loadArrow;
  }

  /** @internal */
  protected override blockOf(rows: RowBlock, firstNs: bigint): MessageBlock<[string, Message]> {
    return new SequenceBlock(rows, firstNs);
  }

  /** The messages not yet read as apache-arrow RecordBatches, a block at a time; copies. Loads apache-arrow. */
  async *toArrow(): AsyncGenerator<MergedTables<RecordBatch>, void, undefined> {
    try {
      for (
        let rows = await this.nextRows();
        rows;
        rows = await this.nextRows()
      ) {
        const fields = await this.#fields();
        const tables = new Map<string, RecordBatch>();
        const parts = blockColumns(rows).sort((a, b) => compareNames(a.topic, b.topic));
        for (const { topic, columns } of parts) {
          tables.set(topic, await toRecordBatch(this.#loadArrow, fields.get(topic)!, columns));
        }
        yield {
          tables,
          ...orderOf(rows, [...tables.keys()], new Int32Array(tables.size)),
        };
      }
    } finally {
      await this.close();
    }
  }

  /**
   * The messages not yet read as one apache-arrow Table a topic; copies, held in memory whole. Loads apache-arrow.
   * TOO_LARGE where they are more than `maxRows`, all topics together.
   */
  async toTable(options: TableOptions = {}): Promise<MergedTables> {
    const batches = new Map<string, Columns[]>();
    const orders: Order[] = [];
    /** Names and row counts of the topics so far, in the order of their first messages. */
    const names: string[] = [];
    const counts: number[] = [];
    await this.takeAll(options, (rows) => {
      for (const { topic, columns } of blockColumns(rows)) {
        const parts = batches.get(topic);
        if (parts) parts.push(columns);
        else {
          batches.set(topic, [columns]);
          names.push(topic);
          counts.push(0);
        }
      }
      orders.push(orderOf(rows, names, counts));
    });
    // Not before: a sequence that is followed may have had more topics at its end than at first.
    const fields = await this.#fields();
    const tables = new Map<string, Table>();
    const slice = new TimeSlice();
    for (const [topic, schema] of fields) {
      tables.set(topic, await toTable(this.#loadArrow, schema, batches.get(topic) ?? [], slice));
    }
    const sorted = [...fields.keys()];
    const indices = names.map((name) => sorted.indexOf(name));
    return { tables, ...await joinOrders(orders, indices, slice) };
  }
}

type Order = Pick<MergedTables, "topicIndex" | "row">;

/** Where each row of a block is: its topic's index in `names`, and its number there, counted on from `counts`. */
function orderOf(
  block: RowBlock,
  names: readonly string[],
  counts: Int32Array | number[],
): Order {
  const { runs, length, batches } = block;
  const indices = new Map(names.map((name, index) => [name, index]));
  const indexOfRun = batches.map((batch) => (batch ? indices.get(batch.name) : undefined) ?? -1);
  const topicIndex = new Int32Array(length);
  const row = new Int32Array(length);
  for (let i = 0; i < length; i++) {
    topicIndex[i] = indexOfRun[runs[i]];
    row[i] = counts[topicIndex[i]]++;
  }
  return { topicIndex, row };
}

/** The orders of several blocks as one, where topic `i` of theirs is the one at `indices[i]`. */
async function joinOrders(
  orders: readonly Order[],
  indices: readonly number[],
  slice: TimeSlice,
): Promise<Order> {
  const length = orders.reduce((sum, { row }) => sum + row.length, 0);
  const whole = { topicIndex: new Int32Array(length), row: new Int32Array(length) };
  let at = 0;
  for (const { topicIndex, row } of orders) {
    await slice.pause();
    whole.topicIndex.set(topicIndex.map((i) => indices[i]), at);
    whole.row.set(row, at);
    at += row.length;
  }
  return whole;
}

class SequenceBlock implements MessageBlock<[string, Message]> {
  readonly #rows: RowBlock;
  readonly #firstNs: bigint;

  constructor(rows: RowBlock, firstNs: bigint) {
    this.#rows = rows;
    this.#firstNs = firstNs;
  }

  get length(): number {
    return this.#rows.length;
  }

  at(index: number): [string, Message] {
    const { runs, rows, batches } = this.#rows;
    const from = batches[runs[index]]!;
    return [from.name, new RowMessage(from, rows[index])];
  }

  cursor(fromNs: bigint = this.#firstNs): MessageCursor {
    return new MessageCursor(this.#rows, fromNs);
  }

  [Symbol.iterator](): Iterator<[string, Message]> {
    const { runs, rows, batches, length } = this.#rows;
    let i = 0;
    return {
      next(): IteratorResult<[string, Message]> {
        if (i >= length) return { done: true, value: undefined };
        const from = batches[runs[i]]!;
        const message = new RowMessage(from, rows[i]);
        i++;
        return { done: false, value: [from.name, message] };
      },
    };
  }
}
