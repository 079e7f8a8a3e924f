import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SmaltiError } from "../../src/error.ts";
import { type FileReader, isOtherFile, isWrittenAnew, readAll, type Store } from "../../src/store/store.ts";

/** A new, empty store and what takes it away again. */
export interface StoreUnderTest {
  store: Store;
  dispose(): Promise<void>;
}

export const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** A file's bytes as text. */
export async function content(store: FileReader, path: string): Promise<string> {
  return new TextDecoder().decode(await readAll(store, path));
}

/** The code of the SmaltiError that a call rejects with; "none" where it resolves, the error itself where it is no SmaltiError. */
export async function codeOf(call: Promise<unknown>): Promise<unknown> {
  try {
    await call;
    return "none";
  } catch (reason) {
    return reason instanceof SmaltiError ? reason.code : reason;
  }
}

/** What reads files, what writes them (it may be the same), and what takes both away again. */
export interface FileReaderUnderTest {
  store: FileReader;
  writer: Store;
  dispose(): Promise<void>;
}

async function put(store: Store, path: string, ...parts: string[]): Promise<void> {
  await store.create(path);
  for (const part of parts) await store.append(path, text(part));
}

/** What `src/store/store.ts` promises of a `FileReader`. */
export function fileReaderContract(name: string, makeStore: () => Promise<FileReaderUnderTest>): void {
  const test = (title: string, body: (store: FileReader, writer: Store) => Promise<void>) =>
    it(title, async () => {
      const { store, writer, dispose } = await makeStore();
      try {
        await body(store, writer);
      } finally {
        await dispose();
      }
    });

  describe(`FileReader contract: ${name}`, () => {
    test("size counts all bytes appended", async (store, writer) => {
      await put(writer, "a/b");
      expect(await store.size("a/b")).toBe(0);
      await writer.append("a/b", new Uint8Array(70_000));
      await writer.append("a/b", new Uint8Array(5));
      expect(await store.size("a/b")).toBe(70_005);
    });

    test("size and read are NOT_FOUND where there is no file, or a directory", async (store, writer) => {
      await put(writer, "a/b");
      for (const path of ["a", "c", "a/c", "a/b/c"]) {
        expect([path, await codeOf(store.size(path))]).toEqual([
          path,
          "NOT_FOUND",
        ]);
        expect([path, await codeOf(store.read(path, 0, 1))]).toEqual([
          path,
          "NOT_FOUND",
        ]);
      }
    });

    test("read gives any range, and less where the file ends before", async (store, writer) => {
      await put(writer, "f", "0123456789", "abcdefghij", "", "k");
      const range = async (offset: number, length: number) =>
        new TextDecoder().decode(await store.read("f", offset, length));
      expect(await range(0, 21)).toBe("0123456789abcdefghijk");
      expect(await range(3, 4)).toBe("3456");
      expect(await range(8, 4)).toBe("89ab");
      expect(await range(18, 10)).toBe("ijk");
      expect(await range(5, 0)).toBe("");
      expect(await range(21, 3)).toBe("");
      expect(await range(1000, 3)).toBe("");
      expect(await range(19, 2 ** 50)).toBe("jk");
      expect(await range(2 ** 40, 2 ** 50)).toBe("");
    });

    test("read gives fresh bytes, 8-byte aligned", async (store, writer) => {
      await put(writer, "f", "0123456789");
      const first = await store.read("f", 1, 3);
      expect(first.byteOffset % 8).toBe(0);
      first.fill(0);
      const short = await store.read("f", 5, 100);
      expect(short.byteOffset % 8).toBe(0);
      short.fill(0);
      expect(await content(store, "f")).toBe("0123456789");
    });

    test(
      "readPart, where there is one, tells which state of the file a range is of",
      async (store, writer) => {
        if (!store.readPart) return;
        expect(await codeOf(store.readPart("a/f", 0, 1))).toBe("NOT_FOUND");
        await writer.replace("a/f", text("0123456789"));
        const part = (await store.readPart("a/f", 3, 4))!;
        expect([part.offset, new TextDecoder().decode(part.bytes)]).toEqual([3, "3456"]);
        expect([10, undefined]).toContain(part.version.size);
        expect((await store.readPart("a/f", 10, 4))!.bytes.length).toBe(0);
        const { tag } = part.version;
        if (tag === undefined) return;
        expect(await store.readPart("a/f", 3, 4, { unless: tag })).toBeUndefined();
        expect((await store.readPart("a/f", 0, 4, { tag }))!.version.tag).toBe(tag);
        await writer.replace("a/f", text("abcdefghij"));
        expect(new TextDecoder().decode((await store.readPart("a/f", 0, 4, { unless: tag }))!.bytes)).toBe(
          "abcd",
        );
        const other = await store.readPart("a/f", 0, 4, { tag }).catch((reason) => reason);
        expect([isOtherFile(other), other.code]).toEqual([true, "IO"]);
      },
    );

    test("replace shows readers the old or the new file, whole", async (store, writer) => {
      const file = (i: number) => String(i).repeat(1 + 5000 * (i % 7));
      const wholes = new Set(Array.from({ length: 30 }, (_, i) => file(i)));
      await writer.replace("f", text(file(0)));
      let ended = false;
      const writing = (async () => {
        for (let i = 1; i < 30; i++) await writer.replace("f", text(file(i)));
        ended = true;
      })();
      let reads = 0;
      while (!ended || reads < 10) {
        expect(wholes.has(await content(store, "f"))).toBe(true);
        reads++;
      }
      await writing;
      expect(await content(store, "f")).toBe(file(29));
    });

    test("read sees what was put in the file's place before", async (store, writer) => {
      await writer.replace("a/f", text("a long first text"));
      expect(await content(store, "a/f")).toBe("a long first text");
      await writer.replace("a/f", text("short"));
      expect(await content(store, "a/f")).toBe("short");
      expect(new TextDecoder().decode(await store.read("a/f", 2, 100))).toBe("ort");
      expect(await store.size("a/f")).toBe(5);
    });

    test("readAll reads files of any size whole", async (store, writer) => {
      for (const size of [0, 1, 2 ** 18 - 1, 2 ** 18, 2 ** 18 + 1, 2 ** 22 + 5]) {
        const bytes = Uint8Array.from({ length: size }, (_, i) => i * 2654435761 >>> 24);
        await writer.replace("a/f", bytes);
        const seen = await readAll(store, "a/f");
        expect([size, seen.length, seen.every((byte, i) => byte === bytes[i])]).toEqual([size, size, true]);
      }
    });
  });
}

