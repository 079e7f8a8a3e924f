/**
 * Calls on files of several pieces in a bucket that meet each other at a moment that is chosen.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createObjects } from "../../../src/export/create_object.ts";
import { Bucket } from "../../../src/store/s3/bucket.ts";
import { PendingFile } from "../../../src/store/s3/pending_file.ts";
import { S3Store } from "../../../src/store/s3/s3_store.ts";
import { s3Place } from "../../../src/store/s3/s3_options.ts";
import { LOG_TIMING } from "../../../src/store/s3/write_ahead_log.ts";
import { takeBytes } from "../../../src/util/buffer_pool.ts";
import { sameBytes } from "../../support/bytes.ts";
import { thrownBy } from "../../support/errors.ts";
import { caseRange, Random } from "../../support/random_cases.ts";
import type { S3Asked } from "../../support/s3_proxy.ts";
import { s3Installed, type S3ServerName } from "../../support/s3_server.ts";
import { IMPATIENT, isComplete, S3Stage } from "../../support/s3_stage.ts";
import { deferred, until } from "../../support/waiting.ts";

const MIB = 2 ** 20;
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const { seed: SEED } = caseRange(1);
const random = new Random(SEED);
/** Nothing that repeats. */
const NOISE = new Uint8Array(Uint32Array.from({ length: 12 * MIB }, () => random.below(2 ** 32)).buffer);

for (const name of ["versitygw", "moto"] as const) suite(name);

