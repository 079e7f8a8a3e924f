import { mkdtempSync } from "node:fs";
import { readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeIndex } from "../../src/embedded/topic_index.ts";
import type { Columns } from "../../src/arrow/columns.ts";
import { decodeFrame } from "../../src/engine/batch_message.ts";
import { rowClass } from "../../src/arrow/row_view.ts";
import { TopicFileReader } from "../../src/embedded/topic_file_reader.ts";
import { TopicFileWriter } from "../../src/embedded/topic_file_writer.ts";
import { SmaltiError } from "../../src/error.ts";
import type { FieldSchema } from "../../src/schema.ts";
import { DirectoryStore } from "../../src/store/directory/directory_store.ts";
import { readAll } from "../../src/store/store.ts";
import { Turns } from "../../src/util/turns.ts";
import { MAX_NS, MIN_NS, type TopicInfo, type TopicSchema } from "../../src/types.ts";
import { keepingBatches } from "../support/keeping_batches.ts";
import { plainRow } from "../support/plain_values.ts";
import { python, runPython } from "../support/python.ts";
import { anyRow, anyTable, expectedRow } from "../support/random_tables.ts";
import { engine, rootBuilder, tableFields, touchedRow, withTimes } from "../support/tables.ts";

const title = python ? "pyarrow" : "pyarrow (SMALTI_PYTHON does not name a Python with it)";
/** Of random tables; printed when a test fails. */
const SEED = Number(process.env.SMALTI_SEED ?? Math.floor(Math.random() * 2 ** 31));

const run = (script: string, ...args: string[]) => runPython(new URL(script, import.meta.url), ...args);

/** A file's batches that hold rows, as rows in the form of `values.py`. */
async function readBatches(
  store: DirectoryStore,
  file: string,
): Promise<{ reader: TopicFileReader; batches: object[][] }> {
  const info = { name: "topic", sizeBytes: await store.size(file) } as TopicInfo;
  const reader = await TopicFileReader.open(store, engine, file, info);
  const { fields } = reader.schema;
  const row = rowClass(fields);
  const runs = reader.runs({ firstNs: MIN_NS, lastNs: MAX_NS });
  const batches: object[][] = [];
  while (runs.nextNs !== undefined) {
    const { batch, from, to } = (await runs.open())!;
    const at = (i: number) => plainRow(fields, touchedRow(fields, new row(batch.table.children, from + i)));
    batches.push(Array.from({ length: to - from }, (_, i) => at(i)));
  }
  return { reader, batches };
}

describe.skipIf(!python)(`${title} writes, we read`, () => {
  let directory = "";
  let store: DirectoryStore;
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), "smalti-pyarrow-"));
    store = new DirectoryStore(directory);
    await run("write_files.py", directory);
  });
  afterAll(async () => {
    await store.close();
    await rm(directory, { recursive: true });
  });

  const names = [
    "primitives",
    "nested",
    "dictionaries",
    "views",
    "temporal",
    "decimals",
    "list_views",
    "runs",
    "deltas",
    "big",
    "no_batches",
    "empty_batches",
    "times_only",
  ];
  const files = [
    ...names.flatMap((name) => ["none", "lz4", "zstd"].map((codec) => `${name}-${codec}`)),
    "before_v5-none",
    "before_0_15-none",
  ];
  it.each(files)("%s, value by value", async (name) => {
    const wanted: object[][] = JSON.parse(await readFile(join(directory, `${name}.json`), "utf8"));
    const { reader, batches } = await readBatches(store, `${name}.arrow`);
    expect(batches).toEqual(wanted.filter((batch) => batch.length > 0));
    expect(reader.schema.fields[0].name).toBe("timestamp_ns");
    expect(reader.index.rows.reduce((sum, rows) => sum + rows, 0)).toBe(wanted.flat().length);
  });

  it("and tests above are all the files that there are", async () => {
    const made = (await readdir(directory)).filter((name) => name.endsWith(".json"));
    expect(made.map((name) => name.slice(0, -5)).sort()).toEqual([...files].sort());
  });

  const refused = {
    no_time: "UNSUPPORTED",
    time_in_us: "UNSUPPORTED",
    missing_time: "CORRUPT",
    disorder: "OUT_OF_ORDER",
    union: "UNSUPPORTED",
  };
  it.each(Object.entries(refused))("a file with %s, which is %s", async (name, code) => {
    const error = await readBatches(store, `refused-${name}.arrow`).catch((reason) => reason);
    expect(error).toBeInstanceOf(SmaltiError);
    expect(error.code).toBe(code);
    expect(error.details).toMatchObject({ topic: "topic", file: `refused-${name}.arrow` });
  });
});

