/**
 * An open recording: its topics at hand, and what is new of one that grows.
 *
 * @module
 */
import {
  type Client,
  type SequenceHandler,
  type SequenceInfo,
  SmaltiError,
  type TopicHandler,
} from "../../entry/browser.ts";
import { secondsOf } from "../time/clock.ts";
import { toDataError } from "./data_error.ts";
import { Compiler } from "./expression/compile.ts";
import type { RecordingInfo, TopicSummary } from "./protocol.ts";
import { recordingInfo, type TopicFields } from "./recording_info.ts";

/** Topics that are opened at a time. */
const TOPICS_AT_A_TIME = 16;

/** What a recording is opened by. */
export interface RecordingOptions {
  readonly url: string;
  readonly name: string;
  readonly follow: boolean;
}

/** A recording that is open for reading. The client is its own, and closed with it. */
export class Recording {
  readonly #client: Client;
  readonly #options: RecordingOptions;
  #handler: SequenceHandler;
  #info: RecordingInfo;
  #sequence: SequenceInfo;
  #topics = new Map<string, Promise<TopicHandler>>();
  readonly #fields: Map<string, TopicFields>;
  #compiler: Compiler | undefined;

  private constructor(
    client: Client,
    options: RecordingOptions,
    handler: SequenceHandler,
    sequence: SequenceInfo,
  ) {
    this.#client = client;
    this.#options = options;
    this.#handler = handler;
    this.#sequence = sequence;
    this.#fields = new Map();
    this.#info = this.#tell(undefined);
  }

  /** Opens one. Errors as the library's; topics that cannot be opened are there, with their error. */
  static async open(client: Client, options: RecordingOptions): Promise<Recording> {
    const { name, follow } = options;
    const sequence = await client.sequenceInfo(name);
    const handler = await client.sequenceHandler(name, { follow: follow && sequence.state === "recording" });
    const recording = new Recording(client, options, handler, sequence);
    await recording.#openTopics();
    return recording;
  }

  /** The recording, as it was when it was looked at last. */
  get info(): RecordingInfo {
    return this.#info;
  }

  /** The library's handler. */
  get handler(): SequenceHandler {
    return this.#handler;
  }

  /** Where seconds are counted from. */
  get startNs(): bigint {
    return this.#info.startNs;
  }

  /** Seconds of a moment. */
  seconds(ns: bigint): number {
    return secondsOf(ns - this.startNs);
  }

  /** Compiles expressions over its fields. */
  get compiler(): Compiler {
    return this.#compiler ??= new Compiler(this.#info.topics);
  }

  /** What is told of a topic. NOT_FOUND. */
  summary(topic: string): TopicSummary {
    const summary = this.#info.topics.find(({ name }) => name === topic);
    if (summary) return summary;
    throw new SmaltiError("NOT_FOUND", `There is no topic "${topic}" in recording "${this.#info.name}"`, {
      topic,
    });
  }

  /** A topic, open. NOT_FOUND, CORRUPT. */
  async topic(name: string): Promise<TopicHandler> {
    this.summary(name);
    let opening = this.#topics.get(name);
    if (!opening) {
      opening = this.#handler.topicHandler(name);
      this.#topics.set(name, opening);
      // What failed once may be there the next time.
      opening.catch(() => this.#topics.delete(name));
    }
    return await opening;
  }

  /** Looks whether it has grown or ended, where it is followed; tells whether anything is new. */
  async look(): Promise<boolean> {
    if (!this.#info.isLive) return false;
    const before = this.#info;
    const { name } = this.#options;
    const sequence = await this.#client.sequenceInfo(name);
    const isLive = sequence.state === "recording";
    if (!isLive) this.#handler = await this.#client.sequenceHandler(name);
    this.#sequence = sequence;
    // Those that grow are opened anew, so that their streams have what came.
    this.#topics = new Map();
    await this.#openTopics(before.firstNs === undefined ? undefined : before.startNs);
    const after = this.#info;
    return before.rows !== after.rows || before.lastNs !== after.lastNs || before.state !== after.state ||
      before.topics.length !== after.topics.length;
  }

  /** Lets go of everything. */
  async close(): Promise<void> {
    await this.#handler[Symbol.asyncDispose]();
    await this.#client.close();
  }

  async #openTopics(startNs?: bigint): Promise<void> {
    this.#info = this.#tell(startNs);
    const names = this.#info.topics.map(({ name }) => name).filter((name) => {
      const known = this.#fields.get(name);
      return !known || "error" in known;
    });
    const openNext = async () => {
      for (let name = names.shift(); name !== undefined; name = names.shift()) {
        try {
          const fields = (await this.topic(name)).fields.slice(1);
          this.#fields.set(name, { fields });
        } catch (reason) {
          this.#fields.set(name, { error: toDataError(reason) });
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(TOPICS_AT_A_TIME, names.length) }, openNext));
    this.#info = this.#tell(startNs);
    this.#compiler = undefined;
  }

  #tell(startNs: bigint | undefined): RecordingInfo {
    const { url, follow } = this.#options;
    return recordingInfo({
      url,
      sequence: this.#sequence,
      fields: this.#fields,
      isLive: follow && this.#sequence.state === "recording",
      engine: this.#client.engine.name,
      startNs,
    });
  }
}
