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
} from "../../entry/web.ts";
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
  /** Whether topics are opened when they are asked for, or {@linkcode Recording.openAll} is called. @default false */
  readonly early?: boolean;
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
    const { handler, sequence } = await openSequence(client, options);
    const recording = new Recording(client, options, handler, sequence);
    if (!options.early) await recording.openAll();
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

  /** Compiles expressions over the fields of topics that were opened. */
  get compiler(): Compiler {
    return this.#compiler ??= new Compiler(this.#info.topics);
  }

  /** Opens the topics that some texts may name, for {@linkcode compiler}. Those that cannot be opened are told of there. */
  async prepare(texts: readonly string[]): Promise<void> {
    const isNamed = ({ name, isOpen }: TopicSummary) => !isOpen && texts.some((text) => text.includes(name));
    await this.#open(this.#info.topics.filter(isNamed).map(({ name }) => name));
  }

  /** Opens all topics, so that their fields are known. */
  async openAll(): Promise<void> {
    await this.#open(
      this.#info.topics.filter(({ isOpen, error }) => !isOpen || error).map(({ name }) => name),
    );
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
    this.#sequence = sequence;
    const now = this.#tell(before.firstNs === undefined ? undefined : before.startNs);
    const hasChanged = before.rows !== now.rows || before.lastNs !== now.lastNs ||
      before.state !== now.state || before.topics.length !== now.topics.length;
    if (!hasChanged) return false;
    if (!isLive) this.#handler = await this.#client.sequenceHandler(name);
    // Those that grow are opened anew, so that their streams have what came.
    this.#topics = new Map();
    this.#info = now;
    this.#compiler = undefined;
    await this.openAll();
    return true;
  }

  /** Lets go of everything. */
  async close(): Promise<void> {
    await this.#handler[Symbol.asyncDispose]();
    await this.#client.close();
  }

  async #open(names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    const left = [...names];
    const openNext = async () => {
      for (let name = left.shift(); name !== undefined; name = left.shift()) {
        try {
          const fields = (await this.topic(name)).fields.slice(1);
          this.#fields.set(name, { fields });
        } catch (reason) {
          this.#fields.set(name, { error: toDataError(reason) });
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(TOPICS_AT_A_TIME, left.length) }, openNext));
    const { firstNs, startNs } = this.#info;
    this.#info = this.#tell(firstNs === undefined ? undefined : startNs);
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

/** What it holds is read once, but of one that is being recorded, which is refused at first. */
async function openSequence(
  client: Client,
  { name, follow }: RecordingOptions,
): Promise<{ handler: SequenceHandler; sequence: SequenceInfo }> {
  try {
    const handler = await client.sequenceHandler(name);
    return { handler, sequence: handler.info };
  } catch (reason) {
    if (!follow || !(reason instanceof SmaltiError) || reason.code !== "LOCKED") throw reason;
  }
  const sequence = await client.sequenceInfo(name);
  const handler = await client.sequenceHandler(name, { follow: sequence.state === "recording" });
  return { handler, sequence };
}
