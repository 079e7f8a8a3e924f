import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { ExpressionError, parseExpression } from "../../../../src/viewer/data/expression/parse.ts";
import { HELP, Program } from "../../../../src/viewer/data/expression/program.ts";
import { formatReference, References } from "../../../../src/viewer/data/expression/reference.ts";
import { caseRange, failedCase, Random } from "../../../support/random_cases.ts";

const TOPICS = [
  { name: "a", paths: ["x", "y", "z", "x2", "s.t"] },
  { name: "gps/front", paths: ["position", "position.x", "q[0]", "odd name"] },
  { name: "gps", paths: ["x"] },
  { name: "battery-1/0", paths: ["v"] },
];
const references = new References(TOPICS);
const parse = (text: string) => parseExpression(text, references);

/** Values of an expression at rows of topic `a`. */
function run(
  text: string,
  rows: readonly Record<string, number>[],
  seconds?: readonly number[],
): number[] {
  const program = new Program(parse(text));
  const columns = program.fields.map(({ path }) => Float64Array.from(rows, (row) => row[path]));
  return [
    ...program.run({
      columns,
      seconds: Float64Array.from(seconds ?? rows.map((_, i) => i)),
    }),
  ];
}

const of = (text: string, row: Record<string, number> = {}) => run(text, [row])[0];

