/**
 * Writers that die or are taken over at any of their requests, every fifth answer being lost, and what is left of what they
 * recorded; of a quarter of them one topic has several pieces. `SMALTI_KILLS` is how many of each, `SMALTI_SEED` the seed of
 * the first; the others follow it.
 *
 * @module
 */
import process from "node:process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { binary, type Client, defineOntology, SmaltiError } from "../../../mod.ts";
import { mapLimited } from "../../../src/util/map_limited.ts";
import { LOG_TIMING } from "../../../src/store/s3/write_ahead_log.ts";
import { sameBytes } from "../../support/bytes.ts";
import { caseRange, failedCase, Random } from "../../support/random_cases.ts";
import type { S3Asked, S3Trick } from "../../support/s3_proxy.ts";
import { anyS3Server } from "../../support/s3_server.ts";
import { DISTRUSTFUL, S3Stage } from "../../support/s3_stage.ts";
import { addTopic, pushSamples, sampleText, texts } from "../../support/sample_rows.ts";

const CASES = Number(process.env.SMALTI_KILLS ?? 15);
const ROWS = 60;
/** Three of them are a piece and more, and cannot be compressed. */
const LARGE_BYTES = 3 * 2 ** 20;
const Blob = defineOntology("Blob", { bytes: binary() });
const NOISE = crypto.getRandomValues(new Uint8Array(65536));
const blob = (serial: number) => {
  const bytes = new Uint8Array(LARGE_BYTES);
  for (let at = 0; at < bytes.length; at += NOISE.length) bytes.set(NOISE, at);
  new DataView(bytes.buffer).setInt32(LARGE_BYTES / 2, serial);
  return bytes;
};
/** Cases side by side: much of their time is waiting. */
const LANES = 4;
const { seed: SEED } = caseRange(1);
const title = anyS3Server ? `on ${anyS3Server}, seed ${SEED}` : "(skipped: tools/s3/install.sh has not run)";

