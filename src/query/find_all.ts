import type { Backend } from "../backend.ts";
import type { SmaltiError } from "../error.ts";
import { compareNames } from "../names.ts";
import type { QueryHit, QueryObject } from "../types.ts";
import { type AnswerOptions, answerQuery, parseQuery } from "./query.ts";

/** What one of the queries finds, in ASCII order: answered by the backend where it does that, else here. */
export async function findAll(
  backend: Backend,
  bodies: readonly QueryObject[],
  { signal, onError }: AnswerOptions = {},
): Promise<QueryHit[]> {
  const found = new Map<string, Map<string, string>>();
  // Checked all of them before the first is answered.
  const queries = backend.query ? [] : bodies.map(parseQuery);
  const told = new Set<string>();
  const tellOnce = (sequence: string, error: SmaltiError) => {
    if (told.size < told.add(`${sequence} ${error.message}`).size) onError?.(sequence, error);
  };
  for (const [i, body] of bodies.entries()) {
    signal?.throwIfAborted();
    const hits = backend.query
      ? await backend.query(body, signal)
      : answerQuery(backend, queries[i], { signal, onError: tellOnce });
    for await (const { sequence, topics } of hits) {
      const own = found.get(sequence) ?? new Map<string, string>();
      found.set(sequence, own);
      for (const { name, ontologyTag } of topics) own.set(name, ontologyTag);
    }
  }
  return [...found].sort(([a], [b]) => compareNames(a, b)).map(([sequence, topics]) => ({
    sequence,
    topics: [...topics].sort(([a], [b]) => compareNames(a, b)).map(([name, ontologyTag]) => ({
      name,
      ontologyTag,
    })),
  }));
}