describe("An expression", () => {
  it("binds as mathematics does", () => {
    const x = 3;
    const wanted: [string, number][] = [
      ["1 + 2 * a.x", 7],
      ["(1 + 2) * a.x", 9],
      ["2 ^ a.x ^ 2", 512],
      ["-a.x ^ 2", -9],
      ["2 ^ -a.x", 0.125],
      ["10 - a.x - 2", 5],
      ["24 / a.x / 2", 4],
      ["10 % a.x", 1],
      ["a.x > 2 and a.x < 4 or nan > 0", 1],
      ["not a.x > 2", 0],
      ["!(a.x > 2) || a.x == 3", 1],
      ["a.x != 3", 0],
      ["a.x = 3 && true", 1],
      ["1e3 + .5 + a.x", 1003.5],
      ["if(a.x >= 3, pi, e)", Math.PI],
      ["min(a.x, -1) + max(2, a.x) + clamp(a.x, 0, 1)", 3],
      ["hypot(a.x, 4)", 5],
      ["deg(rad(a.x * 60))", 180],
      ["atan2(a.x, a.x)", Math.PI / 4],
      ["a.x ** 2 + valid(a.x)", 10],
      ["+a.x - -a.x", 6],
    ];
    for (const [text, value] of wanted) {
      expect(of(text, { x }), text).toBeCloseTo(value, 12);
    }
  });

  it("takes the angles of a quaternion", () => {
    const half = Math.PI / 12; // 30 degrees about x
    const q = { x: Math.cos(half), y: Math.sin(half), z: 0, x2: 0 };
    expect(of("deg(roll(a.x, a.y, a.z, a.x2))", q)).toBeCloseTo(30, 9);
    expect(of("deg(pitch(a.x, a.z, a.y, a.x2))", q)).toBeCloseTo(30, 9);
    expect(of("deg(yaw(a.x, a.z, a.x2, a.y))", q)).toBeCloseTo(30, 9);
  });

  it("takes a list for its four elements", () => {
    const paths = (text: string) => new Program(parse(text)).fields.map(({ path }) => path);
    expect(paths("roll(a.s)")).toEqual(["s[0]", "s[1]", "s[2]", "s[3]"]);
    expect(paths("roll(a.s)")).toEqual(paths("roll(a.s[0], a.s[1], a.s[2], a.s[3])"));
    expect(() => parse("roll(1)")).toThrow(/has 1 arguments, wanted 4/);
    expect(() => parse("hypot(a.s)")).toThrow(/has 1 arguments, wanted 2 to 3/);
  });

  it("names fields by the longest topic and path, and in backticks", () => {
    const fieldOf = (text: string) => {
      const [{ topic, path }] = new Program(parse(text)).fields;
      return [topic, path];
    };
    expect(fieldOf("gps/front.position.x")).toEqual([
      "gps/front",
      "position.x",
    ]);
    expect(fieldOf("gps/front.q[0]")).toEqual(["gps/front", "q[0]"]);
    expect(fieldOf("gps/front.odd name")).toEqual(["gps/front", "odd name"]);
    expect(fieldOf("`gps/front`.`odd name`")).toEqual([
      "gps/front",
      "odd name",
    ]);
    expect(fieldOf("battery-1/0.v")).toEqual(["battery-1/0", "v"]);
    expect(fieldOf("a.x2")).toEqual(["a", "x2"]);
    expect(fieldOf("a.s.t")).toEqual(["a", "s.t"]);
    expect(fieldOf("`gone/topic`.`b`.c[1]")).toEqual(["gone/topic", "b.c[1]"]);
    expect(new Program(parse("gps.x/a.x")).fields.map(({ topic }) => topic))
      .toEqual(["gps", "a"]);
    for (
      const { name, paths } of [...TOPICS, {
        name: "x-y/0",
        paths: ["b.c", "d e", "1"],
      }]
    ) {
      for (const path of paths) {
        expect(fieldOf(formatReference(name, path))).toEqual([name, path]);
      }
    }
  });

  it("looks at the rows before where it has to", () => {
    const rows = [1, 3, NaN, 4, 4].map((x) => ({ x }));
    const seconds = [0, 0.5, 1, 2, 2];
    expect(run("d(a.x)", rows, seconds)).toEqual([NaN, 4, NaN, 1 / 1.5, NaN]);
    expect(run("delta(a.x)", rows, seconds)).toEqual([NaN, 2, NaN, 1, 0]);
    expect(run("integral(a.x)", rows, seconds)).toEqual([
      0,
      1,
      NaN,
      6.25,
      6.25,
    ]);
    expect(run("t", [{ x: 1 }], [7])).toEqual([7]);
    const angles = [3, -3, -2.9, 3.1, NaN, -3].map((x) => ({ x }));
    const turn = 2 * Math.PI;
    expect(run("unwrap(a.x)", angles)).toEqual([
      3,
      -3 + turn,
      -2.9 + turn,
      3.1,
      NaN,
      -3 + turn,
    ]);
  });

  it("goes on from block to block, and begins anew when it is told to", () => {
    const program = new Program(parse("delta(a.x)"));
    const next = (...values: number[]) => {
      const seconds = new Float64Array(values.length);
      return [
        ...program.run({ columns: [Float64Array.from(values)], seconds }),
      ];
    };
    expect([next(1, 2), next(5)]).toEqual([[NaN, 1], [3]]);
    program.reset();
    expect(next(7)).toEqual([NaN]);
  });

  it("says where it is wrong, and what was wanted", () => {
    const wanted: [string, number, RegExp][] = [
      ["a.x +", 5, /ends here: wanted a field/],
      ["a.x a.y", 4, /Unexpected "a.y": wanted an operator/],
      ["(a.x", 4, /wanted "\)"/],
      ["foo(a.x)", 0, /no function "foo"/],
      ["hypot(a.x)", 0, /has 1 arguments, wanted 2 to 3/],
      ["roll", 0, /it is a function: roll\(w, x, y, z\) of a quaternion/],
      ["gps", 0, /it is a topic, wanted a field of it: gps.x/],
      ["a.x ; 2", 4, /Unexpected ";"/],
      ["a.x == 'ok", 7, /has no end/],
      ["'a' == 'b'", 4, /only be compared with a field/],
      ["a.x < 'b'", 4, /by == or !=/],
      ["'b'", 0, /only be compared/],
      ["`a.x", 0, /backticks/],
      ["", 0, /ends here/],
      ["and(a.x, 1)", 0, /Unexpected "and"|no function/],
      ["constructor", 0, /not known/],
      ["__proto__(1)", 0, /no function/],
      ["1".padEnd(5000, "+1"), 0, /wanted 4096 at most/],
      ["(".repeat(3000), 100, /nested/],
      ["-".repeat(3000), 100, /nested/],
    ];
    for (const [text, start, message] of wanted) {
      let error: unknown;
      try {
        parse(text);
      } catch (reason) {
        error = reason;
      }
      expect(error, text).toBeInstanceOf(ExpressionError);
      expect((error as ExpressionError).message).toMatch(message);
      expect((error as ExpressionError).start, text).toBe(start);
    }
  });
});

