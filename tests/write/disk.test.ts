import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdtempSync, rmdirSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, it } from "vitest";
import type { Client } from "../../src/client.ts";
import { defineOntology } from "../../src/ontology/define_ontology.ts";
import { binary } from "../../src/ontology/field.ts";
import { DirectoryStore } from "../../src/store/directory/directory_store.ts";
import { canSpawn, needsBuild, runChild } from "../support/child.ts";
import { expectError, thrownBy } from "../support/errors.ts";
import { inDirectory, onStore } from "../support/places.ts";
import { addTopic, allTexts, recordSequence, Sample, sampleText } from "../support/sample_rows.ts";
import { WatchedStore } from "../support/watched_store.ts";

const onLinux = process.platform === "linux";
const isRoot = process.getuid?.() === 0;
const MiB = 2 ** 20;

/** Mounts a file system of a size; undefined where that is not allowed. */
function mountSmall(bytes: number): { directory: string; unmount: () => void } | undefined {
  if (!onLinux || !isRoot) return undefined;
  const directory = mkdtempSync(join(tmpdir(), "smalti-full-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", directory], { stdio: "ignore" });
  } catch {
    rmdirSync(directory);
    return undefined;
  }
  return {
    directory,
    unmount: () => {
      execFileSync("umount", ["--lazy", directory]);
      rmdirSync(directory);
    },
  };
}

const trial = mountSmall(MiB);
trial?.unmount();
const noMount = trial ? "" : " (no file system can be mounted here)";

const Payload = defineOntology("Payload", { bytes: binary() });

/** Bytes that do not compress. */
function noise(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed + 1;
  for (let i = 0; i < length; i++) bytes[i] = (state = (state * 48271) % 2147483647) >> 8;
  return bytes;
}

/** Runs `body` with a client on a disk of 4 MiB. */
async function onSmallDisk(body: (client: Client) => Promise<void>): Promise<void> {
  const { directory, unmount } = mountSmall(4 * MiB)!;
  try {
    await onStore(new DirectoryStore(directory), body);
  } finally {
    unmount();
  }
}

