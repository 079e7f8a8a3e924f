import { describe, expect, it } from "vitest";
import { binary, type Client, connect, defineOntology, int64, type SequenceHandler } from "../../mod.ts";
import { convertRecording, type ConvertReport } from "../../src/export/convert/convert.ts";
import { importJsonLines } from "../../src/import/json_lines/import_json_lines.ts";
import { importMcap } from "../../src/import/mcap/import_mcap.ts";
import { concat, encode, writeMcap } from "../import/mcap_file.ts";
import { caseRange, failedCase, Random } from "../support/random_cases.ts";

const FILE = "tests/export/convert_order.test.ts";
const Row = defineOntology("Row", { number: int64(), filling: binary() });

/** A row as it is pushed: its number is its place in that order. */
interface Pushed {
  readonly topic: string;
  readonly timestampNs: bigint;
  readonly filling: Uint8Array;
}

/** Writes rows in their order, as a reader of files does. */
const readRows = (rows: readonly Pushed[]) => (client: Client) =>
  client.sequenceCreate("s", {}, async (sequence) => {
    const topics = new Map<string, Awaited<ReturnType<typeof create>>>();
    const create = (name: string) => sequence.topicCreate(name, { ontology: Row });
    for (const [i, { topic: name, timestampNs, filling }] of rows.entries()) {
      let topic = topics.get(name);
      if (!topic) topics.set(name, topic = await create(name));
      await topic.push({ timestampNs, data: { number: BigInt(i), filling } });
    }
  });

/** The messages of a stream: topic, time and number of each. */
async function messagesOf(handler: SequenceHandler, signal?: AbortSignal): Promise<string[]> {
  const texts: string[] = [];
  for await (const [topic, { timestampNs, data }] of handler.getDataStreamer({ signal })) {
    texts.push(`${timestampNs} ${topic} ${(data as { number: bigint }).number}`);
  }
  return texts;
}

const passOn = (client: Client, rows: readonly Pushed[]): Promise<ConvertReport<unknown, string[]>> =>
  convertRecording(client, readRows(rows), messagesOf);

/** The same by way of a store. */
async function stored(client: Client, rows: readonly Pushed[]): Promise<string[]> {
  await readRows(rows)(client);
  return await messagesOf(await client.sequenceHandler("s"));
}

/** Random rows on many topics, with ties, and each less than so many bytes of rows late. */
function randomRows(random: Random, lateBytes: number): Pushed[] {
  const topics = Array.from({ length: 1 + random.below(30) }, (_, i) => `t${i}`);
  const size = 1000 + random.below(5000);
  const lateRows = Math.floor(lateBytes / (size + 20));
  const filling = new Uint8Array(size);
  const [oneIn, perTime] = [1 + random.below(5), 1 + random.below(3)];
  return Array.from({ length: Math.ceil(30e6 / size) }, (_, i) => {
    const late = random.oneIn(oneIn) ? random.below(lateRows) : 0;
    return { topic: random.pick(topics), timestampNs: BigInt(Math.floor((i - late) / perTime)), filling };
  });
}

describe("what is passed on", () => {
  const { seed: first, cases } = caseRange(6);
  it(`comes in strict order, as out of a store: seeds from ${first} on`, async () => {
    for (let seed = first; seed < first + cases; seed++) {
      try {
        await using client = await connect("memory:");
        const rows = randomRows(new Random(seed), 4e6);
        const { exported, lateCount } = await passOn(client, rows);
        expect([exported.length, lateCount]).toEqual([rows.length, 0]);
        const wanted = await stored(client, rows);
        // Not by toEqual, which would print all of it.
        expect(exported.findIndex((text, i) => text !== wanted[i])).toBe(-1);
      } catch (reason) {
        throw failedCase(seed, FILE, reason);
      }
    }
  });

  it("is all there where rows come too late, which are counted", async () => {
    await using client = await connect("memory:");
    const filling = new Uint8Array(10_000);
    const row = (topic: string, ns: number) => ({ topic, timestampNs: BigInt(ns), filling });
    const some = Array.from({ length: 4000 }, (_, i) => row("a", 1000 + i));
    // 30 MB late, on a topic of their own and on one that others are on.
    const late = [row("b", 7), row("a", 8), row("b", 7)];
    const rows = [...some.slice(0, 3000), ...late, ...some.slice(3000)];
    const { exported, lateCount } = await passOn(client, rows);
    expect(lateCount).toBe(3);
    const wanted = await stored(client, rows);
    expect(exported.toSorted()).toEqual(wanted.toSorted());
    // The others are in order.
    const isLate = (text: string) => / 300[012]$/.test(text);
    expect(exported.filter((text) => !isLate(text))).toEqual(wanted.filter((text) => !isLate(text)));
    expect(exported.filter(isLate).toSorted()).toEqual(["7 b 3000", "7 b 3002", "8 a 3001"]);
    expect(exported.findIndex(isLate)).toBeGreaterThan(0);
  });
});

describe("a topic with few messages beside one with many", () => {
  const COUNT = 9000;
  const isRare = (i: number) => i % 1000 === 5;

  it("is in order though its decoder waits for more of them", async () => {
    const file = await writeMcap(async (mcap) => {
      const schema = { name: "p/B", encoding: "ros2msg", data: encode("uint8[] b") };
      const [busy, rare] = [
        await mcap.channel("/busy", "cdr", schema),
        await mcap.channel("/rare", "cdr", schema),
      ];
      for (let i = 0; i < COUNT; i++) {
        const bytes = new Uint8Array(isRare(i) ? 8 : 4000);
        bytes[1] = 1;
        new DataView(bytes.buffer).setUint32(4, bytes.length - 8, true);
        await mcap.message(isRare(i) ? rare : busy, BigInt(i), bytes);
      }
    });
    await using client = await connect("memory:");
    for (const envelope of [false, true]) {
      const { exported, lateCount, imported } = await convertRecording(
        client,
        (into, signal) => importMcap(into, new Blob([file as BlobPart]), { name: "s", envelope, signal }),
        timesOf,
      );
      expect(imported.topics.map(({ reason, misfitCount }) => [reason, misfitCount]))
        .toEqual([[undefined, 0], [undefined, 0]]);
      expect([envelope, lateCount]).toEqual([envelope, 0]);
      expect(exported).toEqual(Array.from({ length: COUNT }, (_, i) => i));
    }
  });

  it("is in order though its columns wait for more lines", async () => {
    const text = JSON.stringify("x".repeat(4000));
    const line = (i: number) =>
      `{"timestamp_ns":"${i}","topic":"${isRare(i) ? "rare" : "busy"}","ontology":"T","data":{"v":${
        isRare(i) ? i : text
      }}}\n`;
    const parts = Array.from({ length: COUNT }, (_, i) => encode(line(i)));
    await using client = await connect("memory:");
    const { exported, lateCount } = await convertRecording(
      client,
      (into, signal) => importJsonLines(into, new Blob([concat(parts) as BlobPart]), { name: "s", signal }),
      timesOf,
    );
    expect(lateCount).toBe(0);
    expect(exported).toEqual(Array.from({ length: COUNT }, (_, i) => i));
  });
});

async function timesOf(handler: SequenceHandler, signal: AbortSignal): Promise<number[]> {
  const times: number[] = [];
  for await (const [, { timestampNs }] of handler.getDataStreamer({ signal })) {
    times.push(Number(timestampNs));
  }
  return times;
}
