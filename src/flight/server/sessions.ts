/**
 * What clients are writing: sequences begun, sessions and topics still open. A sequence may have several sessions open.
 *
 * @module
 */
import type { Backend, SequenceSink } from "../../backend.ts";
import { isNotFound, SmaltiError } from "../../error.ts";
import { quoted } from "../../util/excerpt.ts";
import { jsonText } from "../../util/json_text.ts";
import { type Extent, totals } from "../../util/totals.ts";
import type { Metadata, TopicSchema } from "../../types.ts";
import { newTopicName } from "../../names.ts";
import { locatorOf, parseSessionLocator, parseTopicLocator, sessionLocatorOf } from "../locator.ts";

/** Of a sequence and all its topics, in characters as a manifest is written. */
const MAX_METADATA = 16 * 2 ** 20;

const NOTHING: Extent = totals([]);

/** A topic that was created in a session still open. */
export interface OpenTopic {
  readonly uuid: string;
  readonly name: string;
  readonly schema: Omit<TopicSchema, "fields">;
  readonly created: Date;
  readonly session: OpenSession;
  /** Of its metadata, as a manifest has it. */
  readonly characters: number;
  /** Waiting for its upload, in it, past its end, or past an upload that broke off. */
  state: "created" | "uploading" | "uploaded" | "broken";
  /** What came of it so far. The times are those of the first and last rows of what was sent together. */
  received: Extent;
}

/** A session that is not yet finalized. */
export interface OpenSession {
  /** The token of who writes it. */
  readonly uuid: string;
  /** What others call it. */
  readonly locator: string;
  readonly sequence: string;
  readonly created: Date;
  readonly sink: SequenceSink;
  readonly topics: Map<string, OpenTopic>;
  /** What its writer said went wrong: it ends as failed then. */
  failure: string | undefined;
  /** It is about to end: nothing more may be done with it. */
  ending: boolean;
  /** Ends it where nothing is done with it. */
  timer: Timer | undefined;
}

/** A sequence without a session as yet. */
interface FreshSequence {
  readonly name: string;
  readonly sink: SequenceSink;
  timer: Timer | undefined;
}

type Timer = ReturnType<typeof setTimeout>;

/** What a topic is created with. */
export interface TopicRequest {
  readonly sessionUuid: string;
  readonly locator: string;
  readonly schema: Omit<TopicSchema, "fields">;
}

/** Options of {@linkcode Sessions}. */
export interface SessionsOptions {
  /** How long a session without an upload may be left alone, in milliseconds. */
  readonly timeoutMs: number;
  /** Hears of what fails where no client waits for it. */
  readonly onError: (reason: unknown) => void;
}

/** All that is open. What no client asks after for too long ends as failed, so that others may have the sequence. */
export class Sessions {
  readonly #backend: Backend;
  readonly #options: SessionsOptions;
  readonly #fresh = new Map<string, FreshSequence>();
  readonly #open = new Set<OpenSession>();
  #isClosed = false;

  constructor(backend: Backend, options: SessionsOptions) {
    this.#backend = backend;
    this.#options = options;
  }

  /** How many are open. */
  get openCount(): number {
    return this.#open.size;
  }

