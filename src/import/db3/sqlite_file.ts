/**
 * Tables of an SQLite database, read from its file. Nothing is written, neither into it nor beside it.
 *
 * Source: https://www.sqlite.org/fileformat2.html.
 *
 * @module
 */
import { SmaltiError } from "../../error.ts";
import { BlockCache, type RandomAccess } from "../random_access.ts";
import type { WalPages } from "./sqlite_wal.ts";

/** What a database begins with. */
export const SQLITE_MAGIC = "SQLite format 3\0";
const HEADER_BYTES = 100;

/** Kinds of pages of a table's b-tree. */
const PAGE = { interior: 5, leaf: 13 } as const;

/** A value of a row. Integers are bigint, since times are beyond 2^53. */
export type SqlValue = null | bigint | number | string | Uint8Array;

/** A table. */
interface Table {
  readonly rootPage: number;
  readonly columns: readonly string[];
  /** The column that is the row's number; -1 where there is none. */
  readonly rowIdColumn: number;
}

/** Options of {@linkcode SqliteFile.open}. */
export interface SqliteOptions {
  /** The largest row that is read, in bytes. */
  readonly maxRowBytes: number;
  /** Pages that are newer than those of the file. */
  readonly wal?: WalPages | undefined;
}

const utf8 = new TextDecoder();

/** A database that is open. CORRUPT where its pages are damaged: with the byte where. */
export class SqliteFile {
  readonly #file: BlockCache;
  readonly #options: SqliteOptions;
  readonly #pageBytes: number;
  /** Bytes of a page that are used. */
  readonly #usable: number;
  readonly #decoder: TextDecoder;
  readonly #tables = new Map<string, Table>();

