import { describe, expect, it } from "vitest";
import type { Engine } from "../../../src/engine.ts";
import type { FindAnswer, StatesAnswer } from "../../../src/viewer/data/protocol.ts";
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

const FILE = "tests/viewer/data/answers.test.ts";

async function forEachCase(
  cases: number,
  check: (
    opened: Opened,
    rows: ProbeRow[],
    others: ProbeRow[],
    random: Random,
  ) => Promise<void>,
): Promise<void> {
  const engines = await allEngines();
  const range = caseRange(cases);
  for (let i = 0; i < range.cases; i++) {
    try {
      for (const engine of engines) {
        await runCase(range.seed + i, engine, check);
      }
    } catch (reason) {
      throw failedCase(range.seed + i, FILE, reason);
    }
  }
}

async function runCase(
  seed: number,
  engine: Engine,
  check: (
    opened: Opened,
    rows: ProbeRow[],
    others: ProbeRow[],
    random: Random,
  ) => Promise<void>,
): Promise<void> {
  const random = new Random(seed);
  const topics = {
    [FIRST]: randomBatches(random),
    [SECOND]: randomBatches(random),
  };
  await using library = await recorded(engine, topics);
  await using opened = await open(library, "s");
  const rows = inOrder(topics[FIRST]);
  if (rows.length > 0) {
    await check(opened, rows, inOrder(topics[SECOND]), random);
  }
}

function randomWindow(
  random: Random,
  rows: readonly ProbeRow[],
): { fromNs: bigint; toNs: bigint } {
  const near = () => random.pick(rows).ns + BigInt(random.below(9) - 4);
  const [a, b] = [near(), near()];
  return a < b ? { fromNs: a, toNs: b } : { fromNs: b, toNs: a + 1n };
}

describe("Find", () => {
  const heldAt = (others: readonly ProbeRow[], ns: bigint) => others.filter((row) => row.ns <= ns).at(-1);
  const CONDITIONS: readonly {
    text: string;
    holds: (row: ProbeRow, others: readonly ProbeRow[]) => boolean;
  }[] = [
    { text: `${FIRST}.x > 480`, holds: (row) => numberOf(row, "x") > 480 },
    { text: `${FIRST}.x > 1e8`, holds: (row) => numberOf(row, "x") > 1e8 },
    {
      text: `not ${FIRST}.f < 300 and ${FIRST}.n >= 0`,
      holds: (row) =>
        !(numberOf(row, "f") < 300) &&
        numberOf(row, "f") === numberOf(row, "f") && numberOf(row, "n") >= 0,
    },
    {
      text: `abs(${FIRST}.x) < 2 or ${FIRST}.n == 7`,
      holds: (row) => Math.abs(numberOf(row, "x")) < 2 || numberOf(row, "n") === 7,
    },
    {
      text: `${FIRST}.mode == "climb" and ${FIRST}.flag`,
      holds: ({ data }) => data.mode === "climb" && data.flag,
    },
    { text: `${FIRST}.x > 900`, holds: (row) => numberOf(row, "x") > 900 },
    {
      text: `${FIRST}.x > ${SECOND}.x + 800`,
      holds: (row, others) => {
        const held = heldAt(others, row.ns);
        return held !== undefined &&
          numberOf(row, "x") > numberOf(held, "x") + 800;
      },
    },
  ];

  it(
    "gives the stretches that looking at all rows gives, on both engines",
    async () => {
      await forEachCase(15, async ({ client }, rows, others, random) => {
        for (const { text, holds } of CONDITIONS) {
          const window = random.oneIn(2) ? randomWindow(random, rows) : undefined;
          const answers: FindAnswer[] = [];
          const request = {
            condition: text,
            ...(window && { window }),
            limit: 100_000,
          };
          valueOf(
            await client.ask("find", 1, request, {
              onPart: (answer) => answers.push(answer),
            }),
          );
          const wanted: [bigint, bigint][] = [];
          let isOpen = false;
          for (const row of rows) {
            if (
              window && (row.ns < window.fromNs || row.ns >= window.toNs)
            ) continue;
            const holdsHere = holds(row, others);
            if (holdsHere && isOpen) wanted.at(-1)![1] = row.ns;
            else if (holdsHere) wanted.push([row.ns, row.ns]);
            isOpen = holdsHere;
          }
          const seen = answers.flatMap(({ fromNs, toNs }) => [...fromNs].map((from, i) => [from, toNs[i]]));
          expect(seen, text).toEqual(wanted);
          expect(answers.map(({ isFinal }) => isFinal)).toEqual(
            answers.map((_, i) => i === answers.length - 1),
          );
        }
      });
    },
    60_000,
  );

  it("reads the rows alone that may match", async () => {
    const [engine] = await allEngines();
    const batches = Array.from(
      { length: 40 },
      (_, batch) =>
        Array.from({ length: 1000 }, (_, i): ProbeRow => ({
          ns: BigInt(1000 * batch + i),
          data: {
            x: batch === 17 && i === 500 ? 1000 : i % 50,
            flag: false,
            mode: "idle",
          },
        })),
    );
    await using library = await recorded(engine, { [FIRST]: batches });
    await using opened = await open(library, "s");
    const answers: FindAnswer[] = [];
    valueOf(
      await opened.client.ask("find", 1, { condition: "probe.x > 900" }, {
        onPart: (answer) => answers.push(answer),
      }),
    );
    expect(answers.flatMap(({ fromNs }) => [...fromNs])).toEqual([17_500n]);
    expect(answers.at(-1)!.rowsRead).toBeLessThanOrEqual(1000);
    const cut: FindAnswer[] = [];
    const request = { condition: "probe.x == 3", limit: 5 };
    valueOf(
      await opened.client.ask("find", 1, request, {
        onPart: (answer) => cut.push(answer),
      }),
    );
    expect([cut.flatMap(({ fromNs }) => [...fromNs]), cut.at(-1)!.isCut])
      .toEqual([[
        3n,
        53n,
        103n,
        153n,
        203n,
      ], true]);
  });
});

