/**
 * Which topics a new sequence has, and what each is made of.
 *
 * @module
 */
import { SmaltiError } from "../error.ts";
import { compareNames, newTopicName, topicName } from "../names.ts";
import type { SequenceHandler } from "../read/sequence_handler.ts";
import { didYouMean } from "../util/nearest.ts";
import { SharedTopic, type TopicOrigin } from "./shared_topic.ts";

/**
 * Opens the topics of sequences, all or those wanted, in the order of their new names: those of one name as one. So what cannot
 * be joined is known before anything is written.
 *
 * @param prefixes What the topics of each sequence are put under; an empty one leaves their names.
 */
export async function openTopics(
  handlers: readonly SequenceHandler[],
  wanted?: readonly string[],
  prefixes: readonly string[] = [],
): Promise<SharedTopic[]> {
  handlers.forEach(checkWhole);
  const under = prefixes.map((prefix) => prefix === "" ? "" : `${topicName(prefix)}/`);
  const chosen = chosenNames(handlers, wanted);
  const origins = new Map<string, TopicOrigin[]>();
  for (const [i, handler] of handlers.entries()) {
    for (const { name } of handler.topics) {
      if (!chosen.has(name)) continue;
      const made = newTopicName((under[i] ?? "") + name);
      origins.set(made, [...origins.get(made) ?? [], { handler, name }]);
    }
  }
  const topics: SharedTopic[] = [];
  for (const name of [...origins.keys()].sort(compareNames)) {
    topics.push(await SharedTopic.open(name, origins.get(name)!));
  }
  return topics;
}

function checkWhole({ name, state }: SequenceHandler): void {
  if (state !== "recording") return;
  const text = `Cannot copy from sequence "${name}": it was being recorded when it was opened`;
  throw new SmaltiError("LOCKED", text, { sequence: name });
}

/** Names of topics as the sequences have them. NOT_FOUND where none has one. */
function chosenNames(handlers: readonly SequenceHandler[], wanted?: readonly string[]): ReadonlySet<string> {
  const known = new Set(handlers.flatMap(({ topics }) => topics.map(({ name }) => name)));
  const chosen = new Set(wanted === undefined ? known : wanted.map((name) => topicName(name)));
  for (const topic of chosen) {
    if (known.has(topic)) continue;
    const places = handlers.map(({ name }) => `"${name}"`).join(", ");
    const text = `No topic "${topic}" in sequence ${places}${didYouMean(topic, [...known])}`;
    throw new SmaltiError("NOT_FOUND", text, { sequence: handlers[0].name, topic });
  }
  return chosen;
}
