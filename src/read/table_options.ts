import { type ErrorDetails, SmaltiError } from "../error.ts";
import { checkOptions, type OptionNames } from "../util/options.ts";

/** Options of every `toTable`. */
export interface TableOptions {
  /**
   * Bound on the table's rows: more are TOO_LARGE, and close the streamer.
   * @default 100,000,000, of a sync streamer 10,000,000
   */
  maxRows?: number;
}

const TABLE_OPTIONS: OptionNames<TableOptions> = { maxRows: true };

/** The bound on a table's rows. RangeError where it is no number above 0. */
export function rowLimit(options: TableOptions, usual: number): number {
  checkOptions(options, TABLE_OPTIONS, "Cannot make a table");
  const { maxRows } = options;
  if (maxRows === undefined || maxRows > 0) return maxRows ?? usual;
  throw new RangeError(`Cannot make a table: maxRows is ${maxRows}, wanted a number above 0`);
}

/** TOO_LARGE where a table would have more rows than its bound. */
export function checkRows(rows: number | bigint, maxRows: number, where: ErrorDetails, isAll = true): void {
  if (rows <= maxRows) return;
  throw new SmaltiError(
    "TOO_LARGE",
    `Cannot make one table of ${rows} rows${isAll ? "" : " or more"}: wanted at most ${maxRows}; ` +
      "take a shorter window, go through toArrow(), or set maxRows",
    where,
  );
}
