/**
 * Following a sequence that is being written. At each checkpoint the writer, whose topics have all been flushed by then,
 * replaces `sequence.live`: how far each file is whole, and before which time nothing more is to come. Followers look
 * for a new one from time to time: so it works in any process, over any store that tells whether a writer lives.
 *
 * @module
 */
import type { Checkpoint, Follower, TopicSource } from "../backend.ts";
import { openBatch } from "../arrow/stored_batch.ts";
import type { Engine } from "../engine.ts";
import { isNotFound, SmaltiError } from "../error.ts";
import { compareNames } from "../names.ts";
import { pause } from "../util/pause.ts";
import type { HeldFile, Store } from "../store/store.ts";
import { TimeSlice } from "../util/time_slice.ts";
import type { TopicInfo, TopicSchema } from "../types.ts";
import { type LiveState, readLive } from "./live_state.ts";
import { filesOf, type Manifest, TOPIC_SUFFIX, topicInfo, topicPath } from "./manifest.ts";
import { hasOtherDirectory } from "./replace_sequence.ts";
import { readFrame, readSchema } from "./recover_topic_file.ts";
import { LOCK } from "./remove_sequence.ts";
import { TopicFileReader } from "./topic_file_reader.ts";
import type { IndexedBatch } from "./topic_index.ts";

/** How long a follower waits before it looks again, in ms. */
const POLL_MS = 50;
/** How often it looks again where files are not as `sequence.live` says, since their session may be at its end: in any case... */
const MIN_LOOKS = 3;
/** ...and while there is a writer. */
const MAX_LOOKS = 200;

/** What is known of a topic's file while it grows. */
interface GrowingFile {
  /** Held open: at the end of the session another file may come to its path, with the same rows in other batches. */
  readonly held: HeldFile;
  readonly info: TopicInfo;
  readonly schema: TopicSchema;
  /** Batches that may hold rows still to be given out; those before them are done with. */
  batches: IndexedBatch[];
  /** How many are done with. */
  done: number;
  /** Where the next batch begins. */
  end: number;
}

/** Follows one sequence of an embedded store. */
export class EmbeddedFollower implements Follower {
  readonly #store: Store;
  readonly #engine: Engine;
  readonly #name: string;
  readonly #sequence: Pick<Manifest, "name" | "place" | "directory">;
  /** Which sequence of this name it is. */
  readonly #identity: string;
  readonly #readManifest: () => Promise<Manifest>;
  readonly #openTopic: (manifest: Manifest, topic: string) => Promise<TopicFileReader>;
  readonly #stop = new AbortController();
  /** Files that open sessions add to. */
  readonly #growing = new Map<string, GrowingFile>();
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
  #ended = false;
  /** Why there is nothing after the rows of the end. */
  #failure: SmaltiError | undefined;

