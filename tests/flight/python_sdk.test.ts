import process from "node:process";
import { describe, expect, it } from "vitest";
import {
  type Client,
  CompressedImage,
  defineOntology,
  IMU,
  type Infer,
  int64,
  list,
  optional,
  Temperature,
  uint8,
  utf8,
} from "../../mod.ts";
import { ALL } from "../../src/ontology/builtin/all.ts";
import { type FieldSchema, schemaKey, TIMESTAMP_FIELD } from "../../src/schema.ts";
import { hasSdk, needsSdk, runPython } from "./python_sdk.ts";
import { serving } from "./support.ts";

/** Of random tables. */
const SEED = Number(process.env.SMALTI_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** Runs a part of sdk.py against a server; what it prints as JSON. */
function sdk(part: string, port: number, ...args: string[]): Promise<unknown> {
  return runPython("sdk.py", part, `${port}`, ...args);
}

async function messagesOf(client: Client, sequence: string): Promise<[string, string, unknown][]> {
  const messages: [string, string, unknown][] = [];
  for await (const [topic, message] of (await client.sequenceHandler(sequence)).getDataStreamer()) {
    messages.push([topic, String(message.timestampNs), message.toJSON().data]);
  }
  return messages;
}

/** A row in which nothing is missing, of values that the SDK takes everywhere. */
function someRow(fields: readonly FieldSchema[]): object {
  return Object.fromEntries(fields.map((field) => [field.name, someValue(field)]));
}

function someValue({ type, children }: FieldSchema): unknown {
  switch (type.kind) {
    case "bool":
      return true;
    case "float":
      return 0.5;
    case "utf8":
      return "png"; // an image's format is checked
    case "binary":
      return Uint8Array.of(0, 255);
    case "list":
      return [someValue(children[0])];
    case "fixedList":
      return Array.from({ length: type.size }, () => someValue(children[0]));
    case "struct":
      return someRow(children);
    default:
      return 1;
  }
}

describe.skipIf(!hasSdk)(`Mosaico's Python SDK${needsSdk}`, () => {
  it("writes, we read from the store", () =>
    serving({}, async ({ client, server }) => {
      await sdk("write", server.port, "drive_01");
      const { info } = await client.sequenceHandler("drive_01");
      expect(info).toMatchObject({ state: "finalized", metadata: { vehicle: { id: "v1" }, n: 3 } });
      expect(info.sessions).toHaveLength(1);
      expect(info.topics).toMatchObject([
        { name: "camera", ontologyTag: "CompressedImage", serializationFormat: "image", rowCount: 3 },
        {
          name: "sensors/imu",
          ontologyTag: "IMU",
          serializationFormat: "default",
          metadata: { rate_hz: 100 },
        },
        { name: "sensors/temp", ontologyTag: "Temperature", rowCount: 3 },
        { name: "silent", ontologyTag: "Temperature", rowCount: 0 },
      ]);
      const handler = await client.sequenceHandler("drive_01");
      const imu = await handler.topicHandler("sensors/imu");
      // The schema of the SDK is the built-in class's, so that getData takes it.
      let last: Infer<typeof IMU> | undefined;
      const times: bigint[] = [];
      for await (const message of imu.getDataStreamer()) {
        times.push(message.timestampNs);
        last = message.getData(IMU);
      }
      // Pushed late rows come in their place.
      expect(times).toEqual([0n, 10n, 20n, 30n, 1_700_000_000_000_000_001n]);
      expect(last).toMatchObject({ acceleration: { x: 4, y: 0.5, z: 9.81 }, orientation: undefined });
      const pictures: number[] = [];
      for await (const message of (await handler.topicHandler("camera")).getDataStreamer()) {
        const { data, format } = message.getData(CompressedImage);
        expect(format).toBe("jpeg");
        pictures.push(data.length);
        expect(data.every((byte, i) => byte === i % 251)).toBe(true);
      }
      expect(pictures).toEqual([1_000_000, 1_000_001, 1_000_002]);
      const temp = await handler.topicHandler("sensors/temp");
      for await (const message of temp.getDataStreamer()) {
        const { value, header } = message.getData(Temperature);
        expect(value).toBe(Number(message.timestampNs) + 0.5);
        expect(header).toMatchObject({ frame_id: "oven", timestamp: { seconds: 7, nanoseconds: 8 } });
      }
    }));

  it("reads what we have written, in our order", () =>
    serving({}, async ({ client, server }) => {
      const Odd = defineOntology("OddThing", {
        label: optional(utf8()),
        counts: list(int64()),
        flags: optional(list(uint8())),
      });
      const big = 1_700_000_000_000_000_001n;
      await client.sequenceCreate("ours", { metadata: { über: ["ö", 1.5, null] } }, async (sequence) => {
        const b = await sequence.topicCreate("b", { ontology: Temperature, metadata: { place: "roof" } });
        const a = await sequence.topicCreate("a", { ontology: Temperature });
        const odd = await sequence.topicCreate("odd/thing", { ontology: Odd });
        await sequence.topicCreate("silent", { ontology: Temperature });
        for (const [i, time] of [big, 5n, 7n, 5n].entries()) {
          await b.push({ timestampNs: time, data: { value: i } });
        }
        for (const time of [7n, 5n]) await a.push({ timestampNs: time, data: { value: 100 } });
        await odd.push({ timestampNs: 6n, data: { label: "ünï", counts: [2n ** 62n, -1n] } });
        await odd.push({ timestampNs: 8n, data: { counts: [], flags: [1, 255] } });
      });
      const seen = await sdk("read", server.port, "ours") as Record<string, unknown>;
      expect(seen).toMatchObject({
        sequences: ["ours"],
        topics: ["/a", "/b", "/odd/thing", "/silent"],
        metadata: { über: ["ö", 1.5, null] },
        topic: {
          name: "/b",
          tag: "Temperature",
          metadata: { place: "roof" },
          first: "5",
          last: `${big}`,
          rows: 4,
        },
        window: [["/odd/thing", "6"], ["/a", "7"], ["/b", "7"]],
      });
      expect(seen.messages).toEqual([
        ["/a", "5", 100],
        ["/b", "5", 1],
        ["/b", "5", 3],
        ["/odd/thing", "6", { label: "ünï", counts: [`${2n ** 62n}`, "-1"], flags: null }],
        ["/a", "7", 100],
        ["/b", "7", 2],
        ["/odd/thing", "8", { label: null, counts: [], flags: ["1", "255"] }],
        ["/b", `${big}`, 0],
      ]);
    }));

  it("reads back what it has written, many batches of it, with a small limit on messages", () =>
    serving({ maxMessageBytes: 65_536 }, async ({ client, server }) => {
      expect(await sdk("round_trip", server.port, "many")).toEqual({ rows: 3000, mismatches: 0 });
      expect(await messagesOf(client, "many")).toHaveLength(3000);
    }));

  it("reports and deletes what failed, by its policies", () =>
    serving({}, async ({ client, server }) => {
      const seen = await sdk("policies", server.port) as Record<string, unknown>;
      expect(seen).toEqual({
        raised: ["ValueError: boom", "ValueError: boom"],
        sequences: ["reported"],
        notifications: [expect.stringContaining("boom")],
        topic_notifications: ["boom"],
        purged: [],
        duplicate: expect.stringContaining("already exists"),
        missing: null,
        deleted: [],
      });
      expect(await client.listSequences()).toEqual([]);
    }));

  it("adds a session, and keeps to topics that are new", () =>
    serving({}, async ({ client, server }) => {
      expect(await sdk("update", server.port)).toEqual({
        taken: true,
        topics: ["/first", "/second"],
        sessions: 2,
        times: ["1", "2"],
      });
      const { info } = await client.sequenceHandler("grown");
      expect(info.sessions.map(({ state, topics }) => [state, topics])).toEqual([
        ["finalized", ["first"]],
        ["finalized", ["second"]],
      ]);
    }));

  it("and we know the same 59 classes, schemas and all", () =>
    serving({}, async ({ client, server }) => {
      const tags = await sdk("write_classes", server.port, "theirs") as string[];
      const ours = new Map(ALL.map((each) => [each.tag, each]));
      expect(tags).toEqual([...ours.keys()].sort());
      const handler = await client.sequenceHandler("theirs");
      for (const tag of tags) {
        const topic = await handler.topicHandler(tag);
        const { fields, format } = ours.get(tag)!;
        expect([tag, topic.serializationFormat]).toEqual([tag, format]);
        expect(schemaKey(topic.fields, true)).toBe(schemaKey([TIMESTAMP_FIELD, ...fields], true));
      }

      await client.sequenceCreate("ours", {}, async (sequence) => {
        for (const each of ours.values()) {
          const topic = await sequence.topicCreate(each.tag, { ontology: each });
          for (let i = 0; i < 3; i++) {
            await topic.push({ timestampNs: BigInt(i), data: someRow(each.fields) });
          }
        }
      });
      expect(await sdk("read_classes", server.port, "ours")).toEqual(
        Object.fromEntries(tags.map((tag) => [tag, 3])),
      );
    }));

  it(`by its pyarrow gets any table back in order, however it compresses (seed ${SEED})`, () =>
    serving({}, async ({ server }) => {
      expect(await runPython("random_tables.py", `${server.port}`, `${SEED}`, "60")).toEqual([]);
    }));

  it("gets back messages of a class with decimals, dictionaries, views and list views", () =>
    serving({}, async ({ client, server }) => {
      expect(await runPython("sdk_arrow_types.py", `${server.port}`)).toEqual({ read: 40, different: [] });
      const topic = await client.topicHandler("any", "things");
      const rows: unknown[] = [];
      for await (const message of topic.getDataStreamer({ startNs: 9n, endNs: 10n })) {
        rows.push(message.toObject().data);
      }
      expect(rows).toEqual([{
        price: "1.125",
        word: "word 4",
        words: [],
        lists: Int32Array.of(0),
        deep: { d: "4.5", s: "s".repeat(9) },
      }]);
    }));

  it("is let in by its key alone", () => {
    const key = "msco_0123456789abcdefghijklmnopqrstuv_01234567";
    return serving({ apiKeys: [{ key, permission: "read" }] }, async ({ client, server }) => {
      await client.sequenceCreate("ours", {}, async (sequence) => {
        await sequence.topicCreate("a", { ontology: Temperature });
      });
      expect(await sdk("keys", server.port, key)).toEqual({
        without: "ConnectionError",
        wrong: "ConnectionError",
        right: ["ours"],
        write: "FlightUnauthorizedError",
      });
    });
  });
});
