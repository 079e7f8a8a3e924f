import { describe, expect, it } from "vitest";
import { type Client, connect } from "../../mod.ts";
import { ROS_MESSAGES } from "../../src/export/messages/ros_messages.ts";
import { importMcap } from "../../src/import/mcap/import_mcap.ts";
import { ROS_ONTOLOGIES } from "../../src/import/ontology/ros_ontologies.ts";
import { ALL } from "../../src/ontology/builtin/all.ts";
import {
  Boolean,
  Floating32,
  Floating64,
  Integer16,
  Integer32,
  Integer64,
  Integer8,
  String as StringOntology,
  Unsigned16,
  Unsigned32,
  Unsigned64,
  Unsigned8,
} from "../../src/ontology/builtin/primitives.ts";
import type { SequenceHandler } from "../../src/read/sequence_handler.ts";
import { python, runSdkPython, sdkPython } from "../support/python.ts";
import { exported } from "./mcap_exports.ts";
import { type AnyOntology, hasHeader, Samples } from "./ontology_samples.ts";
import { inBag, messagesOf, type PlainMessage, readByPython, withFile } from "./python_mcap.ts";

const START = 1_700_000_000_123_456_789n;

/** The built-in classes with the types of ROS that they go out as. */
const TYPES = ALL.map((ontology): [ontology: AnyOntology, types: string[]] => {
  const types = [...ROS_MESSAGES.keys()].filter((type) => ROS_ONTOLOGIES[type].ontology.tag === ontology.tag);
  return [ontology, types];
}).filter(([, types]) => types.length > 0);

/** The type of a class's own choice: with a header and a covariance, where there is one. */
function usualType(types: readonly string[]): string {
  const narrow = (from: readonly string[], has: (type: string) => boolean) => {
    const found = from.filter(has);
    return found.length > 0 ? found : from;
  };
  const found = narrow(narrow(types, hasHeader), (type) => type.includes("WithCovariance"));
  return found[0];
}

/** Names of types as ROS 2 has them. */
const rosName = (type: string) => type.replace("/", "/msg/");

/** Sequence "s": a topic for each type, and one for each class, which is of the type that the class chooses. */
async function record(client: Client): Promise<SequenceHandler> {
  const samples = new Samples();
  await client.sequenceCreate("s", {}, async (sequence) => {
    const add = async (name: string, ontology: AnyOntology, type: string, metadata = {}) => {
      const topic = await sequence.topicCreate(name, { ontology, metadata });
      await topic.push({ timestampNs: START, data: samples.of(ontology, type) });
      await topic.push({ timestampNs: START + 1n, data: samples.of(ontology, type, false) });
    };
    for (const [ontology, types] of TYPES) {
      await add(`class/${ontology.tag}`, ontology, usualType(types));
      for (const type of types) {
        await add(`type/${type}`, ontology, type, { "mcap.schema_name": rosName(type) });
      }
    }
  });
  return await client.sequenceHandler("s");
}

