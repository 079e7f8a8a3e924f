/**
 * Following a sequence that is being written. At each checkpoint the writer, whose topics have all been flushed by then,
 * replaces `sequence.live`: how far each file is whole, and before which time nothing more is to come. Followers look
 * for a new one from time to time: so it works in any process, over any store that tells whether a writer lives.
 *
 * @module
 */
import type { Checkpoint, Follower, TopicSource } from "../backend.ts";
import { openBatch } from "../engine/batch.ts";
import type { Engine } from "../engine/engine.ts";
import { SmaltiError } from "../error.ts";
import { compareNames } from "../names.ts";
import { pause } from "../pause.ts";
import { readAll, type Store } from "../store/store.ts";
import type { TopicInfo, TopicSchema } from "../types.ts";
import { type Manifest, topicInfo } from "./manifest.ts";
import { readFrame, readSchema } from "./recover_topic_file.ts";
import { LOCK } from "./remove_sequence.ts";
import { TopicFileReader } from "./topic_file_reader.ts";
import type { IndexedBatch } from "./topic_index.ts";

/** Its name in a sequence's directory. No topic's path can be it: topic names hold no dots. */
export const LIVE = "sequence.live";
/** How long a follower waits before it looks again, in ms. */
const POLL_MS = 50;

/** What `sequence.live` says. */
export interface LiveState {
  /** The session being written. */
  readonly session: string;
  /** How many checkpoints there were. */
  readonly checkpoint: number;
  /** Rows to come are at this time or later, as far as the writer keeps to its `latenessNs`. */
  readonly untilNs: bigint;
  /** By topic: bytes of its file up to the end of the last batch. */
  readonly sizes: { readonly [topic: string]: number };
}

/** The state as JSON text. */
export function encodeLive(state: LiveState): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ ...state, untilNs: String(state.untilNs) }) + "\n");
}

async function readLive(store: Store, sequence: string): Promise<LiveState | undefined> {
  const file = `${sequence}/${LIVE}`;
  try {
    const json = JSON.parse(new TextDecoder().decode(await readAll(store, file))) as LiveState;
    return { ...json, untilNs: BigInt(json.untilNs) };
  } catch (reason) {
    if (reason instanceof SmaltiError && reason.code === "NOT_FOUND") return undefined;
    throw SmaltiError.from(reason, "CORRUPT", "Cannot read the checkpoint").at({ sequence, file });
  }
}

/** What is known of a topic's file while it grows. */
interface GrowingFile {
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
  readonly #readManifest: () => Promise<Manifest>;
  readonly #openTopic: (manifest: Manifest, topic: string) => Promise<TopicFileReader>;
  readonly #stop = new AbortController();
  /** Files that the session being written adds to. */
  readonly #growing = new Map<string, GrowingFile>();
  /** Topics that earlier sessions committed. */
  readonly #committed = new Map<string, TopicFileReader>();
  #session = "";
  #checkpoint = 0;
  #untilNs: bigint | undefined;
  #ended = false;
  /** Why there is nothing after the rows of the end. */
  #failure: SmaltiError | undefined;

  constructor(
    store: Store,
    engine: Engine,
    name: string,
    readManifest: () => Promise<Manifest>,
    openTopic: (manifest: Manifest, topic: string) => Promise<TopicFileReader>,
  ) {
    this.#store = store;
    this.#engine = engine;
    this.#name = name;
    this.#readManifest = readManifest;
    this.#openTopic = openTopic;
  }

