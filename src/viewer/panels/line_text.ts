/** Texts of lines as people type them: short names, which the panels' own names make whole. */
import { formatReference } from "../data/expression/reference.ts";
import type { TopicSummary } from "../data/protocol.ts";
import { numbersOf } from "./fields.ts";

/** A name that is no part of a longer one, and no function's. */
const NAME = /(?<![\w.`\]"'])[A-Za-z_]\w*(?:\[\d+\])*(?:\.[A-Za-z_]\w*(?:\[\d+\])*)*(?![\w.[]|\s*\()/g;

/** Names of a topic's fields, made whole: `hypot(vx, vy)` is `hypot(position.vx, position.vy)`. */
export function withTopic(text: string, topic: TopicSummary): string {
  const paths = new Set(numbersOf(topic).map(({ path }) => path));
  return text.replace(NAME, (name) =>
    // `t` is the time in all expressions.
    name !== "t" && (paths.has(name) || paths.has(`${name}[0]`)) ? formatReference(topic.name, name) : name);
}

/** Names of lines, without their units, as what they are: `roll > 20` where a plot has a line `roll (deg)`. */
export function withLines(
  text: string,
  lines: readonly { readonly text: string; readonly label?: string }[],
): string {
  const known = new Map(
    lines.flatMap(({ text, label }) => label === undefined ? [] : [[nameOf(label), text]]),
  );
  // Longer ones first, since a name may begin another one.
  const names = [...known.keys()].sort((a, b) => b.length - a.length).map((
    name,
  ) => name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  if (names.length === 0) return text;
  const any = new RegExp(
    `(?<![\\w.\`\\]"'])(?:${names.join("|")})(?![\\w.\`[]|\\s*\\()`,
    "g",
  );
  return text.replace(any, (name) => `(${known.get(name)})`);
}

/** A condition of the first line, as an example of what may be asked. */
export function exampleCondition(
  lines: readonly { readonly text: string; readonly label?: string }[],
): string {
  const [first] = lines;
  return `${
    first ? first.label === undefined ? first.text : nameOf(first.label) : "imu.acceleration.x"
  } > 40`;
}

/** A line's name without its unit. */
function nameOf(label: string): string {
  return label.replace(/\s*\([^()]*\)\s*$/, "");
}
