/**
 * What the cells of CSV say of its columns.
 *
 * @module
 */
import { SmaltiError } from "../../error.ts";
import { type FieldSchema, TIMESTAMP_FIELD } from "../../schema.ts";
import type { TimeUnit } from "../message_time.ts";
import type { RecordingImport } from "../recording_import.ts";
import { uniqueNames } from "../tables/table_topics.ts";
import { findTimeColumn, type UnitBy, unitBySize } from "../tables/time_column.ts";
import { type DateOrder, DateOrderTeller } from "./cell_time.ts";
import { CellType, isNumber } from "./csv_columns.ts";

/** The column for rows that the others do not hold. */
const ROW_FIELD: FieldSchema = {
  name: "_row",
  type: { kind: "utf8", offsets: 32 },
  nullable: true,
  children: [],
  metadata: { description: "The row as it was, where the other columns do not hold all of it." },
};

/** What all cells of a table say, which may be in several files. */
export class TableCells {
  readonly types: readonly CellType[];
  readonly dates: DateOrderTeller = new DateOrderTeller();
  /** Whether a row has more cells than there are columns. */
  isRagged = false;

  constructor(count: number) {
    this.types = Array.from({ length: count }, () => new CellType());
  }
}

/** The columns of a file, and how its times are read. */
export interface CsvShape {
  readonly fields: readonly FieldSchema[];
  /** Columns that are cells. */
  readonly count: number;
  readonly timeIndex: number;
  readonly timeName: string;
  readonly unit: TimeUnit | undefined;
  readonly unitBy: UnitBy;
  readonly order: DateOrder;
}

/** Looks at the rows of one file. */
export class CsvScan {
  readonly #recording: RecordingImport;
  readonly #cellsOf: (names: readonly string[]) => TableCells;
  #header: boolean | undefined;
  #names: string[] | undefined;
  #cells: TableCells | undefined;
  #timeIndex = -1;

  /** @param cellsOf Where what cells say is kept, of a table with columns of such names. @default for this file alone */
  constructor(
    recording: RecordingImport,
    header: boolean | undefined,
    cellsOf: (names: readonly string[]) => TableCells = (names) => new TableCells(names.length),
  ) {
    this.#recording = recording;
    this.#header = header;
    this.#cellsOf = cellsOf;
  }

  get hasHeader(): boolean {
    return this.#header ?? false;
  }

  get isEmpty(): boolean {
    return this.#names === undefined;
  }

  /** Looks at rows; the first is that of the file. */
  add(rows: readonly (readonly string[])[]): void {
    for (const row of rows) {
      if (!this.#names) {
        if (this.#begin(row)) continue;
      }
      const cells = this.#cells!;
      const { types, dates } = cells;
      for (let i = 0; i < row.length; i++) {
        if (row[i] === "") continue;
        if (i >= types.length) cells.isRagged = true;
        else types[i].add(row[i]);
      }
      if (this.#timeIndex < row.length) dates.add(row[this.#timeIndex]);
    }
  }

  /** Takes up the first row; whether it is the header. INVALID_ARGUMENT where no column is the time. */
  #begin(row: readonly string[]): boolean {
    this.#header ??= !row.some(isNumber) && row.some((cell) => cell !== "");
    const names = this.#header ? row : row.map(() => "");
    this.#names = uniqueNames(names, [ROW_FIELD.name]);
    this.#cells = this.#cellsOf(this.#names);
    const columns = this.#names.map((name) => ({ name }));
    this.#timeIndex = findTimeColumn(columns, this.#recording.timeField).index;
    return this.#header;
  }

  /** @param keepsRows Whether rows may follow that do not fit. */
  finish(keepsRows: boolean): CsvShape {
    const names = this.#names!;
    const { types, dates, isRagged } = this.#cells!;
    const { integers, timeUnit } = this.#recording;
    const fields = names.map((name, i): FieldSchema => ({
      name,
      type: types[i].type(integers),
      nullable: true,
      children: [],
    }));
    if (keepsRows || isRagged) fields.push(ROW_FIELD);
    const timeIndex = this.#timeIndex;
    const timeName = names[timeIndex];
    if (dates.isAmbiguous) {
      const text =
        `column ${
          JSON.stringify(timeName)
        } has dates of which none shows whether the month is first or the day: ` +
        "wanted ISO 8601";
      throw new SmaltiError("INVALID_ARGUMENT", text);
    }
    const { largest } = types[timeIndex];
    const isExact = timeName === TIMESTAMP_FIELD.name;
    const unit = timeUnit ?? (isExact ? "ns" : largest < 0 ? undefined : unitBySize(largest));
    const unitBy = timeUnit ? "option" : isExact ? "name" : "size";
    return { fields, count: names.length, timeIndex, timeName, unit, unitBy, order: dates.order };
  }
}
