import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, it } from "vitest";
import { connect } from "../../mod.ts";
import { exportArrow } from "../../src/export/arrow.ts";
import { createFile } from "../../src/export/create_file.ts";
import { exportCsv } from "../../src/export/csv.ts";
import { exportParquet } from "../../src/export/parquet/export_parquet.ts";
import { importArrow } from "../../src/import/arrow/import_arrow.ts";
import { openFile } from "../../src/import/open_file.ts";
import { python, runPython } from "../support/python.ts";

/** Of random tables; printed when a test fails. */
const SEED = Number(process.env.SMALTI_SEED ?? Math.floor(Math.random() * 2 ** 31));
const TABLES = Number(process.env.SMALTI_TABLES ?? 40);

const title = python
  ? "pyarrow, DuckDB and polars"
  : "pyarrow, DuckDB and polars (SMALTI_PYTHON names no Python)";

describe.skipIf(!python)(title, () => {
  it("read out of every format what pyarrow wrote, in random tables", async () => {
    const directory = await mkdtemp(join(tmpdir(), "smalti-tables-"));
    try {
      const [sources, exports] = [join(directory, "sources"), join(directory, "exports")];
      for (const path of [sources, exports]) await mkdir(path);
      await runPython(new URL("write_tables.py", import.meta.url), sources, String(SEED), String(TABLES));
      const names = (await readdir(sources)).map((name) => name.replace(".arrows", ""));
      expect(names).toHaveLength(TABLES);
      for (const name of names) {
        await using client = await connect("memory:");
        await importArrow(client, await openFile(join(sources, `${name}.arrows`)), {
          name: "s",
          topic: name,
        });
        const handler = await client.sequenceHandler("s");
        const file = (extension: string) => createFile(join(exports, `${name}.${extension}`));
        await exportArrow(handler, await file("arrow"));
        await exportParquet(handler, await file("parquet"));
        await exportCsv(handler, await file("csv"));
      }
      for (const name of ["compare_tables.py", "compare_csv.py"]) {
        const script = new URL(name, import.meta.url);
        expect(await runPython(script, sources, exports), `seed ${SEED}`).toBe("");
      }
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
