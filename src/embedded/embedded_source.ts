import type { BatchCache } from "../arrow/batch_cache.ts";
import type { Follower, SequenceSource } from "../backend.ts";
import type { Engine } from "../engine.ts";
import { SmaltiError } from "../error.ts";
import type { FileReader } from "../store/store.ts";
import type { AttachmentInfo, SequenceInfo, TopicInfo } from "../types.ts";
import type { GrowingTopics } from "./growing_topics.ts";
import { filesOf, identityOf, type Manifest, type StoredAttachment, topicPath } from "./manifest.ts";
import type { TopicBytes } from "./topic_footer.ts";
import { TopicFileReader } from "./topic_file_reader.ts";

/** Reads a sequence as its manifest said when it was opened. What is seldom needed for that is loaded when it is. */
export class EmbeddedSource implements SequenceSource {
  readonly info: SequenceInfo;
  readonly #manifest: Manifest;
  readonly #files: FileReader;
  readonly #engine: Engine;
  readonly #readManifest: () => Promise<Manifest>;
  readonly #cache: BatchCache | undefined;
  readonly soFar: SequenceSource["soFar"];

  /**
   * @param info What is known of it; with `live`, what is being recorded can be looked into.
   * @param cache Keeps batches of its topics at hand.
   */
  constructor(
    files: FileReader,
    engine: Engine,
    info: SequenceInfo,
    manifest: Manifest,
    readManifest: () => Promise<Manifest>,
    cache?: BatchCache,
  ) {
    this.#cache = cache;
    this.#files = files;
    this.#engine = engine;
    this.info = info;
    this.#manifest = manifest;
    this.#readManifest = readManifest;
    if (!info.live) return;
    const open = this.#openTopic.bind(this);
    let topics: Promise<GrowingTopics> | undefined;
    this.soFar = async (signal) => {
      topics ??= import("./growing_topics.ts").then(({ GrowingTopics }) =>
        new GrowingTopics(files, engine, readManifest, open, cache)
      );
      return await (await topics).now(signal);
    };
  }

  openTopic(name: string): Promise<TopicFileReader> {
    return this.#openTopic(this.#manifest, name);
  }

  async salvageTopic(name: string): Promise<TopicFileReader | undefined> {
    const info = this.#manifest.topics.find((topic) => topic.name === name)!;
    const path = topicPath(filesOf(this.#manifest), info);
    const file: TopicBytes = (offset, length, signal) => this.#files.read(path, offset, length, { signal });
    const { readWholeBatches } = await import("./recover_topic_file.ts");
    const found = await readWholeBatches(this.#engine, file, await this.#files.size(path));
    return found && TopicFileReader.of(file, this.#engine, path, { info, ...found, done: 0 }, this.info.name);
  }

  async follow(): Promise<Follower> {
    const { EmbeddedFollower } = await import("./live.ts");
    const open = this.#openTopic.bind(this);
    return new EmbeddedFollower(this.#files, this.#engine, this.#manifest, this.#readManifest, open);
  }

  async #openTopic(manifest: Manifest, name: string): Promise<TopicFileReader> {
    const { name: sequence, topics } = manifest;
    const info = topics.find((topic) => topic.name === name);
    if (!info) {
      throw new SmaltiError("NOT_FOUND", `No topic "${name}" in sequence "${sequence}"`, {
        sequence,
        topic: name,
      });
    }
    try {
      const path = topicPath(filesOf(manifest), info);
      const options = { sequence, cache: this.#cache, isStill: () => this.#isStill(manifest, info) };
      return await TopicFileReader.open(this.#files, this.#engine, path, info, options);
    } catch (reason) {
      throw reason instanceof SmaltiError ? reason.at({ sequence }) : reason;
    }
  }

  /** Whether a topic is there still, whatever became of its file. */
  async #isStill(manifest: Manifest, { name, sessionId }: TopicInfo): Promise<boolean> {
    const now = await this.#readManifest();
    return identityOf(now) === identityOf(manifest) &&
      now.topics.some((topic) => topic.name === name && topic.sessionId === sessionId);
  }

  async readAttachment(attachment: AttachmentInfo): Promise<Uint8Array> {
    const { file, crc, name, sizeBytes } = attachment as StoredAttachment;
    const path = `${filesOf(this.#manifest)}/${file}`;
    const bytes = await this.#files.read(path, 0, sizeBytes);
    if (bytes.length !== sizeBytes || this.#engine.crc32(bytes) !== crc) {
      throw new SmaltiError("CORRUPT", `Attachment "${name}" is cut or does not match its checksum`, {
        sequence: this.info.name,
        file: path,
      });
    }
    return bytes;
  }
}
