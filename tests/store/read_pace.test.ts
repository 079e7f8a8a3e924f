import { describe, expect, it } from "vitest";
import { ReadPace } from "../../src/store/directory/read_pace.ts";

/** A pace whose reads take as long as they are told, on a clock of its own. */
function makePace() {
  let nowMs = 1000;
  const pace = new ReadPace(() => nowMs);
  return {
    pace,
    wait: (ms: number) => void (nowMs += ms),
    /** Does one read, the way that the pace wants it, and gives that way and the state after it. */
    read: async (ms: number, parts = 1) => {
      const read = () => void (nowMs += ms);
      const isQuick = pace.state === "quick";
      if (isQuick) pace.atOnce(read);
      else await pace.inPool(() => Promise.resolve(read()), parts);
      return `${isQuick ? "at once" : "in pool"}: ${pace.state}`;
    },
  };
}

describe("ReadPace", () => {
  it("begins in the pool, and reads at once after a read that was quick", async () => {
    const { read } = makePace();
    expect(await read(0.1)).toBe("in pool: quick");
    expect(await read(0.1)).toBe("at once: quick");
  });

  it("goes back to the pool after one read at once that was slow", async () => {
    const { read } = makePace();
    await read(0.1);
    expect(await read(0.6)).toBe("at once: slow");
    expect(await read(0.1)).toBe("in pool: slow");
  });

  it("is held for a small part of the time where every other read is slow", async () => {
    const { read, wait } = makePace();
    let [heldMs, allMs] = [0, 0];
    for (let i = 0; i < 1000; i++) {
      const ms = i % 2 === 0 ? 0.1 : 5;
      if ((await read(ms)).startsWith("at once")) heldMs += ms;
      wait(1);
      allMs += ms + 1;
    }
    expect(heldMs).toBeGreaterThan(0);
    expect(heldMs).toBeLessThan(allMs / 16);
  });

  it("never reads at once from a disk whose reads are all slow", async () => {
    const { read } = makePace();
    const ways = new Set<string>();
    for (let i = 0; i < 1000; i++) ways.add(await read(20));
    expect([...ways]).toEqual(["in pool: slow"]);
  });

  it("asks again after sixteen times what a slow read took", async () => {
    const { pace, read, wait } = makePace();
    await read(20);
    wait(319);
    expect(pace.state).toBe("slow");
    wait(1);
    expect(pace.state).toBe("unknown");
    expect(await read(0.1)).toBe("in pool: quick");
  });

  it("reads at once after eight quick reads in a row, not sooner", async () => {
    const { read } = makePace();
    await read(100);
    for (let i = 0; i < 7; i++) await read(0.1);
    expect(await read(0.6)).toBe("in pool: slow");
    for (let i = 0; i < 7; i++) expect(await read(0.1)).toBe("in pool: slow");
    expect(await read(0.1)).toBe("in pool: quick");
  });

  it("gives a large read as much time as its parts", async () => {
    expect(await makePace().read(3.9, 8)).toBe("in pool: quick");
    expect(await makePace().read(4.1, 8)).toBe("in pool: slow");
  });

  it("does not hold it against a read that it waited for others", async () => {
    const { pace, wait } = makePace();
    const ends: (() => void)[] = [];
    const reads = Array.from(
      { length: 3 },
      () => pace.inPool(() => new Promise<void>((resolve) => ends.push(resolve)), 1),
    );
    wait(5);
    for (const end of ends.slice(1)) end();
    await Promise.all(reads.slice(1));
    expect(pace.state).toBe("unknown");
    ends[0]();
    await reads[0];
    expect(pace.state).toBe("unknown");
  });

  it("takes the time of reads that fail", async () => {
    const { pace, wait } = makePace();
    await pace.inPool(() => Promise.resolve(), 1);
    const fail = () => {
      wait(20);
      throw new Error("no such disk");
    };
    expect(() => pace.atOnce(fail)).toThrow("no such disk");
    expect(pace.state).toBe("slow");
    wait(320);
    expect(pace.state).toBe("unknown");
    await expect(pace.inPool(() => Promise.reject(new Error("gone")), 1)).rejects.toThrow("gone");
    expect(pace.state).toBe("quick");
  });
});
