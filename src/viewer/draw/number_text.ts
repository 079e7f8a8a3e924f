/** Numbers as they are shown. */

/** A number in few characters: six significant digits at most, an exponent where it is very large or small. */
export function numberText(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e9) return minus(String(value));
  if (size >= 1e7 || size < 1e-4) return minus(value.toExponential(3).replace("e+", "e"));
  return minus(String(Number(value.toPrecision(6))));
}

function minus(text: string): string {
  return text.replace(/-/g, "−");
}

/** A count with spaces between thousands. */
export function countText(count: number): string {
  return Math.round(count).toString().replace(/\B(?=(\d{3})+$)/g, "\u202f");
}

/** A size in bytes. */
export function bytesText(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (bytes >= 1024 && unit < units.length - 1) {
    bytes /= 1024;
    unit++;
  }
  return `${bytes < 10 && unit > 0 ? bytes.toFixed(1) : Math.round(bytes)} ${units[unit]}`;
}

/** Rows a second. */
export function rateText(hz: number): string {
  if (!Number.isFinite(hz) || hz <= 0) return "";
  return `${hz >= 100 ? Math.round(hz) : Number(hz.toPrecision(2))} Hz`;
}
