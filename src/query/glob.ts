/**
 * Patterns that a whole text must match: `*` any characters, `?` one, `#` a digit, `[a-c]` one of these, `[!a-c]` one
 * that is none of these. All else stands for itself.
 *
 * @module
 */
import { SmaltiError } from "../error.ts";
import { quoted } from "../util/excerpt.ts";

/** Whether one character fits. */
type Fits = (character: string) => boolean;

/** One step of a pattern: a character that fits, or any number of any. */
type Step = Fits | "any";

/** Characters of a pattern at most: to match takes time that grows with them, for every character of a text. */
const MOST_CHARACTERS = 1024;

/** The test of a pattern. INVALID_ARGUMENT where a `[` is not closed or holds nothing, or beyond 1024 characters. */
export function globTest(pattern: string): (text: string) => boolean {
  if (pattern.length > MOST_CHARACTERS) {
    throw new SmaltiError(
      "INVALID_ARGUMENT",
      `Pattern ${quoted(pattern)} has ${pattern.length} characters: wanted at most ${MOST_CHARACTERS}`,
    );
  }
  const steps = parse([...pattern], pattern);
  return (text) => matches(steps, [...text]);
}

function parse(pattern: readonly string[], whole: string): Step[] {
  const steps: Step[] = [];
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at];
    if (character === "*") {
      if (steps.at(-1) !== "any") steps.push("any");
    } else if (character === "?") steps.push(() => true);
    else if (character === "#") steps.push((other) => other >= "0" && other <= "9");
    else if (character === "[") {
      const end = pattern.indexOf("]", at + 2);
      if (end < 0) {
        throw new SmaltiError(
          "INVALID_ARGUMENT",
          `Pattern ${quoted(whole)} has a "[" at ${at} without characters and a "]": wanted "[abc]"`,
        );
      }
      steps.push(oneOf(pattern.slice(at + 1, end)));
      at = end;
    } else steps.push((other) => other === character);
  }
  return steps;
}

function oneOf(set: readonly string[]): Fits {
  const isNot = set.length > 1 && (set[0] === "!" || set[0] === "^");
  const ranges: [string, string][] = [];
  for (let at = isNot ? 1 : 0; at < set.length; at++) {
    const isRange = set[at + 1] === "-" && at + 2 < set.length;
    ranges.push([set[at], isRange ? set[at + 2] : set[at]]);
    if (isRange) at += 2;
  }
  return (character) => ranges.some(([from, to]) => character >= from && character <= to) !== isNot;
}

/** Goes back to the last `*` alone: what stood before it stays as it is. So the time is bounded, as a RegExp's is not. */
function matches(steps: readonly Step[], text: readonly string[]): boolean {
  let [step, at] = [0, 0];
  let [starStep, starAt] = [-1, 0];
  while (at < text.length) {
    const wanted = steps[step];
    if (wanted === "any") {
      [starStep, starAt] = [step++, at];
    } else if (wanted?.(text[at])) {
      step++;
      at++;
    } else if (starStep >= 0) {
      step = starStep + 1;
      at = ++starAt;
    } else return false;
  }
  while (steps[step] === "any") step++;
  return step === steps.length;
}
