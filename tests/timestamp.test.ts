import { describe, expect, it, vi } from "vitest";
import { GPS, nowNs, sequenceQ, type TimestampNs, topicQ } from "../mod.ts";
import { toNs } from "../src/timestamp.ts";
import { expectError, thrownBy } from "./support/errors.ts";
import { withClient } from "./support/places.ts";
import { addTopic, recordSequence, Sample, sample } from "./support/sample_rows.ts";

/** One time as all that it may be given as: an instant and a zoned time have nanoseconds, whatever else they have. */
const SECOND: readonly (readonly [string, TimestampNs])[] = [
  ["a bigint", 1_000_000_000n],
  ["a Date", new Date(1000)],
  ["an instant", { epochNanoseconds: 1_000_000_000n }],
  [
    "a zoned time",
    Object.create({
      get epochNanoseconds() {
        return 1_000_000_000n;
      },
    }),
  ],
];

describe.each(SECOND)("A time as %s", (_, second) => {
  it("is taken wherever a time is", async () => {
    await withClient("memory", async (client) => {
      await client.sequenceCreate("s", {}, async (sequence) => {
        const topic = await sequence.topicCreate("t", { ontology: Sample });
        await topic.push({ timestampNs: second, data: sample(0) });
        await topic.push({ timestampNs: 2_000_000_000n, data: sample(1) });
        await sequence.attach({ name: "n", timestampNs: second, createdNs: second }, new Uint8Array(1));
      });
      const handler = await client.sequenceHandler("s");
      expect(handler.firstNs).toBe(1_000_000_000n);
      expect(handler.attachments[0]).toMatchObject({
        timestampNs: 1_000_000_000n,
        createdNs: 1_000_000_000n,
      });
      const topic = await handler.topicHandler("t");
      for (const one of [handler, topic]) {
        expect(await one.getDataStreamer({ endNs: second }).nextTimestampNs()).toBe(undefined);
        expect(await one.getDataStreamer({ startNs: second }).nextTimestampNs()).toBe(1_000_000_000n);
      }
      expect((await handler.latestAt(second)).get("t")?.timestampNs).toBe(1_000_000_000n);
      expect((await topic.latestAt(second))?.timestampNs).toBe(1_000_000_000n);
      expect(await topic.countRows([0n, second, 3_000_000_000n])).toEqual([0, 2]);
      const fields = { serial: { topic: "t", field: "serial" } };
      const rows = handler.getSyncStreamer({ periodNs: 500_000_000n, startNs: second, fields });
      expect((await rows.next()).value?.timestampNs).toBe(1_000_000_000n);
      const before = { sequence: sequenceQ.createdNs.geq(second), topic: topicQ.createdNs.gt(second) };
      for (
        const ontology of [
          Sample.q.timestampNs.eq(second),
          Sample.q.timestampNs.between(second, second),
          Sample.q.timestampNs.in([second]),
          Sample.q.timestampNs.lt(2_000_000_000n),
        ]
      ) expect(await client.query({ ...before, ontology })).toHaveLength(1);
      expect(await client.query({ ontology: Sample.q.timestampNs.lt(second) })).toEqual([]);
    });
  });
});

describe("What is no time", () => {
  const WRONG: [title: string, time: unknown, type: ErrorConstructor, text: string][] = [
    [
      "a number",
      5,
      TypeError,
      "is 5, wanted a bigint of nanoseconds (5n or BigInt(5)), a Date or a Temporal.Instant",
    ],
    ["a fraction", 0.5, TypeError, "is 0.5, wanted a bigint of nanoseconds, a Date or a Temporal.Instant"],
    ["a text", "now", TypeError, 'is "now", wanted a bigint'],
    ["nothing", null, TypeError, "is null, wanted a bigint"],
    ["an invalid Date", new Date(NaN), RangeError, "is an invalid Date, wanted a valid one"],
    ["a Date beyond int64", new Date(8.64e15), RangeError, "is 8640000000000000000000n, wanted int64"],
    [
      "an instant beyond int64",
      { epochNanoseconds: 2n ** 63n },
      RangeError,
      "is 9223372036854775808n, wanted int64",
    ],
  ];
  it.each(WRONG)("is refused: %s", async (_, time, type, text) => {
    await withClient("memory", async (client) => {
      await recordSequence(client, "s", { t: [1] });
      const sequence = await client.sequenceCreate("new");
      const topic = await addTopic(sequence, "t", []);
      const handler = await client.sequenceHandler("s");
      const wrong = time as bigint;
      const calls: [string, () => unknown][] = [
        ['Cannot stream sequence "s": endNs', () => handler.getDataStreamer({ endNs: wrong })],
        ['Cannot look into sequence "s": timeNs', () => handler.latestAt(wrong)],
        [
          'Cannot stream sequence "s": startNs',
          () => handler.getSyncStreamer({ periodNs: 1n, startNs: wrong, fields: {} }),
        ],
        [
          'Cannot count rows of topic "t" of sequence "s": edgesNs[1]',
          async () => (await handler.topicHandler("t")).countRows([0n, wrong]),
        ],
        [
          'Cannot attach "n": createdNs',
          () => sequence.attach({ name: "n", createdNs: wrong }, new Uint8Array(0)),
        ],
        ["Cannot query: GPS.timestamp_ns", () => GPS.q.timestampNs.gt(wrong)],
        ["Cannot query: created_at_ns", () => sequenceQ.createdNs.gt(wrong)],
      ];
      for (const [tried, call] of calls) {
        const reason = await thrownBy(call) as Error;
        expect([reason.constructor, reason.message]).toEqual([
          type,
          expect.stringContaining(`${tried} ${text}`),
        ]);
      }
      // Of a message it is the message that is refused.
      const push = () => topic.push({ timestampNs: wrong, data: sample(0) });
      const error = await expectError(push, "INVALID_MESSAGE", `timestampNs ${text}`);
      expect((error.cause as Error).constructor).toBe(type);
      await sequence.abort();
    });
  });

  it("does not hide what is at the ends of int64", () => {
    for (const time of [-(2n ** 63n), 2n ** 63n - 1n]) expect(toNs(time, "t")).toBe(time);
  });
});

describe("nowNs", () => {
  it("is the system's time, to a millisecond", () => {
    for (let i = 0; i < 1000; i++) {
      const before = BigInt(Date.now());
      const now = nowNs();
      const after = BigInt(Date.now());
      expect(now).toBeGreaterThanOrEqual(before * 1_000_000n);
      expect(now).toBeLessThanOrEqual((after + 2n) * 1_000_000n);
    }
  });

  it("never goes back, also where the system's clock is set back, and catches up where it is set forward", () => {
    const clock = vi.spyOn(Date, "now");
    try {
      let last = nowNs();
      const startMs = Number(last / 1_000_000n);
      for (const shiftMs of [-3_600_000, 0, 3_600_000, -1, 7_200_000]) {
        clock.mockReturnValue(startMs + shiftMs);
        for (let i = 0; i < 1000; i++) {
          const now = nowNs();
          expect(now).toBeGreaterThanOrEqual(last);
          last = now;
        }
        if (shiftMs > 0) expect(last).toBeGreaterThanOrEqual(BigInt(startMs + shiftMs) * 1_000_000n);
      }
    } finally {
      clock.mockRestore();
    }
  });

  // After the test before it, the last time given is two hours ahead.
  it("goes on while the system's clock is behind", async () => {
    const first = nowNs();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(nowNs()).toBeGreaterThan(first);
  });
});
