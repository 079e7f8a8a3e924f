import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { decodeFrame, MessageType } from "../../src/engine/batch_message.ts";
import { encodeFileEnd, encodeSchemaMessage } from "../../src/arrow/encode.ts";
import { Client } from "../../src/client.ts";
import { EmbeddedBackend } from "../../src/embedded/embedded_backend.ts";
import type { Engine } from "../../src/engine.ts";
import { createJsEngine } from "../../src/engine/js.ts";
import { createWasmEngine } from "../../src/engine/wasm.ts";
import { SmaltiError } from "../../src/error.ts";
import { TIMESTAMP_FIELD } from "../../src/schema.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { readAll, type Store } from "../../src/store/store.ts";
import { expectError } from "../support/errors.ts";
import { onFiles, onStore, type PlaceOptions, withClient } from "../support/places.ts";
import {
  addTopic,
  allTexts,
  pushSamples,
  recordSequence,
  Sample,
  sampleText,
  texts,
} from "../support/sample_rows.ts";
import { WatchedStore } from "../support/watched_store.ts";
import { sameBytes } from "../support/bytes.ts";
import { somePositions } from "../support/positions.ts";
import { copyFiles } from "../support/faulty_store.ts";
import { keepingBatches } from "../support/keeping_batches.ts";

const FILE = "s/a.arrow";
const MANIFEST = "s/sequence.json";
/** The times of topic "a" in each batch: the third holds late rows, as pushed. */
const BATCHES = [[1, 2], [5], [4, 3, 6], [9, 8]];

/** What a writer of sequence "s" left that died: its manifest, and the file of topic "a", finished. */
interface Left {
  manifest: Uint8Array;
  bytes: Uint8Array;
  /** Where the schema ends, each batch, and the file without its footer. */
  ends: number[];
}

async function leave(): Promise<Left> {
  const store = keepingBatches(new MemoryStore());
  return await onStore(store, async (client) => {
    const sequence = await client.sequenceCreate("s", { metadata: { vehicle: "A" } });
    const manifest = await readAll(store, MANIFEST);
    const topic = await sequence.topicCreate("a", { ontology: Sample });
    for (const times of BATCHES) {
      await pushSamples(topic, times, topic.rowCount);
      await topic.flush();
    }
    await sequence.finalize();
    const bytes = await readAll(store, FILE);
    const ends: number[] = [];
    for (let at = 8;;) {
      const frame = decodeFrame(bytes.subarray(at));
      if (!frame) return { manifest, bytes, ends };
      expect(frame.type).toBe(ends.length === 0 ? MessageType.schema : MessageType.recordBatch);
      ends.push(at += frame.headBytes + frame.bodyBytes);
    }
  });
}

/** Runs `body` on what was left, with these bytes in the topic's file. A recovery joins no batches, unless told to. */
async function withLeft<R>(
  { manifest }: Left,
  bytes: Uint8Array,
  body: (client: Client, store: MemoryStore) => Promise<R>,
  { keepsBatches = true }: PlaceOptions = {},
): Promise<R> {
  return await onFiles({ [MANIFEST]: manifest, [FILE]: bytes }, body, { keepsBatches });
}

/** The rows of some of the batches, as a reader gives them. */
function rowsOf(batches: readonly number[]): string[] {
  const rows = BATCHES.flat().map((time, serial) => ({ time, serial }));
  const first = (batch: number) => BATCHES.slice(0, batch).flat().length;
  const kept = batches.flatMap((batch) => rows.slice(first(batch), first(batch + 1)));
  kept.sort((a, b) => a.time - b.time);
  return kept.map(({ time, serial }) => sampleText("a", BigInt(time), serial));
}

