/**
 * Following a sequence that is being written. At each checkpoint the writer, whose topics have all been flushed by then,
 * replaces `sequence.live`: how far each file is whole, and before which time nothing more is to come. Followers look
 * for a new one from time to time: so it works in any process, over any store. One that only reads does not tell whether the
 * writer lives, nor holds files: there a sequence is followed until its manifest says that it has ended.
 *
 * @module
 */
import type { Checkpoint, Follower, TopicSource } from "../backend.ts";
import type { Engine } from "../engine.ts";
import { isNotFound, SmaltiError } from "../error.ts";
import { compareNames } from "../names.ts";
import type { FileReader, HeldFile } from "../store/store.ts";
import type { TopicInfo } from "../types.ts";
import { FollowedFiles } from "./followed_files.ts";
import { type FollowedPlace, FollowedTopic, growingPath } from "./followed_topic.ts";
import { isGoing } from "./live_info.ts";
import { LiveFile, type LiveState } from "./live_state.ts";
import { identityOf, type Manifest } from "./manifest.ts";
import type { TopicFileReader } from "./topic_file_reader.ts";

/** How often it looks again where files are not as `sequence.live` says, since their session may be at its end: in any case... */
const MIN_LOOKS = 3;
/** ...and while there is a writer... */
const MAX_LOOKS = 200;
/** ...and while nobody tells whether there is one. */
const MAX_FAR_LOOKS = 30;
/** How long it goes on where a server cannot be reached, in ms. */
const MAX_AWAY_MS = 60_000;

/** Follows one sequence of an embedded store. */
export class EmbeddedFollower implements Follower {
  readonly #files: FollowedFiles;
  readonly #live: LiveFile;
  /** What its topics need to be read. */
  readonly #place: FollowedPlace;
  readonly #name: string;
  readonly #sequence: Pick<Manifest, "name" | "place" | "directory">;
  /** Which sequence of this name it is. */
  readonly #identity: string;
  readonly #readManifest: () => Promise<Manifest>;
  readonly #openTopic: (manifest: Manifest, topic: string) => Promise<TopicFileReader>;
  readonly #stop = new AbortController();
  /** Files that open sessions add to. */
  readonly #growing = new Map<string, FollowedTopic>();
  /** Topics that were committed. */
  readonly #committed = new Map<string, TopicFileReader>();
  /** Rows that were not known at the last checkpoint that was given out. */
  #fresh: TopicFileReader[] = [];
  /** Files of which nothing more will be read once the next checkpoint is asked for. */
  #done: HeldFile[] = [];
  /** The checkpoint that was given out last. */
  #last: Pick<LiveState, "writer" | "checkpoint"> = { writer: "", checkpoint: 0 };
  #untilNs: bigint | undefined;
  /** Sessions whose rows were told of. */
  readonly #seen = new Set<string>();
  /** Topics of sessions that are gone, of which nothing was committed. */
  readonly #lost = new Set<string>();
  /** How often a checkpoint could not be taken in a row. */
  #looks = 0;
  /** Whether nobody wrote when one could not be taken last. */
  #wasFree = false;
  /** Since when the server cannot be reached. */
  #awaySinceMs: number | undefined;
  #ended = false;
  /** Why there is nothing after the rows of the end. */
  #failure: SmaltiError | undefined;
  /** The error that says that the writer is gone. */
  #gone: SmaltiError | undefined;

  constructor(
    files: FileReader,
    engine: Engine,
    manifest: Manifest,
    readManifest: () => Promise<Manifest>,
    openTopic: (manifest: Manifest, topic: string) => Promise<TopicFileReader>,
  ) {
    this.#files = new FollowedFiles(files, manifest);
    this.#live = new LiveFile(files);
    this.#name = manifest.name;
    this.#sequence = manifest;
    this.#identity = identityOf(manifest);
    this.#readManifest = readManifest;
    this.#openTopic = openTopic;
    const committed = (info: TopicInfo) => this.#committedNow(info);
    this.#place = { files: this.#files, engine, sequence: manifest, committed, signal: this.#stop.signal };
  }

