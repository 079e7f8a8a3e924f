import { describe, expect, it } from "vitest";
import type { Client, Message, SequenceStreamer, SequenceWriter, TopicWriter } from "../../mod.ts";
import { defineOntology, float64, type Ontology } from "../../mod.ts";
import { connect } from "../../mod.ts";
import { canSpawn, endChild, needsBuild, startChild } from "../support/child.ts";
import { inDirectory, PLACES, withClient } from "../support/places.ts";
import { Random } from "../support/random_cases.ts";

const Value: Ontology<{ value: number }> = defineOntology("Value", { value: float64() });

type Row = [topic: string, ns: bigint, value: number];

const rowOf = ([topic, message]: [string, Message]): Row => [
  topic,
  message.timestampNs,
  message.data.value as number,
];

/** Reads to the end. */
async function rest(stream: SequenceStreamer): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const item of stream) rows.push(rowOf(item));
  return rows;
}

/** Reads so many. */
async function some(stream: SequenceStreamer, count: number): Promise<Row[]> {
  const rows: Row[] = [];
  while (rows.length < count) rows.push(rowOf((await stream.next()).value!));
  return rows;
}

async function replay(client: Client, name = "s"): Promise<Row[]> {
  return await rest((await client.sequenceHandler(name)).getDataStreamer());
}

async function follow(client: Client, options: Parameters<typeof streamerOf>[1] = {}) {
  return streamerOf(await client.sequenceHandler("s", { follow: true }), options);
}

function streamerOf(
  handler: Awaited<ReturnType<Client["sequenceHandler"]>>,
  options: Omit<Parameters<typeof handler.getDataStreamer>[0] & object, "follow">,
) {
  return handler.getDataStreamer({ ...options, follow: true });
}

async function create(
  sequence: SequenceWriter,
  ...names: string[]
): Promise<TopicWriter<{ value: number }>[]> {
  const topics = [];
  for (const name of names) topics.push(await sequence.topicCreate(name, { ontology: Value }));
  return topics;
}

function push(topic: TopicWriter<{ value: number }>, ns: number, value = ns) {
  return topic.push({ timestampNs: BigInt(ns), data: { value } });
}

/** Whether a promise is not settled after the follower has looked several times. */
async function waits(promise: Promise<unknown>): Promise<boolean> {
  const later = new Promise((resolve) => setTimeout(() => resolve("later"), 300));
  return await Promise.race([promise, later]) === "later";
}

