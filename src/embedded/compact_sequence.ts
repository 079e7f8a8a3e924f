import type { Engine } from "../engine.ts";
import { SmaltiError } from "../error.ts";
import type { Store } from "../store/store.ts";
import type { CompactedTopic, CompactReport } from "../types.ts";
import { compactTopicFile } from "./compact_topic_file.ts";
import { encodeManifest, filesOf, MANIFEST, type Manifest, type StoredTopic, topicPath } from "./manifest.ts";
import { TopicFileReader } from "./topic_file_reader.ts";

/**
 * Compacts the files of a sequence's topics, one after another. A crash between two steps leaves files that are whole: those
 * who open one find its footer also where the manifest tells another size. The caller holds the sequence's lock.
 */
export async function compactSequence(
  store: Store,
  engine: Engine,
  manifest: Manifest,
): Promise<CompactReport> {
  const { name: sequence } = manifest;
  const reports: CompactedTopic[] = [];
  const topics: StoredTopic[] = [];
  for (const info of manifest.topics) {
    const report = await compactTopic(store, engine, manifest, info, true);
    if (report) reports.push(report);
    topics.push(report ? { ...info, sizeBytes: report.sizeBytes } : info);
  }
  if (topics.some(({ sizeBytes }, i) => sizeBytes !== manifest.topics[i].sizeBytes)) {
    await store.commit(`${manifest.place}/${MANIFEST}`, encodeManifest({ ...manifest, topics }));
  }
  return { sequence, topics: reports };
}

/**
 * Undefined where there is nothing to do.
 *
 * @param wantsDetail Whether a file is written anew also where only the bounds of blocks are missing.
 */
export async function compactTopic(
  store: Store,
  engine: Engine,
  manifest: Pick<Manifest, "name" | "place" | "directory">,
  info: StoredTopic,
  wantsDetail = false,
): Promise<CompactedTopic | undefined> {
  const { name: sequence } = manifest;
  const path = topicPath(filesOf(manifest), info);
  let batches = 0;
  const sizes = (sizeBytes: number) => ({ sizeBytesBefore: info.sizeBytes, sizeBytes });
  try {
    const { index, schema, isOurs, hasDetail } = await TopicFileReader.open(store, engine, path, info, {
      sequence,
    });
    batches = index.offset.length;
    if (!isOurs) return undefined;
    const file = { path, reader: {}, fields: schema.fields, index, wantsDetail: wantsDetail && !hasDetail };
    const compacted = await compactTopicFile(store, engine, file);
    if (!compacted) return undefined;
    const topic = { topic: info.name, batchesBefore: batches, batches: compacted.index.length };
    return { ...topic, ...sizes(compacted.sizeBytes) };
  } catch (reason) {
    const error = SmaltiError.from(reason, "IO").at({ sequence, topic: info.name });
    return { topic: info.name, batchesBefore: batches, batches, ...sizes(info.sizeBytes), error };
  }
}
