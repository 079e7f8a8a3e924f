import process from "node:process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Client } from "../../../mod.ts";
import { LOG_TIMING } from "../../../src/store/s3/write_ahead_log.ts";
import { BucketRecorder, RECORDED_ROWS, type RecorderAction } from "../../support/bucket_recorder.ts";
import { sameBytes } from "../../support/bytes.ts";
import { canSpawn, needsBuild } from "../../support/child.ts";
import { caseRange, failedCase, Random } from "../../support/random_cases.ts";
import type { S3Trick } from "../../support/s3_proxy.ts";
import { s3Installed, type S3ServerName } from "../../support/s3_server.ts";
import { isComplete, isManifest, S3Stage } from "../../support/s3_stage.ts";
import { deferred, until } from "../../support/waiting.ts";

/** How many are killed at random moments on each server: a fifth of those that are cheaper. */
const KILLS = Math.ceil(Number(process.env.SMALTI_KILLS ?? 10) / 5);
const { seed: SEED } = caseRange(1);

for (const name of ["versitygw", "moto"] as const) suite(name);

function suite(name: S3ServerName): void {
  const { isThere, skipped } = s3Installed(name);
  if (!isThere || !canSpawn) {
    return it.skip(`processes on ${name}${isThere ? needsBuild : skipped}`, () => {});
  }

  let stage: S3Stage;
  beforeAll(async () => stage = await S3Stage.start(name));
  afterAll(() => stage?.stop());

  /** A process that asks by way of the proxy. */
  function recorder(prefix: string, action: RecorderAction): BucketRecorder {
    const { server, proxy } = stage;
    return new BucketRecorder(server.url(prefix), server.options({ endpoint: proxy.endpoint }), action);
  }

  /** The rows of sequence "s", of which the first so many must be there, in order, and nothing else. */
  async function expectRows(client: Client, least: number): Promise<number> {
    let count = 0;
    for await (const [topic, message] of (await client.sequenceHandler("s")).getDataStreamer()) {
      const seen = [topic, message.timestampNs, (message.data as { value: number }).value];
      expect(seen).toEqual(["ab"[count % 2], BigInt(count), count]);
      count++;
    }
    expect(count).toBeGreaterThanOrEqual(least);
    return count;
  }

  describe(`processes that record to ${name}, seed ${SEED}`, () => {
    it("one that is stopped, taken over and woken is told so, and what it had acknowledged is there", async () => {
      const prefix = stage.newPrefix();
      await using writer = recorder(prefix, "rows");
      await writer.until(5 * (1 + new Random(SEED).below(20)));
      writer.signal("SIGSTOP");
      await using second = await stage.client(prefix);
      await second.recover("s");
      const recovered = await expectRows(second, writer.flushed);
      writer.signal("SIGCONT");
      await writer.ended;
      expect([writer.isFinal, writer.said.at(-1)]).toEqual([false, { code: "LOCKED" }]);
      expect(writer.flushed).toBeLessThanOrEqual(recovered);
      expect(await expectRows(second, recovered)).toBe(recovered);
      expect((await second.sequenceInfo("s")).state).toBe("recovered");
    });

    it(`keeps what was acknowledged of ${KILLS} that are killed at random moments`, async () => {
      for (let i = 0; i < KILLS; i++) {
        const random = new Random(SEED + i);
        try {
          await killOne(random);
        } catch (reason) {
          throw failedCase(SEED + i, "tests/store/s3/s3_processes.test.ts", reason);
        }
      }
    }, Math.max(60_000, 5_000 * KILLS));

    async function killOne(random: Random): Promise<void> {
      const prefix = stage.newPrefix();
      await using writer = recorder(prefix, "rows");
      // Some time after it has begun, or near to its end.
      await writer.until(random.oneIn(3) ? RECORDED_ROWS : 1 + random.below(RECORDED_ROWS));
      await new Promise((resolve) => setTimeout(resolve, random.below(20)));
      await writer.kill();
      await using second = await stage.client(prefix);
      if ((await second.sequenceInfo("s")).state === "recording") await second.recover("s");
      const rows = await expectRows(second, writer.flushed);
      if (writer.isFinal) expect(rows).toBe(RECORDED_ROWS);
      expect(await leftBelow(prefix)).toEqual([]);
    }

    /** Each with what the proxy does to the request at which a process is killed. */
    const kills: Record<string, (recovered: Promise<void>) => S3Trick> = {
      "comes when all is recovered": (recovered) => ({ wait: recovered }),
      "is done": (recovered) => ({ answered: () => recovered }),
    };
    for (const [what, trickOf] of Object.entries(kills)) {
      it(`ends the commit of one that is killed as it writes the manifest, which ${what}`, () =>
        killedAt("rows", isManifest, 1, trickOf, async (client) => {
          expect(await expectRows(client, RECORDED_ROWS)).toBe(RECORDED_ROWS);
          expect((await client.sequenceInfo("s")).state).toBe("finalized");
        }));

      it(`recovers what one left that is killed as it ends an upload, which ${what}`, () =>
        killedAt("large", isComplete, 2, trickOf, async (client) => {
          expect((await client.sequenceHandler("s")).rowCount).toBe(3);
        }));

      // The first flush ends the upload of what was not flushed, and has it copied beside the log.
      for (const [i, flushed] of ["is uploaded", "is copied"].entries()) {
        it(`recovers what one left that is killed as what it flushes ${flushed}, which ${what}`, () =>
          killedAt("large", isComplete, i, trickOf, async (client) => {
            expect((await client.sequenceHandler("s")).rowCount).toBe(2);
          }));
      }
    }

    /** What is recovered after a kill at a request must be what comes of an undisturbed process, file by file. */
    async function killedAt(
      action: "rows" | "large",
      isIt: typeof isComplete,
      before: number,
      trickOf: (recovered: Promise<void>) => S3Trick,
      check: (client: Client) => Promise<void>,
    ): Promise<void> {
      const undisturbed = await undisturbedFiles(action);
      const prefix = stage.newPrefix();
      const recovered = deferred();
      let count = 0;
      stage.proxy.trick = (asked) => {
        if (!isIt(asked) || count++ !== before) return;
        const trick = trickOf(recovered.promise);
        const { answered } = trick;
        if (!answered) writer.signal("SIGKILL");
        return {
          ...trick,
          ...answered && {
            answered: () => {
              writer.signal("SIGKILL");
              return answered();
            },
          },
        };
      };
      await using writer = recorder(prefix, action);
      await writer.ended;
      expect([writer.isFinal, count]).toEqual([false, before + 1]);
      await using second = await stage.client(prefix);
      await second.recover("s");
      recovered.resolve();
      const late = stage.proxy.asked.filter(isIt)[before];
      await until(() => late.status !== undefined);
      await check(second);
      const files = await stage.objectsBelow(prefix, ".arrow");
      expect(Object.keys(files)).toEqual(Object.keys(undisturbed));
      const isLess = action === "large" && before < 2;
      if (!isLess) {
        for (const [path, bytes] of Object.entries(files)) {
          expect([path, sameBytes(bytes, undisturbed[path])]).toEqual([path, true]);
        }
      }
      expect(await leftBelow(prefix)).toEqual([]);
      expect(await stage.server.open().uploads.list(prefix)).toEqual([]);
    }

    const undisturbed = new Map<string, Promise<Record<string, Uint8Array>>>();
    function undisturbedFiles(action: "rows" | "large"): Promise<Record<string, Uint8Array>> {
      const record = async () => {
        const prefix = stage.newPrefix();
        await using writer = recorder(prefix, action);
        await writer.ended;
        expect(writer.isFinal).toBe(true);
        return await stage.objectsBelow(prefix, ".arrow");
      };
      if (!undisturbed.has(action)) undisturbed.set(action, record());
      return undisturbed.get(action)!;
    }

    it("gives a sequence to one of several, and to nobody while that one lives", async () => {
      const prefix = stage.newPrefix();
      const writers = [1, 2, 3].map(() => recorder(prefix, "hold"));
      await Promise.all(writers.map((writer) => writer.until(1)));
      const [[holder, ...more], others] = [true, false].map((holds) =>
        writers.filter(({ flushed }) => flushed > 0 === holds)
      );
      expect([holder !== undefined, more]).toEqual([true, []]);
      for (const { said } of others) expect(["LOCKED", "ALREADY_EXISTS"]).toContain(said[0].code);
      const intruder = recorder(prefix, "intrude");
      await intruder.ended;
      const calls = ["sequenceUpdate", "sequenceDelete", "recover"];
      expect(intruder.said).toEqual(calls.map((call) => ({ [call]: "LOCKED" })));
      // One that is killed holds it for a while.
      await holder.kill();
      await using patient = await stage.client(prefix, LOG_TIMING);
      await expect(patient.recover("s")).rejects.toMatchObject({ code: "LOCKED" });
      await using second = await stage.client(prefix);
      await second.recover("s");
      expect(await expectRows(second, 1)).toBe(1);
    });
  });

  /** Keys of what a log holds beside its epochs and fences: nobody needs that once all is recovered. */
  async function leftBelow(prefix: string): Promise<string[]> {
    const bucket = stage.server.open();
    const left: string[] = [];
    for (const key of await stage.keysBelow(`${prefix}s/sequence.wal/`)) {
      if (/sequence\.wal\/\d+$/.test(key)) continue;
      const found = await bucket.get(key, 0, 1000);
      const isFence = typeof found === "object" &&
        /"kind":"fence"/.test(new TextDecoder().decode(found.bytes));
      if (!isFence) left.push(key);
    }
    return left;
  }
}
