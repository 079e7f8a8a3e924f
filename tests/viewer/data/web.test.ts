import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { connect } from "../../../mod.ts";
import { DataClient, type Endpoint } from "../../../src/viewer/data/client.ts";
import type { FrameAnswer, SeriesAnswer } from "../../../src/viewer/data/protocol.ts";
import { Session, type SessionPort } from "../../../src/viewer/data/session.ts";
import { WebServer } from "../../support/web_server.ts";
import { valueOf } from "./opened.ts";
import { FIRST, Probe, SECOND } from "./random_recording.ts";

/** Enough for several batches of the size that they are joined to. */
const ROWS = 120_000;

/** A page over a web server with a recording of two topics. */
async function withPage(
  act: (
    page: {
      client: DataClient;
      server: WebServer;
      directory: string;
      url: string;
    },
  ) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "smalti-viewer-"));
  try {
    await using library = await connect(directory);
    await library.sequenceCreate("s", {}, async (sequence) => {
      for (const name of [FIRST, SECOND]) {
        const topic = await sequence.topicCreate(name, { ontology: Probe });
        for (let i = 0; i < ROWS; i++) {
          // Noise, so that columns take the room that they have.
          const x = i === 4321 ? 1e6 : Math.sin(i * i);
          await topic.push({
            timestampNs: BigInt(i),
            data: { x, flag: false, mode: `mode ${i % 7}` },
          });
        }
      }
    });
    const server = await WebServer.start(directory);
    const { port1, port2 } = new MessageChannel();
    const session = new Session(port2 as unknown as SessionPort, {
      connect,
      pollMs: 0,
    });
    const client = new DataClient(port1 as unknown as Endpoint);
    try {
      await act({ client, server, directory, url: `${server.url}s` });
    } finally {
      client.close();
      await session.close();
      await server.stop();
    }
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function seriesOf(
  client: DataClient,
  line: string,
): Promise<SeriesAnswer[]> {
  const answers: SeriesAnswer[] = [];
  const request = {
    lines: [line],
    fromNs: 0n,
    toNs: BigInt(ROWS),
    pixels: 100,
  };
  valueOf(
    await client.ask("series", 1, request, {
      onPart: (answer) => answers.push(answer),
    }),
  );
  return answers;
}

describe("Over a web server", () => {
  it("a spike is there before any batch was read", async () => {
    await withPage(async ({ client, server, url }) => {
      const info = valueOf(await client.ask("open", 0, { url, early: true }));
      expect(info.rows).toBe(2 * ROWS);
      const answers: SeriesAnswer[] = [];
      const request = {
        lines: [`${FIRST}.x`],
        fromNs: 0n,
        toNs: BigInt(ROWS),
        pixels: 100,
        level: "batches" as const,
      };
      valueOf(
        await client.ask("series", 1, request, {
          onPart: (answer) => answers.push(answer),
        }),
      );
      const [bands] = answers;
      if (bands.shape !== "buckets") throw new Error("wanted buckets");
      const at = bands.max.indexOf(1e6);
      expect(bands.x[at] - bands.step / 2 <= 4321e-9).toBe(true);
      const bytes = (end: string) =>
        server.asked.filter(({ url }) => url.includes(end)).reduce(
          (sum, { sent }) => sum + sent,
          0,
        );
      const size = info.topics.find(({ name }) => name === FIRST)!.bytes;
      expect(bytes(FIRST)).toBeLessThan(size);
      expect(bytes("x-1")).toBe(0);
    });
  });

  it("a server that stops, or refuses, is told of as a value, and may come back", async () => {
    await withPage(async ({ client, server, url }) => {
      expect(
        (await client.ask("open", 0, { url: `${server.url}gone` })).error?.code,
      ).toBe("NOT_FOUND");
      valueOf(await client.ask("open", 0, { url }));
      server.trick = () => ({ status: 403 });
      const refused = (await seriesOf(client, `abs(${FIRST}.x)`)).at(-1)!;
      expect(refused).toMatchObject({
        shape: "error",
        error: { code: "PERMISSION_DENIED" },
      });
      server.trick = () => ({});
      const whole = (await seriesOf(client, `abs(${FIRST}.x)`)).at(-1)!;
      if (whole.shape !== "buckets") {
        throw new Error(`Seen ${JSON.stringify(whole)}, wanted buckets`);
      }
      expect(Math.max(...whole.max)).toBe(1e6);
    });
  });

  it("damage is a gap, also while it plays: what is whole beyond it comes all the same", async () => {
    await withPage(async ({ client, directory, url }) => {
      const path = join(directory, "s");
      const name = (await readdir(path)).find((name) => name.startsWith(FIRST) && name.endsWith(".arrow"))!;
      const bytes = await readFile(join(path, name));
      for (
        let at = Math.floor(bytes.length * 0.45);
        at < bytes.length * 0.46;
        at++
      ) bytes[at] ^= 0x55;
      await writeFile(join(path, name), bytes);
      valueOf(await client.ask("open", 0, { url }));
      const answer = (await seriesOf(client, `abs(${FIRST}.x)`)).at(-1)!;
      if (answer.shape !== "buckets") {
        throw new Error(`Seen ${JSON.stringify(answer)}, wanted buckets`);
      }
      expect(answer.gaps.length).toBe(1);
      const [{ from, to }] = answer.gaps;
      expect(from > 0 && to > from && to < (ROWS - 1) / 1e9, `${from} to ${to}`)
        .toBe(true);
      const { errors } = valueOf(await client.ask("verify", 1, {}));
      expect(new Set(errors.map(({ code, topic }) => `${code} ${topic}`))).toEqual(
        new Set([`CORRUPT ${FIRST}`]),
      );

      const frames: FrameAnswer[] = [];
      let arrived = () => {};
      const wishes = [{ topic: FIRST, fields: ["x"] }, {
        topic: SECOND,
        fields: ["x"],
      }];
      const playback = client.play(
        1,
        { fromNs: 0n, speed: 1, wishes },
        (frame) => {
          frames.push(frame);
          arrived();
        },
      );
      for (let ns = 0n; ns < BigInt(ROWS); ns += 4000n) {
        const next = new Promise<void>((resolve) => arrived = resolve);
        if (ns > 0n) playback.tick(ns);
        await next;
      }
      playback.stop();
      await playback.ended;
      const inGap = (ns: bigint) => Number(ns) / 1e9 >= from && Number(ns) / 1e9 <= to;
      for (const { ns, changes } of frames) {
        const [first] = changes.filter(({ wish }) => wish === 0);
        const [second] = changes.filter(({ wish }) => wish === 1);
        expect(second.timestampNs, `${ns}`).toBe(ns);
        if (!inGap(ns)) expect(first.timestampNs, `${ns}`).toBe(ns);
      }
      expect(
        frames.some(({ ns, changes }) => inGap(ns) && changes[0].content?.kind === "error"),
      ).toBe(true);
    });
  });
});
