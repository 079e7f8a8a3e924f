import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  rename,
  rm,
  symlink,
  truncate,
  unlink,
  writeFile,
} from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { SmaltiError } from "../../src/error.ts";
import { DirectoryStore } from "../../src/store/directory/directory_store.ts";
import { isWrittenAnew, readAll } from "../../src/store/store.ts";
import { codeOf, content, storeContract, text } from "../contract/store.ts";
import { heldFiles, MOST_HELD, onLinux } from "../support/open_files.ts";
import { withStore } from "../support/places.ts";

storeContract("directory", async () => {
  const directory = await mkdtemp(join(tmpdir(), "smalti-store-"));
  const store = new DirectoryStore(directory);
  return {
    store,
    dispose: async () => {
      await store.close();
      await rm(directory, { recursive: true });
    },
  };
});

/** Runs `body` as a user without rights; as root by giving them up for a while. */
async function unprivileged(body: () => Promise<void>): Promise<void> {
  if (process.geteuid!() !== 0) return await body();
  process.seteuid!(65534);
  try {
    await body();
  } finally {
    process.seteuid!(0);
  }
}

describe("DirectoryStore errors", () => {
  it("are PERMISSION_DENIED where the system refuses access", async () => {
    if (!process.seteuid) return; // Windows: the modes below mean nothing there
    await withStore(async (store, directory) => {
      for (const path of ["open", "blind", "shut"]) await store.replace(`${path}/f`, text("x"));
      // The same for the owner and all others: who is not root is the owner here.
      const modes = { "open/f": 0o000, blind: 0o111, shut: 0o000, ".": 0o555 };
      for (const [path, mode] of Object.entries(modes)) await chmod(join(directory, path), mode);
      const other = new DirectoryStore(directory);
      const codes: Record<string, unknown> = {};
      await unprivileged(async () => {
        codes.list = await codeOf(other.list("blind"));
        codes.size = await codeOf(other.size("shut/f"));
        codes.read = await codeOf(other.read("open/f", 0, 1));
        codes.append = await codeOf(other.append("open/f", text("y")));
        codes.sync = await codeOf(other.sync("open/f"));
        codes.create = await codeOf(other.create("shut/g"));
        codes.createBelow = await codeOf(other.create("new/g"));
        codes.replace = await codeOf(other.replace("shut/f", text("y")));
        codes.remove = await codeOf(other.remove("shut"));
        codes.lock = await codeOf(other.lock("shut/lock"));
        codes.lockedBy = await codeOf(other.lockedBy("shut/f"));
      });
      await other.close();
      for (const path of [".", "blind", "shut"]) await chmod(join(directory, path), 0o755);
      expect(codes).toEqual(
        Object.fromEntries(Object.keys(codes).map((name) => [name, "PERMISSION_DENIED"])),
      );
      expect(await readdir(join(directory, "shut"))).toEqual(["f"]);
    });
  });

  it("are IO where a file stands in the place of a directory, and say so", async () => {
    await withStore(async (store, directory) => {
      await store.replace("a/file", text("x"));
      const calls = {
        create: () => store.create("a/file/b"),
        createDeeper: () => store.create("a/file/b/c"),
        replace: () => store.replace("a/file/b", text("y")),
        lock: () => store.lock("a/file/b"),
      };
      for (const [name, call] of Object.entries(calls)) {
        const error = await call().catch((reason) => reason);
        expect([name, error instanceof SmaltiError, error.code]).toEqual([name, true, "IO"]);
        expect(error.message).toContain(join(directory, "a/file/b"));
        expect(error.message).toContain("a file is in the way");
      }
      expect(await content(store, "a/file")).toBe("x");
    });
  });

  it("name what was tried, the full path, the system's words, and carry the cause and the file", async () => {
    await withStore(async (store, directory) => {
      const error: SmaltiError = await store.read("a/b", 0, 1).catch((reason) => reason);
      expect(error.rawMessage).toMatch(/^Cannot read .*ENOENT/);
      expect(error.message).toContain(join(directory, "a/b"));
      expect(error.details.file).toBe("a/b");
      expect((error.cause as { code: string }).code).toBe("ENOENT");
    });
  });

  it.skipIf(!onLinux)("are NO_SPACE where the disk is full (needs /dev/full of Linux)", async () => {
    await withStore(async (store, directory) => {
      await symlink("/dev/full", join(directory, "full"));
      expect(await codeOf(store.append("full", text("x")))).toBe("NO_SPACE");
    });
  });

  it.skipIf(!onLinux)("are IO for what is no regular file, at once, and say what it is", async () => {
    await withStore(async (store, directory) => {
      await promisify(execFile)("mkfifo", [join(directory, "fifo")]);
      await symlink("/dev/zero", join(directory, "device"));
      const listener = createServer();
      await new Promise<void>((resolve) => listener.listen(join(directory, "socket"), resolve));
      for (const [name, kind] of [["fifo", "a FIFO"], ["device", "a device"], ["socket", "a socket"]]) {
        const calls = {
          size: () => store.size(name),
          read: () => store.read(name, 0, 1),
          readAll: () => readAll(store, name),
          // A device takes what is written to it.
          ...(name !== "device" &&
            { append: () => store.append(name, text("x")), sync: () => store.sync(name) }),
        };
        for (const [call, run] of Object.entries(calls)) {
          const error: SmaltiError = await run().then(() => undefined, (reason) => reason);
          expect([name, call, error?.code]).toEqual([name, call, "IO"]);
          expect(error.message).toContain(`it is ${kind}: wanted a regular file`);
        }
      }
      await new Promise((resolve) => listener.close(resolve));
    });
  });

  it("are IO where replace cannot put its file in place, which then leaves no temporary file", async () => {
    await withStore(async (store, directory) => {
      await mkdir(join(directory, "a/b/c"), { recursive: true });
      expect(await codeOf(store.replace("a/b", text("x")))).toBe("IO");
      expect(await readdir(join(directory, "a"))).toEqual(["b"]);
    });
  });
});