describe.skipIf(!python)(python ? "Python" : "Python (SMALTI_PYTHON names none)", () => {
  it("decodes every class as its type of ROS, with every value", async () => {
    await using client = await connect("memory:");
    const file = await exported(await record(client));
    // As plain messages of ROS: what the values are of is seen by Mosaico, below.
    await importMcap(client, new Blob([file]), { name: "again" });
    const wanted = await messagesOf(await client.sequenceHandler("again"));
    const { mcap, rosbags } = await readByPython(file);
    for (const [{ tag }, types] of TYPES) {
      const topics = [`class/${tag}`, ...types.map((type) => `type/${type}`)];
      for (const [i, type] of [usualType(types), ...types].entries()) {
        const topic = `/${topics[i]}`;
        expect([topic, mcap[topic].map((message) => message.type)]).toEqual([
          topic,
          [rosName(type), rosName(type)],
        ]);
        expect([topic, mcap[topic]]).toEqual([topic, wanted[topic]]);
        expect([topic, rosbags[topic]]).toEqual([topic, wanted[topic].map(inBag)]);
      }
    }
    // Those that Mosaico's bridge knows, and three more.
    expect(TYPES.length).toBe(47 + 3);
  });

  it("reads the extremes of numbers and texts", async () => {
    await using client = await connect("memory:");
    const floats = [NaN, Infinity, -Infinity, -0, 5e-324, 1.7976931348623157e308];
    const extremes: [AnyOntology, unknown[]][] = [
      [Boolean, [true, false]],
      [Floating32, [...floats.slice(0, 4), Math.fround(0.1)]],
      [Floating64, floats],
      [Integer8, [-128, 127]],
      [Integer16, [-(2 ** 15), 2 ** 15 - 1]],
      [Integer32, [-(2 ** 31), 2 ** 31 - 1]],
      [Integer64, [-(2n ** 63n), 2n ** 63n - 1n]],
      [StringOntology, ["", "ä 日本 🛰️", "x".repeat(3000)]],
      [Unsigned8, [255]],
      [Unsigned16, [2 ** 16 - 1]],
      [Unsigned32, [2 ** 32 - 1]],
      [Unsigned64, [2n ** 64n - 1n]],
    ];
    await client.sequenceCreate("s", {}, async (sequence) => {
      for (const [ontology, values] of extremes) {
        const topic = await sequence.topicCreate(ontology.tag, { ontology });
        // The last time that there is, and those before.
        for (const [i, data] of values.entries()) {
          await topic.push({ timestampNs: 2n ** 63n - 10n + BigInt(i), data: { data } });
        }
      }
    });
    const handler = await client.sequenceHandler("s");
    const { mcap, rosbags } = await readByPython(await exported(handler));
    const wanted = await messagesOf(handler);
    const facts = (messages: PlainMessage[]) => messages.map(({ time, data }) => ({ time, data }));
    for (const [{ tag }, values] of extremes) {
      expect(wanted[`/${tag}`]).toHaveLength(values.length);
      expect([tag, facts(mcap[`/${tag}`])]).toEqual([tag, facts(wanted[`/${tag}`])]);
      expect([tag, facts(rosbags[`/${tag}`])]).toEqual([tag, facts(wanted[`/${tag}`])]);
    }
  });
});

/** Types that Mosaico's bridge has no class for, though there is one. */
const UNKNOWN = [
  "geometry_msgs/Point32",
  "sensor_msgs/NavSatStatus",
  "sensor_msgs/PointField",
  "sensor_msgs/Range",
];

describe.skipIf(!sdkPython)(sdkPython ? "Mosaico" : "Mosaico (SMALTI_SDK_PYTHON names no Python)", () => {
  it("makes the classes that they were of all messages, with the same values", async () => {
    await using client = await connect("memory:");
    const handler = await record(client);
    const pushed = await messagesOf(handler);
    const file = await exported(handler);
    const script = new URL("read_mosaico.py", import.meta.url);
    const output = await withFile(file, (path) => runSdkPython(script, path));
    const known = new Set<string>();
    for (const line of output.trim().split("\n")) {
      const { topic, type, time, class: name, data } = JSON.parse(line);
      if (UNKNOWN.some((unknown) => rosName(unknown) === type)) {
        expect([type, name]).toEqual([type, null]);
        continue;
      }
      const { data: wanted } = pushed[topic].find((message) => message.time === time)!;
      expect([topic, name]).toEqual([
        topic,
        handler.topics.find((one) => `/${one.name}` === topic)!.ontologyTag,
      ]);
      known.add(name);
      // The bridge compresses pictures.
      const compressed = name === "Image" ? { format: "png", data: data.data } : {};
      expect([topic, data]).toMatchObject([topic, { ...wanted, ...compressed }]);
      // ROS has zero for what is missing.
      const more = leaves(data).filter(([path]) => !leaves(wanted).some(([other]) => other === path));
      for (const [path, value] of more) {
        expect([topic, path, ZEROS]).toEqual([topic, path, expect.arrayContaining([value])]);
      }
      if (time === String(START)) expect([topic, more]).toEqual([topic, []]);
    }
    expect(known.size).toBe(47);
  });
});

/** What is nothing, in the form of plain values. */
const ZEROS = ["0", "0".repeat(16), false, ""];

/** The values within a value, each with its path. */
function leaves(value: unknown, path = ""): [path: string, value: unknown][] {
  if (typeof value !== "object" || value === null) return [[path, value]];
  return Object.entries(value).flatMap(([key, item]) => leaves(item, `${path}/${key}`));
}