/** A random expression, as text and as what a naive interpreter makes of a row. */
interface Case {
  text: string;
  of: (row: Record<string, number>) => number;
}

function randomCase(random: Random, depth: number): Case {
  if (depth === 0 || random.oneIn(5)) {
    const name = random.pick(["x", "y", "z"]);
    if (!random.oneIn(3)) return { text: `a.${name}`, of: (row) => row[name] };
    const value = random.pick([0, 1, 2, -3, 0.5, 100]);
    return { text: value < 0 ? `(${value})` : String(value), of: () => value };
  }
  const next = () => randomCase(random, depth - 1);
  const [one, two, three] = [next(), next(), next()];
  const missing = (...values: number[]) => values.some(Number.isNaN);
  const truth = (test: (a: number, b: number) => boolean) => (row: Record<string, number>) => {
    const [a, b] = [one.of(row), two.of(row)];
    return missing(a, b) ? NaN : Number(test(a, b));
  };
  const both = (apply: (a: number, b: number) => number) => (row: Record<string, number>) =>
    apply(one.of(row), two.of(row));
  const single = (apply: (a: number) => number) => (row: Record<string, number>) => apply(one.of(row));
  const pair = (operator: string) => `(${one.text} ${operator} ${two.text})`;
  return random.pick<() => Case>([
    () => ({ text: pair("+"), of: both((a, b) => a + b) }),
    () => ({ text: pair("-"), of: both((a, b) => a - b) }),
    () => ({ text: pair("*"), of: both((a, b) => a * b) }),
    () => ({ text: pair("/"), of: both((a, b) => a / b) }),
    () => ({ text: pair("<"), of: truth((a, b) => a < b) }),
    () => ({ text: pair(">="), of: truth((a, b) => a >= b) }),
    () => ({ text: pair("=="), of: truth((a, b) => a === b) }),
    () => ({ text: pair("!="), of: truth((a, b) => a !== b) }),
    () => ({
      text: pair("and"),
      of: both((a, b) => a === 0 || b === 0 ? 0 : missing(a, b) ? NaN : 1),
    }),
    () => ({
      text: pair("or"),
      of: both((a, b) => (a !== 0 && !missing(a)) || (b !== 0 && !missing(b)) ? 1 : missing(a, b) ? NaN : 0),
    }),
    () => ({
      text: `(not ${one.text})`,
      of: single((a) => missing(a) ? NaN : Number(a === 0)),
    }),
    () => ({ text: `(-${one.text})`, of: single((a) => -a) }),
    () => ({ text: `abs(${one.text})`, of: single(Math.abs) }),
    () => ({ text: `floor(${one.text})`, of: single(Math.floor) }),
    () => ({ text: `sqrt(${one.text})`, of: single(Math.sqrt) }),
    () => ({ text: `sin(${one.text})`, of: single(Math.sin) }),
    () => ({ text: `sign(${one.text})`, of: single(Math.sign) }),
    () => ({
      text: `min(${one.text}, ${two.text})`,
      of: both((a, b) => Math.min(a, b)),
    }),
    () => ({
      text: `max(${one.text}, ${two.text})`,
      of: both((a, b) => Math.max(a, b)),
    }),
    () => ({
      text: `valid(${one.text})`,
      of: single((a) => Number(!missing(a))),
    }),
    () => ({
      text: `deg(${one.text})`,
      of: single((a) => a * (180 / Math.PI)),
    }),
    () => ({
      text: `clamp(${one.text}, ${two.text}, ${three.text})`,
      of: (row) => Math.min(Math.max(one.of(row), two.of(row)), three.of(row)),
    }),
    () => ({
      text: `if(${one.text}, ${two.text}, ${three.text})`,
      of: (row) => {
        const when = one.of(row);
        return missing(when) ? NaN : when !== 0 ? two.of(row) : three.of(row);
      },
    }),
  ])();
}

