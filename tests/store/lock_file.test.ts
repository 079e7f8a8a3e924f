import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { takeLock } from "../../src/store/directory/lock_file.ts";
import { inDirectory } from "../support/places.ts";

it("A lock is never seen without its holder, so that a crash cannot leave it so, and nothing is left of it", async () => {
  await inDirectory(async (directory) => {
    const path = join(directory, "sequence.lock");
    for (let i = 0; i < 100; i++) {
      let taken = false;
      const lock = takeLock(path).finally(() => taken = true);
      while (!taken) {
        const text = textOf(path);
        if (text !== undefined) expect(JSON.parse(text)).toHaveProperty("pid");
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
      expect(await readdir(directory)).toEqual(["sequence.lock"]);
      await expect(takeLock(path)).rejects.toMatchObject({ code: "LOCKED" });
      expect(await readdir(directory)).toEqual(["sequence.lock"]);
      await (await lock).release();
      expect(await readdir(directory)).toEqual([]);
    }
  });
});

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