  async next(): Promise<Checkpoint | undefined> {
    this.#letGo(this.#done.splice(0));
    try {
      return await this.#next();
    } catch (reason) {
      if (!this.#stop.signal.aborted) throw reason;
      return undefined; // closed meanwhile
    } finally {
      if (this.#ended || this.#stop.signal.aborted) this.#letGoOfGrowing();
      if (this.#ended) this.#files.close();
    }
  }

  async #next(): Promise<Checkpoint | undefined> {
    while (!this.#ended && !this.#stop.signal.aborted) {
      try {
        const checkpoint = await this.#lookOnce();
        this.#awaySinceMs = undefined;
        if (checkpoint) return checkpoint;
      } catch (reason) {
        this.#refuseAway(reason);
      }
      await this.#files.wait(this.#stop.signal).catch(() => {}); // closed
    }
    if (this.#failure && !this.#stop.signal.aborted) throw this.#failure;
    return undefined;
  }

  async #lookOnce(): Promise<Checkpoint | undefined> {
    // In this order: a writer puts its manifest in place before it gives the lock back.
    const writer = await this.#files.lastWriter();
    const live = await this.#live.read(this.#sequence);
    try {
      return await this.#look(writer, live);
    } catch (reason) {
      await this.#refuse(reason);
    }
    return undefined;
  }

  /** Goes on where a server cannot be reached: it may have been started anew. */
  #refuseAway(reason: unknown): void {
    const isAway = reason instanceof SmaltiError && reason.code === "UNAVAILABLE" && reason !== this.#gone;
    if (!isAway) throw reason;
    this.#awaySinceMs ??= performance.now();
    if (performance.now() - this.#awaySinceMs > MAX_AWAY_MS) throw reason;
  }

  /** What there is to be told; undefined where there is nothing new. */
  async #look(
    writer: "alive" | "gone" | "unknown",
    live: LiveState | undefined,
  ): Promise<Checkpoint | undefined> {
    if (live && this.#isNew(live)) {
      const manifest = await this.#manifest();
      if (!live.sessions.every((id) => hasEnded(manifest, id))) return await this.#follow(live, manifest);
    }
    const isReplaced = writer === "alive" && live === undefined && await this.#files.isBeingReplaced();
    if (writer === "alive" && !isReplaced) return undefined;
    const manifest = await this.#manifest();
    // The next writer may have come since.
    if (writer === "gone" && await this.#files.writer() !== "gone") return undefined;
    if (writer === "unknown" && isGoing(manifest, live)) return undefined;
    return await this.#end(manifest, live, isReplaced);
  }

  /** Goes on where things may have changed while they were looked at: a session was removed, or its files compacted. */
  async #refuse(reason: unknown): Promise<void> {
    const mayPass = reason instanceof SmaltiError &&
      ["NOT_FOUND", "CORRUPT", "UNSUPPORTED"].includes(reason.code);
    if (!mayPass) throw reason;
    await this.#manifest(); // ABORTED where the sequence is gone
    if (++this.#looks < MIN_LOOKS) return;
    // A loss of power may have taken what the writer told of.
    const writer = await this.#files.writer();
    // Not at once: the writer may have ended just now.
    if (writer === "gone" && this.#wasFree) throw this.#unavailable();
    this.#wasFree = writer === "gone";
    if (this.#looks >= (writer === "unknown" ? MAX_FAR_LOOKS : MAX_LOOKS)) throw reason;
  }

  #unavailable(): SmaltiError {
    return this.#gone = new SmaltiError(
      "UNAVAILABLE",
      `Cannot follow sequence "${this.#name}" any further: its writer is gone; recover it to read what it left`,
      { sequence: this.#name },
    );
  }

  async check(): Promise<void> {
    await this.#manifest();
  }

  close(): void {
    this.#stop.abort();
    this.#letGo(this.#done.splice(0));
    this.#letGoOfGrowing();
    this.#files.close();
  }

  #letGoOfGrowing(): void {
    this.#letGo([...this.#growing.values()].map(({ held }) => held));
    this.#growing.clear();
  }

  #letGo(files: readonly HeldFile[]): void {
    for (const file of files) file.close().catch(() => {}); // nothing was written to it
  }

  #isNew({ writer, checkpoint }: LiveState): boolean {
    return writer !== this.#last.writer || checkpoint > this.#last.checkpoint;
  }

