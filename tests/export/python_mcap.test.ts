import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import * as zlib from "node:zlib";
import { describe, expect, it } from "vitest";
import {
  binary,
  bool,
  connect,
  defineOntology,
  float32,
  float64,
  int64,
  list,
  optional,
  struct,
  uint64,
  utf8,
} from "../../mod.ts";
import { importArrow } from "../../src/import/arrow/import_arrow.ts";
import { importMcap } from "../../src/import/mcap/import_mcap.ts";
import { openFile } from "../../src/import/open_file.ts";
import { encode, writeMcap } from "../import/mcap_file.ts";
import { python, runPython } from "../support/python.ts";
import { exported, imported } from "./mcap_exports.ts";
import { inBag, messagesOf, readByPython, withFile } from "./python_mcap.ts";

const title = python
  ? "Python's mcap and rosbags"
  : "Python's mcap and rosbags (SMALTI_PYTHON names no Python)";

/** Of random tables; printed when a test fails. */
const SEED = Number(process.env.SMALTI_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** All that a file has beside its messages, and how many these are; fails where its indexes or CRCs are wrong. */
const checked = async (file: Uint8Array) =>
  JSON.parse(await withFile(file, (path) => runPython(new URL("check_mcap.py", import.meta.url), path)));

const Values = defineOntology("Values", {
  small: optional(int64()),
  large: optional(uint64()),
  single: optional(float32()),
  double: optional(float64()),
  ok: optional(bool()),
  text: optional(utf8()),
  bytes: optional(binary()),
  numbers: optional(list(optional(float64()))),
  place: optional(struct({ x: float64(), name: optional(utf8()), inner: optional(struct({ n: int64() })) })),
  parts: optional(list(optional(struct({ id: int64(), label: optional(utf8()) })))),
});

const VALUES = [
  {
    small: -(2n ** 63n),
    large: 2n ** 64n - 1n,
    single: NaN,
    double: -Infinity,
    ok: true,
    text: "\u0000 ä 日本 🛰️",
    bytes: Uint8Array.of(0, 255),
    numbers: [NaN, null, 0.1],
    place: { x: Infinity, name: "", inner: { n: 2n ** 53n + 1n } },
    parts: [{ id: 1n, label: "one" }, null, { id: 2n }],
  },
  { small: 0n, double: 5e-324, numbers: [], place: { x: -0 } },
  { large: 2n ** 53n, double: 1.7976931348623157e308, text: "", bytes: new Uint8Array(0), parts: [] },
  {},
];

describe.skipIf(!python)(title, () => {
  it.each([
    ["every_type.mcap", true],
    ["cdr_test.mcap", true],
    ["cdr_test.db3", true],
    ["talker.db3", true],
    ["out.bag", false],
    ["fake_joint_state-lz4.bag", false],
    ["protobuf.mcap", false],
    ["flatbuffer.mcap", false],
    ["imu.lz4.arrow", false],
    ["simple.csv", false],
  ])("read every value of what %s goes out as", async (name, isRos2) => {
    await using client = await connect("memory:");
    const handler = await imported(client, name);
    const wanted = await messagesOf(handler);
    const { mcap, rosbags } = await readByPython(await exported(handler));
    expect(Object.keys(mcap).sort()).toEqual(Object.keys(wanted).sort());
    expect(Object.keys(rosbags).sort()).toEqual(isRos2 ? Object.keys(wanted).sort() : []);
    for (const [topic, messages] of Object.entries(wanted)) {
      expect([topic, mcap[topic]]).toEqual([topic, messages]);
      if (isRos2) expect([topic, rosbags[topic]]).toEqual([topic, messages.map(inBag)]);
    }
  });

  it("read values of any kind where they go out as JSON", async () => {
    await using client = await connect("memory:");
    const startNs = 1_700_000_000_123_456_789n;
    await client.sequenceCreate("s", {}, async (sequence) => {
      const topic = await sequence.topicCreate("a/b", { ontology: Values });
      for (const [i, data] of VALUES.entries()) await topic.push({ timestampNs: startNs + BigInt(i), data });
    });
    const handler = await client.sequenceHandler("s");
    const { mcap } = await readByPython(await exported(handler));
    const wanted = await messagesOf(handler);
    expect(wanted["/a/b"]).toHaveLength(VALUES.length);
    expect(mcap).toEqual(wanted);
  });

  it("read random tables where they go out as JSON", async () => {
    const directory = await mkdtemp(join(tmpdir(), "smalti-tables-"));
    try {
      await runPython(new URL("write_tables.py", import.meta.url), directory, String(SEED), "30");
      const files = await Promise.all(
        (await readdir(directory)).map((name) => openFile(join(directory, name))),
      );
      await using client = await connect("memory:");
      await importArrow(client, files, { name: "s" });
      const handler = await client.sequenceHandler("s");
      const { mcap } = await readByPython(await exported(handler));
      const wanted = await messagesOf(handler);
      expect(Object.keys(wanted)).toHaveLength(files.length);
      expect(mcap, `seed ${SEED}`).toEqual(wanted);
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it("read publish times and sequence numbers, attachments and metadata", async () => {
    await using client = await connect("memory:");
    const schema = { type: "object", properties: { n: { type: "integer" }, x: { type: "number" } } };
    const lastNs = 2n ** 63n - 1n;
    const file = await writeMcap(async (mcap) => {
      const json = await mcap.json("j", schema, "Point", { made: "by hand" });
      const text = { name: "std_msgs/msg/String", encoding: "ros2msg", data: encode("string data") };
      const cdr = await mcap.channel("/r", "cdr", text);
      await mcap.message(json, 5n, '{"n":9223372036854775807,"x":1}', 2n ** 64n - 1n);
      await mcap.message(cdr, 6n, Uint8Array.of(0, 1, 0, 0, 2, 0, 0, 0, 65, 0), 0n);
      await mcap.message(json, lastNs, '{"n":-1}', 7n);
      const data = encode("attached");
      const times = { logTime: 2n ** 64n - 1n, createTime: 8n };
      await mcap.writer.addAttachment({ name: "a ü.txt", mediaType: "text/plain", ...times, data });
      await mcap.writer.addMetadata({ name: "facts", metadata: new Map([["k", "v"]]) });
    });
    await importMcap(client, new Blob([file as BlobPart]), { name: "s", envelope: true });
    const handler = await client.sequenceHandler("s");
    const made = await exported(handler);
    const wanted = await messagesOf(handler);
    expect(wanted).toMatchObject({
      "j": [{ time: "5", publishTime: String(2n ** 64n - 1n), number: 0 }, {
        time: String(lastNs),
        number: 2,
      }],
      "/r": [{ time: "6", publishTime: "0", number: 1, data: { data: "A" } }],
    });
    expect((await readByPython(made)).mcap).toEqual(wanted);
    expect(await checked(made)).toEqual({
      profile: "test profile",
      messages: 3,
      chunks: 1,
      compressions: [""],
      attachments: [["a ü.txt", "text/plain", String(2n ** 64n - 1n), "8", "attached"]],
      metadata: [["facts", { k: "v" }]],
      channels: { "j": { made: "by hand" }, "/r": {} },
    });
  });

  const compressions = (["none", "lz4", "zstd"] as const).filter((name) => {
    return name !== "zstd" || "zstdCompressSync" in zlib;
  });
  it.each(compressions)("find every index and CRC right, with chunks of %s", async (compression) => {
    await using client = await connect("memory:");
    const count = 3000;
    await client.sequenceCreate("s", { metadata: { car: "blue" } }, async (sequence) => {
      const topics = [];
      for (const name of ["b", "a", "empty"]) {
        topics.push(await sequence.topicCreate(name, { ontology: Values }));
      }
      // Two messages at each time, and chunks of several.
      for (let i = 0; i < count; i++) {
        const data = { small: BigInt(i), text: "x".repeat(i % 2000) };
        await topics[i % 2].push({ timestampNs: BigInt(i - i % 2), data });
      }
    });
    const handler = await client.sequenceHandler("s");
    const found = await checked(await exported(handler, { compression }));
    expect(found.chunks).toBeGreaterThan(2);
    expect(found).toEqual({
      profile: "",
      messages: count,
      chunks: found.chunks,
      compressions: [compression === "none" ? "" : compression],
      attachments: [],
      metadata: [["smalti", { car: "blue" }]],
      channels: { "/a": {}, "/b": {}, "/empty": {} },
    });
  });

  it("find a file right that has no messages", async () => {
    await using client = await connect("memory:");
    await client.sequenceCreate("s", {}, async () => {});
    const found = await checked(await exported(await client.sequenceHandler("s")));
    expect(found).toMatchObject({ messages: 0, chunks: 0, channels: {} });
  });
});