function suite(name: S3ServerName): void {
  const { isThere, skipped } = s3Installed(name);
  if (!isThere) return it.skip(`calls side by side in S3 on ${name}${skipped}`, () => {});

  describe(`calls side by side in S3 on ${name}, seed ${SEED}`, () => {
    let stage: S3Stage;
    beforeAll(async () => stage = await S3Stage.start(name));
    afterAll(() => stage?.stop());

    /** One that asks by way of the proxy, and one that asks the server itself. */
    const open = (prefix: string, isWatched: boolean) => {
      const endpoint = isWatched ? { endpoint: stage.proxy.endpoint } : {};
      const options = stage.server.options({ write: true, retryMs: 2000, ...endpoint });
      return new S3Store(s3Place(stage.server.url(prefix), options), isWatched ? LOG_TIMING : IMPATIENT);
    };
    /** Holds up requests of a kind, until told to let them go. */
    const hold = (isHeld: (asked: S3Asked) => boolean) => {
      const { promise: wait, resolve: letGo } = deferred();
      let count = 0;
      stage.proxy.trick = (asked) => {
        if (!isHeld(asked)) return undefined;
        count++;
        return { wait };
      };
      return { letGo, held: (wanted = 1) => until(() => count >= wanted) };
    };
    const isPart = ({ method, url }: S3Asked) => method === "PUT" && url.includes("partNumber=");
    const isCopy = ({ headers }: S3Asked) => headers["x-amz-copy-source"] !== undefined;
    const expectBytes = async (store: S3Store, path: string, length: number) => {
      expect(await store.size(path)).toBe(length);
      expect(sameBytes(await store.read(path, 0, length), NOISE.subarray(0, length))).toBe(true);
    };

    it("flushes a file whose first piece waits for others to be uploaded", async () => {
      const prefix = stage.newPrefix();
      const [store, other] = [open(prefix, true), open(prefix, false)];
      await store.lock("s/lock");
      const paths = ["s/a", "s/b", "s/c", "s/d", "s/e"];
      for (const path of paths) await store.create(path);
      const { letGo, held } = hold(isPart);
      for (const path of paths.slice(0, 4)) await store.append(path, NOISE.subarray(0, 8 * MIB));
      await held(4);
      const appended = store.append("s/e", NOISE.subarray(0, 9 * MIB));
      const synced = store.sync("s/e");
      await pause(100);
      letGo();
      await Promise.all([appended, synced]);
      await store.append("s/e", NOISE.subarray(9 * MIB, 20 * MIB));
      await store.sync("s/e");
      await expectBytes(other, "s/e", 20 * MIB);
      await store.seal("s/e");
      await expectBytes(other, "s/e", 20 * MIB);
      await store.close();
      await other.close();
    });

    it("uses no memory again that is still being spilled", async () => {
      const prefix = stage.newPrefix();
      const store = open(prefix, true);
      await store.lock("s/lock");
      const paths = Array.from({ length: 5 }, (_, i) => `s/f${i}`);
      for (const path of paths) await store.create(path);
      await store.append("s/f0", NOISE.subarray(0, 15 * MIB));
      for (const path of paths.slice(1, 4)) await store.append(path, NOISE.subarray(0, 7 * MIB));
      const { promise: wait, resolve: letGo } = deferred();
      let spills = 0;
      stage.proxy.trick = ({ url }) => {
        if (!url.includes("/spill-") || spills >= 3) return undefined;
        spills++;
        return { wait, status: 503, code: "SlowDown" };
      };
      // Now all have too much.
      const appended = store.append("s/f4", NOISE.subarray(0, 7 * MIB));
      await until(() => spills === 3);
      await store.seal("s/f0");
      // As whoever takes memory does.
      const taken = Array.from({ length: 12 }, () => takeBytes(8 * MIB));
      for (const bytes of taken) bytes.fill(0);
      for (const length of [7 * MIB, 6 * MIB, 5 * MIB]) takeBytes(length).fill(0);
      letGo();
      await appended;
      await expectBytes(store, "s/f0", 15 * MIB);
      await store.close();
    });

    it("spills nothing of a file that has come to a whole piece meanwhile", async () => {
      const prefix = stage.newPrefix();
      const [store, other] = [open(prefix, true), open(prefix, false)];
      await store.lock("s/lock");
      const paths = Array.from({ length: 6 }, (_, i) => `s/f${i}`);
      for (const path of paths) await store.create(path);
      // The largest first, four at a time.
      const lengths = paths.map((_, i) => 7 * MIB - i);
      for (const path of paths) {
        await store.append(path, NOISE.subarray(0, 1));
        await store.sync(path);
      }
      for (const [i, path] of paths.entries()) await store.append(path, NOISE.subarray(1, lengths[i]));
      const { letGo, held } = hold(({ method, url }) => method === "PUT" && url.includes("/spill-"));
      const synced = Promise.all(paths.map((path) => store.sync(path)));
      await held(4);
      const appended = paths.map((path, i) => store.append(path, NOISE.subarray(lengths[i], 8 * MIB)));
      await pause(100);
      letGo();
      await Promise.all([synced, ...appended]);
      await Promise.all(paths.map((path) => store.sync(path)));
      stage.proxy.trick = () => ({ status: 403 });
      const lease = await other.lock("s/lock");
      for (const path of paths) await expectBytes(other, path, 8 * MIB);
      await lease.release();
      await store.close();
      await other.close();
    });

    it("acknowledges nothing that an object at the file's own path would hide", async () => {
      const prefix = stage.newPrefix();
      const [store, other] = [open(prefix, true), open(prefix, false)];
      await store.lock("s/lock");
      await store.create("s/a");
      await store.append("s/a", NOISE.subarray(0, 9 * MIB));
      const { held, letGo } = hold(({ method, url }) => method === "DELETE" && url.endsWith("/s/a"));
      const synced = store.sync("s/a").catch(() => {});
      await held();
      const isSynced = await Promise.race([
        store.sync("s/a").then(() => true),
        pause(1000).then(() => false),
      ]);
      // It dies.
      stage.proxy.trick = () => ({ status: 403 });
      const lease = await other.lock("s/lock");
      const size = await other.size("s/a").catch(() => 0);
      expect([isSynced, size]).toEqual([isSynced, isSynced ? 9 * MIB : size]);
      letGo();
      await synced;
      await lease.release();
      await store.close();
      await other.close();
    });

    it("reads a file on while what was uploaded of it is put beside the log", async () => {
      const prefix = stage.newPrefix();
      const store = open(prefix, true);
      await store.lock("s/lock");
      await store.create("s/a");
      await store.append("s/a", NOISE.subarray(0, 20 * MIB));
      const reads: Promise<void>[] = [];
      let gets = 0;
      const { promise: wait, resolve: letGo } = deferred();
      let copies = 0;
      stage.proxy.trick = (asked) => {
        if (isCopy(asked)) {
          copies++;
          return { wait };
        }
        if (asked.method === "GET" && asked.url.endsWith("/s/a")) {
          gets++;
          return { wait: pause(300) };
        }
      };
      const synced = store.sync("s/a");
      await until(() => copies > 0);
      reads.push(expectBytes(store, "s/a", 20 * MIB));
      await pause(100);
      letGo();
      await Promise.all([synced, ...reads]);
      expect(gets).toBe(0);
      await store.close();
    });

    it("leaves alone what another has made of its upload", async () => {
      const prefix = stage.newPrefix();
      const [store, other] = [open(prefix, true), open(prefix, false)];
      await store.lock("s/lock");
      await store.create("s/a");
      await store.append("s/a", NOISE.subarray(0, 20 * MIB));
      const { letGo, held } = hold(isComplete);
      const synced = thrownBy(() => store.sync("s/a"));
      await held();
      const lease = await other.lock("s/lock");
      await expectBytes(other, "s/a", 16 * MIB);
      letGo();
      const { code } = await synced as { code: string };
      await expectBytes(other, "s/a", 16 * MIB);
      // moto does not say that an upload is gone, but breaks down.
      expect(name === "moto" ? ["LOCKED", "UNAVAILABLE"] : ["LOCKED"]).toContain(code);
      await lease.release();
      await store.close();
      await other.close();
    });

    for (const isFlushed of [true, false]) {
      it(`leaves nothing of pieces on their way of a file that is removed, ${isFlushed ? "" : "not "}flushed`, async () => {
        const prefix = stage.newPrefix();
        const store = open(prefix, true);
        await store.lock("s/lock");
        await store.create("s/a");
        if (isFlushed) {
          await store.append("s/a", NOISE.subarray(0, 10));
          await store.sync("s/a");
        }
        const first = deferred();
        const others = deferred();
        let count = 0;
        stage.proxy.trick = (asked) => {
          if (!isPart(asked) && !asked.url.includes("/bulk-")) return undefined;
          if (asked.method !== "PUT") return undefined;
          return { wait: count++ === 0 ? first.promise : others.promise };
        };
        await store.append("s/a", NOISE.subarray(0, 32 * MIB));
        await until(() => count === 4);
        const removed = store.remove("s");
        first.resolve();
        await pause(500);
        others.resolve();
        await removed;
        await pause(500);
        expect(await stage.keysBelow(prefix)).toEqual([]);
        expect(await stage.server.open().uploads.list(prefix)).toEqual([]);
        await store.close();
      });
    }

    it("makes a file anew while the one before is put beside the log", async () => {
      const prefix = stage.newPrefix();
      const store = open(prefix, true);
      await store.lock("s/lock");
      await store.create("s/a");
      await store.append("s/a", NOISE.subarray(0, 20 * MIB));
      const { letGo, held } = hold(isCopy);
      const synced = store.sync("s/a").catch(() => {});
      await held();
      const removed = store.remove("s/a");
      await Promise.race([removed, pause(500)]);
      const early = pause(500).then(letGo);
      await removed;
      await store.create("s/a");
      await store.append("s/a", NOISE.subarray(0, 18 * MIB));
      await store.seal("s/a");
      await early;
      await synced;
      await pause(200);
      await expectBytes(store, "s/a", 18 * MIB);
      await store.close();
    });

    for (const [how, end] of Object.entries({ move: "s/b", seal: undefined })) {
      it(`adds nothing to a file of which a ${how} has failed`, async () => {
        const prefix = stage.newPrefix();
        const store = open(prefix, true);
        await store.lock("s/lock");
        await store.create("s/a");
        await store.append("s/a", NOISE.subarray(0, 20 * MIB));
        stage.proxy.trick = (asked) =>
          end
            ? asked.url.includes(end) ? { status: 403 } : undefined
            : isComplete(asked)
            ? { status: 403 }
            : undefined;
        await thrownBy(() => end ? store.move("s/a", end) : store.seal("s/a"));
        stage.proxy.trick = () => undefined;
        const added = await thrownBy(() => store.append("s/a", NOISE.subarray(20 * MIB, 30 * MIB)));
        expect((added as { code: string }).code).toBe("IO");
        await store.seal("s/a");
        await expectBytes(store, "s/a", 20 * MIB);
        await store.close();
      });
    }

    it("lends no memory to others into which a read that failed still writes", async () => {
      const prefix = stage.newPrefix();
      const bucket = new Bucket(
        s3Place(stage.server.url(prefix), stage.server.options({ endpoint: stage.proxy.endpoint })),
      );
      const key = `${prefix}there`;
      await bucket.put(key, NOISE.subarray(0, 4 * MIB));
      const file = new PendingFile(bucket, "f");
      file.placeBulk(key, 4 * MIB);
      file.placeBulk(`${prefix}missing`, 8 * MIB);
      const { letGo, held } = hold(({ url }) => url.includes("there"));
      await thrownBy(() => file.lend(0, 8 * MIB, () => Promise.resolve()));
      const taken = Array.from({ length: 8 }, () => takeBytes(8 * MIB).fill(0));
      await held();
      letGo();
      await pause(500);
      expect(taken.map((bytes) => bytes.every((byte) => byte === 0))).toEqual(taken.map(() => true));
    });

    it("removes no object of another with what an export has made", async () => {
      const prefix = stage.newPrefix();
      const output = await createObjects(stage.server.url(`${prefix}out`), stage.server.options());
      const writer = (await output.file("a")).getWriter();
      await writer.write(NOISE.subarray(0, 10));
      const key = `${prefix}out/a`;
      await stage.server.open().put(key, NOISE.subarray(0, 5));
      expect((await thrownBy(() => writer.close()) as { code: string }).code).toBe("ALREADY_EXISTS");
      await output.abort();
      expect((await stage.server.open().head(key))?.size).toBe(5);
    });
  });
}
