import { readdir, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, it } from "vitest";
import { type Client, connect } from "../../mod.ts";
import { canSpawn, endChild, needsBuild, runChild, startChild } from "../support/child.ts";
import { expectError } from "../support/errors.ts";
import { inDirectory, PLACES, withClient } from "../support/places.ts";
import { addTopic, allTexts, recordSequence, sampleText } from "../support/sample_rows.ts";

const notDeno = "deno" in process.versions ? "" : " (the permissions are Deno's)";

/** Runs `body` with two clients on one directory. */
async function withTwoClients(
  body: (first: Client, second: Client, directory: string) => Promise<void>,
): Promise<void> {
  await inDirectory(async (directory) => {
    const clients = [await connect(directory), await connect(directory)];
    try {
      await body(clients[0], clients[1], directory);
    } finally {
      for (const client of clients) await client.close();
    }
  });
}

/** Expects that nobody but its writer gets at sequence "s", and that the refusal says who writes it. */
async function expectHeld(client: Client, holder: string): Promise<void> {
  await expectError(() => client.sequenceCreate("s"), "ALREADY_EXISTS", `sequence "s"`);
  for (
    const call of [
      () => client.sequenceHandler("s"),
      () => client.topicHandler("s", "a"),
      () => client.sequenceUpdate("s"),
      () => client.sequenceDelete("s"),
    ]
  ) {
    await expectError(call, "LOCKED", holder);
  }
}

describe.each(PLACES)("A sequence being recorded, in %s", (place) => {
  const holder = place === "memory" ? "a writer of this client" : `process ${process.pid} on ${hostname()}`;

  it("is closed to the same client, by name of the holder, until it is finalized", async () => {
    await withClient(place, async (client) => {
      const sequence = await client.sequenceCreate("s");
      await addTopic(sequence, "a", [1]);
      await expectHeld(client, holder);
      expect((await client.sequenceInfo("s")).state).toBe("recording");
      await sequence.finalize();
      expect(await allTexts(client, "s")).toEqual([sampleText("a", 1n, 0)]);
      await client.sequenceDelete("s");
    });
  });

  it("is read as before while a later session is written, which is closed to others", async () => {
    await withClient(place, async (client) => {
      await recordSequence(client, "s", { a: [1] });
      const update = await client.sequenceUpdate("s");
      await addTopic(update, "b", [2]);
      expect(await allTexts(client, "s")).toEqual([sampleText("a", 1n, 0)]);
      await expectError(() => client.sequenceUpdate("s"), "LOCKED", holder);
      await expectError(() => client.sequenceDelete("s"), "LOCKED", holder);
      const early = await client.sequenceHandler("s");
      await update.finalize();
      expect(early.topics.map(({ name }) => name)).toEqual(["a"]);
      expect(await allTexts(client, "s")).toEqual([sampleText("a", 1n, 0), sampleText("b", 2n, 0)]);
    });
  });

  it("is created once, of many tries at once", async () => {
    await withClient(place, async (client) => {
      const tries = await Promise.allSettled(Array.from({ length: 6 }, () => client.sequenceCreate("s")));
      const made = tries.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
      const codes = tries.flatMap((one) => (one.status === "rejected" ? [one.reason.code] : []));
      expect([made.length, codes.filter((code) => code === "LOCKED" || code === "ALREADY_EXISTS").length])
        .toEqual([1, 5]);
      await addTopic(made[0], "a", [1]);
      await made[0].finalize();
      expect(await allTexts(client, "s")).toEqual([sampleText("a", 1n, 0)]);
    });
  });
});

describe("A sequence being recorded in a directory", () => {
  it("is closed to another client on it", async () => {
    await withTwoClients(async (first, second) => {
      const sequence = await first.sequenceCreate("s");
      await addTopic(sequence, "a", [1]);
      await expectHeld(second, `process ${process.pid} on ${hostname()}`);
      await sequence.finalize();
      expect(await allTexts(second, "s")).toEqual([sampleText("a", 1n, 0)]);
      const update = await second.sequenceUpdate("s");
      await expectError(() => first.sequenceUpdate("s"), "LOCKED");
      await second.close();
      expect(update.status).toBe("aborted");
      await first.sequenceDelete("s");
    });
  });

  it.skipIf(!canSpawn)(`is closed to another process${needsBuild}`, async () => {
    await withTwoClients(async (client, _, directory) => {
      const sequence = await client.sequenceCreate("s");
      const holder = `process ${process.pid} on ${hostname()}`;
      const said = await Promise.all(
        ["create", "update", "open", "remove"].map((action) => runChild(directory, action)),
      );
      expect(said.map((one) => one !== "done" && one.code)).toEqual([
        "ALREADY_EXISTS",
        "LOCKED",
        "LOCKED",
        "LOCKED",
      ]);
      for (const one of said.slice(1)) {
        expect(one).toMatchObject({ message: expect.stringContaining(holder) });
      }
      await addTopic(sequence, "a", [1]);
      await sequence.finalize();
      expect(await runChild(directory, "open")).toBe("done");
    });
  });

  it.skipIf(!canSpawn)(
    `by another process is closed to this one, by name of that process${needsBuild}`,
    async () => {
      await withTwoClients(async (client, _, directory) => {
        const { child, said } = await startChild(directory, "record");
        expect(said).toBe("done");
        try {
          await expectHeld(client, `process ${child.pid} on ${hostname()}`);
        } finally {
          await endChild(child, "close");
        }
        const handler = await client.sequenceHandler("s");
        expect([handler.state, handler.rowCount]).toEqual(["failed", 1]);
      });
    },
  );

  it.skipIf(!canSpawn)(
    `by a process that was killed stays unread, and can be removed${needsBuild}`,
    async () => {
      await withTwoClients(async (client, _, directory) => {
        const { child } = await startChild(directory, "record");
        await endChild(child, "kill");
        expect((await client.sequenceInfo("s")).state).toBe("recording");
        await expectError(
          () => client.sequenceHandler("s"),
          "LOCKED",
          "never finalized and its writer is gone",
        );
        await expectError(() => client.sequenceUpdate("s"), "LOCKED", "never finalized");
        await expectError(() => client.sequenceCreate("s"), "ALREADY_EXISTS");
        await client.sequenceDelete("s");
        await recordSequence(client, "s", { a: [4] });
        expect(await allTexts(client, "s")).toEqual([sampleText("a", 4n, 0)]);
      });
    },
  );

  it.skipIf(notDeno)(
    `is written and recovered by processes with no right but to read and write${notDeno}`,
    async () => {
      await inDirectory(async (directory) => {
        const rights = ["--allow-read", "--allow-write"];
        const { child, said } = await startChild(directory, "record", rights);
        expect(said).toBe("done");
        await endChild(child, "kill");
        // Who has no right to ask for processes goes by the heartbeat, however long this test takes to get here.
        const soon = Date.now() / 1000 + 3600;
        await utimes(join(directory, "s/sequence.lock"), soon, soon);
        expect(await runChild(directory, "recover", rights)).toMatchObject({ code: "LOCKED" });
        await utimes(join(directory, "s/sequence.lock"), 1_000, 1_000);
        expect(await runChild(directory, "recover", rights)).toBe("done");
        expect(await runChild(directory, "update", rights)).toBe("done");
      });
    },
  );

  it.skipIf(notDeno)(`is PERMISSION_DENIED without the right to write${notDeno}`, async () => {
    await inDirectory(async (directory) => {
      const said = await runChild(directory, "create", ["--allow-read"]);
      expect(said).toMatchObject({ code: "PERMISSION_DENIED" });
      expect(await readdir(directory)).toEqual([]);
    });
  });
});
