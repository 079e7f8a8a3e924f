/**
 * Sequences that are symbolic links to directories elsewhere, such as an archive's.
 *
 * @module
 */
import { mkdir, readdir, readlink, rename, symlink } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Client, connect } from "../../mod.ts";
import { expectError } from "../support/errors.ts";
import { inDirectory } from "../support/places.ts";
import { addTopic, allTexts, recordSequence, sampleText } from "../support/sample_rows.ts";

/** Runs `body` with a store in which "s" is a link to a directory in `archive`. */
async function withLink(
  body: (client: Client, store: string, archive: string) => Promise<void>,
): Promise<void> {
  await inDirectory(async (directory) => {
    const [store, archive] = [join(directory, "store"), join(directory, "archive")];
    const client = await connect(store);
    try {
      await recordSequence(client, "s", { a: [1] });
      await mkdir(archive);
      await rename(join(store, "s"), join(archive, "moved"));
      await symlink(join(archive, "moved"), join(store, "s"));
      await body(client, store, archive);
    } finally {
      await client.close();
    }
  });
}

const ROW = sampleText("a", 1n, 0);

describe("A sequence that is a symbolic link", () => {
  it("is listed, replayed, followed and checked", async () => {
    await withLink(async (client) => {
      expect(await client.listSequences()).toEqual(["s"]);
      expect(await allTexts(client, "s")).toEqual([ROW]);
      expect(await (await client.topicHandler("s", "a")).verify({ deep: true })).toEqual([]);
      expect(await client.recover("s")).toMatchObject({ changed: false });
      const handler = await client.sequenceHandler("s", { follow: true });
      let rows = 0;
      for await (const _ of handler.getDataStreamer({ follow: true })) rows++;
      expect(rows).toBe(1);
    });
  });

  it("takes sessions, and another in its place, where it leads to", async () => {
    await withLink(async (client, store, archive) => {
      const sequence = await client.sequenceUpdate("s");
      await addTopic(sequence, "b", [2]);
      await sequence.finalize();
      expect(await allTexts(client, "s")).toEqual([ROW, sampleText("b", 2n, 0)]);
      expect((await readdir(join(archive, "moved"))).sort()).toEqual(["a.arrow", "b.arrow", "sequence.json"]);
      await expectError(() => client.sequenceCreate("s"), "ALREADY_EXISTS");
      await client.sequenceCreate("s", { ifExists: "replace" }, (other) => addTopic(other, "c", [3]));
      expect(await allTexts(client, "s")).toEqual([sampleText("c", 3n, 0)]);
      expect(await readlink(join(store, "s"))).toBe(join(archive, "moved"));
    });
  });

  it("is removed as a link: what it leads to stays as it is", async () => {
    await withLink(async (client, store, archive) => {
      const before = await readdir(join(archive, "moved"));
      await client.sequenceDelete("s");
      expect([await readdir(store), await readdir(join(archive, "moved"))]).toEqual([[], before]);
      await expectError(() => client.sequenceDelete("s"), "NOT_FOUND");
      await recordSequence(client, "s", { a: [5] });
      expect(await allTexts(client, "s")).toEqual([sampleText("a", 5n, 0)]);
    });
  });

  it("is not removed while it is written, by whatever way", async () => {
    await withLink(async (client, store, archive) => {
      const other = await connect(archive);
      const sequence = await other.sequenceUpdate("moved");
      await expectError(() => client.sequenceDelete("s"), "LOCKED");
      await sequence.abort();
      await other.close();
      expect(await readdir(store)).toEqual(["s"]);
      await client.sequenceDelete("s");
    });
  });

  it("that leads nowhere is none: nothing is created or removed there", async () => {
    await withLink(async (client, store, archive) => {
      await rename(join(archive, "moved"), join(archive, "away"));
      expect(await client.listSequences({ details: true })).toEqual([]);
      await expectError(() => client.sequenceHandler("s"), "NOT_FOUND");
      await expectError(() => client.sequenceDelete("s"), "NOT_FOUND");
      await expectError(() => client.sequenceCreate("s"), "IO", "a link that leads nowhere");
      expect([await readdir(store), await readdir(archive)]).toEqual([["s"], ["away"]]);
    });
  });
});
