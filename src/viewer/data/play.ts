/**
 * Playback: the page says where its clock is, and is told what changed since it said so before.
 *
 * @module
 */
import type { Message, MessageBlock } from "../../entry/web.ts";
import { answerAt, answerOf } from "./at.ts";
import { checkWhole, isDamage, toDataError } from "./data_error.ts";
import { MAX_INT64 } from "./int64.ts";
import { pickedTree } from "./message_data.ts";
import type { AtAnswer, FrameAnswer, PlayRequest, TopicWish } from "./protocol.ts";
import type { Recording } from "./recording.ts";

/** Messages a second of the clock that are streamed; where there are more, each frame looks at what it needs. */
const MAX_RATE = 200_000;
/** How far is read ahead, in seconds of the day. */
const AHEAD = 1;
/** Bytes of batches that it holds for that. */
const MAX_BUFFERED_BYTES = 16 * 2 ** 20;

type Block = MessageBlock<[topic: string, message: Message]>;

/** One playback. Ends when it is aborted, or {@linkcode PlayOptions.endNs} was shown. */
export class Player {
  readonly #recording: Recording;
  readonly #request: PlayRequest;
  readonly #tell: (frame: FrameAnswer) => void;
  readonly #signal: AbortSignal;
  /** Where the page's clock is; undefined where that was shown. */
  #wantedNs: bigint | undefined;
  #shownNs: bigint | undefined;
  #wake = () => {};
  /** Messages to come, of which the first `#at` of the first block were taken. */
  #blocks: Block[] = [];
  #at = 0;
  #reader: AsyncIterator<Block> | undefined;
  #isEnded = false;
  /** Whether frames look at what they need, each by itself. */
  #looks: boolean;
  /** Time of the last message of each wish that was told. */
  readonly #told: (bigint | undefined)[];

