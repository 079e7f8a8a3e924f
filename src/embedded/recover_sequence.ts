import type { Engine } from "../engine.ts";
import { SmaltiError } from "../error.ts";
import { compareNames, topicName } from "../names.ts";
import type { Store } from "../store/store.ts";
import type { RecoveredFile, RecoverOptions, RecoverReport, SessionInfo } from "../types.ts";
import { topicOf } from "./file_names.ts";
import { newSession } from "./embedded_sink.ts";
import { compactTopic } from "./compact_sequence.ts";
import { NEW_SUFFIX } from "./compact_topic_file.ts";
import { LIVE, type LiveState, readLive } from "./live_state.ts";
import {
  ATTACHMENTS,
  encodeManifest,
  filesOf,
  MANIFEST,
  type Manifest,
  type StoredAttachment,
  type StoredTopic,
  TOPIC_SUFFIX,
  topicInfo,
  topicPath,
  withFile,
} from "./manifest.ts";
import { endTopicFile, type RecoveredTopic, salvageTopicFile } from "./recover_topic_file.ts";
import { endSessionRemoval } from "./remove_session.ts";
import { removeReplaced } from "./replace_sequence.ts";
import { TopicFileReader } from "./topic_file_reader.ts";

const DIED = { state: "recovered", reason: "its writer was gone" } as const;

/**
 * Commits what a writer left behind that died: gives its topic files their footers, then names them in the manifest, as
 * topics of a recovered session. Sound files are not touched, and a sequence that has nothing else is not changed. Told
 * to, it also counts as recovered what was given up and marked as failed.
 *
 * The caller holds the sequence's lock.
 *
 * @param lastCheckpoint What `sequence.live` said, where that is not there any more.
 */
export async function recoverSequence(
  store: Store,
  engine: Engine,
  found: Manifest,
  { failed: takesFailed = false }: RecoverOptions = {},
  lastCheckpoint?: LiveState,
): Promise<RecoverReport> {
  // What was removed must not come back.
  const manifest = await endSessionRemoval(store, found);
  const { name: sequence } = manifest;
  const directory = filesOf(manifest);
  await removeReplaced(store, manifest);
  const files: RecoveredFile[] = [];
  const topics: StoredTopic[] = [];
  const attachments: StoredAttachment[] = [];
  /** What the manifest tells of topics whose files were not yet seen. */
  const known = new Map(manifest.topics.map((topic) => [topic.name, topic]));
  // The sessions that died. Those that added topics to what was committed are not in the manifest.
  const live = lastCheckpoint ?? await readLive(store, manifest).catch(ifDamaged);
  const listedDead = manifest.sessions.filter(({ state }) => state === "recording");
  const unlisted = listedDead.length > 0 ? [] : unlistedSessions(live, manifest);
  const dead = [...listedDead, ...unlisted];
  // Of a file that no follower knew of nobody can say whose it is, so the last one gets it.
  const last = dead.at(-1) ?? newSession();
  const ownerOf = (topic: string) => dead.find(({ id }) => id === live?.topics[topic]?.session) ?? last;

  const { files: paths, unfinished } = await listFiles(store, directory);
  for (const path of unfinished) await store.remove(path);
  // Whatever gives back room comes first: the disk may be full.
  const salvaged: { path: string; topic: StoredTopic; found: RecoveredTopic }[] = [];
  for (const path of ownFiles(paths, directory, manifest)) {
    const file = path.slice(directory.length + 1);
    const name = topicOf(file.slice(0, -TOPIC_SUFFIX.length))!;
    const info = known.get(name);
    known.delete(name);
    try {
      if (info && await isSound(store, engine, path, info)) {
        topics.push(info);
        continue;
      }
      // What was committed was whole: an end that is not there any more may come back, or its remains tell something.
      const found = await salvageTopicFile(store, engine, path, info === undefined);
      const size = found?.sizeBytes ?? await store.size(path);
      files.push({
        topic: name,
        rowsKept: found?.kept.rowCount ?? 0,
        batchesKept: found?.batches ?? 0,
        bytesDiscarded: found?.bytesDiscarded ?? size,
        ...(found?.kept.lastNs !== undefined && { lastNs: found.kept.lastNs }),
      });
      if (!found) {
        await store.remove(path);
        continue;
      }
      const { schema, kept } = found;
      const owner = ownerOf(name);
      const { created, sessionId } = info ?? { created: owner.created, sessionId: owner.id };
      const recovered = topicInfo(name, schema, { ...kept, sizeBytes: size }, { created, sessionId });
      salvaged.push({ path, topic: withFile(recovered, file), found });
    } catch (reason) {
      // Left as it is: what cannot be understood now must not be lost for later.
      if (!(reason instanceof SmaltiError) || !["CORRUPT", "UNSUPPORTED"].includes(reason.code)) throw reason;
      files.push(failed(await store.size(path), reason.at({ sequence, topic: name, file: path })));
      if (info) topics.push(info);
    }
  }
  for (const { path, found } of salvaged) await endTopicFile(store, path, found);
  for (const { topic, found } of salvaged) {
    // Bytes that are damaged stay for who may understand them. Where it fails, on a full disk, the file is whole all the same.
    const compacted = found.isDamaged ? undefined : await compactTopic(store, engine, manifest, topic);
    topics.push({ ...topic, sizeBytes: compacted?.sizeBytes ?? topic.sizeBytes });
  }
  // A file that is gone may come back; the manifest goes on saying what was in it.
  for (const info of known.values()) {
    const where = { sequence, topic: info.name, file: topicPath(directory, info) };
    files.push(failed(0, new SmaltiError("NOT_FOUND", "The topic's file is gone", where)));
    topics.push(info);
  }
  files.sort((a, b) => compareNames(a.topic, b.topic));
  const listed = new Set(manifest.attachments.map(({ file }) => file));
  for (const file of (await store.list(`${directory}/${ATTACHMENTS}`)).sort(inOrderOfAttaching)) {
    const path = `${ATTACHMENTS}/${file}`;
    if (listed.has(path) || !/^[A-Za-z0-9-]+$/.test(file)) continue;
    const sizeBytes = await store.size(`${directory}/${path}`);
    const bytes = await store.read(`${directory}/${path}`, 0, sizeBytes);
    // Its name was only in the writer's memory.
    attachments.push({ name: file, sizeBytes, file: path, crc: engine.crc32(bytes), sessionId: last.id });
  }

  const failedSessions = takesFailed ? manifest.sessions.filter(({ state }) => state === "failed").length : 0;
  const changed = dead.length > 0 || failedSessions > 0 || attachments.length > 0 ||
    files.some(({ error }) => error === undefined);
  if (!changed) return { sequence, changed, files };
  const ended = new Date();
  const endOf = (session: SessionInfo): SessionInfo => {
    const own = topics.filter(({ sessionId }) => sessionId === session.id).map(({ name }) => name);
    return { ...session, ...DIED, ended, topics: own.sort(compareNames) };
  };
  const sessions = manifest.sessions.map((other) => {
    if (other.state === "recording") return endOf(other);
    // Why it failed is still worth knowing.
    return takesFailed && other.state === "failed" ? { ...other, state: "recovered" as const } : other;
  });
  // One of which nothing is left was about to be removed: followers that saw its rows are to be told.
  const hasLeft = ({ id, topics }: SessionInfo) =>
    topics.length > 0 || (id === last.id && attachments.length > 0);
  sessions.push(...unlisted.map(endOf).filter(hasLeft));
  const hasOwn = attachments.length > 0 || topics.some(({ sessionId }) => sessionId === last.id);
  if (dead.length === 0 && hasOwn) sessions.push(endOf(last));
  await store.commit(
    `${manifest.place}/${MANIFEST}`,
    encodeManifest({
      ...manifest,
      state: manifest.state === "recording" || failedSessions > 0 && manifest.state === "failed"
        ? "recovered"
        : manifest.state,
      sessions,
      topics: topics.sort((a, b) => compareNames(a.name, b.name)),
      attachments: [...manifest.attachments, ...attachments],
    }),
  );
  await store.remove(`${directory}/${LIVE}`);
  return { sequence, changed, files, ...(failedSessions > 0 && { failedSessions }) };
}

