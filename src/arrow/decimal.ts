/**
 * Decimals: integers of a fixed width that stand for themselves divided by 10 to the power of the column's scale. In a buffer
 * they are little-endian, in two's complement; as text they have as many digits after the point as the scale says.
 *
 * @module
 */
import type { DataType } from "../schema.ts";

/** The type of a decimal column. */
export type DecimalType = Extract<DataType, { kind: "decimal" }>;

/** The unscaled integer at a place. */
export function readUnscaled(view: DataView, at: number, bits: DecimalType["bits"]): bigint {
  if (bits === 32) return BigInt(view.getInt32(at, true));
  const last = at + bits / 8 - 8;
  let value = view.getBigInt64(last, true);
  for (let word = last - 8; word >= at; word -= 8) value = (value << 64n) | view.getBigUint64(word, true);
  return value;
}

/** Writes the unscaled integer at a place. It must fit. */
export function writeUnscaled(view: DataView, at: number, bits: DecimalType["bits"], value: bigint): void {
  if (bits === 32) return view.setInt32(at, Number(value), true);
  for (let word = at; word < at + bits / 8; word += 8) {
    view.setBigInt64(word, BigInt.asIntN(64, value), true);
    value >>= 64n;
  }
}

/** `12345n` at scale 2 is `123.45`, at scale -2 `1234500`. */
export function decimalText(unscaled: bigint, scale: number): string {
  if (scale === 0) return unscaled.toString();
  if (scale < 0) return unscaled === 0n ? "0" : unscaled.toString() + "0".repeat(-scale);
  const sign = unscaled < 0n ? "-" : "";
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, "0");
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

const DECIMAL = /^([+-]?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/;
/** More digits than any decimal has, leading and trailing zeros included: a text must not cost more than it can say. */
const MAX_DIGITS = 1024;

/**
 * A value as an integer times a power of ten, which is as small as can be; undefined where it is none. Texts may have an
 * exponent. A number is what its shortest text says, so 0.1 is one tenth, and an integer only while it is safe.
 */
export function parseDecimal(value: unknown): { unscaled: bigint; scale: number } | undefined {
  if (typeof value === "bigint") return { unscaled: value, scale: 0 };
  if (typeof value === "number") {
    if (Number.isInteger(value) && !Number.isSafeInteger(value)) return undefined;
    value = String(value);
  }
  const found = typeof value === "string" && value.length <= MAX_DIGITS ? DECIMAL.exec(value) : null;
  if (!found) return undefined;
  const [, sign, whole, fraction = "", exponent = "0"] = found;
  const digits = whole + fraction;
  const kept = digits.replace(/0+$/, "");
  const unscaled = BigInt(kept === "" ? "0" : kept);
  if (unscaled === 0n) return { unscaled, scale: 0 };
  const scale = fraction.length - Number(exponent) - (digits.length - kept.length);
  return { unscaled: sign === "-" ? -unscaled : unscaled, scale };
}

/** The unscaled integer of a value in a column; undefined where the value is none, or does not fit exactly. */
export function unscaledOf(value: unknown, { precision, scale }: DecimalType): bigint | undefined {
  const parsed = parseDecimal(value);
  if (!parsed) return undefined;
  const shift = scale - parsed.scale;
  if (parsed.unscaled === 0n) return 0n;
  if (shift > precision) return undefined;
  if (shift < 0) {
    const divisor = 10n ** BigInt(-shift);
    // Only a bigint can have zeros at its end.
    if (parsed.unscaled % divisor !== 0n) return undefined;
    return inRange(parsed.unscaled / divisor, precision);
  }
  return inRange(parsed.unscaled * 10n ** BigInt(shift), precision);
}

function inRange(unscaled: bigint, precision: number): bigint | undefined {
  const limit = 10n ** BigInt(precision);
  return unscaled < limit && unscaled > -limit ? unscaled : undefined;
}

/** A decimal as queries compare it. */
export class Decimal {
  readonly #unscaled: bigint;
  readonly #scale: number;

  constructor(unscaled: bigint, scale: number) {
    this.#unscaled = unscaled;
    this.#scale = scale;
  }

  /**
   * Less than 0, 0 or more, as subtracting would tell, exactly; NaN where there is no order. A number is what its shortest
   * text says, as it is to `push`; beyond 2^53 the integer that it is.
   */
  compareTo(operand: number | bigint): number {
    if (operand === Infinity || operand === -Infinity) return -Math.sign(operand);
    const isLarge = Number.isInteger(operand) && !Number.isSafeInteger(operand);
    const other = parseDecimal(isLarge ? BigInt(operand) : operand);
    if (!other) return NaN;
    const common = Math.max(this.#scale, other.scale);
    const [a, b] = [
      this.#unscaled * 10n ** BigInt(common - this.#scale),
      other.unscaled * 10n ** BigInt(common - other.scale),
    ];
    return a < b ? -1 : a > b ? 1 : 0;
  }
}
