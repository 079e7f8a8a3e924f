/**
 * Row groups of a Parquet file, read by hyparquet. What the file claims is held against its size first: hyparquet makes arrays
 * as long as pages say that they are.
 *
 * @module
 */
import type {
  ColumnChunk,
  ColumnMetaData,
  Compressors,
  DecodedArray,
  FileMetaData,
  SchemaTree,
} from "hyparquet";
import { type Columns, emptyColumns } from "../../arrow/columns.ts";
import type { Engine } from "../../engine.ts";
import { SmaltiError } from "../../error.ts";
import type { FieldSchema } from "../../schema.ts";
import type { RandomAccess } from "../random_access.ts";
import { checkPage, type ColumnDepth, depthsOf, type PageDecoders } from "./parquet_pages.ts";
import { columnOf, type ParquetColumn, storedElements } from "./parquet_schema.ts";
import { addColumn } from "./parquet_values.ts";

/** What is used of hyparquet. */
type Hyparquet =
  & Pick<typeof import("hyparquet/src/metadata.js"), "parquetMetadata" | "parquetSchema">
  & Pick<typeof import("hyparquet/src/read.js"), "parquetRead">
  & Pick<typeof import("hyparquet/src/column.js"), "parquetHeader">
  & Pick<typeof import("hyparquet/src/datapage.js"), "decompressPage">
  & PageDecoders;

const MAGIC = 0x31524150; // PAR1
const ENCRYPTED_MAGIC = 0x45524150; // PARE
const FOOTER_END = 8;
/** Codecs that this package's own code or hyparquet has. */
const OWN_CODECS = new Set(["UNCOMPRESSED", "SNAPPY", "ZSTD"]);
/** Bytes of a value in an array of JavaScript's, about. */
const VALUE_BYTES = 8;
/** What an error of hyparquet says of what it cannot do. */
const UNSUPPORTED = /not supported|unsupported/;

async function loadHyparquet(): Promise<Hyparquet> {
  const [metadata, read, column, page, encoding, delta] = await Promise.all([
    import("hyparquet/src/metadata.js"),
    import("hyparquet/src/read.js"),
    import("hyparquet/src/column.js"),
    import("hyparquet/src/datapage.js"),
    import("hyparquet/src/encoding.js"),
    import("hyparquet/src/delta.js"),
  ]);
  const { parquetMetadata, parquetSchema } = metadata;
  return {
    parquetMetadata,
    parquetSchema,
    parquetRead: read.parquetRead,
    parquetHeader: column.parquetHeader,
    decompressPage: page.decompressPage,
    readRleBitPackedHybrid: encoding.readRleBitPackedHybrid,
    deltaBinaryUnpack: delta.deltaBinaryUnpack,
  };
}

/** Runs code of hyparquet's, whose errors are plain ones. */
async function guarded<T>(what: string, run: () => T | Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (reason) {
    if (reason instanceof SmaltiError) throw reason;
    const { message } = reason as Error;
    const code = UNSUPPORTED.test(message) ? "UNSUPPORTED" : "CORRUPT";
    throw new SmaltiError(code, `${what} cannot be read: ${message}`, { cause: reason });
  }
}

/** A column of the file, and what hyparquet needs to know of it. */
interface TopColumn {
  readonly column: ParquetColumn;
  readonly schema: FileMetaData["schema"];
  /** The leaves within, as positions in a row group. */
  readonly from: number;
  readonly to: number;
  /** How deep each of them is. */
  readonly depths: readonly ColumnDepth[];
}

/** A Parquet file. */
export class ParquetReader {
  readonly #file: RandomAccess;
  readonly #engine: Engine;
  readonly #hyparquet: Hyparquet;
  readonly #metadata: FileMetaData;
  readonly #columns: readonly TopColumn[];
  readonly #maxBytes: number;
  readonly #compressors: Compressors;

  private constructor(
    file: RandomAccess,
    engine: Engine,
    hyparquet: Hyparquet,
    metadata: FileMetaData,
    maxBytes: number,
  ) {
    this.#file = file;
    this.#engine = engine;
    this.#hyparquet = hyparquet;
    this.#metadata = metadata;
    this.#maxBytes = maxBytes;
    this.#columns = topColumns(metadata, hyparquet.parquetSchema(metadata));
    this.#compressors = { ZSTD: (bytes, length) => this.#engine.decompress("zstd", bytes, length) };
  }

