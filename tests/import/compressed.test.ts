import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { connect } from "../../mod.ts";
import { backendOf } from "../../src/client.ts";
import { blobSource } from "../../src/import/blob_source.ts";
import type { ByteSource } from "../../src/import/byte_source.ts";
import { findFormat, formatOf } from "../../src/import/formats.ts";
import { chunked, zstdCompress, zstdStore } from "./mcap_file.ts";

const read = (name: string) =>
  new Uint8Array(
    readFileSync(new URL(`../fixtures/formats/${name}`, import.meta.url)),
  );
const talker = read("talker.db3");

const zstd = (name: string, bytes: Uint8Array): ByteSource => ({
  ...blobSource(new Blob([zstdCompress(bytes) as BlobPart])),
  name,
});

async function importAll(
  sources: readonly ByteSource[],
  maxRecordBytes?: number,
) {
  const client = await connect("memory:");
  try {
    const { format, sources: whole } = await formatOf(sources, {
      engine: backendOf(client).engine,
      maxRecordBytes,
    });
    return [
      format.name,
      (await (await format.load())(client, whole, { name: "s" })).messageCount,
    ];
  } finally {
    await client.close();
  }
}

describe("a file that is compressed whole", () => {
  it.each([
    ["talker.db3", "bag of ROS 2 in SQLite", 20],
    ["cdr_test.mcap", "MCAP file", 7],
    ["out.bag", "bag of ROS 1", 194],
  ])("is what is in it: %s", async (file, format, count) => {
    expect(await importAll([zstd(`${file}.zstd`, read(file))])).toEqual([
      format,
      count,
    ]);
  });

  it("may be one of several, and come from a pipe", async () => {
    const files = [1, 2, 3].map((i) => zstd(`talker_${i}.db3.zstd`, talker));
    expect(await importAll(files)).toEqual(["bag of ROS 2 in SQLite", 60]);
    const piped = { chunks: chunked(zstdCompress(talker), 1000), isLive: true };
    expect(await importAll([piped])).toEqual(["bag of ROS 2 in SQLite", 20]);
  });

  it("is refused beyond the bound, by its name", async () => {
    const sized = { ...blobSource(new Blob([zstdStore(talker) as BlobPart])), name: "a.db3.zstd" };
    await expect(importAll([sized], talker.length - 1)).rejects.toMatchObject({
      code: "TOO_LARGE",
      rawMessage: expect.stringContaining("Cannot import a.db3.zstd: "),
    });
    expect(await importAll([sized], talker.length + 99)).toEqual(["bag of ROS 2 in SQLite", 20]);
  });

  it("is refused where it is cut, or holds nothing that is known", async () => {
    const whole = zstdCompress(talker);
    const cut = {
      ...blobSource(
        new Blob([whole.subarray(0, whole.length - 9) as BlobPart]),
      ),
      name: "cut.zstd",
    };
    await expect(importAll([cut])).rejects.toMatchObject({ code: "CORRUPT" });
    await expect(
      importAll([zstd("text.zstd", new TextEncoder().encode("\0\0nothing"))]),
    )
      .rejects.toThrow("Cannot import text.zstd: it is no MCAP file");
    const other = [zstd("a.zstd", talker), zstd("b.zstd", read("out.bag"))];
    await expect(importAll(other)).rejects.toMatchObject({ code: "CORRUPT" });
  });
});

describe("a file that nobody named", () => {
  const found = async (name: string, bytes: Uint8Array) =>
    await findFormat({ ...blobSource(new Blob([bytes as BlobPart])), name }) !==
      undefined;

  it("is taken where it begins as a format does, of weak ones where it is called so too", async () => {
    const json = new TextEncoder().encode("{}");
    expect(await found("a", talker)).toBe(true);
    expect(await found("a.ndjson", json)).toBe(true);
    expect(await found("a.json", json)).toBe(false);
    expect(await found("a.db3.zstd", zstdCompress(talker))).toBe(true);
    expect(await found("a.bin", zstdCompress(talker))).toBe(false);
    expect(await found("a.txt", new Uint8Array(9))).toBe(false);
    expect(await found("empty", new Uint8Array(0))).toBe(false);
  });

  it("is whole when its writer has ended it", async () => {
    const isWhole = async (
      bytes: Uint8Array,
      beside?: Record<string, number>,
    ) => {
      const source: ByteSource = {
        ...blobSource(new Blob([bytes as BlobPart])),
        beside: (suffix, maxBytes) => {
          const size = beside?.[suffix];
          if (size !== undefined && size > maxBytes) {
            return Promise.resolve(new Uint8Array(size));
          }
          return Promise.resolve(
            size === undefined ? undefined : new Uint8Array(size),
          );
        },
      };
      return await (await findFormat(source))!.isWhole?.(source) ?? true;
    };
    const mcap = read("cdr_test.mcap");
    expect(await isWhole(mcap)).toBe(true);
    expect(await isWhole(mcap.subarray(0, mcap.length - 1))).toBe(false);
    const bag = read("out.bag");
    expect(await isWhole(bag)).toBe(true);
    const open = bag.slice();
    const at = new TextDecoder("latin1").decode(open).indexOf("index_pos=") +
      10;
    open.fill(0, at, at + 8);
    expect(await isWhole(open)).toBe(false);
    expect(await isWhole(talker)).toBe(true);
    expect(await isWhole(talker, { "-wal": 0 })).toBe(true);
    expect(await isWhole(talker, { "-wal": 32 })).toBe(false);
    expect(await isWhole(talker, { "-journal": 32 })).toBe(false);
    expect(await isWhole(read("test_ulog.ulg"))).toBe(true);
    const v4 = "../tables/types.v4.arrows"; // without markers
    for (const name of ["imu.snappy.parquet", "imu.lz4.arrow", "imu.stream.arrows", v4]) {
      const table = read(name);
      expect([name, await isWhole(table)]).toEqual([name, true]);
      expect([name, await isWhole(table.subarray(0, table.length - 4))]).toEqual([name, false]);
      expect([name, await isWhole(table.subarray(0, 501))]).toEqual([name, false]);
    }
  });
});