describe.each(PLACES)("Following a sequence in a store of kind %s", (place) => {
  it("gives what is before the newest of each flush, in order, and ends with the sequence", () =>
    withClient(place, async (client) => {
      const sequence = await client.sequenceCreate("s");
      // Ties go by name, whatever was created first.
      const [b, a] = await create(sequence, "b", "a");
      const stream = await follow(client);
      for (const ns of [1, 2, 3]) await push(b, ns);
      await push(a, 2);
      const first = stream.next();
      expect(await waits(first)).toBe(true);
      await sequence.flush();
      expect([rowOf((await first).value!), ...await some(stream, 2)]).toEqual([["b", 1n, 1], ["a", 2n, 2], [
        "b",
        2n,
        2,
      ]]);
      // What has the newest time may have company yet.
      const third = stream.next();
      expect(await waits(third)).toBe(true);
      await push(a, 3);
      await push(b, 9);
      await sequence.flush();
      expect([rowOf((await third).value!), ...await some(stream, 1)]).toEqual([["a", 3n, 3], ["b", 3n, 3]]);
      await push(a, 10);
      await sequence.finalize();
      expect(await rest(stream)).toEqual([["b", 9n, 9], ["a", 10n, 10]]);
    }));

  it("gives all that was flushed once no message has come for a second", () =>
    withClient(place, async (client) => {
      const sequence = await client.sequenceCreate("s", { autoFlush: false });
      const [a, b] = await create(sequence, "a", "b");
      const stream = await follow(client);
      for (const ns of [1, 3]) await push(a, ns);
      await push(b, 3);
      await sequence.flush();
      expect(await some(stream, 3)).toEqual([["a", 1n, 1], ["a", 3n, 3], ["b", 3n, 3]]);
      // What was not flushed may still have company before it.
      await push(a, 4);
      await sequence.flush();
      await push(b, 9);
      expect(await some(stream, 1)).toEqual([["a", 4n, 4]]);
      const last = stream.next();
      expect(await waits(last)).toBe(true);
      await sequence.finalize();
      expect([rowOf((await last).value!), ...await rest(stream)]).toEqual([["b", 9n, 9]]);
      expect(await replay(client)).toEqual([
        ["a", 1n, 1],
        ["a", 3n, 3],
        ["b", 3n, 3],
        ["a", 4n, 4],
        ["b", 9n, 9],
      ]);
    }));

  it("is not held up by a silent topic, and takes in topics that come later", () =>
    withClient(place, async (client) => {
      const sequence = await client.sequenceCreate("s");
      const [, loud] = await create(sequence, "silent", "loud");
      const stream = await follow(client);
      for (const ns of [1, 2]) await push(loud, ns);
      await sequence.flush();
      expect(await some(stream, 1)).toEqual([["loud", 1n, 1]]);
      const [late] = await create(sequence, "another");
      await push(late, 2, 20);
      await push(late, 3, 30);
      await sequence.flush();
      expect(await some(stream, 2)).toEqual([["another", 2n, 20], ["loud", 2n, 2]]);
      await sequence.finalize();
      expect(await rest(stream)).toEqual([["another", 3n, 30]]);
    }));

  it("gives a finalized sequence as a replay does", () =>
    withClient(place, async (client) => {
      await client.sequenceCreate("s", {}, async (sequence) => {
        const [a, b] = await create(sequence, "a", "b");
        for (const ns of [5, 1, 5, 3]) for (const topic of [b, a]) await push(topic, ns);
      });
      expect(await rest(await follow(client))).toEqual(await replay(client));
    }));

  it("gives earlier sessions too, and waits for the one that is being written", () =>
    withClient(place, async (client) => {
      await client.sequenceCreate("s", {}, async (sequence) => {
        const [a] = await create(sequence, "a");
        for (const ns of [1, 5, 9]) await push(a, ns);
      });
      const sequence = await client.sequenceUpdate("s");
      const [b] = await create(sequence, "b");
      const stream = await follow(client);
      for (const ns of [3, 6]) await push(b, ns);
      await sequence.flush();
      expect(await some(stream, 3)).toEqual([["a", 1n, 1], ["b", 3n, 3], ["a", 5n, 5]]);
      await sequence.finalize();
      expect(await rest(stream)).toEqual([["b", 6n, 6], ["a", 9n, 9]]);
    }));

  it("goes on into the next session where it did not look while one ended and the next began", () =>
    withClient(place, async (client) => {
      const first = await client.sequenceCreate("s");
      const [a] = await create(first, "a");
      const late: Row[] = [];
      const stream = await follow(client, { onLate: (...item) => late.push(rowOf(item)) });
      for (let ns = 1; ns <= 10; ns++) await push(a, ns);
      await first.flush();
      expect(await some(stream, 9)).toEqual(Array.from({ length: 9 }, (_, i) => ["a", BigInt(i + 1), i + 1]));
      await first.finalize();
      const second = await client.sequenceUpdate("s");
      const [b] = await create(second, "b");
      for (const ns of [20, 21]) await push(b, ns);
      await second.flush();
      expect(await some(stream, 2)).toEqual([["a", 10n, 10], ["b", 20n, 20]]);
      await second.finalize();
      expect(await rest(stream)).toEqual([["b", 21n, 21]]);
      expect(late).toEqual([]);
    }));

  it("gives no rows of a session that was removed for those of the next one, which took its topic's name", () =>
    withClient(place, async (client) => {
      const first = await client.sequenceCreate("s");
      const [a] = await create(first, "a");
      await push(a, 1);
      await first.finalize();
      const removed = await client.sequenceUpdate("s", { errorPolicy: "delete" });
      const [b] = await create(removed, "b");
      for (const ns of [2, 3, 4, 5]) await push(b, ns);
      await removed.flush();
      const stream = await follow(client);
      expect(await some(stream, 3)).toEqual([["a", 1n, 1], ["b", 2n, 2], ["b", 3n, 3]]);
      await removed.abort();
      const last = await client.sequenceUpdate("s");
      const [again] = await create(last, "b");
      for (const ns of [10, 11]) await push(again, ns);
      await last.finalize();
      const rows: Row[] = [];
      const reading = (async () => {
        for await (const item of stream) rows.push(rowOf(item));
      })();
      await expect(reading).rejects.toMatchObject({ code: "ABORTED", details: { sequence: "s" } });
      // What was given out of the same checkpoint before the removal is not taken back.
      expect(rows.filter(([, ns]) => ns > 4n)).toEqual([["b", 10n, 10], ["b", 11n, 11]]);
    }));

  it("hands rows that come too late to onLate, and those within the declared lateness to the stream", () =>
    withClient(place, async (client) => {
      const sequence = await client.sequenceCreate("s", { latenessNs: 10n });
      const [a, b] = await create(sequence, "a", "b");
      const late: Row[] = [];
      const stream = await follow(client, { onLate: (...item) => late.push(rowOf(item)) });
      await push(a, 100);
      await push(a, 120);
      await sequence.flush();
      expect(await some(stream, 1)).toEqual([["a", 100n, 100]]);
      for (const ns of [111, 50, 109]) await push(b, ns);
      await push(a, 140);
      await sequence.flush();
      expect(await some(stream, 2)).toEqual([["b", 111n, 111], ["a", 120n, 120]]);
      expect(late).toEqual([["b", 50n, 50], ["b", 109n, 109]]);
      await push(a, 129);
      await sequence.finalize();
      expect(await rest(stream)).toEqual([["a", 140n, 140]]);
      expect(late.slice(2)).toEqual([["a", 129n, 129]]);
    }));

  it("fails OUT_OF_ORDER where a row comes too late and nobody takes it", () =>
    withClient(place, async (client) => {
      const sequence = await client.sequenceCreate("s");
      const [a] = await create(sequence, "a");
      const stream = await follow(client);
      for (const ns of [1, 9]) await push(a, ns);
      await sequence.flush();
      await some(stream, 1);
      await push(a, 4);
      await sequence.finalize();
      await expect(rest(stream)).rejects.toMatchObject({
        code: "OUT_OF_ORDER",
        message: expect.stringMatching(/topic "a" at 4 ns .*before 9 ns .*wanted onLate, or .*latenessNs/),
        details: { sequence: "s", topic: "a" },
      });
    }));

  it("keeps to topics and a window: it ends as soon as the window does", () =>
    withClient(place, async (client) => {
      const sequence = await client.sequenceCreate("s");
      const [a, b] = await create(sequence, "a", "b");
      const stream = await follow(client, { topics: ["/b"], startNs: 2n, endNs: 4n });
      for (let ns = 0; ns < 6; ns++) for (const topic of [a, b]) await push(topic, ns);
      await sequence.flush();
      expect(await rest(stream)).toEqual([["b", 2n, 2], ["b", 3n, 3]]);
      // Rows before the window are none of its business, however late.
      const other = await follow(client, { startNs: 5n });
      const next = other.next();
      await push(a, 1);
      await push(a, 8);
      await sequence.flush();
      expect(rowOf((await next).value!)).toEqual(["a", 5n, 5]);
      await sequence.finalize();
      expect(await rest(other)).toEqual([["b", 5n, 5], ["a", 8n, 8]]);
    }));

  it("fails NOT_FOUND at the end where a topic never came", () =>
    withClient(place, async (client) => {
      const sequence = await client.sequenceCreate("s");
      const stream = await follow(client, { topics: ["a", "nobody"] });
      const [a] = await create(sequence, "a");
      await push(a, 1);
      await sequence.finalize();
      expect(await some(stream, 1)).toEqual([["a", 1n, 1]]);
      await expect(stream.next()).rejects.toMatchObject({
        code: "NOT_FOUND",
        details: { sequence: "s", topic: "nobody" },
      });
    }));

  it("stops waiting on abort, on close and when its loop is left", () =>
    withClient(place, async (client) => {
      await client.sequenceCreate("s");
      const stop = new AbortController();
      const aborted = (await follow(client, { signal: stop.signal })).next();
      const closed = await follow(client);
      const next = closed.next();
      expect(await waits(Promise.race([aborted, next]))).toBe(true);
      stop.abort(new Error("enough"));
      await expect(aborted).rejects.toThrow("enough");
      await closed.close();
      expect(await next).toEqual({ done: true, value: undefined });
    }));

  it("gives what was kept of a sequence that is given up, then fails ABORTED", () =>
    withClient(place, async (client) => {
      const sequence = await client.sequenceCreate("s");
      const [a] = await create(sequence, "a");
      const stream = await follow(client);
      for (const ns of [1, 2]) await push(a, ns);
      await sequence.abort(new Error("out of fuel"));
      expect(await some(stream, 2)).toEqual([["a", 1n, 1], ["a", 2n, 2]]);
      await expect(stream.next()).rejects.toMatchObject({
        code: "ABORTED",
        message: expect.stringContaining("out of fuel"),
      });
    }));

  it("fails ABORTED where the sequence is removed", () =>
    withClient(place, async (client) => {
      const sequence = await client.sequenceCreate("s", { errorPolicy: "delete" });
      const stream = await follow(client);
      const next = stream.next();
      expect(await waits(next)).toBe(true);
      await sequence.abort();
      await expect(next).rejects.toMatchObject({ code: "ABORTED", details: { sequence: "s" } });
    }));

  it("follows by autoFlush alone", () =>
    withClient(place, async (client) => {
      const sequence = await client.sequenceCreate("s", { autoFlush: { intervalMs: 10 } });
      const [a] = await create(sequence, "a");
      const stream = await follow(client);
      for (const ns of [1, 2]) await push(a, ns);
      expect(await some(stream, 1)).toEqual([["a", 1n, 1]]);
      await sequence.finalize();
    }));

  it("gives tables and peeks as any stream does", () =>
    withClient(place, async (client) => {
      const sequence = await client.sequenceCreate("s");
      const [b] = await create(sequence, "b");
      const [arrow, tables] = [await follow(client), await follow(client)];
      const peeked = tables.nextTimestampNs();
      for (const ns of [1, 2]) await push(b, ns);
      await sequence.flush();
      expect(await peeked).toBe(1n);
      const table = tables.toTable();
      const [a] = await create(sequence, "a");
      await push(a, 2);
      await sequence.finalize();
      expect([...(await table).tables].map(([name, { numRows }]) => [name, numRows])).toEqual([["a", 1], [
        "b",
        2,
      ]]);
      expect((await table).topicIndex).toEqual(Int32Array.of(1, 0, 1));
      expect((await table).row).toEqual(Int32Array.of(0, 0, 1));
      const names: string[][] = [];
      for await (const block of arrow.toArrow()) names.push([...block.tables.keys()]);
      expect(names.flat().sort()).toEqual(["a", "b", ...names.length > 1 ? ["b"] : []]);
    }));

  it(
    "gives what the replay gives, whatever is pushed and flushed when",
    () =>
      withClient(place, async (client) => {
        const seed = Math.floor(Math.random() * 2 ** 31);
        const random = new Random(seed);
        const sequence = await client.sequenceCreate("s", { latenessNs: 20n });
        const topics = await create(sequence, "a", "c", "b", "a/b");
        const late: Row[] = [];
        const stream = await follow(client, { onLate: (...item) => late.push(rowOf(item)) });
        const followed = rest(stream);
        let newest = 0;
        const tooLate = new Set<number>();
        for (let row = 0; row < 400; row++) {
          newest += random.below(4);
          const isTooLate = newest > 1000 && random.below(40) === 0;
          if (isTooLate) tooLate.add(row);
          const ns = newest - (isTooLate ? 21 + random.below(500) : random.below(21));
          await push(topics[random.below(topics.length)], ns, row);
          if (random.below(15) === 0) await sequence.flush();
          if (random.below(20) === 0) await new Promise((resolve) => setTimeout(resolve, random.below(100)));
        }
        await sequence.finalize();
        const rows = await followed;
        const lateRows = new Set(late.map(([, , value]) => value));
        const wanted = (await replay(client)).filter(([, , value]) => !lateRows.has(value));
        expect(rows, `seed ${seed}`).toEqual(wanted);
        // A row may come late and still find its place, but none goes astray.
        for (const row of lateRows) {
          expect(tooLate.has(row), `seed ${seed}: row ${row} is not late`).toBe(true);
        }
        expect(rows.length + late.length).toBe(400);
      }),
    20_000,
  );
});

