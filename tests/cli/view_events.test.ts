/**
 * What `smalti view` tells of recordings that change, and following over it.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { connect, type Message } from "../../mod.ts";
import { expectError } from "../support/errors.ts";
import { until } from "../support/waiting.ts";
import { record, Value, type Viewed, withView } from "./view_server_support.ts";

interface Change {
  sequence: string;
  directory: string;
  state: string;
  writer?: string;
}

/** Runs `body` while changes come in. */
async function withEvents(
  { ask }: Viewed,
  body: (changes: Change[], ended: Promise<void>) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const response = await ask("/events", { signal: stop.signal });
  expect(response.headers.get("Content-Type")).toContain("text/event-stream");
  const changes: Change[] = [];
  let text = "";
  const ended = (async () => {
    const decoder = new TextDecoder();
    for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
      const lines = (text + decoder.decode(part, { stream: true })).split("\n");
      text = lines.pop()!;
      for (const line of lines) if (line.startsWith("data: ")) changes.push(JSON.parse(line.slice(6)));
    }
  })().catch(() => {});
  try {
    await until(() => changes.length > 0);
    // What is there at the start is no change.
    expect(changes.splice(0)).toEqual([{}]);
    await body(changes, ended);
  } finally {
    stop.abort();
    await ended;
  }
}

const texts = (items: [string, Message][]) =>
  items.map(([topic, { timestampNs }]) => `${topic} ${timestampNs}`);

describe("Events", () => {
  it("tell what becomes of each sequence", async () => {
    await withView(async (viewed) => {
      const { client, root } = viewed;
      await withEvents(viewed, async (changes) => {
        const states = (name: string) => changes.filter(({ sequence }) => sequence === name);
        const sequence = await client.sequenceCreate("Live", { autoFlush: false });
        await until(() => states("Live").length > 0);
        expect(states("Live")[0]).toEqual({
          sequence: "Live",
          directory: "live!g",
          state: "recording",
          writer: "alive",
        });
        const topic = await sequence.topicCreate("a", { ontology: Value });
        for (let i = 0; i < 3; i++) {
          const before = states("Live").length;
          await topic.push({ timestampNs: BigInt(i), data: { value: i } });
          await sequence.flush();
          await until(() => states("Live").length > before);
        }
        await sequence.finalize();
        await until(() => states("Live").at(-1)!.state === "finalized" && !states("Live").at(-1)!.writer);
        await client.sequenceDelete("Live");
        await until(() => states("Live").at(-1)!.state === "removed");
        expect(states("drive")).toEqual([]);
        await rm(join(root, "drive"), { recursive: true });
        await until(() => states("drive").length > 0);
        expect(states("drive")).toEqual([{ sequence: "drive", directory: "drive", state: "removed" }]);
      });
    });
  });

  it("end with the server", async () => {
    await withView(async (viewed) => {
      await withEvents(viewed, async (_, ended) => {
        await viewed.server.close();
        await ended;
      });
    });
  });
});

describe("A recording over smalti view", () => {
  it("is listed, replayed, and followed as it is told to change", async () => {
    await withView(async ({ server, guard, client }) => {
      const remote = await connect(`${server.url}store/?token=${guard.token}`);
      try {
        expect(await remote.listSequences()).toEqual(["drive"]);
        expect((await remote.listSequences({ details: true }))[0].state).toBe("finalized");
        const sequence = await client.sequenceCreate("live", { autoFlush: false });
        const topic = await sequence.topicCreate("a", { ontology: Value });
        const push = async (from: number, to: number) => {
          for (let i = from; i < to; i++) await topic.push({ timestampNs: BigInt(i), data: { value: i } });
          await sequence.flush();
        };
        await push(0, 10);
        const handler = await remote.sequenceHandler("live", { follow: true });
        expect((await remote.sequenceInfo("live")).live).toMatchObject({ writer: "unknown" });
        const found: [string, Message][] = [];
        const stream = handler.getDataStreamer({ follow: true });
        const following = (async () => {
          for await (const item of stream) found.push(item);
        })();
        for (let at = 10; at <= 50; at += 10) {
          await until(() => found.length >= at - 1);
          await push(at, at + 10);
        }
        await sequence.finalize();
        await following;
        expect(texts(found)).toEqual(Array.from({ length: 60 }, (_, i) => `a ${i}`));
      } finally {
        await remote.close();
      }
    });
  });

  it("wants the token", async () => {
    await withView(async ({ server }) => {
      const remote = await connect(`${server.url}store/`);
      try {
        await expectError(() => remote.sequenceHandler("drive"), "UNAUTHENTICATED", "401");
        await expectError(() => remote.listSequences(), "UNAUTHENTICATED", "401");
      } finally {
        await remote.close();
      }
    });
  });

  it("is as good as in the directory", async () => {
    await withView(async ({ server, guard, client }) => {
      await record(client, "long", 20_000);
      const remote = await connect(`${server.url}store/?token=${guard.token}`);
      try {
        const [far, near] = await Promise.all(
          [remote, client].map((at) => at.topicHandler("long", "part/a")),
        );
        expect(await far.verify({ deep: true })).toEqual([]);
        const series = { fields: ["value"], buckets: 50 };
        expect(await far.series(series)).toEqual(await near.series(series));
      } finally {
        await remote.close();
      }
    });
  });
});
