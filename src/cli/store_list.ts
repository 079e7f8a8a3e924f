/**
 * What a store holds, as `index.json` tells it.
 *
 * @module
 */
import type { Client } from "../client.ts";
import { fileNameOf, partOf } from "../embedded/file_names.ts";
import { sequencesOf } from "../embedded/places.ts";
import { encodeIndex, type IndexedSequence } from "../store/http/store_index.ts";
import type { FileReader } from "../store/store.ts";
import type { SequenceEntry } from "../types.ts";
import { totals } from "../util/totals.ts";
import { allTopics } from "./live_text.ts";

/**
 * The text of `index.json`, of the store that the client is on. Errors as `listSequences`.
 *
 * @param isListed Whether a directory is to be in it. @default all are
 */
export async function listStore(
  client: Client,
  store: FileReader,
  isListed: (directory: string) => Promise<boolean> = () => Promise.resolve(true),
): Promise<Uint8Array> {
  const entries = await client.listSequences({ details: true });
  const directories = new Set(await store.list(""));
  const sequences: IndexedSequence[] = [];
  for (const entry of entries) {
    const directory = directoryOf(entry.name, directories);
    if (await isListed(directory)) sequences.push(indexed(entry, directory));
  }
  return encodeIndex(sequences);
}

/** The same without opening any of them: names alone. Errors as `FileReader.list`. */
export async function listNames(store: FileReader): Promise<Uint8Array> {
  const entries = await store.list("");
  const directories = new Set(entries);
  return encodeIndex(
    sequencesOf(entries).map((name) => ({ name, directory: directoryOf(name, directories) })),
  );
}

/** Older versions called a sequence's directory as the sequence. */
function directoryOf(name: string, directories: ReadonlySet<string>): string {
  const place = fileNameOf(name);
  return directories.has(place) || partOf(name) !== name ? place : name;
}

function indexed(entry: SequenceEntry, directory: string): IndexedSequence {
  const { name, error } = entry;
  if (error) return { name, directory, error: { code: error.code, message: error.rawMessage } };
  const topics = allTopics(entry);
  const { rowCount, sizeBytes, firstNs, lastNs } = totals(topics);
  return {
    name,
    directory,
    state: entry.state,
    ...(entry.live && { writer: entry.live.writer }),
    created: entry.created.toISOString(),
    topics: topics.length,
    rows: `${rowCount}`,
    bytes: `${sizeBytes}`,
    ...(firstNs !== undefined && { firstNs: `${firstNs}` }),
    ...(lastNs !== undefined && { lastNs: `${lastNs}` }),
    metadata: entry.metadata,
  };
}
