import { appendNull, collect, createColumns, type RecordColumn, truncate } from "./record_columns.ts";
import { FlatMachine } from "./flat.ts";
import { ProtobufMachine } from "./protobuf.ts";
import type {
  RecordColumns,
  RecordDecoder,
  RecordEncoding,
  RecordJob,
  RecordPlan,
} from "../../record_plan.ts";
import { SequentialMachine } from "./sequential.ts";

/** The decoder of records in TypeScript. */
export class JsRecordDecoder implements RecordDecoder {
  readonly #columns: readonly RecordColumn[];
  readonly #encoding: RecordEncoding;
  readonly #sequential: SequentialMachine;
  readonly #protobuf: ProtobufMachine;
  readonly #flat: FlatMachine;
  #rows = 0;

  constructor({ encoding, columns, code }: RecordPlan) {
    this.#columns = createColumns(columns);
    this.#encoding = encoding;
    this.#sequential = new SequentialMachine(this.#columns, code);
    this.#flat = new FlatMachine(this.#columns, code);
    this.#protobuf = new ProtobufMachine(this.#columns, code);
  }

  get rows(): number {
    return this.#rows;
  }

  get bytes(): number {
    return this.#columns.reduce((sum, column) => sum + column.bytes, 0);
  }

  /** Decodes the records at the spans of a chunk. */
  decode(chunk: Uint8Array, view: DataView, spans: Int32Array, statuses: Uint8Array): void {
    for (let i = 0; i < statuses.length; i++) {
      statuses[i] = this.#decode(chunk, view, spans[2 * i], spans[2 * i + 1]);
      this.#rows++;
    }
  }

  #decode(chunk: Uint8Array, view: DataView, start: number, end: number): number {
    try {
      return this.#machine(chunk, view, start, end);
    } catch (status) {
      if (typeof status !== "number") throw status;
      this.#skipRow();
      return status;
    }
  }

  #machine(chunk: Uint8Array, view: DataView, start: number, end: number): number {
    switch (this.#encoding) {
      case "cdr":
        return this.#sequential.cdr(chunk, view, start, end);
      case "flatbuffer":
        return this.#flat.buffer(chunk, view, start, end);
      case "protobuf":
        return this.#protobuf.message(chunk, start, end);
      default:
        return this.#sequential.packed(chunk, view, start, end, this.#encoding === "packedPrefix");
    }
  }

  /** Takes back what the record that failed has left, and puts nulls in its place. */
  #skipRow(): void {
    const columns = this.#columns;
    for (let at = 0; at < columns.length; at = columns[at].next) {
      truncate(columns, at, this.#rows);
      appendNull(columns, at);
    }
  }

  take(): RecordColumns {
    const columns = this.#columns;
    const out: RecordColumns = { rows: this.#rows, nodes: [], buffers: [] };
    for (let at = 0; at < columns.length; at = columns[at].next) collect(columns, at, this.#rows, out);
    for (const column of columns) column.clear();
    this.#rows = 0;
    return out;
  }

  close(): void {}
}

/** Decodes the records of one chunk. */
export function decodeRecords(chunk: Uint8Array, jobs: readonly RecordJob[]): void {
  const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
  for (const { decoder, spans, statuses } of jobs) {
    (decoder as JsRecordDecoder).decode(chunk, view, spans, statuses);
  }
}
