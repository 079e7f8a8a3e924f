import type { Columns } from "../arrow/columns.ts";
import { toRecordBatch, toTable } from "../arrow/tables.ts";
import type { LoadArrow, RecordBatch, Table } from "../arrow/library.ts";
import type { FieldSchema } from "../schema.ts";
import { blockColumns } from "./merge/block_columns.ts";
import { type Message, RowMessage } from "./merge/message.ts";
import { MessageCursor } from "./merge/message_cursor.ts";
import type { RowBlock } from "./merge/row_block.ts";
import { type BlockSource, type MessageBlock, Streamer } from "./streamer.ts";
import type { TableOptions } from "./table_options.ts";

/**
 * One pass over the messages of one topic, in time order; see {@linkcode Streamer}.
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
 * const topic = await client.topicHandler("oven", "chamber");
 * for await (const message of topic.getDataStreamer({ startNs: 0n })) {
 *   console.log(message.timestampNs, message.getData(Temperature).value);
 * }
 * ```
 */
export class TopicStreamer extends Streamer<Message> {
  readonly #fields: () => Promise<readonly FieldSchema[]>;
  readonly #loadArrow: LoadArrow;

  /** @internal Use {@linkcode TopicHandler.getDataStreamer}. */
  constructor(
    open: () => Promise<BlockSource>,
    fields: () => Promise<readonly FieldSchema[]>,
    loadArrow: LoadArrow,
    signal: AbortSignal | undefined,
  ) {
    super(open, signal);
    this.#fields = fields;
    this.#loadArrow = loadArrow;
  }

  /** @internal */
  protected override blockOf(rows: RowBlock, firstNs: bigint): MessageBlock<Message> {
    return new TopicBlock(rows, firstNs);
  }

  /** The messages not yet read as one apache-arrow RecordBatch a block, in order; copies. Loads apache-arrow. */
  async *toArrow(): AsyncGenerator<RecordBatch, void, undefined> {
    try {
      for (
        let rows = await this.nextRows();
        rows;
        rows = await this.nextRows()
      ) {
        yield await toRecordBatch(
          this.#loadArrow,
          await this.#fields(),
          blockColumns(rows)[0].columns,
        );
      }
    } finally {
      await this.close();
    }
  }

  /**
   * The messages not yet read as one apache-arrow Table, in order; copies, held in memory whole. Loads apache-arrow.
   * TOO_LARGE where they are more than `maxRows`.
   */
  async toTable(options: TableOptions = {}): Promise<Table> {
    const batches: Columns[] = [];
    await this.takeAll(options, (rows) => batches.push(blockColumns(rows)[0].columns));
    return await toTable(this.#loadArrow, await this.#fields(), batches);
  }
}

class TopicBlock implements MessageBlock<Message> {
  readonly #rows: RowBlock;
  readonly #firstNs: bigint;

  constructor(rows: RowBlock, firstNs: bigint) {
    this.#rows = rows;
    this.#firstNs = firstNs;
  }

  get length(): number {
    return this.#rows.length;
  }

  at(index: number): Message {
    const { runs, rows, batches } = this.#rows;
    return new RowMessage(batches[runs[index]]!, rows[index]);
  }

  cursor(fromNs: bigint = this.#firstNs): MessageCursor {
    return new MessageCursor(this.#rows, fromNs);
  }

  [Symbol.iterator](): Iterator<Message> {
    const { runs, rows, batches, length } = this.#rows;
    let i = 0;
    return {
      next(): IteratorResult<Message> {
        if (i >= length) return { done: true, value: undefined };
        const value = new RowMessage(batches[runs[i]]!, rows[i]);
        i++;
        return { done: false, value };
      },
    };
  }
}