  /** @param maxBytes Bound on the footer, and on a row group decompressed. CORRUPT, UNSUPPORTED, TOO_LARGE. */
  static async open(file: RandomAccess, engine: Engine, maxBytes: number): Promise<ParquetReader> {
    const footer = await readFooter(file, maxBytes);
    const hyparquet = await loadHyparquet();
    return await guarded("its footer", () => {
      const parsers = { stringFromBytes: (bytes: Uint8Array) => bytes };
      const metadata = hyparquet.parquetMetadata(footer, { geoparquet: false, parsers });
      return new ParquetReader(file, engine, hyparquet, metadata, maxBytes);
    });
  }

  /** Its columns. */
  get fields(): readonly FieldSchema[] {
    return this.#columns.map(({ column }) => column.field);
  }

  /** Row groups. */
  get groupCount(): number {
    return this.#metadata.row_groups.length;
  }

  /** Rows of a group, as the file claims. */
  rowsOf(group: number): number {
    return Number(this.#metadata.row_groups[group].num_rows);
  }

  /** All columns of a row group. CORRUPT, UNSUPPORTED, TOO_LARGE. */
  async read(group: number): Promise<Columns> {
    const rows = this.rowsOf(group);
    this.#checkGroup(group, rows);
    await this.#loadCodecs(group);
    const out = emptyColumns(rows);
    for (const top of this.#columns) {
      const { name } = top.column.field;
      const values = await guarded(
        `column "${name}" of row group ${group}`,
        () => this.#values(group, top, rows),
      );
      addColumn(top.column, values, out);
    }
    return out;
  }

  /** The values of a column: an item a row. */
  async #values(
    group: number,
    { schema, from, to, depths }: TopColumn,
    rows: number,
  ): Promise<ArrayLike<unknown>> {
    const rowGroup = this.#metadata.row_groups[group];
    const columns = rowGroup.columns.slice(from, to);
    const chunks = new Map<number, Uint8Array>();
    for (const [i, { meta_data: meta }] of columns.entries()) {
      const { start, length } = placeOf(meta!);
      const bytes = await this.#file.read(start, length);
      if (bytes.length < length) throw new SmaltiError("CORRUPT", `it ends within a column at byte ${start}`);
      // hyparquet takes an ArrayBuffer, and wants numbers where they are aligned.
      const own = bytes.byteOffset === 0 && bytes.buffer.byteLength === length ? bytes : bytes.slice();
      this.#checkPages(own, meta!, depths[i]);
      chunks.set(start, own);
    }
    const parts: DecodedArray[] = [];
    await this.#hyparquet.parquetRead({
      file: { byteLength: this.#file.sizeBytes, slice: (start, end) => sliceOf(chunks, start, end) },
      metadata: { ...this.#metadata, schema, row_groups: [{ ...rowGroup, columns }] },
      utf8: false,
      geoparquet: false,
      parsers: { timestampFromNanoseconds: (ns) => BigInt.asIntN(64, ns) },
      compressors: this.#compressors,
      onChunk: ({ columnData }) => parts.push(columnData),
    });
    return joined(parts, rows);
  }

