/**
 * JSON text -> values, with no number changed on the way.
 *
 * @module
 */
import { parse } from "lossless-json";

/** What stands for a number that is neither a float64 nor an integer that one can write down: `1e400`, `1e-400`. */
export const INEXACT: unique symbol = Symbol("inexact number");

/** Finds exponents of 3 digits or more. Finding one in a string only costs time. */
const LARGE_EXPONENT = /\d[eE][+-]?\d{3}/;

/** Fewer digits than this are exact in a float64. */
const DIGITS = 16;

/** A key `__proto__`, whichever of its letters are escaped. */
const PROTO_KEY =
  /(?<!\\)"(?:_|\\u005f){2}(?:p|\\u0070)(?:r|\\u0072)(?:o|\\u006f)(?:t|\\u0074)(?:o|\\u006f)(?:_|\\u005f){2}"\s*:/i;

/** More digits than a float64 has; a bigint of millions of them takes minutes to make. */
const MAX_DIGITS = 400;

/**
 * Parses JSON: as JSON.parse does, but an integer beyond 2^53 comes as bigint, and a number that a float64 would turn
 * into infinity or zero as {@linkcode INEXACT}. Of equal keys the last wins.
 *
 * Throws SyntaxError where the text is no JSON, and RangeError where it is nested too deeply for the stack.
 */
export function parseJson(text: string): unknown {
  if (!hasLongInteger(text) && !LARGE_EXPONENT.test(text)) {
    return JSON.parse(text);
  }
  // lossless-json assigns keys, and this would be none then. No column holds it: exact numbers matter no more.
  if (PROTO_KEY.test(text)) {
    return JSON.parse(text, (_, item) => isSafe(item) ? item : INEXACT);
  }
  return parse(text, undefined, {
    parseNumber,
    onDuplicateKey: ({ newValue }) => newValue,
  });
}

/** Finds {@linkcode DIGITS} digits in a row that are not a fraction's. Within a string they only cost time. */
function hasLongInteger(text: string): boolean {
  // Such a row cannot hide between two places that are so far apart.
  for (let at = DIGITS - 1; at < text.length; at += DIGITS) {
    if (!isDigit(text, at)) continue;
    let from = at;
    while (isDigit(text, from - 1)) from--;
    while (isDigit(text, at + 1)) at++;
    if (at + 1 - from >= DIGITS && text.charCodeAt(from - 1) !== 46 /* . */) {
      return true;
    }
  }
  return false;
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
