import { describe, expect, it } from "vitest";
import { SmaltiError } from "../../src/error.ts";
import type { Store, StoreLease } from "../../src/store/store.ts";
import { codeOf, content, text } from "./store.ts";

/** Two stores on one new, empty place, as two processes have them. */
export interface TwoStoresUnderTest {
  store: Store;
  other: Store;
  /** Lets `other` take a lock that `store` holds and has been silent about for too long, which `store` has not noticed. */
  takeOver(path: string): Promise<StoreLease>;
  dispose(): Promise<void>;
}

/** What `src/store/store.ts` promises of two writers on one place, and of leases that are lost. */
export function leaseContract(name: string, makeStores: () => Promise<TwoStoresUnderTest>): void {
  const test = (title: string, body: (stores: TwoStoresUnderTest) => Promise<void>) =>
    it(title, async () => {
      const stores = await makeStores();
      try {
        await body(stores);
      } finally {
        await stores.dispose();
      }
    });

  /** All that changes what is in `s`, by a file that is there and was synced. */
  const changes = (store: Store): Record<string, () => Promise<unknown>> => ({
    create: () => store.create("s/deep/new"),
    append: () => store.append("s/f", text("lost")),
    sync: () => store.sync("s/f"),
    replace: () => store.replace("s/live", text("lost")),
    commit: () => store.commit("s/manifest", text("lost")),
    "move from": () => store.move("s/f", "t/f"),
    "move to": () => store.move("t/f", "s/f"),
    remove: () => store.remove("s/f"),
    "remove all": () => store.remove("s"),
  });

  async function prepare({ store }: TwoStoresUnderTest): Promise<StoreLease> {
    const lease = await store.lock("s/lock");
    await store.commit("s/manifest", text("first"));
    for (const path of ["s/f", "t/f"]) {
      await store.create(path);
      await store.append(path, text("synced"));
      await store.sync(path);
    }
    return lease;
  }

  describe(`Store contract, two writers: ${name}`, () => {
    test("what is synced, replaced, committed and moved is what the other reads", async (stores) => {
      const { store, other } = stores;
      await prepare(stores);
      expect([await content(other, "s/f"), await content(other, "s/manifest")]).toEqual(["synced", "first"]);
      await store.append("s/f", text(", and more"));
      await store.sync("s/f");
      expect([await content(other, "s/f"), await other.size("s/f")]).toEqual(["synced, and more", 16]);
      await store.replace("s/live", text("live"));
      await store.move("s/f", "s/g");
      expect([await content(other, "s/g"), await content(other, "s/live")])
        .toEqual(["synced, and more", "live"]);
      expect(await codeOf(other.size("s/f"))).toBe("NOT_FOUND");
      await store.remove("s");
      expect(await other.list("")).toEqual(["t"]);
    });

    test("what was appended and not synced is never beyond a gap", async (stores) => {
      const { store, other } = stores;
      await prepare(stores);
      await store.append("s/f", text("1"));
      await store.append("s/f", text("2"));
      expect(await content(store, "s/f")).toBe("synced12");
      expect("synced12".startsWith(await content(other, "s/f"))).toBe(true);
    });

    test("one of them has a lock at a time", async ({ store, other }) => {
      const lease = await store.lock("s/lock");
      expect(await codeOf(other.lock("s/lock"))).toBe("LOCKED");
      expect(await other.lockedBy("s/lock")).toMatch(/./);
      await (await other.lock("t/lock")).release();
      await lease.release();
      const next = await other.lock("s/lock");
      expect([await codeOf(store.lock("s/lock")), lease.lost.aborted]).toEqual(["LOCKED", false]);
      await next.release();
    });

    for (const first of Object.keys(changes({} as Store)).filter((name) => name !== "commit")) {
      test(`a lost lease lets nothing change once that is known, ${first} first`, async (stores) => {
        const { store, other } = stores;
        const lease = await prepare(stores);
        const next = await stores.takeOver("s/lock");
        expect(await codeOf(store.commit("s/manifest", text("lost")))).toBe("LOCKED");
        expect(lease.lost.aborted).toBe(true);
        const reason = lease.lost.reason;
        expect([reason instanceof SmaltiError, reason.code]).toEqual([true, "LOCKED"]);
        const calls = changes(store);
        for (const name of [first, ...Object.keys(calls)]) {
          expect([name, await codeOf(calls[name]())]).toEqual([name, "LOCKED"]);
        }
        expect((await other.list("s")).filter((name) => name !== "lock").sort()).toEqual(["f", "manifest"]);
        expect([await content(other, "s/f"), await content(other, "s/manifest"), await content(other, "t/f")])
          .toEqual(["synced", "first", "synced"]);
        await other.commit("s/manifest", text("second"));
        expect(await content(store, "s/manifest")).toBe("second");
        await next.release();
      });
    }

    test("a lost lease keeps from nothing else, and releasing it gives back no other's", async (stores) => {
      const { store, other } = stores;
      const lease = await prepare(stores);
      const next = await stores.takeOver("s/lock");
      expect(await codeOf(store.commit("s/manifest", text("lost")))).toBe("LOCKED");
      await store.append("t/f", text(" on"));
      expect(await content(store, "t/f")).toBe("synced on");
      await lease.release();
      await lease.release();
      expect(await codeOf(store.lock("s/lock"))).toBe("LOCKED");
      expect([next.lost.aborted, await codeOf(other.commit("s/manifest", text("second")))])
        .toEqual([false, "none"]);
      await next.release();
      const again = await store.lock("s/lock");
      await store.commit("s/manifest", text("third"));
      expect([again.lost.aborted, await content(other, "s/manifest")]).toEqual([false, "third"]);
      await again.release();
    });
  });
}
