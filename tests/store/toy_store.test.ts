import { describe, expect, it } from "vitest";
import { type Client, connect } from "../../mod.ts";
import { leaseContract } from "../contract/store_leases.ts";
import { storeContract } from "../contract/store.ts";
import { expectError } from "../support/errors.ts";
import { caseRange, Random } from "../support/random_cases.ts";
import { addTopic, allTexts, pushSamples, recordSequence, Sample, texts } from "../support/sample_rows.ts";
import { ToyPlace, ToyStore } from "./toy_store.ts";

const SEED = caseRange(1).seed;
/** Says how to see a failure again: SMALTI_SEED sets the latencies. */
const NAME = `toy, seed ${SEED}`;
const random = new Random(SEED);
const newPlace = () => new ToyPlace(() => random.below(3));

storeContract(NAME, () => {
  const store = new ToyStore(newPlace());
  return Promise.resolve({ store, dispose: () => store.close() });
});

leaseContract(NAME, () => {
  const place = newPlace();
  const [store, other] = [new ToyStore(place), new ToyStore(place)];
  return Promise.resolve({
    store,
    other,
    takeOver: (path) => {
      place.locks.delete(path);
      return other.lock(path);
    },
    dispose: async () => void await Promise.all([store.close(), other.close()]),
  });
});

/** Runs `body` with a client for each of several processes on one new place. */
async function withClients(
  body: (place: ToyPlace, first: Client, second: Client) => Promise<void>,
): Promise<void> {
  const place = newPlace();
  await using first = await connect(new ToyStore(place));
  await using second = await connect(new ToyStore(place));
  await body(place, first, second);
}

describe(`connect to a store of one's own: ${NAME}`, () => {
  const times = (start: number) => Array.from({ length: 300 }, (_, i) => start + 7 * (i ^ 5));
  const topics = Object.fromEntries(
    Array.from({ length: 6 }, (_, i) => [`part${i % 2}/t${i}`, times(i % 4)]),
  );

  it("records, and replays what a client in memory does", () =>
    withClients(async (_, first, second) => {
      await using memory = await connect("memory:");
      for (const client of [memory, first]) await recordSequence(client, "drive", topics);
      const wanted = await allTexts(memory, "drive");
      expect(wanted.length).toBe(1800);
      expect(await allTexts(second, "drive")).toEqual(wanted);
      await second.sequenceDelete("drive");
      expect(await first.listSequences()).toEqual([]);
    }));

  it("is followed from another process", () =>
    withClients(async (_, first, second) => {
      const sequence = await first.sequenceCreate("s", { autoFlush: false });
      const topic = await addTopic(sequence, "a", [1, 2, 3]);
      await sequence.flush();
      const stream = (await second.sequenceHandler("s", { follow: true })).getDataStreamer({ follow: true });
      const got = texts(stream);
      await pushSamples(topic, [4, 5], 3);
      await sequence.finalize();
      expect(await got).toEqual(await allTexts(second, "s"));
      expect((await got).length).toBe(5);
    }));

  it("recovers what was flushed, and the writer that lost its lock is stopped", () =>
    withClients(async (place, first, second) => {
      const sequence = await first.sequenceCreate("s", { autoFlush: false });
      const topic = await addTopic(sequence, "a", [1, 2]);
      await sequence.flush();
      const flushed = [...place.files.keys()];
      await pushSamples(topic, [3], 2);
      await expectError(() => second.recover("s"), "LOCKED", "held by a toy");
      place.locks.delete("s/sequence.lock"); // as that of a process that slept
      const { files } = await second.recover("s");
      expect(files.map(({ topic, rowsKept }) => [topic, rowsKept])).toEqual([["a", 2]]);

      await expectError(() => sequence.flush(), "LOCKED", "was lost: another toy has taken it");
      for (let i = 0; i < 2; i++) {
        await expectError(() => topic.push({ timestampNs: 4n, data: { serial: 4n, values: [] } }), "LOCKED");
        await expectError(() => sequence.topicCreate("b", { ontology: Sample }), "LOCKED", "sequence s");
      }
      await expectError(() => sequence.finalize(), "LOCKED", "was lost");
      expect(sequence.status).toBe("aborted");
      expect((await allTexts(second, "s")).length).toBe(2);
      expect((await second.sequenceInfo("s")).state).toBe("recovered");
      expect(flushed.filter((file) => !place.files.has(file))).toEqual(["s/sequence.live"]);
      // The next session takes the lock anew.
      await first.sequenceUpdate("s", {}, (more) => addTopic(more, "b", [5]).then(() => {}));
      expect((await allTexts(second, "s")).length).toBe(3);
    }));

  it("aborts nothing of another's, by the policy delete either", () =>
    withClients(async (place, first, second) => {
      const sequence = await first.sequenceCreate("s", { autoFlush: false, errorPolicy: "delete" });
      await addTopic(sequence, "a", [1, 2]);
      await sequence.flush();
      place.locks.delete("s/sequence.lock");
      await second.recover("s");
      await expectError(() => sequence.finalize(), "LOCKED");
      expect((await allTexts(second, "s")).length).toBe(2);
    }));

  it("closes the store with the client", async () => {
    const store = new ToyStore(newPlace());
    const client = await connect(store);
    await client.close();
    await expectError(() => store.list(""), "CLOSED");
  });

  it("reads what is a FileReader alone, and refuses to write there", () =>
    withClients(async (place, first) => {
      await recordSequence(first, "drive", topics);
      const store = new ToyStore(place);
      const client = await connect({
        url: "mirror:",
        list: (path) => store.list(path),
        size: (path) => store.size(path),
        read: (path, offset, length, options) => store.read(path, offset, length, options),
        close: () => store.close(),
      });
      expect(await client.listSequences()).toEqual(["drive"]);
      expect(await allTexts(client, "drive")).toEqual(await allTexts(first, "drive"));
      await expectError(
        () => client.sequenceCreate("new"),
        "UNSUPPORTED",
        'Cannot create sequence "new" in mirror:: it is read only',
      );
      const open = await first.sequenceCreate("open");
      await expectError(() => client.sequenceHandler("open"), "LOCKED", "is being recorded, or was left");
      await open.finalize();
      await client.close();
    }));
});
