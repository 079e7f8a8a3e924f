import { BATCH_BYTES, BATCH_ROWS } from "../../arrow/batching.ts";
import { columnsFrom } from "../../arrow/columns_from.ts";
import { bytesOf, type Columns } from "../../arrow/columns.ts";
import { SmaltiError } from "../../error.ts";
import {
  isFitting,
  type RecordColumns,
  type RecordDecoder,
  type RecordJob,
  STATUS,
} from "../../record_plan.ts";
import { type FieldSchema, TIMESTAMP_FIELD } from "../../schema.ts";
import { giveBytes, takeBytes } from "../../util/buffer_pool.ts";
import {
  type DecoderOptions,
  type MessageDecoder,
  type Row,
  type RowWriter,
  Undecodable,
} from "../message_decoder.ts";
import { type ClassColumns, mapColumns } from "../ontology/mapping.ts";
import { type CompiledRecords, distinctNames, mostNullBytes, nullBytes } from "./plan_columns.ts";
import { addBytesColumn, PADDING_FIELD, RAW_FIELD } from "./raw_column.ts";
import { valuesOf } from "./record_times.ts";

/** Bytes of columns that the decoders of an import hold together. */
const COLLECTED_BYTES = 16 * 2 ** 20;
/** Bytes that a row has in memory beside its columns in the decoder: its time, and where it lies; its reserved values. */
const ROW_BYTES = 12;
const RESERVED_BYTES = 128;
/** Messages are decoded when so many bytes or rows have come together. */
const PENDING_BYTES = 64 * 1024;
const PENDING_ROWS = 1024;
/** Rows for which there is room at first. */
const FIRST_ROWS = 16;
/** Bytes of columns that rows of nulls alone may make then, and one such row. */
const PENDING_NULL_BYTES = 1 << 24;
const MAX_NULL_BYTES = 1 << 18;

const NOTHING = new Uint8Array(0);

/** What is wrong with a record that does not fit, by its status. */
const MISFITS: Readonly<Record<number, string>> = {
  [STATUS.text]: "a text is no UTF-8",
  [STATUS.extra]: "it has fields that its definition has not",
  [STATUS.short]: "it ends before its last field",
  [STATUS.long]: "it goes on after its last field",
  [STATUS.encoding]: "it is encoded in a way that is not read",
  [STATUS.broken]: "it breaks a rule of its encoding",
  [STATUS.large]: "a column of its batch would pass 2 GiB",
};

/**
 * Decodes messages of one schema by a plan, many at once. The last of its columns is {@linkcode RAW_FIELD}, or in an envelope of
 * CDR {@linkcode PADDING_FIELD}; a class has none such: what does not fit is kept aside then.
 */
