/**
 * How many requests a bucket gets of who looks through a topic batch by batch.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Client, connect, defineOntology, float64, optional, utf8 } from "../../mod.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { readAll } from "../../src/store/store.ts";
import { keepingBatches } from "../support/keeping_batches.ts";
import { clientOf } from "../support/places.ts";
import { S3Proxy } from "../support/s3_proxy.ts";
import { anyS3Server, s3Installed, S3Server } from "../support/s3_server.ts";

const Said = defineOntology("Said", { value: float64(), text: utf8(), seldom: optional(utf8()) });
const [BATCHES, ROWS] = [200, 20];
/** Of them several are for the list, the manifest and the end of the file; a request a batch would be 200. */
const MOST = 8;
/** A search goes backwards by windows, each as long as all before. */
const MOST_OF_SEARCH = 24;

const skipped = anyS3Server === undefined ? s3Installed("moto").skipped : "";

describe.skipIf(skipped)(`A topic of ${BATCHES} batches in a bucket${skipped}`, () => {
  let server: S3Server;
  let proxy: S3Proxy;
  let near: Client;
  let far: Client;
  beforeAll(async () => {
    server = await S3Server.start(anyS3Server!);
    proxy = await S3Proxy.start(server.endpoint);
    const memory = keepingBatches(new MemoryStore());
    near = clientOf(memory);
    await near.sequenceCreate("drive", {}, async (sequence) => {
      const said = await sequence.topicCreate("said", { ontology: Said });
      const beat = await sequence.topicCreate("beat", { ontology: Said });
      for (let row = 0; row < BATCHES * ROWS; row++) {
        // What does not compress, so that the batches are of some size.
        const text = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(600))));
        const data = { value: Math.sin(row), text, ...(row === 0 && { seldom: "once" }) };
        await said.push({ timestampNs: BigInt(row), data });
        if (row % ROWS === ROWS - 1) await said.flush();
      }
      const data = { value: 1, text: "beat" };
      await beat.push({ timestampNs: BigInt(BATCHES * ROWS), data });
    });
    for (const name of await memory.list("drive")) {
      await server.open().put(`fleet/drive/${name}`, await readAll(memory, `drive/${name}`));
    }
    far = await connect(server.url("fleet"), {
      s3: server.options({ endpoint: proxy.endpoint }),
      maxCachedBytes: 0,
    });
  }, 60_000);
  afterAll(async () => {
    await Promise.all([near?.close(), far?.close()]);
    await proxy?.stop();
    await server?.stop();
  });

  /** Looks the same way into both; gives how many requests that took. */
  async function requestsOf<R>(look: (client: Client) => Promise<R>): Promise<number> {
    const wanted = await look(near);
    proxy.asked.length = 0;
    expect(await look(far)).toEqual(wanted);
    return proxy.asked.length;
  }

  it("is queried by few requests", async () => {
    const text = Said.q.text;
    const requests = await requestsOf(async (client) => {
      const hits = await client.query({ ontology: text.eq("nothing") });
      return hits.length;
    });
    expect(requests).toBeLessThanOrEqual(MOST);
  });

  it("tells figures and values over time by few requests", async () => {
    const stats = await requestsOf(async (client) => {
      const handler = await client.sequenceHandler("drive");
      return [...(await handler.stats({ topics: ["said"] })).get("said")!.fields];
    });
    const series = await requestsOf(async (client) => {
      const topic = await client.topicHandler("drive", "said");
      const { count } = await topic.series({ fields: ["value"], buckets: 7 });
      return [...count];
    });
    expect(Math.max(stats, series)).toBeLessThanOrEqual(MOST);
  });

  it("is latched by few requests", async () => {
    const requests = await requestsOf(async (client) => {
      const handler = await client.sequenceHandler("drive");
      const found: string[] = [];
      const latched = [{ topic: "said", by: "text" }];
      const startNs = BigInt(BATCHES * ROWS);
      for await (const [topic, { timestampNs }] of handler.getDataStreamer({ latched, startNs })) {
        found.push(`${topic} ${timestampNs}`);
      }
      return found;
    });
    expect(requests).toBeLessThanOrEqual(MOST);
  });

  it("is searched for a last value by few requests", async () => {
    const requests = await requestsOf(async (client) => {
      const handler = await client.sequenceHandler("drive");
      const startNs = BigInt(BATCHES * ROWS);
      const rows: unknown[] = [];
      const stream = handler.getSyncStreamer({
        fields: { seldom: { topic: "said", field: "seldom" }, value: { topic: "beat", field: "value" } },
        startNs,
        endNs: startNs + 3n,
        periodNs: 1n,
      });
      for await (const row of stream) {
        rows.push(JSON.stringify(row, (_, v) => typeof v === "bigint" ? `${v}` : v));
      }
      return rows;
    });
    expect(requests).toBeLessThanOrEqual(MOST_OF_SEARCH);
  });
});
