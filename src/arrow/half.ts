/**
 * Half precision floats (IEEE 754 binary16) for runtimes without Float16Array.
 *
 * @module
 */
const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** The number that 16 bits stand for. */
export function halfToNumber(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The 16 bits nearest to a number, ties to even; beyond 65519 infinity. */
export function numberToHalf(value: number): number {
  float[0] = value;
  const sign = (bits[0] >>> 16) & 0x8000;
  if (value !== value) return 0x7e00;
  const size = Math.abs(value);
  if (size >= 65520) return sign | 0x7c00;
  // Scaled so that one unit is the distance between neighbours, a float64 rounds exactly.
  const exponent = size < 2 ** -14 ? -14 : Math.floor(Math.log2(size));
  const units = roundEven(size * 2 ** (10 - exponent));
  const subnormal = size < 2 ** -14;
  return sign | (subnormal ? units : ((exponent + 15) << 10) + (units - 1024));
}

function roundEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}
