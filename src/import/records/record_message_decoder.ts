import { columnsFrom } from "../../arrow/columns_from.ts";
import { bytesOf, type Columns } from "../../arrow/columns.ts";
import { SmaltiError } from "../../error.ts";
import { type RecordColumns, type RecordDecoder, STATUS } from "../../record_plan.ts";
import { type FieldSchema, TIMESTAMP_FIELD } from "../../schema.ts";
import {
  type DecoderOptions,
  type MessageDecoder,
  type Row,
  type RowWriter,
  Undecodable,
} from "../message_decoder.ts";
import { type ClassColumns, mapColumns } from "../ontology/mapping.ts";
import { type CompiledRecords, distinctNames, mostNullBytes, nullBytes } from "./plan_columns.ts";
import { valuesOf } from "./record_times.ts";

/** Messages are decoded when so many bytes or rows have come together. */
const PENDING_BYTES = 64 * 1024;
const PENDING_ROWS = 1024;
/** Bytes of columns that rows of nulls alone may make then, and one such row. */
const PENDING_NULL_BYTES = 1 << 24;
const MAX_NULL_BYTES = 1 << 18;

/** The column for messages that the other columns do not hold. */
export const RAW_FIELD: FieldSchema = {
  name: "_raw",
  type: { kind: "binary", offsets: 32 },
  nullable: true,
  children: [],
  metadata: { description: "The message as it was, where the other columns do not hold all of it." },
};

/**
 * Decodes messages of one schema by a plan, many at once. The last of its columns is {@linkcode RAW_FIELD}; a class has none
 * such: what does not fit is kept aside then.
 */
export class RecordMessageDecoder implements MessageDecoder {
  readonly fields: readonly FieldSchema[];
  readonly ontology: ClassColumns | undefined;
  readonly #options: DecoderOptions;
  readonly #compiled: CompiledRecords;
  readonly #decoder: RecordDecoder;
  #chunk = new Uint8Array(PENDING_BYTES);
  #length = 0;
  #rows = 0;
  readonly #times = new BigInt64Array(PENDING_ROWS);
  readonly #spans = new Int32Array(2 * PENDING_ROWS);
  readonly #statuses = new Uint8Array(PENDING_ROWS);
  readonly #mostRows: number;
  #beside: Row[] = [];
  #misfitCount = 0;

  /**
   * @throws Undecodable where arrays of fixed size make a row too large, of which there is one for every record that fails.
   */
  constructor(compiled: CompiledRecords, options: DecoderOptions) {
    const { mapping, engine } = options;
    if (mostNullBytes(compiled.fields) > MAX_NULL_BYTES) {
      throw new Undecodable("its arrays of fixed size are too large");
    }
    const rowBytes = Math.max(1, nullBytes(compiled.fields));
    this.#mostRows = Math.min(PENDING_ROWS, Math.ceil(PENDING_NULL_BYTES / rowBytes));
    this.ontology = mapping?.ontology;
    const taken = [TIMESTAMP_FIELD, RAW_FIELD, ...options.reserved].map(({ name }) => name);
    this.fields = this.ontology?.fields ?? [...distinctNames(compiled.fields, taken), RAW_FIELD];
    this.#options = options;
    this.#compiled = compiled;
    this.#decoder = engine.createRecordDecoder(compiled.plan);
  }

  get misfitCount(): number {
    return this.#misfitCount;
  }

