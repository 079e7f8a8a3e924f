/**
 * What a case did, as its actors saw it, and what must therefore be so.
 *
 * @module
 */
import type { ManifestText } from "./disk.ts";

/** A session that is silent for so long is not waited for, where others write the same sequence. */
export const SILENT_MS = 10_000;

/** A message that was pushed and taken. */
export interface Row {
  readonly serial: number;
  readonly topic: Topic;
  readonly timeNs: bigint;
  /** Place in its topic, in the order of pushing. */
  readonly place: number;
  /** Whether a follower may have been told that nothing at its time was to come. */
  readonly mayBeLate: boolean;
}

/** A topic of a session. */
export interface Topic {
  /** In its metadata, so that what is read tells what was written. */
  readonly id: number;
  readonly name: string;
  readonly session: Session;
  readonly rows: Row[];
  /** How many of the rows were promised to be durable. */
  promised: number;
  /** How many of them were in a checkpoint. */
  shown: number;
}

/** A stretch of writing. */
export interface Session {
  readonly id: number;
  readonly recording: Recording;
  readonly begunMs: number;
  readonly latenessNs: bigint;
  readonly topics: Topic[];
  newestNs: bigint | undefined;
  lastPushMs: number;
  /** Of the rows up to this time followers may have been told that no more are to come. */
  closedNs: bigint | undefined;
  /** Whether it flushes by itself after some time. */
  flushesItself: boolean;
  state: "open" | "finalized" | "ended" | "unknown";
  /** Whether it may be gone with all that was promised: its policy is to remove what is given up. */
  mayVanish: boolean;
  /** Whether it was given up, or may have been. */
  wasGivenUp: boolean;
  /** Whether all its calls went well so far. */
  isSound: boolean;
}

/** What one `sequenceCreate` made, or may have made. */
export interface Recording {
  readonly id: number;
  readonly name: string;
  /** The process that made it. */
  readonly by: string;
  readonly createdAt: number;
  /** Until when the creation was under way: a step; undefined while it is. */
  madeAt: number | undefined;
  /** Whether a process died that wrote it. */
  lostWriter: boolean;
  /** Whether its creation failed, after which it may be there, given up. */
  hasFailed: boolean;
  /** Whether it was to take the place of another, which was there when it was begun. */
  replaces: boolean;
  readonly sessions: Session[];
}

/** A removal of a sequence by name, or of the session that made it, or by another that takes its place. */
export interface Removal {
  readonly name: string;
  /** The one that was replaced; undefined for what is removed by name. */
  readonly of?: Recording;
  readonly from: number;
  to: number | undefined;
  outcome: "done" | "refused" | "unknown";
}

/** All that happened in a case. */
export class Expected {
  readonly recordings: Recording[] = [];
  readonly topics = new Map<number, Topic>();
  readonly rows: Row[] = [];
  readonly removals: Removal[] = [];
  #made = 0;

  recording(name: string, by: string, step: number): Recording {
    const recording: Recording = {
      id: ++this.#made,
      name,
      by,
      createdAt: step,
      madeAt: undefined,
      lostWriter: false,
      hasFailed: false,
      replaces: false,
      sessions: [],
    };
    this.recordings.push(recording);
    return recording;
  }

  /** A process has died, with all that it was about to do. */
  die(process: string, sessions: Iterable<Session>, step: number): void {
    for (const session of sessions) {
      session.recording.lostWriter = true;
      if (session.state === "open") session.state = "unknown";
    }
    for (const recording of this.recordings) {
      if (recording.by !== process || recording.madeAt !== undefined) continue;
      Object.assign(recording, { lostWriter: true, madeAt: step });
    }
  }

  /** A session that was begun; `facts` tell how. */
  session(
    recording: Recording,
    facts: Pick<Session, "begunMs" | "latenessNs" | "mayVanish" | "flushesItself">,
  ): Session {
    const session: Session = {
      id: ++this.#made,
      recording,
      ...facts,
      topics: [],
      newestNs: undefined,
      lastPushMs: 0,
      closedNs: undefined,
      state: "open",
      wasGivenUp: false,
      isSound: true,
    };
    recording.sessions.push(session);
    return session;
  }

