import { SmaltiError } from "../error.ts";
import { compareNames } from "../names.ts";
import type { Store, StoreLease } from "../store/store.ts";
import { type Extent, totals } from "../util/totals.ts";
import { mergeJson } from "../util/json_text.ts";
import { Turns } from "../util/turns.ts";
import type { Metadata, SequenceState, SessionInfo, TopicInfo } from "../types.ts";
import { encodeLive, LIVE, type LiveTopic } from "./live_state.ts";
import {
  ATTACHMENTS,
  encodeManifest,
  filesOf,
  MANIFEST,
  type Manifest,
  type StoredAttachment,
  topicPath,
} from "./manifest.ts";
import { removeSequence } from "./remove_sequence.ts";
import { endSessionRemoval, stillOpen, withoutSession } from "./remove_session.ts";
import { removeReplaced } from "./replace_sequence.ts";

/** How long followers wait for a session that says nothing, in ms: what others wrote they get then. */
const SILENT_MS = 10_000;

/** What one session has written so far. */
export interface WrittenTopic {
  /** Bytes up to the end of the last batch that is durable; 0 before the first. */
  readonly syncedBytes: number;
  /** What those bytes hold. */
  readonly synced: Extent;
  /** When it was created. */
  readonly created: Date;
}

/** A session that writes. */
export interface WritingSession {
  readonly info: SessionInfo;
  /** Its topics, by name, whose files are there. */
  readonly topics: ReadonlyMap<string, WrittenTopic>;
  /** Whether it has a topic of this name, or makes one. */
  hasTopic(name: string): boolean;
}

/** What a session leaves in the manifest when it ends. */
export interface SessionEnd {
  readonly ended: SessionInfo;
  readonly topics: readonly TopicInfo[];
  readonly attachments: readonly StoredAttachment[];
  readonly metadata: Metadata;
}

/** How far a session has come, for followers. */
interface Progress {
  /** Its low watermark: no row before it is to come. */
  untilNs: bigint | undefined;
  /** Whether for now no rows are to come at all. */
  isIdle: () => boolean;
  /** When it last said anything. */
  sinceMs: number;
}

/**
 * A sequence that this client writes: its lock, its manifest, and the sessions that are open side by side. Changes of the
 * manifest and of `sequence.live` are made one after another. The lock is given back after the last session's end.
 */
export class OpenSequence {
  readonly name: string;
  readonly #store: Store;
  readonly #lease: StoreLease;
  #manifest: Manifest;
  /** The manifest of the sequence whose place it is to take: in the store until this one is committed. */
  #replaced: Uint8Array | undefined;
  /** Whether another one may have come to the store, although putting it there failed. */
  #isUnsure = false;
  /** Whether the sequence is being removed whole. */
  #isGone = false;
  readonly #turns = new Turns();
  readonly #sessions = new Map<WritingSession, Progress>();
  /** Those of them that are at their end: the manifest may speak of it, also where writing that failed. */
  readonly #ending = new Set<WritingSession>();
  /** Tells this writer's checkpoints from those of others. */
  readonly #writer: string = crypto.randomUUID();
  #checkpoint = 0;
  #publishedNs: bigint | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #prefixes = new Set<number>();
  #close = () => {};
  /** Resolves when the lock is given back. */
  readonly closed: Promise<void> = new Promise((resolve) => this.#close = resolve);

  /** @param replaced The manifest of the sequence whose place it is to take, if any: then `manifest` is not in the store. */
  constructor(store: Store, manifest: Manifest, lease: StoreLease, replaced?: Uint8Array) {
    this.#replaced = replaced;
    this.name = manifest.name;
    this.#store = store;
    this.#manifest = manifest;
    this.#lease = lease;
  }

  /** Aborts when another has taken the sequence's lock. */
  get lost(): AbortSignal {
    return this.#lease.lost;
  }

  /** Whether a session is open: only then may another join. */
  get isOpen(): boolean {
    return this.#sessions.size > 0 && !this.#isGone;
  }

  /** Whether it is to take the place of a sequence that is there still. */
  get isReplacing(): boolean {
    return this.#replaced !== undefined;
  }

  /** Where its files are. */
  get files(): string {
    return filesOf(this.#manifest);
  }

  /** The manifest as it was written last. */
  get manifest(): Manifest {
    return this.#manifest;
  }

  /** Adds a session. Rejects where the manifest cannot be written: then it is not added. */
  async join(session: WritingSession): Promise<void> {
    this.#sessions.set(session, { untilNs: undefined, isIdle: () => false, sinceMs: performance.now() });
    this.#watchSilence();
    try {
      await this.#turns.take(async () => {
        const { state, sessions } = this.#manifest;
        // What is finalized can be read while topics are added; only what is recorded tells of each session.
        if (state !== "recording" || sessions.some(({ id }) => id === session.info.id)) return;
        await this.#write({ ...this.#manifest, sessions: [...sessions, session.info] });
      });
      // It has been silent only since it can speak.
      this.#sessions.get(session)!.sinceMs = performance.now();
    } catch (reason) {
      await this.leave(session);
      throw reason;
    }
  }

