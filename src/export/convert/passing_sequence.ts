/**
 * A sequence that is nowhere: its rows go from its writer to one reader, and are let go of once they are read.
 *
 * @module
 */
import { copyColumns } from "../../arrow/batching.ts";
import { bytesIn, type Columns } from "../../arrow/columns.ts";
import { timesOf } from "../../arrow/rearrange.ts";
import type { Checkpoint, Follower, SequenceSink, SequenceSource, TopicSource } from "../../backend.ts";
import { SmaltiError } from "../../error.ts";
import { compareNames } from "../../names.ts";
import {
  type AttachmentInfo,
  type Metadata,
  MIN_NS,
  type SequenceInfo,
  type SequenceState,
  type SessionInfo,
  type TopicSchema,
} from "../../types.ts";
import { Condition } from "../../util/condition.ts";
import { mergeJson } from "../../util/json_text.ts";
import { lowerBound } from "../../util/times.ts";
import { PassingTopic } from "./passing_topic.ts";

/** How many bytes its writer takes from one flush to the next. */
export const FLUSH_BYTES: number = 8 * 2 ** 20;
/** Its writer waits for the reader where so many bytes are held, and more are not needed for the reader to go on. */
const MAX_HELD_BYTES = 16 * 2 ** 20;

/**
 * Both ends of the passage. At each flush the reader gets what is older than the newest row of the flush before: rows may
 * come so much late, and are in order all the same. Those that come later still are given out when they come.
 */
export class PassingSequence implements SequenceSink, SequenceSource, Follower {
  readonly isOneShot = true;
  readonly session: Pick<SessionInfo, "id" | "created"> = { id: crypto.randomUUID(), created: new Date() };
  /** Rows that came too late to be given out in order. */
  lateCount = 0;
  readonly #name: string;
  #metadata: Metadata;
  readonly #topics = new Map<string, PassingTopic>();
  readonly #attachments = new Map<AttachmentInfo, Uint8Array>();
  #state: SequenceState = "recording";
  #failure: SmaltiError | undefined;
  #info: SequenceInfo | undefined;
  #heldBytes = 0;
  #bytesSinceFlush = 0;
  /** The newest time at the last flush. */
  #flushedNs: bigint | undefined;
  /** Before this time all is there. */
  #untilNs: bigint = MIN_NS;
  /** The reader was given all before this time. */
  #givenNs: bigint = MIN_NS;
  #isEndGiven = false;
  #isClosed = false;
  /** Whether the reader is busy with what it was given. */
  #isReading = false;
  /** Of what its two ends know of each other. */
  readonly #change = new Condition();

  constructor(name: string, metadata: Metadata) {
    this.#name = name;
    this.#metadata = metadata;
  }

