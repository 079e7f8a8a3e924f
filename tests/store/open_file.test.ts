import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { OpenFile } from "../../src/store/directory/open_file.ts";
import { ReadPace } from "../../src/store/directory/read_pace.ts";
import { inDirectory } from "../support/places.ts";

describe("OpenFile", () => {
  it("leaves others their turn, however many reads at once follow each other", async () => {
    await inDirectory(async (directory) => {
      const path = join(directory, "f");
      await writeFile(path, "0123456789");
      const file = await OpenFile.open(path, "r");
      // By this clock no read is slow.
      const pace = new ReadPace(() => 0);
      await file.read(0, 1, pace, false);
      let isTimeUp = false;
      setTimeout(() => isTimeUp = true, 1);
      let reads = 0;
      for (; !isTimeUp && reads < 300_000; reads++) {
        expect(pace.state).toBe("quick");
        await file.read(0, 10, pace, false);
      }
      await file.close();
      expect(reads).toBeLessThan(300_000);
    });
  });

  it("reads no more in one call on this thread than 256 KiB, and more than 1 MiB in the pool", async () => {
    await inDirectory(async (directory) => {
      const path = join(directory, "f");
      await writeFile(path, new Uint8Array(2 ** 21));
      const file = await OpenFile.open(path, "r");
      const read = async (length: number) => {
        const pace = new ReadPace(() => 0);
        await file.read(0, 1, pace, false);
        const calls = { atOnce: 0, inPool: 0 };
        const { atOnce, inPool } = pace;
        pace.atOnce = (read) => (calls.atOnce++, atOnce.call(pace, read) as ReturnType<typeof read>);
        pace.inPool = (
          read,
          parts,
        ) => (calls.inPool++, inPool.call(pace, read, parts) as ReturnType<typeof read>);
        expect((await file.read(0, length, pace, false)).length).toBe(length);
        return calls;
      };
      expect(await read(2 ** 18)).toEqual({ atOnce: 1, inPool: 0 });
      expect(await read(2 ** 18 + 1)).toEqual({ atOnce: 2, inPool: 0 });
      expect(await read(2 ** 20)).toEqual({ atOnce: 4, inPool: 0 });
      expect(await read(2 ** 20 + 1)).toEqual({ atOnce: 0, inPool: 1 });
      await file.close();
    });
  });

  it("goes on in the pool with a read whose first part was slow", async () => {
    await inDirectory(async (directory) => {
      const path = join(directory, "f");
      const bytes = Uint8Array.from({ length: 2 ** 20 }, (_, i) => i * 2654435761 >>> 24);
      await writeFile(path, bytes);
      const file = await OpenFile.open(path, "r");
      let nowMs = 0;
      let step = 0;
      const pace = new ReadPace(() => nowMs += step);
      await file.read(0, 1, pace, false);
      step = 20;
      const states: string[] = [];
      const { atOnce } = pace;
      pace.atOnce = (read) => {
        states.push(pace.state);
        return atOnce.call(pace, read) as ReturnType<typeof read>;
      };
      expect(await file.read(0, bytes.length, pace, false)).toEqual(bytes);
      expect(states).toEqual(["quick"]);
      expect(pace.state).toBe("slow");
      await file.close();
    });
  });
});
