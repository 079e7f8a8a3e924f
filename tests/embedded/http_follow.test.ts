/**
 * Following over a plain web server, which holds no file open and tells of no writer.
 */
import { describe, expect, it } from "vitest";
import { type Client, connect, defineOntology, float64, int64, list, type Message } from "../../mod.ts";
import { DirectoryStore } from "../../src/store/directory/directory_store.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { expectError } from "../support/errors.ts";
import { copyFiles } from "../support/faulty_store.ts";
import { clientOf, inDirectory } from "../support/places.ts";
import { until } from "../support/waiting.ts";
import { WebServer } from "../support/web_server.ts";
import { storedBatches } from "./stored_batches.ts";

const Row = defineOntology("Row", { serial: int64(), noise: list(float64()) });
type Item = [string, Message];

const textOf = ([topic, { timestampNs, data }]: Item) => `${topic} ${timestampNs} ${data.serial}`;

interface Places {
  /** Writes the directory. */
  local: Client;
  /** Reads it over the server. */
  remote: Client;
  server: WebServer;
  directory: string;
}

async function withPlaces(body: (places: Places) => Promise<void>): Promise<void> {
  await inDirectory(async (directory) => {
    const server = await WebServer.start(directory);
    const [local, remote] = [await connect(directory), await connect(server.url)];
    try {
      await body({ local, remote, server, directory });
    } finally {
      await Promise.all([local.close(), remote.close()]);
      await server.stop();
    }
  });
}

/** What a stream gives, as it comes. */
function collect(stream: AsyncIterable<Item>): { found: string[]; ended: Promise<unknown> } {
  const found: string[] = [];
  const ended = (async () => {
    for await (const item of stream) found.push(textOf(item));
  })().then(() => undefined, (reason) => reason);
  return { found, ended };
}

async function follow(client: Client, onLate?: (topic: string, message: Message) => void) {
  const handler = await client.sequenceHandler("s", { follow: true });
  return handler.getDataStreamer({ follow: true, ...(onLate && { onLate }) });
}

async function replay(client: Client): Promise<string[]> {
  const texts: string[] = [];
  for await (const item of (await client.sequenceHandler("s")).getDataStreamer()) texts.push(textOf(item));
  return texts;
}

/** Starts "s" with topics "a" and "b"; `push` adds rows from one number to before another and flushes. */
async function begin(client: Client, values = 1) {
  const sequence = await client.sequenceCreate("s", { autoFlush: false });
  const topics = [
    await sequence.topicCreate("a", { ontology: Row }),
    await sequence.topicCreate("b", { ontology: Row }),
  ];
  const push = async (from: number, to: number, flush = true) => {
    for (let i = from; i < to; i++) {
      const noise = Float64Array.from({ length: values }, (_, n) => Math.sin(i * values + n));
      await topics[i % 2].push({ timestampNs: BigInt(i), data: { serial: BigInt(i), noise } });
    }
    if (flush) await sequence.flush();
  };
  return { sequence, topics, push };
}

