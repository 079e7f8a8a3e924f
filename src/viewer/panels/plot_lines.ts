/**
 * Lines of a plot and what came of them: what is told of them, and which axis suits one.
 *
 * @module
 */
import type { PanelOptions } from "../app/layout.ts";
import { formatReference } from "../data/expression/reference.ts";
import type { SeriesAnswer, TopicSummary } from "../data/protocol.ts";
import { type LineData, withBreaks } from "../draw/align.ts";
import type { ShownRecording } from "./panel.ts";

/** A line as the options of a plot have it. */
export type Line = PanelOptions["plot"]["lines"][number];

/** A line of one of the recordings, and what came of it. */
export interface ShownLine {
  readonly line: Line;
  /** Which of the options' lines. */
  readonly index: number;
  readonly recording: ShownRecording;
  readonly isSecond: boolean;
  answer?: SeriesAnswer;
}

/** What tells whether lines go together on an axis; NaN where nothing is known. */
export interface LineFacts {
  /** The field, whatever the topic, among topics of one ontology: such are there to be compared. */
  readonly kin?: string | undefined;
  readonly unit?: string | undefined;
  readonly low: number;
  readonly high: number;
}

/** How many times larger than another line of its axis one may be, so that both are seen to move. */
const MOST_TIMES = 50;

/** The axis that suits a line, beside the lines that are on the left one and on the right one; undefined where none does. */
export function axisFor(
  line: LineFacts,
  [left, right]: readonly [readonly LineFacts[], readonly LineFacts[]],
): 0 | 1 | undefined {
  const hasKin = (lines: readonly LineFacts[]) =>
    line.kin !== undefined && lines.some(({ kin }) => kin === line.kin);
  if (hasKin(left)) return 0;
  if (hasKin(right)) return 1;
  const fits = (lines: readonly LineFacts[]) => lines.every((other) => areAlike(line, other));
  if (fits(left)) return 0;
  return fits(right) ? 1 : undefined;
}

function areAlike(a: LineFacts, b: LineFacts): boolean {
  if (a.unit && b.unit && a.unit !== b.unit) return false;
  const [sizeA, sizeB] = [a, b].map(({ low, high }) => Math.max(Math.abs(low), Math.abs(high)));
  // Of nothing but zeros, or nothing at all, no axis is too large.
  if (!(sizeA > 0 && sizeB > 0)) return true;
  return sizeA <= sizeB * MOST_TIMES && sizeB <= sizeA * MOST_TIMES;
}

/** What is known of a line within a window, in seconds. */
export function factsOf(answer: SeriesAnswer | undefined, from: number, to: number): LineFacts {
  if (!answer || answer.shape === "error") return { low: NaN, high: NaN };
  const [low, high] = extremes(dataOf(answer, 0), from, to);
  return { unit: answer.unit, low, high };
}

/** What is drawn of an answer, later by some seconds. */
export function dataOf(answer: Exclude<SeriesAnswer, { shape: "error" }>, shift: number): LineData {
  const line = answer.shape === "points"
    ? { x: answer.x, high: answer.y }
    : { x: answer.x, high: answer.max, low: answer.min };
  const broken = withBreaks(line, answer.gaps);
  return shift === 0 ? broken : { ...broken, x: broken.x.map((seconds) => seconds + shift) };
}

/** The smallest and largest value within a window; NaN where there is none. */
export function extremes({ x, high, low = high }: LineData, from: number, to: number): [number, number] {
  let [least, most] = [Infinity, -Infinity];
  for (let i = 0; i < x.length; i++) {
    if (x[i] < from || x[i] > to) continue;
    if (low[i] < least) least = low[i];
    if (high[i] > most) most = high[i];
  }
  return least <= most ? [least, most] : [NaN, NaN];
}

/** What tells a line from the others, whatever its place. */
export function keyOf({ line, isSecond, recording }: ShownLine): string {
  return `${isSecond} ${recording.info.url} ${recording.info.name} ${line.text}`;
}

/** The unit that all lines of an axis have; nothing where they differ. */
export function unitOf(shown: readonly ShownLine[]): string {
  const units = shown.flatMap(({ answer }) => answer && answer.shape !== "error" ? [answer.unit ?? ""] : []);
  return units.length > 0 && units.every((unit) => unit === units[0]) ? units[0] : "";
}

/** What a plot is drawn from. */
export function levelText(shown: readonly ShownLine[]): string {
  const answers = shown.flatMap(({ answer }) => answer && answer.shape !== "error" ? [answer] : []);
  if (answers.length === 0) return "";
  // While something better is on its way, that is said too.
  const more = answers.every(({ isFinal }) => isFinal) ? "" : " …";
  if (answers.every(({ shape }) => shape === "points")) return `rows${more}`;
  const areExact = answers.every(({ level, isExact }) => level === "rows" || isExact);
  return (areExact ? "min/max" : "min/max, from bounds") + more;
}

/** Why stretches of a window could not be read; nothing where all of it was. */
export function gapsText(shown: readonly ShownLine[], from: number, to: number): string {
  const messages = shown.flatMap(({ answer, recording }) => {
    if (!answer || answer.shape === "error") return [];
    const shift = secondsLater(recording);
    return answer.gaps.filter((gap) => gap.from + shift <= to && gap.to + shift >= from)
      .map(({ message }) => message);
  });
  const [first, ...others] = new Set(messages);
  if (first === undefined) return "";
  return others.length === 0 ? first : `${first} (and ${others.length} more)`;
}

/** What a line has in common with those of the same field of other topics; undefined where it is no field alone. */
export function kinOf(text: string, topics: readonly TopicSummary[]): string | undefined {
  for (const { name, ontologyTag } of topics) {
    const prefix = formatReference(name, "x").slice(0, -1);
    if (text.startsWith(prefix)) return `${ontologyTag || name}.${text.slice(prefix.length)}`;
  }
  return undefined;
}

/** By how many seconds a recording is shown later. */
export function secondsLater({ shiftNs }: ShownRecording): number {
  return Number(shiftNs) / 1e9;
}
