/**
 * What came of a plot's lines: what is drawn of it, and what is told in words and numbers.
 *
 * @module
 */
import { lastAtOrBefore, type LineData } from "../draw/align.ts";
import { numberText } from "../draw/number_text.ts";
import { spanText } from "../draw/time_text.ts";
import type { Clock } from "../time/clock.ts";
import { dataOf, extremes, secondsLater, type ShownLine } from "./plot_lines.ts";

/** What a line has to be drawn; undefined where nothing has come. */
export function shownData({ answer, recording }: ShownLine): LineData | undefined {
  return answer && answer.shape !== "error" ? dataOf(answer, secondsLater(recording)) : undefined;
}

/** Stretches of a line that could not be read, in seconds of the clock. */
export function shownGaps({ answer, recording }: ShownLine): { from: number; to: number }[] {
  const shift = secondsLater(recording);
  const gaps = answer && answer.shape !== "error" ? answer.gaps : [];
  return gaps.map(({ from, to }) => ({ from: from + shift, to: to + shift }));
}

/** The values of a line at a moment: one, or a bucket's two. */
export function valueAt(shown: ShownLine, seconds: number): string {
  const data = shownData(shown);
  if (!data) return "";
  const at = lastAtOrBefore(data.x, seconds + (data.low ? stepOf(shown) / 2 : 0));
  if (at < 0) return "";
  const high = numberText(data.high[at]);
  if (!data.low || data.low[at] === data.high[at]) return high;
  return `${numberText(data.low[at])} … ${high}`;
}

/** All of it, for who does not see it. */
export function plotText(lines: readonly ShownLine[], { window: { from, to }, cursor }: Clock): string {
  const texts = lines.map((shown) => {
    const data = shownData(shown);
    if (!data) return `${shown.line.text}: no values`;
    const [low, high] = extremes(data, from, to);
    const now = valueAt(shown, cursor);
    return `${shown.line.text}: ${numberText(low)} to ${numberText(high)}, at the cursor ${now || "none"}`;
  });
  return `Plot of ${spanText(to - from)}. ${texts.join(". ")}`;
}

function stepOf({ answer }: ShownLine): number {
  return answer?.shape === "buckets" ? answer.step : 0;
}