  /** What is known of it so far; another object whenever it changes. */
  get info(): SequenceInfo {
    const topics = () => [...this.#topics.values()].map(({ info }) => info);
    return this.#info ??= {
      name: this.#name,
      state: this.#state,
      metadata: this.#metadata,
      created: this.session.created,
      sessions: [{
        ...this.session,
        state: this.#state,
        topics: [...this.#topics.keys()].sort(compareNames),
      }],
      topics: topics().sort((a, b) => compareNames(a.name, b.name)),
      attachments: [...this.#attachments.keys()],
    };
  }

  createTopic(name: string, schema: TopicSchema): Promise<PassingTopic> {
    this.#changed();
    const topic: PassingTopic = new PassingTopic(
      name,
      schema,
      this.session,
      (columns) => this.#take(topic, columns),
    );
    this.#topics.set(name, topic);
    return Promise.resolve(topic);
  }

  attach(info: AttachmentInfo, bytes: Uint8Array): Promise<void> {
    this.#changed();
    this.#attachments.set({ ...info, sizeBytes: bytes.length }, bytes.slice());
    return Promise.resolve();
  }

  addMetadata(metadata: Metadata): void {
    this.#changed();
    this.#metadata = mergeJson(this.#metadata, metadata);
  }

  /** Not each: one that comes for a pause says nothing of how late rows may be. */
  checkpoint(untilNs: bigint): Promise<void> {
    if (this.#bytesSinceFlush < FLUSH_BYTES / 2) return Promise.resolve();
    this.#bytesSinceFlush = 0;
    if (this.#flushedNs !== undefined && this.#flushedNs > this.#untilNs) this.#untilNs = this.#flushedNs;
    this.#flushedNs = untilNs;
    this.#change.tell();
    return Promise.resolve();
  }

  finalize(): Promise<SequenceInfo> {
    this.#changed();
    this.#state = "finalized";
    this.#change.tell();
    return Promise.resolve(this.info);
  }

  abort(_policy: "delete" | "report", reason: string): Promise<void> {
    this.#changed();
    this.#state = "failed";
    const text = `Sequence "${this.#name}" was given up: ${reason}`;
    this.#failure = new SmaltiError("ABORTED", text, { sequence: this.#name });
    this.#change.tell();
    return Promise.resolve();
  }

  openTopic(name: string): Promise<TopicSource> {
    const topic = this.#topics.get(name);
    if (topic) return Promise.resolve(topic.source([]));
    const text = `No topic "${name}" in sequence "${this.#name}"`;
    return Promise.reject(new SmaltiError("NOT_FOUND", text, { sequence: this.#name, topic: name }));
  }

  readAttachment(attachment: AttachmentInfo): Promise<Uint8Array> {
    return Promise.resolve(this.#attachments.get(attachment)!);
  }

  follow(): Follower {
    return this;
  }

  async next(): Promise<Checkpoint | undefined> {
    this.#letGo();
    for (;;) {
      if (this.#failure) throw this.#failure;
      if (this.#isClosed || this.#isEndGiven) return undefined;
      this.#isEndGiven = this.#state === "finalized";
      if (this.#isEndGiven || this.#untilNs > this.#givenNs) return this.#give();
      this.#isReading = false;
      this.#change.tell();
      await this.#change.wait();
    }
  }

  check(): Promise<void> {
    return Promise.resolve();
  }

  /** Nobody reads any more: what still comes is passed over. */
  close(): void {
    this.#isClosed = true;
    for (const topic of this.#topics.values()) topic.batches = [];
    this.#heldBytes = 0;
    this.#change.tell();
  }

  #give(): Checkpoint {
    this.#isReading = true;
    this.#givenNs = this.#untilNs;
    const topics = [...this.#topics.values()].sort((a, b) => compareNames(a.info.name, b.info.name));
    const fresh = topics.map((topic) => topic.source(topic.batches.filter(({ isFresh }) => isFresh)));
    for (const { batches } of topics) for (const batch of batches) batch.isFresh = false;
    return {
      untilNs: this.#isEndGiven ? undefined : this.#givenNs,
      topics: topics.map((topic) => topic.source(topic.batches)),
      fresh,
    };
  }

  /** Lets go of what the reader has read. */
  #letGo(): void {
    for (const topic of this.#topics.values()) {
      topic.batches = topic.batches.filter(({ lastNs, isFresh, bytes }) => {
        if (isFresh || lastNs >= this.#givenNs) return true;
        this.#heldBytes -= bytes;
        return false;
      });
    }
    this.#change.tell();
  }

  /** Takes rows in time order, which are read before it returns. Resolves when there is room for more. */
  async #take(topic: PassingTopic, given: Columns): Promise<void> {
    this.#changed();
    const bytes = bytesIn(given);
    this.#bytesSinceFlush += bytes;
    const times = timesOf(given);
    if (times[0] < this.#givenNs) this.lateCount += lowerBound(times, this.#givenNs);
    if (this.#isClosed) return;
    topic.add(copyColumns(given), bytes);
    this.#heldBytes += bytes;
    // A reader that waits needs what is still to come.
    while (this.#heldBytes > MAX_HELD_BYTES && this.#isReading && !this.#isClosed) await this.#change.wait();
  }

  #changed(): void {
    this.#info = undefined;
  }
}
