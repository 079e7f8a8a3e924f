import { topicName } from "../names.ts";

/** What a name that cannot begin as it does gets in front, and what stands for an empty one. */
const PREFIX = "topic";

/**
 * Gives topics of another system names that follow smalti's rule, each once.
 *
 * A name that follows the rule stays (a leading `/` is dropped, as everywhere). In others every character outside the
 * rule becomes `_`, `//` becomes `/`, a `/` at the end goes, and what begins with neither letter nor digit gets
 * `topic` in front. A name that is taken gets `_2`, `_3` and so on.
 */
export class TopicNames {
  /** Every name given, with the number to try next where it is wanted again. */
  readonly #taken = new Map<string, number>();

  /** A name for a topic, not given before. */
  claim(original: string): string {
    const bare = escapeTopicName(original);
    let name = bare;
    let number = this.#taken.get(bare) ?? 1;
    while (this.#taken.has(name)) name = `${bare}_${++number}`;
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
  return topicName(/^[A-Za-z0-9]/.test(bare) ? bare : PREFIX + bare);
}