/** Sessions of which the manifest does not know: by the names that followers know, where there was a checkpoint. */
function unlistedSessions(live: LiveState | undefined, { sessions }: Manifest): SessionInfo[] {
  const ids = live?.sessions.filter((id) => !sessions.some((session) => session.id === id)) ?? [];
  return ids.map((id) => ({ ...newSession(), id }));
}

/** What is damaged tells nothing. */
function ifDamaged(reason: unknown): undefined {
  if (!(reason instanceof SmaltiError) || reason.code !== "CORRUPT") throw reason;
}

/** What is said of a file that could not be recovered. */
function failed(bytesDiscarded: number, error: SmaltiError): RecoveredFile {
  return { topic: error.details.topic!, rowsKept: 0, batchesKept: 0, bytesDiscarded, error };
}

/** Compares names of attachments' files: session, then number, as {@linkcode EmbeddedSink.attach} gives them. */
function inOrderOfAttaching(a: string, b: string): number {
  const [[sessionA, numberA], [sessionB, numberB]] = [a, b].map((name) => name.split("-").map(Number));
  return sessionA - sessionB || numberA - numberB || compareNames(a, b);
}

/** Paths of the topic files in a directory, and of those that were to take another's place, in ASCII order. */
async function listFiles(store: Store, top: string): Promise<{ files: string[]; unfinished: string[] }> {
  const [files, unfinished]: string[][] = [[], []];
  const visit = async (directory: string): Promise<void> => {
    for (const entry of (await store.list(directory)).sort(compareNames)) {
      const path = `${directory}/${entry}`;
      if (entry.endsWith(TOPIC_SUFFIX)) files.push(path);
      else if (entry.endsWith(TOPIC_SUFFIX + NEW_SUFFIX)) unfinished.push(path);
      // Directories are named after parts of topic names, which hold no dots.
      else if (!entry.includes(".")) await visit(path);
    }
  };
  await visit(top);
  return {
    files: files.filter((path) => isTopic(topicOf(path.slice(top.length + 1, -TOPIC_SUFFIX.length)))),
    unfinished,
  };
}

function isTopic(name: string | undefined): boolean {
  try {
    return name !== undefined && topicName(name) === name;
  } catch {
    return false;
  }
}

/** One file a topic: an older version may have left another that has the topic's own name, of which nobody was told. */
function ownFiles(paths: readonly string[], directory: string, { topics }: Manifest): string[] {
  const byTopic = new Map<string, string>();
  const known = new Set(topics.map((topic) => topicPath(directory, topic)));
  for (const path of paths) {
    const topic = topicOf(path.slice(directory.length + 1, -TOPIC_SUFFIX.length))!;
    if (!byTopic.has(topic) || known.has(path)) byTopic.set(topic, path);
  }
  return [...byTopic.values()];
}

/** Whether a topic's file opens by its footer and holds what the manifest says. */
async function isSound(store: Store, engine: Engine, path: string, info: StoredTopic): Promise<boolean> {
  try {
    const { index } = await TopicFileReader.open(store, engine, path, info);
    return index.rows.reduce((sum, rows) => sum + rows, 0) === info.rowCount;
  } catch (reason) {
    if (reason instanceof SmaltiError && reason.code === "CORRUPT") return false;
    throw reason;
  }
}
