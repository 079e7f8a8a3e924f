import { execFile } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import {
  connect,
  defineOntology,
  float64,
  int64,
  list,
  optional,
  type SequenceHandler,
  struct,
  type SyncOptions,
  type SyncPolicy,
  type SyncRow,
  utf8,
} from "../../mod.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { clientOf } from "../support/places.ts";
import { keepingBatches } from "../support/keeping_batches.ts";

const Reading = defineOntology("Reading", {
  at: struct({ v: optional(float64()) }),
  count: optional(int64()),
  label: optional(utf8()),
  list: optional(list(float64())),
});

const python = process.env.SMALTI_PYTHON;
const SEED = Number(process.env.SMALTI_SEED ?? Math.floor(Math.random() * 2 ** 31));
const CASES = 1000;
const POLICIES: readonly SyncPolicy[] = ["hold", "asOf", "nearest", "linear", "drop"];

/** Whole numbers below a bound: mulberry32. */
function generator(seed: number): (bound: number) => number {
  return (bound) => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor(((t ^ (t >>> 14)) >>> 0) / 2 ** 32 * bound);
  };
}

/** A question to pandas; times are offsets from the recording's base. */
interface Question {
  times: number[];
  values: (number | null)[];
  ticks: number[];
  since: number[];
  policy: SyncPolicy;
  tolerance: number | null;
}

function ask(questions: readonly Question[]): Promise<(number | null)[][]> {
  const script = fileURLToPath(new URL("sync_oracle.py", import.meta.url));
  return new Promise((resolve, reject) => {
    const child = execFile(python!, [script], { maxBuffer: 2 ** 28 }, (error, stdout, stderr) => {
      if (error) reject(new Error(stderr));
      else resolve(JSON.parse(stdout));
    });
    child.stdin!.end(JSON.stringify(questions));
  });
}

async function all(rows: AsyncIterable<SyncRow>): Promise<SyncRow[]> {
  const result: SyncRow[] = [];
  for await (const row of rows) result.push(row);
  return result;
}

