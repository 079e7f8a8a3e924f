import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clearlyKeepsDecimal, keepsDecimal } from "../../src/import/json/decimals.ts";

const KEPT = [
  "0",
  "-0.0",
  "0.1",
  "1.50",
  "1e3",
  "0.10000000000000001",
  "0.1000000000000000055511151231257827",
  "0.1000000000000000000000000000000000",
  "1234567890123456.5",
  "1700000000.123456",
  "1700000000.1234567",
  "-1.7976931348623157e308",
  "2.2250738585072014e-308",
  "5e-324",
  "4.9406564584124654e-324",
  "123456789012345.500000",
  "45.00000000000000000000",
  // 2^49 + 1/8 and 3/8, as C prints them with 17 digits.
  "562949953421312.12",
  "562949953421312.38",
];
const LOST = [
  "1700000000.123456789",
  "1700000000.1234568",
  "0.1234567890123456789",
  "1.0000000000000000001",
  "9007199254740993.5",
  "8.123456789012347",
  "1234567890123456789e-9",
  "3e-324",
  "1e-400",
  "1e400",
  `0.${"1".repeat(101)}`,
];

describe("keepsDecimal", () => {
  it.each(KEPT)("keeps %s", (text) => expect(keepsDecimal(text)).toBe(true));
  it.each(LOST)("does not keep %s", (text) => expect(keepsDecimal(text)).toBe(false));

  // The square of this length would take hours.
  it("looks at a number of a million digits once", () => {
    expect(keepsDecimal(`1${"0".repeat(1_000_000)}1`)).toBe(false);
  });

  it("keeps whatever was printed of a float64", () => {
    const float = fc.double({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(float, fc.integer({ min: 17, max: 100 }), (value, digits) => {
        expect(keepsDecimal(JSON.stringify(value))).toBe(true);
        expect(keepsDecimal(value.toPrecision(digits))).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it("keeps a decimal exactly where the nearest float64 has its digits", () => {
    // By integers alone: which of the integers next to w 10^k is nearest, as the digits are.
    fc.assert(
      fc.property(
        fc.bigInt({ min: 10n ** 15n, max: 10n ** 19n }),
        fc.integer({ min: 1, max: 30 }),
        (digits, power) => {
          // Zeros at the end are no digits.
          if (digits % 10n === 0n) digits++;
          const text = `${digits}e-${power}`;
          const [numerator, denominator] = fraction(Number(text));
          const off = 2n * (numerator * 10n ** BigInt(power) - digits * denominator);
          expect(keepsDecimal(text)).toBe(off <= denominator && off >= -denominator);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe("clearlyKeepsDecimal", () => {
  const decimal = fc.oneof(
    fc.tuple(fc.bigInt({ min: 0n, max: 10n ** 19n }), fc.nat(25), fc.integer({ min: -120, max: 40 })).map(
      ([digits, point, exponent]) => {
        const text = String(digits).padStart(point + 1, "0");
        const at = text.length - point;
        return `${text.slice(0, at)}.${text.slice(at) || "0"}${exponent > 0 ? "" : `e${exponent}`}`;
      },
    ),
    fc.double({ noNaN: true, noDefaultInfinity: true, min: 0 }).map((value) => value.toPrecision(17)),
    fc.double({ noNaN: true, noDefaultInfinity: true, min: 0 }).map(String),
  );

  it("says nothing else than keepsDecimal", () => {
    fc.assert(
      fc.property(decimal, fc.constantFrom("", ",", " ", "]"), (text, after) => {
        if (clearlyKeepsDecimal(`[${text}${after}`, 1)) {
          expect([text, keepsDecimal(text)]).toEqual([text, true]);
        }
      }),
      { numRuns: 20_000 },
    );
  });

  it("tells of nearly all that JSON.stringify and %.17g print of a float64", () => {
    const mantissa = fc.bigInt({ min: 2n ** 52n, max: 2n ** 53n - 1n });
    const values = fc.tuple(mantissa, fc.integer({ min: 56, max: 250 }))
      .map(([bits, power]) => Number(bits) / 2 ** power);
    const texts = fc.sample(values, 10_000).flatMap((value) => [value.toPrecision(17), String(value)])
      .filter((text) => text.includes("."));
    const missed = texts.filter((text) => !clearlyKeepsDecimal(text, 0));
    expect(missed.length / texts.length).toBeLessThan(0.01);
  });
});

/** A float64 as a fraction of integers. */
function fraction(value: number): [bigint, bigint] {
  let denominator = 1n;
  while (!Number.isInteger(value)) {
    value *= 2;
    denominator *= 2n;
  }
  return [BigInt(value), denominator];
}