describe("Columns", () => {
  it(
    "keep the first and last row and each column's extremes, on both engines",
    async () => {
      await forEachCase(15, async ({ client, info }, rows, _, random) => {
        const window = randomWindow(random, rows);
        const points = random.pick([64, 300, 100_000]);
        const request = {
          topic: FIRST,
          columns: [`${FIRST}.x`, `${FIRST}.f * 2`],
          ...window,
          points,
        };
        const { x, columns, rows: count } = valueOf(
          await client.ask("columns", 1, request),
        );
        const inWindow = rows.filter(({ ns }) => ns >= window.fromNs && ns < window.toNs);
        expect(count).toBe(inWindow.length);
        const all = inWindow.map((
          row,
        ) => [
          secondsFrom(info.startNs, row.ns),
          numberOf(row, "x"),
          numberOf(row, "f") * 2,
        ]);
        const seen = [...x].map((
          seconds,
          i,
        ) => [seconds, columns[0][i], columns[1][i]]);
        if (inWindow.length <= points) expect(seen).toEqual(all);
        else expect(seen.length).toBeLessThanOrEqual(points + 6);
        if (all.length === 0) return;
        expect([seen[0], seen.at(-1)]).toEqual([all[0], all.at(-1)]);
        const known = new Set(all.map((row) => row.join()));
        expect(seen.every((row) => known.has(row.join()))).toBe(true);
        for (const column of [1, 2]) {
          const numbers = (rows: number[][]) =>
            rows.map((row) => row[column]).filter((value) => !Number.isNaN(value));
          expect(Math.max(...numbers(seen))).toBe(Math.max(...numbers(all)));
          expect(Math.min(...numbers(seen))).toBe(Math.min(...numbers(all)));
        }
      });
    },
    60_000,
  );
});

