import { MAX_PART, MAX_TOPIC, newTopicName } from "../names.ts";

/** What a name that cannot begin as it does gets in front, and what stands for an empty one. */
const PREFIX = "topic";

/**
 * Gives topics of another system names that follow smalti's rule, each once.
 *
 * A name that follows the rule stays (a leading `/` is dropped, as everywhere). In others every character outside the
 * rule becomes `_`, `//` becomes `/`, a `/` at the end goes, and what begins with neither letter nor digit gets
 * `topic` in front. What is longer than allowed is cut, each part and the whole. A name that is taken gets `_2`, `_3` and so
 * on, within the same bounds.
 */
export class TopicNames {
  /** Every name given, with the number to try next where it is wanted again. */
  readonly #taken = new Map<string, number>();

  /** A name for a topic, not given before. */
  claim(original: string): string {
    const bare = escapeTopicName(original);
    let name = bare;
    let number = this.#taken.get(bare) ?? 1;
    while (this.#taken.has(name)) name = numbered(bare, ++number);
    this.#taken.set(bare, number);
    if (name !== bare) this.#taken.set(name, 1);
    return name;
  }
}

/** The name that {@linkcode TopicNames} gives when it is free. */
export function escapeTopicName(original: string): string {
  const bare = original
    .replace(/[^A-Za-z0-9_/-]/gu, "_")
    .replace(/\/{2,}/g, "/")
    .replace(/^\/|\/$/g, "");
  const named = /^[A-Za-z0-9]/.test(bare) ? bare : PREFIX + bare;
  const parts = named.split("/").map((part) => part.slice(0, MAX_PART));
  return newTopicName(cut(parts.join("/"), MAX_TOPIC));
}

/** A name with a number at its end, for which the last part makes room. */
function numbered(name: string, number: number): string {
  const end = `_${number}`;
  const start = cut(name, MAX_TOPIC - end.length);
  const last = start.lastIndexOf("/") + 1;
  return start.slice(0, last + MAX_PART - end.length) + end;
}

function cut(name: string, length: number): string {
  return name.slice(0, length).replace(/\/$/, "");
}
