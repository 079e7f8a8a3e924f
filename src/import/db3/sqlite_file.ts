/**
 * Tables of an SQLite database, read from its file. Nothing is written, neither into it nor beside it.
 *
 * Source: https://www.sqlite.org/fileformat2.html.
 *
 * @module
 */
import { viewOf } from "../../util/view_of.ts";
import { SmaltiError } from "../../error.ts";
import type { Flaw } from "../flaws.ts";
import { BlockCache, type RandomAccess } from "../random_access.ts";
import { parseTable } from "./sqlite_table.ts";
import type { WalPages } from "./sqlite_wal.ts";

/** What a database begins with. */
export const SQLITE_MAGIC = "SQLite format 3\0";
const HEADER_BYTES = 100;

/** Kinds of pages of a table's b-tree. */
const PAGE = { interior: 5, leaf: 13 } as const;
/** Pages from a tree's root to its leaf: SQLite's own bound. */
const MAX_DEPTH = 20;
/** Columns of a table: SQLite's own bound. */
const MAX_COLUMNS = 32_767;
/** Bytes of a value by its kind, where that is a number's or a null's. */
const NUMBER_BYTES = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0] as const;

/** A value of a row. Integers are bigint, since times are beyond 2^53. */
export type SqlValue = null | bigint | number | string | Uint8Array;

/** A table. */
interface Table {
  readonly rootPage: number;
  readonly columns: readonly string[];
  /** The column that is the row's number; -1 where there is none. */
  readonly rowIdColumn: number;
  /** Whether it is stored as an index is. */
  readonly isWithoutRowId: boolean;
}

/** Options of {@linkcode SqliteFile.open}. */
export interface SqliteOptions {
  /** The largest row that is read, in bytes. */
  readonly maxRowBytes: number;
  /** Pages that are newer than those of the file. */
  readonly wal?: WalPages | undefined;
  /** Takes what is wrong with a page or a row, which are left out then. Throws where the file is not to be read on. */
  readonly flaw: (flaw: Flaw) => void;
}

const utf8 = new TextDecoder();

/** A row as it is stored, or a part of it where the rest is on other pages. */
interface Cell {
  readonly rowId: bigint;
  readonly payload: Uint8Array;
  /** Bytes of the whole payload. */
  readonly bytes: number;
  /** The page with the rest; 0 where there is none. */
  readonly overflow: number;
}