describe.skipIf(!anyS3Server)(`writers to S3 that are stopped ${title}`, () => {
  /** The first are what writers ask through, the others what who takes over from them does. */
  const stages: S3Stage[] = [];
  beforeAll(async () => {
    stages.push(await S3Stage.start(anyS3Server!));
    while (stages.length < 2 * LANES) stages.push(await S3Stage.before(stages[0].server));
  });
  afterAll(async () => {
    for (const stage of stages.reverse()) await stage.proxy.stop();
    await stages.at(-1)?.server.stop();
  });

  for (const how of ["die", "are taken over"] as const) {
    it(`leave what was acknowledged when they ${how} at any request, ${CASES} times`, async () => {
      const figures = { acknowledged: 0, recovered: 0, lost: 0, finalized: 0 };
      const free = Array.from({ length: LANES }, (_, i) => i);
      await mapLimited(Array.from({ length: CASES }, (_, i) => SEED + i), LANES, async (seed) => {
        const lane = free.pop()!;
        const [stage, other] = [stages[lane], stages[LANES + lane]];
        const random = new Random(seed);
        try {
          const losses = losing(new Random(seed + 1), figures);
          other.proxy.trick = losses;
          await stage.withClients(
            (first, second, prefix) =>
              stopSomewhere({ stage, other, first, second, prefix, random, losses, how, figures }),
            {
              first: random.oneIn(2) ? DISTRUSTFUL : LOG_TIMING,
              retryMs: 30_000,
              secondEndpoint: other.proxy.endpoint,
            },
          );
        } catch (reason) {
          throw failedCase(seed, "tests/store/s3/s3_search.test.ts", reason);
        }
        free.push(lane);
      });
      console.log(JSON.stringify({ how, cases: CASES, seed: SEED, ...figures }));
      expect(figures.recovered).toBeGreaterThanOrEqual(figures.acknowledged);
    }, Math.max(60_000, 5_000 * CASES));
  }

  /** Loses every fifth answer to what changes something. */
  function losing(random: Random, figures: { lost: number }) {
    return ({ method }: S3Asked): S3Trick | undefined => {
      if (method === "GET" || method === "HEAD" || !random.oneIn(5)) return undefined;
      figures.lost++;
      return { dropAfter: 0 };
    };
  }

  /** A writer and who takes over from it. */
  interface Case {
    stage: S3Stage;
    other: S3Stage;
    first: Client;
    second: Client;
    prefix: string;
    random: Random;
    losses: (asked: S3Asked) => S3Trick | undefined;
    how: "die" | "are taken over";
    figures: { acknowledged: number; recovered: number; finalized: number };
  }

  /** Records until the writer is stopped at a random request, before or after that was done, and looks what is recovered. */
  async function stopSomewhere(one: Case): Promise<void> {
    const { stage, other, first, second, prefix, random, losses, how, figures } = one;
    const wanted = 1 + random.below(60);
    const [isBefore, isSlow] = [random.oneIn(2), random.oneIn(2)];
    let recovery: Promise<unknown> | undefined;
    let [isDead, isTakenOver] = [false, false];
    stage.proxy.trick = (asked, count) => {
      if (how === "are taken over") {
        if (count !== wanted) return losses(asked);
        recovery = second.recover("s").then(() => isTakenOver = true, (reason) => reason);
        return isSlow ? { wait: recovery } : undefined;
      }
      if (isDead) return { status: 403 };
      if (count < wanted) return losses(asked);
      isDead = true;
      return isBefore ? { status: 403 } : { dropAfter: 0 };
    };
    const isLarge = random.oneIn(4);
    let [pushed, flushed, pushedLarge, flushedLarge] = [0, 0, 0, 0];
    let isFinal = false;
    try {
      const sequence = await first.sequenceCreate("s", { autoFlush: false });
      const topics = [await addTopic(sequence, "a", []), await addTopic(sequence, "b", [])];
      const large = isLarge ? await sequence.topicCreate("large", { ontology: Blob }) : undefined;
      // Seldom, so that several pieces are uploaded before.
      const perFlush = isLarge ? 12 : 4;
      while (pushed < ROWS) {
        await pushSamples(topics[pushed % 2], [pushed], pushed);
        pushed++;
        if (large && random.oneIn(4)) {
          await large.push({ timestampNs: BigInt(pushedLarge), data: { bytes: blob(pushedLarge) } });
          pushedLarge++;
        }
        if (!random.oneIn(perFlush)) continue;
        const [before, beforeLarge, isLate] = [pushed, pushedLarge, isTakenOver];
        await sequence.flush();
        expect(isLate).toBe(false);
        [flushed, flushedLarge] = [before, beforeLarge];
      }
      await sequence.finalize();
      [isFinal, flushed, flushedLarge] = [true, pushed, pushedLarge];
    } catch (reason) {
      if (!(reason instanceof SmaltiError)) throw reason;
      if (how === "are taken over") expect([reason.code, reason.message]).toEqual(["LOCKED", reason.message]);
    }
    await recovery;
    // Who recovers may die as well.
    if (random.oneIn(2)) await other.dieWithin(random.below(40), (client) => client.recover("s"), prefix);
    other.proxy.trick = losses;
    stage.proxy.trick = () => ({ status: 403 });
    const info = await second.sequenceInfo("s").catch(() => undefined);
    if (info?.state === "recording") await second.recover("s");
    // What never came to a first commit is not there.
    const handler = await second.sequenceHandler("s").catch((reason) => {
      if (reason.code !== "NOT_FOUND" || flushed > 0) throw reason;
    });
    const names = handler?.topics.map(({ name }) => name) ?? [];
    const small = names.filter((name) => name !== "large");
    const got = small.length > 0 ? await texts(handler!.getDataStreamer({ topics: small })) : [];
    let gotLarge = 0;
    if (names.includes("large")) {
      for await (const { data } of (await handler!.topicHandler("large")).getDataStreamer()) {
        const isIt = sameBytes((data as { bytes: Uint8Array }).bytes, blob(gotLarge));
        expect([gotLarge, isIt]).toEqual([gotLarge, true]);
        gotLarge++;
      }
    }
    expect([gotLarge >= flushedLarge, gotLarge <= pushedLarge]).toEqual([true, true]);
    expect([isFinal, got.length >= flushed, got.length <= pushed]).toEqual([isFinal, true, true]);
    // Of each topic the first so many rows, in order, and nothing else.
    for (const topic of ["a", "b"]) {
      const own = got.filter((text) => text.startsWith(`${topic} `));
      const all = Array.from({ length: ROWS }, (_, i) => sampleText("ab"[i % 2], BigInt(i), i));
      expect(own).toEqual(all.filter((text) => text.startsWith(`${topic} `)).slice(0, own.length));
      expect(own.length).toBeGreaterThanOrEqual(Math.floor((flushed + (topic === "a" ? 1 : 0)) / 2));
    }
    figures.acknowledged += flushed;
    figures.recovered += got.length;
    figures.finalized += Number(isFinal);
  }
});