  private constructor(file: BlockCache, header: Uint8Array, options: SqliteOptions) {
    const view = viewOf(header);
    this.#file = file;
    this.#options = options;
    this.#pageBytes = pageBytesOf(header);
    this.#usable = this.#pageBytes - header[20];
    this.#decoder = new TextDecoder(
      ["utf-8", "utf-8", "utf-16le", "utf-16be"][view.getUint32(56)] ?? "utf-8",
    );
  }

  /** Opens a database. CORRUPT where it is none. */
  static async open(file: RandomAccess, options: SqliteOptions): Promise<SqliteFile> {
    const cache = new BlockCache(file);
    const header = options.wal?.page(1) ?? await cache.read(0, HEADER_BYTES);
    const isMagic = utf8.decode(header.subarray(0, SQLITE_MAGIC.length)) === SQLITE_MAGIC;
    if (!isMagic || header.length < HEADER_BYTES) {
      throw new SmaltiError("CORRUPT", "the file is no SQLite database: its signature is wrong", {
        offset: 0,
      });
    }
    const pageBytes = pageBytesOf(header);
    if (pageBytes < 512 || pageBytes > 65536 || (pageBytes & (pageBytes - 1)) !== 0 || header[20] > 32) {
      throw new SmaltiError("CORRUPT", `the file is damaged: it says that a page has ${pageBytes} bytes`, {
        offset: 16,
      });
    }
    const database = new SqliteFile(cache, header, options);
    await database.#readSchema();
    return database;
  }

  /** Whether there is such a table. */
  has(table: string): boolean {
    return this.#tables.has(table);
  }

  /**
   * The rows of a table in the order of their numbers, as the values of the columns asked for; null for a column that the
   * table has not. Bytes are views, good until the next row is asked for.
   */
  async *rows(table: string, columns: readonly string[]): AsyncGenerator<SqlValue[]> {
    const found = this.#tables.get(table);
    if (!found) return;
    const places = columns.map((name) => found.columns.indexOf(name));
    for await (const { rowId, payload } of this.#cells(found.rootPage)) {
      const values = this.#decode(payload);
      yield places.map((place) => place === found.rowIdColumn && place >= 0 ? rowId : values[place] ?? null);
    }
  }

  async #readSchema(): Promise<void> {
    for await (const { payload } of this.#cells(1)) {
      const [type, name, , rootPage, sql] = this.#decode(payload);
      if (
        type !== "table" || typeof name !== "string" || typeof sql !== "string" ||
        typeof rootPage !== "bigint"
      ) continue;
      this.#tables.set(name, { rootPage: Number(rootPage), ...columnsOf(sql) });
    }
  }

  /** The cells of a table's b-tree in order. Every page is visited once at most. */
  async *#cells(root: number): AsyncGenerator<{ rowId: bigint; payload: Uint8Array }> {
    const visited = new Set<number>();
    const stack: { page: number }[] = [{ page: root }];
    while (stack.length > 0) {
      const { page: number } = stack.pop()!;
      if (visited.has(number)) throw this.#damage(number, "the pages of a table lead in a circle");
      visited.add(number);
      const page = this.#peekPage(number) ?? await this.#readPage(number);
      const view = viewOf(page);
      const at = number === 1 ? HEADER_BYTES : 0;
      const kind = page[at];
      const count = view.getUint16(at + 3);
      const pointers = at + (kind === PAGE.interior ? 12 : 8);
      if (kind !== PAGE.interior && kind !== PAGE.leaf || pointers + 2 * count > page.length) {
        throw this.#damage(number, `it is no page of a table (kind ${kind}, ${count} cells)`);
      }
      if (kind === PAGE.interior) {
        stack.push({ page: view.getUint32(at + 8) });
        for (let i = count - 1; i >= 0; i--) {
          const cell = view.getUint16(pointers + 2 * i);
          if (cell + 4 > page.length) throw this.#damage(number, "a cell lies outside");
          stack.push({ page: view.getUint32(cell) });
        }
        continue;
      }
      for (let i = 0; i < count; i++) {
        const cell = this.#leafCell(number, page, view.getUint16(pointers + 2 * i));
        yield cell.overflow === 0 ? cell : { rowId: cell.rowId, payload: await this.#whole(cell) };
      }
    }
  }

  #leafCell(number: number, page: Uint8Array, at: number) {
    const size = readVarint(page, at);
    const rowId = readVarint(page, size.end);
    const bytes = Number(size.value);
    if (bytes > this.#options.maxRowBytes) {
      const text =
        `the file is too large: a row has ${bytes} bytes and at most ${this.#options.maxRowBytes} are read`;
      throw new SmaltiError("TOO_LARGE", text, { offset: (number - 1) * this.#pageBytes });
    }
    const usable = this.#usable;
    const most = usable - 35;
    const least = Math.floor((usable - 12) * 32 / 255) - 23;
    const spilled = least + (bytes - least) % (usable - 4);
    const local = bytes <= most ? bytes : spilled <= most ? spilled : least;
    const end = rowId.end + local;
    if (end + (local < bytes ? 4 : 0) > page.length) throw this.#damage(number, "a cell lies outside");
    const overflow = local < bytes ? viewOf(page).getUint32(end) : 0;
    return { rowId: rowId.value, payload: page.subarray(rowId.end, end), bytes, overflow };
  }

  /** The payload of a cell with what is on other pages. */
  async #whole(cell: { payload: Uint8Array; bytes: number; overflow: number }): Promise<Uint8Array> {
    const whole = new Uint8Array(cell.bytes);
    whole.set(cell.payload);
    let at = cell.payload.length;
    let next = cell.overflow;
    while (at < whole.length) {
      const page = this.#peekPage(next) ?? await this.#readPage(next);
      const part = page.subarray(4, Math.min(this.#usable, 4 + whole.length - at));
      whole.set(part, at);
      at += part.length;
      next = viewOf(page).getUint32(0);
    }
    return whole;
  }

  #peekPage(number: number): Uint8Array | undefined {
    const page = this.#options.wal?.page(number) ??
      this.#file.peek((number - 1) * this.#pageBytes, this.#pageBytes);
    return page?.length === this.#pageBytes ? page : undefined;
  }

  async #readPage(number: number): Promise<Uint8Array> {
    const page = number < 1
      ? undefined
      : await this.#file.read((number - 1) * this.#pageBytes, this.#pageBytes);
    if (page?.length === this.#pageBytes) return page;
    throw this.#damage(number, "the file ends before it");
  }

  /** The values of a record. */
  #decode(payload: Uint8Array): SqlValue[] {
    const view = viewOf(payload);
    const header = readVarint(payload, 0);
    let at = Number(header.value);
    const values: SqlValue[] = [];
    for (let place = header.end; place < Number(header.value) && place < payload.length;) {
      const { value, end } = readVarint(payload, place);
      place = end;
      const kind = Number(value);
      const bytes = kind >= 12 ? (kind - 12) >> 1 : [0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0][kind];
      if (at + bytes > payload.length) {
        throw new SmaltiError("CORRUPT", "the file is damaged: a row ends within a value");
      }
      values.push(this.#value(kind, payload, view, at, bytes));
      at += bytes;
    }
    return values;
  }

  #value(kind: number, payload: Uint8Array, view: DataView, at: number, bytes: number): SqlValue {
    switch (kind) {
      case 0:
        return null;
      case 1:
      case 2:
      case 3:
      case 4:
      case 5:
      case 6: {
        let value = 0n;
        for (let i = 0; i < bytes; i++) value = value << 8n | BigInt(payload[at + i]);
        return BigInt.asIntN(8 * bytes, value);
      }
      case 7:
        return view.getFloat64(at);
      case 8:
        return 0n;
      case 9:
        return 1n;
      default: {
        const content = payload.subarray(at, at + bytes);
        return (kind & 1) === 1 ? this.#decoder.decode(content) : content;
      }
    }
  }

  #damage(page: number, what: string): SmaltiError {
    const offset = (page - 1) * this.#pageBytes;
    return new SmaltiError("CORRUPT", `the file is damaged at byte ${offset}, in page ${page}: ${what}`, {
      offset,
    });
  }
}

