import { importArrow } from "../../src/import/arrow/import_arrow.ts";
import { importBag } from "../../src/import/bag/import_bag.ts";
import { importCsv } from "../../src/import/csv/import_csv.ts";
import { importDb3 } from "../../src/import/db3/import_db3.ts";
import { importMcap } from "../../src/import/mcap/import_mcap.ts";
import { importParquet } from "../../src/import/parquet/import_parquet.ts";
import { importUlog } from "../../src/import/ulog/import_ulog.ts";

/** What imports a file, by the end of its name. */
export const IMPORTERS = {
  mcap: importMcap,
  bag: importBag,
  db3: importDb3,
  ulg: importUlog,
  parquet: importParquet,
  arrow: importArrow,
  arrows: importArrow,
  csv: importCsv,
};
