/**
 * JSON text -> values, with no number changed on the way.
 *
 * @module
 */
import { parse } from "lossless-json";
import { clearlyKeepsDecimal, DECIMAL_DIGITS, isDigitOrPoint, keepsDecimal } from "./decimals.ts";

/** What stands for a number that is neither a float64 nor an integer that one can write down: `1e400`, `1e-400`. */
export const INEXACT: unique symbol = Symbol("inexact number");

/** Finds exponents of 3 digits or more. Finding one in a string only costs time. */
const LARGE_EXPONENT = /\d[eE][+-]?\d{3}/;

/** A number with a fraction, right at its `lastIndex`. */
const DECIMAL = /\d+\.\d+(?:[eE][+-]?\d+)?(?![\d.])/y;

/** A key `__proto__`, whichever of its letters are escaped. */
const PROTO_KEY =
  /(?<!\\)"(?:_|\\u005f){2}(?:p|\\u0070)(?:r|\\u0072)(?:o|\\u006f)(?:t|\\u0074)(?:o|\\u006f)(?:_|\\u005f){2}"\s*:/i;

/** More digits than a float64 has; a bigint of millions of them takes minutes to make. */
const MAX_DIGITS = 400;

/** What a JSON text says. */
export interface ParsedJson {
  /** The value. */
  readonly value: unknown;
  /** Whether it has every number as the text has it; else some decimals are the nearest float64. */
  readonly isExact: boolean;
}

/**
 * Parses JSON: as JSON.parse does, but an integer beyond 2^53 comes as bigint, and a number that a float64 would turn
 * into infinity or zero as {@linkcode INEXACT}. Of equal keys the last wins.
 *
 * Throws SyntaxError where the text is no JSON, and RangeError where it is nested too deeply for the stack.
 */
export function parseJson(text: string): ParsedJson {
  const loss = lossOf(text);
  if (loss !== "unknown" && !LARGE_EXPONENT.test(text)) {
    return { value: JSON.parse(text), isExact: loss === "none" };
  }
  // lossless-json assigns keys, and this would be none then. No column holds it: exact numbers matter no more.
  if (PROTO_KEY.test(text)) {
    return { value: JSON.parse(text, (_, item) => isSafe(item) ? item : INEXACT), isExact: false };
  }
  let isExact = true;
  const value = parse(text, undefined, {
    parseNumber(text) {
      const number = parseNumber(text);
      if (typeof number === "number" && isExact) isExact = keepsDecimal(text);
      return number;
    },
    onDuplicateKey: ({ newValue }) => newValue,
  });
  return { value, isExact };
}

/** What JSON.parse loses of numbers of many digits: decimals alone, or perhaps integers. In a string they only cost time. */
function lossOf(text: string): "none" | "decimals" | "unknown" {
  let loss: "none" | "decimals" = "none";
  // As Boyer and Moore search: so many digits, with a point among them, are looked at from their last to their first, and
  // what is none of them is passed over by as many.
  for (let at = DECIMAL_DIGITS - 1; at < text.length;) {
    let from = at;
    while (at - from < DECIMAL_DIGITS && isDigitOrPoint(text.charCodeAt(from))) from--;
    if (at - from < DECIMAL_DIGITS) {
      at = from + DECIMAL_DIGITS;
      continue;
    }
    while (isDigitOrPoint(text.charCodeAt(from))) from--;
    if (!clearlyKeepsDecimal(text, ++from)) {
      DECIMAL.lastIndex = from;
      const decimal = DECIMAL.exec(text)?.[0];
      if (decimal === undefined) return "unknown";
      if (loss === "none" && !keepsDecimal(decimal)) {
        if (mayBeInString(text, from)) return "unknown";
        loss = "decimals";
      }
    }
    while (isDigitOrPoint(text.charCodeAt(at))) at++;
    at += DECIMAL_DIGITS;
  }
  return loss;
}

/** Whether a place may lie in a string of JSON. */
function mayBeInString(text: string, at: number): boolean {
  let isInside = false;
  for (let quote = text.indexOf('"'); quote >= 0 && quote < at; quote = text.indexOf('"', quote + 1)) {
    isInside = !isInside;
  }
  return isInside || text.lastIndexOf("\\", at) >= 0;
}

function isDigit(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 48 && unit <= 57;
}

function isSafe(value: unknown): boolean {
  return typeof value !== "number" ||
    (Number.isFinite(value) && Number.isSafeInteger(Math.trunc(value)));
}

function parseNumber(text: string): unknown {
  // lossless-json takes `.5` and `e5` for numbers.
  if (!isDigit(text, 0) && text[0] !== "-") {
    throw new SyntaxError(`Unexpected token ${text[0]}`);
  }
  const number = Number(text);
  if (Number.isSafeInteger(number) && number !== 0) return number;
  if (/^-?\d+$/.test(text)) {
    if (number === 0) return number;
    return text.length > MAX_DIGITS ? INEXACT : BigInt(text);
  }
  const lost = !Number.isFinite(number) ||
    (number === 0 && /^-?[\d.]*[1-9]/.test(text));
  return lost ? INEXACT : number;
}
