/**
 * What expressions can do with values: column by column, NaN where a value is missing. Truth is 1 and 0; a comparison with a
 * missing value is missing, and `and`, `or`, `not` go on with that as SQL does.
 *
 * @module
 */

/** The values that something may have, NaN aside: from `lo` to `hi`; none where `lo` is above `hi`. */
export interface Interval {
  readonly lo: number;
  readonly hi: number;
}

/** A function, or an operator under its name. */
export interface ExpressionFunction {
  /** How many arguments, from and to. */
  readonly arity: readonly [least: number, most: number];
  /** One line of help. */
  readonly help: string;
  /** The value of a row; arguments that it does not take are 0. Missing of those that have a {@linkcode ExpressionFunction.begin}. */
  readonly apply?: (a: number, b: number, c: number, d: number) => number;
  /** Of what depends on the rows before: makes what takes the rows of one run in order. `seconds`: the row's time. */
  readonly begin?: () => (value: number, seconds: number) => number;
  /** Where the values may lie, at least as wide as they do. @default anywhere */
  readonly interval?: (...args: Interval[]) => Interval;
  /**
   * Whether more of the one argument that is no constant never gives less (1), or never more (-1), exactly, and only NaN gives NaN.
   * `args`: the constants, undefined at the place of the one that is none.
   */
  readonly direction?: (args: readonly (number | undefined)[]) => 1 | -1 | undefined;
}

const ANY: Interval = { lo: -Infinity, hi: Infinity };
const TRUTH: Interval = { lo: 0, hi: 1 };
const NONE: Interval = { lo: Infinity, hi: -Infinity };

const isNone = ({ lo, hi }: Interval) => lo > hi;
const span = (values: readonly number[]): Interval =>
  // Such as infinity minus itself.
  values.some(Number.isNaN) ? ANY : { lo: Math.min(...values), hi: Math.max(...values) };
/** With what may be missing. */
const over = (action: (...args: Interval[]) => Interval) => (...args: Interval[]): Interval =>
  args.some(isNone) ? NONE : action(...args);
const corners = (apply: (a: number, b: number) => number) =>
  over((a, b) => span([apply(a.lo, b.lo), apply(a.lo, b.hi), apply(a.hi, b.lo), apply(a.hi, b.hi)]));
const rising = (apply: (a: number) => number) => over((a) => span([apply(a.lo), apply(a.hi)]));
const isFinite = (value: number | undefined): value is number =>
  value !== undefined && Number.isFinite(value);
/** Of what one argument is a constant of, to which the other one is rising. */
const withConstant =
  (direction: (constant: number, isFirst: boolean) => 1 | -1 | undefined) =>
  (args: readonly (number | undefined)[]): 1 | -1 | undefined => {
    const at = args.findIndex((value) => value !== undefined);
    return isFinite(args[at]) ? direction(args[at], at === 0) : undefined;
  };

const mayBeTrue = ({ lo, hi }: Interval) => lo <= hi && (lo !== 0 || hi !== 0);
const mayBeFalse = ({ lo, hi }: Interval) => lo <= 0 && hi >= 0;
const truth = (canFail: boolean, canHold: boolean): Interval =>
  canFail ? (canHold ? TRUTH : { lo: 0, hi: 0 }) : canHold ? { lo: 1, hi: 1 } : NONE;
/** A comparison, by when it may fail and hold. */
const comparison = (
  help: string,
  test: (a: number, b: number) => boolean,
  mayFail: (a: Interval, b: Interval) => boolean,
  mayHold: (a: Interval, b: Interval) => boolean,
): ExpressionFunction => ({
  arity: [2, 2],
  help,
  apply: (a, b) => Number.isNaN(a) || Number.isNaN(b) ? NaN : Number(test(a, b)),
  interval: over((a, b) => truth(mayFail(a, b), mayHold(a, b))),
});
const mayBeLess = (a: Interval, b: Interval) => a.lo < b.hi;
const mayBeAtMost = (a: Interval, b: Interval) => a.lo <= b.hi;
const mayBeEqual = (a: Interval, b: Interval) => a.lo <= b.hi && b.lo <= a.hi;
const mayDiffer = (a: Interval, b: Interval) => !(a.lo === a.hi && b.lo === b.hi && a.lo === b.lo);
const swap = (test: (a: Interval, b: Interval) => boolean) => (a: Interval, b: Interval) => test(b, a);

const DEGREES = 180 / Math.PI;
const RADIANS = Math.PI / 180;
const fn = (
  arity: number | readonly [number, number],
  help: string,
  apply: ExpressionFunction["apply"],
  more: Pick<ExpressionFunction, "interval" | "direction"> = {},
): ExpressionFunction => ({
  arity: typeof arity === "number" ? [arity, arity] : arity,
  help,
  apply,
  ...more,
});
const within = (lo: number, hi: number) => ({ interval: over(() => ({ lo, hi })) });
const up = (apply: (a: number) => number) => ({ interval: rising(apply), direction: () => 1 as const });

