/**
 * CSV -> a sequence.
 *
 * @module
 */
import type { Client } from "../../client.ts";
import { SmaltiError } from "../../error.ts";
import { checkOptions, type OptionNames } from "../../util/options.ts";
import type { ImportSources } from "../byte_source.ts";
import { IMPORT_OPTIONS, type ImportOptions } from "../import_options.ts";
import type { ImportReport } from "../import_report.ts";
import { importRecording, type RecordingImport } from "../recording_import.ts";
import { type Table, TableTopics } from "../tables/table_topics.ts";
import { timeFacts, TimesWriter } from "../tables/time_column.ts";
import { cellTime } from "./cell_time.ts";
import { CsvColumns } from "./csv_columns.ts";
import { type CsvFlaw, CsvReader, type Papa } from "./csv_reader.ts";
import { CsvScan, type CsvShape, TableCells } from "./csv_scan.ts";

/** Options of {@linkcode importCsv}. */
export interface ImportCsvOptions extends ImportOptions {
  /** The topic's name. @default the file's name up to the first dot; the sequence's where the source has no name */
  topic?: string;
  /** What is between cells. @default told by the first lines: `,`, `;`, tab or `|` */
  separator?: string;
  /** Whether the first row has the names of the columns. @default whether none of its cells is a number */
  header?: boolean;
  /** Bound on a row, in characters; memory goes with it. @default 4 Mi */
  maxRecordBytes?: number;
}

const CSV_OPTIONS: OptionNames<ImportCsvOptions> = {
  ...IMPORT_OPTIONS,
  topic: true,
  separator: true,
  header: true,
  maxRecordBytes: true,
};

const DEFAULT_ROW_LENGTH = 4 * 2 ** 20;
/** Rows by which the types of a source that is read once are told. */
const FIRST_ROWS = 1000;
/** Rows and characters that are written at once. */
const BATCH_ROWS = 4096;
const BATCH_LENGTH = 1 << 19;

/**
 * Records CSV files as a new sequence: each is the rows of a topic, called by the file's name up to the first dot. Files of one
 * name (or `topic`) whose columns have the same names are one topic. Cells are between `,`, `;`, tabs or `|`, and may be in quotes; spaces around them go. Text is
 * UTF-8, or UTF-16 with a byte order mark.
 *
 * A column's type is told by all of its cells, in all files of its topic, for which they are read twice: integers are int64 (uint64 where that is too
 * small; by `integers` float64), numbers with NaN and `inf` float64, anything else text, as dates and `true` are. Empty cells are
 * null. Of a source that is read once, as a pipe, the first rows tell, 1000 and what came with them (or what came before a live source paused for a second);
 * a later row that does not fit is kept in the column `_row` too, as text, as are rows with more cells than there are columns. Rows with too few or too many cells are told in the report (`ragged`).
 *
 * The time is the column `time`, else `timestamp_ns`, or one called `timestamp`, `time`, `stamp`, `t` or `datetime`, whatever
 * is before the name's first letter (`__time`). Its text is taken as it is, never by way of a float64: numbers of `timeUnit`, else of what the largest number suggests (see
 * {@linkcode importArrow}), ISO 8601, or dates such as `01/20/2021 10:11:32.332`, where some row shows which is the month. The
 * topic's metadata `table.time` says how it was read. The column is kept too, unless it is `timestamp_ns`. Without a header
 * columns are `column_1` and so on.
 *
 * Rejects with INVALID_MESSAGE where a row has no time (with `salvage` it is left out: kind `time`), CORRUPT for a quote that
 * does not end (`quotes`) and text that is none (`text`), INVALID_ARGUMENT where no column is the time, which lists them, TOO_LARGE beyond
 * `maxRecordBytes`. Rows count from 1 after the header. Otherwise as `importMcap`.
 *
 * @example
 * ```ts
 * import { connect } from "smalti";
 * import { importCsv, openFile } from "smalti/import";
 *
 * await using client = await connect("./recordings");
 * await importCsv(client, await openFile("engine.csv"), { name: "engine", time: "clock", timeUnit: "ms" });
 * ```
 *
 * Source: RFC 4180.
 */
export async function importCsv(
  client: Client,
  sources: ImportSources,
  options: ImportCsvOptions,
): Promise<ImportReport> {
  const { topic, separator, header, maxRecordBytes = DEFAULT_ROW_LENGTH, ...shared } = options;
  checkOptions(options, CSV_OPTIONS, "Cannot import");
  if (separator !== undefined && separator.length !== 1) {
    throw new TypeError(`Cannot import: separator is ${JSON.stringify(separator)}, wanted one character`);
  }
  // @ts-ignore: it comes without types, and those of DefinitelyTyped are not found from here by every compiler
  const papa = (await import("papaparse")).default as Papa;
  const open = (flaw: (flaw: CsvFlaw) => void) => new CsvReader(papa, separator, maxRecordBytes, flaw);
  let topics: TableTopics | undefined;
  let scans: FileScan[] | undefined;
  return await importRecording(client, sources, shared, {
    what: "the CSV file",
    async read(recording) {
      topics ??= new TableTopics(recording, topic);
      scans ??= await scanAll(recording, topics, header, open);
      await new CsvFile(recording, topics, scans.shift()!).read(open);
      return {};
    },
  });
}

/** Opens a reader of one file. */
type OpenReader = (flaw: (flaw: CsvFlaw) => void) => CsvReader;

/** What is known of a file before its turn. */
interface FileScan {
  readonly scan: CsvScan;
  /** Whether all of it was looked at. */
  readonly isWhole: boolean;
  /** What that failed with. */
  readonly reason?: unknown;
}

