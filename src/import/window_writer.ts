import { bytesOf, type Columns } from "../arrow/columns.ts";
import { columnsFrom } from "../arrow/columns_from.ts";
import { timesOf, vectorsOf } from "../arrow/rearrange.ts";
import { take } from "../arrow/take.ts";
import { type FieldSchema, TIMESTAMP_FIELD } from "../schema.ts";
import type { Window } from "../types.ts";
import type { TopicColumns, TopicMessage } from "../write/topic_writer.ts";
import type { Row, RowWriter } from "./message_decoder.ts";

/** Writes the rows whose times are in a window, and leaves out the others. */
export class WindowWriter implements RowWriter {
  readonly #writer: RowWriter;
  readonly #fields: readonly FieldSchema[];
  readonly #window: Window;

  /** @param fields Columns of the topic beside the time. */
  constructor(writer: RowWriter, fields: readonly FieldSchema[], window: Window) {
    this.#writer = writer;
    this.#fields = fields;
    this.#window = window;
  }

  push(message: TopicMessage<Row>): Promise<void> | undefined {
    const { timestampNs } = message;
    if (typeof timestampNs === "bigint" && !this.#has(timestampNs)) return undefined;
    return this.#writer.push(message);
  }

  pushColumns({ timestampNs, ...data }: TopicColumns<Row>): Promise<void> | undefined {
    const { rows, nodes, buffers } = columnsFrom(this.#fields, timestampNs.length, data);
    return this.pushPrepared({
      rows,
      nodes: [rows, 0, ...nodes],
      buffers: [new Uint8Array(0), bytesOf(timestampNs), ...buffers],
    });
  }

  pushPrepared(columns: Columns): Promise<void> | undefined {
    const rows: number[] = [];
    timesOf(columns).forEach((ns, row) => {
      if (this.#has(ns)) rows.push(row);
    });
    if (rows.length === columns.rows) return this.#writer.pushPrepared(columns);
    if (rows.length === 0) return undefined;
    const vectors = vectorsOf([TIMESTAMP_FIELD, ...this.#fields], columns);
    const picks = { sources: new Int32Array(rows.length), rows: Int32Array.from(rows) };
    return this.#writer.pushPrepared(take([vectors], picks));
  }

  #has(ns: bigint): boolean {
    return ns >= this.#window.firstNs && ns <= this.#window.lastNs;
  }
}
