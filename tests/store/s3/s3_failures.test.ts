import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  binary,
  type Client,
  defineOntology,
  type SequenceWriter,
  type SmaltiError,
  type TopicWriter,
} from "../../../mod.ts";
import type { S3Credentials } from "../../../src/store/s3/credentials.ts";
import { sameBytes } from "../../support/bytes.ts";
import { expectError, thrownBy } from "../../support/errors.ts";
import { caseRange, Random } from "../../support/random_cases.ts";
import type { S3Asked, S3Trick } from "../../support/s3_proxy.ts";
import { s3Installed, type S3ServerName } from "../../support/s3_server.ts";
import { isRecord, S3Stage } from "../../support/s3_stage.ts";
import { addTopic, allTexts, pushSamples } from "../../support/sample_rows.ts";
import { until } from "../../support/waiting.ts";

const Blob = defineOntology("Blob", { bytes: binary() });
type Blob = { bytes: Uint8Array };
const MIB = 2 ** 20;
const PART_BYTES = 8 * MIB;
const NEVER = new Promise<never>(() => {});

const { seed: SEED } = caseRange(1);
const random = new Random(SEED);
/** Nothing that can be compressed. */
const NOISE = new Uint32Array(MIB).map(() => random.below(2 ** 32));

for (const name of ["versitygw", "moto"] as const) suite(name);

