/**
 * What is known of a sequence while it is recorded: what its manifest tells, and, by `sequence.live`, what its files hold.
 *
 * @module
 */
import type { Engine } from "../engine.ts";
import { SmaltiError } from "../error.ts";
import { compareNames } from "../names.ts";
import type { FileReader, Store } from "../store/store.ts";
import type { SequenceInfo, TopicInfo, TopicSchema } from "../types.ts";
import { mapLimited } from "../util/map_limited.ts";
import { LiveFile, type LiveState, type LiveTopic } from "./live_state.ts";
import { filesOf, type Manifest, topicInfo, topicPath } from "./manifest.ts";
import { type ReadRange, readSchema } from "./recover_topic_file.ts";
import { LOCK } from "./remove_sequence.ts";

/** Schemas that are read side by side. */
const SCHEMAS_AT_A_TIME = 16;

/** What is known of a sequence while it is recorded, for who asks again and again. */
export class LiveKnowledge {
  readonly live: LiveFile;
  /** Of topics, by session and path: they do not change. */
  readonly schemas: Map<string, TopicSchema> = new Map<string, TopicSchema>();

  constructor(files: FileReader) {
    this.live = new LiveFile(files);
  }
}

/**
 * A manifest with what is being recorded beside what it tells, if anything is; `read` reads the manifest anew. `isFollowed`: also
 * where asking for that costs a request that may be in vain. CORRUPT.
 */
export async function withLive(
  files: FileReader,
  engine: Engine,
  manifest: Manifest,
  read: () => Promise<Manifest>,
  { isFollowed = false, known = new LiveKnowledge(files) }: { isFollowed?: boolean; known?: LiveKnowledge },
): Promise<SequenceInfo> {
  const store = "lockedBy" in files ? files as Store : undefined;
  // A request that most servers answer with "not found".
  if (!store && manifest.state !== "recording" && !isFollowed) return manifest;
  const state = await known.live.read(manifest);
  if (!isGoing(manifest, state)) return manifest;
  const writtenBy = await store?.lockedBy(`${manifest.place}/${LOCK}`);
  if (store && writtenBy === undefined) {
    // Its writer puts the manifest in place before it gives the lock back.
    const now = await read();
    if (!isGoing(now, state)) return now;
  }
  const topics = await mapLimited(
    Object.entries(state?.topics ?? {}).filter(([name, { session }]) => isNewTopic(manifest, name, session)),
    SCHEMAS_AT_A_TIME,
    ([name, topic]) => liveTopic(files, engine, known, manifest, name, topic),
  );
  return {
    ...manifest,
    live: {
      topics: topics.filter((topic) => topic !== undefined).sort((a, b) => compareNames(a.name, b.name)),
      writer: !store ? "unknown" : writtenBy === undefined ? "gone" : "alive",
      ...(writtenBy !== undefined && { writtenBy }),
    },
  };
}

/** Whether a session is being written, or was left. */
export function isGoing({ state, sessions }: Manifest, live: LiveState | undefined): boolean {
  return state === "recording" ||
    (live?.sessions.some((id) => !sessions.some((ended) => ended.id === id)) ?? false);
}

/** Whether a topic that a session was seen to write is none of those that the manifest tells of. */
export function isNewTopic({ topics, sessions }: Manifest, name: string, session: string): boolean {
  const isOpen = sessions.find(({ id }) => id === session)?.state ?? "recording";
  return isOpen === "recording" && !topics.some((topic) => topic.name === name);
}

/** Undefined where the file has gone meanwhile, or cannot be read: the others are worth knowing of. */
async function liveTopic(
  files: FileReader,
  engine: Engine,
  { schemas }: LiveKnowledge,
  manifest: Manifest,
  name: string,
  { session: sessionId, bytes: sizeBytes, rows: rowCount, firstNs, lastNs, created }: LiveTopic,
): Promise<TopicInfo | undefined> {
  const path = topicPath(filesOf(manifest), { name });
  try {
    const key = `${sessionId} ${path}`;
    let schema = schemas.get(key);
    if (!schema) {
      const read: ReadRange = (offset, length) => files.read(path, offset, length, { grows: true });
      schema = (await readSchema(read, engine, sizeBytes))?.schema;
      if (!schema) return undefined;
      schemas.set(key, schema);
    }
    const times = { ...(firstNs !== undefined && { firstNs }), ...(lastNs !== undefined && { lastNs }) };
    return topicInfo(name, schema, { rowCount, sizeBytes, ...times }, { created, sessionId });
  } catch (reason) {
    const mayPass = reason instanceof SmaltiError &&
      ["NOT_FOUND", "CORRUPT", "UNSUPPORTED"].includes(reason.code);
    if (mayPass) return undefined;
    throw reason;
  }
}