describe(`SequenceHandler.getSyncStreamer (seed ${SEED})`, () => {
  it.skipIf(!python)(
    `gives what pandas gives, in ${CASES} random cases${python ? "" : " (SMALTI_PYTHON names no Python)"}`,
    async () => {
      const next = generator(SEED);
      const questions: Question[] = [];
      const answers: { rows: SyncRow[]; column: ArrayLike<unknown>; base: bigint }[] = [];
      await using client = clientOf(keepingBatches(new MemoryStore()));
      for (let k = 0; questions.length < CASES; k++) {
        const base = [0n, -500n, 1_700_000_000_000_000_000n, -(2n ** 63n) + 1000n][next(4)];
        const spread = 1 + next(300);
        const topics = ["a", "b", "clock"].map((name) => {
          const length = next(4) === 0 ? 0 : next(40);
          const times = Array.from({ length }, () => next(spread));
          const values = times.map(() => next(6) === 0 ? null : next(1000) / 8);
          return { name, times, values };
        });
        await client.sequenceCreate(`s${k}`, {}, async (sequence) => {
          for (const { name, times, values } of topics) {
            const topic = await sequence.topicCreate(name, { ontology: Reading });
            for (const [i, time] of times.entries()) {
              await topic.push({
                timestampNs: base + BigInt(time),
                data: { at: { v: values[i] ?? undefined } },
              });
              if (next(5) === 0) await topic.flush();
            }
          }
        });
        const handler = await client.sequenceHandler(`s${k}`);
        const [first, second] = [next(spread), next(spread)].sort((a, b) => a - b);
        const start = next(2) === 0 ? undefined : first;
        const end = next(2) === 0 ? undefined : second + 1;
        const period = next(3) === 0 ? undefined : 1 + next(40);
        const sources = topics.slice(0, 2);
        const fields = Object.fromEntries(sources.map(({ name }) => {
          const policy = POLICIES[next(POLICIES.length)];
          const tolerance = policy === "asOf" || (policy === "nearest" && next(2) === 0)
            ? next(30)
            : undefined;
          return [`of_${name}`, { name, policy, tolerance }];
        }));
        const options: SyncOptions = {
          fields: Object.fromEntries(
            Object.entries(fields).map(([column, { name, policy, tolerance }]) => [
              column,
              {
                topic: name,
                field: "at.v",
                policy,
                ...(tolerance !== undefined && { toleranceNs: BigInt(tolerance) }),
              },
            ]),
          ),
          ...(period === undefined ? { onTopic: "clock" } : { periodNs: BigInt(period) }),
          ...(start !== undefined && { startNs: base + BigInt(start) }),
          ...(end !== undefined && { endNs: base + BigInt(end) }),
        };
        const rows = await all(handler.getSyncStreamer(options));
        const table = await handler.getSyncStreamer(options).toTable();

        // The clock, by looking at all.
        const inside = (time: number) => time >= (start ?? -Infinity) && time < (end ?? Infinity);
        const spans = sources.flatMap(({ times }) => times);
        let ticks: number[] = [];
        if (period === undefined) ticks = topics[2].times.filter(inside).sort((a, b) => a - b);
        else if (spans.length > 0 || (start !== undefined && end !== undefined)) {
          const last = end === undefined ? Math.max(...spans) : end - 1;
          for (let tick = start ?? Math.min(...spans); tick <= last; tick += period) ticks.push(tick);
        }
        expect(rows.map(({ timestampNs }) => Number(timestampNs - base))).toEqual(ticks);
        expect(table.numRows).toBe(ticks.length);
        for (const [column, { name, policy, tolerance }] of Object.entries(fields)) {
          const { times, values } = topics.find((topic) => topic.name === name)!;
          const since = ticks.map((tick, i) =>
            period !== undefined ? tick - period : i > 0 ? ticks[i - 1] : tick - 1
          );
          questions.push({ times, values, ticks, since, policy, tolerance: tolerance ?? null });
          answers.push({
            rows: rows.map((row) => ({ ...row, values: { value: row.values[column] } })),
            column: table.getChild(column)!.toArray(),
            base,
          });
          const child = table.getChild(column)!;
          expect(Array.from({ length: child.length }, (_, i) => child.get(i) ?? undefined)).toEqual(
            rows.map((row) => row.values[column]),
          );
        }
      }
      const wanted = await ask(questions);
      for (const [i, { rows }] of answers.entries()) {
        for (const [k, { values: { value } }] of rows.entries()) {
          const other = wanted[i][k];
          const where = `case ${i}, row ${k}: ${JSON.stringify(questions[i])}`;
          if (other === null) expect(value, where).toBeUndefined();
          else expect(value, where).toBeCloseTo(other, 9);
        }
      }
    },
    120_000,
  );

  it("carries values of any type, and gives a line through integers as float64", async () => {
    await using client = await connect("memory:");
    await client.sequenceCreate("s", {}, async (sequence) => {
      const topic = await sequence.topicCreate("a", { ontology: Reading });
      await topic.push({ timestampNs: 0n, data: { at: {}, count: 2n ** 60n, label: "x", list: [1, 2] } });
      await topic.push({ timestampNs: 10n, data: { at: { v: 1 }, count: 2n ** 60n + 1024n } });
    });
    const handler = await client.sequenceHandler("s");
    const field = (field: string, policy: SyncPolicy = "hold") => ({ topic: "/a", field, policy });
    const fields = {
      label: field("label"),
      list: field("list"),
      count: field("count"),
      line: field("count", "linear"),
      at: field("at"),
    };
    const rows = await all(handler.getSyncStreamer({ periodNs: 5n, fields }));
    expect(rows.map(({ values }) => [values.label, [...values.list], values.count, values.line])).toEqual([
      ["x", [1, 2], 2n ** 60n, 2 ** 60],
      ["x", [1, 2], 2n ** 60n, 2 ** 60 + 512],
      ["x", [1, 2], 2n ** 60n + 1024n, 2 ** 60 + 1024],
    ]);
    const table = await handler.getSyncStreamer({ periodNs: 5n, fields }).toTable();
    expect(table.schema.fields.map(({ name, type }) => `${name}: ${type}`).slice(0, 5)).toEqual([
      "timestamp_ns: Int64",
      "label: Utf8",
      "list: List<Float64>",
      "count: Int64",
      "line: Float64",
    ]);
    expect(table.getChild("at")!.get(2)!.v).toBe(1);
  });

  it("refuses what makes no sense, before it reads", async () => {
    await using client = await connect("memory:");
    await client.sequenceCreate("s", {}, async (sequence) => {
      await sequence.topicCreate("a", { ontology: Reading });
    });
    const handler = await client.sequenceHandler("s");
    const fields = { v: { topic: "a", field: "at.v" } };
    const cases: [Partial<SyncOptions>, unknown][] = [
      [{}, TypeError],
      [{ periodNs: 1n, onTopic: "a" }, TypeError],
      [{ periodNs: 0n }, RangeError],
      [{ periodNs: 5 as unknown as bigint }, RangeError],
      [{ periodNs: 1n, policy: "best" as SyncPolicy }, TypeError],
      [{ periodNs: 1n, policy: "asOf" }, TypeError],
      [{ periodNs: 1n, policy: "asOf", toleranceNs: -1n }, RangeError],
      [{ periodNs: 1n, fields: { timestamp_ns: fields.v } }, TypeError],
      [{ periodNs: 1n, startNs: 2n, endNs: 1n }, RangeError],
      [{ periodNs: 1n, maxGapNs: 0n }, RangeError],
      [{ periodNs: 1n, maxGapNs: 5 as unknown as bigint }, RangeError],
    ];
    for (const [options, type] of cases) {
      expect(() => handler.getSyncStreamer({ fields, ...options })).toThrow(type as ErrorConstructor);
    }
    const first = (options: Partial<SyncOptions>) =>
      handler.getSyncStreamer({ fields, periodNs: 1n, ...options }).next();
    await expect(first({ fields: { v: { topic: "b", field: "at.v" } } })).rejects.toMatchObject({
      code: "NOT_FOUND",
    });
    await expect(first({ fields: { v: { topic: "a", field: "at.w" } } })).rejects.toMatchObject({
      code: "NOT_FOUND",
    });
    await expect(first({ fields: { v: { topic: "a", field: "label", policy: "linear" } } })).rejects
      .toMatchObject({
        code: "INVALID_ARGUMENT",
      });
    expect(await first({})).toEqual({ done: true, value: undefined });
    await expect(first({ signal: AbortSignal.abort(new Error("enough")) })).rejects.toThrow("enough");
  });

  it("closes its streams when the loop is left", async () => {
    await using client = await connect("memory:");
    await client.sequenceCreate("s", {}, async (sequence) => {
      const topic = await sequence.topicCreate("a", { ontology: Reading });
      for (let i = 0; i < 100; i++) await topic.push({ timestampNs: BigInt(i), data: { at: { v: i } } });
    });
    const handler = await client.sequenceHandler("s");
    const rows = handler.getSyncStreamer({ onTopic: "a", fields: { v: { topic: "a", field: "at.v" } } });
    for await (const { values } of rows) if (values.v === 7) break;
    expect(await rows.next()).toEqual({ done: true, value: undefined });
  });

  /** Records topics with a message at each time; those named have no value. */
  async function withTimes(
    topics: Record<string, readonly bigint[]>,
    body: (handler: SequenceHandler) => Promise<void>,
    valueless: readonly bigint[] = [],
  ): Promise<void> {
    await using client = await connect("memory:");
    await client.sequenceCreate("s", {}, async (sequence) => {
      for (const [name, times] of Object.entries(topics)) {
        const topic = await sequence.topicCreate(name, { ontology: Reading });
        for (const timestampNs of times) {
          await topic.push({
            timestampNs,
            data: {
              at: { v: valueless.includes(timestampNs) ? undefined : 1 },
            },
          });
        }
      }
    });
    await body(await client.sequenceHandler("s"));
  }

  const both = {
    v: { topic: "a", field: "at.v" },
    w: { topic: "b", field: "at.v" },
  };

  it("refuses to tick through years without a message, and names the messages on both sides", async () => {
    const now = 1_700_000_000_000_000_000n;
    const periodNs = 10_000_000n;
    for (
      const topics of [{ a: [0n, now], b: [] }, { a: [0n], b: [now] }, {
        a: [now],
        b: [0n, now],
      }]
    ) {
      await withTimes(topics, async (handler) => {
        const read = () => all(handler.getSyncStreamer({ periodNs, fields: both }));
        await expect(read()).rejects.toThrow(RangeError);
        await expect(read()).rejects.toThrow(
          new RegExp(
            `170000000000 ticks and no message between 0 ns \\(topic "[ab]"\\) and ${now} ns \\(topic "[ab]"\\)`,
          ),
        );
        await expect(
          handler.getSyncStreamer({ periodNs, fields: both }).toTable(),
        ).rejects.toThrow(RangeError);
        // Near either of them there is nothing wrong.
        const near = {
          periodNs,
          fields: both,
          startNs: now - 5n * periodNs,
          endNs: now + periodNs,
        };
        expect((await all(handler.getSyncStreamer(near))).length).toBe(6);
        const early = { periodNs, fields: both, endNs: 10n * periodNs };
        expect((await all(handler.getSyncStreamer(early))).length).toBe(10);
      });
    }
  });

  it("measures gaps by the messages of all its topics, whether or not these have the field", async () => {
    const ticks = async (
      topics: Record<string, bigint[]>,
      maxGapNs: bigint,
      valueless: bigint[] = [],
    ) => {
      let rows: SyncRow[] | string = "";
      await withTimes(topics, async (handler) => {
        const reading = all(
          handler.getSyncStreamer({ periodNs: 1n, fields: both, maxGapNs }),
        );
        rows = await reading.catch((reason) => `${reason.name} ${/between .*?,/.exec(reason.message)}`);
      }, valueless);
      return typeof rows === "string" ? rows : (rows as SyncRow[]).length;
    };
    expect(await ticks({ a: [0n, 100n], b: [] }, 100n)).toBe(101);
    expect(await ticks({ a: [0n, 101n], b: [] }, 100n)).toMatch(
      /^RangeError between 0 ns .* and 101 ns/,
    );
    expect(await ticks({ a: [0n, 150n], b: [75n] }, 100n)).toBe(151);
    expect(await ticks({ a: [0n, 150n], b: [40n] }, 100n)).toMatch(
      /between 40 ns \(topic "b"\) and 150 ns \(topic "a"\)/,
    );
    expect(await ticks({ a: [0n, 75n, 150n], b: [] }, 100n, [75n])).toBe(151);
    expect(await ticks({ a: [0n, 40n, 150n], b: [] }, 100n, [40n])).toMatch(
      /between 40 ns .* and 150 ns/,
    );
    expect(await ticks({ a: [0n, 90n, 180n, 300n, 310n], b: [200n] }, 100n))
      .toBe(311);
    expect(await ticks({ a: [0n, 90n, 180n, 301n], b: [200n] }, 100n)).toMatch(
      /between 200 ns .* and 301 ns/,
    );
    expect(await ticks({ a: [0n], b: [] }, 1n)).toBe(1);
  });

  it("allows 10 million ticks without a message unless told, and any number of ticks with them", async () => {
    await withTimes({ a: [0n, 10_000_001n], b: [] }, async (handler) => {
      await expect(
        handler.getSyncStreamer({ periodNs: 1n, fields: both }).next(),
      ).resolves.toBeDefined();
      const rows = handler.getSyncStreamer({ periodNs: 1n, fields: both });
      await rows.next();
      await expect(rows.next()).rejects.toThrow("10000001 ticks");
      // It is closed then.
      expect((await rows.next()).done).toBe(true);
      // The clock of a topic ticks no more often than there are messages.
      expect(
        (await all(handler.getSyncStreamer({ onTopic: "a", fields: both })))
          .length,
      ).toBe(2);
    });
    await withTimes({ a: [0n, 10_000_000n], b: [] }, async (handler) => {
      const rows = handler.getSyncStreamer({ periodNs: 1n, fields: both });
      for (let i = 0; i < 1000; i++) {
        expect((await rows.next()).done).toBe(false);
      }
      await rows.close();
    });
  });

  it("makes no table of more rows than it may, and says how many there would be", async () => {
    await withTimes({
      a: Array.from({ length: 100 }, (_, i) => BigInt(100 * i)),
      b: [],
    }, async (handler) => {
      const rows = () => handler.getSyncStreamer({ periodNs: 1n, fields: both });
      expect((await rows().toTable({ maxRows: 9901 })).numRows).toBe(9901);
      await expect(rows().toTable({ maxRows: 9900 })).rejects.toMatchObject({
        code: "TOO_LARGE",
        message: expect.stringMatching(/ 9901 rows: wanted at most 9900/),
      });
      const long = { periodNs: 1n, fields: both, endNs: 10n ** 18n };
      await expect(handler.getSyncStreamer(long).toTable()).rejects
        .toMatchObject({
          code: "TOO_LARGE",
          message: expect.stringMatching(
            /1000000000000000000 rows: wanted at most 10000000/,
          ),
        });
      const clock = handler.getSyncStreamer({ onTopic: "a", fields: both });
      await expect(clock.toTable({ maxRows: 99 })).rejects.toMatchObject({
        code: "TOO_LARGE",
      });
      expect((await clock.next()).done).toBe(true);
      for (
        const stream of [
          handler.getDataStreamer(),
          (await handler.topicHandler("a")).getDataStreamer(),
        ]
      ) {
        await expect(stream.toTable({ maxRows: 99 })).rejects.toMatchObject({
          code: "TOO_LARGE",
          message: expect.stringMatching(/100 rows or more: wanted at most 99/),
        });
        expect((await stream.next()).done).toBe(true);
      }
      expect(
        (await (await handler.topicHandler("a")).getDataStreamer().toTable({
          maxRows: 100,
        })).numRows,
      ).toBe(100);
      await expect(handler.getDataStreamer().toTable({ maxRows: 0 })).rejects
        .toThrow(RangeError);
    });
  });

  it("draws lines between numbers that lie as far apart as they can", async () => {
    const far = [-1.7e308, 1.7e308];
    await using client = await connect("memory:");
    await client.sequenceCreate("s", {}, async (sequence) => {
      const topic = await sequence.topicCreate("a", { ontology: Reading });
      for (const [i, v] of [...far, far[0], 5, 5].entries()) {
        await topic.push({ timestampNs: BigInt(4 * i), data: { at: { v } } });
      }
    });
    const fields = {
      v: { topic: "a", field: "at.v", policy: "linear" as const },
    };
    const rows = await all(
      (await client.sequenceHandler("s")).getSyncStreamer({
        periodNs: 1n,
        fields,
      }),
    );
    const values = rows.map(({ values }) => values.v);
    for (const [i, part] of [-1, -0.5, 0, 0.5, 1, 0.5, 0, -0.5, -1].entries()) {
      expect(values[i] / 1.7e308).toBeCloseTo(part, 9);
    }
    expect(values.slice(12)).toEqual([5, 5, 5, 5, 5]);
  });
});

describe("The fused table", () => {
  it("keeps what fields say of themselves, by every policy, and tells what its ticks are", async () => {
    const Fix = defineOntology("Fix", { latitude: float64({ unit: "deg", description: "North." }) });
    const client = clientOf(new MemoryStore());
    await client.sequenceCreate("s", {}, async (sequence) => {
      const topic = await sequence.topicCreate("fix", { ontology: Fix });
      for (const time of [0n, 10n]) await topic.push({ timestampNs: time, data: { latitude: Number(time) } });
    });
    const handler = await client.sequenceHandler("s");
    const fix = { topic: "fix", field: "latitude" } as const;
    const rows = handler.getSyncStreamer({
      periodNs: 5n,
      fields: { line: { ...fix, policy: "linear" }, held: fix },
    });
    const { schema } = await rows.toTable();
    const metadata = schema.fields.map((field) => [field.name, Object.fromEntries(field.metadata)]);
    const description = "Tick of the clock that the fields were brought onto, in nanoseconds.";
    expect(metadata).toEqual([
      ["timestamp_ns", { description, unit: "ns" }],
      ["line", { unit: "deg", description: "North." }],
      ["held", { unit: "deg", description: "North." }],
    ]);
  });
});
