import { Decimal } from "../arrow/decimal.ts";
import { SmaltiError } from "../error.ts";
import { quoted } from "../util/excerpt.ts";
import type { QueryObject, QueryValue } from "../types.ts";
import { globTest } from "./glob.ts";

/** What a condition compares with. */
export type OperandKind = "number" | "text" | "bool" | "list" | "none";

/** What one operator asks of a value. */
export interface Condition {
  /** The operator, such as `$geq`. */
  readonly operator: string;
  /** What it compares with; values of another kind do not match. */
  readonly kind: OperandKind;
  /** Whether a value matches; never an undefined one, except for `$nex`. */
  readonly test: (value: unknown) => boolean;
  /** Whether a value from `min` to `max` can match, both inclusive; undefined where nothing can be said. */
  readonly mayMatch?: (min: number, max: number) => boolean;
  /** First and last integer that can match, both inclusive; undefined where there is no bound. */
  readonly first?: bigint;
  readonly last?: bigint;
}

const OPERATORS = "$eq, $neq, $lt, $leq, $gt, $geq, $between, $outside, $in, $match, $ex or $nex";
/** Items of a list that `$eq` compares with at most. */
const MOST_ITEMS = 1024;
/** Paths with conditions at one place of a query at most, and characters of each. */
const MOST_PATHS = 1024;
const MOST_CHARACTERS = 1024;

/** Paths and what is asked at each. INVALID_ARGUMENT where they are more, or longer, than anybody has use for. */
export function pathsOf(where: string, conditions: QueryObject): [path: string, given: QueryValue][] {
  const paths = Object.entries(conditions);
  if (paths.length > MOST_PATHS) {
    throw refusal(where, `it has ${paths.length} conditions, wanted at most ${MOST_PATHS}`);
  }
  const long = paths.find(([path]) => path.length > MOST_CHARACTERS);
  if (long) throw refusal(long[0], `wanted a path of at most ${MOST_CHARACTERS} characters`);
  return paths;
}

/** What is asked at a path: one condition, or those of `{"$all": [...]}`, smalti's own. INVALID_ARGUMENT. */
export function parseConditions(path: string, given: QueryValue): Condition[] {
  const all = typeof given === "object" && given !== null ? (given as QueryObject).$all : undefined;
  if (all === undefined || Object.keys(given as QueryObject).length !== 1) {
    return [parseCondition(path, given)];
  }
  return items(path, "$all", all).map((condition) => parseCondition(path, condition));
}

/** `{"$op": operand}`, or `"$ex"` and `"$nex"` bare. `path` is what it is about, for errors. INVALID_ARGUMENT. */
export function parseCondition(path: string, given: QueryValue): Condition {
  const entries = typeof given === "string" ? [[given, null] as const] : Object.entries(given ?? {});
  if (entries.length !== 1 || Array.isArray(given)) {
    throw refusal(path, `it has ${entries.length} operators, wanted one of ${OPERATORS}`);
  }
  const [operator, operand] = entries[0];
  switch (operator) {
    case "$eq":
      if (Array.isArray(operand)) {
        return { operator, kind: "list", test: sameItems(items(path, operator, operand)) };
      }
      return {
        operator,
        ...scalar(path, operator, operand),
        test: (value) => isSame(value, operand),
        ...between(operand, operand),
        ...at(operand),
      };
    case "$neq":
      return {
        operator,
        ...scalar(path, operator, operand),
        test: (value) => value !== undefined && value !== null && !isSame(value, operand),
      };
    case "$lt":
      return {
        ...ordered(path, operator, operand, (sign) => sign < 0),
        ...until(operand, -1n),
        mayMatch: (min) => compare(min, operand) < 0,
      };
    case "$leq":
      return {
        ...ordered(path, operator, operand, (sign) => sign <= 0),
        ...until(operand, 0n),
        mayMatch: (min) => compare(min, operand) <= 0,
      };
    case "$gt":
      return {
        ...ordered(path, operator, operand, (sign) => sign > 0),
        ...from(operand, 1n),
        mayMatch: (_, max) => compare(max, operand) > 0,
      };
    case "$geq":
      return {
        ...ordered(path, operator, operand, (sign) => sign >= 0),
        ...from(operand, 0n),
        mayMatch: (_, max) => compare(max, operand) >= 0,
      };
    case "$between": {
      const [low, high, kind] = range(path, operator, operand);
      const test = (value: unknown) => compare(value, low) >= 0 && compare(value, high) <= 0;
      return { operator, kind, test, ...between(low, high), ...from(low, 0n), ...until(high, 0n) };
    }
    case "$outside": {
      const [low, high, kind] = range(path, operator, operand);
      const test = (value: unknown) => compare(value, low) < 0 || compare(value, high) > 0;
      return { operator, kind, test, mayMatch: (min, max) => test(min) || test(max) };
    }
    case "$in":
    case "$nin": { // $nin and $nmatch are smalti's own
      const list = items(path, operator, operand);
      const { kind } = scalar(path, operator, list[0] ?? null);
      const stray = list.find((item) => kindOf(item) !== kind);
      if (stray !== undefined) {
        throw refusal(path, `its ${operator} mixes ${kind} with ${quoted(stray)}, wanted one type`);
      }
      const wanted = operator === "$in";
      const test = (value: unknown) => list.some((item) => isSame(value, item)) === wanted;
      return {
        operator,
        kind,
        test: (value) => value !== undefined && value !== null && test(value),
        ...(wanted && { mayMatch: (min, max) => list.some((item) => spans(min, max, item, item)) }),
      };
    }
    case "$match":
    case "$nmatch": {
      if (typeof operand !== "string") {
        throw refusal(path, `its ${operator} is ${quoted(operand)}, wanted a pattern`);
      }
      const test = globTest(operand);
      const wanted = operator === "$match";
      return { operator, kind: "text", test: (value) => typeof value === "string" && test(value) === wanted };
    }
    case "$ex":
    case "$nex":
      return { operator, kind: "none", test: (value) => (value !== undefined) === (operator === "$ex") };
    default:
      throw refusal(path, `${quoted(operator)} is no operator, wanted one of ${OPERATORS}`);
  }
}

