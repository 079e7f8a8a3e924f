import { describe, expect, it } from "vitest";
import { type ClosableHandle, OpenFiles } from "../../src/store/directory/open_files.ts";
import { expectError } from "../support/errors.ts";
import { deferred, isSettled, settle } from "../support/waiting.ts";
import { seeded } from "../embedded/kill_rows.mjs";

const SEED = Math.floor(Math.random() * 2 ** 31);

/** A file that knows whether it is open, and counts. */
class FakeFile implements ClosableHandle {
  static open = 0;
  readonly key: string;
  isOpen = true;
  users = 0;

  constructor(key: string) {
    this.key = key;
    FakeFile.open++;
  }

  close(): Promise<void> {
    if (!this.isOpen) throw new Error(`${this.key} is closed twice`);
    if (this.users > 0) throw new Error(`${this.key} is closed while it is used`);
    this.isOpen = false;
    FakeFile.open--;
    return Promise.resolve();
  }
}

const opening = (key: string) => () => Promise.resolve(new FakeFile(key));

describe("OpenFiles", () => {
  it("opens a file once for calls of the same key, side by side and later", async () => {
    const files = new OpenFiles<FakeFile>(4);
    let opened = 0;
    const use = () =>
      files.use("a", () => {
        opened++;
        return Promise.resolve(new FakeFile("a"));
      }, (file) => Promise.resolve(file));
    const [first, second] = await Promise.all([use(), use()]);
    expect([await use(), second]).toEqual([first, first]);
    expect(opened).toBe(1);
    await files.close();
    expect(first.isOpen).toBe(false);
  });

  it("closes the one that was used longest ago when there are too many", async () => {
    const files = new OpenFiles<FakeFile>(2);
    const use = (key: string) => files.use(key, opening(key), (file) => Promise.resolve(file));
    const a = await use("a");
    const b = await use("b");
    await use("a");
    await use("c");
    expect([a.isOpen, b.isOpen, files.keys()]).toEqual([true, false, ["a", "c"]]);
    await files.close();
  });

  it("runs half as many calls at once, in the order they came", async () => {
    const files = new OpenFiles<FakeFile>(4);
    const gates = Array.from({ length: 5 }, () => deferred());
    const begun: number[] = [];
    const calls = gates.map((gate, i) =>
      files.use(`${i}`, opening(`${i}`), () => {
        begun.push(i);
        return gate.promise;
      })
    );
    await settle();
    expect(begun).toEqual([0, 1]);
    gates[1].resolve();
    await settle();
    expect(begun).toEqual([0, 1, 2]);
    // One that fails gives its place up too.
    gates[0].resolve(Promise.reject(new Error("no")) as never);
    await expect(calls[0]).rejects.toThrow("no");
    await settle();
    expect(begun).toEqual([0, 1, 2, 3]);
    gates.forEach((gate) => gate.resolve());
    await Promise.allSettled(calls);
    expect(begun).toEqual([0, 1, 2, 3, 4]);
    await files.close();
  });

  it("forgets a file once nobody uses it, and opens it anew", async () => {
    const files = new OpenFiles<FakeFile>(4);
    const gate = deferred();
    const old: FakeFile[] = [];
    const call = files.use("a", opening("a"), (file) => {
      old.push(file);
      return gate.promise;
    });
    await settle();
    const forgotten = files.forget("a");
    const fresh = await files.use("a", opening("a"), (file) => Promise.resolve(file));
    expect([fresh === old[0], await isSettled(forgotten), old[0].isOpen]).toEqual([false, false, true]);
    gate.resolve();
    await Promise.all([call, forgotten]);
    expect([old[0].isOpen, fresh.isOpen]).toEqual([false, true]);
    await files.forget("never there");
    await files.close();
  });

  it("tries again to open a file that could not be opened", async () => {
    const files = new OpenFiles<FakeFile>(4);
    const failing = () => Promise.reject(new Error("no such file"));
    const both = [0, 1].map(() => files.use("a", failing, (file) => Promise.resolve(file)));
    const reasons = (await Promise.allSettled(both)).map((result) =>
      result.status === "rejected" && result.reason.message
    );
    expect(reasons).toEqual(["no such file", "no such file"]);
    expect(files.keys()).toEqual([]);
    expect((await files.use("a", opening("a"), (file) => Promise.resolve(file))).isOpen).toBe(true);
    await files.close();
  });

  it("closes a file of one call after it, whether it succeeds or fails", async () => {
    const files = new OpenFiles<FakeFile>(4);
    const used: FakeFile[] = [];
    const take = (file: FakeFile) => used.push(file);
    expect(await files.once(opening("a"), (file) => Promise.resolve(take(file)))).toBe(1);
    const failing = files.once(opening("b"), (file) => Promise.reject(new Error(`no ${take(file)}`)));
    await expect(failing).rejects.toThrow("no 2");
    expect([used.map(({ isOpen }) => isOpen), files.keys()]).toEqual([[false, false], []]);
  });

  it("waits for calls under way as it closes, and refuses those that have not begun", async () => {
    const files = new OpenFiles<FakeFile>(2);
    const gate = deferred();
    const held: FakeFile[] = [];
    const running = files.use("a", opening("a"), async (file) => {
      held.push(file);
      await gate.promise;
      return file.isOpen;
    });
    const waiting = files.use("b", opening("b"), () => Promise.resolve());
    const once = files.once(opening("c"), () => Promise.resolve());
    await settle();
    const closing = files.close();
    expect([files.closed, await isSettled(closing)]).toEqual([true, false]);
    gate.resolve();
    expect(await running).toBe(true);
    await closing;
    expect(held[0].isOpen).toBe(false);
    await expectError(() => waiting, "CLOSED");
    await expectError(() => once, "CLOSED");
  });

  it(`never holds more than it may, nor closes what is used, whatever is called (seed ${SEED})`, async () => {
    const random = seeded(SEED);
    const below = (limit: number) => Math.floor(random() * limit);
    for (let round = 0; round < 200; round++) {
      const most = 2 * (1 + below(4));
      const files = new OpenFiles<FakeFile>(most);
      const before = FakeFile.open;
      const turns = async () => {
        for (let turn = below(6); turn > 0; turn--) await Promise.resolve();
        if (random() < 0.1) await settle();
      };
      const act = async (file: FakeFile) => {
        expect(file.isOpen).toBe(true);
        // Those kept, and for each call that runs one that is being closed or used once.
        expect(FakeFile.open - before).toBeLessThanOrEqual(most + most / 2);
        file.users++;
        await turns();
        file.users--;
        if (random() < 0.1) throw new Error("planned");
      };
      const open = async (key: string) => {
        await turns();
        if (random() < 0.1) throw new Error("planned");
        return new FakeFile(key);
      };
      const calls = Array.from({ length: 40 }, async () => {
        await turns();
        const key = `${below(8)}`;
        const chance = random();
        if (chance < 0.75) await files.use(key, () => open(key), act);
        else if (chance < 0.9) await files.once(() => open(key), act);
        else await files.forget(key);
      });
      const closing = random() < 0.3 ? turns().then(() => files.close()) : undefined;
      for (const result of await Promise.allSettled(calls)) {
        if (result.status === "fulfilled" || result.reason.message === "planned") continue;
        expect([result.reason.code, closing !== undefined]).toEqual(["CLOSED", true]);
      }
      await closing;
      expect(files.keys().length).toBeLessThanOrEqual(most);
      await files.close();
      expect([files.keys(), FakeFile.open - before]).toEqual([[], 0]);
    }
  });
});
