import { describe, expect, it } from "vitest";
import { BatchCache } from "../../src/arrow/batch_cache.ts";
import type { OpenBatch } from "../../src/arrow/stored_batch.ts";
import { isSettled } from "../support/waiting.ts";

/** A batch of so many bytes, of which nothing else is looked at. */
function batchOf(bytes: number): OpenBatch {
  const batch = {
    message: new Uint8Array(bytes),
    times: new BigInt64Array(0),
    loadedBytes: 0,
    onLoad: undefined,
  };
  return batch as unknown as OpenBatch;
}

/** Something to wait for, and what ends it. */
function gateOf<T>(): { promise: Promise<T>; open: (value: T) => void; fail: (reason: unknown) => void } {
  let open!: (value: T) => void;
  let fail!: (reason: unknown) => void;
  const promise = new Promise<T>((resolve, reject) => [open, fail] = [resolve, reject]);
  return { promise, open, fail };
}

const refuse = () => Promise.reject(new Error("opened again"));

describe("A cache of batches", () => {
  it("drops those that were not asked for the longest, and counts what is decompressed of them", async () => {
    const cache = new BatchCache(100);
    const file = cache.file()!;
    const batches = Array.from({ length: 4 }, () => batchOf(30));
    for (const number of [0, 1, 2]) await file.load(number, () => Promise.resolve(batches[number]));
    expect(cache.bytes).toBe(90);
    await file.load(0, refuse);
    await file.load(3, () => Promise.resolve(batches[3]));
    expect([0, 1, 2, 3].map((number) => file.has(number))).toEqual([true, false, true, true]);
    batches[0].onLoad!(15);
    expect([0, 1, 2, 3].map((number) => file.has(number))).toEqual([true, false, false, true]);
    expect(cache.bytes).toBe(75);
    // Of those that are not kept any longer nothing is counted.
    expect([batches[1].onLoad, batches[2].onLoad]).toEqual([undefined, undefined]);
    batches[3].onLoad!(1000);
    expect(cache.bytes).toBe(0);
  });

  it("gives what walks have passed a quarter of the room, unless it is asked for again", async () => {
    const cache = new BatchCache(120);
    const [file, other] = [cache.file()!, cache.file()!];
    for (const number of [0, 1, 2]) await file.load(number, () => Promise.resolve(batchOf(30)));
    for (let number = 0; number < 20; number++) other.keep(number, batchOf(10));
    expect([0, 1, 2].map((number) => file.has(number))).toEqual([true, true, true]);
    const kept = () =>
      Array.from({ length: 25 }, (_, number) => number).filter((number) => other.has(number));
    expect(kept()).toEqual([17, 18, 19]);
    // Asked for again it is of those that are wanted, which make room for it.
    expect(other.get(18)).toBeDefined();
    for (let number = 20; number < 25; number++) other.keep(number, batchOf(10));
    expect(kept()).toEqual([18, 22, 23, 24]);
    expect(cache.bytes).toBeLessThanOrEqual(120);
    expect([0, 1, 2].map((number) => file.has(number))).toEqual([false, true, true]);
  });

  it("keeps a batch in place of the one before of that number", () => {
    const cache = new BatchCache(120);
    const file = cache.file()!;
    const [first, second] = [batchOf(10), batchOf(20)];
    file.keep(0, first);
    file.keep(0, second);
    expect([file.get(0), cache.bytes, first.onLoad]).toEqual([second, 20, undefined]);
  });

  it("opens a batch once for all who ask meanwhile, and again after that failed", async () => {
    const file = new BatchCache(100).file()!;
    const gate = gateOf<OpenBatch>();
    let opened = 0;
    const open = () => {
      opened++;
      return gate.promise;
    };
    const calls = [file.load(0, open), file.load(0, open), file.get(0)!];
    gate.fail(new Error("as the test wants"));
    for (const call of calls) await expect(call).rejects.toThrow("as the test wants");
    expect([opened, file.has(0)]).toEqual([1, false]);
    const batch = batchOf(1);
    expect(await file.load(0, () => Promise.resolve(batch))).toBe(batch);
    expect(await file.load(0, refuse)).toBe(batch);
  });

  it("ends the wait of who gives up alone, and stops opening when nobody waits", async () => {
    const file = new BatchCache(100).file()!;
    const gate = gateOf<OpenBatch>();
    let stop: AbortSignal | undefined;
    const open = (signal: AbortSignal) => {
      stop = signal;
      return gate.promise;
    };
    const [one, two] = [new AbortController(), new AbortController()];
    const first = file.load(0, open, one.signal);
    const second = file.load(0, refuse, two.signal);
    one.abort(new Error("first"));
    await expect(first).rejects.toThrow("first");
    expect(stop!.aborted).toBe(false);
    expect(await isSettled(second)).toBe(false);
    const batch = batchOf(1);
    gate.open(batch);
    expect(await second).toBe(batch);

    const never = (signal: AbortSignal) => {
      stop = signal;
      return new Promise<OpenBatch>(() => {});
    };
    const third = file.load(1, never, two.signal);
    await Promise.resolve();
    two.abort(new Error("second"));
    await expect(third).rejects.toThrow("second");
    expect([stop!.aborted, file.has(1)]).toEqual([true, false]);
  });

  it("keeps nothing that is opened after all were let go of, nor after it is closed", async () => {
    const cache = new BatchCache(100);
    const file = cache.file()!;
    const gate = gateOf<OpenBatch>();
    const call = file.load(0, () => gate.promise);
    await Promise.resolve();
    file.clear();
    gate.open(batchOf(1));
    await call;
    expect([file.has(0), cache.bytes]).toEqual([false, 0]);

    await file.load(0, () => Promise.resolve(batchOf(1)));
    file.keep(1, batchOf(1));
    expect(cache.bytes).toBe(2);
    cache.close();
    expect([file.has(0), file.has(1), cache.bytes]).toEqual([false, false, 0]);
    await file.load(0, () => Promise.resolve(batchOf(1)));
    expect([file.has(0), cache.bytes]).toEqual([false, 0]);
  });

  it("is none where it has no room", () => {
    expect(new BatchCache(0).file()).toBeUndefined();
  });
});
