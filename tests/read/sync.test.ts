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
  struct,
  type SyncOptions,
  type SyncPolicy,
  type SyncRow,
  utf8,
} from "../../mod.ts";

const Reading = defineOntology("Reading", {
  at: struct({ v: optional(float64()) }),
  count: optional(int64()),
  label: optional(utf8()),
  list: optional(list(float64())),
});

const python = process.env.SMALTI_PYTHON;
const SEED = Number(
  process.env.SMALTI_SEED ?? Math.floor(Math.random() * 2 ** 31),
);
const CASES = 1000;
const POLICIES: readonly SyncPolicy[] = [
  "hold",
  "asOf",
  "nearest",
  "linear",
  "drop",
];

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
    const child = execFile(
      python!,
      [script],
      { maxBuffer: 2 ** 28 },
      (error, stdout, stderr) => {
        if (error) reject(new Error(stderr));
        else resolve(JSON.parse(stdout));
      },
    );
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
    `gives what pandas gives, in ${CASES} random cases${
      python ? "" : " (SMALTI_PYTHON names no Python)"
    }`,
    async () => {
      const next = generator(SEED);
      const questions: Question[] = [];
      const answers: {
        rows: SyncRow[];
        column: ArrayLike<unknown>;
        base: bigint;
      }[] = [];
      await using client = await connect("memory:");
      for (let k = 0; questions.length < CASES; k++) {
        const base = [
          0n,
          -500n,
          1_700_000_000_000_000_000n,
          -(2n ** 63n) + 1000n,
        ][next(4)];
        const spread = 1 + next(300);
        const topics = ["a", "b", "clock"].map((name) => {
          const length = next(4) === 0 ? 0 : next(40);
          const times = Array.from({ length }, () => next(spread));
          const values = times.map(() => next(6) === 0 ? null : next(1000) / 8);
          return { name, times, values };
        });
        await client.sequenceCreate(`s${k}`, {}, async (sequence) => {
          for (const { name, times, values } of topics) {
            const topic = await sequence.topicCreate(name, {
              ontology: Reading,
            });
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
        const [first, second] = [next(spread), next(spread)].sort((a, b) =>
          a - b
        );
        const start = next(2) === 0 ? undefined : first;
        const end = next(2) === 0 ? undefined : second + 1;
        const period = next(3) === 0 ? undefined : 1 + next(40);
        const sources = topics.slice(0, 2);
        const fields = Object.fromEntries(sources.map(({ name }) => {
          const policy = POLICIES[next(POLICIES.length)];
          const tolerance =
            policy === "asOf" || (policy === "nearest" && next(2) === 0)
              ? next(30)
              : undefined;
          return [`of_${name}`, { name, policy, tolerance }];
        }));
        const options: SyncOptions = {
          fields: Object.fromEntries(
            Object.entries(fields).map((
              [column, { name, policy, tolerance }],
            ) => [
              column,
              {
                topic: name,
                field: "at.v",
                policy,
                ...(tolerance !== undefined &&
                  { toleranceNs: BigInt(tolerance) }),
              },
            ]),
          ),
          ...(period === undefined
            ? { onTopic: "clock" }
            : { periodNs: BigInt(period) }),
          ...(start !== undefined && { startNs: base + BigInt(start) }),
          ...(end !== undefined && { endNs: base + BigInt(end) }),
        };
        const rows = await all(handler.getSyncStreamer(options));
        const table = await handler.getSyncStreamer(options).toTable();

        // The clock, by looking at all.
        const inside = (time: number) =>
          time >= (start ?? -Infinity) && time < (end ?? Infinity);
        const spans = sources.flatMap(({ times }) => times);
        let ticks: number[] = [];
        if (period === undefined) {
          ticks = topics[2].times.filter(inside).sort((a, b) => a - b);
        } else if (
          spans.length > 0 || (start !== undefined && end !== undefined)
        ) {
          const last = end === undefined ? Math.max(...spans) : end - 1;
          for (
            let tick = start ?? Math.min(...spans);
            tick <= last;
            tick += period
          ) ticks.push(tick);
        }
        expect(rows.map(({ timestampNs }) => Number(timestampNs - base)))
          .toEqual(ticks);
        expect(table.numRows).toBe(ticks.length);
        for (
          const [column, { name, policy, tolerance }] of Object.entries(fields)
        ) {
          const { times, values } = topics.find((topic) =>
            topic.name === name
          )!;
          const since = ticks.map((tick, i) =>
            period !== undefined
              ? tick - period
              : i > 0
              ? ticks[i - 1]
              : tick - 1
          );
          questions.push({
            times,
            values,
            ticks,
            since,
            policy,
            tolerance: tolerance ?? null,
          });
          answers.push({
            rows: rows.map((row) => ({
              ...row,
              values: { value: row.values[column] },
            })),
            column: table.getChild(column)!.toArray(),
            base,
          });
          const child = table.getChild(column)!;
          expect(
            Array.from(
              { length: child.length },
              (_, i) => child.get(i) ?? undefined,
            ),
          ).toEqual(
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
      await topic.push({
        timestampNs: 0n,
        data: { at: {}, count: 2n ** 60n, label: "x", list: [1, 2] },
      });
      await topic.push({
        timestampNs: 10n,
        data: { at: { v: 1 }, count: 2n ** 60n + 1024n },
      });
    });
    const handler = await client.sequenceHandler("s");
    const field = (field: string, policy: SyncPolicy = "hold") => ({
      topic: "/a",
      field,
      policy,
    });
    const fields = {
      label: field("label"),
      list: field("list"),
      count: field("count"),
      line: field("count", "linear"),
      at: field("at"),
    };
    const rows = await all(handler.getSyncStreamer({ periodNs: 5n, fields }));
    expect(
      rows.map((
        { values },
      ) => [values.label, [...values.list], values.count, values.line]),
    ).toEqual([
      ["x", [1, 2], 2n ** 60n, 2 ** 60],
      ["x", [1, 2], 2n ** 60n, 2 ** 60 + 512],
      ["x", [1, 2], 2n ** 60n + 1024n, 2 ** 60 + 1024],
    ]);
    const table = await handler.getSyncStreamer({ periodNs: 5n, fields })
      .toTable();
    expect(
      table.schema.fields.map(({ name, type }) => `${name}: ${type}`).slice(
        0,
        5,
      ),
    ).toEqual([
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
    ];
    for (const [options, type] of cases) {
      expect(() => handler.getSyncStreamer({ fields, ...options })).toThrow(
        type as ErrorConstructor,
      );
    }
    const first = (options: Partial<SyncOptions>) =>
      handler.getSyncStreamer({ fields, periodNs: 1n, ...options }).next();
    await expect(first({ fields: { v: { topic: "b", field: "at.v" } } }))
      .rejects.toMatchObject({
        code: "NOT_FOUND",
      });
    await expect(first({ fields: { v: { topic: "a", field: "at.w" } } }))
      .rejects.toMatchObject({
        code: "NOT_FOUND",
      });
    await expect(
      first({
        fields: { v: { topic: "a", field: "label", policy: "linear" } },
      }),
    ).rejects
      .toMatchObject({
        code: "INVALID_ARGUMENT",
      });
    expect(await first({})).toEqual({ done: true, value: undefined });
    await expect(first({ signal: AbortSignal.abort(new Error("enough")) }))
      .rejects.toThrow("enough");
  });

  it("closes its streams when the loop is left", async () => {
    await using client = await connect("memory:");
    await client.sequenceCreate("s", {}, async (sequence) => {
      const topic = await sequence.topicCreate("a", { ontology: Reading });
      for (let i = 0; i < 100; i++) {
        await topic.push({ timestampNs: BigInt(i), data: { at: { v: i } } });
      }
    });
    const handler = await client.sequenceHandler("s");
    const rows = handler.getSyncStreamer({
      onTopic: "a",
      fields: { v: { topic: "a", field: "at.v" } },
    });
    for await (const { values } of rows) if (values.v === 7) break;
    expect(await rows.next()).toEqual({ done: true, value: undefined });
  });
});