/** One of each type that smalti writes, with what pyarrow calls it. */
const ALL_TYPES: [FieldSchema, string][] = [
  ...(["8", "16", "32", "64"] as const).flatMap((bits): [FieldSchema, string][] =>
    [true, false].map((signed) => {
      const name = `${signed ? "" : "u"}int${bits}`;
      const type = { kind: "int", bits: Number(bits) as 8, signed } as const;
      return [{ name, type, nullable: signed, children: [] }, name];
    })
  ),
  [{ name: "bool", type: { kind: "bool" }, nullable: true, children: [] }, "bool"],
  [{ name: "half", type: { kind: "float", bits: 16 }, nullable: true, children: [] }, "halffloat"],
  [{ name: "single", type: { kind: "float", bits: 32 }, nullable: false, children: [] }, "float"],
  [{ name: "double", type: { kind: "float", bits: 64 }, nullable: false, children: [] }, "double"],
  [{
    name: "text",
    type: { kind: "utf8", offsets: 32 },
    nullable: true,
    children: [],
    metadata: { unit: "µ", "": "x" },
  }, "string"],
  [{ name: "blob", type: { kind: "binary", offsets: 32 }, nullable: false, children: [] }, "binary"],
  [{ name: "nothing", type: { kind: "null" }, nullable: true, children: [] }, "null"],
  ...[true, false].flatMap((nullable): [FieldSchema, string][] => {
    const item: FieldSchema = { name: "item", type: { kind: "float", bits: 64 }, nullable, children: [] };
    const required = nullable ? "" : " not null";
    const point: FieldSchema[] = [{ ...item, name: "x" }, { ...item, name: "y" }];
    return [
      [
        { name: `list${nullable}`, type: { kind: "list", offsets: 32 }, nullable, children: [item] },
        `list<item: double${required}>`,
      ],
      [
        { name: `fixed${nullable}`, type: { kind: "fixedList", size: 3 }, nullable, children: [item] },
        `fixed_size_list<item: double${required}>[3]`,
      ],
      [
        { name: `struct${nullable}`, type: { kind: "struct" }, nullable, children: point },
        `struct<x: double${required}, y: double${required}>`,
      ],
    ];
  }),
];

interface Found {
  fields: { name: string; type: string; nullable: boolean; metadata: Record<string, string> }[];
  metadata: Record<string, string>;
  footer: Record<string, string>;
  batches: { rows: object[]; metadata: Record<string, string> }[];
  streamed: object[][];
}

