import type { SequenceSink, TopicSink } from "../backend.ts";
import type { Engine } from "../engine.ts";
import { SmaltiError } from "../error.ts";
import { compareNames } from "../names.ts";
import type { Store } from "../store/store.ts";
import { mergeJson } from "../util/json_text.ts";
import { Turns } from "../util/turns.ts";
import type {
  AttachmentInfo,
  Metadata,
  SequenceState,
  SessionInfo,
  TopicInfo,
  TopicSchema,
} from "../types.ts";
import { NEW_SUFFIX } from "./compact_topic_file.ts";
import { ATTACHMENTS, type Manifest, type StoredAttachment, topicInfo, topicPath } from "./manifest.ts";
import type { OpenSequence, WritingSession } from "./open_sequence.ts";
import { TopicFileWriter } from "./topic_file_writer.ts";

/** Small files whose batches are joined at a time where that is all requests, which take their time. */
const LOGGED_COMPACTIONS = 8;
/** What is larger than this is joined one at a time. */
const SMALL_BYTES = 2 ** 20;

/** A session that begins now. */
export function newSession(): SessionInfo {
  return { id: crypto.randomUUID(), state: "recording", created: new Date(), topics: [] };
}

/** Writes one session of a sequence. */
export class EmbeddedSink implements SequenceSink, WritingSession {
  readonly info: SessionInfo;
  readonly topics: Map<string, TopicFileWriter> = new Map();
  readonly #store: Store;
  readonly #engine: Engine;
  readonly #sequence: OpenSequence;
  /** Topics whose files are being made. */
  readonly #creating = new Set<string>();
  readonly #attachments: StoredAttachment[] = [];
  /** Files begun, whatever became of them: their names are not given again. */
  #attached = 0;
  /** What the names of this session's attachments begin with. */
  #prefix: Promise<string> | undefined;
  #metadata: Metadata = {};

  /** @param info Of the session; `sequence` lets it join. */
  constructor(store: Store, engine: Engine, sequence: OpenSequence, info: SessionInfo) {
    this.#store = store;
    this.#engine = engine;
    this.#sequence = sequence;
    this.info = info;
  }

  get session(): SessionInfo {
    return this.info;
  }

  get lost(): AbortSignal {
    return this.#sequence.lost;
  }

  get isLogged(): boolean {
    return this.#store.isLogged ?? false;
  }

  hasTopic(name: string): boolean {
    return this.topics.has(name) || this.#creating.has(name);
  }

  async createTopic(name: string, schema: TopicSchema): Promise<TopicSink> {
    const { name: sequence, files } = this.#sequence;
    this.#sequence.refuseTaken(name);
    this.#creating.add(name);
    try {
      const path = topicPath(files, { name });
      const writer = await TopicFileWriter.create(this.#store, this.#engine, path, schema);
      this.topics.set(name, writer);
      return writer;
    } catch (reason) {
      throw reason instanceof SmaltiError ? reason.at({ sequence, topic: name }) : reason;
    } finally {
      this.#creating.delete(name);
    }
  }

  async attach(info: AttachmentInfo, bytes: Uint8Array): Promise<void> {
    const { name, files } = this.#sequence;
    const number = ++this.#attached;
    const [sizeBytes, crc] = [bytes.length, this.#engine.crc32(bytes)];
    const stored = { ...info, sizeBytes, file: "", crc, sessionId: this.info.id };
    this.#attachments.push(stored);
    try {
      stored.file = `${ATTACHMENTS}/${await this.#ownPrefix()}${number}`;
      await this.#store.replace(`${files}/${stored.file}`, bytes);
    } catch (reason) {
      this.#attachments.splice(this.#attachments.indexOf(stored), 1);
      throw reason instanceof SmaltiError ? reason.at({ sequence: name }) : reason;
    }
  }

  async #ownPrefix(): Promise<string> {
    try {
      return await (this.#prefix ??= this.#sequence.attachmentPrefix());
    } catch (reason) {
      this.#prefix = undefined;
      throw reason;
    }
  }

  addMetadata(metadata: Metadata): void {
    this.#metadata = mergeJson(this.#metadata, metadata);
  }

  checkpoint(untilNs: bigint, isIdle?: () => boolean): Promise<void> {
    return this.#sequence.checkpoint(this, untilNs, isIdle);
  }

  finalize(): Promise<Manifest> {
    return this.#end("finalized");
  }

  async abort(policy: "delete" | "report", reason: string): Promise<void> {
    // Two sequences cannot be kept under one name.
    if (policy === "report" && !this.#sequence.isReplacing) {
      try {
        await this.#end("failed", reason);
      } catch (failure) {
        await this.#sequence.leave(this);
        throw failure;
      }
      return;
    }
    const { files } = this.#sequence;
    const topics = [...this.topics.values()].flatMap(({ path }) => [path, path + NEW_SUFFIX]);
    await this.#sequence.remove(this, [
      ...topics,
      ...this.#attachments.map(({ file }) => `${files}/${file}`),
    ]);
  }

  /** Footers, then the manifest: what it names is whole and durable by then. */
  async #end(state: SequenceState, reason?: string): Promise<Manifest> {
    const lanes = Array.from({ length: this.isLogged ? LOGGED_COMPACTIONS : 1 }, () => new Turns());
    // Side by side: a disk syncs many files in little more time than one.
    const ends = await Promise.allSettled(
      [...this.topics].map(async ([name, file], i): Promise<TopicInfo> => {
        const compactions = lanes[file.size > SMALL_BYTES ? 0 : i % lanes.length];
        // A topic that could not be written to its end keeps its whole batches, as the last append left them.
        if (state === "failed") await file.finish(compactions).catch(() => {});
        else await file.finish(compactions);
        const written = { ...file.written, sizeBytes: file.size };
        return topicInfo(name, file.schema, written, { created: file.created, sessionId: this.info.id });
      }),
    );
    // Only now: nothing of one topic may go on when the session is given up for another.
    const topics = ends.map((end) => {
      // Files of a lock that is lost are not there any more, which says nothing.
      if (end.status === "rejected") throw this.lost.aborted ? this.lost.reason : end.reason;
      return end.value;
    });
    topics.sort((a, b) => compareNames(a.name, b.name));
    const ended: SessionInfo = {
      ...this.info,
      state,
      ended: new Date(),
      ...(reason !== undefined && { reason }),
      topics: topics.map((topic) => topic.name),
    };
    const [attachments, metadata] = [this.#attachments, this.#metadata];
    return await this.#sequence.commit(this, { ended, topics, attachments, metadata });
  }
}