describe("States", () => {
  it(
    "hold at each row what the row has, but where they are mixed, on both engines",
    async () => {
      await forEachCase(15, async ({ client, info }, rows, _, random) => {
        const window = randomWindow(random, rows);
        const pixels = random.pick([1, 20, 3000]);
        const lines = [`${FIRST}.mode`, `${FIRST}.flag`, `${FIRST}.n`];
        const answers: StatesAnswer[] = [];
        valueOf(
          await client.ask("states", 1, { lines, ...window, pixels }, {
            onPart: (answer) => answers.push(answer),
          }),
        );
        expect(answers.map(({ line }) => line).sort()).toEqual([0, 1, 2]);
        const pixel = Number((window.toNs - window.fromNs) / BigInt(pixels) + 1n) / 1e9;
        const first = rows.filter(({ ns }) => ns <= window.fromNs).at(-1);
        const shown = rows.filter(({ ns }) => ns < window.toNs && (ns >= window.fromNs));
        for (const { line, x, values } of answers) {
          const of = ({ data }: ProbeRow) =>
            [
              data.mode,
              data.flag,
              data.n === undefined ? null : Number(data.n),
            ][line];
          expect(values.length).toBe(x.length);
          expect(values.length).toBeLessThanOrEqual(2 * pixels + 2);
          expect([...x]).toEqual([...x].sort((a, b) => a - b));
          if (first) {
            expect(values[0] === of(first) || first.ns === window.fromNs).toBe(
              true,
            );
          }
          for (const row of shown) {
            const seconds = secondsFrom(info.startNs, row.ns);
            const run = [...x].findLastIndex((start) => start <= seconds);
            const value = values[run];
            if (value === undefined) {
              expect(seconds - x[run]).toBeLessThan(pixel + 1e-9);
            } else if (shown.filter(({ ns }) => ns === row.ns).length === 1) {
              expect(value).toBe(of(row));
            }
          }
        }
      });
    },
    60_000,
  );
});

describe("Figures between two marks", () => {
  it("are what looking at all rows gives, on both engines", async () => {
    await forEachCase(15, async ({ client }, rows, _, random) => {
      const [a, b] = [
        random.pick(rows).ns + BigInt(random.below(5) - 2),
        random.pick(rows).ns,
      ];
      const lines = [`${FIRST}.x`, `${FIRST}.f + 1`, "gone.x"];
      const [x, f, gone] = valueOf(
        await client.ask("stats", 1, { lines, aNs: a, bNs: b }),
      );
      expect(gone.error?.code).toBe("INVALID_ARGUMENT");
      const [from, to] = a <= b ? [a, b] : [b, a];
      const within = rows.filter(({ ns }) => ns >= from && ns <= to);
      for (
        const [figures, of] of [[x, (row: ProbeRow) => numberOf(row, "x")], [
          f,
          (row: ProbeRow) => numberOf(row, "f") + 1,
        ]] as const
      ) {
        const values = within.map(of).filter((value) => !Number.isNaN(value));
        const mean = values.reduce((sum, value) => sum + value, 0) /
          values.length;
        expect([figures.count, figures.missing]).toEqual([
          values.length,
          within.length - values.length,
        ]);
        const at = (ns: bigint) => {
          const last = rows.filter((row) => row.ns <= ns).at(-1);
          return last ? of(last) : NaN;
        };
        expect([figures.atA, figures.atB]).toEqual([at(a), at(b)]);
        if (values.length === 0) {
          expect([figures.min, figures.max, figures.mean, figures.deviation])
            .toEqual([NaN, NaN, NaN, NaN]);
          continue;
        }
        const size = Math.max(...values.map(Math.abs), 1);
        expect([figures.min + 0, figures.max + 0]).toEqual([
          Math.min(...values) + 0,
          Math.max(...values) + 0,
        ]);
        expect(Math.abs(figures.mean - mean) / size).toBeLessThan(1e-12);
        const squares = values.reduce(
          (sum, value) => sum + (value - mean) ** 2,
          0,
        );
        expect(
          Math.abs(figures.deviation - Math.sqrt(squares / values.length)) /
            size,
        ).toBeLessThan(1e-9);
      }
    });
  }, 60_000);
});