  /** Refuses claims that cannot be, and such as would take too much. */
  #checkGroup(group: number, rows: number): void {
    const { columns } = this.#metadata.row_groups[group];
    const place = `row group ${group}`;
    if (!(Number.isSafeInteger(rows) && rows >= 0)) {
      throw new SmaltiError("CORRUPT", `${place} has ${rows} rows`);
    }
    const leaves = this.#columns.at(-1)?.to ?? 0;
    if (columns.length !== leaves) {
      throw new SmaltiError("CORRUPT", `${place} has ${columns.length} columns, and the schema ${leaves}`);
    }
    let bytes = rows * VALUE_BYTES;
    const leavesInOrder = this.#columns.flatMap(({ depths }) => depths);
    for (const [i, chunk] of columns.entries()) {
      const meta = checkedChunk(chunk, place);
      const { path, element } = leavesInOrder[i];
      // hyparquet goes by these, not by the schema, and its promise of a column that it does not find rejects with nobody there.
      const isIts = meta.type === element.type && meta.path_in_schema?.length === path.length &&
        path.every((name, depth) => name === meta.path_in_schema[depth]);
      if (!isIts) {
        const text = `${place} has values of ${meta.type} for ${meta.path_in_schema?.join(".")}, ` +
          `wanted ${element.type} for ${path.join(".")}`;
        throw new SmaltiError("CORRUPT", text);
      }
      const { start, length } = placeOf(meta);
      const values = Number(meta.num_values);
      const raw = Number(meta.total_uncompressed_size);
      const isWithin = start >= 4 && length >= 0 && start + length <= this.#file.sizeBytes;
      if (!isWithin || !(values >= 0) || !(raw >= 0)) {
        const text =
          `${place} has a column at bytes ${start} to ${start + length} of ${this.#file.sizeBytes}, ` +
          `with ${values} values in ${raw} bytes`;
        throw new SmaltiError("CORRUPT", text);
      }
      // A value that is missing takes its place too.
      bytes += Math.max(raw, values * Math.max(VALUE_BYTES, element.type_length ?? 0));
    }
    if (bytes <= this.#maxBytes) return;
    const text = `${place} takes about ${bytes} bytes decompressed: wanted at most ${this.#maxBytes}`;
    throw new SmaltiError("TOO_LARGE", text);
  }

  /** Walks over the pages of a column to its end, as hyparquet does, and holds their claims against the column's. */
  #checkPages(bytes: Uint8Array, meta: ColumnMetaData, depth: ColumnDepth): void {
    const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), offset: 0 };
    const most = Number(meta.num_values);
    const { codec } = meta;
    const decompress = (page: Uint8Array, length: number) =>
      this.#hyparquet.decompressPage(page, length, codec, this.#compressors);
    let values = 0;
    let bytesInAll = 0;
    while (reader.offset < bytes.length - 1) {
      const header = this.#hyparquet.parquetHeader(reader);
      const { compressed_page_size: size, uncompressed_page_size: raw } = header;
      // A header may have both, and hyparquet goes by the type.
      const claims = header.type === "DATA_PAGE" ? header.data_page_header : header.data_page_header_v2;
      const words = header.dictionary_page_header?.num_values ?? 0;
      values += claims?.num_values ?? 0;
      const {
        definition_levels_byte_length: defs = 0,
        repetition_levels_byte_length: reps = 0,
        num_nulls: nulls = 0,
      } = header.data_page_header_v2 ?? {};
      const isSound = size >= 0 && size <= bytes.length - reader.offset && raw >= 0 &&
        raw <= this.#maxBytes &&
        (claims?.num_values ?? 0) >= 0 && values <= most && words >= 0 && words <= 8 * raw && nulls >= 0 &&
        nulls <= (claims?.num_values ?? 0) && defs >= 0 && reps >= 0 && defs + reps <= Math.min(raw, size);
      if (!isSound) {
        throw new SmaltiError(
          "CORRUPT",
          `it has a page of ${size} bytes, ${raw} decompressed, that cannot be`,
        );
      }
      bytesInAll += raw;
      if (bytesInAll > this.#maxBytes) {
        const text = `it has pages of ${bytesInAll} bytes decompressed: wanted at most ${this.#maxBytes}`;
        throw new SmaltiError("TOO_LARGE", text);
      }
      const page = bytes.subarray(reader.offset, reader.offset + size);
      checkPage(page, header, depth, this.#hyparquet, decompress, this.#maxBytes);
      reader.offset += size;
    }
    if (values < most) throw new SmaltiError("CORRUPT", `it has ${values} values of ${most}`);
  }

  async #loadCodecs(group: number): Promise<void> {
    const { columns } = this.#metadata.row_groups[group];
    if (
      columns.every(({ meta_data }) =>
        OWN_CODECS.has(meta_data!.codec) || meta_data!.codec in this.#compressors
      )
    ) {
      return;
    }
    const { compressors } = await import("hyparquet-compressors");
    for (const [codec, decompress] of Object.entries(compressors)) {
      // A block of nothing it takes for a damaged one.
      this.#compressors[codec as keyof Compressors] ??= (bytes, length) =>
        length === 0 ? new Uint8Array(0) : decompress(bytes, length);
    }
  }
}

