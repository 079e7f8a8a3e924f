/**
 * What clients are writing: sequences begun, sessions and topics still open. One session of a sequence at a time, as
 * the store has one writer.
 *
 * @module
 */
import type { Backend, SequenceSink } from "../../backend.ts";
import { SmaltiError } from "../../error.ts";
import type { Metadata, TopicSchema } from "../../types.ts";
import { locatorOf, parseTopicLocator } from "../locator.ts";

/** A topic that was created in a session still open. */
export interface OpenTopic {
  readonly uuid: string;
  readonly name: string;
  readonly schema: Omit<TopicSchema, "fields">;
  readonly created: Date;
  readonly session: OpenSession;
  /** Waiting for its upload, in it, past its end, or past an upload that broke off. */
  state: "created" | "uploading" | "uploaded" | "broken";
  rows: number;
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
  /** Metadata of the sequence, where this is its first session. */
  readonly first: Metadata | undefined;
  /** What its writer said went wrong: it ends as failed then. */
  failure: string | undefined;
  /** It is about to end: nothing more may be done with it. */
  ending: boolean;
}

/** What a topic is created with. */
export interface TopicRequest {
  readonly sessionUuid: string;
  readonly locator: string;
  readonly schema: Omit<TopicSchema, "fields">;
}

/** All that is open. */
export class Sessions {
  readonly #backend: Backend;
  /** Sequences without a session as yet. */
  readonly #fresh = new Map<string, { sink: SequenceSink; metadata: Metadata }>();
  readonly #open = new Set<OpenSession>();

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** How many are open. */
  get openCount(): number {
    return this.#open.size;
  }

  /** The open session of a sequence. */
  of(sequence: string): OpenSession | undefined {
    return [...this.#open].find((session) => session.sequence === sequence);
  }

  /** ALREADY_EXISTS, LOCKED. */
  async createSequence(name: string, metadata: Metadata): Promise<void> {
    this.#fresh.set(name, { sink: await this.#backend.createSequence(name, metadata), metadata });
  }

  /** NOT_FOUND, LOCKED while another session is open. */
  async createSession(sequence: string): Promise<OpenSession> {
    const fresh = this.#fresh.get(sequence);
    this.#fresh.delete(sequence);
    const sink = fresh?.sink ?? await this.#update(sequence);
    const session: OpenSession = {
      uuid: crypto.randomUUID(),
      locator: `${sequence}:${crypto.randomUUID()}`,
      sequence,
      created: new Date(),
      sink,
      topics: new Map(),
      first: fresh?.metadata,
      failure: undefined,
      ending: false,
    };
    this.#open.add(session);
    return session;
  }

  async #update(sequence: string): Promise<SequenceSink> {
    const open = this.of(sequence);
    if (!open) return await this.#backend.updateSequence(sequence);
    throw new SmaltiError("LOCKED", `Session ${open.locator} is open: wanted it finalized or deleted first`, {
      sequence,
    });
  }

  /** NOT_FOUND, ALREADY_EXISTS, INVALID_ARGUMENT. */
  async createTopic({ sessionUuid, locator, schema }: TopicRequest): Promise<OpenTopic> {
    const session = this.#byUuid(sessionUuid);
    const { sequence, topic: name } = parseTopicLocator(locator);
    if (sequence !== session.sequence) {
      throw new SmaltiError(
        "INVALID_ARGUMENT",
        `Topic ${locator} is not in sequence "${session.sequence}" of session ${session.locator}`,
      );
    }
    const { topics } = await this.#backend.readInfo(sequence);
    if (session.topics.has(name) || topics.some((topic) => topic.name === name)) {
      throw new SmaltiError("ALREADY_EXISTS", `Topic "${locator}" already exists: wanted a new name`, {
        sequence,
        topic: name,
      });
    }
    this.#refuseEnding(session);
    const uuid = crypto.randomUUID();
    const topic: OpenTopic = { uuid, name, schema, created: new Date(), session, state: "created", rows: 0 };
    session.topics.set(name, topic);
    return topic;
  }

  /** Marks the one upload of a topic as begun. NOT_FOUND, INVALID_ARGUMENT, LOCKED. */
  beginUpload(locator: string, uuid: string): OpenTopic {
    const { sequence, topic: name } = parseTopicLocator(locator);
    const session = this.of(sequence);
    const topic = session?.topics.get(name);
    if (!session || !topic) {
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
    this.#refuseEnding(session);
    if (topic.state !== "created") {
      throw new SmaltiError("LOCKED", `Topic "${locator}" is ${topic.state}: wanted one without an upload`);
    }
    topic.state = "uploading";
    return topic;
  }

  /** Takes a topic back that has no upload. NOT_FOUND, LOCKED, UNSUPPORTED where it has one. */
  async deleteTopic(locator: string): Promise<void> {
    const { sequence, topic: name } = parseTopicLocator(locator);
    const topics = this.of(sequence)?.topics;
    const state = topics?.get(name)?.state;
    if (state === "created") {
      topics!.delete(name);
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

  /** Removes an open session; its sequence stays. NOT_FOUND, LOCKED. */
  async deleteSession(locator: string): Promise<void> {
    const session = [...this.#open].find((session) => session.locator === locator);
    if (!session) {
      throw new SmaltiError(
        "NOT_FOUND",
        `No open session ${JSON.stringify(locator)}: a finalized one is locked`,
      );
    }
    this.#refuseEnding(session);
    this.#refuseUploading(session);
    await this.#end(session, () => session.sink.abort("delete", "deleted"));
    // With its first session the store's sequence is gone.
    if (session.first) await this.createSequence(session.sequence, session.first);
  }

  /** Removes a sequence whole, with the session that may be open. NOT_FOUND, LOCKED. */
  async deleteSequence(name: string): Promise<void> {
    const fresh = this.#fresh.get(name);
    if (fresh) {
      this.#fresh.delete(name);
      await fresh.sink.abort("delete", "deleted");
      return;
    }
    const session = this.of(name);
    if (session) {
      this.#refuseEnding(session);
      this.#refuseUploading(session);
      await this.#end(session, () => session.sink.abort("delete", "deleted"));
      if (session.first) return;
    }
    await this.#backend.deleteSequence(name);
  }

  /** Keeps what was uploaded, marked as failed. */
  async close(): Promise<void> {
    for (const session of this.#open) session.ending = true;
    const sinks = [...this.#fresh.values(), ...this.#open].map(({ sink }) => sink);
    this.#fresh.clear();
    this.#open.clear();
    await Promise.allSettled(sinks.map((sink) => sink.abort("report", "the server was stopped")));
  }

  async #end(session: OpenSession, end: () => Promise<unknown>): Promise<void> {
    session.ending = true;
    try {
      await end();
    } catch (reason) {
      session.ending = false; // it may be tried again, or deleted
      throw reason;
    }
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
