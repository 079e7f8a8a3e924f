import { readdir, readFile, writeFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import {
  binary,
  type Client,
  CompressedImage,
  connect,
  defineOntology,
  float64,
  Temperature,
} from "../../mod.ts";
import {
  createDirectory,
  exportCsv,
  exportImages,
  exportJsonLines,
  exportMcap,
} from "../../src/export/mod.ts";
import { caseRange, failedCase, Random } from "../support/random_cases.ts";
import { inDirectory } from "../support/places.ts";

/** Wide, so that few rows are a batch. */
const Value = defineOntology("Value", { value: float64(), filling: binary() });
const ROWS = 15_000;
const FILLING = new Uint8Array(112);
/** A batch has 512 KiB: at most so many rows. */
const BATCH_ROWS = 2 ** 19 / 128;

/** Topics "a" and "b/c" with rows at times 0, 1, 2 and so on, each with its time as value, in several batches. */
async function record(directory: string): Promise<void> {
  await using client = await connect(directory);
  await client.sequenceCreate("s", {}, async (sequence) => {
    await sequence.attach({ name: "notes.txt" }, new TextEncoder().encode("as it was"));
    for (const name of ["a", "b/c"]) {
      const topic = await sequence.topicCreate(name, { ontology: Value });
      await topic.pushColumns({
        timestampNs: BigInt64Array.from({ length: ROWS }, (_, i) => BigInt(i)),
        value: Float64Array.from({ length: ROWS }, (_, i) => i),
        filling: Array.from({ length: ROWS }, () => FILLING),
      });
    }
  });
}

/** Everything that is written. */
function collector(): { sink: WritableStream<Uint8Array>; text: () => string } {
  const parts: Uint8Array[] = [];
  const sink = new WritableStream<Uint8Array>({ write: (bytes) => void parts.push(bytes.slice()) });
  return { sink, text: () => parts.map((part) => new TextDecoder().decode(part)).join("") };
}

/** Files of topics, by path. */
async function topicFiles(directory: string): Promise<string[]> {
  const names = await readdir(`${directory}/s`, { recursive: true });
  return names.filter((name) => name.endsWith(".arrow")).map((name) => `${directory}/s/${name}`).sort();
}

/** The values of each topic as exported, checked to be those of their times and in order. */
async function exported(client: Client) {
  const { sink, text } = collector();
  const report = await exportJsonLines(await client.sequenceHandler("s"), sink, { salvage: true });
  const times = new Map<string, number[]>([["a", []], ["b/c", []]]);
  for (const line of text().split("\n").slice(0, -1)) {
    const { timestamp_ns, topic, data } = JSON.parse(line);
    expect(data.value).toBe(Number(timestamp_ns));
    times.get(topic)!.push(data.value);
  }
  return { report, times };
}

describe("an export of a damaged sequence with salvage", () => {
  it("gives what is whole, and tells of each batch that is not", async () => {
    const { cases, seed: first } = caseRange(6);
    await inDirectory(async (directory) => {
      await record(directory);
      const files = await topicFiles(directory);
      expect(files).toHaveLength(2);
      const whole = new Map(
        await Promise.all(files.map(async (file) => [file, await readFile(file)] as const)),
      );
      for (let seed = first; seed < first + cases; seed++) {
        const random = new Random(seed);
        const file = files[random.below(2)];
        const damaged = Uint8Array.from(whole.get(file)!);
        damaged[random.below(damaged.length)] ^= 1 + random.below(255);
        try {
          await writeFile(file, damaged);
          await using client = await connect(directory);
          const { report, times } = await exported(client);
          const lost = [...times.values()].reduce((sum, found) => sum + ROWS - found.length, 0);
          expect(lost).toBeLessThanOrEqual(BATCH_ROWS);
          expect(report.messageCount).toBe(2 * ROWS - lost);
          for (const found of times.values()) {
            for (let i = 1; i < found.length; i++) if (found[i] <= found[i - 1]) expect.fail(`order at ${i}`);
          }
          if (lost > 0) expect(report.flawCounts.damage).toBe(1);
          // Without it the export fails where something would be missing.
          const { sink } = collector();
          const strict = exportJsonLines(await client.sequenceHandler("s"), sink).then(
            () => "ok",
            ({ code }) => code,
          );
          expect(await strict).toBe(report.flaws.length === 0 ? "ok" : "CORRUPT");
        } catch (reason) {
          throw failedCase(seed, "tests/export/salvage.test.ts", reason);
        } finally {
          await writeFile(file, whole.get(file)!);
        }
      }
    });
  }, 60_000);

  it("leaves out a topic whose file is lost, also where it was named, and reads one whose footer is", async () => {
    await inDirectory(async (directory) => {
      await record(directory);
      const [a, b] = await topicFiles(directory);
      await writeFile(a, "lost");
      const file = await readFile(b);
      await writeFile(b, file.fill(0, file.length - 100));
      await using client = await connect(directory);
      const handler = await client.sequenceHandler("s");
      const { sink, text } = collector();
      const report = await exportCsv(handler, await createDirectory(`${directory}/csv`), {
        salvage: true,
        topics: ["a", "b/c"],
      });
      expect(report.messageCount).toBe(ROWS);
      expect(report.topics).toEqual(["b/c"]);
      expect(report.flaws.map(({ topic, lost }) => [topic, lost])).toEqual([
        ["a", `${ROWS} of its ${ROWS} messages`],
        ["b/c", `0 of its ${ROWS} messages`],
      ]);
      expect(await readdir(`${directory}/csv`)).toEqual(["b"]);
      await expect(exportJsonLines(handler, sink)).rejects.toMatchObject({ code: "CORRUPT" });
      expect(text()).toBe("");
    });
  });

  it("leaves out an attachment that is not what was attached", async () => {
    await inDirectory(async (directory) => {
      await record(directory);
      const [file] = (await readdir(`${directory}/s`, { recursive: true })).filter((name) =>
        /attachments[/\\]./.test(name)
      );
      await writeFile(`${directory}/s/${file}`, "as it w@s");
      await using client = await connect(directory);
      const handler = await client.sequenceHandler("s");
      const { messageCount, flaws } = await exportMcap(handler, collector().sink, { salvage: true });
      expect(messageCount).toBe(2 * ROWS);
      expect(flaws).toMatchObject([{ kind: "damage", lost: 'the attachment "notes.txt"' }]);
      await expect(exportMcap(handler, collector().sink)).rejects.toMatchObject({ code: "CORRUPT" });
    });
  });
});

describe("an export of what a format cannot hold with salvage", () => {
  it("leaves out messages before 1970 of MCAP, and says which", async () => {
    await using client = await connect("memory:");
    await client.sequenceCreate("s", {}, async (sequence) => {
      const topic = await sequence.topicCreate("oven", { ontology: Temperature });
      for (const timestampNs of [-5n, 1n, 2n]) await topic.push({ timestampNs, data: { value: 290 } });
    });
    const handler = await client.sequenceHandler("s");
    const report = await exportMcap(handler, collector().sink, { salvage: true });
    expect(report.messageCount).toBe(2);
    expect(report.flawCounts).toEqual({ value: 1 });
    expect(report.flaws[0]).toMatchObject({ topic: "oven", lost: "its message at -5 ns" });
    await expect(exportMcap(handler, collector().sink)).rejects.toMatchObject({ code: "UNSUPPORTED" });
  });

  it("leaves out pictures that are none, and writes the others", async () => {
    await inDirectory(async (directory) => {
      await using client = await connect("memory:");
      const jpeg = Uint8Array.of(0xff, 0xd8, 0xff, 0xd9);
      await client.sequenceCreate("s", {}, async (sequence) => {
        const topic = await sequence.topicCreate("camera", { ontology: CompressedImage });
        await topic.push({ timestampNs: 1n, data: { data: jpeg, format: "jpeg" } });
        await topic.push({
          timestampNs: 2n,
          data: { data: Uint8Array.of(0, 0, 0, 1, 0x65), format: "h264" },
        });
        await topic.push({ timestampNs: 3n, data: { data: jpeg, format: "jpeg" } });
      });
      const handler = await client.sequenceHandler("s");
      const report = await exportImages(handler, await createDirectory(`${directory}/out`), {
        salvage: true,
      });
      expect(report.messageCount).toBe(2);
      expect(report.flaws).toMatchObject([{ kind: "value", topic: "camera", lost: "its message at 2 ns" }]);
      expect((await readdir(`${directory}/out/camera`)).sort()).toEqual(["1.jpg", "3.jpg"]);
    });
  });
});