/** An INVALID_ARGUMENT about a condition. */
export function refusal(path: string, why: string): SmaltiError {
  return new SmaltiError("INVALID_ARGUMENT", `Cannot query ${quoted(path)}: ${why}`);
}

/** The kind of a value; undefined for what no operator compares. */
export function kindOf(value: unknown): OperandKind | undefined {
  if (typeof value === "number" || typeof value === "bigint" || value instanceof Decimal) return "number";
  if (typeof value === "string") return "text";
  return typeof value === "boolean" ? "bool" : undefined;
}

function scalar(path: string, operator: string, operand: QueryValue): { kind: OperandKind } {
  const kind = kindOf(operand);
  if (kind) return { kind };
  throw refusal(path, `its ${operator} is ${quoted(operand)}, wanted a number, a text or a bool`);
}

function ordered(
  path: string,
  operator: string,
  operand: QueryValue,
  fits: (sign: number) => boolean,
): Condition {
  const kind = kindOf(operand);
  if (kind !== "number" && kind !== "text") {
    throw refusal(path, `its ${operator} is ${quoted(operand)}, wanted a number or a text`);
  }
  return { operator, kind, test: (value) => fits(compare(value, operand)) };
}

function range(path: string, operator: string, operand: QueryValue): [QueryValue, QueryValue, OperandKind] {
  const [low, high] = Array.isArray(operand) ? operand : [];
  const kind = kindOf(low);
  const isRange = Array.isArray(operand) && operand.length === 2 && kind === kindOf(high) &&
    (kind === "number" || kind === "text") && compare(low, high) <= 0;
  if (isRange) return [low, high, kind];
  throw refusal(
    path,
    `its ${operator} is ${quoted(operand)}, wanted [min, max] of numbers or texts, min first`,
  );
}

function items(path: string, operator: string, operand: QueryValue): readonly QueryValue[] {
  if (Array.isArray(operand) && operand.length > 0 && operand.length <= MOST_ITEMS) return operand;
  const seen = Array.isArray(operand) ? `a list of ${operand.length}` : quoted(operand);
  throw refusal(path, `its ${operator} is ${seen}, wanted a list of 1 to ${MOST_ITEMS} items`);
}

/** Less than 0, 0 or more, as subtracting would tell; NaN where the two cannot be compared. */
function compare(value: unknown, operand: QueryValue): number {
  const kind = kindOf(value);
  if (kind === undefined || kind !== kindOf(operand)) return NaN;
  if (value instanceof Decimal) return value.compareTo(operand as number | bigint);
  // Of a number and a bigint these operators compare the exact values.
  const [a, b] = [value as number, operand as number];
  return a < b ? -1 : a > b ? 1 : a >= b ? 0 : NaN;
}

function isSame(value: unknown, operand: QueryValue): boolean {
  return value === operand || compare(value, operand) === 0;
}

function sameItems(wanted: readonly QueryValue[]): (value: unknown) => boolean {
  return (value) => {
    const isList = Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
    if (!isList) return false;
    const list = value as ArrayLike<unknown>;
    return list.length === wanted.length && wanted.every((item, i) => isSame(list[i], item));
  };
}

function between(low: QueryValue, high: QueryValue): Pick<Condition, "mayMatch"> {
  return { mayMatch: (min, max) => spans(min, max, low, high) };
}

/** Whether two ranges of numbers have a number in common. */
function spans(min: number, max: number, low: QueryValue, high: QueryValue): boolean {
  return compare(min, high) <= 0 && compare(max, low) >= 0;
}

function at(operand: QueryValue): { first?: bigint; last?: bigint } {
  return { ...from(operand, 0n), ...until(operand, 0n) };
}

function from(operand: QueryValue, more: bigint): { first?: bigint } {
  return isInteger(operand) ? { first: BigInt(operand) + more } : {};
}

function until(operand: QueryValue, more: bigint): { last?: bigint } {
  return isInteger(operand) ? { last: BigInt(operand) + more } : {};
}

function isInteger(operand: QueryValue): operand is number | bigint {
  return typeof operand === "bigint" || Number.isInteger(operand);
}
