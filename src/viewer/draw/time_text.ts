/** Times as they are shown: float64 seconds from a recording's start where they are drawn, nanoseconds where they are exact. */

/** How times are shown. */
export type TimeFormat = "relative" | "utc" | "ns";

/** A duration: `1:02:03.456`, with as many digits after the point as asked. */
export function durationText(seconds: number, digits = 3): string {
  const sign = seconds < 0 ? "−" : "";
  const scale = 10 ** digits;
  // Rounded before it is split, so that no part becomes 60.
  const units = Math.round(Math.abs(seconds) * scale);
  const whole = Math.floor(units / scale);
  const part = digits > 0 ? "." + String(units % scale).padStart(digits, "0") : "";
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (value: number) => String(value).padStart(2, "0");
  return sign + (h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`) + part;
}

/** A span of time in words: `12.5 s`, `3 min 20 s`, `850 ms`. */
export function spanText(seconds: number): string {
  const size = Math.abs(seconds);
  const sign = seconds < 0 ? "−" : "";
  const short = (value: number) => String(Number(value.toPrecision(4)));
  if (size === 0) return "0 s";
  if (size < 1e-6) return `${sign}${short(size * 1e9)} ns`;
  if (size < 1e-3) return `${sign}${short(size * 1e6)} µs`;
  if (size < 1) return `${sign}${short(size * 1e3)} ms`;
  if (size < 120) return `${sign}${short(size)} s`;
  if (size < 7200) return `${sign}${Math.floor(size / 60)} min ${Math.round(size % 60)} s`;
  if (size < 172_800) return `${sign}${Math.floor(size / 3600)} h ${Math.round(size / 60) % 60} min`;
  return `${sign}${Math.floor(size / 86_400)} d ${Math.round(size / 3600) % 24} h`;
}

/** A moment, exact: relative to a start, as UTC with all nine digits, or its number. */
export function momentText(ns: bigint, startNs: bigint, format: TimeFormat): string {
  if (format === "ns") return String(ns);
  if (format === "relative") return durationText(Number(ns - startNs) / 1e9, 3);
  const seconds = ns / 1_000_000_000n - (ns % 1_000_000_000n < 0n ? 1n : 0n);
  const date = new Date(Number(seconds) * 1000);
  if (Number.isNaN(date.getTime())) return String(ns);
  const part = String(ns - seconds * 1_000_000_000n).padStart(9, "0");
  return `${date.toISOString().slice(0, 19).replace("T", " ")}.${part.slice(0, 6)} UTC`;
}

/** What is at a position of an axis. */
export interface TimeTick {
  /** Seconds from the start. */
  readonly at: number;
  readonly text: string;
}

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];

/** Round times within a window, about as many as asked. */
export function timeTicks(from: number, to: number, count: number): TimeTick[] {
  const wanted = (to - from) / Math.max(1, count);
  if (!(wanted > 0) || !Number.isFinite(wanted)) return [];
  const step = stepOf(wanted);
  const digits = step >= 1 ? 0 : Math.min(9, Math.ceil(-Math.log10(step) - 1e-9));
  const ticks: TimeTick[] = [];
  for (let i = Math.ceil(from / step); i * step <= to && ticks.length < 1000; i++) {
    ticks.push({ at: i * step, text: durationText(i * step, digits) });
  }
  return ticks;
}

/** The least round span that is not less than what is wanted, in seconds. */
function stepOf(wanted: number): number {
  if (wanted >= 1) {
    return STEPS.find((step) => step >= wanted) ?? Math.ceil(wanted / 86_400) * 86_400;
  }
  const power = 10 ** Math.floor(Math.log10(wanted));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= wanted * (1 - 1e-9))!;
}