/** All that `src/store/store.ts` promises of a store that can be written. */
export function storeContract(
  name: string,
  makeStore: () => Promise<StoreUnderTest>,
): void {
  const test = (title: string, body: (store: Store) => Promise<void>) =>
    it(title, async () => {
      const { store, dispose } = await makeStore();
      try {
        await body(store);
      } finally {
        await dispose();
      }
    });

  fileReaderContract(name, async () => {
    const made = await makeStore();
    return { ...made, writer: made.store };
  });

  describe(`Store contract: ${name}`, () => {
    test("list names what is directly below a directory, once each", async (store) => {
      await put(store, "drive/gps/front.arrow");
      await put(store, "drive/gps/rear.arrow");
      await put(store, "drive/imu.arrow");
      await put(store, "drive2/imu.arrow");
      expect((await store.list("")).sort()).toEqual(["drive", "drive2"]);
      expect((await store.list("drive")).sort()).toEqual(["gps", "imu.arrow"]);
      expect((await store.list("drive/gps")).sort()).toEqual([
        "front.arrow",
        "rear.arrow",
      ]);
    });

    test("list is empty where there is no directory", async (store) => {
      await put(store, "drive/imu.arrow");
      expect(await store.list("driv")).toEqual([]);
      expect(await store.list("drive/gps/front")).toEqual([]);
      expect(await store.list("drive/imu.arrow")).toEqual([]);
    });

    test("list is empty in a new store", async (store) => {
      expect(await store.list("")).toEqual([]);
    });

    test("create makes an empty file and the directories above it", async (store) => {
      await store.create("a/b/c/d");
      expect(await store.size("a/b/c/d")).toBe(0);
      expect(await store.list("a/b/c")).toEqual(["d"]);
    });

    test("create is ALREADY_EXISTS where there is a file, which stays, open for more", async (store) => {
      await put(store, "a/b", "one");
      expect(await codeOf(store.create("a/b"))).toBe("ALREADY_EXISTS");
      await store.append("a/b", text("two"));
      expect(await content(store, "a/b")).toBe("onetwo");
    });

    test("create of one path, called many times at once, succeeds once", async (store) => {
      const codes = await Promise.all(
        Array.from({ length: 8 }, () => codeOf(store.create("x/y"))),
      );
      expect(codes.sort()).toEqual([
        ...Array(7).fill("ALREADY_EXISTS"),
        "none",
      ]);
    });

    test("create of many paths at once in new directories makes them all", async (store) => {
      const paths = Array.from(
        { length: 40 },
        (_, i) => `drive/${i % 3}/deep/${i}.arrow`,
      );
      await Promise.all(paths.map((path) => store.create(path)));
      await Promise.all(paths.map((path) => store.append(path, text(path))));
      await Promise.all(paths.map((path) => store.sync(path)));
      for (const path of paths) expect(await content(store, path)).toBe(path);
    });

    test("append has taken its bytes when it resolves", async (store) => {
      await put(store, "f");
      const bytes = text("abc");
      await store.append("f", bytes);
      bytes.fill(0);
      expect(await content(store, "f")).toBe("abc");
    });

    test("append and sync are NOT_FOUND where there is no file, and make none", async (store) => {
      await put(store, "a/b");
      expect(await codeOf(store.append("a/c", text("x")))).toBe("NOT_FOUND");
      expect(await codeOf(store.sync("a/c"))).toBe("NOT_FOUND");
      expect(await codeOf(store.append("n/c", text("x")))).toBe("NOT_FOUND");
      expect(await store.list("a")).toEqual(["b"]);
      await put(store, "a/c", "now");
      await store.sync("a/c");
      expect(await content(store, "a/c")).toBe("now");
    });

    test("replace puts a new file in place, directories and all", async (store) => {
      await store.replace("a/b/sequence.json", text("new"));
      expect(await content(store, "a/b/sequence.json")).toBe("new");
      expect(await store.list("a/b")).toEqual(["sequence.json"]);
    });

    test("truncate, where there is one, keeps the first bytes, to which more may be added", async (store) => {
      if (!store.truncate) return;
      await put(store, "a/f", "ab", "cdef");
      await store.truncate("a/f", 3);
      expect([await content(store, "a/f"), await store.size("a/f")]).toEqual(["abc", 3]);
      await store.append("a/f", text("xyz"));
      await store.sync("a/f");
      expect(await content(store, "a/f")).toBe("abcxyz");
      await store.truncate("a/f", 0);
      expect(await content(store, "a/f")).toBe("");
      expect(await codeOf(store.truncate("a/none", 0))).toBe("NOT_FOUND");
    });

    test("replace is seen by reads after it, and leaves nothing else behind", async (store) => {
      await store.replace("a/f", text("a long first text"));
      expect(await content(store, "a/f")).toBe("a long first text");
      await store.replace("a/f", text("short"));
      expect(await content(store, "a/f")).toBe("short");
      expect(new TextDecoder().decode(await store.read("a/f", 2, 100))).toBe(
        "ort",
      );
      expect(await store.list("a")).toEqual(["f"]);
    });

    test("replace takes its bytes when it is called", async (store) => {
      const bytes = text("abc");
      await store.replace("f", bytes);
      bytes.fill(0);
      expect(await content(store, "f")).toBe("abc");
    });

    test("replace of one path, called many times at once, leaves one of the files, whole", async (store) => {
      const files = Array.from(
        { length: 12 },
        (_, i) => String(i).repeat(20_000 - 1000 * i),
      );
      await Promise.all(files.map((file) => store.replace("a/f", text(file))));
      expect(files).toContain(await content(store, "a/f"));
      expect(await store.list("a")).toEqual(["f"]);
    });

    test("commit puts a file in place as replace does", async (store) => {
      const bytes = text("a long first text");
      await store.commit("a/b/sequence.json", bytes);
      bytes.fill(0);
      expect(await content(store, "a/b/sequence.json")).toBe("a long first text");
      await store.commit("a/b/sequence.json", text("short"));
      expect([await content(store, "a/b/sequence.json"), await store.size("a/b/sequence.json")])
        .toEqual(["short", 5]);
      expect(await store.list("a/b")).toEqual(["sequence.json"]);
    });

    test("move puts a file in the place of another, and takes away the path it had", async (store) => {
      await put(store, "a/f", "a long first text");
      await put(store, "a/f.new", "sho", "rt");
      await store.sync("a/f.new");
      expect(await content(store, "a/f")).toBe("a long first text");
      expect(await content(store, "a/f.new")).toBe("short");
      await store.move("a/f.new", "a/f");
      expect(await content(store, "a/f")).toBe("short");
      expect([await store.size("a/f"), await store.list("a")]).toEqual([5, ["f"]]);
      expect(await codeOf(store.read("a/f.new", 0, 1))).toBe("NOT_FOUND");
      expect(await codeOf(store.append("a/f.new", text("x")))).toBe("NOT_FOUND");
      await store.append("a/f", text("er"));
      await store.sync("a/f");
      expect(await content(store, "a/f")).toBe("shorter");
      await put(store, "a/f.new", "again");
      await store.move("a/f.new", "a/g");
      expect([await content(store, "a/g"), await content(store, "a/f")]).toEqual(["again", "shorter"]);
    });

    test("move shows readers the old or the new file, whole", async (store) => {
      const file = (i: number) => String(i).repeat(1 + 5000 * (i % 7));
      const wholes = new Set(Array.from({ length: 30 }, (_, i) => file(i)));
      await put(store, "f", file(0));
      let ended = false;
      const writing = (async () => {
        for (let i = 1; i < 30; i++) {
          await put(store, "f.new", file(i));
          await store.sync("f.new");
          await store.move("f.new", "f");
        }
        ended = true;
      })();
      for (let reads = 0; !ended || reads < 10; reads++) {
        expect(wholes.has(await content(store, "f"))).toBe(true);
      }
      await writing;
      expect(await content(store, "f")).toBe(file(29));
    });

    test("move is NOT_FOUND where there is no file, and leaves what is at the other path", async (store) => {
      await put(store, "a/f", "kept");
      expect(await codeOf(store.move("a/g", "a/f"))).toBe("NOT_FOUND");
      expect(await codeOf(store.move("b/g", "a/f"))).toBe("NOT_FOUND");
      expect(await content(store, "a/f")).toBe("kept");
      expect(await store.list("a")).toEqual(["f"]);
    });

    const anew: Record<string, (store: Store) => Promise<void>> = {
      async move(store) {
        await put(store, "f.new", "another");
        await store.sync("f.new");
        await store.move("f.new", "f");
      },
      async replace(store) {
        await store.replace("f", text("another"));
      },
      async commit(store) {
        await store.commit("f", text("another"));
      },
      async "remove and create"(store) {
        await store.remove("f");
        await put(store, "f", "another");
      },
    };
    for (const [way, write] of Object.entries(anew).slice(0, 3)) {
      test(`read of one reader fails once another file has come to the path by ${way}`, async (store) => {
        await put(store, "f", "0123456789");
        const reader = {};
        expect((await store.read("f", 0, 4, { reader })).length).toBe(4);
        await store.append("f", text("abc"));
        expect((await store.read("f", 8, 10, { reader })).length).toBe(5);
        await write(store);
        for (let i = 0; i < 2; i++) {
          const error = await store.read("f", 0, 4, { reader }).catch((reason) => reason);
          expect([isWrittenAnew(error), error.code, error.details.file]).toEqual([true, "IO", "f"]);
        }
        for (const options of [{ reader: {} }, {}]) {
          expect(new TextDecoder().decode(await store.read("f", 0, 100, options))).toBe("another");
        }
      });
    }

    for (const [way, write] of Object.entries({ ...anew, remove: (store: Store) => store.remove("f") })) {
      test(`open holds the file that was at the path, whatever ${way} does there`, async (store) => {
        await put(store, "f", "0123456789");
        const held = await store.open("f");
        const range = async (offset: number, length: number) =>
          new TextDecoder().decode(await held.read(offset, length));
        expect(await range(2, 3)).toBe("234");
        await store.append("f", text("abc"));
        expect(await range(8, 100)).toBe("89abc");
        await write(store);
        expect([await range(0, 100), await range(13, 5), await range(100, 1)]).toEqual([
          "0123456789abc",
          "",
          "",
        ]);
        if (way === "remove") expect(await codeOf(store.open("f"))).toBe("NOT_FOUND");
        else {
          const now = await store.open("f");
          expect(new TextDecoder().decode(await now.read(0, 100))).toBe("another");
          await now.close();
        }
        await held.close();
        await held.close();
      });
    }

    test("open gives bytes that the caller owns", async (store) => {
      await put(store, "f", "0123456789");
      const held = await store.open("f");
      const bytes = await held.read(1, 4);
      expect(bytes.byteOffset % 8).toBe(0);
      bytes.fill(0);
      expect(new TextDecoder().decode(await held.read(0, 5))).toBe("01234");
      await held.close();
    });

    test("open is NOT_FOUND where there is no file, or a directory", async (store) => {
      await put(store, "a/b");
      for (const path of ["a", "c", "a/c", "a/b/c"]) {
        expect([path, await codeOf(store.open(path))]).toEqual([path, "NOT_FOUND"]);
      }
    });

    test("remove takes away a file, or a directory with all below it", async (store) => {
      await put(store, "drive/gps/front.arrow", "x");
      await put(store, "drive/imu.arrow");
      await put(store, "drive2/imu.arrow");
      await store.remove("drive/imu.arrow");
      expect(await store.list("drive")).toEqual(["gps"]);
      await store.remove("drive");
      expect(await store.list("")).toEqual(["drive2"]);
      expect(await codeOf(store.read("drive/gps/front.arrow", 0, 1))).toBe(
        "NOT_FOUND",
      );
      expect(await codeOf(store.append("drive/gps/front.arrow", text("y"))))
        .toBe("NOT_FOUND");
      expect(await store.list("drive")).toEqual([]);
    });

    test("remove does nothing where there is nothing", async (store) => {
      await put(store, "a/b");
      for (const path of ["c", "a/c", "a/b/c", "d/e/f"]) {
        await store.remove(path);
      }
      expect(await store.list("")).toEqual(["a"]);
      expect(await store.list("a")).toEqual(["b"]);
    });

    test("a file made anew after remove has nothing of the old one", async (store) => {
      await put(store, "a/f", "old old old");
      await content(store, "a/f");
      await store.remove("a");
      await put(store, "a/f", "new");
      await store.sync("a/f");
      expect(await content(store, "a/f")).toBe("new");
    });

    test("lock is LOCKED while it is held, and the error says by whom", async (store) => {
      expect(await store.lockedBy("drive/lock")).toBe(undefined);
      const lock = await store.lock("drive/lock");
      const holder = await store.lockedBy("drive/lock");
      expect([typeof holder, holder?.length === 0, lock.lost.aborted]).toEqual(["string", false, false]);
      const error = await store.lock("drive/lock").catch((reason) => reason);
      expect(error).toBeInstanceOf(SmaltiError);
      expect(error.code).toBe("LOCKED");
      expect(error.message).toContain(holder);
      await lock.release();
      expect(await store.lockedBy("drive/lock")).toBe(undefined);
      await (await store.lock("drive/lock")).release();
    });

    test("lock of one path says nothing of another", async (store) => {
      await store.lock("a/lock");
      await (await store.lock("b/lock")).release();
      expect(await store.lockedBy("a/lock")).toMatch(/./);
      expect(await store.lockedBy("b/lock")).toBe(undefined);
    });

    test("lock, called many times at once, is given once", async (store) => {
      const codes = await Promise.all(
        Array.from({ length: 8 }, () => codeOf(store.lock("a/lock"))),
      );
      expect(codes.sort()).toEqual([...Array(7).fill("LOCKED"), "none"]);
    });

    test("release of a lock, called twice, does not give back the next holder's", async (store) => {
      const first = await store.lock("lock");
      await first.release();
      const second = await store.lock("lock");
      await first.release();
      expect(await codeOf(store.lock("lock"))).toBe("LOCKED");
      await second.release();
      expect(await store.lockedBy("lock")).toBe(undefined);
    });

    test("close makes every later call CLOSED, itself excepted", async (store) => {
      await put(store, "f", "x");
      const lock = await store.lock("lock");
      const held = await store.open("f");
      await content(store, "f");
      await store.close();
      const calls: Record<string, Promise<unknown>> = {
        list: store.list(""),
        size: store.size("f"),
        read: store.read("f", 0, 1),
        create: store.create("g"),
        append: store.append("f", text("y")),
        sync: store.sync("f"),
        replace: store.replace("f", text("y")),
        commit: store.commit("f", text("y")),
        move: store.move("f", "g"),
        open: store.open("f"),
        "read of a held file": held.read(0, 1),
        remove: store.remove("f"),
        lock: store.lock("lock2"),
        lockedBy: store.lockedBy("lock"),
      };
      const codes = await Promise.all(
        Object.entries(calls).map(async ([name, call]) => [name, await codeOf(call)]),
      );
      expect(codes).toEqual(Object.keys(calls).map((name) => [name, "CLOSED"]));
      await lock.release();
      await held.close();
      await store.close();
    });

    test("any series of calls leaves what the same calls leave in a map of texts", async (store) => {
      let round = 0;
      const path = fc.constantFrom("a", "b", "d/a", "d/b", "d/e/a");
      const bytes = fc.string({ maxLength: 20 });
      const call = fc.oneof(
        fc.record({ call: fc.constant("create" as const), path }),
        fc.record({ call: fc.constant("append" as const), path, bytes }),
        fc.record({ call: fc.constant("replace" as const), path, bytes }),
        // To the path beside it: directories are made for new files only.
        fc.record({ call: fc.constant("move" as const), path: fc.constantFrom("a", "b", "d/a", "d/b") }),
        fc.record({
          call: fc.constant("remove" as const),
          path: fc.oneof(path, fc.constantFrom("d", "d/e", "x")),
        }),
        fc.record({ call: fc.constant("read" as const), path }),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(call, { maxLength: 25 }), async (calls) => {
          const root = `round${round++}`;
          const model = new Map<string, string>();
          for (const step of calls) {
            const at = `${root}/${step.path}`;
            const known = model.get(step.path);
            if (step.call === "create") {
              expect(await codeOf(store.create(at))).toBe(
                known === undefined ? "none" : "ALREADY_EXISTS",
              );
              if (known === undefined) model.set(step.path, "");
            } else if (step.call === "append") {
              expect(await codeOf(store.append(at, text(step.bytes)))).toBe(
                known === undefined ? "NOT_FOUND" : "none",
              );
              if (known !== undefined) model.set(step.path, known + step.bytes);
            } else if (step.call === "replace") {
              await store.replace(at, text(step.bytes));
              model.set(step.path, step.bytes);
            } else if (step.call === "move") {
              const to = step.path.replace(/[ab]$/, (name) => name === "a" ? "b" : "a");
              expect(await codeOf(store.move(at, `${root}/${to}`))).toBe(
                known === undefined ? "NOT_FOUND" : "none",
              );
              if (known !== undefined) model.set(to, known).delete(step.path);
            } else if (step.call === "remove") {
              await store.remove(at);
              for (const key of [...model.keys()]) {
                if (key === step.path || key.startsWith(`${step.path}/`)) {
                  model.delete(key);
                }
              }
            } else {
              const seen = await content(store, at).catch((reason) => reason.code);
              expect(seen).toBe(known ?? "NOT_FOUND");
            }
          }
          for (const [path, wanted] of model) {
            expect(await content(store, `${root}/${path}`)).toBe(wanted);
          }
          for (const directory of ["", "/d", "/d/e"]) {
            const below = [...model.keys()].filter((key) => `/${key}`.startsWith(`${directory}/`))
              .map((key) => key.slice(directory.length).split("/")[0]);
            // Directories that became empty may stay.
            for (const name of below) {
              expect(await store.list(root + directory)).toContain(name);
            }
          }
        }),
        { numRuns: 60 },
      );
    });
  });
}
