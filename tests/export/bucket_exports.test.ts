import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Client, connect } from "../../mod.ts";
import { createObject, createObjects, exportArrow, exportMcap, exportParquet } from "../../src/export/mod.ts";
import { sameBytes } from "../support/bytes.ts";
import { expectError } from "../support/errors.ts";
import { caseRange, Random } from "../support/random_cases.ts";
import { recordSequence } from "../support/sample_rows.ts";
import { s3Installed, type S3ServerName } from "../support/s3_server.ts";
import { S3Stage } from "../support/s3_stage.ts";

const MIB = 2 ** 20;
const { seed: SEED } = caseRange(1);

for (const name of ["versitygw", "moto"] as const) suite(name);

function suite(name: S3ServerName): void {
  const { isThere, skipped } = s3Installed(name);
  if (!isThere) return it.skip(`exports to S3 on ${name}${skipped}`, () => {});

  describe(`exports to S3 on ${name}, seed ${SEED}`, () => {
    let stage: S3Stage;
    let client: Client;
    beforeAll(async () => {
      stage = await S3Stage.start(name);
      client = await connect("memory:");
      await recordSequence(client, "s", { a: [1, 2, 3], "b/c": [4, 5] });
    });
    afterAll(async () => {
      await client?.close();
      await stage?.stop();
    });

    const options = () => stage.server.options({ endpoint: stage.proxy.endpoint, retryMs: 300 });
    const read = async (key: string) => (await stage.objectsBelow(key, ""))[""];
    const uploadsOf = (prefix: string) => stage.server.open().uploads.list(prefix);

    it("are an object once they are closed, of few bytes or many", async () => {
      const random = new Random(SEED);
      for (const size of [0, 1, 8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 30 * MIB + random.below(8 * MIB)]) {
        const prefix = stage.newPrefix();
        const noise = new Uint8Array(size);
        for (let at = 0; at < size; at += 65536) crypto.getRandomValues(noise.subarray(at, at + 65536));
        const stream = await createObject(stage.server.url(`${prefix}x.bin`), options());
        const writer = stream.getWriter();
        for (let at = 0; at < size;) {
          const some = noise.slice(at, at + 1 + random.below(3 * MIB));
          await writer.write(some);
          some.fill(0); // it is ours again
          at += some.length;
        }
        expect(await stage.keysBelow(prefix)).toEqual([]);
        await writer.close();
        expect([size, sameBytes(await read(`${prefix}x.bin`), noise)]).toEqual([size, true]);
        expect(await uploadsOf(prefix)).toEqual([]);
      }
    });

    it("have the bytes that files have", async () => {
      const prefix = stage.newPrefix();
      const handler = await client.sequenceHandler("s");
      await exportMcap(handler, await createObject(stage.server.url(`${prefix}s.mcap`), options()));
      const parts: Uint8Array<ArrayBuffer>[] = [];
      await exportMcap(handler, new WritableStream({ write: (bytes) => void parts.push(bytes.slice()) }));
      const wanted = new Uint8Array(await new Blob(parts).arrayBuffer());
      expect(sameBytes(await read(`${prefix}s.mcap`), wanted)).toBe(true);
      await exportArrow(handler, await createObjects(stage.server.url(`${prefix}tables`), options()));
      expect(await stage.keysBelow(`${prefix}tables/`)).toEqual(
        ["a.arrow", "b/c.arrow"].map((file) => `${prefix}tables/${file}`),
      );
    });

    it("take no other's place", async () => {
      const prefix = stage.newPrefix();
      const bucket = stage.server.open();
      await bucket.put(`${prefix}there`, new Uint8Array(3));
      await bucket.put(`${prefix}tables/a.arrow`, new Uint8Array(3));
      for (const create of [createObject, createObjects]) {
        for (const path of ["there", "tables"]) {
          const url = stage.server.url(prefix + path);
          await expectError(() => create(url, options()), "ALREADY_EXISTS", "wanted a key where nothing is");
        }
        await expectError(() => create("s3://bucket"), "INVALID_ARGUMENT", "wanted s3://bucket/key");
      }
      // Something that comes there meanwhile stays.
      for (const size of [10, 9 * MIB]) {
        const key = `${prefix}late-${size}`;
        const writer = (await createObject(stage.server.url(key), options())).getWriter();
        await writer.write(new Uint8Array(size));
        await bucket.put(key, new Uint8Array(3));
        await expectError(() => writer.close(), "ALREADY_EXISTS");
        expect((await read(key)).length).toBe(3);
      }
      const files = await createObjects(stage.server.url(`${prefix}new`), options());
      await expectError(async () => await files.file("../there"), "INVALID_ARGUMENT");
      expect(await uploadsOf(prefix)).toEqual([]);
    });

    for (const way of ["aborted", "refused"] as const) {
      it(`leave nothing where they are ${way}`, async () => {
        const prefix = stage.newPrefix();
        const handler = await client.sequenceHandler("s");
        const stop = new AbortController();
        const writer = (await createObject(stage.server.url(`${prefix}x`), options())).getWriter();
        await writer.write(new Uint8Array(20 * MIB));
        if (way === "aborted") {
          await writer.abort();
          stop.abort(new Error("enough"));
        } else {
          stage.proxy.trick = ({ method, url }) =>
            method === "PUT" && !url.includes("/a.parquet")
              ? { status: 403, code: "AccessDenied" }
              : undefined;
          await expectError(async () => {
            await writer.write(new Uint8Array(20 * MIB));
            await writer.close();
          }, "PERMISSION_DENIED");
        }
        const directory = await createObjects(stage.server.url(`${prefix}tables`), options());
        const exported = exportParquet(handler, directory, { signal: stop.signal });
        await expect(exported).rejects.toThrow(way === "aborted" ? "enough" : "AccessDenied");
        expect(await stage.keysBelow(prefix)).toEqual([]);
        expect(await uploadsOf(prefix)).toEqual([]);
      });
    }
  });
}