describe("DirectoryStore sync", () => {
  // The one file of which Linux says that it cannot sync it, without a broken disk at hand.
  it.skipIf(!onLinux)(
    "stays failed once the system failed it, until another file takes the path (Linux)",
    async () => {
      await withStore(async (store, directory) => {
        const path = join(directory, "f");
        await symlink("/dev/full", path);
        const first = await store.sync("f").catch((reason) => reason);
        expect(first.code).toBe("IO");
        await unlink(path);
        await writeFile(path, "sound");
        expect(await store.sync("f").catch((reason) => reason)).toBe(first);
        await store.replace("f", text("another"));
        await store.sync("f");
        await store.remove("f");
        await symlink("/dev/full", path);
        expect(await codeOf(store.sync("f"))).toBe("IO");
        await store.remove("f");
        await store.create("f");
        await store.sync("f");
      });
    },
  );
});

describe("readAll", () => {
  it("is TOO_LARGE beyond its bound, without reading the rest", async () => {
    await withStore(async (store, directory) => {
      await writeFile(join(directory, "large"), "");
      await truncate(join(directory, "large"), 2 ** 40);
      const error: SmaltiError = await readAll(store, "large").then(() => undefined, (reason) => reason);
      expect([error.code, error.details.file]).toEqual(["TOO_LARGE", "large"]);
      expect(error.message).toContain(`has more than ${64 * 2 ** 20} bytes`);
      await writeFile(join(directory, "small"), "12345");
      expect(await readAll(store, "small", 5)).toHaveLength(5);
      expect(await codeOf(readAll(store, "small", 4))).toBe("TOO_LARGE");
    });
  });
});