  constructor(
    store: Store,
    engine: Engine,
    manifest: Manifest,
    readManifest: () => Promise<Manifest>,
    openTopic: (manifest: Manifest, topic: string) => Promise<TopicFileReader>,
  ) {
    this.#store = store;
    this.#engine = engine;
    this.#name = manifest.name;
    this.#sequence = manifest;
    this.#identity = identityOf(manifest);
    this.#readManifest = readManifest;
    this.#openTopic = openTopic;
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
    }
  }

  async #next(): Promise<Checkpoint | undefined> {
    while (!this.#ended && !this.#stop.signal.aborted) {
      // In this order: a writer puts its manifest in place before it gives the lock back.
      const holder = await this.#store.lockedBy(`${this.#sequence.place}/${LOCK}`);
      const live = await readLive(this.#store, this.#sequence);
      try {
        const checkpoint = await this.#look(holder, live);
        if (checkpoint) return checkpoint;
      } catch (reason) {
        await this.#refuse(reason);
      }
      await pause(POLL_MS, this.#stop.signal).catch(() => {}); // closed
    }
    if (this.#failure && !this.#stop.signal.aborted) throw this.#failure;
    return undefined;
  }

  /** What there is to be told; undefined where there is nothing new. */
  async #look(holder: string | undefined, live: LiveState | undefined): Promise<Checkpoint | undefined> {
    if (live && this.#isNew(live)) {
      const manifest = await this.#manifest();
      if (!live.sessions.every((id) => hasEnded(manifest, id))) return await this.#follow(live, manifest);
    }
    const isReplaced = holder !== undefined && live === undefined && await this.#isBeingReplaced();
    if (holder !== undefined && !isReplaced) return undefined;
    const manifest = await this.#manifest();
    // The next writer may have come since.
    if (!isReplaced && await this.#store.lockedBy(`${this.#sequence.place}/${LOCK}`) !== undefined) {
      return undefined;
    }
    return await this.#end(manifest, live, isReplaced);
  }

  /** Whether who holds the lock adds nothing to this sequence, but records another that is to take its place. */
  async #isBeingReplaced(): Promise<boolean> {
    return hasOtherDirectory(this.#sequence, await this.#store.list(this.#sequence.place));
  }

  /** Goes on where things may have changed while they were looked at: a session was removed, or its files compacted. */
  async #refuse(reason: unknown): Promise<void> {
    const mayPass = reason instanceof SmaltiError &&
      ["NOT_FOUND", "CORRUPT", "UNSUPPORTED"].includes(reason.code);
    if (!mayPass) throw reason;
    await this.#manifest(); // ABORTED where the sequence is gone
    if (++this.#looks < MIN_LOOKS) return;
    // A loss of power may have taken what the writer told of.
    const isFree = await this.#store.lockedBy(`${this.#sequence.place}/${LOCK}`) === undefined;
    // Not at once: the writer may have ended just now.
    if (isFree && this.#wasFree) throw this.#unavailable();
    this.#wasFree = isFree;
    if (this.#looks >= MAX_LOOKS) throw reason;
  }

  #unavailable(): SmaltiError {
    return new SmaltiError(
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
      while (this.#untilNs !== undefined && file.batches[0]?.lastNs < this.#untilNs) {
        file.batches.shift();
        file.done++;
      }
    }
    this.#last = live;
    this.#looks = 0;
    this.#wasFree = false;
    for (const id of live.sessions) this.#seen.add(id);
    // The next writer may begin at an earlier time than the one before ended at.
    if (this.#untilNs === undefined || live.untilNs > this.#untilNs) this.#untilNs = live.untilNs;
    const readers = [...this.#committed.values(), ...[...this.#growing.values()].map((f) => this.#reader(f))];
    return { untilNs: this.#untilNs, topics: inOrder(readers), fresh: inOrder(this.#fresh.splice(0)) };
  }

  /** What was seen of a session that was removed since is none of the sequence's rows. */
  #lose({ held, info }: GrowingFile): void {
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
        const holder = isReplaced ? undefined : await this.#store.lockedBy(`${this.#sequence.place}/${LOCK}`);
        if (holder === undefined) throw this.#unavailable();
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
      topics.map((topic) => this.#store.size(this.#where(topic).file)),
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
      // The file may have been written anew for the commit: the one that is held has the batches as they were flushed.
      if (file) {
        const fresh = await this.#readOn(file, Infinity);
        const known = file.done + file.batches.length;
        this.#fresh.push(this.#reader({ ...file, batches: fresh.batches, done: known }));
        this.#growing.delete(name);
        this.#done.push(file.held);
      } else this.#fresh.push(reader);
      this.#committed.set(name, reader);
    }));
  }

  /** Takes the batches that a topic's file has beyond those known. */
  async #grow(topic: string, size: number, session: string): Promise<void> {
    const known = this.#growing.get(topic) ?? await this.#begin(topic, size, session);
    this.#growing.set(topic, known);
    const { batches, end } = await this.#readOn(known, size);
    if (end < size) {
      const text = `No batch at byte ${end} of a file of ${size}`;
      throw new SmaltiError("CORRUPT", text, this.#where(topic));
    }
    if (batches.length > 0) {
      const done = known.done + known.batches.length;
      this.#fresh.push(this.#reader({ ...known, batches, done }));
    }
    known.batches.push(...batches);
    known.end = end;
  }

  /** The batches of a file from the end of those known on, up to a size or where there is no batch. */
  async #readOn(
    { held, schema, end: start, info }: GrowingFile,
    size: number,
  ): Promise<{ batches: IndexedBatch[]; end: number }> {
    const where = this.#where(info.name);
    const batches: IndexedBatch[] = [];
    const slice = new TimeSlice();
    let end = start;
    try {
      while (end < size) {
        const frame = await readFrame(held.read, end, size);
        if (!frame) break;
        const { length } = frame.message;
        const opened = openBatch(this.#engine, frame.message, { fields: schema.fields, where });
        // Nobody vouches for what lies beyond the last checkpoint: a loss of power may have left a part of it.
        if (size === Infinity) opened.table.loadAll();
        const { rows, times, headerCrc } = opened;
        const [firstNs, lastNs] = [times[0], times[rows - 1]];
        batches.push({ offset: end, length, rows, firstNs, lastNs, headerCrc: headerCrc! });
        end += length;
        await slice.pause();
      }
      return { batches, end };
    } catch (reason) {
      // What follows the last whole batch of a file is no batch.
      if (size === Infinity && reason instanceof SmaltiError && reason.code === "CORRUPT") {
        return { batches, end };
      }
      throw reason instanceof SmaltiError ? reason.at(where) : reason;
    }
  }

  async #begin(topic: string, size: number, sessionId: string): Promise<GrowingFile> {
    const where = this.#where(topic);
    const held = await this.#store.open(where.file).catch((reason) => {
      // Older versions took the topic's name.
      if (!isNotFound(reason)) throw reason;
      return this.#store.open(
        topicPath(filesOf(this.#sequence), { name: topic, file: topic + TOPIC_SUFFIX }),
      );
    });
    try {
      const found = await readSchema(held.read, this.#engine, size);
      if (!found) throw new SmaltiError("CORRUPT", `File of ${size} bytes ends within its schema`);
      const { schema, end } = found;
      // What only the commit tells is not known yet.
      const counts = { rowCount: 0, sizeBytes: size };
      const info = topicInfo(topic, schema, counts, { created: new Date(), sessionId });
      return { held, info, schema, batches: [], done: 0, end };
    } catch (reason) {
      await held.close();
      throw reason instanceof SmaltiError ? reason.at(where) : reason;
    }
  }

  #where(topic: string): { sequence: string; topic: string; file: string } {
    return { sequence: this.#name, topic, file: topicPath(filesOf(this.#sequence), { name: topic }) };
  }

  #reader({ held, info, schema, batches, done }: GrowingFile): TopicFileReader {
    const { file } = this.#where(info.name);
    const parts = { info, schema, batches, done };
    return TopicFileReader.of(held.read, this.#engine, file, parts, this.#name);
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

function identityOf({ id, created }: Manifest): string {
  return id ?? created.toISOString();
}

function hasEnded({ sessions }: Manifest, id: string): boolean {
  return sessions.some((session) => session.id === id && session.state !== "recording");
}

function inOrder(topics: readonly TopicSource[]): TopicSource[] {
  return [...topics].sort((a, b) => compareNames(a.info.name, b.info.name));
}
