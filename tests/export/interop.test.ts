import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { connect, defineOntology, float64, int64, list, optional, struct, uint64, utf8 } from "../../mod.ts";
import { exportArrow } from "../../src/export/arrow.ts";
import { createFile } from "../../src/export/create_file.ts";
import { exportCsv } from "../../src/export/csv.ts";
import { exportParquet } from "../../src/export/parquet/export_parquet.ts";
import { python, runPython } from "../support/python.ts";

const title = python
  ? "pyarrow, DuckDB and polars"
  : "pyarrow, DuckDB and polars (SMALTI_PYTHON names no Python)";

const Sample = defineOntology("Sample", {
  count: int64(),
  size: optional(uint64()),
  value: optional(float64()),
  text: optional(utf8()),
  place: optional(struct({ x: float64(), name: optional(utf8()) })),
  parts: optional(list(struct({ id: int64(), label: optional(utf8()) }))),
});

const START = 1_700_000_000_000_000_001n;

const data = {
  count: 2n ** 62n,
  size: 2n ** 64n - 1n,
  value: NaN,
  text: "ä",
  place: { x: -Infinity, name: "here" },
  parts: [{ id: 1n, label: "one" }, { id: 2n }],
};

describe.skipIf(!python)(title, () => {
  it("read the same out of tables", async () => {
    await using client = await connect("memory:");
    await client.sequenceCreate("s", {}, async (sequence) => {
      const topic = await sequence.topicCreate("a/t", { ontology: Sample });
      await topic.push({ timestampNs: START, data });
      for (let i = 1; i < 1000; i++) {
        await topic.push({ timestampNs: START + BigInt(i), data: { count: BigInt(i) } });
      }
    });
    const handler = await client.sequenceHandler("s");
    const directory = await mkdtemp(join(tmpdir(), "smalti-tables-"));
    try {
      await exportParquet(handler, await createFile(join(directory, "t.parquet")));
      await exportArrow(handler, await createFile(join(directory, "t.arrow")));
      await exportCsv(handler, await createFile(join(directory, "t.csv")));
      const read = JSON.parse(await runPython(new URL("read_tables.py", import.meta.url), directory));
      const rows = [
        {
          count: String(data.count),
          size: String(data.size),
          value: "nan",
          text: "ä",
          place: { x: "-inf", name: "here" },
          parts: [{ id: 1, label: "one" }, { id: 2, label: null }],
        },
        { count: 1, size: null, value: null, text: null, place: null, parts: null },
      ];
      const sums = [[1000, String(data.count + 499_500n), String(START * 1000n + 499_500n)]];
      expect(read).toEqual({
        type: "timestamp[ns]",
        topic: "a/t",
        times: [String(START), String(START + 1n)],
        parquet: rows,
        arrow: rows,
        polars: [rows, rows],
        duckdb: sums,
        csv: sums,
      });
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
