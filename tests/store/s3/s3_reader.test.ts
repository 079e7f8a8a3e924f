import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { binary, connect, defineOntology } from "../../../mod.ts";
import { MemoryStore } from "../../../src/store/memory.ts";
import { keepingBatches } from "../../support/keeping_batches.ts";
import { S3Reader } from "../../../src/store/s3/s3_reader.ts";
import { s3Place } from "../../../src/store/s3/s3_options.ts";
import { isOtherFile, readAll, readNow } from "../../../src/store/store.ts";
import { codeOf, content, fileReaderContract, text } from "../../contract/store.ts";
import { BucketWriter } from "../../support/bucket_writer.ts";
import { expectError, thrownBy } from "../../support/errors.ts";
import { clientOf } from "../../support/places.ts";
import { addTopic, allTexts, pushSamples, recordSequence } from "../../support/sample_rows.ts";
import { S3Proxy } from "../../support/s3_proxy.ts";
import { s3Installed, S3Server, type S3ServerName } from "../../support/s3_server.ts";

const Noise = defineOntology("Noise", { data: binary() });

for (const name of ["versitygw", "moto"] as const) suite(name);

function suite(name: S3ServerName): void {
  const { isThere, skipped } = s3Installed(name);
  if (!isThere) return it.skip(`S3Reader on ${name}${skipped}`, () => {});

  let server: S3Server;
  let proxy: S3Proxy;
  let places = 0;
  beforeAll(async () => {
    server = await S3Server.start(name);
    proxy = await S3Proxy.start(server.endpoint);
  }, 60_000);
  afterAll(async () => {
    await proxy?.stop();
    await server?.stop();
  });

  /** A reader of a new place, by way of the proxy, and what writes there. */
  function newPlace() {
    const prefix = `of all/place+${places++}/`;
    proxy.trick = () => undefined;
    proxy.asked.length = 0;
    const url = server.url(prefix);
    const options = server.options({ endpoint: proxy.endpoint });
    const [store, writer] = [new S3Reader(s3Place(url, options)), new BucketWriter(server.open(), prefix)];
    const dispose = async () => {
      await store.close();
      await writer.close();
    };
    return { store, writer, url, options, prefix, dispose };
  }

  fileReaderContract(`s3, ${name}`, () => Promise.resolve(newPlace()));

  describe(`S3Reader on ${name}`, () => {
    it("lists names directly below a directory", async () => {
      const { store, writer, dispose } = newPlace();
      for (const path of ["b/x", "b/y/z", "a!c/x", "top.json"]) await writer.replace(path, text(path));
      expect((await store.list("")).sort()).toEqual(["a!c", "b", "top.json"]);
      expect((await store.list("b")).sort()).toEqual(["x", "y"]);
      expect(await store.list("none")).toEqual([]);
      await dispose();
    });

    it("lists more names than a page of the service holds", async () => {
      const { store, prefix, dispose } = newPlace();
      const bucket = server.open();
      const names = Array.from({ length: 1100 }, (_, i) => `n${String(i).padStart(4, "0")}`);
      for (let from = 0; from < names.length; from += 50) {
        await Promise.all(
          names.slice(from, from + 50).map((name) => bucket.put(`${prefix}${name}/f`, text("x"))),
        );
      }
      expect((await store.list("")).sort()).toEqual(names);
      expect(proxy.count("GET")).toBe(2);
      await dispose();
    });

    it("knows a place that nobody has written to from an empty directory, and a bucket that is not there", async () => {
      const { store, options, dispose } = newPlace();
      await expectError(() => store.list(""), "NOT_FOUND", store.url);
      const other = new S3Reader(s3Place("s3://no-such-bucket/", options));
      await expectError(() => other.list(""), "NOT_FOUND", "no-such-bucket");
      await expectError(() => other.read("f", 0, 1), "NOT_FOUND", `there is no bucket "no-such-bucket"`);
      await other.close();
      await dispose();
    });

    it("refuses another object at the path, by a condition of the request", async () => {
      const { store, writer, dispose } = newPlace();
      // Longer than the end that is kept of each file.
      await writer.replace("f", new Uint8Array(300_000).fill(1));
      const reader = {};
      expect((await store.read("f", 290_000, 8, { reader }))[0]).toBe(1);
      await writer.replace("f", new Uint8Array(300_000).fill(2));
      const reason = await thrownBy(() => store.read("f", 0, 8, { reader }));
      expect(isOtherFile(reason)).toBe(true);
      expect(proxy.asked.at(-1)!.headers["if-match"]).toMatch(/^"/);
      expect((await store.read("f", 0, 8, { reader: {} }))[0]).toBe(2);
      await dispose();
    });

    it("asks for a small file only if it is another", async () => {
      const { store, writer, dispose } = newPlace();
      await writer.replace("f", text("one"));
      const one = await readNow(store, "f");
      expect(await readNow(store, "f", one)).toBe(one);
      await writer.replace("f", text("two"));
      expect(new TextDecoder().decode((await readNow(store, "f", one)).bytes)).toBe("two");
      await writer.replace("f", new Uint8Array(600_000).fill(7));
      const large = (await readNow(store, "f", one)).bytes;
      expect([large.length, large.every((byte) => byte === 7)]).toEqual([600_000, true]);
      await dispose();
    });

    it("joins reads that are near each other, and those alone", async () => {
      const { store, writer, dispose } = newPlace();
      const bytes = Uint8Array.from({ length: 2_000_000 }, (_, i) => Math.imul(i, 2654435761) >>> 24);
      await writer.replace("f", bytes);
      const at = [0, 200_000, 400_000, 1_900_000];
      const found = await Promise.all(at.map((offset) => store.read("f", offset, 1000)));
      expect(found).toEqual(at.map((offset) => bytes.slice(offset, offset + 1000)));
      expect(proxy.asked.map(({ headers }) => headers.range).sort()).toEqual([
        "bytes=0-400999",
        "bytes=1900000-1900999",
      ]);
      await dispose();
    });

    it("ends what is under way when it is closed", async () => {
      const { store, writer, dispose } = newPlace();
      await writer.replace("f", text("found"));
      proxy.trick = () => ({ stopAfter: 1 });
      const reading = codeOf(content(store, "f"));
      const listing = codeOf(store.list(""));
      await store.close();
      expect([await reading, await listing, await codeOf(store.list(""))]).toEqual([
        "CLOSED",
        "CLOSED",
        "CLOSED",
      ]);
      await dispose();
    });

    it("replays many topics by few requests, fewer with more memory", async () => {
      const { prefix, url, options, dispose } = newPlace();
      const bucket = server.open();
      const memory = keepingBatches(new MemoryStore());
      const recorder = clientOf(memory);
      const [topics, batches, rows] = [70, 16, 16];
      await recorder.sequenceCreate("drive", {}, async (sequence) => {
        for (let t = 0; t < topics; t++) {
          const topic = await sequence.topicCreate(`t${t}`, { ontology: Noise });
          for (let row = 0; row < batches * rows; row++) {
            const data = crypto.getRandomValues(new Uint8Array(1000)); // what does not compress
            await topic.push({ timestampNs: BigInt(row * topics + t), data: { data } });
            if (row % rows === rows - 1) await topic.flush();
          }
        }
      });
      for (const name of await memory.list("drive")) {
        await bucket.put(`${prefix}drive/${name}`, await readAll(memory, `drive/${name}`));
      }
      const client = await connect(url, { s3: options, maxCachedBytes: 0 });
      const requests: number[] = [];
      // By default 64 MiB for batches of 256 KiB; here the batches are of 16 KiB.
      for (const maxBufferedBytes of [4 * 2 ** 20, 32 * 2 ** 20]) {
        const handler = await client.sequenceHandler("drive");
        proxy.asked.length = 0;
        let next = 0n;
        for await (const [, message] of handler.getDataStreamer({ maxBufferedBytes })) {
          if (message.timestampNs !== next) {
            throw new Error(`${message.timestampNs} came in place of ${next}`);
          }
          next++;
        }
        expect(next).toBe(BigInt(topics * batches * rows));
        requests.push(proxy.asked.length);
      }
      // The end of each file, and then batches four together, or all of them.
      expect(requests[0]).toBeLessThanOrEqual(topics * (1 + batches / 4) * 1.25);
      expect(requests[1]).toBeLessThanOrEqual(topics * 2 * 1.1);
      await client.close();
      await recorder.close();
      await dispose();
    });

    it("is what connect opens for s3:, which replays, and follows what is being written", async () => {
      const { writer, url, options, dispose } = newPlace();
      const recorder = clientOf(writer);
      await recordSequence(recorder, "drive", { "a/b": [1, 3], c: [2, 4] });
      const client = await connect(url, { s3: options });
      expect(await client.listSequences()).toEqual(["drive"]);
      const replayed = await allTexts(client, "drive");
      expect([replayed.length, replayed]).toEqual([4, await allTexts(recorder, "drive")]);

      const followed: string[] = [];
      await recorder.sequenceCreate("live", {}, async (sequence) => {
        const topic = await addTopic(sequence, "t", [1, 2]);
        await sequence.flush();
        const handler = await client.sequenceHandler("live", { follow: true });
        for await (const [, { timestampNs }] of handler.getDataStreamer({ follow: true })) {
          followed.push(`${timestampNs}`);
          if (timestampNs === 2n) {
            await pushSamples(topic, [3], 2);
            await sequence.flush();
          }
          if (timestampNs === 3n) break;
        }
      });
      expect(followed).toEqual(["1", "2", "3"]);

      await client.close();
      await recorder.close();
      await dispose();
    });

    it("is a store that is only read: what writes is UNSUPPORTED", async () => {
      const { store, dispose } = newPlace();
      const client = await connect(store);
      await expectError(() => client.sequenceCreate("another"), "UNSUPPORTED", store.url);
      await client.close();
      await dispose();
    });
  });
}
