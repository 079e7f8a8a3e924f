import type { Backend } from "../backend.ts";
import { isNotFound } from "../error.ts";
import { topicName } from "../names.ts";
import type { QueryRequest } from "../query/builders.ts";
import type { QueryHit } from "../types.ts";
import type { SequenceHandler } from "../read/sequence_handler.ts";
import { checkSplitOptions, cutSequence, type SplitOptions } from "./cut_splits.ts";
import type { Split } from "./split.ts";

/** What is needed of a client. */
interface Recordings {
  listSequences(): Promise<string[]>;
  sequenceHandler(name: string): Promise<SequenceHandler>;
  query(request: QueryRequest, options: { signal?: AbortSignal }): Promise<QueryHit[]>;
}

/** The splits of sequences, of which those that match are cut. Errors as of `client.splits`. */
export async function* splitsOf(
  client: Recordings,
  { storeUrl = "" }: Backend,
  options: SplitOptions,
): AsyncGenerator<Split, void, undefined> {
  checkSplitOptions(options);
  const { signal, query } = options;
  const hits = query &&
    new Map((await client.query(query, signal ? { signal } : {})).map((hit) => [hit.sequence, hit]));
  const names = options.sequences ?? (hits ? [...hits.keys()] : await client.listSequences());
  for (const name of names) {
    signal?.throwIfAborted();
    const hit = hits?.get(name);
    if (hits && !hit) continue;
    const handler = await client.sequenceHandler(name).catch((reason) => {
      // Being recorded, or removed since it was listed.
      if (!options.sequences && (reason.code === "LOCKED" || isNotFound(reason))) return undefined;
      throw reason;
    });
    if (!handler) continue;
    const asked = options.topics && new Set(options.topics.map((topic) => topicName(topic, name)));
    const matching = hit && new Set(hit.topics.map((topic) => topic.name));
    const topics = handler.topics.map((topic) => topic.name)
      .filter((topic) => (!asked || asked.has(topic)) && (!matching || matching.has(topic)));
    yield* cutSequence(handler, { store: storeUrl, topics, options });
  }
}