describe("DirectoryStore files", () => {
  it.skipIf(!onLinux)("are held open up to a bound, and none after close (counted in /proc)", async () => {
    await withStore(async (store, directory) => {
      const paths = Array.from({ length: 400 }, (_, i) => `d${i % 7}/${i}`);
      let most = 0;
      const counting = async (call: Promise<unknown>) => {
        await call;
        most = Math.max(most, heldFiles(directory).length);
      };
      await Promise.all(paths.map((path) => counting(store.create(path))));
      await Promise.all(paths.map((path) => counting(store.append(path, text(path)))));
      await Promise.all(paths.map((path) => counting(store.sync(path))));
      await Promise.all(paths.map(async (path) => expect(await content(store, path)).toBe(path)));
      expect(heldFiles(directory).length).toBeGreaterThan(64);
      expect(Math.max(most, heldFiles(directory).length)).toBeLessThanOrEqual(MOST_HELD);
      await store.close();
      expect(heldFiles(directory)).toEqual([]);
    });
  });

  it.skipIf(!onLinux)("of a directory are let go of before it is removed, its lock too", async () => {
    await withStore(async (store, directory) => {
      const lease = await store.lock("s/sequence.lock");
      await store.create("s/a/b");
      await store.append("s/a/b", text("bytes"));
      await content(store, "s/a/b");
      expect(heldFiles(directory).length).toBe(3);
      // What is removed while it is open stays, on some file systems, and so does the directory.
      await store.remove("s");
      expect(heldFiles(directory)).toEqual([]);
      await lease.release();
      expect(await store.list("")).toEqual([]);
    });
  });

  it("more than are kept open serve any mix of calls at once, none on a file closed under it", async () => {
    await withStore(async (store) => {
      const paths = Array.from({ length: 300 }, (_, i) => `${i}`);
      await Promise.all(paths.map((path) => store.create(path)));
      await Promise.all(paths.map(async (path, i) => {
        // Every file has one chain of calls; the chains run beside each other and wait for turns and closings.
        let wanted = "";
        for (let round = 0; round < 6; round++) {
          const part = `${round}:${"x".repeat((i * 7919 + round) % 97)};`;
          await store.append(path, text(part));
          wanted += part;
          if ((i + round) % 3 === 0) await store.sync(path);
          const [whole, size] = await Promise.all([content(store, path), store.size(path), store.list("")]);
          expect([whole, size]).toEqual([wanted, wanted.length]);
        }
      }));
    });
  });

  it("serve calls that were begun before close, and fail the others CLOSED", async () => {
    await withStore(async (store) => {
      const paths = Array.from({ length: 200 }, (_, i) => `${i}`);
      await Promise.all(paths.map((path) => store.replace(path, text(path))));
      const reads = paths.map(async (path) => new TextDecoder().decode(await store.read(path, 0, 10)));
      const [results] = await Promise.all([Promise.allSettled(reads), store.close()]);
      results.forEach((result, i) => {
        if (result.status === "fulfilled") expect(result.value).toBe(paths[i]);
        else expect(result.reason.code).toBe("CLOSED");
      });
    });
  });

  it("that another process replaced or removed are seen as they are now", async () => {
    await withStore(async (store, directory) => {
      const path = join(directory, "f");
      await writeFile(path, "one");
      expect(await content(store, "f")).toBe("one");
      await writeFile(`${path}.other`, "another");
      await rename(`${path}.other`, path);
      expect(new TextDecoder().decode(await store.read("f", 1, 9))).toBe("nother");
      await unlink(path);
      expect(await codeOf(store.read("f", 0, 1))).toBe("NOT_FOUND");
      await writeFile(path, "third");
      expect(await content(store, "f")).toBe("third");
    });
  });

  it("are read right however much at a time, at any place", async () => {
    await withStore(async (store) => {
      const bytes = Uint8Array.from({ length: 3 * 2 ** 20 + 7 }, (_, i) => i * 2654435761 >>> 24);
      await store.replace("f", bytes);
      for (let round = 0; round < 3; round++) {
        for (const length of [1, 2 ** 18 - 1, 2 ** 18 + 1, 2 ** 20 - 3, 2 ** 20, 2 ** 20 + 1, 2 ** 22]) {
          for (const offset of [0, 5, 2 ** 18, 2 ** 21 - 1, 3 * 2 ** 20]) {
            for (const mayReuse of [false, true]) {
              const read = await store.read("f", offset, length, { mayReuse });
              const wanted = bytes.subarray(offset, offset + length);
              const isRight = read.every((byte, i) => byte === wanted[i]);
              expect([offset, length, read.length, isRight]).toEqual([offset, length, wanted.length, true]);
            }
          }
        }
      }
    });
  });

  it("that another process wrote anew are never read as the old ones by who began with those", async () => {
    await withStore(async (store, directory) => {
      await store.replace("f", text("old"));
      const reader = {};
      const read = async (options = {}) => new TextDecoder().decode(await store.read("f", 0, 9, options));
      expect(await read({ reader })).toBe("old");
      await writeFile(join(directory, "other"), "new");
      await rename(join(directory, "other"), join(directory, "f"));
      // It may take a moment until somebody looks who has the bytes of the old file at hand.
      const seen = new Set<string>();
      const next = () => read({ reader }).catch((reason) => isWrittenAnew(reason) ? "anew" : String(reason));
      for (let found = ""; found !== "anew"; seen.add(found)) {
        found = await next();
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      expect([...seen].filter((found) => found !== "old")).toEqual(["anew"]);
      expect([await read(), await next()]).toEqual(["new", "anew"]);
    });
  });

  it("grow under readers that hold them open", async () => {
    await withStore(async (store, directory) => {
      const reader = new DirectoryStore(directory);
      await store.create("f");
      for (let i = 0; i < 5; i++) {
        await store.append("f", text(`${i}`));
        expect(await content(reader, "f")).toBe("01234".slice(0, i + 1));
      }
      await reader.close();
    });
  });

  it("are made in a directory that is not there yet, which reading does not make", async () => {
    await withStore(async (_, directory) => {
      const store = new DirectoryStore(join(directory, "not/yet"));
      expect(await codeOf(store.list(""))).toBe("NOT_FOUND");
      expect(await store.list("below")).toEqual([]);
      expect(await codeOf(store.size("f"))).toBe("NOT_FOUND");
      expect(await store.lockedBy("f")).toBe(undefined);
      expect(existsSync(join(directory, "not"))).toBe(false);
      await store.create("f");
      await store.sync("f");
      expect(await readdir(join(directory, "not/yet"))).toEqual(["f"]);
      await store.close();
    });
  });
});
