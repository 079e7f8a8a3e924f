import type { Engine } from "../engine.ts";
import { isNotFound, SmaltiError } from "../error.ts";
import type { HeldFile } from "../store/store.ts";
import type { TopicInfo } from "../types.ts";
import type { FollowedFiles } from "./followed_files.ts";
import { type FoundBatch, GrowingFile, UnheldFile } from "./growing_file.ts";
import { filesOf, type Manifest, TOPIC_SUFFIX, topicInfo, topicPath } from "./manifest.ts";
import { TopicFileReader } from "./topic_file_reader.ts";
import type { IndexedBatch } from "./topic_index.ts";

/** Where a topic is, and what it needs to be read. */
export interface FollowedPlace {
  readonly files: FollowedFiles;
  readonly engine: Engine;
  readonly sequence: Pick<Manifest, "name" | "place" | "directory">;
  /** The topic as it was committed; undefined where it was not yet. */
  readonly committed: (info: TopicInfo) => Promise<TopicFileReader | undefined>;
  /** Ends waiting for that. */
  readonly signal: AbortSignal;
}

/** Path of the file that a writer adds a topic's rows to. */
export function growingPath(sequence: FollowedPlace["sequence"], topic: string): string {
  return topicPath(filesOf(sequence), { name: topic });
}

/** A topic that is being written, as far as one who follows it knows. */
export class FollowedTopic {
  readonly info: TopicInfo;
  /** Held open: at the end of the session another file may come to its path, with the same rows in other batches. */
  readonly held: HeldFile;
  readonly #place: FollowedPlace;
  readonly #file: GrowingFile;
  /** Batches that may hold rows still to be given out; those before them are done with. */
  readonly #batches: IndexedBatch[] = [];
  /** How many are done with. */
  #done = 0;

  private constructor(place: FollowedPlace, held: HeldFile, file: GrowingFile, info: TopicInfo) {
    this.#place = place;
    this.held = held;
    this.#file = file;
    this.info = info;
  }

  /** Opens a topic whose file is whole up to a size. NOT_FOUND, CORRUPT. */
  static async open(
    place: FollowedPlace,
    topic: string,
    size: number,
    session: string,
  ): Promise<FollowedTopic> {
    const { sequence } = place;
    const file = growingPath(sequence, topic);
    try {
      return await FollowedTopic.#openAt(file, place, topic, size, session).catch((reason) => {
        // Older versions took the topic's name.
        if (!isNotFound(reason)) throw reason;
        const older = topicPath(filesOf(sequence), { name: topic, file: topic + TOPIC_SUFFIX });
        return FollowedTopic.#openAt(older, place, topic, size, session);
      });
    } catch (reason) {
      throw reason instanceof SmaltiError ? reason.at({ sequence: sequence.name, topic, file }) : reason;
    }
  }

  static async #openAt(
    path: string,
    place: FollowedPlace,
    topic: string,
    size: number,
    session: string,
  ): Promise<FollowedTopic> {
    const { files, engine } = place;
    const held = await files.open(path);
    try {
      const file = await GrowingFile.open(engine, held.read, size, { session, isFar: !files.areHeld });
      // What only the commit tells is not known yet.
      const counts = { rowCount: 0, sizeBytes: size };
      const info = topicInfo(topic, file.schema, counts, { created: new Date(), sessionId: session });
      return new FollowedTopic(place, held, file, info);
    } catch (reason) {
      await held.close();
      throw reason;
    }
  }

  /** All that may still have to be given out. */
  get reader(): TopicFileReader {
    const { held, info } = this;
    const { committed, signal } = this.#place;
    const ended = held instanceof UnheldFile ? () => held.ended(() => committed(info), signal) : undefined;
    return this.#read(held, this.#batches, this.#done, ended);
  }

  /** Is done with batches that end before a time. */
  dropBefore(ns: bigint): void {
    let count = 0;
    while (this.#batches[count]?.lastNs < ns) count++;
    this.#batches.splice(0, count);
    this.#done += count;
  }

  /**
   * Takes the batches up to a size. CORRUPT.
   *
   * @param lateNs Rows before this time are late.
   * @param tell Hears of what was not known before, also where it ends with an error.
   */
  async grow(
    size: number,
    lateNs: bigint | undefined,
    tell: (fresh: TopicFileReader) => void,
  ): Promise<void> {
    const found: IndexedBatch[] = [];
    const late: FoundBatch[] = [];
    try {
      for await (const batch of this.#file.batches(size)) {
        const { headBytes: _, ...entry } = batch.entry;
        found.push(entry);
        // What is late is read once more, and that soon.
        if (lateNs !== undefined && entry.firstNs < lateNs) late.push(batch);
      }
    } catch (reason) {
      const { sequence } = this.#place;
      const where = {
        sequence: sequence.name,
        topic: this.info.name,
        file: growingPath(sequence, this.info.name),
      };
      throw reason instanceof SmaltiError ? reason.at(where) : reason;
    } finally {
      if (found.length > 0) {
        const held = this.held instanceof UnheldFile ? this.held.keeping(late) : this.held;
        tell(this.#read(held, found, this.#known));
        for (const entry of found) this.#batches.push(entry);
      }
    }
  }

  /**
   * The rows of the topic as it was committed which were not known before, in batches as they were flushed; undefined where
   * nobody can tell which they are.
   */
  async rest(committed: TopicFileReader): Promise<TopicFileReader | undefined> {
    const batches: IndexedBatch[] = [];
    // The file may have been written anew for the commit: the one that is held has the batches as they were.
    if (!(this.held instanceof UnheldFile)) {
      for await (const { entry } of this.#file.rest()) batches.push(entry);
      return this.#read(this.held, batches, this.#known);
    }
    const { offset, length, rows, firstNs, lastNs, headerCrc } = committed.index;
    const last = this.#known - 1;
    const isSame = last < 0 || (offset[last] + length[last] === this.#file.end &&
      (this.#batches.length === 0 || this.#batches.at(-1)!.headerCrc === headerCrc[last]));
    if (!isSame) return undefined;
    for (let i = this.#known; i < offset.length; i++) {
      batches.push({
        ...{ offset: offset[i], length: length[i], rows: rows[i] },
        ...{ firstNs: firstNs[i], lastNs: lastNs[i], headerCrc: headerCrc[i] },
      });
    }
    return this.#read(this.held, batches, this.#known);
  }

  /** How many batches are known. */
  get #known(): number {
    return this.#done + this.#batches.length;
  }

  #read(
    held: HeldFile,
    batches: readonly IndexedBatch[],
    done: number,
    ended?: () => Promise<TopicFileReader | undefined>,
  ): TopicFileReader {
    const { engine, sequence } = this.#place;
    const parts = { info: this.info, schema: this.#file.schema, batches, done, ended };
    const path = growingPath(sequence, this.info.name);
    return TopicFileReader.of(held.read, engine, path, parts, sequence.name);
  }
}
