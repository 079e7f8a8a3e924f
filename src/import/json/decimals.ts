/**
 * What a float64 keeps of a decimal number.
 *
 * @module
 */

/** Fewer significant digits than this are always kept. */
export const DECIMAL_DIGITS = 16;

/** What `toPrecision` takes. A float64 that is written out whole may have 767: one of so many counts as not kept. */
const MAX_DIGITS = 100;

const ZERO = 48;
const POINT = 46;

/** Half a unit of the last digit, but for what the arithmetic rounds. */
const LIMIT = 0.4999;

/** Powers of ten, each as the nearest float64 and what it lacks, up to those that 17 digits of small numbers need. */
const POWERS = Float64Array.from({ length: 100 }, (_, i) => Number(`1e${i}`));
const LACKS = POWERS.map((power, i) => Number(10n ** BigInt(i) - BigInt(power)));

/**
 * Whether a float64 keeps a number as its text has it: with as many significant digits it is printed the same, however
 * many zeros end it. So `0.1`, `1.50`, `1e3`, and whatever was printed of a float64 (`0.10000000000000001`, with `%.17g`)
 * are kept, and `1700000000.123456789` is not.
 *
 * @param text A number of JSON.
 */
export function keepsDecimal(text: string): boolean {
  if (text.length <= DECIMAL_DIGITS && !/e/i.test(text)) return true;
  const digits = significantDigits(text);
  if (digits === "") return true;
  const number = Number(text);
  if (!Number.isFinite(number) || digits.length > MAX_DIGITS) return false;
  const count = digits.length;
  const printed = (count: number) => significantDigits(number.toPrecision(count));
  if (printed(count) === digits) return true;
  // Halfway between two texts C and Python print the even one, and `toPrecision` the larger.
  const half = digits + "5";
  return count < MAX_DIGITS && printed(count + 1) === half && printed(MAX_DIGITS) === half;
}

/** The digits from the first to the last that is no zero. */
function significantDigits(text: string): string {
  const digits = text.replace(/[eE].*/, "").replace(/[-.]/g, "").replace(/^0+/, "");
  // A pattern would try every run of zeros as the last.
  let end = digits.length;
  while (end > 0 && digits.charCodeAt(end - 1) === ZERO) end--;
  return digits.slice(0, end);
}

/**
 * The same where it can be told without making a text of a float64, which takes far longer. False where it cannot.
 *
 * The number is D / 10^k, of two integers. It is kept where some float64 w has |w 10^k - D| < 1/2, since the nearest one
 * lies no farther off. The product of two float64 is exact as the sum of two (Dekker 1971).
 *
 * @param from Where its digits begin.
 */
export function clearlyKeepsDecimal(text: string, from: number): boolean {
  // D is `high` and then the digits of `low`.
  let high = 0;
  let highDigits = 0;
  let low = 0;
  let lowDigits = 0;
  let point = -1;
  let at = from;
  let unit = text.charCodeAt(at);
  for (; isDigitOrPoint(unit); unit = text.charCodeAt(++at)) {
    if (unit === POINT) {
      if (point >= 0) return false;
      point = at;
    } else if (highDigits < 10) {
      high = high * 10 + unit - ZERO;
      if (high > 0) highDigits++;
    } else if (lowDigits < 8) {
      low = low * 10 + unit - ZERO;
      lowDigits++;
    } else return false;
  }
  if (point < 0) return false;
  const power = at - point - 1 - ((unit | 0x20) === 0x65 /* e */ ? exponentAt(text, at + 1) : 0);
  if (!(power >= 0 && power < POWERS.length)) return false;
  const top = high * POWERS[lowDigits];
  const near = (top + low) / POWERS[power];
  const off = distance(near, power, top, low);
  // One step of Newton's finds the nearest float64 where that was not it.
  return Math.abs(off) < LIMIT || Math.abs(distance(near - off / POWERS[power], power, top, low)) < LIMIT;
}

/** An exponent of up to three digits as a number, else NaN. */
function exponentAt(text: string, at: number): number {
  const sign = text[at] === "-" ? -1 : 1;
  if (sign < 0 || text[at] === "+") at++;
  let exponent = NaN;
  for (let i = 0; i < 4; i++) {
    const digit = text.charCodeAt(at + i) - ZERO;
    if (!(digit >= 0 && digit <= 9)) return sign * exponent;
    exponent = i === 0 ? digit : exponent * 10 + digit;
  }
  return NaN;
}

/** w 10^k - D, where that is small. */
function distance(w: number, power: number, top: number, low: number): number {
  const scale = POWERS[power];
  const product = w * scale;
  const a = upperHalf(w);
  const b = upperHalf(scale);
  const error = (w - a) * (scale - b) - (((product - a * b) - (w - a) * b) - a * (scale - b));
  return product - top - low + (error + w * LACKS[power]);
}

/** The upper 26 bits of a float64 (Veltkamp's split). */
function upperHalf(value: number): number {
  const c = 134217729 * value;
  return c - (c - value);
}

/** Whether a unit of text is one of `0123456789.`. */
export function isDigitOrPoint(unit: number): boolean {
  return unit >= ZERO && unit <= 57 || unit === POINT;
}
