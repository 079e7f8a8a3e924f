/**
 * Followers and the end of a session, at which files are written anew.
 *
 * @module
 */
import { describe, expect, it } from "vitest";
import type { Client } from "../../src/client.ts";
import { defineOntology } from "../../src/ontology/define_ontology.ts";
import { int64 } from "../../src/ontology/field.ts";
import type { Message } from "../../src/read/merge/message.ts";
import type { SequenceStreamer } from "../../src/read/sequence_streamer.ts";
import { connect } from "../../mod.ts";
import type { Store } from "../../src/store/store.ts";
import { farReader } from "../support/far_reader.ts";
import { clientOf, makeStore, type Place, PLACES } from "../support/places.ts";
import { caseRange, failedCase, Random } from "../support/random_cases.ts";
import { WatchedStore } from "../support/watched_store.ts";
import { storedBatches } from "../embedded/stored_batches.ts";

const Row = defineOntology("Row", { serial: int64() });
/** Large, so that no pause of the test is one of the writer. */
const SECOND = 1_000_000_000n;
const LATENESS = 60n * SECOND;

interface Pushed {
  topic: string;
  ns: bigint;
  serial: number;
}

function inOrder(a: Pushed, b: Pushed): number {
  return Number(a.ns - b.ns) || (a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : 0) || a.serial - b.serial;
}

function pushedOf(topic: string, { timestampNs, data }: Message): Pushed {
  return { topic, ns: timestampNs, serial: Number(data.serial) };
}

async function some(stream: SequenceStreamer, count: number): Promise<Pushed[]> {
  const found: Pushed[] = [];
  while (found.length < count) {
    const { done, value } = await stream.next();
    if (done) break;
    found.push(pushedOf(...value));
  }
  return found;
}

/** A follower, and what it has to give. */
class Followed {
  readonly late: Pushed[] = [];
  readonly wantedLate: Pushed[] = [];
  readonly #stream: SequenceStreamer;
  /** Rows that were pushed and are not yet given out. */
  #left: Pushed[];
  /** What is before this is late. */
  #untilNs: bigint | undefined;

  private constructor(stream: (late: Pushed[]) => SequenceStreamer, pushed: readonly Pushed[]) {
    this.#stream = stream(this.late);
    this.#left = [...pushed];
  }

  static async begin(client: Client, pushed: readonly Pushed[]): Promise<Followed> {
    const handler = await client.sequenceHandler("s", { follow: true });
    const open = (late: Pushed[]) =>
      handler.getDataStreamer({ follow: true, onLate: (...item) => late.push(pushedOf(...item)) });
    return new Followed(open, pushed);
  }