  topic(session: Session, name: string): Topic {
    const topic = { id: ++this.#made, name, session, rows: [], promised: 0, shown: 0 };
    session.topics.push(topic);
    this.topics.set(topic.id, topic);
    return topic;
  }

  get nextSerial(): number {
    return this.rows.length;
  }

  /** A row that was taken. */
  push(topic: Topic, timeNs: bigint, nowMs: number): Row {
    const { session } = topic;
    // All of them: each is brought up to date.
    const late = session.recording.sessions.map((other) => this.#isLateFor(other, timeNs, nowMs));
    const mayBeLate = late.includes(true);
    const row = {
      serial: this.rows.length,
      topic,
      timeNs,

      place: topic.rows.length,
      mayBeLate,
    };
    this.rows.push(row);
    topic.rows.push(row);
    if (session.newestNs === undefined || timeNs > session.newestNs) {
      session.newestNs = timeNs;
    }
    session.lastPushMs = nowMs;
    return row;
  }

  #isLateFor(session: Session, timeNs: bigint, nowMs: number): boolean {
    const { newestNs, latenessNs, lastPushMs, state } = session;
    if (newestNs === undefined) return false;
    const idleMs = Math.max(1000, Number(latenessNs) / 1e6);
    if (state !== "open" || nowMs - lastPushMs >= idleMs) {
      session.closedNs = newestNs;
    }
    return timeNs < newestNs - latenessNs || (session.closedNs !== undefined && timeNs <= session.closedNs);
  }

  /** Whether a row may be told to be late: also where others went on while its session was silent for long. */
  mayBeLate({ mayBeLate, topic: { session } }: Row, nowMs: number): boolean {
    // What a recovery brings back comes after what others have written since.
    const isBroughtBack = session.state === "unknown";
    return mayBeLate || isBroughtBack ||
      (nowMs - session.begunMs >= SILENT_MS && session.recording.sessions.length > 1);
  }

  /** Rows that a manifest speaks of, by serial; undefined where it tells of a topic that nobody made. */
  rowsOf(
    { topics }: Pick<ManifestText, "topics">,
    names?: ReadonlySet<string>,
  ): Set<number> {
    const serials = new Set<number>();
    for (const { name, metadata, rowCount } of topics) {
      if (names && !names.has(name)) continue;
      const rows = this.topics.get(metadata.id!)?.rows ?? [];
      for (let i = 0; i < rowCount; i++) serials.add(rows[i]?.serial ?? -1);
    }
    return serials;
  }

  /** Whether a sequence, or a session that made it, may have been removed after a recording of its name was begun. */
  mayBeRemoved(recording: Recording): boolean {
    return this.removals.some(({ name, of, to, outcome }) =>
      outcome !== "refused" &&
      (of ? of === recording : name === recording.name && (to ?? Infinity) >= recording.createdAt)
    );
  }

  /** Whether another has taken its place. */
  isReplaced(recording: Recording): boolean {
    return this.removals.some(({ of, outcome }) => of === recording && outcome === "done");
  }

  /** Whether nothing of this name may be there: a removal ended after which nobody began one. */
  mustBeGone(name: string, lastStep: number): boolean {
    const made = this.recordings.filter((recording) => recording.name === name);
    return this.removals.some(({ name: removed, of, from, outcome }) =>
      removed === name && !of && outcome === "done" &&
      made.every(({ createdAt, madeAt }) => createdAt < from && (madeAt ?? lastStep) < from)
    );
  }
}

/** Compares rows as every stream is ordered: time, topic name (ASCII), order of pushing. */
export function compareRows(a: Row, b: Row): number {
  if (a.timeNs !== b.timeNs) return a.timeNs < b.timeNs ? -1 : 1;
  if (a.topic.name !== b.topic.name) {
    return a.topic.name < b.topic.name ? -1 : 1;
  }
  return a.place - b.place;
}
