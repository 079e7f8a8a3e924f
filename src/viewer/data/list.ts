/**
 * The recordings of a place.
 *
 * @module
 */
import type { Client, SequenceEntry } from "../../entry/web.ts";
import { toDataError } from "./data_error.ts";
import type { ListEntry } from "./protocol.ts";

/** Lists what a client's store has, and closes the client. */
export async function listRecordings(client: Client): Promise<ListEntry[]> {
  try {
    return (await client.listSequences({ details: true })).map(listEntry);
  } finally {
    await client.close();
  }
}

function listEntry(entry: SequenceEntry): ListEntry {
  if (entry.error) {
    return {
      name: entry.name,
      state: "unreadable",
      error: toDataError(entry.error),
      rows: 0,
      bytes: 0,
      topics: 0,
    };
  }
  const { name, state } = entry;
  const topics = [...entry.topics, ...entry.live?.topics ?? []];
  const sum = (of: (topic: typeof topics[number]) => number) =>
    topics.reduce((sum, topic) => sum + of(topic), 0);
  const outermost = (
    of: (topic: typeof topics[number]) => bigint | undefined,
    isBeyond: (a: bigint, b: bigint) => boolean,
  ) =>
    topics.map(of).reduce(
      (a, b) => a === undefined || (b !== undefined && isBeyond(b, a)) ? b : a,
      undefined,
    );
  const firstNs = outermost(({ firstNs }) => firstNs, (a, b) => a < b);
  const lastNs = outermost(({ lastNs }) => lastNs, (a, b) => a > b);
  return {
    name,
    state,
    ...(firstNs !== undefined && { firstNs }),
    ...(lastNs !== undefined && { lastNs }),
    rows: sum(({ rowCount }) => rowCount),
    bytes: sum(({ sizeBytes }) => sizeBytes),
    topics: topics.length,
  };
}
