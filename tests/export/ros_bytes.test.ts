/**
 * Random messages of ROS in an MCAP, many of them padded, encapsulated or broken in ways that ROS does not write: all must come
 * out as they went in.
 */
import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { Client } from "../../mod.ts";
import { EmbeddedBackend } from "../../src/embedded/embedded_backend.ts";
import { createJsEngine } from "../../src/engine/js.ts";
import { createWasmEngine } from "../../src/engine/wasm.ts";
import { importMcap } from "../../src/import/mcap/import_mcap.ts";
import type { RosDefinition } from "../../src/import/ros/ros_plan.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { damaged } from "../contract/records/record_identity.ts";
import { rosSource } from "../contract/records/ros_source.ts";
import { encode, readTopic, writeMcap } from "../import/mcap_file.ts";
import { caseRange, failedCase, Random } from "../support/random_cases.ts";
import { exported } from "./mcap_exports.ts";
import { messagesOfMcap } from "./source_messages.ts";

const module = await WebAssembly.compile(
  await readFile(new URL("../../src/engine/generated/smalti.wasm", import.meta.url)),
);
const engines = [createJsEngine(), await createWasmEngine(module)];
const range = caseRange(60);

/** A definition as recordings carry it. */
function textOf(definitions: readonly RosDefinition[]): string {
  return definitions.map(({ name, definitions }, i) => {
    const lines = definitions.filter(({ isConstant }) => !isConstant).map(
      ({ type, name, isArray, arrayLength = "" }) => `${type}${isArray ? `[${arrayLength}]` : ""} ${name}`,
    );
    return [...i === 0 ? [] : ["=".repeat(80), `MSG: ${name}`], ...lines].join("\n");
  }).join("\n");
}

/** A file with messages of one topic. */
async function fileOf(seed: number, encoding: "cdr" | "ros1"): Promise<Uint8Array> {
  const random = new Random(seed);
  const source = rosSource(random, encoding === "cdr" ? "cdr" : "packed");
  const schemaEncoding = encoding === "cdr" ? "ros2msg" : "ros1msg";
  const data = encode(textOf(source.schema));
  return await writeMcap(async (mcap) => {
    const channel = await mcap.channel("/t", encoding, { name: "pkg/T0", encoding: schemaEncoding, data });
    let last: Uint8Array = new Uint8Array(0);
    for (let i = 0; i < 20; i++) {
      const record = source.record();
      // Times in no order, so that rows are moved; those of no time are equal.
      const time = BigInt(100 * random.below(50) + i);
      await mcap.message(channel, time, random.oneIn(3) ? damaged(random, record, last) : record);
      last = record;
    }
  });
}

describe.each(engines.map((engine) => ({ name: engine.name, engine })))(
  "messages through $name",
  ({ engine }) => {
    it.each(["cdr", "ros1"] as const)("in %s come out byte for byte", async (encoding) => {
      const columns = { _raw: 0, _padding: 0 };
      for (let seed = range.seed; seed < range.seed + range.cases; seed++) {
        try {
          await using client = new Client(new EmbeddedBackend(new MemoryStore(), engine));
          const file = await fileOf(seed, encoding);
          await importMcap(client, new Blob([file as BlobPart]), { name: "s", envelope: true });
          const made = messagesOfMcap(await exported(await client.sequenceHandler("s")), engine);
          expect(made).toEqual(messagesOfMcap(file, engine));
          for (const { data } of await readTopic(client, "s", "t")) {
            for (const key of ["_raw", "_padding"] as const) if (data[key] !== undefined) columns[key]++;
          }
        } catch (reason) {
          throw failedCase(seed, "tests/export/ros_bytes.test.ts", reason);
        }
      }
      if (range.cases < 60) return;
      expect(columns._raw).toBeGreaterThan(0);
      if (encoding === "cdr") expect(columns._padding).toBeGreaterThan(0);
    });
  },
);

/** sensor_msgs/Temperature with padding that is not zero, at a time of its own. */
function temperature(sec: number): Uint8Array {
  const bytes = new Uint8Array(36);
  bytes.set([0, 1, 0, 0, sec, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 9, 9, 9]);
  new DataView(bytes.buffer).setFloat64(20, 25, true);
  return bytes;
}

describe("padding that is not zero", () => {
  const messages = [temperature(3), new Uint8Array(2), temperature(2)];
  const file = writeMcap(async (mcap) => {
    const schema = { name: "sensor_msgs/msg/Temperature", encoding: "ros2msg", data: encode("") };
    const channel = await mcap.channel("/t", "cdr", schema);
    for (const [i, message] of messages.entries()) await mcap.message(channel, BigInt(i), message);
  });
  const load = async (client: Client, options: Partial<Parameters<typeof importMcap>[2]>) =>
    await importMcap(client, new Blob([await file as BlobPart]), { name: "s", ...options });

  it("stays where a field tells the times, and messages without it go", async () => {
    await using client = new Client(new EmbeddedBackend(new MemoryStore(), engines[0]));
    const report = await load(client, { envelope: true, time: "header.stamp", salvage: true });
    expect([report.messageCount, report.flaws.length]).toEqual([2, 1]);
    const made = messagesOfMcap(await exported(await client.sequenceHandler("s")), engines[0]);
    expect(made.get("/t")).toEqual([
      { ns: 2_000_000_000n, bytes: messages[2] },
      { ns: 3_000_000_000n, bytes: messages[0] },
    ]);
  });

  it("has a column in an envelope alone, and is no misfit", async () => {
    for (const envelope of [true, false]) {
      await using client = new Client(new EmbeddedBackend(new MemoryStore(), engines[0]));
      const { topics } = await load(client, { envelope });
      expect(topics[0].misfitCount).toBe(1);
      const { fields } = await client.topicHandler("s", "t");
      const names = fields.map(({ name }) => name);
      expect(names.includes("_padding")).toBe(envelope);
      const read = await readTopic(client, "s", "t");
      expect(read.map(({ data }) => data._raw)).toEqual([undefined, messages[1], undefined]);
      const padding = read.map(({ data }) => data._padding);
      expect(padding).toEqual(
        envelope ? [messages[0], undefined, messages[2]] : [undefined, undefined, undefined],
      );
    }
  });

  it("is nothing to a class", async () => {
    await using client = new Client(new EmbeddedBackend(new MemoryStore(), engines[0]));
    const { topics } = await load(client, { envelope: true, ontology: ["*"] });
    expect(topics.map(({ name, messageCount }) => [name, messageCount])).toEqual([["t", 2], ["t_raw", 1]]);
    const { fields } = await client.topicHandler("s", "t");
    expect(fields.map(({ name }) => name)).not.toContain("_padding");
  });
});
