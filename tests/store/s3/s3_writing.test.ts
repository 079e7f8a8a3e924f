import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { binary, connect, defineOntology, type SmaltiError } from "../../../mod.ts";
import { S3Store } from "../../../src/store/s3/s3_store.ts";
import { s3Place } from "../../../src/store/s3/s3_options.ts";
import { LOG_TIMING } from "../../../src/store/s3/write_ahead_log.ts";
import { sameBytes } from "../../support/bytes.ts";
import { expectError } from "../../support/errors.ts";
import { caseRange, Random } from "../../support/random_cases.ts";
import type { S3Asked, S3Proxy } from "../../support/s3_proxy.ts";
import { anyS3Server, type S3Server } from "../../support/s3_server.ts";
import { DISTRUSTFUL, isRecord, S3Stage } from "../../support/s3_stage.ts";
import { addTopic, allTexts, pushSamples, recordSequence, texts } from "../../support/sample_rows.ts";
import { until } from "../../support/waiting.ts";

const { seed: SEED } = caseRange(1);
const title = anyS3Server ? `on ${anyS3Server}, seed ${SEED}` : "(skipped: tools/s3/install.sh has not run)";

describe.skipIf(!anyS3Server)(`recording to S3 ${title}`, () => {
  let stage: S3Stage;
  let server: S3Server;
  let proxy: S3Proxy;
  const random = new Random(SEED);
  beforeAll(async () => {
    stage = await S3Stage.start(anyS3Server!);
    ({ server, proxy } = stage);
  });
  afterEach(() => proxy.trick = () => {});
  afterAll(() => stage?.stop());

  const withClients: S3Stage["withClients"] = (...args) => stage.withClients(...args);
  const keysBelow = (prefix: string) => stage.keysBelow(prefix);

  const isRecordUrl = (url: string) => /sequence\.wal\/\d+-[^/]*\/\d+/.test(url);
  /** What is dear: all but reading single objects; removing is free. */
  const isDear = ({ method, url }: S3Asked) =>
    method === "PUT" || (method === "POST" && !url.includes("?delete")) ||
    url.includes("list-type");

  it("is reached by connect with write: true alone", async () => {
    const url = server.url(stage.newPrefix());
    await using reader = await connect(url, { s3: server.options() });
    await expectError(
      () => reader.sequenceCreate("s"),
      "UNSUPPORTED",
      "wanted connect with s3: { write: true }",
    );
    await using client = await connect(url, {
      s3: server.options({ write: true }),
    });
    await recordSequence(client, "s", { a: [1, 2] });
    expect(await allTexts(reader, "s")).toEqual(await allTexts(client, "s"));
  });

  it("takes few requests for many small topics", () =>
    withClients(async (first, second, prefix) => {
      const sequence = await first.sequenceCreate("drive", {
        autoFlush: false,
      });
      for (let i = 0; i < 70; i++) {
        await addTopic(sequence, `t${i}`, [i, i + 1]);
      }
      await sequence.flush();
      await sequence.finalize();
      expect(proxy.asked.filter(isDear).length).toBeLessThanOrEqual(80);
      expect((await allTexts(second, "drive")).length).toBe(140);
      const left = (await keysBelow(`${prefix}drive/sequence.wal/`)).map((
        key,
      ) => key.split("/").at(-1));
      expect(left).toEqual(["0000000001", "0000000002"]);
    }));

  it("takes a request for a flush of many topics, with what followers are told", () =>
    withClients(async (first, second) => {
      const sequence = await first.sequenceCreate("drive", {
        autoFlush: false,
      });
      const topics = [];
      for (let i = 0; i < 70; i++) {
        topics.push(await addTopic(sequence, `t${i}`, []));
      }
      const flushes = 30;
      const stream = (await second.sequenceHandler("drive", { follow: true }))
        .getDataStreamer({
          follow: true,
        });
      const got = texts(stream);
      proxy.asked.length = 0;
      for (let i = 0; i < flushes; i++) {
        for (const topic of topics) await pushSamples(topic, [i], i);
        await sequence.flush();
      }
      // On a busy machine a pause may look as if nothing more were to come, which is told too.
      expect(proxy.asked.filter(isDear).length).toBeLessThanOrEqual(flushes + 5);
      await sequence.finalize();
      expect(proxy.asked.filter(isDear).length).toBeLessThanOrEqual(
        flushes + 80,
      );
      expect((await got).length).toBe(70 * flushes);
    }, { second: LOG_TIMING }));

  it("takes few requests for a session that adds a small topic", () =>
    withClients(async (first) => {
      await recordSequence(first, "drive", { a: [1] });
      proxy.asked.length = 0;
      await first.sequenceUpdate(
        "drive",
        {},
        (sequence) => addTopic(sequence, "b", [1, 2]).then(() => {}),
      );
      expect(proxy.asked.filter(isDear).length).toBeLessThanOrEqual(9);
    }));

  it("is followed from another process", () =>
    withClients(async (first, second) => {
      const sequence = await first.sequenceCreate("s", { autoFlush: false });
      const topic = await addTopic(sequence, "a", [1, 2, 3]);
      await sequence.flush();
      const stream = (await second.sequenceHandler("s", { follow: true }))
        .getDataStreamer({ follow: true });
      const got = texts(stream);
      for (let i = 4; i < 60; i += 2) {
        await pushSamples(topic, [i, i + 1], i - 1);
        if (i % 10 === 0) await sequence.flush();
      }
      await sequence.finalize();
      expect(await got).toEqual(await allTexts(second, "s"));
      expect((await got).length).toBe(59);
    }, { second: LOG_TIMING }));

  it("is followed by few requests, however many topics there are", () =>
    withClients(async (first, second, prefix) => {
      const sequence = await second.sequenceCreate("s", { autoFlush: false });
      const topics = [];
      for (let i = 0; i < 20; i++) {
        topics.push(await addTopic(sequence, `t${i}`, [i]));
      }
      await sequence.flush();
      proxy.asked.length = 0;
      const stream = (await first.sequenceHandler("s", { follow: true }))
        .getDataStreamer({ follow: true });
      const seen: string[] = [];
      const ended = (async () => {
        for await (const [topic] of stream) seen.push(topic);
      })();
      for (let round = 1; round <= 5; round++) {
        for (const topic of topics) {
          await pushSamples(topic, [100 * round], round);
        }
        await sequence.flush();
        // What is of the newest time waits for what may come of it.
        await until(() => seen.length === 20 * round);
      }
      const isOf = (part: string) => ({ url }: S3Asked) => url.includes(`${prefix}s/${part}`);
      expect(proxy.asked.filter(isOf("t")).length).toBe(0);
      const before = proxy.asked.length;
      await until(() => proxy.asked.length >= before + 40);
      const idle = proxy.asked.slice(before);
      // That nothing more is to come of the newest time comes as a last checkpoint.
      const manifests = idle.filter(isOf("sequence.json")).length;
      expect(manifests).toBeLessThanOrEqual(1);
      expect(idle.filter(isOf("sequence.wal/")).length).toBe(
        idle.length - manifests,
      );
      const looks = idle.filter((asked) => isRecordUrl(asked.url)).length;
      expect(idle.length).toBeLessThanOrEqual(5 * (looks + 1) + manifests);
      await sequence.finalize();
      await ended;
      expect(seen.length).toBe(120);
    }, { second: LOG_TIMING }));

  it("recovers what was flushed, and the writer that lost its lock is stopped", () =>
    withClients(async (first, second, prefix) => {
      const sequence = await first.sequenceCreate("s", { autoFlush: false });
      const topic = await addTopic(sequence, "a", [1, 2]);
      await sequence.flush();
      await pushSamples(topic, [3], 2);
      const { files } = await second.recover("s");
      expect(files.map(({ topic, rowsKept }) => [topic, rowsKept])).toEqual([[
        "a",
        2,
      ]]);

      await expectError(
        () => sequence.flush(),
        "LOCKED",
        "was lost: another has taken it over",
      );
      await expectError(() => sequence.finalize(), "LOCKED", "was lost");
      expect(sequence.status).toBe("aborted");
      expect((await allTexts(second, "s")).length).toBe(2);
      expect((await second.sequenceInfo("s")).state).toBe("recovered");
      await first.sequenceUpdate(
        "s",
        {},
        (more) => addTopic(more, "b", [5]).then(() => {}),
      );
      expect((await allTexts(second, "s")).length).toBe(3);
      await second.sequenceDelete("s");
      expect(await keysBelow(prefix)).toEqual([]);
    }));

  it("refuses a second writer while the first is heard of", () =>
    withClients(async (first, second) => {
      const sequence = await first.sequenceCreate("s", { autoFlush: false });
      await addTopic(sequence, "a", [1]);
      await expectError(() => second.recover("s"), "LOCKED", "held by writer");
      await expectError(
        () => second.sequenceUpdate("s"),
        "LOCKED",
        "is being recorded by writer",
      );
      await expectError(() => second.sequenceDelete("s"), "LOCKED");
      await sequence.finalize();
      await (await second.sequenceUpdate("s")).finalize();
    }, { second: LOG_TIMING }));

  for (const then of ["nothing", "removed", "removed and made anew"]) {
    it(`a writer whose record was held up is told that it was taken over, ${then} since`, () =>
      withClients(async (first, second) => {
        const sequence = await first.sequenceCreate("s", { autoFlush: false });
        const topic = await addTopic(sequence, "a", [1, 2]);
        await sequence.flush();
        let go = () => {};
        const held = new Promise<void>((resolve) => go = resolve);
        let arrived = () => {};
        const arrival = new Promise<void>((resolve) => arrived = resolve);
        proxy.trick = (asked) => {
          if (!isRecord(asked)) return;
          arrived();
          return { wait: held };
        };
        await pushSamples(topic, [3], 2);
        const flushed = sequence.flush().then(
          () => "acknowledged",
          (reason) => reason.code,
        );
        await arrival;
        await second.recover("s");
        if (then !== "nothing") await second.sequenceDelete("s");
        if (then === "removed and made anew") {
          await recordSequence(second, "s", { b: [7] });
        }
        go();
        expect(await flushed).toBe("LOCKED");
        const { length } = await allTexts(
          second,
          then === "removed" ? "t" : "s",
        ).catch(() => []);
        expect(length).toBe({ nothing: 2, removed: 0 }[then] ?? 1);
      }, { first: DISTRUSTFUL }));
  }

  it("gets over answers that are lost, conflicts and a service that is busy", () =>
    withClients(async (first, second) => {
      proxy.trick = ({ method }) => {
        if (random.oneIn(6)) return { dropAfter: 0 };
        if (random.oneIn(20)) return { status: 503, code: "SlowDown" };
        if (method === "PUT" && random.oneIn(20)) {
          return { status: 409, code: "ConditionalRequestConflict" };
        }
      };
      const sequence = await first.sequenceCreate("s", { autoFlush: false });
      const topics = [];
      for (const name of ["a", "b", "c"]) {
        topics.push(await addTopic(sequence, name, [1, 2]));
      }
      for (let i = 3; i < 40; i++) {
        await pushSamples(random.pick(topics), [i], i);
        if (random.oneIn(3)) await sequence.flush();
      }
      await sequence.finalize();
      expect((await allTexts(second, "s")).length).toBe(43);
    }, { retryMs: 60_000 }));

  it("refuses to write where conditions are ignored", () =>
    withClients(async (first, second) => {
      proxy.trick = ({ method }) => method === "PUT" ? { status: 200 } : undefined;
      await expectError(
        () => first.sequenceCreate("s"),
        "UNSUPPORTED",
        "ignores the condition If-None-Match",
      );
      proxy.trick = () => {};
      expect(await second.listSequences()).toEqual([]);
    }));

  it("ends a commit whose writer died between its record and the manifest", () =>
    withClients(async (first, second) => {
      const sequence = await first.sequenceCreate("s", { autoFlush: false });
      await addTopic(sequence, "a", [1, 2, 3]);
      let manifests = 0;
      proxy.trick = ({ method, url }) => {
        if (method === "PUT" && url.endsWith("/s/sequence.json")) manifests++;
        return manifests > 0 ? { status: 403 } : undefined;
      };
      await expectError(() => sequence.finalize(), "PERMISSION_DENIED");
      await second.recover("s");
      expect((await second.sequenceInfo("s")).state).toBe("finalized");
      expect((await allTexts(second, "s")).length).toBe(3);
    }));

  it("puts large topics in place by parts, and recovers them from bulk objects", () =>
    withClients(async (first, second, prefix) => {
      const rows = 9;
      const Blob = defineOntology("Blob", { bytes: binary() });
      // Nothing that can be compressed.
      const noise = new Random(SEED);
      const all = new Uint32Array(2 ** 20).map(() => noise.below(2 ** 32));
      const blob = (i: number) => new Uint8Array(all.buffer, 1000 * i, 3 * 2 ** 20 + i);
      const record = async (name: string) => {
        const sequence = await first.sequenceCreate(name, { autoFlush: false });
        const topic = await sequence.topicCreate("a", { ontology: Blob });
        for (let i = 0; i < rows; i++) {
          await topic.push({
            timestampNs: BigInt(i),
            data: { bytes: blob(i) },
          });
        }
        await sequence.flush();
        return sequence;
      };
      await (await record("whole")).finalize();
      await record("left");
      expect(
        (await keysBelow(`${prefix}left/`)).filter((key) => key.includes("bulk-")).length,
      ).toBe(1);
      proxy.trick = () => ({ status: 403 });
      await server.open().uploads.begin(`${prefix}left/a.arrow`);
      await second.recover("left");
      for (const name of ["whole", "left"]) {
        let i = 0;
        for await (
          const [, { data }] of (await second.sequenceHandler(name))
            .getDataStreamer()
        ) {
          expect([i, sameBytes((data as { bytes: Uint8Array }).bytes, blob(i))])
            .toEqual([i, true]);
          i++;
        }
        expect([name, i]).toEqual([name, rows]);
        expect(
          (await keysBelow(`${prefix}${name}/`)).filter((key) => key.includes("bulk-")),
        ).toEqual([]);
      }
      expect(await server.open().uploads.list(prefix)).toEqual([]);
    }));

  it("removes a sequence however often that is cut short", () =>
    withClients(async (first, second, prefix) => {
      const topics = { a: [1, 2, 3], b: [4] };
      // At each request of all that there may be.
      for (let requests = 0, isDone = false; !isDone; requests++) {
        if (!(await second.listSequences()).includes("s")) {
          await recordSequence(second, "s", topics);
        }
        isDone = await stage.dieWithin(
          requests,
          (client) => client.sequenceDelete("s"),
          prefix,
        );
        if (isDone) break;
        // What is left is whole, or can be removed, or is in nobody's way.
        const state = (await second.sequenceInfo("s").catch(() => undefined))
          ?.state;
        if (state === "recording") await second.recover("s");
        if (requests % 2 === 0) {
          await second.sequenceDelete("s").catch(unlessNotFound);
        } else if (state === undefined) {
          await recordSequence(second, "s", topics);
        }
        const names = await second.listSequences();
        if (names.includes("s") && requests % 2 === 1) {
          expect((await allTexts(second, "s")).length).toBe(4);
        }
      }
      await second.sequenceDelete("s").catch(unlessNotFound);
      expect(await keysBelow(prefix)).toEqual([]);
      await recordSequence(first, "s", topics);
      expect((await allTexts(second, "s")).length).toBe(4);
    }));

  it("gives a sequence to one of many who create it at once", async () => {
    const url = server.url(stage.newPrefix());
    const clients = await Promise.all(
      Array.from(
        { length: 8 },
        () => connect(new S3Store(s3Place(url, server.options()))),
      ),
    );
    const made = await Promise.all(clients.map(async (client) => {
      try {
        return await client.sequenceCreate("s");
      } catch (reason) {
        return (reason as SmaltiError).code;
      }
    }));
    const writers = made.filter((writer) => typeof writer !== "string");
    expect([
      writers.length,
      made.filter((code) => code === "LOCKED" || code === "ALREADY_EXISTS")
        .length,
    ])
      .toEqual([1, 7]);
    await addTopic(writers[0], "a", [1, 2]);
    await writers[0].finalize();
    expect((await allTexts(clients[0], "s")).length).toBe(2);
    await Promise.all(clients.map((client) => client.close()));
  });

  it("says that it lives while it writes nothing", () =>
    withClients(async (first) => {
      const sequence = await first.sequenceCreate("s", { autoFlush: false });
      while (proxy.asked.filter(isRecord).length < 5) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      await sequence.finalize();
    }, { first: { ...LOG_TIMING, heartbeatMs: 10 } }));

  it("commits sessions side by side, of which one goes on", () =>
    withClients(async (first, second) => {
      await recordSequence(first, "s", { a: [1] });
      const [one, other] = [
        await first.sequenceUpdate("s"),
        await first.sequenceUpdate("s"),
      ];
      await addTopic(one, "b", [2, 3]);
      const topic = await addTopic(other, "c", [4]);
      await other.flush();
      await one.finalize();
      expect((await allTexts(second, "s")).length).toBe(3);
      await pushSamples(topic, [5, 6], 1);
      await other.flush();
      proxy.trick = () => ({ status: 403 });
      const { files } = await second.recover("s");
      expect(files.map(({ topic, rowsKept }) => [topic, rowsKept])).toEqual([[
        "c",
        3,
      ]]);
      expect((await allTexts(second, "s")).length).toBe(6);
    }));

  function unlessNotFound(reason: SmaltiError): void {
    if (reason.code !== "NOT_FOUND") throw reason;
  }
});
