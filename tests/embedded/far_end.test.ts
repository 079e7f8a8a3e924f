/**
 * Files that grow where nobody holds them: at the end of a session others come to their paths, before it is committed.
 */
import { describe, expect, it } from "vitest";
import { connect, defineOntology, float64, int64, list, type Message } from "../../mod.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { expectError } from "../support/errors.ts";
import { farReader } from "../support/far_reader.ts";
import { PassThroughStore, type StoreCall } from "../support/pass_through_store.ts";
import { clientOf } from "../support/places.ts";
import { deferred, isSettled } from "../support/waiting.ts";
import { storedBatches } from "./stored_batches.ts";

const Row = defineOntology("Row", { serial: int64(), noise: list(float64()) });
const ROWS = 400;
const textOf = ([topic, { timestampNs }]: [string, Message]) => `${topic} ${timestampNs}`;

/** Holds up what would commit. */
class HeldStore extends PassThroughStore {
  readonly reached: ReturnType<typeof deferred<void>> = deferred();
  readonly go: ReturnType<typeof deferred<void>> = deferred();
  isHeld = false;

  protected override async through<R>(call: StoreCall, _path: string, action: () => Promise<R>): Promise<R> {
    if (this.isHeld && call === "commit") {
      this.reached.resolve();
      await this.go.promise;
    }
    return await action();
  }
}

async function withRecording(
  body: (
    places: {
      store: HeldStore;
      far: Awaited<ReturnType<typeof connect>>;
      finalize: () => Promise<unknown>;
      wanted: string[];
    },
  ) => Promise<void>,
): Promise<void> {
  const store = new HeldStore(new MemoryStore());
  const [writer, far] = [clientOf(store), await connect(farReader(store), { maxCachedBytes: 0 })];
  const sequence = await writer.sequenceCreate("s", { autoFlush: false });
  const topics = [
    await sequence.topicCreate("a", { ontology: Row }),
    await sequence.topicCreate("b", { ontology: Row }),
  ];
  for (let i = 0; i < ROWS; i++) {
    const noise = Float64Array.from({ length: 100 }, (_, n) => Math.sin(i * 1000 + n));
    await topics[i % 2].push({ timestampNs: BigInt(i), data: { serial: BigInt(i), noise } });
    if (i % 10 === 9) await sequence.flush();
  }
  const wanted = Array.from({ length: ROWS }, (_, i) => `${"ab"[i % 2]} ${i}`);
  await body({ store, far, finalize: () => sequence.finalize(), wanted });
  await Promise.all([writer.close(), far.close()]);
}

describe("A recording that is far away, whose files were joined and not yet committed", () => {
  it("is read on by who followed it before", async () => {
    await withRecording(async ({ store, far, finalize, wanted }) => {
      const handler = await far.sequenceHandler("s", { follow: true });
      const stream = handler.getDataStreamer({ follow: true, maxBufferedBytes: 2 ** 20 });
      const found: string[] = [];
      for (let i = 0; i < 5; i++) found.push(textOf((await stream.next()).value!));
      store.isHeld = true;
      const ended = finalize();
      await store.reached.promise;
      expect(await storedBatches(store, "s/a.arrow")).toBe(1);
      const rest = (async () => {
        for await (const item of stream) found.push(textOf(item));
      })();
      await new Promise((resolve) => setTimeout(resolve, 300));
      // It cannot go on with a file that nothing tells of.
      expect(await isSettled(rest)).toBe(false);
      expect(found.length).toBeLessThan(ROWS);
      store.go.resolve();
      await ended;
      await rest;
      expect(found).toEqual(wanted);
    });
  });

  it("is looked into by who knew it before, and by who did not", async () => {
    await withRecording(async ({ store, far, finalize }) => {
      const known = await far.sequenceHandler("s", { follow: true });
      const fields = { fields: ["serial"], buckets: 2, level: "rows" as const };
      const handlers = [known, await far.sequenceHandler("s", { follow: true })];
      const topic = await known.topicHandler("a");
      expect((await known.latestAt(100n)).get("a")!.timestampNs).toBe(100n);
      expect([...(await topic.series(fields)).fields.get("serial")!.max]).toEqual([198, 398]);
      store.isHeld = true;
      const ended = finalize();
      await store.reached.promise;
      const looks = handlers.map((handler) => handler.latestAt(201n));
      const series = topic.series(fields);
      await new Promise((resolve) => setTimeout(resolve, 300));
      store.go.resolve();
      await ended;
      for (const look of looks) {
        const [a, b] = ["a", "b"].map((name) => look.then((known) => known.get(name)!.timestampNs));
        expect([await a, await b]).toEqual([200n, 201n]);
      }
      const { min, max } = (await series).fields.get("serial")!;
      expect([[...min], [...max]]).toEqual([[0, 200], [198, 398]]);
    });
  });
});

describe("A recording that is far away, and damaged while it grows", () => {
  it("is CORRUPT soon: nothing is waited for", async () => {
    await withRecording(async ({ store, far, finalize }) => {
      const handler = await far.sequenceHandler("s", { follow: true });
      expect((await handler.latestAt(100n)).get("a")!.timestampNs).toBe(100n);
      const whole = new Uint8Array(await store.read("s/a.arrow", 0, await store.size("s/a.arrow")));
      await store.inner.replace("s/a.arrow", whole.map((byte, i) => i > 5000 ? byte ^ 0x55 : byte));
      const begin = performance.now();
      await expectError(() => handler.latestAt(300n), "CORRUPT");
      expect(performance.now() - begin).toBeLessThan(20_000);
      await store.inner.replace("s/a.arrow", whole);
      await finalize();
    });
  });
});