describe("Rows", () => {
  it(
    "come page by page, forwards and back, also where times are equal, on both engines",
    async () => {
      await forEachCase(8, async ({ client }, all, _, random) => {
        const from = random.pick(all).ns;
        const count = random.pick([1, 7, 1000]);
        const pages = async (direction: "forward" | "backward") => {
          let [fromNs, skip] = [from, 0];
          const seen: { ns: bigint; x: number }[] = [];
          for (let page = 0; page < 20; page++) {
            const request = {
              topic: FIRST,
              fromNs,
              count,
              skip,
              direction,
              fields: ["x"],
            };
            const { rows, isEnd } = valueOf(
              await client.ask("rows", 1, request),
            );
            const own = rows.map(({ timestampNs: ns, data }) => ({
              ns,
              x: data.x as number,
            }));
            if (direction === "forward") seen.push(...own);
            else seen.unshift(...own);
            if (isEnd) break;
            const end = direction === "forward" ? own.at(-1)! : own[0];
            const ties = own.filter(({ ns }) => ns === end.ns).length;
            const next = direction === "forward" ? end.ns : end.ns + 1n;
            skip = next === fromNs ? skip + ties : ties;
            fromNs = next;
          }
          return seen;
        };
        const plain = (rows: ProbeRow[]) => rows.map(({ ns, data: { x } }) => ({ ns, x }));
        const after = all.filter(({ ns }) => ns >= from);
        expect(await pages("forward")).toEqual(
          plain(after).slice(0, 20 * count),
        );
        const before = all.filter(({ ns }) => ns < from);
        expect(await pages("backward")).toEqual(
          plain(before).slice(-20 * count),
        );
        const found = valueOf(
          await client.ask("rows", 1, {
            topic: FIRST,
            fromNs: from,
            count: 10_000,
            where: `${FIRST}.x > 100`,
            contains: "CLIM",
          }),
        );
        const wanted = after.filter(({ data }) => data.x > 100 && data.mode === "climb");
        expect(found.rows.map(({ timestampNs }) => timestampNs)).toEqual(
          wanted.map(({ ns }) => ns),
        );
      });
    },
    60_000,
  );
});

describe("At a moment", () => {
  it("there is the last message of each topic, on both engines", async () => {
    await forEachCase(8, async ({ client, info }, rows, others, random) => {
      for (let round = 0; round < 5; round++) {
        const ns = random.pick(rows).ns + BigInt(random.below(5) - 2);
        const wishes = [{ topic: FIRST }, { topic: SECOND, fields: ["mode"] }, {
          topic: "gone",
        }];
        const [first, second, gone] = valueOf(
          await client.ask("at", 1, { ns, wishes }),
        );
        const last = (rows: readonly ProbeRow[]) => rows.filter((row) => row.ns <= ns).at(-1);
        const [wanted, other] = [last(rows), last(others)];
        expect(first.timestampNs).toBe(wanted?.ns);
        if (wanted) {
          expect(first.seconds).toBe(secondsFrom(info.startNs, wanted.ns));
          expect(first.content).toEqual({ kind: "values", data: wanted.data });
        }
        expect(second.content).toEqual(
          other && { kind: "values", data: { mode: other.data.mode } },
        );
        expect(gone.content).toMatchObject({
          kind: "error",
          error: { code: "NOT_FOUND" },
        });
      }
    });
  }, 60_000);
});

describe("Activity", () => {
  it("counts all messages", async () => {
    await forEachCase(5, async ({ client, info }, rows, others) => {
      const { from, step, topics } = valueOf(
        await client.ask("activity", 1, { bins: 50 }),
      );
      expect(topics.map(({ topic }) => topic)).toEqual([SECOND, FIRST]);
      const sums = topics.map(({ counts }) => Math.round(counts.reduce((sum, count) => sum + count, 0)));
      expect(sums).toEqual([others.length, rows.length]);
      expect(from).toBe(secondsFrom(info.startNs, info.firstNs!));
      expect(step * 50).toBeGreaterThanOrEqual(
        secondsFrom(info.firstNs!, info.lastNs!),
      );
    });
  }, 60_000);
});
