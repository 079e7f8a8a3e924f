import { describe, expect, it } from "vitest";
import { type Client, IMU, Temperature } from "../../mod.ts";
import { decodeObject, encodeJson } from "../../src/flight/json.ts";
import { hasSdk, needsSdk, runPython } from "./python_sdk.ts";
import { type Served, serving, statusOf } from "./support.ts";

/** A drive with rows of two ontologies: accelerations 0 to 9 every 10 ns, temperatures 20 to 24 between, every 20. */
async function record(client: Client): Promise<void> {
  const zero = { x: 0, y: 0, z: 0 };
  await client.sequenceCreate("drive_01", { metadata: { vehicle: { id: "v1" } } }, async (sequence) => {
    const imu = await sequence.topicCreate("sensors/imu", { ontology: IMU, metadata: { rate_hz: 100 } });
    for (let i = 0; i < 10; i++) {
      const acceleration = { ...zero, x: i };
      await imu.push({ timestampNs: BigInt(1000 + 10 * i), data: { acceleration, angular_velocity: zero } });
    }
    const temp = await sequence.topicCreate("sensors/temp", { ontology: Temperature });
    for (let i = 0; i < 5; i++) {
      await temp.push({ timestampNs: BigInt(1005 + 20 * i), data: { value: 20 + i } });
    }
  });
}

/** All results of an action, as text. */
async function results({ flight }: Served, type: string, body: object): Promise<string[]> {
  const texts: string[] = [];
  for await (const result of flight.rpc.doAction({ type, body: encodeJson(body) })) {
    decodeObject(result.body, type);
    texts.push(new TextDecoder().decode(result.body));
  }
  return texts;
}

describe("createServer", () => {
  it("answers query in one result, and clusters in one line each", () =>
    serving({}, async (served) => {
      await record(served.client);
      const ontology = { "IMU.acceleration.x": { $outside: [1, 8] } };
      expect(await results(served, "query", { ontology })).toEqual([
        '{"action":"query","response":{"items":[{"sequence":"drive_01","topics":[{"locator":"drive_01/sensors/imu","ontology_tag":"IMU"}]}]}}',
      ]);
      const body = { locator: "drive_01/sensors/imu", clustering_dt_ns: 10, ontology, timestamp_range: null };
      expect(await results(served, "topic_filter_clusterize", body)).toEqual([
        '{"action":"topic_filter_clusterize","response":{"ts":{"start_ns":1000,"end_ns":1000},"id":0}}\n',
        '{"action":"topic_filter_clusterize","response":{"ts":{"start_ns":1090,"end_ns":1090},"id":1}}\n',
      ]);
    }));

  const clusterize = { locator: "drive_01/sensors/imu", clustering_dt_ns: 0 };
  const cases: [action: string, body: object, status: string][] = [
    [
      "query",
      { ontology: { "IMU.x": { $like: 1 } } },
      `[invalid_argument] Cannot query "IMU.x": "$like" is no operator`,
    ],
    ["topic_filter_clusterize", clusterize, "[invalid_argument] ontology is missing: wanted conditions"],
    [
      "topic_filter_clusterize",
      { ...clusterize, ontology: {} },
      "[invalid_argument] ontology is empty: wanted conditions",
    ],
    [
      "topic_filter_clusterize",
      { ...clusterize, ontology: { "GPS.x": { $eq: 1 } } },
      `[invalid_argument] Cannot cluster topic "sensors/imu" of sequence "drive_01" by conditions on "GPS"`,
    ],
    [
      "topic_filter_clusterize",
      { ...clusterize, clustering_dt_ns: -1, ontology: { "IMU.timestamp_ns": { $eq: 1 } } },
      "[invalid_argument] clustering_dt_ns is -1: wanted 0 or more nanoseconds",
    ],
    [
      "topic_filter_clusterize",
      { ...clusterize, locator: "drive_02/imu", ontology: { "IMU.timestamp_ns": { $eq: 1 } } },
      `[not_found] No sequence "drive_02"`,
    ],
    [
      "topic_filter_intersect",
      { topics: [clusterize], intersect_dt_ns: 0 },
      "[invalid_argument] topics has 1 items: wanted a list of at least 2 topics",
    ],
    [
      "topic_filter_intersect",
      { topics: [{ ...clusterize, ontology: { "IMU.timestamp_ns": { $eq: 1 } } }, 7], intersect_dt_ns: 0 },
      "[invalid_argument] topics[1] is 7: wanted an object",
    ],
  ];
  for (const [action, body, status] of cases) {
    it(`refuses ${action} of ${JSON.stringify(body)}`, () =>
      serving({}, async (served) => {
        await record(served.client);
        expect(await statusOf(() => results(served, action, body))).toContain(status);
      }));
  }
});

describe.skipIf(!hasSdk)(`queries of Mosaico's Python SDK${needsSdk}`, () => {
  it("find sequences, topics and the times at which conditions held", () =>
    serving({}, async ({ client, server }) => {
      await record(client);
      await client.sequenceCreate("drive_02", { metadata: { vehicle: { id: "v2" } } }, async (sequence) => {
        await sequence.topicCreate("sensors/imu", { ontology: IMU });
      });
      expect(await runPython("sdk_query.py", `${server.port}`)).toEqual({
        fast: [["drive_01", ["/sensors/imu"]]],
        all: [[0, "1060", "1090"]],
        apart: [[0, "1060", "1060"], [1, "1070", "1070"], [2, "1080", "1080"], [3, "1090", "1090"]],
        near: [[0, "1060", "1090"]],
        window: [[0, "1070", "1080"]],
        both: [["drive_01", ["/sensors/imu", "/sensors/temp"]]],
        shared: [[0, "1085", "1085"]],
        never: [],
        nearly: [[0, "1080", "1085"], [1, "1085", "1090"]],
        again: [["drive_01", ["/sensors/temp"]]],
        recent: [["drive_01", ["/sensors/imu", "/sensors/temp"]], ["drive_02", ["/sensors/imu"]]],
        nothing: [],
        refused: expect.stringContaining("ArrowInvalid: Flight returned invalid argument error"),
      });
    }));
});