/** What a report says of topic "a" with these batches. */
function reportOf(batches: readonly number[], bytesDiscarded: number): object {
  const times = batches.flatMap((batch) => BATCHES[batch]);
  return {
    topic: "a",
    rowsKept: times.length,
    batchesKept: batches.length,
    bytesDiscarded,
    ...(times.length > 0 && { lastNs: BigInt(Math.max(...times)) }),
  };
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

/** Expects that topic "a" is sound and holds these batches, and that a second recovery changes nothing. */
async function expectBatches(
  client: Client,
  store: Store,
  batches: readonly number[],
  headIsDamaged = false,
): Promise<void> {
  const topic = await client.topicHandler("s", "a");
  // A recovery does not repair what stands around the schema, and a check may find it.
  if (!headIsDamaged) expect(await topic.verify()).toEqual([]);
  expect(await texts(topic.getDataStreamer())).toEqual(rowsOf(batches));
  const before = [await readAll(store, MANIFEST), await readAll(store, FILE)];
  expect(await client.recover("s")).toEqual({ sequence: "s", changed: false, files: [] });
  expect(sameBytes(await readAll(store, MANIFEST), before[0])).toBe(true);
  expect(sameBytes(await readAll(store, FILE), before[1])).toBe(true);
}

describe("Client.recover of a topic's file", () => {
  it("cut anywhere keeps the whole batches before the cut, and says how much it left out", async () => {
    const left = await leave();
    const { bytes, ends } = left;
    for (const cut of somePositions(bytes.length + 1, ends)) {
      await withLeft(left, bytes.subarray(0, cut), async (client, store) => {
        const { changed, files } = await client.recover("s");
        const kept = upTo(ends.filter((end) => end <= cut).length - 1);
        const whole = cut < ends[0] ? 0 : ends[kept.length];
        const discarded = cut === bytes.length ? 0 : cut - whole;
        expect([cut, changed, files]).toEqual([cut, true, [reportOf(kept, discarded)]]);
        const { state, sessions } = await client.sequenceInfo("s");
        expect([state, sessions.map((session) => session.state)]).toEqual(["recovered", ["recovered"]]);
        if (cut < ends[0]) {
          // No message was ever in it: the topic's name is free.
          expect(await store.list("s")).toEqual(["sequence.json"]);
          expect(await client.recover("s")).toMatchObject({ changed: false, files: [] });
          return;
        }
        const now = await readAll(store, FILE);
        const held = cut === bytes.length ? cut : whole;
        expect(sameBytes(now.subarray(0, held), bytes.subarray(0, held))).toBe(true);
        if (cut === bytes.length) expect(now.length).toBe(cut);
        await expectBatches(client, store, kept);
      });
    }
  });

  it("cut anywhere keeps the same rows where it joins their batches", async () => {
    const left = await leave();
    const { bytes, ends } = left;
    for (let cut = ends[0]; cut <= bytes.length; cut += 3) {
      await withLeft(left, bytes.subarray(0, cut), async (client, store) => {
        const { files } = await client.recover("s");
        const kept = upTo(ends.filter((end) => end <= cut).length - 1);
        expect([cut, files[0].rowsKept, files[0].batchesKept]).toEqual([
          cut,
          kept.flatMap((batch) => BATCHES[batch]).length,
          kept.length,
        ]);
        const { sizeBytes } = (await client.sequenceInfo("s")).topics[0];
        expect(await store.size(FILE)).toBe(sizeBytes);
        if (kept.length > 1) expect(sizeBytes).toBeLessThan(bytes.length);
        expect(await store.list("s")).toEqual(expect.not.arrayContaining(["a.arrow.new"]));
        await expectBatches(client, store, kept);
      }, { keepsBatches: false });
    }
  });

  it(
    "with any byte damaged keeps all batches but the damaged one, or says that the schema is damaged",
    async () => {
      const left = await leave();
      const { ends } = left;
      const bytes = left.bytes.subarray(0, ends.at(-1));
      let lost = 0;
      const places = somePositions(bytes.length, ends);
      for (const at of places) {
        const damaged = bytes.slice();
        damaged[at] ^= at % 3 === 0 ? 0xff : 1 << at % 8;
        await withLeft(left, damaged, async (client, store) => {
          const { files: [file] } = await client.recover("s");
          if (file.error) {
            expect(at).toBeLessThan(ends[0]);
            expect(["CORRUPT", "UNSUPPORTED"]).toContain((file.error as SmaltiError).code);
            expect([file.rowsKept, file.bytesDiscarded]).toEqual([0, bytes.length]);
            expect(sameBytes(await readAll(store, FILE), damaged)).toBe(true);
            expect((await client.recover("s")).changed).toBe(false);
            return;
          }
          // Padding, and what no reader looks at, may be damaged and nothing is lost.
          const hit = ends.findIndex((end) => at < end) - 1;
          const kept = upTo(BATCHES.length).filter((i) => file.batchesKept === BATCHES.length || i !== hit);
          expect([at, file]).toEqual([
            at,
            reportOf(kept, kept.length === BATCHES.length ? 0 : ends[hit + 1] - ends[hit]),
          ]);
          if (kept.length < BATCHES.length) lost++;
          await expectBatches(client, store, kept, at < ends[0]);
        });
      }
      expect(lost).toBeGreaterThan(places.filter((at) => at >= ends[0]).length / 2);
    },
  );

  it("whose schema's length is damaged never takes it away", async () => {
    const left = await leave();
    for (let bit = 0; bit < 31; bit++) {
      const damaged = left.bytes.slice();
      damaged[12 + (bit >> 3)] ^= 1 << bit % 8;
      await withLeft(left, damaged, async (client, store) => {
        await client.recover("s");
        const now = await readAll(store, FILE);
        expect(sameBytes(now.subarray(0, damaged.length), damaged)).toBe(true);
      });
    }
  });

  it("gives the same bytes and the same report with either engine", async () => {
    const left = await leave();
    const wasm = await createWasmEngine(
      await WebAssembly.compile(
        await readFile(new URL("../../src/engine/generated/smalti.wasm", import.meta.url)),
      ),
    );
    const outcome = async (engine: Engine, bytes: Uint8Array) => {
      const store = new MemoryStore();
      await store.replace(MANIFEST, left.manifest);
      await store.replace(FILE, bytes);
      const client = new Client(new EmbeddedBackend(store, engine));
      const report = await client.recover("s");
      const rows = await allTexts(client, "s");
      return { report, rows, bytes: await readAll(store, FILE) };
    };
    for (let cut = left.ends[0]; cut < left.bytes.length; cut += 37) {
      const damaged = left.bytes.slice(0, cut);
      damaged[cut - 30] ^= 4;
      expect(await outcome(wasm, damaged)).toEqual(await outcome(createJsEngine(), damaged));
    }
  });
});

describe("Client.recover of a sequence", () => {
  it("is NOT_FOUND where there is none, and LOCKED while a writer lives", async () => {
    await withClient("directory", async (client) => {
      await expectError(() => client.recover("s"), "NOT_FOUND", `sequence "s"`);
      const sequence = await client.sequenceCreate("s");
      await addTopic(sequence, "a", [1]);
      await expectError(() => client.recover("s"), "LOCKED", `process`);
      await sequence.finalize();
      expect(await client.recover("s")).toEqual({ sequence: "s", changed: false, files: [] });
      const update = await client.sequenceUpdate("s");
      await expectError(() => client.recover("s"), "LOCKED");
      await update.finalize();
    });
  });

  it("commits sessions that failed where it is told to, beside those that are whole", async () => {
    await withClient("directory", async (client) => {
      const first = await client.sequenceCreate("s");
      await addTopic(first, "a", [1]);
      await first.finalize();
      const second = await client.sequenceUpdate("s");
      await addTopic(second, "b", [2, 3]);
      await second.abort(new Error("the sensor broke"), "report");
      expect((await client.recover("s")).changed).toBe(false);
      expect(await client.recover("s", { failed: true }))
        .toEqual({ sequence: "s", changed: true, files: [], failedSessions: 1 });
      const { state, info, topics } = await client.sequenceHandler("s");
      expect([state, topics.map(({ name }) => name)]).toEqual(["finalized", ["a", "b"]]);
      expect(info.sessions.map(({ state, reason }) => [state, reason])).toEqual([
        ["finalized", undefined],
        ["recovered", expect.stringContaining("the sensor broke")],
      ]);
      // @ts-expect-error: there is no such option
      await expect(client.recover("s", { fail: true })).rejects.toThrow(/there is no option "fail"/);
    });
  });

  it("leaves files alone that smalti did not write, and says so of Arrow files", async () => {
    const left = await leave();
    const schema = { fields: [TIMESTAMP_FIELD], metadata: new Map<string, string>() };
    const head = encodeSchemaMessage(schema);
    const arrow = new Uint8Array(8 + head.length);
    arrow.set(left.bytes.subarray(0, 8));
    arrow.set(head, 8);
    const end = encodeFileEnd(schema, [], new Map());
    const foreign: Record<string, Uint8Array> = {
      "s/notes.txt": Uint8Array.of(1),
      "s/short.arrow": Uint8Array.of(65, 66, 67),
      "s/x.arrow": new TextEncoder().encode("no Arrow file, although it is called one"),
      "s/y/z.arrow": Uint8Array.from([...arrow, ...end]),
      "s/.hidden.arrow": Uint8Array.of(2),
    };
    await withLeft(left, left.bytes, async (client, store) => {
      for (const [path, bytes] of Object.entries(foreign)) await store.replace(path, bytes);
      const { changed, files } = await client.recover("s");
      expect(changed).toBe(true);
      expect(files.map(({ topic, error }) => [topic, (error as SmaltiError | undefined)?.code])).toEqual([
        ["a", undefined],
        ["short", "CORRUPT"],
        ["x", "CORRUPT"],
        ["y/z", "UNSUPPORTED"],
      ]);
      expect(files[2].error).toMatchObject({ details: { sequence: "s", topic: "x", file: "s/x.arrow" } });
      for (const [path, bytes] of Object.entries(foreign)) expect(await readAll(store, path)).toEqual(bytes);
      expect((await client.sequenceInfo("s")).topics.map(({ name }) => name)).toEqual(["a"]);
      expect((await client.recover("s")).changed).toBe(false);
    });
  });

  it("keeps attachments, in the order of attaching; their names are lost", async () => {
    const [living, store] = [new MemoryStore(), new MemoryStore()];
    await onStore(living, async (client) => {
      const sequence = await client.sequenceCreate("s");
      for (let i = 0; i < 12; i++) await sequence.attach({ name: "plan", timestampNs: 1n }, Uint8Array.of(i));
      await copyFiles(living, store);
    });
    await onStore(store, async (client) => {
      expect(await client.recover("s")).toEqual({ sequence: "s", changed: true, files: [] });
      const handler = await client.sequenceHandler("s");
      const bytes = await Promise.all(handler.attachments.map((one) => handler.readAttachment(one)));
      expect(bytes.map(([byte]) => byte)).toEqual(upTo(12));
      expect(handler.attachments[0]).toMatchObject({ name: "1-1", sizeBytes: 1 });
      expect((await client.recover("s")).changed).toBe(false);
    });
  });

  it("keeps attachments of a session that died from those of the next", async () => {
    const [living, store] = [new MemoryStore(), new MemoryStore()];
    await onStore(living, async (client) => {
      await recordSequence(client, "s", { a: [1] });
      await (await client.sequenceUpdate("s")).attach({ name: "old" }, Uint8Array.of(1));
      await copyFiles(living, store);
    });
    await onStore(store, async (client) => {
      await client.sequenceUpdate("s", {}, async (sequence) => {
        await sequence.attach({ name: "new" }, Uint8Array.of(2));
      });
      expect((await client.recover("s")).changed).toBe(true);
      const handler = await client.sequenceHandler("s");
      const bytes = await Promise.all(handler.attachments.map((one) => handler.readAttachment(one)));
      expect(bytes.map(([byte]) => byte)).toEqual([2, 1]);
    });
  });

  it("makes topics readable that a full disk left without a footer", async () => {
    const store = new WatchedStore();
    await onStore(store, async (client) => {
      const sequence = await client.sequenceCreate("s");
      const topic = await addTopic(sequence, "a", [1, 2]);
      await topic.flush();
      store.before = (call, path) => {
        if (call === "append" && path === FILE) throw new SmaltiError("NO_SPACE", "the disk is full");
      };
      await expectError(() => sequence.finalize(), "NO_SPACE");
      store.before = () => {};
      expect((await client.sequenceInfo("s")).state).toBe("failed");
      await expectError(() => client.topicHandler("s", "a"), "CORRUPT");
      expect(await client.recover("s")).toEqual({
        sequence: "s",
        changed: true,
        files: [{ topic: "a", rowsKept: 2, batchesKept: 1, bytesDiscarded: 0, lastNs: 2n }],
      });
      expect((await client.sequenceInfo("s")).state).toBe("failed");
      expect(await allTexts(client, "s")).toEqual([sampleText("a", 1n, 0), sampleText("a", 2n, 1)]);
      expect((await client.recover("s")).changed).toBe(false);
    });
  });

  it("gives each of several sessions that died side by side its own topics", async () => {
    const [store, left] = [new MemoryStore(), new MemoryStore()];
    await onStore(store, async (client) => {
      await recordSequence(client, "s", { a: [1] });
      for (const name of ["one", "two"]) {
        const session = await client.sequenceUpdate("s");
        const topic = await session.topicCreate(name, { ontology: Sample });
        await pushSamples(topic, [1, 2], 0);
        await session.flush();
      }
      await copyFiles(store, left);
    });
    await onStore(left, async (client) => {
      expect((await client.recover("s")).files.map(({ topic, rowsKept }) => [topic, rowsKept])).toEqual([
        ["one", 2],
        ["two", 2],
      ]);
      const { sessions, topics } = await client.sequenceInfo("s");
      const dead = sessions.filter(({ state }) => state === "recovered");
      expect(dead.map((session) => session.topics)).toEqual([["one"], ["two"]]);
      for (const { id, topics: [name] } of dead) {
        expect(topics.find((topic) => topic.name === name)?.sessionId).toBe(id);
      }
    });
  });

  it("does not touch files that were finished when the writer died", async () => {
    const store = new WatchedStore();
    await onStore(store, async (client) => {
      const sequence = await client.sequenceCreate("s");
      for (const name of ["a/b", "a-b", "a"]) await addTopic(sequence, name, [1, 2]);
      store.before = (call) => {
        if (call === "commit") throw new SmaltiError("IO", "the disk is gone");
      };
      await expectError(() => sequence.finalize(), "IO");
      store.before = () => {};
      const appends = store.count("append");
      const { files } = await client.recover("s");
      // Not in the order of the paths.
      expect(files.map(({ topic, rowsKept, bytesDiscarded }) => [topic, rowsKept, bytesDiscarded])).toEqual([
        ["a", 2, 0],
        ["a-b", 2, 0],
        ["a/b", 2, 0],
      ]);
      expect(store.count("append")).toBe(appends);
      expect((await client.sequenceHandler("s")).rowCount).toBe(6);
    });
  });

  it("does not forget a topic whose file is gone for now", async () => {
    const store = new MemoryStore();
    await onStore(store, async (client) => {
      await recordSequence(client, "s", { a: [1], b: [2] });
      const bytes = await readAll(store, FILE);
      await store.remove(FILE);
      const { changed, files } = await client.recover("s");
      expect([changed, files]).toMatchObject([false, [{ topic: "a", error: { code: "NOT_FOUND" } }]]);
      // Now there is something to recover too.
      await store.replace("s/sequence.attachments/2-1", Uint8Array.of(1));
      expect((await client.recover("s")).changed).toBe(true);
      await store.replace(FILE, bytes);
      expect(await allTexts(client, "s")).toEqual([sampleText("a", 1n, 0), sampleText("b", 2n, 0)]);
    });
  });
});