  /** Refuses a topic's name that any session has. ALREADY_EXISTS. */
  refuseTaken(topic: string): void {
    const path = topicPath("", { name: topic }).slice(1);
    const isTaken = this.#manifest.topics.some(({ name }) => name === topic) ||
      this.#manifest.removing?.includes(path) ||
      [...this.#sessions.keys()].some((session) => session.hasTopic(topic));
    if (!isTaken) return;
    throw new SmaltiError(
      "ALREADY_EXISTS",
      `Cannot create topic "${topic}" of sequence "${this.name}": it is there; wanted a new name`,
      { sequence: this.name, topic },
    );
  }

  /** What the names of a session's attachments begin with: its number, or a later one where files were left under it. */
  async attachmentPrefix(): Promise<string> {
    const files = await this.#store.list(`${this.files}/${ATTACHMENTS}`);
    let number = this.#manifest.sessions.length;
    while (this.#prefixes.has(number) || files.some((file) => file.startsWith(`${number}-`))) number++;
    this.#prefixes.add(number);
    return `${number}-`;
  }

  /** Tells followers how far a session is, see {@linkcode SequenceSink.checkpoint}. Nothing where it has ended. */
  checkpoint(session: WritingSession, untilNs: bigint, isIdle = () => false): Promise<void> {
    return this.#turns.take(async () => {
      const progress = this.#sessions.get(session);
      if (!progress || this.#ending.has(session)) return;
      progress.sinceMs = performance.now();
      progress.isIdle = isIdle;
      if (progress.untilNs === undefined || untilNs > progress.untilNs) progress.untilNs = untilNs;
      await this.#publish();
    });
  }

  /** Commits a session. Where that fails it may be tried again, or given up. */
  commit(session: WritingSession, { ended, topics, attachments, metadata }: SessionEnd): Promise<Manifest> {
    return this.#turns.take(async () => {
      this.#ending.add(session);
      const before = this.#manifest;
      const isListed = before.sessions.some(({ id }) => id === ended.id);
      const sessions = isListed
        ? before.sessions.map((other) => other.id === ended.id ? ended : other)
        : [...before.sessions, ended];
      const manifest: Manifest = {
        ...before,
        state: stateOf(before.state, sessions),
        metadata: mergeJson(before.metadata, metadata),
        sessions,
        topics: [...before.topics, ...topics].sort((a, b) => compareNames(a.name, b.name)),
        attachments: [...before.attachments, ...attachments],
      };
      await this.#write(manifest);
      if (this.#replaced) {
        this.#replaced = undefined;
        // It is committed: what cannot be removed now, `recover` removes.
        await removeReplaced(this.#store, manifest).catch(() => {});
      }
      await this.#leave(session);
      return manifest;
    });
  }

  /** Removes a session with its files, and the sequence with the last one that is in it. */
  remove(session: WritingSession, files: readonly string[]): Promise<void> {
    return this.#turns.take(async () => {
      const { info: { id } } = session;
      try {
        const { state, sessions } = this.#manifest;
        const others = sessions.filter((other) => other.id !== id);
        if (others.length === 0 && this.#sessions.size === 1) {
          // From now on nobody may join.
          this.#isGone = true;
          return this.#replaced
            ? await this.#undo(this.#replaced)
            : await removeSequence(this.#store, this.#manifest.place);
        }
        // A commit of this session may be in the store although it failed: then its topics are in the manifest.
        if (others.length < sessions.length || this.#isUnsure) {
          // Of those that are joining, which come to the manifest after this one.
          if (others.length === 0) others.push(...this.#infos().filter((other) => other.id !== id));
          await this.#write({ ...this.#manifest, state: stateOf(state, others), sessions: others });
        }
        // Before the files: followers open what `sequence.live` names.
        this.#sessions.delete(session);
        if (this.isOpen) await this.#publish().catch(() => {}); // they look again where files are gone
        for (const file of files) await this.#store.remove(file);
      } finally {
        await this.#leave(session);
      }
    });
  }

