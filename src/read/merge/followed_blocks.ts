import type { Follower, TopicSource } from "../../backend.ts";
import type { Engine } from "../../engine.ts";
import { isNotFound, SmaltiError } from "../../error.ts";
import type { FieldSchema } from "../../schema.ts";
import { MAX_NS, type Window } from "../../types.ts";
import { type Message, messageTopic, RowMessage } from "./message.ts";
import { reopened } from "../../reopen.ts";
import { ResumingBlocks } from "./resuming_blocks.ts";
import type { BlockArrays, RowBlock } from "./row_block.ts";
import { RowBlocks, type TopicRuns } from "./row_blocks.ts";
import type { BlockSource } from "../streamer.ts";

/** What to follow of a sequence. */
interface FollowRequest {
  readonly sequence: string;
  /** Names of topics, which may come to be later; all unless given. */
  readonly names: ReadonlySet<string> | undefined;
  readonly window: Window;
  readonly maxBytes: number;
  /** Hears of a message that came after those of its time were given out. */
  readonly onLate: ((topic: string, message: Message) => void) | undefined;
  /** Whether those are given out, as soon as they are known. */
  readonly givesLate: boolean;
  readonly signal: AbortSignal | undefined;
}

/**
 * The rows of a sequence that is being written: between two checkpoints those from the time of the one to before the
 * time of the other, so each piece is a replay of a window, and all of them together are the replay of the whole.
 */
export class FollowedBlocks {
  readonly #follower: Follower;
  readonly #engine: Engine;
  readonly #request: FollowRequest;
  /** The window between the last two checkpoints, and before it the late rows that are to be given out. */
  #parts: BlockSource[] = [];
  #topics: readonly TopicSource[] = [];
  /** The first time not yet given out. */
  #nextNs: bigint;
  readonly #seen = new Set<string>();
  #closed = false;
  /** Whether all of the window was given out, though the sequence goes on. */
  #isPast: boolean;

  constructor(follower: Follower, engine: Engine, request: FollowRequest) {
    this.#follower = follower;
    this.#engine = engine;
    this.#request = request;
    this.#nextNs = request.window.firstNs;
    this.#isPast = request.window.firstNs > request.window.lastNs;
  }

  /** Columns of the topics seen so far. */
  get fields(): Map<string, readonly FieldSchema[]> {
    return new Map(this.#topics.map(({ info, schema }) => [info.name, schema.fields]));
  }

  next(spare?: BlockArrays): Promise<RowBlock | undefined> {
    return this.#whileThere((blocks) => blocks.next(spare));
  }

  peek(): Promise<bigint | undefined> {
    return this.#whileThere((blocks) => blocks.peek());
  }

  /** Reads from one checkpoint to the next, until there is something. */
  async #whileThere<T>(read: (blocks: BlockSource) => Promise<T | undefined>): Promise<T | undefined> {
    try {
      for (;;) {
        const [part] = this.#parts;
        const found = part && await read(part);
        if (found !== undefined) return found;
        if (this.#parts.length > 1) this.#parts.shift();
        else if (!await this.#advance()) return undefined;
      }
    } catch (reason) {
      // With a sequence its files go.
      if (isNotFound(reason)) await this.#follower.check();
      throw reason;
    }
  }

  close(): void {
    this.#closed = true;
    this.#follower.close();
    for (const part of this.#parts) part.close();
  }

  /** Goes on to the next checkpoint; false at the end. */
  async #advance(): Promise<boolean> {
    const { window, sequence, names } = this.#request;
    if (this.#closed || this.#isPast) return false;
    const checkpoint = await this.#follower.next();
    if (this.#closed) return false;
    if (!checkpoint) {
      const missing = [...names ?? []].find((name) => !this.#seen.has(name));
      if (missing === undefined) return false;
      const text = `Sequence "${sequence}" has ended, and had no topic "${missing}"`;
      throw new SmaltiError("NOT_FOUND", text, { sequence, topic: missing });
    }
    const isWanted = ({ info }: TopicSource) => names?.has(info.name) ?? true;
    this.#topics = checkpoint.topics.filter(isWanted);
    for (const { info } of this.#topics) this.#seen.add(info.name);
    const late = this.#lateBlocks(checkpoint.fresh.filter(isWanted));
    if (!this.#request.givesLate) await this.#tellLate(late);
    const { untilNs = MAX_NS + 1n } = checkpoint;
    // Late rows may come to the end.
    this.#isPast = !this.#request.givesLate && checkpoint.untilNs !== undefined && untilNs > window.lastNs;
    const lastNs = untilNs > window.lastNs ? window.lastNs : untilNs - 1n;
    const part = this.#replay(this.#topics, { firstNs: this.#nextNs, lastNs });
    this.#parts = late && this.#request.givesLate ? [late, part] : [part];
    if (lastNs >= this.#nextNs) this.#nextNs = lastNs + 1n;
    return !this.#closed;
  }

  /** The rows that belong where the order has passed already. */
  #lateBlocks(fresh: readonly TopicSource[]): BlockSource | undefined {
    const { firstNs } = this.#request.window;
    if (this.#nextNs === firstNs) return undefined;
    return this.#replay(fresh, { firstNs, lastNs: this.#nextNs - 1n });
  }

  async #tellLate(blocks: BlockSource | undefined): Promise<void> {
    if (!blocks) return;
    const { onLate, sequence } = this.#request;
    try {
      for (let block = await blocks.next(); block; block = await blocks.next()) {
        for (let i = 0; i < block.length; i++) {
          const batch = block.batches[block.runs[i]]!;
          const message = new RowMessage(batch, block.rows[i]);
          if (onLate) onLate(batch.name, message);
          else {
            throw new SmaltiError(
              "OUT_OF_ORDER",
              `Cannot follow sequence "${sequence}" in time order: a message of topic "${batch.name}" at ` +
                `${message.timestampNs} ns came when those before ${this.#nextNs} ns had been given out; wanted ` +
                "onLate, or a writer with a larger latenessNs",
              { sequence, topic: batch.name },
            );
          }
        }
      }
    } finally {
      blocks.close();
    }
  }

  #replay(topics: readonly TopicSource[], window: Window): BlockSource {
    const { sequence, maxBytes, signal } = this.#request;
    let sources = topics;
    const blocksOf = (part: Window) => {
      const runs = sources.map((source): TopicRuns => ({
        topic: messageTopic(sequence, source.info.name, source.schema),
        source: source.runs(part, signal),
      }));
      return new RowBlocks(this.#engine, runs, maxBytes);
    };
    const reopen = async () => {
      sources = await Promise.all(sources.map(reopened));
    };
    return new ResumingBlocks(blocksOf(window), window, blocksOf, reopen);
  }
}