function pageBytesOf(header: Uint8Array): number {
  const bytes = header[16] << 8 | header[17];
  return bytes === 1 ? 65536 : bytes;
}

/** The columns in a CREATE TABLE statement. */
function columnsOf(sql: string): Pick<Table, "columns" | "rowIdColumn"> {
  const body = sql.slice(sql.indexOf("(") + 1, sql.lastIndexOf(")"));
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i <= body.length; i++) {
    if (body[i] === "(") depth++;
    if (body[i] === ")") depth--;
    if (i < body.length && (body[i] !== "," || depth > 0)) continue;
    parts.push(body.slice(start, i).trim());
    start = i + 1;
  }
  const fields = parts.filter((part) => !/^(PRIMARY|UNIQUE|CHECK|FOREIGN|CONSTRAINT)\b/i.test(part));
  return {
    columns: fields.map((part) => /^["`[]?([^\s"`\]]+)/.exec(part)?.[1] ?? ""),
    rowIdColumn: fields.findIndex((part) => /\bINTEGER\s+PRIMARY\s+KEY\b/i.test(part)),
  };
}

/** An integer of up to 9 bytes, 7 bits in each but the last. */
function readVarint(bytes: Uint8Array, at: number): { value: bigint; end: number } {
  let low = 0;
  for (let i = 0; i < 4; i++) {
    const byte = bytes[at + i];
    low = low << 7 | byte & 127;
    if (byte < 128) return { value: BigInt(low), end: at + i + 1 };
  }
  let value = BigInt(low);
  for (let i = 4; i < 9; i++) {
    const byte = bytes[at + i] ?? 0;
    if (i === 8) return { value: BigInt.asIntN(64, value << 8n | BigInt(byte)), end: at + 9 };
    value = value << 7n | BigInt(byte & 127);
    if (byte < 128) return { value, end: at + i + 1 };
  }
  return { value, end: at + 9 };
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
