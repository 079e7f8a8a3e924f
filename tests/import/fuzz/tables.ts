/**
 * Tables and lines of text.
 *
 * @module
 */
import { sourceOf } from "../damage.ts";
import { parquetParts } from "../parquet_parts.ts";
import type { Random } from "../../support/random_cases.ts";
import { check, checkParts, type FuzzTarget, type Parts } from "./check.ts";
import { mutate, mutateText } from "./mutate.ts";
import { found } from "./outcome.ts";
import { damagedParquet } from "./parquet.ts";
import { filesOf, pickFile, samplesOf } from "./samples.ts";

/** Where no column is the time. */
const TABLE_CODES = new Set(["INVALID_ARGUMENT"]);

const tableOptions = (times: readonly string[]) => (random: Random): Parts => ({
  codes: TABLE_CODES,
  options: random.oneIn(8) ? { time: random.pick(times) } : {},
});

const words = (text: string) => text.split(" ");

const CSV_TOKENS = [
  ...[
    "",
    " ",
    "\t",
    "\n",
    "\r",
    "\r\n",
    "\n\n",
    "\0",
    "\ufeff",
    "sep=;\n",
    "13/01/2021 11:59 PM",
    "1/2/2021 25:00",
  ],
  ...words(
    ', ; | " "" "a,b" é 😀 time timestamp_ns __proto__ constructor _json _row a.b 0x10 1_000 NaN -inf Infinity',
  ),
  ...words(
    "0 -0 +1 .5 5. 1e5 1e18 1e400 -1e-400 00012 1700000000 1700000000123456789 99999999999999999999999999",
  ),
  ...words(
    "9223372036854775807 -9223372036854775808 9223372036854775808 18446744073709551615 18446744073709551616",
  ),
  ...words(
    "2024-02-30T00:00:00Z 2024-02-29T23:59:60Z 01.02.2021 9999-12-31 -271821-04-20 1970-01-01T00:00:00+99:99",
  ),
];

/** CSV, by what means something in it, some in UTF-16. */
export async function csvTarget(): Promise<FuzzTarget> {
  const { importCsv } = await import("../../../src/import/csv/import_csv.ts");
  const files = filesOf(".csv");
  const options = tableOptions(["time", "timestamp", "t", "stamp"]);
  return async (random, keep) => {
    let bytes = random.oneIn(6)
      ? mutate(pickFile(files, random), random, files)
      : mutateText(pickFile(files, random), random, files, CSV_TOKENS);
    if (random.oneIn(20)) {
      const text = new TextDecoder().decode(bytes);
      const wide = new DataView(new ArrayBuffer(2 * text.length + 2 + random.below(2)));
      const isLittle = random.oneIn(2);
      wide.setUint16(0, 0xfeff, isLittle);
      for (let i = 0; i < text.length; i++) wide.setUint16(2 + 2 * i, text.charCodeAt(i), isLittle);
      bytes = new Uint8Array(wide.buffer);
    }
    keep(bytes);
    const parts = options(random);
    if (random.oneIn(3)) await checkParts(importCsv, bytes, random, parts);
    return await check(importCsv, bytes, random, parts);
  };
}

const JSON_TOKENS = [
  ...["\n", "\r\n", " ", "\0", "\ufeff"],
  ...words(
    String
      .raw`{ } [ ] , : " \ \u0000 \ud800 \udc00 \x null true false {} [] "" "x" "AAAA" {"a": {"a":1} [1, [1,"a"] é 😀`,
  ),
  ...words(
    '"timestamp_ns" "topic" "ontology" "data" "__proto__" "constructor" "_json" "NaN" "-Infinity" "time"',
  ),
  ...words(
    "0 -0 -1 01 +1 1.5 1E5 NaN 1e400 1e-400 1e1000000000 0.1000000000000000055511151231257827 9007199254740993",
  ),
  ...words("9223372036854775807 9223372036854775808 -9223372036854775809 18446744073709551615"),
  ...words('"1700000000000000000" "2024-01-01T00:00:00Z"'),
];

/** Lines as smalti writes them, and such as others do. */
async function lineFiles(): Promise<Uint8Array[]> {
  const { importMcap } = await import("../../../src/import/mcap/import_mcap.ts");
  const { importCsv } = await import("../../../src/import/csv/import_csv.ts");
  const encoder = new TextEncoder();
  const files: Uint8Array[] = [];
  const logs = samplesOf(({ encoding }) => encoding === "json");
  const texts = logs.flatMap(({ messages }) => messages.map((bytes) => new TextDecoder().decode(bytes)));
  files.push(encoder.encode(texts.map((text, i) => `{"time":${1700000000 + i},${text.slice(1)}\n`).join("")));
  files.push(
    encoder.encode(
      texts.map((text, i) => `{"timestamp_ns":"${i}","topic":"t${i % 3}","data":${text}}\n`).join(""),
    ),
  );
  for (
    const [importFile, inputs] of [[importMcap, filesOf(".mcap")], [importCsv, filesOf(".csv")]] as const
  ) {
    for (const bytes of inputs) {
      const { lines } = await found(importFile, "wasm", sourceOf(bytes), { salvage: true }, TABLE_CODES);
      const step = Math.ceil(lines.length / 100);
      const some = lines.filter((_, i) => i % step === 0).filter((line) => line.length < 3000);
      if (some.length > 0) files.push(encoder.encode(some.join("")));
    }
  }
  return files;
}

/** JSON lines, by what means something in them. */
export async function linesTarget(): Promise<FuzzTarget> {
  const { importJsonLines } = await import("../../../src/import/json_lines/import_json_lines.ts");
  const files = await lineFiles();
  const options = tableOptions(["time", "timestamp", "header.stamp", "data.t"]);
  return async (random, keep) => {
    const bytes = random.oneIn(5)
      ? mutate(pickFile(files, random), random, files)
      : mutateText(pickFile(files, random), random, files, JSON_TOKENS);
    keep(bytes);
    const parts = options(random);
    if (random.oneIn(3)) await checkParts(importJsonLines, bytes, random, parts);
    return await check(importJsonLines, bytes, random, parts);
  };
}

/** Parquet: bytes anywhere, or what is in pages, headers and the footer. */
export async function parquetTarget(): Promise<FuzzTarget> {
  const { importParquet } = await import("../../../src/import/parquet/import_parquet.ts");
  const files = filesOf(".parquet");
  const parts = files.flatMap((bytes) => {
    try {
      return [parquetParts(bytes)];
    } catch {
      return []; // one that is damaged already
    }
  });
  const options = tableOptions(["t", "time", "stamp"]);
  return async (random, keep) => {
    const bytes = random.oneIn(4)
      ? mutate(pickFile(files, random), random, files)
      : damagedParquet(random.pick(parts), random);
    keep(bytes);
    return await check(importParquet, bytes, random, options(random));
  };
}

/** Arrow IPC files and streams. */
export async function arrowTarget(): Promise<FuzzTarget> {
  const { importArrow } = await import("../../../src/import/arrow/import_arrow.ts");
  const files = filesOf(".arrow", ".arrows");
  const options = tableOptions(["t", "time", "stamp"]);
  return async (random, keep) => {
    const bytes = mutate(pickFile(files, random), random, files);
    keep(bytes);
    return await check(importArrow, bytes, random, options(random));
  };
}