/** By name. Operators have names that nobody can write. */
export const FUNCTIONS: Readonly<Record<string, ExpressionFunction>> = Object.assign(Object.create(null), {
  "+": fn(2, "sum", (a, b) => a + b, {
    interval: corners((a, b) => a + b),
    direction: withConstant(() => 1),
  }),
  "-": fn(2, "difference", (a, b) => a - b, {
    interval: corners((a, b) => a - b),
    direction: withConstant((_, isFirst) => isFirst ? -1 : 1),
  }),
  "*": fn(2, "product", (a, b) => a * b, {
    interval: corners((a, b) => a * b),
    direction: withConstant((by) => by > 0 ? 1 : by < 0 ? -1 : undefined),
  }),
  "/": fn(2, "quotient", (a, b) => a / b, {
    interval: over((a, b) => mayBeFalse(b) ? ANY : corners((a, b) => a / b)(a, b)),
    direction: withConstant((by, isFirst) => isFirst ? undefined : by > 0 ? 1 : by < 0 ? -1 : undefined),
  }),
  "%": fn(2, "remainder, with the sign of the first", (a, b) => a % b),
  "^": fn(2, "power", (a, b) => a ** b),
  "negate": fn(1, "the negative", (a) => -a, {
    interval: over(({ lo, hi }) => ({ lo: -hi, hi: -lo })),
    direction: () => -1 as const,
  }),
  "<": comparison("less", (a, b) => a < b, swap(mayBeAtMost), mayBeLess),
  "<=": comparison("at most", (a, b) => a <= b, swap(mayBeLess), mayBeAtMost),
  ">": comparison("more", (a, b) => a > b, mayBeAtMost, swap(mayBeLess)),
  ">=": comparison("at least", (a, b) => a >= b, mayBeLess, swap(mayBeAtMost)),
  "==": comparison("equal", (a, b) => a === b, mayDiffer, mayBeEqual),
  "!=": comparison("not equal", (a, b) => a !== b, mayBeEqual, mayDiffer),
  "and": fn(2, "both", (a, b) => a === 0 || b === 0 ? 0 : Number.isNaN(a) || Number.isNaN(b) ? NaN : 1, {
    interval: (a, b) => truth(mayBeFalse(a) || mayBeFalse(b), mayBeTrue(a) && mayBeTrue(b)),
  }),
  "or": fn(
    2,
    "either",
    (a, b) =>
      (a !== 0 && !Number.isNaN(a)) || (b !== 0 && !Number.isNaN(b)) ? 1 : Number.isNaN(a + b) ? NaN : 0,
    { interval: (a, b) => truth(mayBeFalse(a) && mayBeFalse(b), mayBeTrue(a) || mayBeTrue(b)) },
  ),
  "not": fn(1, "the opposite", (a) => Number.isNaN(a) ? NaN : Number(a === 0), {
    interval: over((a) => truth(mayBeTrue(a), mayBeFalse(a))),
  }),
  "abs": fn(1, "size without sign", Math.abs, {
    interval: over(({ lo, hi }) => ({
      lo: lo <= 0 && hi >= 0 ? 0 : Math.min(Math.abs(lo), Math.abs(hi)),
      hi: Math.max(Math.abs(lo), Math.abs(hi)),
    })),
  }),
  "min": fn([2, 2], "the smaller of two", (a, b) => Math.min(a, b), {
    interval: corners(Math.min),
    direction: withConstant(() => 1),
  }),
  "max": fn([2, 2], "the larger of two", (a, b) => Math.max(a, b), {
    interval: corners(Math.max),
    direction: withConstant(() => 1),
  }),
  "clamp": fn(3, "clamp(x, low, high): x within bounds", (x, lo, hi) => Math.min(Math.max(x, lo), hi), {
    interval: over((x, lo, hi) =>
      span([Math.min(Math.max(x.lo, lo.lo), hi.lo), Math.min(Math.max(x.hi, lo.hi), hi.hi)])
    ),
    direction: ([x, lo, hi]) => x === undefined && isFinite(lo) && isFinite(hi) ? 1 : undefined,
  }),
  "floor": fn(1, "the integer below", Math.floor, up(Math.floor)),
  "ceil": fn(1, "the integer above", Math.ceil, up(Math.ceil)),
  "round": fn(1, "the nearest integer", Math.round, up(Math.round)),
  "trunc": fn(1, "without what is after the point", Math.trunc, up(Math.trunc)),
  "sign": fn(1, "-1, 0 or 1", Math.sign, up(Math.sign)),
  "sqrt": fn(1, "square root", Math.sqrt, {
    interval: over(({ lo, hi }) => hi < 0 ? NONE : { lo: Math.sqrt(Math.max(lo, 0)), hi: Math.sqrt(hi) }),
  }),
  "cbrt": fn(1, "cube root", Math.cbrt),
  "exp": fn(1, "e to the power", Math.exp, within(0, Infinity)),
  "log": fn(1, "natural logarithm", Math.log),
  "log2": fn(1, "logarithm to base 2", Math.log2),
  "log10": fn(1, "logarithm to base 10", Math.log10),
  "sin": fn(1, "sine of radians", Math.sin, within(-1, 1)),
  "cos": fn(1, "cosine of radians", Math.cos, within(-1, 1)),
  "tan": fn(1, "tangent of radians", Math.tan),
  "asin": fn(1, "arc sine, in radians", Math.asin, within(-1.6, 1.6)),
  "acos": fn(1, "arc cosine, in radians", Math.acos, within(0, 3.2)),
  "atan": fn(1, "arc tangent, in radians", Math.atan, within(-1.6, 1.6)),
  "atan2": fn(2, "atan2(y, x): the angle of a vector, in radians", Math.atan2, within(-3.2, 3.2)),
  "hypot": fn([2, 3], "length of a vector", (a, b, c = 0) => Math.hypot(a, b, c), within(0, Infinity)),
  "pow": fn(2, "pow(x, y): x to the power of y", (a, b) => a ** b),
  "deg": fn(1, "radians in degrees", (a) => a * DEGREES, up((a) => a * DEGREES)),
  "rad": fn(1, "degrees in radians", (a) => a * RADIANS, up((a) => a * RADIANS)),
  "wrap": fn(1, "an angle in radians, from -pi to pi", wrap, within(-3.2, 3.2)),
  "if": fn(3, "if(condition, a, b)", (when, a, b) => Number.isNaN(when) ? NaN : when !== 0 ? a : b, {
    interval: (when, a, b) => {
      const cases = [...(mayBeTrue(when) ? [a] : []), ...(mayBeFalse(when) ? [b] : [])].filter((one) =>
        !isNone(one)
      );
      return cases.length > 0 ? span(cases.flatMap(({ lo, hi }) => [lo, hi])) : NONE;
    },
  }),
  "valid": fn(1, "1 where there is a value, else 0", (a) => Number(!Number.isNaN(a)), {
    interval: () => TRUTH,
  }),
  "roll": fn(4, "roll(w, x, y, z) of a quaternion, in radians", (w, x, y, z) => {
    return Math.atan2(2 * (w * x + y * z), 1 - 2 * (x * x + y * y));
  }, within(-3.2, 3.2)),
  "pitch": fn(4, "pitch(w, x, y, z) of a quaternion, in radians", (w, x, y, z) => {
    return Math.asin(Math.max(-1, Math.min(1, 2 * (w * y - z * x))));
  }, within(-1.6, 1.6)),
  "yaw": fn(4, "yaw(w, x, y, z) of a quaternion, in radians", (w, x, y, z) => {
    return Math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z));
  }, within(-3.2, 3.2)),
  "d": { arity: [1, 1], help: "change a second since the row before that has a value", begin: derivative },
  "delta": { arity: [1, 1], help: "change since the row before that has a value", begin: difference },
  "integral": {
    arity: [1, 1],
    help: "area under the line from the window's first row on, by trapezoids",
    begin: integral,
  },
  "unwrap": {
    arity: [1, 1],
    help: "an angle in radians without jumps of a turn, from the window's first row on",
    begin: unwrap,
  },
});

