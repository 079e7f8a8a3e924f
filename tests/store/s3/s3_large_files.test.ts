/**
 * Files of several pieces in a bucket, against bytes in memory: added to, flushed, read, moved and ended in any order, by calls
 * that run side by side.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { S3Store } from "../../../src/store/s3/s3_store.ts";
import { s3Place } from "../../../src/store/s3/s3_options.ts";
import { sameBytes } from "../../support/bytes.ts";
import { caseRange, Random } from "../../support/random_cases.ts";
import { s3Installed, type S3ServerName } from "../../support/s3_server.ts";
import { IMPATIENT, S3Stage } from "../../support/s3_stage.ts";

const MIB = 2 ** 20;
const { seed: SEED } = caseRange(1);
const ROUNDS = 3;
const MOST_BYTES = 44 * MIB;

for (const name of ["versitygw", "moto"] as const) suite(name);

function suite(name: S3ServerName): void {
  const { isThere, skipped } = s3Installed(name);
  if (!isThere) return it.skip(`large files in S3 on ${name}${skipped}`, () => {});

  describe(`large files in S3 on ${name}, seed ${SEED}`, () => {
    let stage: S3Stage;
    beforeAll(async () => stage = await S3Stage.start(name));
    afterAll(() => stage?.stop());

    const open = (prefix: string) =>
      new S3Store(s3Place(stage.server.url(prefix), stage.server.options({ write: true })), IMPATIENT);

    it("holds little of many files that are not flushed", async () => {
      const random = new Random(SEED);
      const prefix = stage.newPrefix();
      const store = open(prefix);
      const lease = await store.lock("s/lock");
      const noise = new Uint8Array(Uint32Array.from({ length: MIB }, () => random.below(2 ** 32)).buffer);
      const part = (file: number, i: number) =>
        noise.subarray(1000 * file + 100 * i, 1000 * file + 100 * i + MIB);
      const files = Array.from({ length: 20 }, (_, i) => `s/f${i}`);
      // Some come to a whole piece.
      const parts = files.map((_, i) => i % 4 === 0 ? 9 : 5);
      for (const path of files) await store.create(path);
      for (let i = 0; i < 9; i++) {
        for (const [file, path] of files.entries()) {
          if (i < parts[file]) await store.append(path, part(file, i));
        }
      }
      const spilled = (await stage.keysBelow(prefix)).filter((key) => key.includes("/spill-"));
      expect(spilled.length).toBeGreaterThan(0);
      const check = async (from: S3Store) => {
        for (const [file, path] of files.entries()) {
          expect(await from.size(path)).toBe(parts[file] * MIB);
          for (let i = 0; i < parts[file]; i++) {
            const isIt = sameBytes(await from.read(path, i * MIB, MIB), part(file, i));
            expect([path, i, isIt]).toEqual([path, i, true]);
          }
        }
      };
      if (random.oneIn(2)) await check(store);
      await Promise.all(files.filter((_, i) => i % 3 === 0).map((path) => store.sync(path)));
      await Promise.all(files.filter((_, i) => i % 3 === 1).map((path) => store.seal(path)));
      await lease.release();
      await store.close();
      const other = open(prefix);
      await check(other);
      await other.close();
      expect((await stage.keysBelow(prefix)).filter((key) => /\/(bulk|spill)-/.test(key))).toEqual([]);
      expect(await stage.server.open().uploads.list(prefix)).toEqual([]);
    });

    for (let round = 0; round < ROUNDS; round++) {
      it(`round ${round}`, async () => {
        const random = new Random(SEED + round);
        const noise = new Uint8Array(
          Uint32Array.from({ length: 3 * MIB }, () => random.below(2 ** 32)).buffer,
        );
        const prefix = stage.newPrefix();
        const [store, other] = [open(prefix), open(prefix)];
        const lease = await store.lock("s/lock");
        const wanted = new Uint8Array(MOST_BYTES + 12 * MIB);
        let [path, size, synced] = ["s/f", 0, 0];
        await store.create(path);

        const read = async (from: S3Store, most: number) => {
          const offset = random.below(most + 1);
          const length = random.below(most - offset + 1);
          const bytes = await from.read(path, offset, length);
          const isIt = sameBytes(bytes, wanted.subarray(offset, offset + length));
          expect([from === store, offset, length, isIt]).toEqual([from === store, offset, length, true]);
        };
        const sync = async () => {
          const bytes = size;
          await store.sync(path);
          synced = Math.max(synced, bytes);
        };

        // What runs beside the appends.
        const beside: Promise<void>[] = [];
        while (size < MOST_BYTES) {
          const from = random.below(noise.length);
          const bytes = noise.subarray(from, from + random.below(random.oneIn(4) ? 12 * MIB : 2 * MIB));
          wanted.set(bytes, size);
          await store.append(path, bytes);
          size += bytes.length;
          expect(await store.size(path)).toBe(size);
          if (random.oneIn(8)) beside.push(sync());
          if (random.oneIn(12)) await sync();
          if (random.oneIn(12)) beside.push(read(store, size));
          if (random.oneIn(12)) await read(other, synced);
        }
        await Promise.all(beside);
        switch (random.below(4)) {
          case 0:
            await store.seal(path);
            break;
          case 1:
            await store.move(path, "s/g");
            path = "s/g";
            break;
          case 2:
            await lease.release();
            break;
          case 3: {
            // Another takes what the log has, or what was uploaded of it.
            const theirs = await other.lock("s/lock");
            const left = await other.size(path).catch(() => 0);
            expect([left >= synced, left <= size]).toEqual([true, true]);
            const bytes = left > 0 ? await other.read(path, 0, left) : new Uint8Array(0);
            expect(sameBytes(bytes, wanted.subarray(0, left))).toBe(true);
            await theirs.release();
            size = left;
          }
        }
        const third = open(prefix);
        if (size > 0) {
          expect(await third.size(path)).toBe(size);
          expect(sameBytes(await third.read(path, 0, size), wanted.subarray(0, size))).toBe(true);
        }
        await Promise.all([store, other, third].map((store) => store.close()));
        const isSpare = (key: string) => /\/(bulk|spill)-/.test(key);
        expect((await stage.keysBelow(prefix)).filter(isSpare)).toEqual([]);
        expect(await stage.server.open().uploads.list(prefix)).toEqual([]);
      });
    }
  });
}