  /** What came with a checkpoint. */
  async #follow(live: LiveState, manifest: Manifest): Promise<Checkpoint> {
    // First: what is known of files that have been committed since tells which of their rows are fresh.
    await this.#takeCommitted(manifest);
    for (const [topic, file] of this.#growing) {
      // Its session was removed, or its writer is gone and another one came.
      if (live.topics[topic]?.session !== file.info.sessionId) this.#lose(file);
    }
    for (const [topic, { session, bytes }] of Object.entries(live.topics)) {
      if (!this.#committed.has(topic)) await this.#grow(topic, bytes, session);
    }
    // Only what is later than the last checkpoint is still to be given out.
    for (const file of this.#growing.values()) {
      if (this.#untilNs !== undefined) file.dropBefore(this.#untilNs);
    }
    this.#last = live;
    this.#looks = 0;
    this.#wasFree = false;
    for (const id of live.sessions) this.#seen.add(id);
    // The next writer may begin at an earlier time than the one before ended at.
    if (this.#untilNs === undefined || live.untilNs > this.#untilNs) this.#untilNs = live.untilNs;
    const readers = [...this.#committed.values(), ...[...this.#growing.values()].map(({ reader }) => reader)];
    return { untilNs: this.#untilNs, topics: inOrder(readers), fresh: inOrder(this.#fresh.splice(0)) };
  }

  /** What was seen of a session that was removed since is none of the sequence's rows. */
  #lose({ held, info }: FollowedTopic): void {
    this.#growing.delete(info.name);
    this.#lost.add(info.name);
    this.#fresh = this.#fresh.filter((fresh) => fresh.info.name !== info.name);
    this.#done.push(held);
  }

  /** The topic of a session that was removed after its end. Its rows may have been given out. */
  #dropCommitted({ name }: TopicInfo): void {
    this.#committed.delete(name);
    this.#fresh = this.#fresh.filter((fresh) => fresh.info.name !== name);
    this.#failure = this.#removed();
  }

  #removed(): SmaltiError {
    const text = `A session of sequence "${this.#name}" was removed while it was followed`;
    return new SmaltiError("ABORTED", text, { sequence: this.#name });
  }

  /** All the rest, once nobody writes; undefined where somebody does by now, so that it cannot be told what was lost. */
  async #end(
    manifest: Manifest,
    live: LiveState | undefined,
    isReplaced: boolean,
  ): Promise<Checkpoint | undefined> {
    const { name, state, sessions } = manifest;
    const last = sessions.at(-1);
    if (state === "recording" || live?.sessions.some((id) => !hasEnded(manifest, id))) {
      throw this.#unavailable();
    }
    await this.#takeCommitted(manifest);
    for (const file of this.#growing.values()) this.#lose(file);
    const hasLost = [...this.#seen].some((id) => !sessions.some((session) => session.id === id));
    if (hasLost && this.#lost.size > 0) {
      // A later session may have taken the name of a topic.
      const topics = [...this.#lost].filter((topic) => !this.#committed.has(topic));
      if (await this.#isLeft(topics)) {
        if (isReplaced || await this.#files.writer() === "gone") throw this.#unavailable();
        return undefined; // they may be the next writer's
      }
      this.#failure = this.#removed();
    }
    this.#ended = true;
    if (last?.state === "failed") {
      const text = `Sequence "${name}" was given up by its writer: ${last.reason ?? "no reason given"}`;
      this.#failure = new SmaltiError("ABORTED", text, { sequence: name });
    }
    const topics = inOrder([...this.#committed.values()]);
    return { untilNs: undefined, topics, fresh: inOrder(this.#fresh.splice(0)) };
  }

  /** Whether the file of a topic is there that was not committed: who removes a session removes its files. */
  async #isLeft(topics: readonly string[]): Promise<boolean> {
    const found = await Promise.allSettled(
      topics.map((topic) => this.#files.files.size(growingPath(this.#sequence, topic))),
    );
    return found.some(({ status }) => status === "fulfilled");
  }

  /** Opens what has been committed since the last time; its batches that were not known before are fresh. */
  async #takeCommitted(manifest: Manifest): Promise<void> {
    for (const { info } of this.#committed.values()) {
      if (
        !manifest.topics.some(({ name, sessionId }) => name === info.name && sessionId === info.sessionId)
      ) {
        this.#dropCommitted(info);
      }
    }
    const names = manifest.topics.map(({ name }) => name).filter((name) => !this.#committed.has(name));
    await Promise.all(names.map(async (name) => {
      const reader = await this.#openTopic(manifest, name);
      let file = this.#growing.get(name);
      if (file && file.info.sessionId !== reader.info.sessionId) {
        this.#lose(file);
        file = undefined;
      }
      if (file) {
        // Of rows that nobody can tell from those known before, those that come too late are not told.
        const fresh = await file.rest(reader);
        if (fresh) this.#fresh.push(fresh);
        this.#growing.delete(name);
        this.#done.push(file.held);
      } else this.#fresh.push(reader);
      this.#committed.set(name, reader);
    }));
  }

  /** Takes the batches that a topic's file has beyond those known. */
  async #grow(topic: string, size: number, session: string): Promise<void> {
    const known = this.#growing.get(topic) ?? await FollowedTopic.open(this.#place, topic, size, session);
    this.#growing.set(topic, known);
    await known.grow(size, this.#untilNs, (fresh) => this.#fresh.push(fresh));
  }

  /** A topic as it was committed; undefined where it was not yet. */
  async #committedNow({ name, sessionId }: TopicInfo): Promise<TopicFileReader | undefined> {
    const manifest = await this.#manifest();
    const isThere = manifest.topics.some((topic) => topic.name === name && topic.sessionId === sessionId);
    return isThere ? await this.#openTopic(manifest, name) : undefined;
  }

  async #manifest(): Promise<Manifest> {
    try {
      const manifest = await this.#readManifest();
      if (identityOf(manifest) === this.#identity) return manifest;
      throw new SmaltiError("NOT_FOUND", "Another sequence has its name");
    } catch (cause) {
      if (!isNotFound(cause)) throw cause;
      const text = `Sequence "${this.#name}" was removed while it was followed`;
      throw new SmaltiError("ABORTED", text, { sequence: this.#name, cause });
    }
  }
}

function hasEnded({ sessions }: Manifest, id: string): boolean {
  return sessions.some((session) => session.id === id && session.state !== "recording");
}

function inOrder(topics: readonly TopicSource[]): TopicSource[] {
  return [...topics].sort((a, b) => compareNames(a.info.name, b.info.name));
}