/** A database that is open. CORRUPT where what leads to its tables is damaged: with the byte where. */
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
    const encoding = ["utf-8", "utf-8", "utf-16le", "utf-16be"][view.getUint32(56)] ?? "utf-8";
    this.#decoder = new TextDecoder(encoding, { ignoreBOM: true });
  }

  /** Opens a database. CORRUPT where it is none. */
  static async open(file: RandomAccess, options: SqliteOptions): Promise<SqliteFile> {
    const cache = new BlockCache(file);
    const inFile = await cache.read(0, HEADER_BYTES);
    const header = options.wal?.page(1) ?? inFile;
    const isMagic = utf8.decode(header.subarray(0, SQLITE_MAGIC.length)) === SQLITE_MAGIC;
    if (!isMagic || header.length < HEADER_BYTES) {
      const why = isMagic
        ? `it has ${header.length} bytes, wanted ${HEADER_BYTES} or more`
        : "its signature is wrong";
      throw new SmaltiError("CORRUPT", `the file is no SQLite database: ${why}`, { offset: 0 });
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
   * table has not. Bytes are views, good until the next row is asked for. UNSUPPORTED where the table lacks a column of
   * `needed`, or is stored as an index is.
   */
  async *rows(
    table: string,
    columns: readonly string[],
    needed: readonly string[] = [],
  ): AsyncGenerator<SqlValue[]> {
    const found = this.#tables.get(table);
    if (!found) return;
    const missing = needed.find((name) => !found.columns.includes(name));
    if (missing !== undefined || found.isWithoutRowId) {
      const what = missing === undefined ? "is WITHOUT ROWID, which is not read" : `has no column ${missing}`;
      throw new SmaltiError("UNSUPPORTED", `the file's table ${table} ${what}`);
    }
    const places = columns.map((name) => found.columns.indexOf(name));
    for await (const { rowId, values } of this.#records(found.rootPage, table)) {
      yield places.map((place) => place === found.rowIdColumn && place >= 0 ? rowId : values[place] ?? null);
    }
  }

  async #readSchema(): Promise<void> {
    const damages: unknown[] = [];
    const rows = this.#records(1, "sqlite_schema", (reason) => damages.push(reason));
    for await (const { values: [type, name, , rootPage, sql] } of rows) {
      if (
        type !== "table" || typeof name !== "string" || typeof sql !== "string" ||
        typeof rootPage !== "bigint"
      ) continue;
      this.#tables.set(name, { rootPage: Number(rootPage), ...parseTable(sql) });
    }
    if (damages.length > 0 && this.#tables.size === 0) throw damages[0];
  }

  /** The rows of a table's b-tree in order. Every page is read once at most; one that is damaged is left out. */
  async *#records(
    root: number,
    table: string,
    noteDamage?: (reason: unknown) => void,
  ): AsyncGenerator<{ rowId: bigint; values: SqlValue[] }> {
    const flaw = (reason: unknown, lost: string) => {
      this.#flaw(reason, lost);
      noteDamage?.(reason);
    };
    const visited = new PageSet(Math.ceil(this.#file.sizeBytes / this.#pageBytes));
    const stack: { number: number; depth: number }[] = [{ number: root, depth: 1 }];
    while (stack.length > 0) {
      const { number, depth } = stack.pop()!;
      let page: Uint8Array;
      let cells: number[];
      try {
        if (!visited.add(number)) throw this.#damage(number, "it is used twice");
        page = this.#peekPage(number) ?? await this.#readPage(number);
        cells = this.#cellsOf(number, page);
        if (this.#isInterior(number, page)) {
          if (depth === MAX_DEPTH) {
            throw this.#damage(number, `it is ${MAX_DEPTH} pages below its table's root`);
          }
          for (const child of cells.reverse()) stack.push({ number: child, depth: depth + 1 });
          continue;
        }
      } catch (reason) {
        flaw(reason, `its rows of table ${table}`);
        continue;
      }
      let used = 0;
      for (const at of cells) {
        let row;
        try {
          const cell = this.#leafCell(number, page, at);
          used += cell.payload.length;
          if (used > page.length) throw this.#damage(number, "its cells lie over each other");
          const payload = cell.overflow === 0 ? cell.payload : await this.#whole(cell, visited);
          row = { rowId: cell.rowId, values: this.#decode(number, payload) };
        } catch (reason) {
          flaw(reason, `a row of table ${table}`);
          if (used > page.length) break;
          continue;
        }
        yield row;
      }
    }
  }

  /** Tells of what is wrong with a page or a row. */
  #flaw(reason: unknown, lost: string): void {
    if (!(reason instanceof SmaltiError) || reason.code !== "CORRUPT" && reason.code !== "TOO_LARGE") {
      throw reason;
    }
    const { code, rawMessage: message, details } = reason;
    const offset = details?.offset ?? 0;
    const kind = code === "TOO_LARGE" ? "too_large" : "page";
    this.#options.flaw({ kind, code, message, offset, lost, cause: reason });
  }

  #isInterior(number: number, page: Uint8Array): boolean {
    return page[number === 1 ? HEADER_BYTES : 0] === PAGE.interior;
  }

  /** Where the cells of a leaf are; of an interior page the pages below it. */
  #cellsOf(number: number, page: Uint8Array): number[] {
    const view = viewOf(page);
    const at = number === 1 ? HEADER_BYTES : 0;
    const kind = page[at];
    const count = view.getUint16(at + 3);
    const pointers = at + (kind === PAGE.interior ? 12 : 8);
    const end = pointers + 2 * count;
    if (kind !== PAGE.interior && kind !== PAGE.leaf || end > this.#usable) {
      throw this.#damage(number, `it is no page of a table (kind ${kind}, ${count} cells)`);
    }
    const cells = Array.from({ length: count }, (_, i) => view.getUint16(pointers + 2 * i));
    const outside = cells.find((cell) => cell < end || cell + 4 > this.#usable);
    if (outside !== undefined) {
      throw this.#damage(number, `a cell lies at ${outside}, outside of ${end} to ${this.#usable}`);
    }
    // Cells fill the end of a page; what else may lie there are free blocks, and as many lost bytes as the page says.
    const content = view.getUint16(at + 5) || 65536;
    const free = view.getUint16(at + 1) || Infinity;
    const lowest = Math.min(...cells, free, this.#usable);
    if (lowest < content || lowest - content > page[at + 7]) {
      throw this.#damage(number, `its cells begin at ${content}, and the first of ${count} at ${lowest}`);
    }
    if (kind === PAGE.leaf) return cells;
    return [...cells.map((cell) => view.getUint32(cell)), view.getUint32(at + 8)];
  }

  #leafCell(number: number, page: Uint8Array, at: number): Cell {
    const size = readVarint(page, at);
    const rowId = readVarint(page, size.end);
    const bytes = Number(size.value);
    if (bytes < 0) throw this.#damage(number, `a row has ${bytes} bytes`);
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
    if (end + (local < bytes ? 4 : 0) > usable) throw this.#damage(number, "a cell lies outside");
    const overflow = local < bytes ? viewOf(page).getUint32(end) : 0;
    if (local < bytes && overflow === 0) throw this.#damage(number, "a row's rest is on no page");
    return { rowId: rowId.value, payload: page.subarray(rowId.end, end), bytes, overflow };
  }

  /** The payload of a cell with what is on other pages, which no other row has. */
  async #whole(cell: Cell, visited: PageSet): Promise<Uint8Array> {
    // No more than the file has, whatever it claims.
    if (cell.bytes > this.#file.sizeBytes + (this.#options.wal?.sizeBytes ?? 0)) {
      throw new SmaltiError(
        "CORRUPT",
        `the file is damaged: a row claims ${cell.bytes} bytes, more than the file has`,
      );
    }
    const whole = new Uint8Array(cell.bytes);
    whole.set(cell.payload);
    let at = cell.payload.length;
    let next = cell.overflow;
    while (at < whole.length) {
      if (!visited.add(next)) throw this.#damage(next, "it is used twice");
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

  /** The values of a record, whose cell is on a page. */
  #decode(number: number, payload: Uint8Array): SqlValue[] {
    const view = viewOf(payload);
    const header = readVarint(payload, 0);
    const headerBytes = Number(header.value);
    if (headerBytes < header.end || headerBytes > payload.length) {
      throw this.#damage(number, `a row of ${payload.length} bytes has a header of ${headerBytes}`);
    }
    let at = headerBytes;
    const values: SqlValue[] = [];
    for (let place = header.end; place < headerBytes;) {
      const { value, end } = readVarint(payload, place);
      place = end;
      const kind = Number(value);
      if (kind < 0 || kind === 10 || kind === 11) throw this.#damage(number, `a value is of kind ${kind}`);
      const bytes = kind >= 12 ? Math.floor((kind - 12) / 2) : NUMBER_BYTES[kind];
      if (at + bytes > payload.length || values.length === MAX_COLUMNS) {
        throw this.#damage(number, "a row ends within a value");
      }
      values.push(this.#value(kind, payload, view, at, bytes));
      at += bytes;
    }
    if (at !== payload.length) {
      throw this.#damage(number, `a row of ${payload.length} bytes has values of ${at}`);
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

/** Numbers of pages, each added once. */
class PageSet {
  readonly #inFile: Uint8Array;
  /** Those beyond: of the log. */
  readonly #others = new Set<number>();

  constructor(pages: number) {
    this.#inFile = new Uint8Array(Math.ceil((pages + 1) / 8));
  }

  /** Adds a number; false where it is there. */
  add(number: number): boolean {
    const place = Math.floor(number / 8);
    if (place >= this.#inFile.length) return this.#others.size < this.#others.add(number).size;
    const isNew = (this.#inFile[place] & (1 << (number & 7))) === 0;
    this.#inFile[place] |= 1 << (number & 7);
    return isNew;
  }
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