describe.skipIf(!python)(`we write, ${title} reads`, () => {
  const schemaOf = (fields: readonly FieldSchema[]): TopicSchema => ({
    ontologyTag: "Test",
    serializationFormat: "default",
    metadata: { sensor: "A100", "größe": [1, null] },
    fields: tableFields(fields),
  });

  /** Writes files of these fields and batches of rows, and gives what pyarrow finds in each. */
  async function written(
    tables: { fields: FieldSchema[]; batches: Record<string, unknown>[][] }[],
    look: (store: DirectoryStore, paths: string[]) => Promise<void> = () => Promise.resolve(),
  ): Promise<Found[]> {
    const directory = mkdtempSync(join(tmpdir(), "smalti-pyarrow-"));
    const store = keepingBatches(new DirectoryStore(directory));
    try {
      const paths: string[] = [];
      for (const [i, { fields, batches }] of tables.entries()) {
        const writer = await TopicFileWriter.create(store, engine, `drive/${i}.arrow`, schemaOf(fields));
        let at = 0n;
        for (const rows of batches) {
          const root = rootBuilder(fields);
          for (const row of rows) root.append(row);
          const columns: Columns = withTimes(root, at);
          await writer.write(columns, at, at + BigInt(rows.length - 1));
          at += BigInt(rows.length);
        }
        await writer.finish(new Turns());
        expect((await stat(join(directory, writer.path))).size).toBe(writer.size);
        paths.push(writer.path);
      }
      await look(store, paths);
      const output = await run("read_file.py", ...paths.map((path) => join(directory, path)));
      return output.trim().split("\n").map((line) => JSON.parse(line));
    } finally {
      await store.close();
      await rm(directory, { recursive: true });
    }
  }

  /** What pyarrow must find: times counted up over all batches. */
  function wantedRows(
    fields: readonly FieldSchema[],
    batches: readonly Record<string, unknown>[][],
  ): object[][] {
    let at = 0n;
    return batches.map((rows) =>
      rows.map((row) => plainRow(tableFields(fields), { timestamp_ns: at++, ...expectedRow(fields, row) }))
    );
  }

  it("every type, its values in order, nullability and metadata", async () => {
    const fields = ALL_TYPES.map(([field]) => field);
    const rows = fc.sample(anyRows(fields), { numRuns: 1, seed: SEED })[0];
    const batches = [rows, rows.slice(0, 7), rows.slice(3, 4)];
    const [found] = await written([{ fields, batches }]);
    const time = "Ingestion timestamp in nanoseconds (record time).";
    expect(found.fields).toEqual([
      { name: "timestamp_ns", type: "int64", nullable: false, metadata: { description: time } },
      ...ALL_TYPES.map(([{ name, nullable, metadata }, type]) => ({
        name,
        type,
        nullable,
        metadata: metadata ?? {},
      })),
    ]);
    expect(found.metadata).toMatchObject({
      "smalti:version": "1",
      "smalti:ontology_tag": "Test",
      "smalti:serialization_format": "default",
      "smalti:metadata": JSON.stringify(schemaOf(fields).metadata),
    });
    const wanted = wantedRows(fields, batches);
    expect(found.batches.map((batch) => batch.rows), `seed ${SEED}`).toEqual(wanted);
    expect(found.streamed).toEqual(wanted);
  });

  it("the index in the footer and the checksums of each batch", async () => {
    const fields: FieldSchema[] = [{
      name: "x",
      type: { kind: "float", bits: 64 },
      nullable: false,
      children: [],
    }];
    const rows = Array.from({ length: 300 }, (_, i) => ({ x: i >> 4 }));
    const batches = [rows, rows.slice(0, 10)];
    const heads: number[] = [];
    const [found] = await written([{ fields, batches }], async (store, [path]) => {
      const bytes = await readAll(store, path);
      for (let at = 8;;) {
        const frame = decodeFrame(bytes.subarray(at));
        if (!frame) break;
        heads.push(at);
        at += frame.headBytes + frame.bodyBytes;
      }
    });
    const index = decodeIndex(found.footer["smalti:index"]);
    const crc = engine.crc32(new TextEncoder().encode(found.footer["smalti:index"]));
    expect(found.footer["smalti:index_crc"]).toBe(crc.toString(16).padStart(8, "0"));
    expect(index).toMatchObject({
      rows: Float64Array.of(300, 10),
      firstNs: BigInt64Array.of(0n, 300n),
      lastNs: BigInt64Array.of(299n, 309n),
    });
    expect([...index.offset]).toEqual(heads.slice(1)); // after the schema
    for (const [i, { metadata }] of found.batches.entries()) {
      // The header's, then one for each of the four buffers.
      expect(metadata["smalti:crc"]).toMatch(/^[0-9a-f]{40}$/);
      expect(parseInt(metadata["smalti:crc"].slice(0, 8), 16)).toBe(index.headerCrc[i]);
    }
  });

  it("LZ4 where it saves, and what does not compress", async () => {
    const fields: FieldSchema[] = [{
      name: "blob",
      type: { kind: "binary", offsets: 32 },
      nullable: false,
      children: [],
    }];
    const random = (seed: number) =>
      fc.sample(fc.uint8Array({ minLength: 70_000, maxLength: 70_000 }), { numRuns: 1, seed })[0];
    const same = { blob: new Uint8Array(200_000).fill(7) };
    const batches = [[same, { blob: random(SEED) }], [same, same], [{ blob: random(SEED + 1) }]];
    let size = 0;
    const [found] = await written([{ fields, batches }], async (store, [path]) => {
      size = await store.size(path);
    });
    expect(size).toBeLessThan(70_000 * 2 + 200_000 + 10_000);
    expect(found.batches.map((batch) => batch.rows)).toEqual(wantedRows(fields, batches));
  });

  it("a file without batches", async () => {
    const fields = ALL_TYPES.map(([field]) => field);
    const [found] = await written([{ fields, batches: [] }]);
    expect([found.batches, found.streamed]).toEqual([[], []]);
    expect(found.fields).toHaveLength(1 + fields.length);
    expect(decodeIndex(found.footer["smalti:index"]).rows.length).toBe(0);
  });

  it("any schema and any rows", async () => {
    const tables = fc.sample(anyTable(), { numRuns: 60, seed: SEED }).map(({ fields, rows }) => ({
      fields,
      batches: [rows.slice(0, rows.length >> 1), rows.slice(rows.length >> 1)].filter((batch) =>
        batch.length > 0
      ),
    }));
    const found = await written(tables);
    tables.forEach(({ fields, batches }, i) => {
      const wanted = wantedRows(fields, batches);
      expect(found[i].batches.map((batch) => batch.rows), `table ${i} of seed ${SEED}`).toEqual(wanted);
      expect(found[i].streamed, `table ${i} of seed ${SEED}`).toEqual(wanted);
    });
  });

  /** Ten rows. */
  function anyRows(fields: FieldSchema[]): fc.Arbitrary<Record<string, unknown>[]> {
    return fc.array(anyRow(fields), { minLength: 10, maxLength: 10 });
  }
});
