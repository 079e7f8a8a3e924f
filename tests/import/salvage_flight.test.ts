/**
 * What a salvage makes of the example flight, cut and damaged in random places: all messages of the chunks that are whole,
 * and none that is not the true file's. A few of the cases; all of them in `deno task test:long`.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { McapStreamReader } from "@mcap/core";
import { describe, expect, it } from "vitest";
import { type Client, connect } from "../../mod.ts";
import { createCodecs } from "../../src/engine/codecs.ts";
import { importMcap, type ImportMcapReport } from "../../src/import/mcap/import_mcap.ts";
import { isLong } from "../support/positions.ts";
import { caseRange, failedCase, Random } from "../support/random_cases.ts";
import { concat } from "./mcap_file.ts";

const FILE = "tests/import/salvage_flight.test.ts";
const flight = new Uint8Array(
  readFileSync(
    fileURLToPath(
      new URL("../../examples/px4-vtol-flight/flight.mcap", import.meta.url),
    ),
  ),
);

/** One message of the true file: its text, and the number of its chunk. */
interface True {
  text: string;
  chunk: number;
}

interface Chunk {
  start: number;
  end: number;
}

/** Where the chunks are. */
const chunks: Chunk[] = [];
for (let at = 8; at < flight.length - 8;) {
  const end = at + 9 +
    Number(new DataView(flight.buffer).getBigUint64(at + 1, true));
  if (flight[at] === 6) chunks.push({ start: at, end });
  at = end;
}

/** The messages of each topic in order of time, by another reader and an import of the whole file. */
async function readTruth(): Promise<Map<string, True[]>> {
  const { decompress } = createCodecs();
  const reader = new McapStreamReader({
    includeChunks: true,
    decompressHandlers: {
      zstd: (bytes, size) => decompress("zstd", bytes, Number(size)),
    },
  });
  reader.append(flight);
  const places = new Map<string, { time: bigint; chunk: number }[]>();
  const topics = new Map<number, string>();
  let chunk = -1;
  for (let record; (record = reader.nextRecord()) !== undefined;) {
    if (record.type === "Chunk") chunk++;
    if (record.type === "Channel") topics.set(record.id, record.topic.slice(1));
    if (record.type !== "Message") continue;
    const topic = topics.get(record.channelId)!;
    if (!places.has(topic)) places.set(topic, []);
    places.get(topic)!.push({ time: record.logTime, chunk });
  }
  await using client = await connect("memory:");
  await importMcap(client, source(flight), { name: "flight" });
  const truth = new Map<string, True[]>();
  for (const [topic, texts] of await readAll(client)) {
    const sorted = places.get(topic)!.sort((a, b) => a.time < b.time ? -1 : a.time > b.time ? 1 : 0);
    expect(texts.length).toBe(sorted.length);
    truth.set(
      topic,
      texts.map((text, i) => ({ text, chunk: sorted[i].chunk })),
    );
  }
  return truth;
}

async function readAll(client: Client): Promise<Map<string, string[]>> {
  const topics = new Map<string, string[]>();
  for await (
    const [topic, message] of (await client.sequenceHandler("flight"))
      .getDataStreamer()
  ) {
    if (!topics.has(topic)) topics.set(topic, []);
    topics.get(topic)!.push(JSON.stringify(message));
  }
  return topics;
}

function source(bytes: Uint8Array) {
  const chunks = {
    async *[Symbol.asyncIterator]() {
      for (let at = 0; at < bytes.length; at += 1 << 18) {
        yield await Promise.resolve(bytes.subarray(at, at + (1 << 18)));
      }
    },
  };
  return { chunks, sizeBytes: bytes.length, isRepeatable: true };
}

const truth = readTruth();

/** Whether a message is whole in `_json`: its schema came from a summary that was hurt too, so the columns do not hold it. */
function isKeptAsText(text: string, found: string | undefined): boolean {
  const kept = found && JSON.parse(found);
  if (!kept?.data._json) return false;
  const wanted = JSON.parse(text);
  const given = Object.entries(wanted.data).filter(([, value]) => value !== null);
  const there = Object.entries(JSON.parse(kept.data._json)).filter((
    [, value],
  ) => value !== null);
  return kept.timestamp_ns === wanted.timestamp_ns &&
    JSON.stringify(given.sort()) === JSON.stringify(there.sort());
}

/** A message without what its schema alone tells: that one's name, and those of fields that hold nothing. */
function withoutNames(text = "{}"): string {
  const message = JSON.parse(text);
  const data = Object.entries(message.data ?? {}).filter(([, value]) => value !== null);
  return JSON.stringify({ ...message, ontology: "", data });
}