/** Reads all of the files to tell the types of their columns, those that can be read twice. */
async function scanAll(
  recording: RecordingImport,
  topics: TableTopics,
  header: boolean | undefined,
  open: OpenReader,
): Promise<FileScan[]> {
  const tables = new Map<string, TableCells>();
  const scans: FileScan[] = [];
  for (const { name, bytes } of recording.files) {
    const topic = topics.nameOf(name);
    const cellsOf = (names: readonly string[]) => {
      const key = JSON.stringify([topic, names]);
      const cells = tables.get(key) ?? new TableCells(names.length);
      tables.set(key, cells);
      return cells;
    };
    if (!bytes) {
      scans.push({ scan: new CsvScan(recording, header), isWhole: false });
      continue;
    }
    const scan = new CsvScan(recording, header, cellsOf);
    try {
      const reader = open(() => {});
      for await (const part of bytes()) scan.add(reader.append(part));
      scan.add(reader.finish());
      scans.push({ scan, isWhole: true });
    } catch (reason) {
      scans.push({ scan, isWhole: true, reason }); // what comes before it is imported first
    }
  }
  return scans;
}

/** Takes the rows of one file. */
class CsvFile {
  readonly #recording: RecordingImport;
  readonly #topics: TableTopics;
  readonly #scan: CsvScan;
  #shape: CsvShape | undefined;
  #table: Table | undefined;
  #columns: CsvColumns | undefined;
  #times: string[] = [];
  /** Rows that wait for the types to be told. */
  #first: string[][] = [];
  #firstLength = 0;
  #rows = 0;
  #skipsHeader = true;

  constructor(recording: RecordingImport, topics: TableTopics, { scan, isWhole, reason }: FileScan) {
    if (reason !== undefined) throw reason;
    this.#recording = recording;
    this.#topics = topics;
    this.#scan = scan;
    if (isWhole && !scan.isEmpty) this.#shape = scan.finish(false);
  }

  async read(open: OpenReader): Promise<void> {
    const recording = this.#recording;
    const reader = open((flaw) => recording.flaw(flaw));
    recording.holdBack(async () => {
      await this.#take(reader.flush());
      await this.#write(true);
    });
    for await (const bytes of recording.bytes()) await this.#take(reader.append(bytes));
    await this.#take(reader.finish());
    await this.#write(true);
    recording.holdBack(() => Promise.resolve());
    if (this.#scan.isEmpty) throw new SmaltiError("CORRUPT", "it has no rows");
    await this.#open(); // one with a header alone has a topic too
  }

  async #take(rows: string[][]): Promise<void> {
    let at = 0;
    if (!this.#shape) {
      // No more than these tell, however many come at once.
      const isFew = () => this.#first.length < FIRST_ROWS && this.#firstLength < BATCH_LENGTH;
      for (; at < rows.length && isFew(); at++) {
        this.#first.push(rows[at]);
        this.#firstLength += rows[at].reduce((sum, cell) => sum + cell.length, rows[at].length);
      }
      if (isFew()) return;
      await this.#write(false);
    }
    if (at < rows.length) await this.#addAll(rows.slice(at));
    await this.#write(false);
  }

  async #addAll(rows: readonly string[][]): Promise<void> {
    await this.#open();
    for (const row of rows) {
      if (this.#skipsHeader) {
        this.#skipsHeader = false;
        if (this.#scan.hasHeader) continue;
      }
      this.#add(row);
      if (this.#columns!.rows >= BATCH_ROWS || this.#columns!.size >= BATCH_LENGTH) await this.#push();
    }
  }

  #add(row: readonly string[]): void {
    const { fields, count, timeIndex } = this.#shape!;
    this.#columns ??= new CsvColumns(fields, count);
    this.#times.push(row[timeIndex] ?? "");
    this.#rows++;
    const fits = this.#columns.add(row);
    const isLonger = row.length > count && row.slice(count).some((cell) => cell !== "");
    if (row.length < count || isLonger) {
      const message = `row ${this.#rows} has ${row.length} cells, and there are ${count} columns`;
      this.#recording.flaw({ kind: "ragged", message, ...this.#loss(fits) });
    } else if (!fits && fields.length === count) {
      const message = `row ${this.#rows} has a cell that is none of its column's type, which all others told`;
      this.#recording.flaw({ kind: "row", message, ...this.#loss(fits) });
    }
    if (!fits) this.#table!.addMisfits(1);
  }

  /** What is lost of a row that the columns do not hold: nothing where there is a column for such. */
  #loss(fits: boolean): { lost?: string } {
    const { fields, count } = this.#shape!;
    return fits || fields.length > count ? {} : { lost: "some cells" };
  }

  /** Writes what is held back; all of it where nothing follows for a while. */
  async #write(isAll: boolean): Promise<void> {
    if (!this.#shape) {
      if (this.#first.length === 0) return;
      this.#scan.add(this.#first);
      this.#shape = this.#scan.finish(true);
      await this.#open();
      await this.#addAll(this.#first.splice(0));
    }
    if (isAll && this.#columns && this.#columns.rows > 0) await this.#push();
  }

  async #push(): Promise<void> {
    const table = await this.#open();
    const { timeName, unit = "ns", order } = this.#shape!;
    const writer = new TimesWriter(this.#times.length, timeName);
    this.#times.forEach((cell, row) => {
      writer.set(row, cellTime(cell, unit, order), cell === "" ? undefined : cell);
    });
    this.#times = [];
    await table.push(this.#columns!.take(), writer.finish());
  }

  async #open(): Promise<Table> {
    if (this.#table) return this.#table;
    const { fields, timeName, unit, unitBy } = this.#shape!;
    if (!this.#recording.isBegun) await this.#recording.begin();
    const facts = timeFacts(timeName, unit, unitBy);
    return this.#table = await this.#topics.open({ fields, time: timeName, facts });
  }
}
