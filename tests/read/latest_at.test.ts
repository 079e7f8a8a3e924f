import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { connect } from "../../mod.ts";
import type { Message } from "../../src/read/merge/message.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { MAX_NS, MIN_NS } from "../../src/types.ts";
import { clientOf } from "../support/places.ts";
import { Sample, sample, sampleText } from "../support/sample_rows.ts";
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