/** Salvages a file in which these chunks are whole, and checks what came of it. */
async function check(
  bytes: Uint8Array,
  whole: ReadonlySet<number>,
): Promise<ImportMcapReport | undefined> {
  await using client = await connect("memory:");
  let report;
  try {
    report = await importMcap(client, source(bytes), {
      name: "flight",
      salvage: true,
    });
  } catch (reason) {
    // Of nothing there is nothing to be made.
    expect([whole.size, String(reason)]).toEqual([
      0,
      expect.stringContaining("no sequence was made"),
    ]);
    expect(await client.listSequences()).toEqual([]);
    return undefined;
  }
  const handler = await client.sequenceHandler("flight");
  expect(handler.state).toBe("finalized");
  for (const { name } of handler.topics) {
    expect(await (await handler.topicHandler(name)).verify({ deep: true }))
      .toEqual([]);
  }
  const found = await readAll(client);
  // A name that is told by a damaged summary alone, which a flaw says, may have been hurt there.
  const isSure = report.flawCounts.channel === undefined;
  const same = (one: string | undefined, other: string) =>
    one === other || !isSure && withoutNames(one) === withoutNames(other);
  for (const [topic, messages] of await truth) {
    const texts = found.get(topic) ?? [];
    found.delete(topic);
    let next = 0;
    for (const { text, chunk } of messages) {
      if (same(texts[next], text) || isKeptAsText(text, texts[next])) next++;
      else if (whole.has(chunk)) {
        throw new Error(`${topic} lacks a message of chunk ${chunk}: ${text}`);
      }
    }
    if (next < texts.length) {
      throw new Error(`${topic} has what the file has not: ${texts[next]}`);
    }
  }
  expect([...found.keys()]).toEqual([]);
  return report;
}

function holes(
  bytes: Uint8Array,
  isGone: (chunk: Chunk) => boolean,
): [Uint8Array, Set<number>] {
  return [bytes, new Set([...chunks.keys()].filter((i) => !isGone(chunks[i])))];
}

/** The flight with something wrong, and the chunks that are whole in it. */
function damage(random: Random): [Uint8Array, Set<number>] {
  const start = random.below(flight.length);
  const end = Math.min(
    flight.length,
    start + 1 + random.below(2 ** random.below(17)),
  );
  const isHit = (chunk: Chunk) => chunk.start < end && chunk.end > start;
  const bytes = flight.slice();
  switch (random.below(5)) {
    case 0: { // bits, anywhere
      const places = Array.from(
        { length: 1 + random.below(8) },
        () => random.below(flight.length),
      );
      for (const at of places) bytes[at] ^= 1 << random.below(8);
      return holes(
        bytes,
        (chunk) => places.some((at) => at >= chunk.start && at < chunk.end),
      );
    }
    case 1:
      return holes(bytes.fill(0, start, end), isHit);
    case 2:
      for (let at = start; at < end; at++) bytes[at] = random.below(256);
      return holes(bytes, isHit);
    case 3:
      return holes(
        concat([flight.subarray(0, start), flight.subarray(end)]),
        isHit,
      );
    default: { // something comes in between: noise, or what is there already, less than a chunk
      const there = flight.slice(start, Math.min(end, start + 7000));
      const more = random.oneIn(2) ? there : there.map(() => random.below(256));
      const parts = [flight.subarray(0, start), more, flight.subarray(start)];
      return holes(
        concat(parts),
        (chunk) => chunk.start < start && chunk.end > start,
      );
    }
  }
}

describe("importMcap with salvage, of the example flight", () => {
  it("keeps every whole chunk of a file that is cut, and nothing else", async () => {
    const lengths = Array.from(
      { length: Math.ceil(flight.length / 512) },
      (_, i) => i * 512,
    );
    const some = isLong ? lengths : lengths.filter((_, i) => i % 211 === 99);
    const counts = { cut: 0, empty: 0 };
    for (const length of some) {
      const whole = new Set(
        [...chunks.keys()].filter((i) => chunks[i].end <= length),
      );
      const report = await check(flight.subarray(0, length), whole);
      counts[report ? "cut" : "empty"]++;
      if (report) expect(report.flawCounts).toEqual({ cut: 1 });
    }
    console.log(
      `${some.length} truncations: ${counts.cut} salvaged, ${counts.empty} with no whole chunk`,
    );
    expect(counts.cut).toBeGreaterThan(some.length / 2);
  });

  it("keeps every whole chunk of a file that is damaged, and returns nothing wrong", async () => {
    const { cases, seed } = caseRange(isLong ? 1000 : 10);
    const kinds: Record<string, number> = {};
    let lost = 0;
    for (let i = 0; i < cases; i++) {
      try {
        const [bytes, whole] = damage(new Random(seed + i));
        const report = await check(bytes, whole);
        lost += chunks.length - whole.size;
        for (const [kind, count] of Object.entries(report?.flawCounts ?? {})) {
          kinds[kind] = (kinds[kind] ?? 0) + count;
        }
      } catch (reason) {
        throw failedCase(seed + i, FILE, reason);
      }
    }
    console.log(
      `${cases} damages, seed ${seed}: ${lost} chunks hit, flaws ${JSON.stringify(kinds)}`,
    );
  });
});