describe("A sequence that is being recorded", () => {
  it("is LOCKED but for those who follow", () =>
    withClient("memory", async (client) => {
      await client.sequenceCreate("s");
      await expect(client.sequenceHandler("s")).rejects.toMatchObject({ code: "LOCKED" });
      const handler = await client.sequenceHandler("s", { follow: true });
      expect(() => handler.getDataStreamer()).toThrow(expect.objectContaining({ code: "LOCKED" }));
      expect(() => handler.getDataStreamer({ follow: true, latched: ["a"] })).toThrow(TypeError);
    }));

  it("refuses a lateness that makes no sense", () =>
    withClient("memory", async (client) => {
      await expect(client.sequenceCreate("s", { latenessNs: -1n })).rejects.toThrow(
        new RangeError("latenessNs is -1: wanted 0 or more nanoseconds"),
      );
      await expect(client.sequenceCreate("s", { latenessNs: 5 as unknown as bigint })).rejects.toThrow(
        TypeError,
      );
      expect(await client.listSequences()).toEqual([]);
    }));
});

describe.skipIf(!canSpawn)(`Following another process${needsBuild}`, () => {
  it("gives what the final replay gives", () =>
    inDirectory(async (directory) => {
      const { child, said } = await startChild(directory, "recordLive");
      expect(said).toBe("done");
      const client = await connect(directory);
      const stream = await follow(client);
      const rows = await some(stream, 1);
      // It is being written still: the follower does not just read what is finished.
      expect((await client.sequenceInfo("s")).state).toBe("recording");
      rows.push(...await rest(stream));
      expect(rows.length).toBe(3000);
      expect(rows).toEqual(await replay(client));
      await client.close();
      if (child.exitCode === null) await new Promise((resolve) => child.once("exit", resolve));
    }), 30_000);

  it("fails UNAVAILABLE when it dies, after all that is complete", () =>
    inDirectory(async (directory) => {
      const { child } = await startChild(directory, "recordLive");
      const client = await connect(directory);
      const stream = await follow(client);
      const rows = await some(stream, 1);
      await endChild(child, "kill");
      const dying = async () => {
        for await (const item of stream) rows.push(rowOf(item));
      };
      await expect(dying()).rejects.toMatchObject({
        code: "UNAVAILABLE",
        message: expect.stringContaining("its writer is gone; recover it"),
        details: { sequence: "s" },
      });
      await client.recover("s");
      const all = await replay(client);
      expect(rows).toEqual(all.slice(0, rows.length));
      await client.close();
    }), 30_000);
});
