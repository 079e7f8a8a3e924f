import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  Decimal,
  decimalText,
  type DecimalType,
  readUnscaled,
  unscaledOf,
  writeUnscaled,
} from "../../src/arrow/decimal.ts";
import { canonicalDecimal, DECIMALS } from "../support/random_tables.ts";

const anyDecimal = fc.constantFrom(...DECIMALS).chain((type) => {
  const most = 10n ** BigInt(type.precision) - 1n;
  return fc.record({ type: fc.constant(type), unscaled: fc.bigInt(-most, most) });
});

describe("decimals", () => {
  it("are the same bytes, integers and texts, of every width and scale", () => {
    fc.assert(
      fc.property(anyDecimal, fc.nat(3), ({ type, unscaled }, row) => {
        const view = new DataView(new ArrayBuffer(4 * 32));
        const at = row * type.bits / 8;
        writeUnscaled(view, at, type.bits, unscaled);
        expect(readUnscaled(view, at, type.bits)).toBe(unscaled);
        const text = decimalText(unscaled, type.scale);
        expect(text).toBe(canonicalDecimal(unscaled, type.scale));
        expect(unscaledOf(text, type)).toBe(unscaled);
      }),
    );
  });

  it("are little-endian in two's complement", () => {
    const bytes = new Uint8Array(16);
    writeUnscaled(new DataView(bytes.buffer), 0, 128, -2n);
    expect([...bytes]).toEqual([254, ...new Array(15).fill(255)]);
  });

  const cents: DecimalType = { kind: "decimal", bits: 32, precision: 5, scale: 2 };
  const thousands: DecimalType = { kind: "decimal", bits: 128, precision: 3, scale: -3 };

  it.each([
    ["1.5", 150n],
    ["+1.50", 150n],
    ["-0.01", -1n],
    ["1.5000", 150n],
    ["15e-1", 150n],
    ["0.0015E3", 150n],
    ["7.", 700n],
    ["00012", 1200n],
    ["0e9999", 0n],
    [12n, 1200n],
    [-999n, -99_900n],
    [0.1, 10n],
    [1e-2, 1n],
    [-3, -300n],
    ["999.99", 99_999n],
  ])("take %s as it is", (value, unscaled) => {
    expect(unscaledOf(value, cents)).toBe(unscaled);
  });

  it.each([
    ["more digits after the point", "1.505"],
    ["a number that is no hundredth", 0.1 + 0.2],
    ["too large a text", "1000"],
    ["too large a bigint", 1000n],
    ["too large an exponent", "1e9999"],
    ["too small an exponent", "1e-9999"],
    ["NaN", NaN],
    ["Infinity", Infinity],
    ["an unsafe integer", 2 ** 53],
    ["no number", "1.2.3"],
    ["no digits", "."],
    ["an empty text", ""],
    ["spaces", " 1"],
    ["hexadecimals", "0x10"],
    ["a bool", true],
    ["an endless text", "0".repeat(2000)],
  ])("refuse %s", (_, value) => {
    expect(unscaledOf(value, cents)).toBeUndefined();
  });

  it("of a negative scale are multiples of a power of ten", () => {
    expect(unscaledOf(45_000, thousands)).toBe(45n);
    expect(unscaledOf(45_000n, thousands)).toBe(45n);
    expect(unscaledOf("4.5e4", thousands)).toBe(45n);
    expect(unscaledOf(45_500n, thousands)).toBeUndefined();
    expect(decimalText(45n, -3)).toBe("45000");
    expect(decimalText(0n, -3)).toBe("0");
  });

  it("compare exactly with numbers and bigints", () => {
    const tenth = new Decimal(10n, 2);
    const signs = (operands: (number | bigint)[]) => operands.map((operand) => tenth.compareTo(operand));
    expect(signs([0.1, 0.10000000000000002, 0.09999999999999999, 1n, 0n, -1]))
      .toEqual([0, -1, 1, -1, 1, 1]);
    expect(signs([Infinity, -Infinity, NaN])).toEqual([-1, 1, NaN]);
    // 1e30 is 1000000000000000019884624838656.
    const large = new Decimal(10n ** 30n + 1n, 0);
    expect([1e30, 10n ** 30n, 10n ** 30n + 1n, 10n ** 30n + 2n].map((operand) => large.compareTo(operand)))
      .toEqual([-1, 1, 0, -1]);
  });
});
