import type { SequenceSink, TopicSink } from "../backend.ts";
import type { Engine } from "../engine/engine.ts";
import { SmaltiError } from "../error.ts";
import { compareNames } from "../names.ts";
import type { Store, StoreLock } from "../store/store.ts";
import type {
  AttachmentInfo,
  Metadata,
  SequenceState,
  SessionInfo,
  TopicInfo,
  TopicSchema,
} from "../types.ts";
import {
  ATTACHMENTS,
  encodeManifest,
  MANIFEST,
  type Manifest,
  type StoredAttachment,
  topicInfo,
} from "./manifest.ts";
import { encodeLive, LIVE } from "./live.ts";
import { removeSequence } from "./remove_sequence.ts";
import { TopicFileWriter } from "./topic_file_writer.ts";

/** A session that begins now. */
export function newSession(): SessionInfo {
  return { id: crypto.randomUUID(), state: "recording", created: new Date(), topics: [] };
}

/** Writes one session: the last of the manifest's. */
export class EmbeddedSink implements SequenceSink {
  readonly #store: Store;
  readonly #engine: Engine;
  readonly #before: Manifest;
  readonly #lock: StoreLock;
  readonly #topics = new Map<string, { writer: Promise<TopicFileWriter>; schema: TopicSchema }>();
  readonly #attachments: StoredAttachment[] = [];
  /** Files begun, whatever became of them: their names are not given again. */
  #attached = 0;
  /** What the names of this session's attachments begin with. */
  #prefix: Promise<string> | undefined;
  #metadata: Metadata = {};
  /** Checkpoints so far, what the last one said, and its end. */
  #checkpoints = 0;
  #untilNs: bigint | undefined;
  #published: Promise<void> = Promise.resolve();

  constructor(store: Store, engine: Engine, manifest: Manifest, lock: StoreLock) {
    this.#store = store;
    this.#engine = engine;
    this.#before = manifest;
    this.#lock = lock;
  }

  async createTopic(name: string, schema: TopicSchema): Promise<TopicSink> {
    const { name: sequence, topics } = this.#before;
    if (this.#topics.has(name) || topics.some((topic) => topic.name === name)) {
      throw new SmaltiError(
        "ALREADY_EXISTS",
        `Cannot create topic "${name}" of sequence "${sequence}": it is there; wanted a new name`,
        { sequence, topic: name },
      );
    }
    const writer = TopicFileWriter.create(this.#store, this.#engine, `${sequence}/${name}.arrow`, schema);
    this.#topics.set(name, { writer, schema });
    try {
      return await writer;
    } catch (reason) {
      this.#topics.delete(name);
      throw reason instanceof SmaltiError ? reason.at({ sequence, topic: name }) : reason;
    }
  }

  async attach(info: AttachmentInfo, bytes: Uint8Array): Promise<void> {
    const { name } = this.#before;
    const number = ++this.#attached;
    const stored = { ...info, sizeBytes: bytes.length, file: "", crc: this.#engine.crc32(bytes) };
    this.#attachments.push(stored);
    try {
      stored.file = `${ATTACHMENTS}/${await (this.#prefix ??= this.#freePrefix())}${number}`;
      await this.#store.replace(`${name}/${stored.file}`, bytes);
    } catch (reason) {
      this.#attachments.splice(this.#attachments.indexOf(stored), 1);
      throw reason instanceof SmaltiError ? reason.at({ sequence: name }) : reason;
    }
  }

  /** The session's number, or a later one where a session that died left files under it. */
  async #freePrefix(): Promise<string> {
    const { name, sessions } = this.#before;
    try {
      const files = await this.#store.list(`${name}/${ATTACHMENTS}`);
      let number = sessions.length;
      while (files.some((file) => file.startsWith(`${number}-`))) number++;
      return `${number}-`;
    } catch (reason) {
      this.#prefix = undefined;
      throw reason;
    }
  }

  addMetadata(metadata: Metadata): void {
    this.#metadata = { ...this.#metadata, ...metadata };
  }

  checkpoint(untilNs: bigint): Promise<void> {
    const publish = async () => {
      if (this.#untilNs !== undefined && untilNs < this.#untilNs) return;
      const sizes: Record<string, number> = {};
      for (const [topic, { writer }] of this.#topics) sizes[topic] = (await writer).wholeBytes;
      const { name, sessions } = this.#before;
      const state = { session: sessions.at(-1)!.id, checkpoint: this.#checkpoints + 1, untilNs, sizes };
      await this.#store.replace(`${name}/${LIVE}`, encodeLive(state));
      this.#checkpoints++;
      this.#untilNs = untilNs;
    };
    const published = this.#published.then(publish);
    this.#published = published.catch(() => {}); // whoever asked for it is told
    return published;
  }

  finalize(): Promise<Manifest> {
    return this.#end("finalized");
  }

  async abort(policy: "delete" | "report", reason: string): Promise<void> {
    try {
      if (policy === "report") await this.#end("failed", reason);
      else await this.#remove();
    } finally {
      await this.#lock.release();
    }
  }

  /** Footers, then the manifest: what it names is whole and durable by then. */
  async #end(state: SequenceState, reason?: string): Promise<Manifest> {
    const before = this.#before;
    const session = before.sessions.at(-1)!;
    // Side by side: a disk syncs many files in little more time than one.
    const topics = await Promise.all(
      [...this.#topics].map(async ([name, { writer, schema }]): Promise<TopicInfo> => {
        const file = await writer;
        // A topic that could not be written to its end keeps its whole batches, as the last append left them.
        if (state === "failed") await file.finish().catch(() => {});
        else await file.finish();
        const written = { ...file.written, sizeBytes: file.size };
        return topicInfo(name, schema, written, { created: file.created, sessionId: session.id });
      }),
    );
    topics.sort((a, b) => compareNames(a.name, b.name));
    const ended: SessionInfo = {
      ...session,
      state,
      ended: new Date(),
      ...(reason !== undefined && { reason }),
      topics: topics.map((topic) => topic.name),
    };
    const manifest: Manifest = {
      ...before,
      // A later session that fails leaves the sequence as it was.
      state: before.sessions.length === 1 ? state : before.state,
      metadata: { ...before.metadata, ...this.#metadata },
      sessions: [...before.sessions.slice(0, -1), ended],
      topics: [...before.topics, ...topics].sort((a, b) => compareNames(a.name, b.name)),
      attachments: [...before.attachments, ...this.#attachments],
    };
    await this.#store.replace(`${before.name}/${MANIFEST}`, encodeManifest(manifest));
    // Followers go by the manifest from now on.
    await this.#store.remove(`${before.name}/${LIVE}`).catch(() => {});
    // Not when that failed: the session may still be aborted, and until then nobody else may write.
    await this.#lock.release();
    return manifest;
  }

  async #remove(): Promise<void> {
    const { name, sessions } = this.#before;
    if (sessions.length === 1) return await removeSequence(this.#store, name);
    for (const { writer } of this.#topics.values()) await this.#store.remove((await writer).path);
    for (const { file } of this.#attachments) await this.#store.remove(`${name}/${file}`);
    await this.#store.remove(`${name}/${LIVE}`);
  }
}
