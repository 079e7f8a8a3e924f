import { describe, expect, it } from "vitest";
import type { RunSource } from "../../src/backend.ts";
import { ReadAhead } from "../../src/walk/read_ahead.ts";
import { ReadMemory } from "../../src/read/merge/read_memory.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const [BATCH, SHARED] = [256 * KIB, 8 * MIB];

/** A topic whose batches share requests: its reads, each of so many batches that were asked for together. */
class Topic implements RunSource {
  #next = 0;
  /** Batches asked for so far. */
  begun = 0;
  readonly #count: number;

  constructor(count: number) {
    this.#count = count;
  }

  get nextNs(): bigint | undefined {
    return this.#next < this.#count ? BigInt(this.#next) : undefined;
  }
  readonly nextBytes = BATCH;
  get ahead() {
    if (this.begun >= this.#count) return undefined;
    return { nextNs: BigInt(this.begun), bytes: BATCH, most: 8, sharedBytes: SHARED };
  }
  prefetch(): void {
    this.begun++;
  }
  dropAhead(): void {
    this.begun = this.#next;
  }
  open() {
    this.#next++;
    this.begun = Math.max(this.begun, this.#next);
    return Promise.resolve(undefined);
  }
  close(): void {}
}

/** Opens batches in turn, as a replay does; gives how many were asked for together, each time some were. */
async function replay(topics: Topic[], maxBytes: number): Promise<number[]> {
  const memory: ReadMemory = new ReadMemory(maxBytes, (bytes) => ahead.drop(bytes));
  const ahead = new ReadAhead(topics, memory);
  const requests: number[] = [];
  const fill = (positions: number[]) => {
    const before = topics.map(({ begun }) => begun);
    ahead.fill(positions);
    for (const [i, { begun }] of topics.entries()) if (begun > before[i]) requests.push(begun - before[i]);
  };
  const positions = [...topics.keys()];
  for (;;) {
    const waiting = positions.filter((i) => topics[i].nextNs !== undefined)
      .sort((a, b) => Number(topics[a].nextNs! - topics[b].nextNs!) || a - b);
    if (waiting.length === 0) return requests;
    if (ahead.isShared(waiting[0])) fill(waiting);
    ahead.take(waiting[0]);
    await topics[waiting[0]].open();
    fill(waiting.slice(1));
  }
}

describe("ReadAhead of topics whose batches share requests", () => {
  it("begins with little, and goes on with more the more was read", () => {
    const topic = new Topic(1000);
    const memory = new ReadMemory(64 * MIB);
    const ahead = new ReadAhead([topic], memory);
    ahead.fill([0]);
    // Up to four requests of 5 batches.
    expect(topic.begun).toBe(20);
    ahead.fill([0]);
    expect(topic.begun).toBe(20);
    for (let i = 0; i < 20; i++) {
      ahead.take(0);
      void topic.open();
      ahead.fill([0]);
    }
    const held = topic.begun - 20;
    expect(held).toBeGreaterThan(100);
    expect(held * BATCH).toBeLessThanOrEqual(memory.maxAheadBytes);
  });

  it("asks for four batches at a time where 70 topics share 64 MiB, and for more of 512 MiB", async () => {
    const topics = () => Array.from({ length: 70 }, () => new Topic(60));
    const few = await replay(topics(), 64 * MIB);
    expect(few.reduce((sum, count) => sum + count, 0)).toBe(70 * 60);
    expect(few.length).toBeLessThanOrEqual(70 * 60 / 4 * 1.2);
    const many = await replay(topics(), 512 * MIB);
    expect(many.reduce((sum, count) => sum + count, 0)).toBe(70 * 60);
    expect(many.length).toBeLessThanOrEqual(70 * 5);
  });

  it("lets go of what is needed last", () => {
    const topics = [new Topic(100), new Topic(100)];
    const ahead = new ReadAhead(topics, new ReadMemory(64 * MIB));
    ahead.fill([0, 1]);
    ahead.take(1);
    void topics[1].open();
    const [first, second] = topics.map(({ begun }) => begun);
    expect(ahead.drop(1)).toBe((second - 1) * BATCH);
    expect(topics.map(({ begun }) => begun)).toEqual([first, 1]);
  });
});