  constructor(
    recording: Recording,
    request: PlayRequest,
    tell: (frame: FrameAnswer) => void,
    signal: AbortSignal,
  ) {
    this.#recording = recording;
    this.#request = request;
    this.#tell = tell;
    this.#signal = signal;
    checkWhole(request.wishes.length, "The number of wishes", 0, 1000);
    const topics = new Set(request.wishes.map(({ topic }) => topic));
    const summaries = recording.info.topics.filter(({ name }) => topics.has(name));
    const rate = summaries.reduce((sum, { rate }) => sum + rate, 0) * request.speed;
    this.#looks = recording.info.isLive || !(rate <= MAX_RATE) || summaries.some(({ error }) => error);
    this.#told = request.wishes.map(() => undefined);
    signal.addEventListener("abort", () => this.#wake(), { once: true });
  }

  /** Says where the page's clock is. Of several that wait the newest counts. */
  tick(ns: bigint): void {
    this.#wantedNs = ns;
    this.#wake();
  }

  /** Plays until it is aborted, or the recording's end was shown. */
  async run(): Promise<null> {
    try {
      for (;;) {
        this.#signal.throwIfAborted();
        const ns = this.#wantedNs;
        if (ns === undefined) {
          // A page that waits leaves time to read ahead.
          if (this.#mayReadAhead()) await this.#read();
          else await new Promise<void>((resolve) => this.#wake = resolve);
          continue;
        }
        this.#wantedNs = undefined;
        const changes = await this.#changes(ns);
        this.#shownNs = ns;
        this.#signal.throwIfAborted();
        if (changes.length > 0) this.#tell({ ns, changes });
        const { isLive, lastNs } = this.#recording.info;
        if (!isLive && (lastNs === undefined || ns >= lastNs)) return null;
      }
    } finally {
      await this.#stop();
    }
  }

  async #changes(ns: bigint): Promise<AtAnswer[]> {
    const isFirst = this.#shownNs === undefined;
    if (isFirst || ns < this.#shownNs!) {
      await this.#stop();
      this.#told.fill(undefined);
      const { wishes } = this.#request;
      const answers = await answerAt(this.#recording, { ns, wishes }, this.#signal);
      for (const { wish, timestampNs } of answers) this.#told[wish] = timestampNs;
      if (!this.#looks) this.#start(ns);
      return answers;
    }
    if (!this.#looks) {
      try {
        return await this.#taken(ns);
      } catch (reason) {
        if (!isDamage(reason)) throw reason;
        // What is whole beyond the damage is looked for frame by frame.
        this.#looks = true;
        await this.#stop();
      }
    }
    return await this.#looked(ns);
  }

  /** The last message of each wish among those that have come up to a moment. */
  async #taken(ns: bigint): Promise<AtAnswer[]> {
    const last = new Map<string, Message>();
    for (;;) {
      const block = this.#blocks[0];
      if (!block) {
        if (this.#isEnded) break;
        await this.#read();
        this.#signal.throwIfAborted();
        continue;
      }
      while (this.#at < block.length) {
        const [topic, message] = block.at(this.#at);
        if (message.timestampNs > ns) break;
        last.set(topic, message);
        this.#at++;
      }
      if (this.#at < block.length) break;
      this.#blocks.shift();
      this.#at = 0;
    }
    const wanted = this.#request.wishes.flatMap((wish, i) => last.has(wish.topic) ? [{ wish, i }] : []);
    return await Promise.all(wanted.map(({ wish, i }) => this.#answer(i, wish, last.get(wish.topic)!)));
  }

  async #answer(i: number, { as = "values", fields }: TopicWish, message: Message): Promise<AtAnswer> {
    this.#told[i] = message.timestampNs;
    const answer = await answerOf(this.#recording, i, as, message, this.#signal);
    if (answer.content?.kind !== "values" || !fields) return answer;
    return { ...answer, content: { kind: "values", data: pickedTree(answer.content.data, fields) } };
  }

  /** What the wishes have at a moment, where it is another message than was told. */
  async #looked(ns: bigint): Promise<AtAnswer[]> {
    const answers = await Promise.all(
      this.#request.wishes.map(async (wish, i): Promise<AtAnswer | undefined> => {
        try {
          const handler = await this.#recording.topic(wish.topic);
          const message = await handler.latestAt(ns, { signal: this.#signal });
          if (!message || message.timestampNs === this.#told[i]) return undefined;
          return await this.#answer(i, wish, message);
        } catch (reason) {
          this.#signal.throwIfAborted();
          return { wish: i, topic: wish.topic, content: { kind: "error", error: toDataError(reason) } };
        }
      }),
    );
    return answers.filter((answer) => answer !== undefined);
  }

  /** Whether messages are wanted before the clock comes to them. */
  #mayReadAhead(): boolean {
    if (this.#looks || !this.#reader || this.#isEnded) return false;
    const last = this.#blocks.at(-1);
    if (!last) return true;
    const aheadNs = BigInt(Math.round(AHEAD * 1e9 * Math.min(this.#request.speed, 1e6)));
    return last.at(last.length - 1)[1].timestampNs < this.#shownNs! + aheadNs;
  }

  #start(ns: bigint): void {
    const known = new Set(this.#recording.info.topics.map(({ name }) => name));
    const topics = [...new Set(this.#request.wishes.map(({ topic }) => topic))].filter((name) =>
      known.has(name)
    );
    this.#isEnded = topics.length === 0 || ns >= MAX_INT64;
    if (this.#isEnded) return;
    const stream = this.#recording.handler.getDataStreamer({
      topics,
      startNs: ns + 1n,
      maxBufferedBytes: MAX_BUFFERED_BYTES,
      signal: this.#signal,
    });
    this.#reader = stream.batches();
  }

  /** Reads a block. */
  async #read(): Promise<void> {
    try {
      const { value, done } = await this.#reader!.next();
      if (done) this.#isEnded = true;
      else this.#blocks.push(value);
    } catch (reason) {
      if (this.#wantedNs !== undefined || !isDamage(reason)) throw reason;
      // Read ahead: the frames up to it are whole.
      this.#looks = true;
      await this.#stop();
    }
  }

  async #stop(): Promise<void> {
    const reader = this.#reader;
    this.#reader = undefined;
    this.#blocks = [];
    this.#at = 0;
    this.#isEnded = false;
    await reader?.return?.();
  }
}
