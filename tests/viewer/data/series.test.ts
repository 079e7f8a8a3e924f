import { describe, expect, it } from "vitest";
import type { Engine } from "../../../src/engine.ts";
import type { Gap, SeriesAnswer } from "../../../src/viewer/data/protocol.ts";
import { allEngines } from "../../support/engines.ts";
import { caseRange, failedCase, Random } from "../../support/random_cases.ts";
import { open, type Opened, valueOf } from "./opened.ts";
import {
  FIRST,
  inOrder,
  numberOf,
  type ProbeRow,
  randomBatches,
  recorded,
  SECOND,
  secondsFrom,
} from "./random_recording.ts";

const FILE = "tests/viewer/data/series.test.ts";

/** Lines with what they come to at a row; `held`: the last row of the other topic at or before it. */
const LINES: readonly {
  text: string;
  of: (row: ProbeRow, held: ProbeRow | undefined) => number;
}[] = [
  { text: `${FIRST}.x`, of: (row) => numberOf(row, "x") },
  { text: `${FIRST}.f`, of: (row) => numberOf(row, "f") },
  { text: `\`${FIRST}\`.n`, of: (row) => numberOf(row, "n") },
  { text: `-${FIRST}.x * 2 + 1`, of: (row) => -numberOf(row, "x") * 2 + 1 },
  {
    text: `max(floor(${FIRST}.f / 3), -20)`,
    of: (row) => Math.max(Math.floor(numberOf(row, "f") / 3), -20),
  },
  { text: `abs(${FIRST}.x)`, of: (row) => Math.abs(numberOf(row, "x")) },
  {
    text: `${FIRST}.x - ${FIRST}.f`,
    of: (row) => numberOf(row, "x") - numberOf(row, "f"),
  },
  { text: `${FIRST}.flag`, of: (row) => numberOf(row, "flag") },
  {
    text: `${FIRST}.x + ${SECOND}.x`,
    of: (row, held) => numberOf(row, "x") + (held ? numberOf(held, "x") : NaN),
  },
  {
    text: `${FIRST}.mode == "climb"`,
    of: ({ data: { mode } }) => Number(mode === "climb"),
  },
];

async function ask(
  { client }: Opened,
  request: Parameters<typeof client.ask<"series">>[2],
): Promise<SeriesAnswer[]> {
  const answers: SeriesAnswer[] = [];
  valueOf(
    await client.ask("series", 1, request, {
      onPart: (answer) => answers.push(answer),
    }),
  );
  return answers;
}

/** Smallest and largest value in each slice that has one. */
function naive(
  rows: readonly ProbeRow[],
  values: readonly number[],
  fromNs: bigint,
  toNs: bigint,
  pixels: number,
) {
  const span = toNs - fromNs;
  const step = (span + BigInt(pixels) - 1n) / BigInt(pixels);
  const slices = new Map<number, { min: number; max: number }>();
  for (const [i, { ns }] of rows.entries()) {
    const value = values[i];
    if (ns < fromNs || ns >= toNs || Number.isNaN(value)) continue;
    const slice = Number((ns - fromNs) / step);
    const { min, max } = slices.get(slice) ?? { min: Infinity, max: -Infinity };
    slices.set(slice, {
      min: Math.min(min, value) + 0,
      max: Math.max(max, value) + 0,
    });
  }
  return { step: Number(step) / 1e9, slices };
}

async function checkCase(seed: number, engine: Engine): Promise<void> {
  const random = new Random(seed);
  const topics = {
    [FIRST]: randomBatches(random),
    [SECOND]: randomBatches(random),
  };
  const [rows, others] = [inOrder(topics[FIRST]), inOrder(topics[SECOND])];
  await using library = await recorded(engine, topics);
  await using opened = await open(library, "s");
  const { startNs } = opened.info;
  if (rows.length === 0) return;
  const held = (ns: bigint) => others.filter((row) => row.ns <= ns).at(-1);
  for (let round = 0; round < 4; round++) {
    const near = () => random.pick(rows).ns + BigInt(random.below(9) - 4);
    const [a, b] = [near(), near()];
    const [fromNs, toNs] = a < b ? [a, b] : [b, a + 1n];
    const pixels = random.pick([1, 3, 50, 400]);
    const lines = random.shuffle([...LINES]).slice(0, 1 + random.below(4));
    const level = random.pick(["auto", "batches", "detail", "rows"] as const);
    const answers = await ask(opened, {
      lines: lines.map(({ text }) => text),
      fromNs,
      toNs,
      pixels,
      level,
    });
    const inWindow = rows.filter(({ ns }) => ns >= fromNs && ns < toNs);
    for (const [line, { text, of }] of lines.entries()) {
      const own = answers.filter((answer) => answer.line === line);
      expect(own.map(({ isFinal }) => isFinal).lastIndexOf(true), text).toBe(
        own.length - 1,
      );
      expect(own.filter(({ isFinal }) => isFinal).length, text).toBe(1);
      const values = inWindow.map((row) => of(row, held(row.ns)));
      const { step, slices } = naive(inWindow, values, fromNs, toNs, pixels);
      for (const answer of own) {
        if (answer.shape === "error") {
          throw new Error(`${text}: ${answer.error.message}`);
        }
        if (answer.shape === "points") {
          expect([...answer.x], text).toEqual(
            inWindow.map(({ ns }) => secondsFrom(startNs, ns)),
          );
          expect([...answer.y], text).toEqual(values);
          continue;
        }
        expect(answer.step, text).toBe(step);
        const start = secondsFrom(startNs, fromNs);
        const seen = new Map(
          [...answer.x].map((
            x,
            i,
          ) => [Math.round((x - start) / step - 0.5), i]),
        );
        const isExact = answer.isExact || answer.level === "rows";
        if (isExact) expect([...seen.keys()], text).toEqual([...slices.keys()]);
        for (const [slice, { min, max }] of slices) {
          const i = seen.get(slice)!;
          // No level loses an extreme.
          expect(
            answer.min[i] <= min && answer.max[i] >= max,
            `${text} ${answer.level} ${slice}`,
          ).toBe(true);
          if (isExact) {
            expect([answer.min[i], answer.max[i]], `${text} ${answer.level}`)
              .toEqual([min, max]);
          }
        }
      }
      const last = own.at(-1)!;
      if (level === "rows" && last.shape !== "error") {
        expect([last.level, last.isExact], text).toEqual(["rows", true]);
      }
    }
  }
}

