import { describe, expect, it } from "vitest";
import { type Client, connect } from "../../mod.ts";
import { importMcap } from "../../src/import/mcap/import_mcap.ts";
import { encode, readTopic, writeMcap } from "./mcap_file.ts";

/** "hi" as a message of one string in CDR. */
const HI = Uint8Array.of(0, 1, 0, 0, 3, 0, 0, 0, 0x68, 0x69, 0);
const OWN = { "my_msgs/msg/Word": "string word\nmy_msgs/Inner[] more\n", "my_msgs/Inner": "uint8 x\n" };
/** "hi" and an empty list. */
const WORD = Uint8Array.of(...HI, 0, 0, 0, 0, 0);

/** Imports one message of a type, whose schema is so. */
async function importOne(
  client: Client,
  schema: { name: string; encoding: string; text: string },
  message: Uint8Array,
  options: object = {},
) {
  const { name, encoding, text } = schema;
  const file = await writeMcap(async (mcap) => {
    const channel = await mcap.channel("/t", "cdr", { name, encoding, data: encode(text) });
    await mcap.message(channel, 1n, message);
  });
  const report = await importMcap(client, new Blob([file as BlobPart]), { name: "s", ...options });
  const [{ data }] = await readTopic(client, "s", "t");
  const { metadata } = await client.topicHandler("s", "t");
  return { topic: report.topics[0], data, metadata };
}

describe("MCAP whose schemas are empty", () => {
  it.each(["ros2msg", "ros2idl", ""])("has the types that are known, in encoding %j", async (encoding) => {
    await using client = await connect("memory:");
    const schema = { name: "std_msgs/msg/String", encoding, text: "" };
    const { topic, data, metadata } = await importOne(client, schema, HI);
    expect(data).toEqual({ data: "hi" });
    expect(topic).toMatchObject({ misfitCount: 0 });
    expect(topic).not.toHaveProperty("reason");
    expect(metadata).toMatchObject({
      "mcap.schema_name": "std_msgs/msg/String",
      "mcap.schema_encoding": "ros2msg",
      "mcap.schema_data": "string data",
    });
  });

  it("has the types that are given, which come first", async () => {
    await using client = await connect("memory:");
    const word = { name: "my_msgs/msg/Word", encoding: "ros2msg", text: "\n" };
    const { data, metadata } = await importOne(client, word, WORD, { definitions: OWN });
    expect(data).toEqual({ word: "hi", more: [] });
    expect(metadata["mcap.schema_data"]).toContain("MSG: my_msgs/Inner\nuint8 x\n");
    const definitions = { "std_msgs/String": "string words" };
    const text = { name: "std_msgs/msg/String", encoding: "ros2msg", text: "" };
    await using other = await connect("memory:");
    expect((await importOne(other, text, HI, { definitions })).data).toEqual({ words: "hi" });
  });

  it("has its own definitions before those that are given", async () => {
    await using client = await connect("memory:");
    const schema = { name: "std_msgs/msg/String", encoding: "ros2msg", text: "string own" };
    const { data } = await importOne(client, schema, HI, {
      definitions: { "std_msgs/String": "string given" },
    });
    expect(data).toEqual({ own: "hi" });
  });

  it("keeps messages of other types whole", async () => {
    await using client = await connect("memory:");
    const unknown = { name: "my_msgs/msg/Word", encoding: "", text: "" };
    const { topic, data } = await importOne(client, unknown, WORD);
    expect(data).toEqual({ data: WORD });
    expect(topic.reason).toBe('there is no decoder for cdr by definitions in ""');
  });
});