  push(row: Pushed): void {
    const isLate = this.#untilNs !== undefined && row.ns < this.#untilNs;
    (isLate ? this.wantedLate : this.#left).push(row);
  }

  /** Reads all that a checkpoint lets out. */
  async look(untilNs: bigint): Promise<void> {
    const wanted = this.#left.filter(({ ns }) => ns < untilNs).sort(inOrder);
    if (wanted.length === 0) return; // it would wait for more
    expect(await some(this.#stream, wanted.length)).toEqual(wanted);
    this.#left = this.#left.filter(({ ns }) => ns >= untilNs);
    this.#untilNs = untilNs;
  }

  /** Reads to the end. Where not all late rows are told, those of the last flush may be missing. */
  async end(areAllTold = true): Promise<void> {
    expect(await some(this.#stream, Infinity)).toEqual(this.#left.sort(inOrder));
    const late = this.late.sort(inOrder);
    if (areAllTold) expect(late).toEqual(this.wantedLate.sort(inOrder));
    else {
      const texts = (rows: readonly Pushed[]) => rows.map(({ topic, serial }) => `${topic} ${serial}`);
      expect(new Set(texts(late)).size).toBe(late.length);
      expect(texts(this.wantedLate)).toEqual(expect.arrayContaining(texts(late)));
    }
  }
}

const KINDS: readonly [Place, "near" | "far"][] = [
  ...PLACES.map((place): [Place, "near"] => [place, "near"]),
  ["memory", "far"],
];

describe.each(KINDS)("Followers in a store of kind %s, %s", (place, distance) => {
  const readerOf = (store: Store) => distance === "near" ? clientOf(store) : connect(farReader(store));

  it("read a session's end as it was written, whenever they look: rows that are late, and no others, are late", async () => {
    const { seed: first, cases } = caseRange(5);
    let late = 0;
    for (let seed = first; seed < first + cases; seed++) {
      const random = new Random(seed);
      const { store, dispose } = await makeStore(place);
      try {
        const [writer, reader] = [clientOf(store), await readerOf(store)];
        const sequence = await writer.sequenceCreate("s", { latenessNs: LATENESS, autoFlush: false });
        const pushed: Pushed[] = [];
        const followers = [await Followed.begin(reader, pushed)];
        let [clock, newest] = [0n, -(2n ** 62n)];
        for (let step = 0; step < 60; step++) {
          for (let row = random.below(8); row > 0; row--) {
            const topic = random.pick(["b", "a", step > 30 ? "a/late" : "c"]);
            const writer = sequence.topics.get(topic) ?? await sequence.topicCreate(topic, { ontology: Row });
            clock += BigInt(random.below(5)) * SECOND;
            const behind = random.oneIn(8) ? random.below(300) : random.below(60);
            const ns = clock - BigInt(behind) * SECOND;
            if (ns > newest) newest = ns;
            const one = { topic, ns, serial: writer.rowCount };
            await writer.push({ timestampNs: ns, data: { serial: BigInt(one.serial) } });
            pushed.push(one);
            for (const followed of followers) followed.push(one);
          }
          if (!random.oneIn(3)) continue;
          await sequence.flush();
          for (const followed of followers) if (random.oneIn(2)) await followed.look(newest - LATENESS);
          if (random.oneIn(8)) followers.push(await Followed.begin(reader, pushed));
        }
        await sequence.finalize();
        followers.push(await Followed.begin(reader, pushed));
        for (const followed of followers) {
          await followed.end(distance === "near");
          late += followed.late.length;
        }
        expect(await storedBatches(store, "s/a.arrow")).toBe(1);
        await Promise.all([writer.close(), reader.close()]);
      } catch (reason) {
        throw failedCase(seed, "tests/read/follow_end.test.ts", reason);
      } finally {
        await dispose();
      }
    }
    expect(late).toBeGreaterThan(0);
  });

  it("begin at any call of the end", async () => {
    let calls = Infinity;
    for (let number = 0; number < calls; number++) {
      const { store, dispose } = await makeStore(place);
      const watched = new WatchedStore(store);
      const [writer, reader] = [clientOf(watched), await readerOf(store)];
      const sequence = await writer.sequenceCreate("s", { autoFlush: false });
      const pushed: Pushed[] = [];
      for (const topic of ["a", "b"]) {
        const writer = await sequence.topicCreate(topic, { ontology: Row });
        for (let serial = 0; serial < 10; serial++) {
          await writer.push({ timestampNs: BigInt(serial), data: { serial: BigInt(serial) } });
          pushed.push({ topic, ns: BigInt(serial), serial });
          await sequence.flush();
        }
      }
      const begun = await Followed.begin(reader, pushed);
      await begun.look(9n);
      const followers = [begun];
      let count = 0;
      let last = "";
      let first: Promise<IteratorResult<[string, Message], undefined>> | undefined;
      let stream: SequenceStreamer | undefined;
      watched.before = async (call, path) => {
        if (count++ !== number) return;
        last = `${call} ${path}`;
        followers.push(await Followed.begin(reader, pushed));
        const handler = await reader.sequenceHandler("s", { follow: true });
        stream = handler.getDataStreamer({ follow: true });
        first = stream.next();
        first.catch(() => {}); // looked at below
        // It looks now, and as a rule again while this call waits.
        await Promise.race([first.catch(() => {}), new Promise((resolve) => setTimeout(resolve, 120))]);
      };
      await sequence.finalize();
      calls = count;
      try {
        if (stream) {
          const { value } = await first!;
          expect([pushedOf(...value!), ...await some(stream, Infinity)]).toEqual([...pushed].sort(inOrder));
        }
        for (const followed of followers) await followed.end();
      } catch (reason) {
        throw new Error(`At call ${number}, ${last}: ${(reason as Error).message}`, { cause: reason });
      }
      await Promise.all([writer.close(), reader.close()]);
      await dispose();
    }
    expect(calls).toBeGreaterThan(15);
  });
});
