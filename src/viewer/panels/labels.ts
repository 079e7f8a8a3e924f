/** Short names of lines: what they have in common is said once, in the panel's title. */
import { formatReference } from "../data/expression/reference.ts";
import type { TopicSummary } from "../data/protocol.ts";

/** Names of lines, in their order, and what they share. */
export interface LineLabels {
  readonly labels: readonly string[];
  /** The topics that occur, in the order in which they do. */
  readonly topics: readonly string[];
}

/** Shortens texts of lines: without their topic where it is the same for all, and with lists of elements as the list. */
export function lineLabels(texts: readonly string[], topics: readonly TopicSummary[]): LineLabels {
  const found: string[] = [];
  const known = topics.map(({ name }) => ({ name, prefix: prefixOf(name) }))
    // Longer ones first: `imu` is the beginning of `imu_raw`, but not of what is in backquotes.
    .sort((a, b) => b.prefix.length - a.prefix.length);
  const parts = texts.map((text) => {
    const own = known.filter(({ prefix }) => hasWord(text, prefix));
    for (const { name } of own) if (!found.includes(name)) found.push(name);
    return { text, own };
  });
  const labels = parts.map(({ text, own }) => {
    let short = text;
    for (const { name, prefix } of own) {
      short = replaceWord(short, prefix, found.length > 1 ? `${name} ` : "");
    }
    // roll(q[0], q[1], q[2], q[3]) is roll(q).
    return short.replace(/([\w.]+)\[\d+\](?:, \1\[\d+\])+/g, "$1").replaceAll("`", "");
  });
  return { labels, topics: found };
}

/** What references of a topic begin with, the dot included. */
function prefixOf(topic: string): string {
  return formatReference(topic, "x").slice(0, -1);
}

function hasWord(text: string, prefix: string): boolean {
  return replaceWord(text, prefix, "\0") !== text;
}

/** Only where no longer name ends with it. */
function replaceWord(text: string, prefix: string, by: string): string {
  const pieces = text.split(prefix);
  let joined = pieces[0];
  for (const piece of pieces.slice(1)) joined += (/[\w.`]$/.test(joined) ? prefix : by) + piece;
  return joined;
}