  async next(): Promise<Checkpoint | undefined> {
    while (!this.#ended && !this.#stop.signal.aborted) {
      // In this order: a writer puts its manifest in place before it gives the lock back.
      const holder = await this.#store.lockedBy(`${this.#name}/${LOCK}`);
      const live = await readLive(this.#store, this.#name);
      if (live && (live.session !== this.#session || live.checkpoint > this.#checkpoint)) {
        const manifest = await this.#manifest();
        if (!manifest.sessions.some(({ id, state }) => id === live.session && state !== "recording")) {
          return await this.#follow(live, manifest);
        }
      }
      if (holder === undefined) return await this.#end(await this.#manifest(), live);
      await pause(POLL_MS, this.#stop.signal).catch(() => {}); // closed
    }
    if (this.#failure && !this.#stop.signal.aborted) throw this.#failure;
    return undefined;
  }

  close(): void {
    this.#stop.abort();
  }

  /** What came with a checkpoint. */
  async #follow({ session, checkpoint, untilNs, sizes }: LiveState, manifest: Manifest): Promise<Checkpoint> {
    if (session !== this.#session) this.#growing.clear();
    this.#session = session;
    this.#checkpoint = checkpoint;
    const fresh: TopicSource[] = await this.#takeCommitted(manifest);
    for (const [topic, size] of Object.entries(sizes)) {
      const file = await this.#grow(topic, size);
      if (file.batches.length > 0) fresh.push(this.#reader(file));
      file.batches = [...(this.#growing.get(topic)?.batches ?? []), ...file.batches];
      this.#growing.set(topic, file);
    }
    // Only what is later than the last checkpoint is still to be given out.
    for (const file of this.#growing.values()) {
      while (this.#untilNs !== undefined && file.batches[0]?.lastNs < this.#untilNs) {
        file.batches.shift();
        file.done++;
      }
    }
    this.#untilNs = untilNs;
    const readers = [...this.#committed.values(), ...[...this.#growing.values()].map((f) => this.#reader(f))];
    return { untilNs, topics: inOrder(readers), fresh: inOrder(fresh) };
  }

  /** All the rest, once nobody writes. */
  async #end(manifest: Manifest, live: LiveState | undefined): Promise<Checkpoint> {
    const { name, state, sessions } = manifest;
    const last = sessions.at(-1)!;
    if (state === "recording" || (live && !sessions.some(({ id }) => id === live.session))) {
      throw new SmaltiError(
        "UNAVAILABLE",
        `Cannot follow sequence "${name}" any further: its writer is gone; recover it to read what it left`,
        { sequence: name },
      );
    }
    this.#ended = true;
    if (last.state === "failed") {
      const text = `Sequence "${name}" was given up by its writer: ${last.reason ?? "no reason given"}`;
      this.#failure = new SmaltiError("ABORTED", text, { sequence: name });
    }
    const fresh = await this.#takeCommitted(manifest);
    return { untilNs: undefined, topics: inOrder([...this.#committed.values()]), fresh: inOrder(fresh) };
  }

  /** Opens what has been committed since the last time; gives readers of the batches that were not known before. */
  async #takeCommitted(manifest: Manifest): Promise<TopicFileReader[]> {
    const names = manifest.topics.map(({ name }) => name).filter((name) => !this.#committed.has(name));
    const readers = await Promise.all(names.map((name) => this.#openTopic(manifest, name)));
    return readers.map((reader) => {
      const { name } = reader.info;
      this.#committed.set(name, reader);
      const file = this.#growing.get(name);
      this.#growing.delete(name);
      return file ? reader.since(file.end) : reader;
    });
  }

  /** The batches that a topic's file has beyond those known. */
  async #grow(topic: string, size: number): Promise<GrowingFile> {
    const where = { sequence: this.#name, topic, file: `${this.#name}/${topic}.arrow` };
    try {
      const known = this.#growing.get(topic) ?? await this.#begin(topic, where.file, size);
      const batches: IndexedBatch[] = [];
      let { end } = known;
      while (end < size) {
        const frame = await readFrame(this.#store, where.file, end, size);
        if (!frame) throw new SmaltiError("CORRUPT", `No batch at byte ${end} of a file of ${size}`);
        const { length } = frame.message;
        const opened = openBatch(this.#engine, frame.message, { fields: known.schema.fields, where });
        const { rows, times, headerCrc } = opened;
        batches.push({
          offset: end,
          length,
          rows,
          firstNs: times[0],
          lastNs: times[rows - 1],
          headerCrc: headerCrc!,
        });
        end += length;
      }
      return { ...known, batches, end };
    } catch (reason) {
      throw reason instanceof SmaltiError ? reason.at(where) : reason;
    }
  }

  async #begin(topic: string, path: string, size: number): Promise<GrowingFile> {
    const found = await readSchema(this.#store, this.#engine, path, size);
    if (!found) throw new SmaltiError("CORRUPT", `File of ${size} bytes ends within its schema`);
    const { schema, end } = found;
    // What only the commit tells is not known yet.
    const info = topicInfo(topic, schema, { rowCount: 0, sizeBytes: size }, {
      created: new Date(),
      sessionId: this.#session,
    });
    return { info, schema, batches: [], done: 0, end };
  }

  #reader({ info, schema, batches, done }: GrowingFile): TopicFileReader {
    const path = `${this.#name}/${info.name}.arrow`;
    return TopicFileReader.of(this.#store, this.#engine, path, { info, schema, batches, done }, this.#name);
  }

  async #manifest(): Promise<Manifest> {
    try {
      return await this.#readManifest();
    } catch (cause) {
      if (!(cause instanceof SmaltiError) || cause.code !== "NOT_FOUND") throw cause;
      const text = `Sequence "${this.#name}" was removed while it was followed`;
      throw new SmaltiError("ABORTED", text, { sequence: this.#name, cause });
    }
  }
}

function inOrder(topics: readonly TopicSource[]): TopicSource[] {
  return [...topics].sort((a, b) => compareNames(a.info.name, b.info.name));
}
