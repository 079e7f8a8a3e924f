import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, it } from "vitest";
import { type Client, connect, type SequenceWriter, type TopicWriter } from "../../mod.ts";
import { defineOntology } from "../../src/ontology/define_ontology.ts";
import { float64 } from "../../src/ontology/field.ts";
import { silence } from "../store/locks.ts";
import { canSpawn, needsBuild, runChild, startChild } from "../support/child.ts";
import { expectError } from "../support/errors.ts";
import { onLinux } from "../support/open_files.ts";
import { inDirectory } from "../support/places.ts";

const Value = defineOntology("Value", { value: float64() });

async function createTopics(sequence: SequenceWriter): Promise<TopicWriter[]> {
  return [
    await sequence.topicCreate("a", { ontology: Value }),
    await sequence.topicCreate("b", { ontology: Value }),
  ];
}

/** Rows `from` to `to` as the child process expects them. */
async function push(topics: readonly TopicWriter[], from: number, to: number): Promise<void> {
  for (let time = from; time < to; time++) {
    for (const [i, topic] of topics.entries()) {
      await topic.push({ timestampNs: BigInt(time), data: { value: time + i / 2 } });
    }
  }
}

async function record(client: Client, name: string, rows: number): Promise<void> {
  await client.sequenceCreate(name, {}, async (sequence) => {
    const topics = await createTopics(sequence);
    for (let from = 0; from < rows; from += 500) {
      await push(topics, from, Math.min(rows, from + 500));
      await Promise.all(topics.map((topic) => topic.flush()));
    }
  });
}

/** All files below a directory, as texts by path. */
async function filesIn(directory: string): Promise<Record<string, string>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map(({ name, parentPath }) =>
    join(parentPath, name)
  );
  const texts = paths.sort().map(async (path) => [path, await readFile(path, "latin1")]);
  return Object.fromEntries(await Promise.all(texts));
}

describe("A process that slept", () => {
  it.skipIf(!canSpawn || !onLinux)(
    `changes nothing of what another recovered and goes on with${needsBuild}`,
    async () => {
      await inDirectory(async (directory) => {
        const { child } = await startChild(directory, "goOnWhenTold");
        using _ = { [Symbol.dispose]: () => void (child.exitCode ?? process.kill(child.pid!, "SIGKILL")) };
        // Not by its own `kill`: on Deno that works once.
        process.kill(child.pid!, "SIGSTOP");
        const stoppedMs = Date.now();
        // As from another machine, where only the heartbeat tells.
        const lock = join(directory, "s/sequence.lock");
        const { id } = JSON.parse(await readFile(lock, "utf8"));
        await writeFile(lock, JSON.stringify({ host: "elsewhere", id }));
        await silence(lock);
        await using client = await connect(directory);
        expect((await client.recover("s")).files).toMatchObject([{ topic: "a", rowsKept: 1 }]);
        const sequence = await client.sequenceUpdate("s", { autoFlush: false });
        const topic = await sequence.topicCreate("b", { ontology: Value });
        await topic.push({ timestampNs: 5n, data: { value: 5 } });
        await sequence.flush();
        // Longer than a holder trusts its last heartbeat, which is still shorter than others wait.
        await new Promise((resolve) => setTimeout(resolve, 5000 - (Date.now() - stoppedMs)));
        const files = await filesIn(directory);
        const said = new Promise((resolve) => child.stdout!.once("data", (data) => resolve(String(data))));
        const ended = new Promise((resolve) => child.once("exit", resolve));
        process.kill(child.pid!, "SIGCONT");
        child.stdin!.write("go on\n");
        const codes: string[] = JSON.parse(await said as string);
        expect(codes.slice(1)).toEqual(Array(5).fill("LOCKED"));
        // It is taken where nothing has yet found the lock gone.
        expect(["none", "LOCKED"]).toContain(codes[0]);
        child.stdin!.end();
        expect(await ended).toBe(0);
        const { [lock]: before, ...others } = files;
        const { [lock]: after, ...rest } = await filesIn(directory);
        expect([rest, after]).toEqual([others, before]);
        await sequence.finalize();
        const { topics, state } = await client.sequenceInfo("s");
        expect([state, topics.map(({ name, rowCount }) => [name, rowCount])])
          .toEqual(["recovered", [["a", 1], ["b", 1]]]);
      });
    },
  );
});

describe("Several processes", () => {
  it.skipIf(!canSpawn)(
    `read what is finalized, all of it and in order, while another writes beside it${needsBuild}`,
    async () => {
      await inDirectory(async (directory) => {
        await using client = await connect(directory);
        for (let i = 0; i < 3; i++) await record(client, `past${i}`, 2000 * (i + 1));
        const live = await client.sequenceCreate("live");
        const topics = await createTopics(live);

        let isReading = true;
        const readers = Promise.all(Array.from({ length: 3 }, () => runChild(directory, "replay")))
          .finally(() => isReading = false);
        let rows = 0;
        // They begin and end while this goes on: rows are added to one sequence, others come to be.
        for (let round = 0; isReading; round++) {
          await push(topics, rows, rows += 100);
          await Promise.all(topics.map((topic) => topic.flush()));
          if (round < 50) await record(client, `more${round}`, 10);
        }
        expect(await readers).toEqual(["done", "done", "done"]);

        await expectError(() => client.sequenceHandler("live"), "LOCKED");
        await live.finalize();
        expect((await client.sequenceHandler("live")).rowCount).toBe(2 * rows);
        expect(await runChild(directory, "replay")).toBe("done");
      });
    },
  );
});
