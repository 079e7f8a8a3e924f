import { describe, expect, it } from "vitest";
import { mapLimited } from "../../src/util/map_limited.ts";
import { deferred, settle } from "../support/waiting.ts";

describe("mapLimited", () => {
  it("has so many actions under way at a time, and keeps the items' order", async () => {
    const waiting = Array.from({ length: 7 }, () => deferred<number>());
    const begun: number[] = [];
    const all = mapLimited(waiting, 3, (item) => {
      begun.push(waiting.indexOf(item));
      return item.promise;
    });
    await settle();
    expect(begun).toEqual([0, 1, 2]);
    waiting[2].resolve(12);
    await settle();
    expect(begun).toEqual([0, 1, 2, 3]);
    for (const [i, { resolve }] of waiting.entries()) resolve(10 + i);
    expect(await all).toEqual([10, 11, 12, 13, 14, 15, 16]);
    expect(await mapLimited([], 3, () => Promise.reject(new Error("never")))).toEqual([]);
  });

  it("rejects with the first failure, and begins no more", async () => {
    const begun: number[] = [];
    const failing = mapLimited([0, 1, 2, 3, 4], 2, async (item) => {
      begun.push(item);
      await settle();
      if (item === 1) throw new Error("no luck");
      await settle();
    });
    await expect(failing).rejects.toThrow("no luck");
    for (let i = 0; i < 5; i++) await settle();
    expect(begun.length).toBeLessThan(4);
  });
});