describe("Series", () => {
  it(
    "are what looking at all rows gives, at every level, on both engines",
    async () => {
      const engines = await allEngines();
      const { cases, seed } = caseRange(15);
      for (let i = 0; i < cases; i++) {
        try {
          for (const engine of engines) await checkCase(seed + i, engine);
        } catch (reason) {
          throw failedCase(seed + i, FILE, reason);
        }
      }
    },
    60_000,
  );

  it("tell of each line that cannot be had, and give the others", async () => {
    const [engine] = await allEngines();
    const rows = [{ ns: 5n, data: { x: 1, flag: true, mode: "idle" } }];
    await using library = await recorded(engine, { [FIRST]: [rows] });
    await using opened = await open(library, "s");
    const lines = [
      "probe.y",
      "probe.x",
      "gone.x",
      "probe.x +",
      "probe.mode",
      "3",
    ];
    const answers = await ask(opened, {
      lines,
      fromNs: 0n,
      toNs: 10n,
      pixels: 10,
    });
    const errors = new Map(
      answers.flatMap((answer) => answer.shape === "error" ? [[answer.line, answer.error]] : []),
    );
    expect(
      Object.fromEntries(
        [...errors].map((
          [line, { message, position }],
        ) => [line, [message, position]]),
      ),
    ).toEqual({
      0: ['Topic "probe" has no field "y"', { start: 0, length: 7 }],
      2: ['There is no topic "gone" in this recording', {
        start: 0,
        length: 6,
      }],
      3: ["The expression ends here: wanted a field, a number or a function", {
        start: 9,
        length: 1,
      }],
      4: ['Field "mode" of topic "probe" is utf8, wanted a number or bool', {
        start: 0,
        length: 10,
      }],
      5: ["The expression has no field, wanted at least one", {
        start: 0,
        length: 1,
      }],
    });
    const points = answers.find(({ line, isFinal }) => line === 1 && isFinal)!;
    expect(points).toMatchObject({
      shape: "points",
      unit: "m",
      x: Float64Array.of(0),
      y: Float64Array.of(1),
    });
  });

  it("draw around a damaged batch, which is a gap with the error's text", async () => {
    const { seed } = caseRange(1);
    for (const engine of await allEngines()) {
      const { MemoryStore } = await import("../../../src/store/memory.ts");
      const { readAll } = await import("../../../src/store/store.ts");
      const random = new Random(seed);
      const batches = [0, 1, 2, 3].map((batch) =>
        Array.from({ length: 600 }, (_, i) => ({
          ns: BigInt(1000 * batch + i),
          data: { x: random.below(1e6), flag: false, mode: "idle" },
        }))
      );
      const store = new MemoryStore();
      await using library = await recorded(engine, { [FIRST]: batches }, store);
      // The third batch, wherever its columns lie.
      const path = (await store.list("s")).map((name) => `s/${name}`).find((
        name,
      ) => name.endsWith(".arrow"))!;
      const bytes = await readAll(store, path);
      const copy = bytes.slice();
      for (
        let at = Math.floor(copy.length * 0.55);
        at < copy.length * 0.6;
        at++
      ) copy[at] ^= 0x55;
      await store.replace(path, copy);
      await using opened = await open(library, "s");
      const kept = batches.flatMap((rows, batch) => batch === 2 ? [] : rows);
      for (const text of ["probe.x", "abs(probe.x)"]) {
        const request = { lines: [text], fromNs: 0n, toNs: 4000n };
        const points = (await ask(opened, { ...request, pixels: 4000 })).at(
          -1,
        )!;
        if (points.shape !== "points") {
          throw new Error(
            `Seen ${JSON.stringify(points)}, wanted points (seed ${seed})`,
          );
        }
        expect([...points.y]).toEqual(kept.map(({ data }) => data.x));
        expect(points.gaps.map(withoutText)).toEqual([{
          from: 2000 / 1e9,
          to: 2599 / 1e9,
        }]);
        expect(points.gaps[0].message).toMatch(/damaged|checksum|CORRUPT/i);
        const buckets = (await ask(opened, { ...request, pixels: 300, level: "rows" })).at(
          -1,
        )!;
        if (buckets.shape !== "buckets") {
          throw new Error(`Seen ${JSON.stringify(buckets)}, wanted buckets`);
        }
        expect(buckets.gaps.map(withoutText)).toEqual([{
          from: 2000 / 1e9,
          to: 2599 / 1e9,
        }]);
        expect(Math.max(...buckets.max)).toBe(
          Math.max(...kept.map(({ data }) => data.x)),
        );
      }
    }
  });
});

function withoutText({ from, to }: Gap): { from: number; to: number } {
  return { from, to };
}