/** The footer with its length and magic at the end. */
async function readFooter(file: RandomAccess, maxBytes: number): Promise<Uint8Array> {
  const { sizeBytes } = file;
  if (sizeBytes < 4 + FOOTER_END) throw new SmaltiError("CORRUPT", `it is cut: it has ${sizeBytes} bytes`);
  const end = await file.read(sizeBytes - FOOTER_END, FOOTER_END);
  if (end.length < FOOTER_END) throw new SmaltiError("CORRUPT", "it is cut");
  const view = new DataView(end.buffer, end.byteOffset, FOOTER_END);
  const magic = view.getUint32(4, true);
  if (magic === ENCRYPTED_MAGIC) throw new SmaltiError("UNSUPPORTED", "it is encrypted");
  if (magic !== MAGIC) {
    throw new SmaltiError(
      "CORRUPT",
      "it is cut or damaged: it does not end with PAR1, and what is in it stands at its end",
    );
  }
  const length = view.getUint32(0, true) + FOOTER_END;
  if (length > sizeBytes) throw new SmaltiError("CORRUPT", `its footer has ${length} bytes of ${sizeBytes}`);
  if (length > maxBytes) {
    throw new SmaltiError("TOO_LARGE", `its footer has ${length} bytes: wanted at most ${maxBytes}`);
  }
  return await file.read(sizeBytes - length, length);
}

function topColumns({ schema }: FileMetaData, root: SchemaTree): TopColumn[] {
  if (schema.some(({ name }) => typeof name !== "string")) {
    throw new SmaltiError("CORRUPT", "its schema has a part without a name");
  }
  const stored = storedElements(schema);
  let at = 1;
  let leaf = 0;
  const names = new Set<string>();
  return root.children.map((tree) => {
    const { name } = tree.element;
    if (names.has(name)) throw new SmaltiError("UNSUPPORTED", `it has two columns called "${name}"`);
    names.add(name);
    const from = leaf;
    const elements = stored.slice(at, at + tree.count);
    const depths = depthsOf(elements, 0);
    at += tree.count;
    leaf += depths.length;
    return {
      column: columnOf(tree),
      schema: [{ ...stored[0], num_children: 1 }, ...elements],
      from,
      to: leaf,
      depths,
    };
  });
}

function checkedChunk({ meta_data, file_path, crypto_metadata }: ColumnChunk, place: string): ColumnMetaData {
  if (crypto_metadata) throw new SmaltiError("UNSUPPORTED", `${place} has an encrypted column`);
  if (file_path) throw new SmaltiError("UNSUPPORTED", `${place} has a column in another file`);
  if (!meta_data) throw new SmaltiError("CORRUPT", `${place} has a column that is not described`);
  return meta_data;
}

function placeOf(meta: ColumnMetaData): { start: number; length: number } {
  const start = Number(meta.dictionary_page_offset || meta.data_page_offset);
  return { start, length: Number(meta.total_compressed_size) };
}

/** A range of the columns that were read. */
function sliceOf(chunks: ReadonlyMap<number, Uint8Array>, start: number, end = Infinity): ArrayBuffer {
  const whole = chunks.get(start);
  if (whole && end === start + whole.length) return whole.buffer as ArrayBuffer;
  // hyparquet joins ranges that lie side by side.
  const length = end - start;
  const joined = new Uint8Array(length);
  for (const [at, bytes] of chunks) {
    const from = Math.max(start, at);
    const to = Math.min(end, at + bytes.length);
    if (from < to) joined.set(bytes.subarray(from - at, to - at), from - start);
  }
  return joined.buffer;
}

function joined(parts: readonly DecodedArray[], rows: number): ArrayLike<unknown> {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  if (length !== rows) {
    throw new SmaltiError("CORRUPT", `it has ${length} values, and there are ${rows} rows`);
  }
  if (parts.length === 1) return parts[0];
  const all = new Array<unknown>(length);
  let at = 0;
  for (const part of parts) for (let i = 0; i < part.length; i++) all[at++] = part[i];
  return all;
}
