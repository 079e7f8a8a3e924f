import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { connect, defineOntology, float64, int64, optional, struct, utf8 } from "../../mod.ts";
import type { Client, SequenceHandler } from "../../mod.ts";
import type { Message } from "../../src/read/merge/message.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { MAX_NS, MIN_NS } from "../../src/types.ts";
import { expectError } from "../support/errors.ts";
import { clientOf, PLACES, withClient } from "../support/places.ts";
import { caseRange, failedCase, Random } from "../support/random_cases.ts";
import { pushSamples, Sample, sample, sampleText } from "../support/sample_rows.ts";
import { WatchedStore } from "../support/watched_store.ts";
import { keepingBatches } from "../support/keeping_batches.ts";
import { anyTime, inOrder, record, type Row, smallRecording } from "./order.ts";

const text = (topic: string, message: Message) =>
  sampleText(topic, message.timestampNs, Number(message.getData(Sample).serial));

/** The last row of a topic at or before a time, by looking at all. */
function lastOf(rows: readonly Row[], topic: string, timeNs: bigint): string | undefined {
  return inOrder(rows.filter(({ timestampNs }) => timestampNs <= timeNs), { topics: [topic] }).at(-1);
}

describe("SequenceHandler.latestAt", () => {
  it("gives what looking at all rows gives, for any recording, time and choice of topics", async () => {
    await fc.assert(
      fc.asyncProperty(
        smallRecording,
        fc.array(anyTime, { minLength: 1, maxLength: 8 }),
        async (recording, times) => {
          await using client = clientOf(keepingBatches(new MemoryStore()));
          const rows = await record(client, "s", recording);
          const handler = await client.sequenceHandler("s");
          for (const time of [...times, MIN_NS, MAX_NS]) {
            const found = await handler.latestAt(time);
            const wanted = handler.topics.map(({ name }) => [name, lastOf(rows, name, time)]);
            expect([...found].map(([name, message]) => [name, text(name, message)])).toEqual(
              wanted.filter(([, row]) => row !== undefined),
            );
            const [one] = recording.topics;
            expect([...(await handler.latestAt(time, { topics: [`/${one}`] })).keys()]).toEqual(
              lastOf(rows, one, time) === undefined ? [] : [one],
            );
            const message = await (await handler.topicHandler(one)).latestAt(time);
            expect(message && text(one, message)).toBe(lastOf(rows, one, time));
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  it("reads one batch a topic, however many there are", async () => {
    const store = keepingBatches(new WatchedStore());
    await using client = clientOf(store);
    for (const batches of [10, 300]) {
      await client.sequenceCreate(`s${batches}`, {}, async (sequence) => {
        const topic = await sequence.topicCreate("a", { ontology: Sample });
        for (let i = 0; i < batches; i++) {
          for (let k = 0; k < 4; k++) {
            await topic.push({ timestampNs: BigInt(10 * i + k), data: sample(4 * i + k) });
          }
          await topic.flush();
        }
      });
      const topic = await client.topicHandler(`s${batches}`, "a");
      for (const [time, serial] of [[0n, 0], [32n, 14], [57n, 23], [1_000_000n, 4 * batches - 1]] as const) {
        store.calls.length = 0;
        expect(Number((await topic.latestAt(time))!.getData(Sample).serial)).toBe(serial);
        expect(store.calls).toEqual([`read s${batches}/a.arrow`]);
      }
    }
  });

  it("refuses unknown topics and times outside int64", async () => {
    await using client = await connect("memory:");
    await record(client, "s", { topics: ["a"], steps: [] });
    const handler = await client.sequenceHandler("s");
    await expect(handler.latestAt(0n, { topics: ["b"] })).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(handler.latestAt(2n ** 63n)).rejects.toThrow(RangeError);
    await expect(handler.latestAt(0 as unknown as bigint)).rejects.toThrow(TypeError);
    await expect(handler.latestAt(0n, { signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow(
      "enough",
    );
    expect((await handler.latestAt(0n)).size).toBe(0);
  });
});

describe("latestAt with fields", () => {
  const Deep = defineOntology("Deep", {
    pose: struct({ at: struct({ x: float64(), y: float64() }), frame: utf8() }),
    maybe: optional(struct({ z: float64() })),
    count: int64(),
  });

  async function recorded(client: Client): Promise<SequenceHandler> {
    await client.sequenceCreate("s", {}, async (sequence) => {
      const deep = await sequence.topicCreate("deep", { ontology: Deep });
      const data = { pose: { at: { x: 1, y: 2 }, frame: "map" }, count: 7n };
      await deep.push({ timestampNs: 5n, data });
      await deep.push({ timestampNs: 9n, data: { ...data, maybe: { z: 3 } } });
      await pushSamples(await sequence.topicCreate("sample", { ontology: Sample }), [1, 2]);
    });
    return await client.sequenceHandler("s");
  }

  it("gives these alone, of the topics that have one of them", async () => {
    await using client = await connect("memory:");
    const handler = await recorded(client);
    const at = async (ns: bigint, fields: string[], topics?: string[]) => {
      const found = await handler.latestAt(ns, { fields, ...(topics && { topics }) });
      return Object.fromEntries([...found].map(([topic, message]) => [topic, message.toObject().data]));
    };
    expect(await at(9n, ["pose.at.y", "serial"])).toEqual({
      deep: { pose: { at: { y: 2 } } },
      sample: { serial: 1n },
    });
    expect(await at(9n, ["pose.at", "pose.at.x", "maybe.z"])).toEqual({
      deep: { pose: { at: { x: 1, y: 2 } }, maybe: { z: 3 } },
    });
    expect(await at(8n, ["maybe", "pose.frame"])).toEqual({ deep: { pose: { frame: "map" } } });
    expect(await at(1n, ["count", "serial"])).toEqual({ sample: { serial: 0n } });
    const topic = await handler.topicHandler("deep");
    const message = (await topic.latestAt(6n, { fields: ["count"] }))!;
    expect([message.timestampNs, message.toJSON().data, message.data.pose]).toEqual([
      5n,
      { count: 7 },
      undefined,
    ]);
    expect(() => message.getData(Deep)).toThrow(/INVALID_ARGUMENT/);
  });

  it("refuses paths that no topic has, and what are no paths", async () => {
    await using client = await connect("memory:");
    const handler = await recorded(client);
    const topics = ["deep"];
    await expectError(
      () => handler.latestAt(9n, { fields: ["pose.at.w"] }),
      "NOT_FOUND",
      'No field "pose.at.w" in any of 2',
    );
    await expectError(
      () => handler.latestAt(9n, { fields: ["serial"], topics }),
      "NOT_FOUND",
      '"serial" in topic "deep"',
    );
    for (const fields of ["count", { count: "count" }, [7], ["count", "count"]] as unknown as string[][]) {
      await expect(handler.latestAt(9n, { fields })).rejects.toThrow(TypeError);
    }
  });
});

describe.each(PLACES)("latestAt of what is being recorded in %s", (place) => {
  it("tells what was flushed by then, of topics that came since too, up to its end and after it", () =>
    withClient(place, async (client) => {
      const writer = await client.sequenceCreate("s", { autoFlush: false });
      const handler = await client.sequenceHandler("s", { follow: true });
      const at = async (ns: bigint, topics?: string[]) => {
        const found = await handler.latestAt(ns, topics && { topics });
        return [...found].map(([name, message]) => text(name, message));
      };
      expect(await at(100n)).toEqual([]);
      const a = await writer.topicCreate("a", { ontology: Sample });
      await pushSamples(a, [10, 20]);
      expect(await at(100n)).toEqual([]);
      await writer.flush();
      expect(await at(100n)).toEqual([sampleText("a", 20n, 1)]);
      expect(await at(19n)).toEqual([sampleText("a", 10n, 0)]);
      expect(await at(9n)).toEqual([]);
      const b = await writer.topicCreate("b", { ontology: Sample });
      await pushSamples(b, [15]);
      await pushSamples(a, [30], 2);
      expect(await at(100n)).toEqual([sampleText("a", 20n, 1)]);
      await writer.flush();
      expect(await at(100n)).toEqual([sampleText("a", 30n, 2), sampleText("b", 15n, 0)]);
      expect(await at(12n)).toEqual([sampleText("a", 10n, 0)]);
      expect(await at(100n, ["b"])).toEqual([sampleText("b", 15n, 0)]);
      await expectError(() => at(100n, ["later"]), "NOT_FOUND", 'No topic "later"');
      const fields = await handler.latestAt(100n, { fields: ["label"], topics: ["a"] });
      expect(fields.get("a")!.toObject().data).toEqual({ label: "row 2" });
      // Calls side by side.
      const many = await Promise.all([100n, 19n, 9n].map((ns) => at(ns, ["a"])));
      expect(many).toEqual([[sampleText("a", 30n, 2)], [sampleText("a", 10n, 0)], []]);
      await pushSamples(a, [40], 3);
      await writer.finalize();
      for (const _ of [1, 2]) {
        expect(await at(100n)).toEqual([sampleText("a", 40n, 3), sampleText("b", 15n, 0)]);
      }
      await handler[Symbol.asyncDispose]();
    }));

  it("is what looking at all that was flushed gives, whatever is written", () =>
    withClient(place, async (client) => {
      const range = caseRange(10);
      for (let seed = range.seed; seed < range.seed + range.cases; seed++) {
        const random = new Random(seed);
        try {
          const name = `s${seed}`;
          const writer = await client.sequenceCreate(name, { autoFlush: false });
          const handler = await client.sequenceHandler(name, { follow: true });
          const rows: Row[] = [];
          let flushed: Row[] = [];
          let newest = 0;
          const counts = new Map<string, number>();
          for (let step = 0; step < 40; step++) {
            const topic = random.pick(["a", "b", "c"]);
            const writing = writer.topics.get(topic) ?? await writer.topicCreate(topic, { ontology: Sample });
            for (let i = random.below(5); i > 0; i--) {
              newest += random.below(3);
              const time = newest - (random.oneIn(6) ? random.below(40) : 0);
              const serial = counts.get(topic) ?? 0;
              counts.set(topic, serial + 1);
              rows.push({ topic, timestampNs: BigInt(time), serial });
              await writing.push({ timestampNs: BigInt(time), data: sample(serial) });
            }
            if (random.oneIn(3)) {
              await writer.flush();
              flushed = [...rows];
            }
            if (step === 39) {
              await writer.finalize();
              flushed = [...rows];
            }
            const ns = BigInt(random.below(newest + 2));
            const wanted = ["a", "b", "c"].map((name) => lastOf(flushed, name, ns));
            const found = await handler.latestAt(ns);
            expect([...found].map(([name, message]) => text(name, message))).toEqual(
              wanted.filter((row) => row !== undefined),
            );
          }
          await handler[Symbol.asyncDispose]();
        } catch (reason) {
          throw failedCase(seed, "tests/read/latest_at.test.ts", reason);
        }
      }
    }));
});

describe("SequenceHandler.getDataStreamer with latched topics", () => {
  it("gives their last messages before startNs first, then the window", async () => {
    await fc.assert(
      fc.asyncProperty(smallRecording, anyTime, fc.nat(), async (recording, startNs, choice) => {
        await using client = clientOf(keepingBatches(new MemoryStore()));
        const rows = await record(client, "s", recording);
        const handler = await client.sequenceHandler("s");
        const latched = recording.topics.filter((_, i) => (choice >> i) & 1);
        const topics = recording.topics.slice(0, 2);
        const before = rows.filter(({ topic, timestampNs }) =>
          latched.includes(topic) && timestampNs < startNs
        );
        const lasts = latched.flatMap((topic) => lastOf(before, topic, MAX_NS) ?? []);
        const first = inOrder(before, {}).filter((row) => lasts.includes(row));
        const seen: string[] = [];
        const stream = handler.getDataStreamer({ startNs, latched, topics });
        const peeked = await stream.nextTimestampNs();
        let head: bigint | undefined;
        for await (const [topic, message] of stream) {
          head ??= message.timestampNs;
          seen.push(text(topic, message));
        }
        expect(seen).toEqual([...first, ...inOrder(rows, { startNs, topics })]);
        expect(peeked).toBe(head);
      }),
      { numRuns: 100 },
    );
  });

  it("has none before a window without a start", async () => {
    await using client = await connect("memory:");
    const rows = await record(client, "s", {
      topics: ["a"],
      steps: [{ topic: 0, call: "push", times: [1n, 2n] }],
    });
    const handler = await client.sequenceHandler("s");
    let count = 0;
    for await (const _ of handler.getDataStreamer({ latched: ["a"] })) count++;
    expect(count).toBe(rows.length);
  });
});
