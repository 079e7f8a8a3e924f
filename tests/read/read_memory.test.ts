import { describe, expect, it } from "vitest";
import type { TopicBatch } from "../../src/read/merge/message.ts";
import { ReadMemory } from "../../src/read/merge/read_memory.ts";

/** A batch of so many bytes, whose columns take others once they are touched. */
function makeBatch(heldBytes: number) {
  const batch = { onLoad: undefined as ((bytes: number) => void) | undefined };
  const made = {
    heldBytes,
    columnBytes: 0,
    inUse: false,
    topic: { sequence: "s", name: "t" },
    batch,
    unload() {
      made.columnBytes = 0;
    },
  };
  return { batch: made as unknown as TopicBatch, touch: (bytes: number) => batch.onLoad!(bytes) };
}

describe("ReadMemory", () => {
  it("reads ahead into half of the bound, and lets go of that for columns, before other columns", () => {
    let drops = 0;
    const memory = new ReadMemory(1000, () => (drops++, Infinity));
    const [first, second] = [makeBatch(100), makeBatch(100)];
    memory.add(first.batch);
    memory.add(second.batch);
    expect([memory.hasPlenty(300), memory.hasPlenty(301)]).toEqual([true, false]);
    memory.addAhead(200);
    memory.addAhead(100);
    expect(memory.hasPlenty(1)).toBe(false);
    first.touch(300);
    second.touch(200);
    expect([drops, first.batch.columnBytes, second.batch.columnBytes]).toEqual([0, 300, 200]);
    second.touch(1);
    expect([drops, first.batch.columnBytes, second.batch.columnBytes]).toEqual([1, 300, 201]);
    second.touch(299);
    expect([drops, first.batch.columnBytes, second.batch.columnBytes]).toEqual([1, 300, 500]);
    second.touch(1);
    expect([drops, first.batch.columnBytes, second.batch.columnBytes]).toEqual([1, 0, 501]);
  });

  it("lets go of what was read ahead for a batch that is to be opened", () => {
    let drops = 0;
    const memory = new ReadMemory(1000, () => (drops++, Infinity));
    const { batch } = makeBatch(400);
    memory.addAhead(300);
    memory.add(batch);
    memory.removeAhead(100);
    memory.reserve(400, batch.topic);
    expect(drops).toBe(0);
    memory.reserve(1, batch.topic);
    expect(drops).toBe(1);
    memory.reserve(199, batch.topic);
    expect(() => memory.reserve(1, batch.topic)).toThrow("[TOO_LARGE] Cannot replay sequence");
    expect(drops).toBe(1);
  });
});
