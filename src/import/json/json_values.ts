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

/** Half of the digits that make a number long. */
const HALF = DECIMAL_DIGITS / 2;

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
  if (!hasLongNumber(text) && !LARGE_EXPONENT.test(text)) {
    return { value: JSON.parse(text), isExact: true };
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

/** Finds numbers of many digits that a float64 does not keep. Finding one in a string only costs time. */
function hasLongNumber(text: string): boolean {
  // So many digits, and a point among them, cannot hide between two places that are so far apart.
  for (let at = DECIMAL_DIGITS - 1; at < text.length; at += DECIMAL_DIGITS) {
    if (!isOfNumber(text, at)) continue;
    // Nor can they end within half of that to both sides.
    if (!isOfNumber(text, at - HALF) && !isOfNumber(text, at + HALF)) continue;
    let from = at;
    while (isOfNumber(text, from - 1)) from--;
    while (isOfNumber(text, at + 1)) at++;
    const isLong = at + 1 - from >= DECIMAL_DIGITS;
    if (isLong && !clearlyKeepsDecimal(text, from) && !keepsLongNumber(text, from)) return true;
  }
  return false;
}

/** Whether a float64 keeps the number whose digits begin there; false for an integer, and for what is no number. */
function keepsLongNumber(text: string, from: number): boolean {
  DECIMAL.lastIndex = from;
  const found = DECIMAL.exec(text);
  return found !== null && keepsDecimal(found[0]);
}

function isOfNumber(text: string, at: number): boolean {
  return isDigitOrPoint(text.charCodeAt(at));
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