/** By name; `t` is the row's time, in seconds from the recording's start. */
export const CONSTANTS: Readonly<Record<string, number>> = Object.assign(Object.create(null), {
  pi: Math.PI,
  e: Math.E,
  inf: Infinity,
  nan: NaN,
  true: 1,
  false: 0,
});

/** Functions whose first row wants the one before the window. */
export const LOOKS_BACK: ReadonlySet<string> = new Set(["d", "delta"]);

function wrap(angle: number): number {
  return angle - 2 * Math.PI * Math.round(angle / (2 * Math.PI));
}

function derivative(): (value: number, seconds: number) => number {
  let [before, at] = [NaN, NaN];
  return (value, seconds) => {
    if (Number.isNaN(value)) return NaN;
    // Two rows of the same moment have no slope.
    const slope = seconds > at ? (value - before) / (seconds - at) : NaN;
    [before, at] = [value, seconds];
    return slope;
  };
}

function difference(): (value: number) => number {
  let before = NaN;
  return (value) => {
    if (Number.isNaN(value)) return NaN;
    const change = value - before;
    before = value;
    return change;
  };
}

function integral(): (value: number, seconds: number) => number {
  let [sum, before, at] = [0, NaN, NaN];
  return (value, seconds) => {
    if (Number.isNaN(value)) return NaN;
    if (!Number.isNaN(before)) sum += (value + before) / 2 * (seconds - at);
    [before, at] = [value, seconds];
    return sum;
  };
}

function unwrap(): (value: number) => number {
  let [before, turns] = [NaN, 0];
  return (value) => {
    if (!Number.isFinite(value)) return NaN;
    if (!Number.isNaN(before)) turns -= Math.round((value - before) / (2 * Math.PI));
    before = value;
    return value + turns * 2 * Math.PI;
  };
}
