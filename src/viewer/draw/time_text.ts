/** Times along axes, and spans in words. Exact moments are time/time_text.ts. */
import { formatSpan } from "../time/time_text.ts";

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
    ticks.push({ at: i * step, text: formatSpan(BigInt(Math.round(i * step * 1e9)), digits) });
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
