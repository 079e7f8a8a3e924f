import { describe, expect, it } from "vitest";
import { halfToNumber, numberToHalf } from "../../src/arrow/half.ts";
import { nearestHalfBits } from "../support/random_tables.ts";

/** Newer runtimes have half floats of their own. */
const native = DataView.prototype as unknown as {
  getFloat16?(this: DataView, at: number): number;
  setFloat16?(this: DataView, at: number, value: number): void;
};
const view = new DataView(new ArrayBuffer(8));
const without = native.setFloat16 ? "" : " (this runtime has none)";

/** Seeded by its argument; the same numbers at every run. */
function randomBits(seed: number): () => number {
  return () => {
    seed = Math.imul(seed ^ (seed >>> 15), 0x2c1b3c6d) + 0x9e3779b9 | 0;
    return (seed ^ (seed >>> 13)) >>> 0;
  };
}

/** Numbers that lie on, between, and just beside all half floats, and random ones of all sizes. */
function* numbers(): Generator<number> {
  const step = (value: number, by: bigint) => {
    view.setFloat64(0, value);
    view.setBigInt64(0, view.getBigInt64(0) + by);
    return view.getFloat64(0);
  };
  for (let bits = 0; bits < 0x7c00; bits++) {
    const half = halfToNumber(bits);
    const next = bits + 1 === 0x7c00 ? 65536 : halfToNumber(bits + 1);
    const middle = (half + next) / 2;
    for (const value of [half, middle, step(middle, 1n), step(middle, -1n), step(next, -1n)]) {
      yield* [value, -value];
    }
  }
  const random = randomBits(7);
  for (let i = 0; i < 100_000; i++) {
    view.setUint32(0, random());
    view.setUint32(4, random());
    yield view.getFloat64(0);
    // Most doubles are far outside of what half floats hold: these are not.
    yield (random() / 2 ** 31 - 1) * 2 ** ((random() % 44) - 27);
  }
  yield* [0, -0, Infinity, -Infinity, NaN, Number.MIN_VALUE, -Number.MIN_VALUE, Number.MAX_VALUE];
}

describe("halfToNumber", () => {
  it("reads all 65,536 patterns by the definition of binary16", () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
      const wanted = exponent === 31
        ? fraction === 0 ? sign * Infinity : NaN
        : sign * (exponent === 0 ? fraction / 2 ** 24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
      if (!Object.is(halfToNumber(bits), wanted)) expect([bits, halfToNumber(bits)]).toEqual([bits, wanted]);
    }
    expect([0x3c00, 0xc000, 0x7bff, 0x0001, 0x8000].map(halfToNumber)).toEqual([1, -2, 65504, 2 ** -24, -0]);
  });

  it.skipIf(!native.getFloat16)(`reads as DataView.getFloat16 does${without}`, () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      view.setUint16(0, bits);
      const wanted = native.getFloat16!.call(view, 0);
      if (!Object.is(halfToNumber(bits), wanted)) expect([bits, halfToNumber(bits)]).toEqual([bits, wanted]);
    }
  });
});

describe("numberToHalf", () => {
  it("gives back all patterns that are numbers", () => {
    for (let bits = 0; bits < 0x10000; bits++) {
      const isNumber = (bits & 0x7fff) <= 0x7c00;
      if (numberToHalf(halfToNumber(bits)) !== (isNumber ? bits : 0x7e00)) {
        expect([bits, numberToHalf(halfToNumber(bits))]).toEqual([bits, isNumber ? bits : 0x7e00]);
      }
    }
  });

  it("rounds to the nearest, ties to even, beyond 65519 to infinity", () => {
    for (const value of numbers()) {
      const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
      const wanted = Number.isNaN(value) ? 0x7e00 : sign | nearestHalfBits(Math.abs(value));
      if (numberToHalf(value) !== wanted) expect([value, numberToHalf(value)]).toEqual([value, wanted]);
    }
    expect([65519.99, 65520, -65520, 2 ** -25, 2 ** -25 * 1.0001].map(numberToHalf))
      .toEqual([0x7bff, 0x7c00, 0xfc00, 0, 1]);
  });

  it.skipIf(!native.setFloat16)(`rounds as DataView.setFloat16 does${without}`, () => {
    const other = new DataView(new ArrayBuffer(2));
    for (const value of numbers()) {
      native.setFloat16!.call(other, 0, value);
      const wanted = Number.isNaN(value) ? 0x7e00 : other.getUint16(0);
      if (numberToHalf(value) !== wanted) expect([value, numberToHalf(value)]).toEqual([value, wanted]);
    }
  });
});