describe("A full disk", () => {
  it.skipIf(!trial)(
    `reaches a push and finalize, aborts the sequence, and harms no other${noMount}`,
    async () => {
      await onSmallDisk(async (client) => {
        await recordSequence(client, "other", { a: [1, 2] });
        // Pushes wait for the disk, so that they learn of it.
        const sequence = await client.sequenceCreate("s", { maxBufferedBytes: MiB });
        const small = await addTopic(sequence, "small", [1]);
        await small.flush();
        const large = await sequence.topicCreate("large", { ontology: Payload });
        const reason = await thrownBy(async () => {
          for (let i = 0; i < 64; i++) {
            await large.push({ timestampNs: BigInt(i), data: { bytes: noise(MiB / 4, i) } });
          }
        });
        expect(reason).toMatchObject({
          code: "NO_SPACE",
          details: { sequence: "s", topic: "large", file: "s/large.arrow" },
        });
        await expectError(() => large.flush(), "NO_SPACE", "large.arrow");
        await expectError(() => sequence.finalize(), "NO_SPACE", "large.arrow");
        expect(sequence.status).toBe("aborted");
        expect(await allTexts(client, "other")).toEqual([sampleText("a", 1n, 0), sampleText("a", 2n, 1)]);
        // The lock is free: what was recorded can be made away with, and there is room again.
        await client.sequenceDelete("s");
        await recordSequence(client, "s", { a: [3] });
        expect(await allTexts(client, "s")).toEqual([sampleText("a", 3n, 0)]);
      });
    },
  );

  it.skipIf(!trial)(`leaves nothing behind by the policy delete${noMount}`, async () => {
    await onSmallDisk(async (client) => {
      const call = () =>
        client.sequenceCreate("s", { errorPolicy: "delete", maxBufferedBytes: MiB }, async (sequence) => {
          const topic = await sequence.topicCreate("large", { ontology: Payload });
          for (let i = 0; i < 64; i++) {
            await topic.push({ timestampNs: BigInt(i), data: { bytes: noise(MiB / 4, i) } });
          }
        });
      await expectError(call, "NO_SPACE");
      expect(await client.listSequences()).toEqual([]);
    });
  });

  it.skipIf(!trial)(`is NO_SPACE to sequenceCreate, topicCreate and attach${noMount}`, async () => {
    await onSmallDisk(async (client) => {
      const sequence = await client.sequenceCreate("s");
      await expectError(() => sequence.attach({ name: "too large" }, noise(5 * MiB, 0)), "NO_SPACE");
      const fill = await sequence.topicCreate("fill", { ontology: Payload });
      for (const size of [MiB, 65536, 1]) {
        const attach = () => sequence.attach({ name: "fill" }, noise(size, 0));
        while (await attach().then(() => true, () => false));
      }
      await expectError(() => sequence.topicCreate("late", { ontology: Sample }), "NO_SPACE");
      await expectError(() => client.sequenceCreate("late"), "NO_SPACE");
      expect(fill.status).toBe("open");
      await sequence.abort(undefined, "delete");
      expect(await client.listSequences()).not.toContain("s");
    });
  });

  it.skipIf(!onLinux)(`under one topic's file alone fails that topic (/dev/full is Linux's)`, async () => {
    await inDirectory(async (directory) => {
      const store = new WatchedStore(new DirectoryStore(directory));
      store.before = (call, path) => {
        if (call !== "append" || !path.endsWith("full.arrow")) return;
        const target = join(directory, path);
        unlinkSync(target);
        symlinkSync("/dev/full", target);
        store.before = () => {};
      };
      await onStore(store, async (client) => {
        await client.sequenceCreate("s", {}, async (sequence) => {
          await addTopic(sequence, "a", [1]);
          const error = await expectError(() => addTopic(sequence, "full", []), "NO_SPACE", "full.arrow");
          expect(error.details).toMatchObject({ sequence: "s", topic: "full", file: "s/full.arrow" });
        });
        expect(await allTexts(client, "s")).toEqual([sampleText("a", 1n, 0)]);
      });
    });
  });
});

describe("A place that cannot be written", () => {
  it("below a file is IO to writers and NOT_FOUND to readers", async () => {
    await inDirectory(async (directory) => {
      writeFileSync(join(directory, "file"), "");
      await onStore(new DirectoryStore(join(directory, "file", "recordings")), async (client) => {
        await expectError(() => client.sequenceCreate("s"), "IO", "a file is in the way");
        const nowhere = `No recordings in ${join(directory, "file", "recordings")}: `;
        await expectError(() => client.sequenceHandler("s"), "NOT_FOUND", nowhere);
        await expectError(() => client.listSequences(), "NOT_FOUND", nowhere);
      });
    });
  });

  const reason = isRoot ? needsBuild : " (only root can become another user)";
  it.skipIf(!canSpawn || !isRoot)(
    `by this user is PERMISSION_DENIED, and nothing is left there${reason}`,
    async () => {
      await inDirectory(async (directory) => {
        chmodSync(directory, 0o755);
        expect(await runChild(directory, "unprivilegedRecord")).toMatchObject({ code: "PERMISSION_DENIED" });
        await onStore(new DirectoryStore(directory), async (client) => {
          await recordSequence(client, "s", { a: [1] });
          expect(await runChild(directory, "unprivilegedRead")).toBe("done");
          chmodSync(join(directory, "s"), 0o700);
          expect(await runChild(directory, "unprivilegedRead")).toMatchObject({ code: "PERMISSION_DENIED" });
          expect(await client.listSequences()).toEqual(["s"]);
        });
      });
    },
  );

  it.skipIf(!canSpawn || !isRoot)(
    `in one sequence's directory alone is PERMISSION_DENIED there${reason}`,
    async () => {
      await inDirectory(async (directory) => {
        chmodSync(directory, 0o777);
        mkdirSync(join(directory, "s"), { mode: 0o755 });
        expect(await runChild(directory, "unprivilegedRecord")).toMatchObject({ code: "PERMISSION_DENIED" });
      });
    },
  );
});
