import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { importParquet } from "../../src/import/parquet/import_parquet.ts";
import { outcomeOf, sourceOf } from "./damage_search.ts";
import { child, list, parquetFile, type ParquetParts, parquetParts, type Struct } from "./parquet_parts.ts";

const fixture = (name: string): ParquetParts =>
  parquetParts(new Uint8Array(readFileSync(new URL(`../fixtures/tables/${name}`, import.meta.url))));

const run = (bytes: Uint8Array) => outcomeOf(importParquet, sourceOf(bytes), { time: "t" });
const failure = async (bytes: Uint8Array) => (await run(bytes)).error?.rawMessage;

/** Element of the schema with a name. */
function element({ footer }: ParquetParts, name: string): Struct {
  return list(footer, 2).find((element) =>
    new TextDecoder().decode(element.get(4)!.value as Uint8Array) === name
  )!;
}

/** The first page with values of a column with a name, in the first row group. */
function pageOf({ footer, chunks }: ParquetParts, name: string) {
  const columns = list(list(footer, 4)[0], 1);
  const at = columns.findIndex((column) => {
    return new TextDecoder().decode(list(child(column, 3), 3)[0] as unknown as Uint8Array) === name;
  });
  const { pages } = chunks[0][at];
  return { at, pages, page: pages.find(({ header }) => !header.has(7))!, meta: child(columns[at], 3) };
}

const int = (value: number) => ({ type: 5, value: BigInt(value) });

describe("importParquet of a file that lies", () => {
  it("reads one that was put together again as it was", async () => {
    for (const name of ["types.snappy.parquet", "types.v2page.parquet"]) {
      const { report, lines } = await run(parquetFile(fixture(name)));
      expect([report!.flaws, lines.length > 0]).toEqual([[], true]);
    }
  });

  it.each<[string, (parts: ParquetParts) => void, RegExp]>([
    [
      "integers that are of no sign",
      (parts) => child(child(element(parts, "u32"), 10), 10).delete(2),
      /have a sign/,
    ],
    ["a column without a name", (parts) => element(parts, "u32").delete(4), /a part without a name/],
    [
      "dates in 64 bits",
      (parts) => {
        element(parts, "i64").set(6, int(6));
      },
      /dates in 64 bits/,
    ],
    [
      "decimals of floats",
      (parts) => {
        element(parts, "f64").set(6, int(5)).set(8, int(9)).set(7, int(2));
      },
      /decimal\(9, 2\) of DOUBLE/,
    ],
    [
      "values of another type than its schema's",
      (parts) => {
        pageOf(parts, "i64").meta.set(1, int(5));
      },
      /values of DOUBLE for i64, wanted INT64 for i64/,
    ],
    [
      "another column's path",
      (parts) => {
        const [first, second] = ["i64", "u64"].map((name) => pageOf(parts, name).meta);
        first.set(3, second.get(3)!);
      },
      /values of INT64 for u64, wanted INT64 for i64/,
    ],
    [
      "values of two billion bytes",
      (parts) => {
        element(parts, "fix").set(2, int(0x7fffffff));
      },
      /takes about \d+ bytes/,
    ],
  ])("refuses %s", async (_, change, text) => {
    const parts = fixture("types.snappy.parquet");
    change(parts);
    expect(await failure(parquetFile(parts))).toMatch(text);
  });

  // hyparquet reads a nested column to its end, whatever values came.
  it("refuses a page after the last that goes back to the one before", async () => {
    const parts = fixture("types.v2page.parquet");
    const { pages, page } = pageOf(parts, "l");
    for (const { header, data } of parts.chunks.flat().flatMap(({ pages }) => pages)) {
      header.set(2, int(data.length)).set(3, int(data.length));
    }
    const header = new Map(page.header);
    header.set(2, int(0)).set(3, int(-40)).set(8, { type: 12, value: new Map(child(page.header, 8)) });
    child(header, 8).set(1, int(0)).set(2, int(0)).set(3, int(0)).set(5, int(0)).set(6, int(0));
    pages.push({ header, data: new Uint8Array(2) });
    expect(await failure(parquetFile(parts, { keepsLengths: true }))).toMatch(/a page of -40 bytes/);
  });

  it("refuses levels that end before their values do", async () => {
    const parts = fixture("types.v2page.parquet");
    const { page } = pageOf(parts, "i64");
    const levels = child(page.header, 8);
    const length = Number(levels.get(5)!.value);
    page.data = page.data.slice(length);
    levels.set(5, int(0));
    expect(await failure(parquetFile(parts))).toMatch(/a page whose runs cannot be/);
  });

  it("goes by the header that is of the page's type, where there are both", async () => {
    const parts = fixture("types.v2page.parquet");
    const { page } = pageOf(parts, "i64");
    // Of the other version, with no values.
    page.header.set(5, { type: 12, value: new Map([[1, int(0)], [2, int(0)], [3, int(3)], [4, int(3)]]) });
    expect((await run(parquetFile(parts))).report?.flaws).toEqual([]);
    child(page.header, 8).set(1, int(0x7fffffff));
    expect(await failure(parquetFile(parts))).toMatch(/that cannot be/);
  });

  it("refuses fewer bytes than its values have", async () => {
    const parts = fixture("types.nocompl.parquet");
    const { page } = pageOf(parts, "f64");
    child(page.header, 5).set(2, int(0)); // plain, and not indices of a dictionary
    expect(await failure(parquetFile(parts))).toMatch(/a page whose values cannot be/);
  });
});