  push(
    writer: RowWriter,
    timestampNs: bigint,
    bytes: Uint8Array,
    beside: Row | undefined,
  ): Promise<void> | undefined {
    const row = this.#rows++;
    const end = this.#length + bytes.length;
    if (end > this.#chunk.length) this.#grow(end);
    this.#chunk.set(bytes, this.#length);
    this.#times[row] = timestampNs;
    this.#spans[2 * row] = this.#length;
    this.#spans[2 * row + 1] = this.#length = end;
    if (beside) this.#beside.push(beside);
    if (this.#rows < this.#mostRows && end < PENDING_BYTES) return undefined;
    return this.flush(writer);
  }

  flush(writer: RowWriter): Promise<void> | undefined {
    if (this.#rows === 0) return undefined;
    let decoded = this.#decode();
    const untimed = this.#setTimes(decoded);
    if (untimed.size > 0) {
      this.#keep((row) => !untimed.has(row));
      if (this.#rows === 0) {
        this.#clear();
        return undefined;
      }
      decoded = this.#decode();
    }
    const misfits = this.#misfits();
    this.#misfitCount += misfits.length;
    if (this.ontology && misfits.length > 0) return this.#flushAside(writer, misfits);
    const columns = this.#columns(decoded);
    if (!this.ontology) this.#addRaw(columns);
    this.#addBeside(columns);
    this.#clear();
    return writer.pushPrepared(columns);
  }

  /** Keeps the messages that do not fit aside, and writes the others. */
  async #flushAside(writer: RowWriter, misfits: readonly number[]): Promise<void> {
    for (const row of misfits) {
      const bytes = this.#chunk.slice(this.#spans[2 * row], this.#spans[2 * row + 1]);
      await this.#options.aside?.(this.#times[row], bytes);
    }
    this.#keep((row) => this.#statuses[row] === STATUS.fits);
    if (this.#rows === 0) return this.#clear();
    const columns = this.#columns(this.#decode());
    this.#addBeside(columns);
    this.#clear();
    await writer.pushPrepared(columns);
  }

  /** Sets the times of rows by the field that says them; the rows of which it does not, each a flaw. */
  #setTimes(decoded: RecordColumns): ReadonlySet<number> {
    const untimed = new Set<number>();
    const { time, flaw } = this.#options;
    if (!time) return untimed;
    const valueOf = valuesOf(time.keys, this.#compiled.fields, decoded);
    for (let row = 0; row < this.#rows; row++) {
      try {
        this.#times[row] = time.ofValue(valueOf(row));
      } catch (reason) {
        if (!(reason instanceof SmaltiError)) throw reason;
        const { code, rawMessage: message } = reason;
        untimed.add(row);
        try {
          flaw?.({ kind: "time", code, message, cause: reason, lost: "1 message" });
        } catch (failure) {
          this.#keep((before) => before < row && !untimed.has(before));
          throw failure;
        }
      }
    }
    return untimed;
  }

  /** Drops the other rows of those that are pending. */
  #keep(isKept: (row: number) => boolean): void {
    let kept = 0;
    for (let row = 0; row < this.#rows; row++) {
      if (!isKept(row)) continue;
      this.#times[kept] = this.#times[row];
      this.#spans.copyWithin(2 * kept, 2 * row, 2 * row + 2);
      if (this.#beside.length > 0) this.#beside[kept] = this.#beside[row];
      kept++;
    }
    this.#rows = kept;
    this.#beside.length = Math.min(this.#beside.length, kept);
  }

  #decode(): RecordColumns {
    const { engine } = this.#options;
    const statuses = this.#statuses.subarray(0, this.#rows);
    const job = { decoder: this.#decoder, spans: this.#spans, statuses };
    engine.decodeRecords(this.#chunk.subarray(0, this.#length), [job]);
    return this.#decoder.take();
  }

  #misfits(): number[] {
    const rows: number[] = [];
    for (let row = 0; row < this.#rows; row++) if (this.#statuses[row] !== STATUS.fits) rows.push(row);
    return rows;
  }

  /** The times and what was decoded. */
  #columns(decoded: RecordColumns): Columns {
    const { mapping } = this.#options;
    const { nodes, buffers } = mapping ? mapColumns(mapping, this.#compiled.fields, decoded) : decoded;
    const rows = this.#rows;
    return {
      rows,
      nodes: [rows, 0, ...nodes],
      buffers: [new Uint8Array(0), bytesOf(this.#times.slice(0, rows)), ...buffers],
    };
  }

  #clear(): void {
    this.#rows = this.#length = 0;
    this.#beside = [];
    if (this.#chunk.length > 4 * PENDING_BYTES) this.#chunk = new Uint8Array(PENDING_BYTES);
  }

  /** Adds the messages that do not fit as they were. */
  #addRaw(columns: Columns): void {
    const { rows } = columns;
    const statuses = this.#statuses;
    const offsets = new Int32Array(rows + 1);
    const misfits: Uint8Array[] = [];
    let bytes = 0;
    for (let row = 0; row < rows; row++) {
      if (statuses[row] !== STATUS.fits) {
        const misfit = this.#chunk.slice(this.#spans[2 * row], this.#spans[2 * row + 1]);
        misfits.push(misfit);
        bytes += misfit.length;
      }
      offsets[row + 1] = bytes;
    }
    const validity = new Uint8Array(misfits.length === 0 ? 0 : Math.ceil(rows / 8));
    const data = new Uint8Array(bytes);
    for (let row = 0, next = 0; next < misfits.length; row++) {
      if (statuses[row] === STATUS.fits) continue;
      validity[row >> 3] |= 1 << (row & 7);
      data.set(misfits[next++], offsets[row]);
    }
    columns.nodes.push(rows, rows - misfits.length);
    // A column of nulls alone has a bitmap too.
    columns.buffers.push(
      misfits.length === rows ? new Uint8Array(0) : fullBitmap(validity, rows),
      bytesOf(offsets),
      data,
    );
  }

  #addBeside(columns: Columns): void {
    const { reserved } = this.#options;
    if (reserved.length === 0) return;
    const values = Object.fromEntries(
      reserved.map(({ name }) => [name, this.#beside.map((row) => row[name])]),
    );
    const made = columnsFrom(reserved, columns.rows, values);
    columns.nodes.push(...made.nodes);
    columns.buffers.push(...made.buffers);
  }

  #grow(bytes: number): void {
    const larger = new Uint8Array(Math.max(2 * this.#chunk.length, bytes));
    larger.set(this.#chunk.subarray(0, this.#length));
    this.#chunk = larger;
  }
}

function fullBitmap(validity: Uint8Array, rows: number): Uint8Array {
  return validity.length > 0 ? validity : new Uint8Array(Math.ceil(rows / 8));
}
