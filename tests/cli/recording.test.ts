import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Client, connect, type LiveInfo, type SequenceInfo } from "../../mod.ts";
import { createServer } from "../../src/flight/server/mod.ts";
import { canSpawn, endChild, needsBuild as needsLibrary, startChild } from "../support/child.ts";
import { needsBuild, smalti, until } from "../support/cli_process.ts";
import { addTopic } from "../support/sample_rows.ts";

/** What a table or list of facts says, without the columns' widths. */
async function shown(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await smalti(...args);
  expect([code, stderr]).toEqual([0, ""]);
  return stdout.replace(/ +/g, " ");
}

/** What is told of the one topic that a child process records. */
const recorded = (writer: LiveInfo["writer"]) => ({
  state: "recording",
  topics: [],
  live: {
    writer,
    topics: [{
      name: "a",
      ontologyTag: "Value",
      rowCount: 1,
      firstNs: 1n,
      lastNs: 1n,
      sizeBytes: expect.any(Number),
    }],
  },
});

describe.skipIf(!canSpawn || needsBuild !== "")(
  `What another process records${needsLibrary}${needsBuild}`,
  () => {
    it("is told of by ls, info and in code, here and over a server, while it is recorded and when its writer died", async () => {
      const store = await mkdtemp(join(tmpdir(), "smalti-test-"));
      const client = await connect(store);
      const server = await createServer(client, { port: 0 });
      const remote = await connect(server.url);
      const infos = async (): Promise<SequenceInfo[]> => {
        const one = (each: Client) => each.sequenceInfo("s");
        const all = async (each: Client) => (await each.listSequences({ details: true }))[0] as SequenceInfo;
        return await Promise.all([one(client), all(client), one(remote), all(remote)]);
      };
      try {
        const { child, said } = await startChild(store, "record");
        expect(said).toBe("done");
        // It flushes by itself.
        await until(async () => (await client.sequenceInfo("s")).live!.topics.length > 0);
        for (const info of await infos()) expect(info).toMatchObject(recorded("alive"));
        const { sizeBytes } = (await client.sequenceInfo("s")).live!.topics[0];
        expect(sizeBytes).toBeGreaterThan(500);
        expect((await client.sequenceHandler("s", { follow: true })).info).toMatchObject(recorded("alive"));
        for (const place of [store, server.url]) {
          expect(await shown("ls", "--store", place)).toMatch(/^s recording 1 1 0\.000000 0\.000000 \d/m);
          const info = await shown("info", "s", "--store", place);
          expect(info).toMatch(/^state recording$/m);
          expect(info).toMatch(/^messages 1$/m);
          expect(info).toMatch(/^first 0\.000000001 s \(1 ns\)$/m);
          expect(info).toMatch(/^session .*, 1 topic, recording$/m);
          expect(info).toMatch(/^a 1 .* Value .* recording$/m);
        }
        expect(await shown("info", "s", "--store", store)).toMatch(/^writer process \d+/m);

        await endChild(child, "kill");
        for (const info of await infos()) expect(info).toMatchObject(recorded("gone"));
        for (const place of [store, server.url]) {
          expect(await shown("ls", "--store", place)).toMatch(/^s recording \(writer gone\) 1 1 /m);
          const info = await shown("info", "s", "--store", place);
          expect(info).toMatch(/^state recording \(never finalized, its writer is gone: recover it\)$/m);
          expect(info).toMatch(/^a 1 .* to be recovered$/m);
        }
        await client.recover("s");
        for (const info of await infos()) {
          expect(info).toMatchObject({ state: "recovered", topics: [{ name: "a", rowCount: 1 }] });
          expect(info.live).toBeUndefined();
        }
      } finally {
        await remote.close();
        await server.close();
        await client.close();
        await rm(store, { recursive: true });
      }
    });
  },
);

describe("What is being recorded", () => {
  it("grows with each flush, and is of the sequence once it is committed", async () => {
    const client = await connect("memory:");
    const sequence = await client.sequenceCreate("s");
    const counts = async () =>
      (await client.sequenceInfo("s")).live?.topics.map(({ rowCount, firstNs, lastNs }) => [
        rowCount,
        firstNs,
        lastNs,
      ]);
    expect(await counts()).toEqual([]);
    const topic = await addTopic(sequence, "a", [5, 7]);
    expect(await counts()).toEqual([]);
    await sequence.flush();
    expect(await counts()).toEqual([[2, 5n, 7n]]);
    await addTopic(sequence, "b", []);
    await topic.push({ timestampNs: 3n, data: { serial: 1n, values: [] } });
    await sequence.flush();
    expect(await counts()).toEqual([[3, 3n, 7n], [0, undefined, undefined]]);
    await sequence.finalize();
    const info = await client.sequenceInfo("s");
    expect(info).toMatchObject({ state: "finalized", topics: [{ rowCount: 3 }, { rowCount: 0 }] });
    expect(info.live).toBeUndefined();
    // Beside what was committed.
    const more = await client.sequenceUpdate("s");
    await addTopic(more, "c", [9]);
    await more.flush();
    expect(await client.sequenceInfo("s")).toMatchObject({
      state: "finalized",
      topics: [{ name: "a" }, { name: "b" }],
      live: { writer: "alive", topics: [{ name: "c", rowCount: 1, lastNs: 9n }] },
    });
    await more.abort("no", "delete");
    expect((await client.sequenceInfo("s")).live).toBeUndefined();
    await client.close();
  });
});