describe("Following over a web server", () => {
  it("gives what a replay gives, the small batches of the end joined meanwhile", async () => {
    await withPlaces(async ({ local, remote, directory }) => {
      const { sequence, push } = await begin(local);
      await push(0, 10);
      const { found, ended } = collect(await follow(remote));
      await until(() => found.length >= 9);
      for (let at = 10; at < 60; at += 10) await push(at, at + 10);
      await until(() => found.length >= 59);
      await push(60, 75, false);
      await sequence.finalize();
      expect(await ended).toBe(undefined);
      expect(found).toEqual(await replay(local));
      expect(found.length).toBe(75);
      const store = new DirectoryStore(directory);
      expect(await storedBatches(store, "s/a.arrow")).toBe(1);
      await store.close();
    });
  });

  it("goes on in the file that took the place of the one that it was reading", async () => {
    await withPlaces(async ({ local, remote, directory }) => {
      const { sequence, push } = await begin(local, 1000);
      for (let at = 0; at < 400; at += 10) await push(at, at + 10);
      const stream = await follow(remote);
      const found: string[] = [];
      for (let i = 0; i < 5; i++) found.push(textOf((await stream.next()).value!));
      await sequence.finalize();
      const store = new DirectoryStore(directory);
      expect(await storedBatches(store, "s/a.arrow")).toBeLessThan(10);
      await store.close();
      for await (const item of stream) found.push(textOf(item));
      expect(found).toEqual(await replay(local));
      expect(found.length).toBe(400);
    });
  });

  it("tells of what is late", async () => {
    await withPlaces(async ({ local, remote }) => {
      const { sequence, topics, push } = await begin(local);
      await push(0, 20);
      const late: string[] = [];
      const { found, ended } = collect(await follow(remote, (...item) => late.push(textOf(item))));
      await until(() => found.length >= 19);
      await topics[0].push({ timestampNs: 5n, data: { serial: 1000n, noise: [] } });
      await push(20, 40);
      await until(() => found.length >= 39);
      expect(late).toEqual(["a 5 1000"]);
      await sequence.finalize();
      expect(await ended).toBe(undefined);
      expect(found).toEqual(Array.from({ length: 40 }, (_, i) => `${"ab"[i % 2]} ${i} ${i}`));
    });
  });

  it("waits where a writer was killed, and ends with what a recovery commits", async () => {
    await withPlaces(async ({ local, remote, directory }) => {
      const living = new MemoryStore();
      const writer = clientOf(living);
      const { sequence, push } = await begin(writer);
      await push(0, 10);
      await push(10, 20);
      const store = new DirectoryStore(directory);
      await copyFiles(living, store);
      await store.close();
      await sequence.abort();
      await writer.close();
      const { found, ended } = collect(await follow(remote));
      await until(() => found.length >= 19);
      await local.recover("s");
      expect(await ended).toBe(undefined);
      expect(found).toEqual(await replay(local));
      expect(found.length).toBe(20);
    });
  });

  it("ends with ABORTED where the sequence is given up or removed", async () => {
    for (const how of ["delete", "report", "remove"] as const) {
      await withPlaces(async ({ local, remote }) => {
        const { sequence, push } = await begin(local);
        await push(0, 10);
        const { found, ended } = collect(await follow(remote));
        await until(() => found.length >= 9);
        if (how === "remove") {
          await sequence.finalize();
          await local.sequenceDelete("s");
        } else await sequence.abort("enough", how);
        // What is removed so soon after its end may have been read to the end before.
        const reason = await ended as { code?: string } | undefined;
        if (how !== "remove") expect([how, reason?.code]).toEqual([how, "ABORTED"]);
        else expect(["ABORTED", undefined]).toContain(reason?.code);
      });
    }
  });

  it("goes on after the server was away", async () => {
    await withPlaces(async ({ local, remote, server, directory }) => {
      const { sequence, push } = await begin(local);
      await push(0, 10);
      const { found, ended } = collect(await follow(remote));
      await until(() => found.length >= 9);
      const port = Number(new URL(server.url).port);
      const asked = server.asked.length;
      await server.stop();
      // While it is away it is asked in vain.
      await new Promise((resolve) => setTimeout(resolve, 1500));
      await push(10, 20);
      const again = await WebServer.start(directory, port);
      try {
        await until(() => found.length >= 19);
        await sequence.finalize();
        expect(await ended).toBe(undefined);
        expect([found.length, server.asked.length]).toEqual([20, asked]);
      } finally {
        await again.stop();
      }
    });
  });

  it("asks whether there is something new, and reads no more than that", async () => {
    await withPlaces(async ({ local, remote, server }) => {
      const { sequence, push } = await begin(local);
      await push(0, 100);
      const { found, ended } = collect(await follow(remote));
      await until(() => found.length >= 99);
      const looked = () => server.asked.filter(({ headers }) => headers["if-none-match"] !== undefined);
      // One may have told that all was given out, since no row came for a second.
      await until(() => looked().filter(({ ended, sent }) => ended === "whole" && sent === 0).length >= 4);
      expect(new Set(looked().map(({ url }) => url))).toEqual(
        new Set(["/s/sequence.live", "/s/sequence.json"]),
      );
      server.asked.length = 0;
      await push(100, 110);
      await until(() => found.length >= 109);
      const parts = server.asked.filter(({ url }) => url.endsWith(".arrow"));
      // No byte of what was known is read again.
      expect(parts.some(({ range }) => range!.startsWith("0-"))).toBe(false);
      await sequence.finalize();
      expect(await ended).toBe(undefined);
    });
  });

  it("tells statistics of what was flushed so far, up to the end and after it", async () => {
    await withPlaces(async ({ local, remote }) => {
      const { sequence, push } = await begin(local);
      await push(0, 10);
      const handler = await remote.sequenceHandler("s", { follow: true });
      const rows = async () => {
        const { topics } = await handler.activity({ buckets: 4 });
        return [...topics.values()].reduce((sum, counts) => sum + counts.reduce((a, b) => a + b), 0);
      };
      expect(await rows()).toBeCloseTo(10);
      await push(10, 30);
      expect(await rows()).toBeCloseTo(30);
      expect((await handler.latestAt(25n)).get("b")!.timestampNs).toBe(25n);
      await sequence.finalize();
      expect(await rows()).toBeCloseTo(30);
      expect((await handler.latestAt(26n)).get("a")!.timestampNs).toBe(26n);
      expect((await handler.stats()).get("a")!.count).toBe(15);
    });
  });

  it("asks twice how far a recording is, once it is known", async () => {
    await withPlaces(async ({ local, remote, server }) => {
      const { sequence, push } = await begin(local);
      await push(0, 10);
      const rows = async () => {
        const { live } = await remote.sequenceInfo("s");
        return live?.topics.map(({ name, rowCount }) => `${name} ${rowCount}`);
      };
      expect(await rows()).toEqual(["a 5", "b 5"]);
      server.asked.length = 0;
      await push(10, 30);
      expect(await rows()).toEqual(["a 15", "b 15"]);
      expect(server.asked.map(({ url }) => url)).toEqual(["/s/sequence.json", "/s/sequence.live"]);
      await sequence.finalize();
      expect(await rows()).toBe(undefined);
      expect((await remote.sequenceInfo("s")).state).toBe("finalized");
    });
  });

  it("ends at once where nothing is recorded", async () => {
    await withPlaces(async ({ local, remote }) => {
      const { sequence, push } = await begin(local);
      await push(0, 10);
      await sequence.finalize();
      const { found, ended } = collect(await follow(remote));
      expect(await ended).toBe(undefined);
      expect(found.length).toBe(10);
      await expectError(() => remote.sequenceHandler("none", { follow: true }), "NOT_FOUND");
    });
  });
});
