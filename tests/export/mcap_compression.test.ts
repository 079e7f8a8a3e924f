import * as zlib from "node:zlib";
import { expect, it } from "vitest";
import { connect } from "../../mod.ts";
import { chunkCompressor, type McapCompression } from "../../src/export/mcap/chunk_compression.ts";
import { exportMcap } from "../../src/export/mcap/export_mcap.ts";
import { engine } from "../support/tables.ts";
import { all, exported, imported, readerOf } from "./mcap_exports.ts";

const hasZstd = "zstdCompressSync" in zlib;

it.each(["lz4", "zstd", "none"] as const)("chunks of %s hold the same messages", async (compression) => {
  await using client = await connect("memory:");
  const handler = await imported(client, "cdr_test.db3");
  if (compression === "zstd" && !hasZstd) {
    await expect(exported(handler, { compression })).rejects.toMatchObject({ code: "UNSUPPORTED" });
    return;
  }
  const reader = await readerOf(await exported(handler, { compression }), handler.engine);
  const wanted = compression === "none" ? "" : compression;
  expect(new Set(reader.chunkIndexes.map((chunk) => chunk.compression))).toEqual(new Set([wanted]));
  const plain = await readerOf(await exported(handler), handler.engine);
  const messages = await all(reader.readMessages());
  expect(messages.length).toBe(handler.rowCount);
  expect(messages).toEqual(await all(plain.readMessages()));
});

it.skipIf(!hasZstd)("chunks of ZSTD of any length are one frame", () => {
  const compress = chunkCompressor(engine, "zstd");
  // Noise of 4 bits a byte, of lengths at which Deno's encoder puts an empty frame behind.
  let state = 1;
  const noise = Uint8Array.from({ length: 200_000 }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
    return (state >>> 24) & 15;
  });
  for (const length of [65_535, 65_536, 131_072, 200_000]) {
    const chunk = noise.subarray(0, length);
    const compressed = compress(chunk)!;
    expect(engine.decompress("zstd", compressed, length), `${length} bytes`).toEqual(chunk);
  }
});

it("a compression that MCAP has not is refused, and the sink aborted", async () => {
  await using client = await connect("memory:");
  const handler = await imported(client, "cdr_test.db3");
  let reason: unknown;
  const sink = new WritableStream<Uint8Array>({ abort: (why) => void (reason = why) });
  const compression = "gzip" as McapCompression;
  await expect(exportMcap(handler, sink, { compression })).rejects.toThrow(
    new TypeError('Cannot write MCAP: compression is "gzip", wanted lz4, zstd, none'),
  );
  expect(reason).toBeInstanceOf(TypeError);
});