  /** Removes a session that has ended, with what it wrote. NOT_FOUND, LOCKED where it is open. */
  removeEnded(id: string): Promise<void> {
    return this.#turns.take(async () => {
      if (this.#infos().some((info) => info.id === id)) throw stillOpen(this.name, id);
      await this.#write(withoutSession(this.#manifest, id));
      // It is committed: what cannot be removed now, who takes the lock next removes.
      this.#manifest = await endSessionRemoval(this.#store, this.#manifest).catch(() => this.#manifest);
    });
  }

  /** Ends a session of which nothing more is to be said in the manifest. */
  leave(session: WritingSession): Promise<void> {
    return this.#turns.take(() => this.#leave(session));
  }

  /** The sequence that was to be replaced is as it was, and nothing is left of this one. */
  async #undo(replaced: Uint8Array): Promise<void> {
    // Before the files: whichever of the two manifests is in the store, its files are whole.
    if (this.#isUnsure) await this.#store.commit(`${this.#manifest.place}/${MANIFEST}`, replaced);
    await this.#store.remove(this.files);
  }

  async #write(manifest: Manifest): Promise<void> {
    this.#isUnsure = true;
    await this.#store.commit(`${this.#manifest.place}/${MANIFEST}`, encodeManifest(manifest));
    this.#isUnsure = false;
    this.#manifest = manifest;
  }

  #infos(): SessionInfo[] {
    return [...this.#sessions.keys()].map(({ info }) => info);
  }

  /** Followers go by the manifest from now on; the lock goes with the last session. */
  async #leave(session: WritingSession): Promise<void> {
    this.#sessions.delete(session);
    clearTimeout(this.#timer);
    if (this.isOpen) return await this.#publish().catch(() => {}); // the next checkpoint makes up for it
    try {
      if (!this.#isGone) await this.#store.remove(`${this.files}/${LIVE}`).catch(() => {});
      await this.#lease.release();
    } finally {
      this.#close();
    }
  }

  /** Puts `sequence.live` in place: what the files hold now, and the time before which nothing more is to come. */
  async #publish(): Promise<void> {
    const untilNs = this.#untilNs();
    if (untilNs !== undefined && (this.#publishedNs === undefined || untilNs > this.#publishedNs)) {
      this.#publishedNs = untilNs;
    }
    this.#watchSilence();
    const going = [...this.#sessions.keys()].filter((session) => !this.#ending.has(session));
    if (this.#publishedNs === undefined || going.length === 0) return;
    const live: Record<string, LiveTopic> = {};
    for (const { info, topics } of this.#sessions.keys()) {
      for (const [topic, { syncedBytes: bytes, synced, created }] of topics) {
        const { rowCount: rows, sizeBytes: _, ...times } = synced;
        if (bytes > 0) live[topic] = { session: info.id, bytes, rows, ...times, created };
      }
    }
    const state = {
      writer: this.#writer,
      sessions: going.map(({ info }) => info.id),
      checkpoint: this.#checkpoint + 1,
      untilNs: this.#publishedNs,
      topics: live,
    };
    await this.#store.replace(`${this.files}/${LIVE}`, encodeLive(state));
    this.#checkpoint++;
  }

  /**
   * The low watermark of all sessions: that of the slowest, but for those that have been silent for long. Beyond the newest
   * row where none of them expects any.
   */
  #untilNs(): bigint | undefined {
    const all = [...this.#sessions.values()];
    const now = performance.now();
    const counted = all.filter(({ sinceMs }) => now - sinceMs < SILENT_MS);
    const waited = counted.filter(({ isIdle }) => !isIdle());
    const marks = (waited.length > 0 ? counted : all).map(({ untilNs }) => untilNs);
    if (waited.length > 0) {
      const known = marks.filter((mark) => mark !== undefined);
      return known.length < marks.length
        ? undefined
        : known.reduce((least, mark) => mark < least ? mark : least);
    }
    // Nobody is waited for: of all that was told the latest counts, and what was committed is given out too.
    const { lastNs } = totals(this.#manifest.topics);
    return [...marks, lastNs === undefined ? undefined : lastNs + 1n].reduce((most, mark) =>
      most === undefined || (mark !== undefined && mark > most) ? mark : most
    );
  }

  /** Where several sessions are open, one that falls silent is no longer waited for, without a word from anybody. */
  #watchSilence(): void {
    clearTimeout(this.#timer);
    // Of one session alone followers have all but what it does not tell of.
    if (this.#sessions.size < 2 && this.#manifest.topics.length === 0) return;
    const now = performance.now();
    const left = [...this.#sessions.values()].map(({ sinceMs }) => sinceMs + SILENT_MS - now).filter((ms) =>
      ms > 0
    );
    if (left.length === 0) return;
    this.#timer = setTimeout(() => {
      this.#turns.take(async () => {
        if (this.isOpen) await this.#publish();
      }).catch(() => {}); // the next checkpoint makes up for it
    }, Math.min(...left));
  }
}

/** What a sequence is, with these sessions. A session that was added later leaves it as it was, however it ends. */
function stateOf(before: SequenceState, sessions: readonly SessionInfo[]): SequenceState {
  if (before !== "recording") return before;
  const states = new Set(sessions.map(({ state }) => state));
  return states.has("recording") ? "recording" : states.has("finalized") ? "finalized" : "failed";
}