  /** The open sessions of a sequence, in the order in which they were begun. */
  of(sequence: string): OpenSession[] {
    return [...this.#open].filter((session) => session.sequence === sequence);
  }

  /** Whether a sequence is being written from here, if only by a client that has not yet begun a session. */
  isWriting(sequence: string): boolean {
    return this.#fresh.has(sequence) || this.of(sequence).length > 0;
  }

  /** A topic in an open session. */
  topic(sequence: string, name: string): OpenTopic | undefined {
    return this.of(sequence).find(({ topics }) => topics.has(name))?.topics.get(name);
  }

  /** ALREADY_EXISTS, LOCKED. */
  async createSequence(name: string, metadata: Metadata): Promise<void> {
    const fresh: FreshSequence = {
      name,
      sink: await this.#backend.createSequence(name, metadata),
      timer: undefined,
    };
    if (this.#isClosed) return await stopped(fresh.sink);
    this.#fresh.set(name, fresh);
    this.#watchFresh(fresh);
  }

  /** NOT_FOUND, LOCKED while another process writes the sequence. */
  async createSession(sequence: string): Promise<OpenSession> {
    const fresh = this.#fresh.get(sequence);
    this.#fresh.delete(sequence);
    clearTimeout(fresh?.timer);
    const sink = fresh?.sink ?? await this.#backend.updateSequence(sequence);
    const session: OpenSession = {
      uuid: crypto.randomUUID(),
      locator: sessionLocatorOf(sequence, sink.session.id),
      sequence,
      created: sink.session.created,
      sink,
      topics: new Map(),
      failure: undefined,
      ending: false,
      timer: undefined,
    };
    if (this.#isClosed) await stopped(sink);
    else {
      this.#open.add(session);
      this.#watch(session);
    }
    return session;
  }

  /** NOT_FOUND, ALREADY_EXISTS, INVALID_ARGUMENT. */
  async createTopic({ sessionUuid, locator, schema }: TopicRequest): Promise<OpenTopic> {
    const session = this.#byUuid(sessionUuid);
    const { sequence, topic: name } = parseTopicLocator(locator);
    newTopicName(name, sequence);
    if (sequence !== session.sequence) {
      throw new SmaltiError(
        "INVALID_ARGUMENT",
        `Topic ${locator} is not in sequence "${session.sequence}" of session ${session.locator}`,
      );
    }
    const { metadata, topics } = await this.#backend.readInfo(sequence);
    if (this.topic(sequence, name) || topics.some((topic) => topic.name === name)) {
      throw new SmaltiError("ALREADY_EXISTS", `Topic "${locator}" already exists: wanted a new name`, {
        sequence,
        topic: name,
      });
    }
    this.#refuseEnding(session);
    const open = this.of(sequence).flatMap(({ topics }) => [...topics.values()]);
    const known = [metadata, ...topics.map((topic) => topic.metadata)].map(charactersOf);
    const characters = charactersOf(schema.metadata);
    checkMetadata(locator, [...known, ...open.map((topic) => topic.characters), characters]);
    const uuid = crypto.randomUUID();
    const topic: OpenTopic = {
      uuid,
      name,
      schema,
      created: new Date(),
      session,
      characters,
      state: "created",
      received: NOTHING,
    };
    session.topics.set(name, topic);
    this.#watch(session);
    return topic;
  }

  /** Marks the one upload of a topic as begun. NOT_FOUND, INVALID_ARGUMENT, LOCKED. */
  beginUpload(locator: string, uuid: string): OpenTopic {
    const { sequence, topic: name } = parseTopicLocator(locator);
    const topic = this.topic(sequence, name);
    if (!topic) {
      throw new SmaltiError(
        "NOT_FOUND",
        `No topic "${locator}" in an open session: wanted one that was created`,
        {
          sequence,
          topic: name,
        },
      );
    }
    if (topic.uuid !== uuid) {
      throw new SmaltiError("INVALID_ARGUMENT", `topic_uuid is not that of topic "${locator}"`);
    }
    this.#refuseEnding(topic.session);
    if (topic.state !== "created") {
      throw new SmaltiError("LOCKED", `Topic "${locator}" is ${topic.state}: wanted one without an upload`);
    }
    topic.state = "uploading";
    return topic;
  }

  /** Marks the one upload of a topic as ended. */
  endUpload(topic: OpenTopic, state: "uploaded" | "broken"): void {
    topic.state = state;
    this.#watch(topic.session);
  }

  /** Takes note of what a writer of a sequence said went wrong: its open sessions end as failed. */
  fail(sequence: string, message: string): void {
    for (const session of this.of(sequence)) {
      session.failure ??= message;
      this.#watch(session);
    }
  }

  /** Takes a topic back that has no upload. NOT_FOUND, LOCKED, UNSUPPORTED where it has one. */
  async deleteTopic(locator: string): Promise<void> {
    const { sequence, topic: name } = parseTopicLocator(locator);
    const open = this.topic(sequence, name);
    const state = open?.state;
    if (open && state === "created") {
      open.session.topics.delete(name);
      this.#watch(open.session);
      return;
    }
    if (state === undefined) {
      const info = await this.#backend.readInfo(sequence);
      if (!info.topics.some((topic) => topic.name === name)) {
        throw new SmaltiError("NOT_FOUND", `No topic "${locator}"`, { sequence, topic: name });
      }
    }
    throw new SmaltiError(
      "LOCKED",
      `Cannot delete topic "${locator}": it is ${state ?? "finalized"}, wanted one without an upload; ` +
        "delete its session or sequence",
    );
  }

  /** Commits a session; as failed where its writer reported an error. NOT_FOUND, LOCKED. */
  async finalize(uuid: string): Promise<void> {
    const session = this.#byUuid(uuid);
    this.#refuseEnding(session);
    this.#refuseUploading(session);
    const { failure, sink, topics, locator } = session;
    if (failure === undefined) {
      const missing = [...topics.values()].find((topic) => topic.state !== "uploaded");
      if (topics.size === 0 || missing) {
        const seen = missing
          ? `topic "${missing.name}" is ${missing.state === "broken" ? "cut off" : "without an upload"}`
          : "it has no topic";
        throw new SmaltiError(
          "LOCKED",
          `Cannot finalize session ${locator}: ${seen}, wanted each topic uploaded`,
        );
      }
    }
    await this.#end(session, async () => {
      if (failure === undefined) await sink.finalize();
      else await sink.abort("report", failure);
    });
  }

  /** Removes a session with its topics, open or finalized; its sequence stays. NOT_FOUND, LOCKED. */
  async deleteSession(locator: string): Promise<void> {
    const session = [...this.#open].find((session) => session.locator === locator);
    if (!session) return await this.#deleteEnded(locator);
    const { sequence, sink } = session;
    const { metadata } = await this.#backend.readInfo(sequence);
    this.#refuseEnding(session);
    this.#refuseUploading(session);
    await this.#end(session, () => sink.abort("delete", "deleted"));
    // With its only session the store's sequence is gone.
    if (await this.#isThere(sequence)) return;
    try {
      await this.createSequence(sequence, metadata);
    } catch (reason) {
      // Somebody was faster.
      if (!(reason instanceof SmaltiError) || reason.code !== "ALREADY_EXISTS") throw reason;
    }
  }

  async #deleteEnded(locator: string): Promise<void> {
    try {
      const { sequence, id } = parseSessionLocator(locator);
      await this.#backend.deleteSession(sequence, id);
    } catch (reason) {
      const isUnknown = isNotFound(reason) || (reason as SmaltiError).code === "INVALID_NAME";
      if (!isUnknown) throw reason;
      const text = `No open session ${quoted(locator)}, and none that ended`;
      throw new SmaltiError("NOT_FOUND", text, { cause: reason });
    }
  }

  /** Removes a sequence whole, with the sessions that may be open. NOT_FOUND, LOCKED. */
  async deleteSequence(name: string): Promise<void> {
    const fresh = this.#fresh.get(name);
    if (fresh) {
      this.#fresh.delete(name);
      clearTimeout(fresh.timer);
      await fresh.sink.abort("delete", "deleted");
      return;
    }
    const sessions = this.of(name);
    for (const session of sessions) {
      this.#refuseEnding(session);
      this.#refuseUploading(session);
    }
    await Promise.all(
      sessions.map((session) => this.#end(session, () => session.sink.abort("delete", "deleted"))),
    );
    if (sessions.length > 0 && !await this.#isThere(name)) return;
    await this.#backend.deleteSequence(name);
  }

  /** Keeps what was uploaded, marked as failed. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const session of this.#open) session.ending = true;
    const ended = [...this.#fresh.values(), ...this.#open];
    for (const { timer } of ended) clearTimeout(timer);
    this.#fresh.clear();
    this.#open.clear();
    await Promise.allSettled(ended.map(({ sink }) => stopped(sink)));
  }

  async #isThere(sequence: string): Promise<boolean> {
    try {
      await this.#backend.readInfo(sequence);
      return true;
    } catch (reason) {
      if (isNotFound(reason)) return false;
      throw reason;
    }
  }

  /** Starts the time anew after which a session ends that nobody does anything with. An upload's end starts it too. */
  #watch(session: OpenSession): void {
    clearTimeout(session.timer);
    if (session.ending || !this.#open.has(session)) return;
    session.timer = setTimeout(() => {
      if (session.ending || [...session.topics.values()].some(({ state }) => state === "uploading")) return;
      this.#end(session, () => session.sink.abort("report", session.failure ?? this.#late()))
        .catch((reason) => {
          this.#options.onError(reason);
          this.#watch(session);
        });
    }, this.#options.timeoutMs);
  }

  #watchFresh(fresh: FreshSequence): void {
    fresh.timer = setTimeout(() => {
      this.#fresh.delete(fresh.name);
      fresh.sink.abort("report", this.#late()).catch(this.#options.onError);
    }, this.#options.timeoutMs);
  }

  #late(): string {
    return `no call came in ${this.#options.timeoutMs / 1000} s`;
  }

  async #end(session: OpenSession, end: () => Promise<unknown>): Promise<void> {
    session.ending = true;
    try {
      await end();
    } catch (reason) {
      session.ending = false; // it may be tried again, or deleted
      throw reason;
    }
    clearTimeout(session.timer);
    this.#open.delete(session);
  }

  #byUuid(uuid: string): OpenSession {
    const session = [...this.#open].find((session) => session.uuid === uuid);
    if (session) return session;
    throw new SmaltiError("NOT_FOUND", "No open session with this session_uuid: it is unknown or has ended");
  }

  #refuseEnding({ ending, locator }: OpenSession): void {
    if (ending) throw new SmaltiError("LOCKED", `Session ${locator} is being ended`);
  }

  #refuseUploading({ topics, sequence, locator }: OpenSession): void {
    for (const { state, name } of topics.values()) {
      if (state !== "uploading") continue;
      const text = `Cannot end session ${locator}: topic "${
        locatorOf(sequence, name)
      }" is still being uploaded`;
      throw new SmaltiError("LOCKED", text, { sequence, topic: name });
    }
  }
}

/** Refuses a topic with which the sequence's manifest would become too large to be read. */
function checkMetadata(locator: string, all: readonly number[]): void {
  const characters = all.reduce((sum, each) => sum + each, 0);
  if (characters <= MAX_METADATA) return;
  throw new SmaltiError(
    "TOO_LARGE",
    `Cannot create topic "${locator}": the metadata of the sequence and its topics would have ${characters} characters, ` +
      `wanted at most ${MAX_METADATA}`,
  );
}

function charactersOf(metadata: Metadata): number {
  return jsonText(metadata, 2).length;
}

async function stopped(sink: SequenceSink): Promise<void> {
  await sink.abort("report", "the server was stopped");
}