function suite(name: S3ServerName): void {
  const { isThere, skipped } = s3Installed(name);
  if (!isThere) return it.skip(`recording to S3, which fails, on ${name}${skipped}`, () => {});

  let stage: S3Stage;
  beforeAll(async () => stage = await S3Stage.start(name));
  afterAll(() => stage?.stop());

  const blob = (serial: number, length: number) => new Uint8Array(NOISE.buffer, 1000 * serial, length);

  /** Pushes row after row to a new topic "a" of sequence "s". */
  async function beginBlobs(
    client: Client,
    maxBufferedBytes = 64 * MIB,
  ): Promise<{ sequence: SequenceWriter; topic: TopicWriter<Blob> }> {
    const sequence = await client.sequenceCreate("s", { autoFlush: false, maxBufferedBytes });
    return { sequence, topic: await sequence.topicCreate("a", { ontology: Blob }) };
  }

  async function pushBlobs(
    topic: TopicWriter<Blob>,
    from: number,
    to: number,
    length: number,
  ): Promise<void> {
    for (let row = from; row < to; row++) {
      await topic.push({ timestampNs: BigInt(row), data: { bytes: blob(row, length) } });
    }
  }

  /** How many rows there are, which must be the first ones. */
  async function countBlobs(client: Client, length: number): Promise<number> {
    let row = 0;
    for await (const [, { data }] of (await client.sequenceHandler("s")).getDataStreamer()) {
      expect([row, sameBytes((data as Blob).bytes, blob(row, length))]).toEqual([row, true]);
      row++;
    }
    return row;
  }

  describe(`recording to S3 on ${name}, seed ${SEED}: credentials`, () => {
    const keys = () => ({ ...stage.server.options().credentials as S3Credentials });

    it("are asked for anew wherever they expire", async () => {
      let [asked, uses, lasts] = [0, 0, 0];
      const credentials = () => {
        // Not so short that one who asks again comes too late for the next ones.
        [asked, uses, lasts] = [asked + 1, 0, 8 + random.below(5)];
        return keys();
      };
      await stage.withClients(async (first, second) => {
        stage.proxy.trick = () => uses++ < lasts ? undefined : { status: 400, code: "ExpiredToken" };
        const sequence = await first.sequenceCreate("s", { autoFlush: false });
        const topic = await addTopic(sequence, "a", [1]);
        for (let row = 2; row < 30; row++) {
          await pushSamples(topic, [row], row);
          await sequence.flush();
        }
        await sequence.finalize();
        expect(asked).toBeGreaterThan(2);
        expect((await allTexts(second, "s")).length).toBe(29);
      }, { s3: { credentials } });
    });

    it("that stay expired are UNAUTHENTICATED, and nothing acknowledged is lost", async () => {
      let asked = 0;
      const credentials = () => {
        asked++;
        return keys();
      };
      await stage.withClients(async (first, second) => {
        const sequence = await first.sequenceCreate("s", { autoFlush: false });
        const topic = await addTopic(sequence, "a", [1, 2]);
        await sequence.flush();
        await pushSamples(topic, [3], 2);
        expect(asked).toBe(1);
        stage.proxy.asked.length = 0;
        stage.proxy.trick = () => ({ status: 400, code: "ExpiredToken" });
        await expectError(() => sequence.flush(), "UNAUTHENTICATED", "ExpiredToken");
        expect([asked, stage.proxy.asked.filter(isRecord).length]).toEqual([2, 2]);
        await second.recover("s");
        expect((await allTexts(second, "s")).length).toBe(2);
      }, { s3: { credentials } });
    });
  });

  describe(`recording to S3 on ${name}`, () => {
    it("corrects a clock that is off, or is set meanwhile, once each time", async () => {
      const now = Date.now;
      let aheadMs = 3_600_000;
      try {
        await stage.withClients(async (first, second) => {
          // moto looks at no time.
          if (name === "moto") {
            stage.proxy.trick = ({ headers }) =>
              Math.abs(timeOf(headers["x-amz-date"]) - now()) < 900_000 ? undefined : {
                status: 403,
                code: "RequestTimeTooSkewed",
                headers: { Date: new Date(now()).toUTCString() },
              };
          }
          Date.now = () => now() + aheadMs;
          const sequence = await first.sequenceCreate("s", { autoFlush: false });
          const topic = await addTopic(sequence, "a", [1, 2]);
          await sequence.flush();
          // What has no body does not tell why.
          const refused = () =>
            stage.proxy.asked.filter(({ status, method }) => status === 403 && method !== "HEAD").length;
          expect(refused()).toBe(1);
          aheadMs = -7_200_000;
          await pushSamples(topic, [3], 2);
          await sequence.flush();
          expect(refused()).toBe(2);
          await sequence.finalize();
          expect(refused()).toBe(2);
          Date.now = now;
          expect((await allTexts(second, "s")).length).toBe(3);
        });
      } finally {
        Date.now = now;
      }
    });
  });

  describe(`recording to S3 on ${name}, seed ${SEED}, where the service`, () => {
    const failures: Record<string, () => S3Trick> = {
      "is busy": () => ({ status: 503, code: "SlowDown" }),
      "is asked too much": () => ({ status: 429, code: "TooManyRequests" }),
      "has an error of its own": () => ({ status: 500, code: "InternalError" }),
      "drops connections": () => ({ dropAfter: 0 }),
      "does not answer": () => ({ wait: NEVER }),
    };
    for (const [what, trick] of Object.entries(failures)) {
      it(`${what}: push holds back, then all fails UNAVAILABLE, and what was acknowledged is there`, () =>
        stage.withClients(async (first, second) => {
          const [rowBytes, maxBufferedBytes] = [256 * 1024, 2 * MIB];
          const { sequence, topic } = await beginBlobs(first, maxBufferedBytes);
          await pushBlobs(topic, 0, 3, rowBytes);
          await sequence.flush();
          stage.proxy.trick = ({ method }) => method === "PUT" ? trick() : undefined;
          let rows = 3;
          const reason = await thrownBy(async () => {
            for (; rows < 400; rows++) await pushBlobs(topic, rows, rows + 1, rowBytes);
          });
          expect((reason as SmaltiError).code).toBe("UNAVAILABLE");
          // Four pieces on their way, one that waits for its turn, one that is begun, and what is collected.
          expect(rows * rowBytes).toBeLessThan(6 * PART_BYTES + 2 * maxBufferedBytes + MIB);
          await expectError(() => sequence.finalize(), "UNAVAILABLE");
          await second.recover("s");
          expect(await countBlobs(second, rowBytes)).toBeGreaterThanOrEqual(3);
        }, { retryMs: 600, limits: { stalledMs: 300, msPerMib: 0 } }));
    }

    it("has room for no more parts: TOO_LARGE, and what was acknowledged is there", () =>
      stage.withClients(async (first, second) => {
        const { sequence, topic } = await beginBlobs(first);
        let flushed = 0;
        const reason = await thrownBy(async () => {
          for (let row = 0; row < 10; row++) {
            await pushBlobs(topic, row, row + 1, 3 * MIB);
            await sequence.flush();
            flushed = row + 1;
          }
        }) as SmaltiError;
        expect([reason.code, flushed]).toEqual(["TOO_LARGE", 5]);
        expect(reason.message).toMatch(/s\/a\.arrow.* wanted at most 16777216 /);
        await sequence.abort();
        await second.recover("s", { failed: true });
        expect(await countBlobs(second, 3 * MIB)).toBe(5);
      }, { limits: { mostParts: 2 } }));

    for (const copies of [true, false]) {
      it(`${copies ? "copies" : "does not copy"} parts: all of them but the last have one size`, () =>
        stage.withClients(async (first, second) => {
          const parts = new Map<number, number>();
          const bulk: number[] = [];
          const isCopy = ({ headers }: S3Asked) => headers["x-amz-copy-source"] !== undefined;
          stage.proxy.trick = (asked) => {
            const part = Number(/[?&]partNumber=(\d+)/.exec(asked.url)?.[1]);
            if (part && isCopy(asked) && !copies) return { status: 501, code: "NotImplemented" };
            if (!part && !asked.url.includes("/bulk-")) return;
            return {
              answered: () => {
                if (part) parts.set(part, isCopy(asked) ? PART_BYTES : asked.bodyBytes!);
                else if (asked.method === "PUT") bulk.push(asked.bodyBytes!);
                return Promise.resolve();
              },
            };
          };
          const { sequence, topic } = await beginBlobs(first);
          // Two pieces are uploaded, which a flush has copied; two more are objects of their own.
          await pushBlobs(topic, 0, 7, 3 * MIB);
          await sequence.flush();
          await pushBlobs(topic, 7, 13, 3 * MIB);
          await sequence.finalize();
          expect(bulk).toEqual([PART_BYTES, PART_BYTES]);
          const sizes = [...parts].sort(([a], [b]) => a - b).map(([, size]) => size);
          const whole = new Array(4).fill(PART_BYTES);
          expect([sizes.slice(0, -1), sizes.at(-1)! <= PART_BYTES]).toEqual([whole, true]);
          const copied = stage.proxy.asked.filter((asked) => isCopy(asked) && asked.status === 200).length;
          expect(copied).toBe(copies ? 2 + 4 : 0);
          expect(await countBlobs(second, 3 * MIB)).toBe(13);
        }));
    }

    it("takes a request for each part where nothing is flushed before the end", () =>
      stage.withClients(async (first, second) => {
        const { sequence, topic } = await beginBlobs(first);
        await pushBlobs(topic, 0, 7, 3 * MIB);
        await sequence.finalize();
        const large = stage.proxy.asked.filter(({ bodyBytes }) => bodyBytes! > MIB);
        expect(large.map(({ url }) => /[?&]partNumber=(\d+)/.exec(url)?.[1]).sort()).toEqual(["1", "2", "3"]);
        expect(stage.proxy.asked.filter(({ headers }) => headers["x-amz-copy-source"])).toEqual([]);
        expect(await countBlobs(second, 3 * MIB)).toBe(7);
      }));

    it("recovers what was uploaded of a topic that was never flushed", () =>
      stage.withClients(async (first, second, prefix) => {
        const { sequence, topic } = await beginBlobs(first);
        await pushBlobs(topic, 0, 7, 3 * MIB);
        const isUploaded = ({ method, status, url }: S3Asked) =>
          method === "PUT" && status === 200 && /[?&]partNumber=/.test(url);
        await until(() => stage.proxy.asked.filter(isUploaded).length === 2);
        stage.proxy.trick = () => ({ status: 403 });
        await second.recover("s");
        // Of 16 MiB.
        expect(await countBlobs(second, 3 * MIB)).toBe(5);
        stage.proxy.trick = () => undefined;
        // moto does not say that an upload is gone, but breaks down.
        const codes = name === "moto" ? ["LOCKED", "UNAVAILABLE"] : ["LOCKED"];
        expect(codes).toContain((await thrownBy(() => sequence.finalize()) as SmaltiError).code);
        expect(await countBlobs(second, 3 * MIB)).toBe(5);
        expect(await stage.server.open().uploads.list(prefix)).toEqual([]);
      }));

    for (const way of ["removed", "aborted"] as const) {
      it(`leaves no upload of a sequence that is ${way} while it is recorded`, () =>
        stage.withClients(async (first, second, prefix) => {
          const { sequence, topic } = await beginBlobs(first);
          await pushBlobs(topic, 0, 7, 3 * MIB);
          await sequence.abort();
          if (way === "removed") {
            await second.sequenceDelete("s");
            expect(await stage.keysBelow(prefix)).toEqual([]);
          } else {
            await second.recover("s", { failed: true });
            expect(await countBlobs(second, 3 * MIB)).toBeGreaterThanOrEqual(5);
          }
          expect(await stage.server.open().uploads.list(prefix)).toEqual([]);
        }));
    }
  });

  it(`recording to S3 on ${name} spills what many topics hold, which is put in place or recovered whole`, () =>
    stage.withClients(async (first, second, prefix) => {
      const sequence = await first.sequenceCreate("s", { autoFlush: false });
      const names = ["a", "b", "c", "d", "e"];
      const topics = await Promise.all(names.map((name) => sequence.topicCreate(name, { ontology: Blob })));
      // The last ones go on beyond what becomes an object of its own.
      const rows = [4, 4, 4, 9, 9];
      for (let row = 0; row < 9; row++) {
        for (const [i, topic] of topics.entries()) {
          if (row < rows[i]) await pushBlobs(topic, row, row + 1, MIB);
        }
        await sequence.flush();
      }
      const spilled = (await stage.keysBelow(prefix)).filter((key) => key.includes("/spill-"));
      expect(spilled.length).toBeGreaterThan(0);
      if (random.oneIn(2)) await sequence.finalize();
      else await second.recover("s");
      expect((await stage.keysBelow(prefix)).filter((key) => /\/(spill|bulk)-/.test(key))).toEqual([]);
      const handler = await second.sequenceHandler("s");
      for (const [i, name] of names.entries()) {
        let row = 0;
        for await (const { data } of (await handler.topicHandler(name)).getDataStreamer()) {
          expect([name, row, sameBytes((data as Blob).bytes, blob(row, MIB))]).toEqual([name, row, true]);
          row++;
        }
        expect([name, row]).toEqual([name, rows[i]]);
      }
    }));

  describe(`an encryptionKey on ${name}`, () => {
    const encryptionKey = Uint8Array.from({ length: 32 }, (_, i) => 7 * i);
    const md5 = createHash("md5").update(encryptionKey).digest("base64");

    it("goes with all that a recording asks, is recovered with and is read by", () =>
      stage.withClients(async (first, second, prefix) => {
        stage.proxy.trick = refusing;
        const { sequence, topic } = await beginBlobs(first);
        await pushBlobs(topic, 0, 7, 3 * MIB);
        await addTopic(sequence, "small", [1, 2]);
        await sequence.flush();
        await second.recover("s");
        expect((await thrownBy(() => sequence.finalize()) as SmaltiError).code).toBe("LOCKED");
        await first.sequenceUpdate("s", {}, (more) => addTopic(more, "more", [3]).then(() => {}));
        expect((await first.sequenceHandler("s")).rowCount).toBe(10);
        const seen: number[] = [];
        for await (const [topic] of (await first.sequenceHandler("s")).getDataStreamer()) {
          seen.push(topic.length);
        }
        expect(seen.length).toBe(10);
        await first.sequenceCreate("whole", {}, async (whole) => {
          const large = await whole.topicCreate("a", { ontology: Blob });
          await pushBlobs(large, 0, 7, 3 * MIB);
        });
        await first.sequenceDelete("s");
        const kinds = new Set(stage.proxy.asked.map(kindOf));
        for (const kind of ["GET", "HEAD", "PUT", "begin", "copy", "part", "end"]) {
          expect([kind, kinds.has(kind)]).toEqual([kind, true]);
        }
        // What a writer of the test before had under way may come late.
        const refused = stage.proxy.asked.filter(({ status, url }) => status === 400 && url.includes(prefix));
        expect(refused).toEqual([]);
      }, { s3: { encryptionKey } }));

    /** What a service would refuse that stores all by the key. The servers here take no notice of it. */
    function refusing(asked: S3Asked): S3Trick | undefined {
      const { headers } = asked;
      const has = (prefix: string) =>
        headers[`${prefix}-algorithm`] === "AES256" && headers[`${prefix}-key-md5`] === md5 &&
        headers[`${prefix}-key`] === btoa(String.fromCharCode(...encryptionKey));
      const kind = kindOf(asked);
      const own = has("x-amz-server-side-encryption-customer");
      const source = has("x-amz-copy-source-server-side-encryption-customer");
      const wantsOwn = kind !== "other";
      if (own === wantsOwn && source === (kind === "copy")) return undefined;
      return { status: 400, code: "InvalidRequest" };
    }

    /** What is asked, by what it takes to be told the key. */
    function kindOf({ method, url, headers }: S3Asked): string {
      const [path, query = ""] = url.split("?");
      const isObject = path.split("/").length > 2 && !path.endsWith(`/${stage.server.bucket}/`);
      if (!isObject || method === "DELETE") return "other";
      if (method === "POST") return query.startsWith("uploads") ? "begin" : "end";
      if (!query.includes("partNumber")) return method;
      return headers["x-amz-copy-source"] === undefined ? "part" : "copy";
    }
  });
}

/** The time of a request's signature. */
function timeOf(text: unknown): number {
  const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(String(text))!.map(Number);
  return Date.UTC(y, mo - 1, d, h, mi, s);
}
