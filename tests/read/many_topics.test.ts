import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Client } from "../../src/client.ts";
import { defineOntology } from "../../src/ontology/define_ontology.ts";
import { int64 } from "../../src/ontology/field.ts";
import type { SequenceHandler } from "../../src/read/sequence_handler.ts";
import { DirectoryStore } from "../../src/store/directory/directory_store.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { readAll } from "../../src/store/store.ts";
import { expectError } from "../support/errors.ts";
import { clientOf, inDirectory, onStore } from "../support/places.ts";
import { WatchedStore } from "../support/watched_store.ts";
import { keepingBatches } from "../support/keeping_batches.ts";
import { heldFiles, MOST_HELD, onLinux } from "../support/open_files.ts";

const TOPICS = 2000;
/** Rows of a batch. */
const ROWS = 2;
const batchesOf = (t: number) => t % 10 === 0 ? 2 : 1;
/** When row `serial` of topic `t` was: all topics overlap, and many are at one time. */
const timeOf = (t: number, serial: number) => 10 * serial + t % 7;

const MiB = 2 ** 20;
const Count = defineOntology("Count", { serial: int64() });

async function recordMany(client: Client): Promise<void> {
  await client.sequenceCreate("s", {}, async (sequence) => {
    const create = (_: unknown, t: number) => sequence.topicCreate(`t/${t}`, { ontology: Count });
    const topics = await Promise.all(Array.from({ length: TOPICS }, create));
    for (const [t, topic] of topics.entries()) {
      for (let serial = 0; serial < ROWS * batchesOf(t); serial++) {
        await topic.push({ timestampNs: BigInt(timeOf(t, serial)), data: { serial } });
        if (serial % ROWS === ROWS - 1) await topic.flush();
      }
    }
  });
}

/** Puts what was recorded in memory into a directory, without a sync for each file. */
async function copyTo(directory: string, from: MemoryStore): Promise<void> {
  mkdirSync(join(directory, "s", "t"), { recursive: true });
  const files = (await from.list("s/t")).map((name) => `s/t/${name}`);
  for (const path of [...files, "s/sequence.json"]) {
    writeFileSync(join(directory, path), await readAll(from, path));
  }
}

/** All rows, by sorting them. */
function rowsInOrder(): { name: string; ns: bigint; serial: bigint }[] {
  return Array.from(
    { length: TOPICS },
    (_, t) =>
      Array.from({ length: ROWS * batchesOf(t) }, (_, serial) => ({
        name: `t/${t}`,
        ns: BigInt(timeOf(t, serial)),
        serial: BigInt(serial),
      })),
  ).flat().sort((a, b) => Number(a.ns - b.ns) || (a.name < b.name ? -1 : 1));
}

describe("A replay of 2,000 topics that all overlap", () => {
  it("gives all in order within 3 MiB, holds few files open, and is TOO_LARGE for 512 KiB", async () => {
    const memory = keepingBatches(new MemoryStore());
    await recordMany(clientOf(memory));
    await inDirectory(async (directory) => {
      await copyTo(directory, memory);
      const store = new WatchedStore(new DirectoryStore(directory));
      let most = 0;
      store.before = () => {
        if (onLinux && store.calls.length % 64 === 0) most = Math.max(most, heldFiles(directory).length);
      };
      await onStore(store, async (client) => {
        const handler = await client.sequenceHandler("s");
        await checkReplay(handler);
        const batches = TOPICS * 1.1;
        expect(store.count("read", ".arrow")).toBe(TOPICS + batches); // a footer for each topic
        if (onLinux) expect(most).toBeGreaterThan(64);
        expect(most).toBeLessThanOrEqual(MOST_HELD);

        store.reads.length = 0;
        const drain = async () => {
          for await (const _ of handler.getDataStreamer({ maxBufferedBytes: MiB / 2 }).batches());
        };
        await expectError(drain, "TOO_LARGE", /\d{3,4} batches overlap in time and take 52[45]\d{3} bytes/);
        expect(store.reads.reduce((sum, { length }) => sum + length, 0)).toBeLessThanOrEqual(MiB / 2);
      });
      if (onLinux) expect(heldFiles(directory)).toEqual([]);
    });
  });

  async function checkReplay(handler: SequenceHandler): Promise<void> {
    const wanted = rowsInOrder();
    let count = 0;
    for await (const block of handler.getDataStreamer({ maxBufferedBytes: 3 * MiB }).batches()) {
      for (const [topic, { timestampNs, data }] of block) {
        const { name, ns, serial } = wanted[count++];
        if (topic !== name || timestampNs !== ns || data.serial !== serial) {
          throw new Error(`Row ${count - 1} is ${data.serial} of ${topic}, wanted ${serial} of ${name}`);
        }
      }
    }
    expect(count).toBe(wanted.length);
  }
});