export class RecordMessageDecoder implements MessageDecoder {
  readonly fields: readonly FieldSchema[];
  readonly ontology: ClassColumns | undefined;
  readonly #options: DecoderOptions;
  readonly #compiled: CompiledRecords;
  readonly #decoder: RecordDecoder;
  // They grow with what is pending: a file may have many thousands of topics of a message or two.
  #chunk = new Uint8Array(0);
  #length = 0;
  /** Rows that are pending: pushed, or noted. */
  #rows = 0;
  /** How many may be noted now. */
  #room: number;
  /** Rows before them, whose columns are in the decoder. */
  #collected = 0;
  /** Those of them, as they were, that the columns do not hold. */
  #raw = new Map<number, Uint8Array>();
  /** Those whose values do not tell their bytes. */
  #padding = new Map<number, Uint8Array>();
  readonly #keepsPadding: boolean;
  #keptBytes = 0;
  #collectedBytes = 0;
  /** The most that came to them at once. */
  #stepBytes = PENDING_BYTES;
  /** Bytes that all decoders of the import have collected. */
  readonly #total: { bytes: number };
  #times = new BigInt64Array(FIRST_ROWS);
  /** The same in words of 32 bits. */
  #timeWords = new Uint32Array(this.#times.buffer);
  #spans = new Int32Array(2 * FIRST_ROWS);
  #statuses = new Uint8Array(FIRST_ROWS);
  readonly misfits: Record<string, number> = {};
  readonly #mostRows: number;
  readonly #mostNoted: number;
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
    this.#mostNoted = Math.ceil(PENDING_NULL_BYTES / rowBytes);
    this.#mostRows = Math.min(PENDING_ROWS, this.#mostNoted);
    this.ontology = mapping?.ontology;
    this.#keepsPadding = options.envelope === true && compiled.plan.encoding === "cdr" && !this.ontology;
    const whole = this.#keepsPadding ? [RAW_FIELD, PADDING_FIELD] : [RAW_FIELD];
    const taken = [TIMESTAMP_FIELD, ...whole, ...options.reserved].map(({ name }) => name);
    this.fields = this.ontology?.fields ?? [...distinctNames(compiled.fields, taken), ...whole];
    this.#options = options;
    this.#total = options.collected ?? { bytes: 0 };
    this.#compiled = compiled;
    this.#room = this.#newRoom();
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
    if (this.#rows === this.#statuses.length) this.#growRows();
    const row = this.#rows++;
    const end = this.#length + bytes.length;
    if (end > this.#chunk.length) this.#grow(end);
    this.#chunk.set(bytes, this.#length);
    this.#setTime(row, timestampNs);
    this.#spans[2 * row] = this.#length;
    this.#spans[2 * row + 1] = this.#length = end;
    if (beside) this.#beside.push(beside);
    this.#room = 0;
    if (this.#rows < this.#mostRows && end < PENDING_BYTES) return undefined;
    if (!this.#collects) return this.#flushPending(writer);
    this.#collect();
    return this.#isBatch ? this.#writeCollected(writer) : undefined;
  }

  note(start: number, end: number, low: number, high: number): number {
    const row = this.#rows;
    if (row >= this.#room) return 0;
    if (row === this.#statuses.length) this.#growRows();
    this.#spans[2 * row] = start;
    this.#spans[2 * row + 1] = end;
    const at = this.#collected + row;
    if (at === this.#times.length) this.#growTimes();
    this.#timeWords[2 * at] = low;
    this.#timeWords[2 * at + 1] = high;
    return this.#rows = row + 1;
  }

  get noted(): RecordJob {
    return { decoder: this.#decoder, spans: this.#spans, statuses: this.#statuses.subarray(0, this.#rows) };
  }

  decodeNoted(writer: RowWriter, bytes: Uint8Array): Promise<void> | undefined {
    this.#take(bytes);
    const written = this.#isBatch ? this.#writeCollected(writer) : undefined;
    this.#room = this.#newRoom();
    return written;
  }

  /** How many rows may be noted: none of which something is to be seen before they are written. */
  #newRoom(): number {
    if (!this.#collects || this.#options.reserved.length > 0) return 0;
    return Math.min(this.#mostNoted, BATCH_ROWS - this.#collected);
  }

  flush(writer: RowWriter): Promise<void> | undefined {
    if (!this.#collects) return this.#flushPending(writer);
    if (this.#rows > 0) this.#collect();
    return this.#collected > 0 ? this.#writeCollected(writer) : undefined;
  }

  /** Whether columns may stay in the decoder until they make a batch: what is to be seen of each row is not in them. */
  get #collects(): boolean {
    return !this.ontology && !this.#options.time;
  }

  /** Decodes what is pending, and leaves the columns in the decoder. */
  #collect(): void {
    this.#decode();
    this.#take(this.#chunk);
    this.#room = this.#newRoom();
  }

  /** Takes what was decoded of rows that are pending, and lie in these bytes. */
  #take(chunk: Uint8Array): void {
    const misfits = this.#misfits();
    this.#misfitCount += misfits.length;
    let bytes = (ROW_BYTES + (this.#beside.length > 0 ? RESERVED_BYTES : 0)) * (this.#collected + this.#rows);
    this.#keepWhole(chunk);
    bytes += this.#keptBytes + this.#decoder.bytes;
    this.#total.bytes += bytes - this.#collectedBytes;
    this.#stepBytes = Math.max(this.#stepBytes, bytes - this.#collectedBytes);
    this.#collectedBytes = bytes;
    this.#collected += this.#rows;
    this.#clearPending();
  }

  /** Whether what is collected, with the next that is pending, would be more than a batch; or all decoders hold too much. */
  get #isBatch(): boolean {
    return this.#collected + this.#mostRows > BATCH_ROWS ||
      this.#collectedBytes + this.#stepBytes > BATCH_BYTES ||
      this.#total.bytes > COLLECTED_BYTES;
  }

  #writeCollected(writer: RowWriter): Promise<void> | undefined {
    const decoded = this.#decoder.take(takeBytes);
    const columns = this.#columns(decoded);
    this.#addWhole(columns);
    this.#addBeside(columns);
    this.#total.bytes -= this.#collectedBytes;
    this.#collected = this.#collectedBytes = 0;
    this.#beside = [];
    const written = writer.pushPrepared(columns);
    // They were read.
    if (decoded.buffers.length > 0) giveBytes(decoded.buffers[0]);
    return written;
  }

  /** Writes what is pending, of which times or misfits are to be seen first. */
  #flushPending(writer: RowWriter): Promise<void> | undefined {
    if (this.#rows === 0) return undefined;
    let decoded = this.#decodeAll();
    const untimed = this.#setTimes(decoded);
    if (untimed.size > 0) {
      this.#keep((row) => !untimed.has(row));
      if (this.#rows === 0) {
        this.#clear();
        return undefined;
      }
      decoded = this.#decodeAll();
    }
    const misfits = this.#misfits();
    this.#misfitCount += misfits.length;
    if (this.ontology && misfits.length > 0) return this.#flushAside(writer, misfits);
    const columns = this.#columns(decoded);
    if (!this.ontology) {
      this.#keepWhole();
      this.#addWhole(columns);
    }
    this.#addBeside(columns);
    this.#clear();
    return writer.pushPrepared(columns);
  }

  /** Keeps the messages that do not fit aside, and writes the others. */
  async #flushAside(writer: RowWriter, misfits: readonly number[]): Promise<void> {
    for (const row of misfits) {
      await this.#options.aside?.(this.#times[row], this.#messageOf(row));
    }
    this.#keep((row) => isFitting(this.#statuses[row]));
    if (this.#rows === 0) return this.#clear();
    const columns = this.#columns(this.#decodeAll());
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

  /** Decodes what is pending. */
  #decode(): void {
    const { engine } = this.#options;
    const statuses = this.#statuses.subarray(0, this.#rows);
    const job = { decoder: this.#decoder, spans: this.#spans, statuses };
    engine.decodeRecords(this.#chunk.subarray(0, this.#length), [job]);
  }

  #decodeAll(): RecordColumns {
    this.#decode();
    return this.#decoder.take();
  }

  /** A pending message, as it is. */
  #messageOf(row: number, chunk: Uint8Array = this.#chunk): Uint8Array {
    return chunk.slice(this.#spans[2 * row], this.#spans[2 * row + 1]);
  }

  /** Keeps pending messages as they were where the columns do not hold them whole. */
  #keepWhole(chunk?: Uint8Array): void {
    const isCdr = this.#compiled.plan.encoding === "cdr";
    for (let row = 0; row < this.#rows; row++) {
      const status = this.#statuses[row];
      if (status === STATUS.fits) continue;
      // In ROS 1, which has no padding, it is a boolean that is neither 0 nor 1.
      const isPadding = isCdr && isFitting(status);
      if (isPadding && !this.#keepsPadding) continue;
      const bytes = status === STATUS.padded ? NOTHING : this.#messageOf(row, chunk);
      (isPadding ? this.#padding : this.#raw).set(this.#collected + row, bytes);
      this.#keptBytes += bytes.length;
    }
  }

  /** Adds the columns for what is kept, and forgets it. */
  #addWhole(columns: Columns): void {
    addBytesColumn(columns, this.#raw);
    if (this.#keepsPadding) addBytesColumn(columns, this.#padding);
    this.#raw = new Map();
    this.#padding = new Map();
    this.#keptBytes = 0;
  }

  /** The pending rows that do not fit. */
  #misfits(): number[] {
    const rows: number[] = [];
    for (let row = 0; row < this.#rows; row++) {
      const status = this.#statuses[row];
      if (isFitting(status)) continue;
      rows.push(row);
      this.misfits[MISFITS[status]] = (this.misfits[MISFITS[status]] ?? 0) + 1;
    }
    return rows;
  }

  /** The times and what was decoded. */
  #columns(decoded: RecordColumns): Columns {
    const { mapping } = this.#options;
    const { nodes, buffers } = mapping ? mapColumns(mapping, this.#compiled.fields, decoded) : decoded;
    const { rows } = decoded;
    return {
      rows,
      nodes: [rows, 0, ...nodes],
      buffers: [new Uint8Array(0), bytesOf(this.#times.subarray(0, rows)), ...buffers],
    };
  }

  #clear(): void {
    this.#clearPending();
    this.#beside = [];
  }

  #clearPending(): void {
    this.#rows = this.#length = 0;
    if (this.#chunk.length > 4 * PENDING_BYTES) this.#chunk = new Uint8Array(PENDING_BYTES);
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

  #setTime(row: number, timestampNs: bigint): void {
    const at = this.#collected + row;
    if (at === this.#times.length) this.#growTimes();
    this.#times[at] = timestampNs;
  }

  #growTimes(): void {
    this.#times = grown(this.#times, new BigInt64Array(4 * this.#times.length));
    this.#timeWords = new Uint32Array(this.#times.buffer);
  }

  #growRows(): void {
    const rows = 4 * this.#rows;
    this.#spans = grown(this.#spans, new Int32Array(2 * rows));
    this.#statuses = new Uint8Array(rows);
  }

  #grow(bytes: number): void {
    const larger = new Uint8Array(Math.max(2 * this.#chunk.length, bytes));
    larger.set(this.#chunk.subarray(0, this.#length));
    this.#chunk = larger;
  }
}

function grown<T extends BigInt64Array | Int32Array>(array: T, larger: T): T {
  larger.set(array as never);
  return larger;
}