function checkCase(seed: number): void {
  const random = new Random(seed);
  const { text, of } = randomCase(random, 1 + random.below(4));
  const program = new Program(parse(text));
  const value = () =>
    random.oneIn(6) ? random.pick([NaN, 0, -0, Infinity, -Infinity]) : random.below(41) / 4 - 5;
  const rows = Array.from(
    { length: 1 + random.below(12) },
    () => ({ x: value(), y: value(), z: value() }),
  );
  const wanted = rows.map(of);
  const columns = program.fields.map(({ path }) => Float64Array.from(rows, (row) => row[path as "x"]));
  const seen = [
    ...program.run({ columns, seconds: new Float64Array(rows.length) }),
  ];
  expect(seen.map((value) => value + 0), text).toEqual(
    wanted.map((value) => value + 0),
  );

  // Where the fields lie tells where the values lie.
  const span = (values: Iterable<number>) => {
    const there = [...values].filter((value) => !Number.isNaN(value));
    return {
      lo: Math.min(Infinity, ...there),
      hi: Math.max(-Infinity, ...there),
    };
  };
  const bounds = program.bounds(columns.map(span), { lo: 0, hi: 0 });
  const own = span(seen);
  expect(
    own.lo > own.hi || (bounds.lo <= own.lo && bounds.hi >= own.hi),
    `${text} ${JSON.stringify([bounds, own])}`,
  )
    .toBe(true);

  // Where one field tells it exactly, it is exact.
  const { monotone } = program;
  if (!monotone) return;
  const field = span(columns[0]);
  const ends = field.lo > field.hi ? [] : [monotone.apply(field.lo), monotone.apply(field.hi)];
  const [lo, hi] = monotone.direction === 1 ? ends : ends.reverse();
  expect([lo, hi].map((value) => value === undefined ? value : value + 0), text)
    .toEqual(
      own.lo > own.hi ? [undefined, undefined] : [own.lo + 0, own.hi + 0],
    );
}

describe("Random expressions", () => {
  it("are what a naive interpreter makes of them, and lie where their bounds say", () => {
    const { cases, seed } = caseRange(3000);
    for (let i = 0; i < cases; i++) {
      try {
        checkCase(seed + i);
      } catch (reason) {
        throw failedCase(
          seed + i,
          "tests/viewer/data/expression/expression.test.ts",
          reason,
        );
      }
    }
  });

  it("are told to be exact by bounds where each step is monotone, and else not", () => {
    const isMonotone = (text: string) => new Program(parse(text)).monotone !== undefined;
    const exact = [
      "a.x",
      "-a.x",
      "a.x * 9.81",
      "3 - a.x / -2",
      "deg(a.x)",
      "clamp(floor(a.x), 0, 9)",
      "min(a.x, 2 * pi)",
    ];
    const others = [
      "a.x * 0",
      "a.x * inf",
      "1 / a.x",
      "abs(a.x)",
      "sqrt(a.x)",
      "a.x + a.y",
      "a.x - a.x",
      "d(a.x)",
      "sin(a.x)",
      "t",
    ];
    expect(exact.filter((text) => !isMonotone(text))).toEqual([]);
    expect(others.filter(isMonotone)).toEqual([]);
  });
});

it("Every name that expressions know is documented", async () => {
  const text = await readFile(new URL("../../../../docs/expressions.md", import.meta.url), "utf8");
  const known = HELP.map(({ name }) => name);
  const isTold = (name: string) => text.includes(`\`${name}\``) || text.includes(`\`${name}(`);
  expect(known.filter((name) => !isTold(name))).toEqual([]);
});
