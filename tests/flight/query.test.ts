import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Client,
  connect,
  defineOntology,
  float64,
  IMU,
  int64,
  list,
  optional,
  struct,
  Temperature,
  utf8,
} from "../../mod.ts";
import { backendOf } from "../../src/client.ts";
import { type Cluster, clusterize, intersect } from "../../src/query/clusters.ts";
import type { QueryObject } from "../../src/types.ts";
import { globTest } from "../../src/query/glob.ts";
import { answerQuery, parseQuery } from "../../src/query/query.ts";
import { parseRowFilters } from "../../src/query/row_filter.ts";
import { MAX_NS, MIN_NS } from "../../src/types.ts";

const Probe = defineOntology("Probe", {
  count: int64(),
  note: optional(utf8()),
  levels: list(float64()),
  parts: list(struct({ x: float64() })),
  inner: optional(struct({ x: float64() })),
});

/** Two drives and an oven, with rows of three ontologies. */
async function recordings(): Promise<Client> {
  const client = await connect("memory:");
  const zero = { x: 0, y: 0, z: 0 };
  for (const [name, vehicle, offset] of [["drive_01", "v1", 0], ["drive_02", "v2", 100]] as const) {
    const metadata = { vehicle: { id: vehicle, tags: ["a", vehicle] }, speed: offset };
    await client.sequenceCreate(name, { metadata }, async (sequence) => {
      const imu = await sequence.topicCreate("sensors/imu", { ontology: IMU, metadata: { rate_hz: 100 } });
      for (let i = 0; i < 10; i++) {
        await imu.push({
          timestampNs: BigInt(1000 + 10 * i),
          data: { acceleration: { x: offset + i, y: 0, z: 0 }, angular_velocity: zero },
        });
      }
      const temperature = await sequence.topicCreate("temp", { ontology: Temperature });
      await temperature.push({ timestampNs: 1005n, data: { value: offset } });
    });
  }
  await client.sequenceCreate("oven", {}, async (sequence) => {
    const probe = await sequence.topicCreate("probe", { ontology: Probe });
    const big = 2n ** 60n;
    await probe.push({
      timestampNs: 1n,
      data: {
        count: big + 1n,
        note: "warm [ERR]",
        levels: [1, 2],
        parts: [{ x: 1 }, { x: 5 }],
        inner: { x: 3 },
      },
    });
    await probe.push({ timestampNs: 2n, data: { count: 7n, levels: [], parts: [] } });
    await sequence.topicCreate("nothing", { ontology: Temperature });
  });
  return client;
}

async function ask(client: Client, body: QueryObject): Promise<string[]> {
  const found: string[] = [];
  for await (const { sequence, topics } of answerQuery(backendOf(client), parseQuery(body))) {
    found.push(...topics.map(({ name }) => `${sequence}/${name}`));
  }
  return found;
}

describe("answerQuery", () => {
  const IMUS = ["drive_01/sensors/imu", "drive_02/sensors/imu"];
  const cases: [what: string, body: QueryObject, found: string[]][] = [
    ["nothing asked for", {}, []],
    ["empty parts", { sequence: {}, ontology: {} }, []],
    ["a sequence's name", { sequence: { name: { $eq: "drive_01" } } }, [
      "drive_01/sensors/imu",
      "drive_01/temp",
    ]],
    ["a pattern", { sequence: { name: { $match: "drive_0?" } }, topic: { name: { $match: "*imu" } } }, IMUS],
    ["a topic's name with its slash", { topic: { name: { $eq: "/sensors/imu" } } }, IMUS],
    ["a topic's name without it", { topic: { name: { $eq: "sensors/imu" } } }, []],
    ["several names", { topic: { name: { $in: ["/temp", "/probe"] } } }, [
      "drive_01/temp",
      "drive_02/temp",
      "oven/probe",
    ]],
    ["a tag", { topic: { ontology_tag: { $eq: "Probe" } } }, ["oven/probe"]],
    ["a format", { topic: { serialization_format: { $eq: "image" } } }, []],
    ["a time of creation", { sequence: { created_at_ns: { $lt: 0 } } }, []],
    ["metadata by path", {
      sequence: { user_metadata: { "vehicle.id": { $eq: "v1" } } },
      topic: { name: { $eq: "/temp" } },
    }, [
      "drive_01/temp",
    ]],
    ["metadata in a list", { sequence: { user_metadata: { "vehicle.tags[*]": { $eq: "v2" } } } }, [
      "drive_02/sensors/imu",
      "drive_02/temp",
    ]],
    ["metadata anywhere", {
      sequence: { user_metadata: { "**.id": { $match: "v#" } } },
      topic: { name: { $eq: "/temp" } },
    }, [
      "drive_01/temp",
      "drive_02/temp",
    ]],
    ["metadata that is there", {
      sequence: { user_metadata: { speed: { $ex: null } } },
      topic: { name: { $eq: "/temp" } },
    }, [
      "drive_01/temp",
      "drive_02/temp",
    ]],
    ["metadata that is not there, bare", { sequence: { user_metadata: { speed: "$nex" } } }, [
      "oven/nothing",
      "oven/probe",
    ]],
    ["metadata of a topic", { topic: { user_metadata: { rate_hz: { $between: [50, 200] } } } }, IMUS],
    ["metadata of another kind", { topic: { user_metadata: { rate_hz: { $eq: "100" } } } }, []],
    ["rows", { ontology: { "IMU.acceleration.x": { $gt: 9 } } }, ["drive_02/sensors/imu"]],
    ["rows in a window", {
      ontology: { "IMU.acceleration.x": { $geq: 5 }, "IMU.timestamp_ns": { $lt: 1050 } },
    }, [
      "drive_02/sensors/imu",
    ]],
    ["conditions on one row at once", {
      ontology: { "IMU.acceleration.x": { $eq: 3 }, "IMU.timestamp_ns": { $eq: 1040 } },
    }, []],
    ["several tags", { ontology: { "IMU.acceleration.x": { $leq: 0 }, "Temperature.value": { $leq: 0 } } }, [
      "drive_01/sensors/imu",
      "drive_01/temp",
    ]],
    ["tags that no sequence has together", {
      ontology: { "IMU.acceleration.x": { $geq: 0 }, "Probe.count": { $geq: 0 } },
    }, []],
    ["a field that is not there", { ontology: { "IMU.acceleration.w": { $geq: 0 } } }, []],
    ["an integer beyond 2^53", { ontology: { "Probe.count": { $eq: 2n ** 60n + 1n } } }, ["oven/probe"]],
    ["the integer beside it", { ontology: { "Probe.count": { $eq: 2n ** 60n } } }, []],
    ["text", { ontology: { "Probe.note": { $match: "*[[]ERR]" } } }, ["oven/probe"]],
    ["a missing struct", { ontology: { "Probe.inner.x": { $lt: 3 } } }, []],
    ["any item", { ontology: { "Probe.parts[?].x": { $gt: 4 } } }, ["oven/probe"]],
    ["all items", { ontology: { "Probe.parts[!].x": { $gt: 4 } } }, []],
    ["one item", { ontology: { "Probe.levels[1]": { $eq: 2 } } }, ["oven/probe"]],
    ["an item too far", { ontology: { "Probe.levels[2]": { $outside: [0, 0] } } }, []],
    ["a whole list", { ontology: { "Probe.levels": { $eq: [1, 2] } } }, ["oven/probe"]],
    ["another value", { ontology: { "Probe.count": { $neq: 7 } } }, ["oven/probe"]],
  ];
  for (const [what, body, found] of cases) {
    it(`answers ${what}`, async () => {
      await using client = await recordings();
      expect(await ask(client, body)).toEqual(found);
    });
  }

  it("leaves out a sequence that is being recorded", async () => {
    await using client = await recordings();
    await using sequence = await client.sequenceCreate("drive_03");
    await sequence.topicCreate("temp", { ontology: Temperature });
    expect(
      await ask(client, { sequence: { name: { $match: "drive_*" } }, topic: { name: { $eq: "/temp" } } }),
    )
      .toEqual(["drive_01/temp", "drive_02/temp"]);
  });
});

describe("parseQuery", () => {
  const cases: [body: QueryObject, message: string][] = [
    [{ other: {} }, `Cannot query "other": wanted sequence, topic or ontology`],
    [{ sequence: 3 }, `Cannot query "sequence": it is no object`],
    [
      { sequence: { locator: { $eq: "x" } } },
      `"sequence.locator": wanted one of name, created_at_ns, user_metadata`,
    ],
    [{ topic: { toString: { $eq: "x" } } }, `"topic.toString": wanted one of`],
    [{ sequence: { name: { $eq: 3 } } }, `"sequence.name": its $eq compares with a number, wanted a text`],
    [{ sequence: { name: {} } }, `"sequence.name": it has 0 operators, wanted one of $eq`],
    [{ sequence: { name: { $like: "x" } } }, `"$like" is no operator`],
    [{ ontology: { "IMU.x": { $in: [] } } }, `its $in is a list of 0, wanted a list of 1 to 1024 items`],
    [{ ontology: { "IMU.x": { $in: [1, "a"] } } }, `its $in mixes number with "a"`],
    [{ ontology: { "IMU.x": { $between: [2, 1] } } }, `its $between is [2,1], wanted [min, max]`],
    [{ ontology: { "IMU.x": { $eq: null } } }, `its $eq is null, wanted a number, a text or a bool`],
    [{ ontology: { "IMU.x": { $ex: null } } }, `$ex is for metadata, not for fields`],
    [{ ontology: { IMU: { $eq: 1 } } }, `"IMU": wanted the tag of an ontology`],
    [{ ontology: { "IMU.a[?].b[0]": { $eq: 1 } } }, `it goes through several lists, wanted one`],
    [{ ontology: { "IMU.a[x]": { $eq: 1 } } }, `it has "a[x]", wanted a field`],
    [{ sequence: { user_metadata: { "a..b": { $eq: 1 } } } }, `its path has "", wanted a key`],
    [{ sequence: { name: { $match: "a[" } } }, `Pattern "a[" has a "[" at 1`],
  ];
  for (const [body, message] of cases) {
    it(`refuses ${JSON.stringify(body)}`, () => {
      expect(() => parseQuery(body)).toThrow(expect.objectContaining({
        code: "INVALID_ARGUMENT",
        message: expect.stringContaining(message),
      }));
    });
  }
});

describe("globTest", () => {
  it("agrees with regular expressions", () => {
    const token = fc.constantFrom("*", "?", "#", "[ab]", "[!a]", "[0-9x]", "a", "b", "7", ".", "\\", "é");
    const toRegExp = (parts: string[]) =>
      new RegExp(
        `^${
          parts.map((part) =>
            part === "*"
              ? "[^]*"
              : part === "?"
              ? "[^]"
              : part === "#"
              ? "[0-9]"
              : part.startsWith("[")
              ? part.replace("!", "^")
              : part.replace(/[.\\]/, "\\$&")
          ).join("")
        }$`,
        "u",
      );
    fc.assert(fc.property(
      fc.array(token, { maxLength: 6 }),
      fc.array(fc.constantFrom("a", "b", "c", "7", ".", "\\", "é", "x", "😀"), { maxLength: 6 }),
      (parts, letters) => {
        const text = letters.join("");
        expect(globTest(parts.join(""))(text)).toBe(toRegExp(parts).test(text));
      },
    ));
  });

  it("takes no more time for many stars", () => {
    expect(globTest("*a".repeat(50))("a".repeat(5000) + "b")).toBe(false);
  });
});

describe("clusterize", () => {
  async function clustersOf(client: Client, gapNs: bigint, window = { firstNs: MIN_NS, lastNs: MAX_NS }) {
    const source = await backendOf(client).openSequence("drive_01");
    const [filter] = parseRowFilters({ "IMU.acceleration.x": { $outside: [2, 6] } });
    return await clusterize(await source.openTopic("sensors/imu"), filter, { gapNs, window });
  }

  it("makes one cluster of all rows without a gap", async () => {
    await using client = await recordings();
    expect(await clustersOf(client, 0n)).toEqual([{ startNs: 1000n, endNs: 1090n }]);
  });

  it("parts rows that are further apart than the gap", async () => {
    await using client = await recordings();
    expect(await clustersOf(client, 10n)).toEqual([
      { startNs: 1000n, endNs: 1010n },
      { startNs: 1070n, endNs: 1090n },
    ]);
    expect(await clustersOf(client, 9n)).toHaveLength(5);
    expect(await clustersOf(client, 60n)).toHaveLength(1);
  });

  it("keeps to a window, both ends inside", async () => {
    await using client = await recordings();
    expect(await clustersOf(client, 0n, { firstNs: 1010n, lastNs: 1080n })).toEqual([
      { startNs: 1010n, endNs: 1080n },
    ]);
    expect(await clustersOf(client, 0n, { firstNs: 1011n, lastNs: 1069n })).toEqual([]);
  });

  it("joins rows across batches that overlap", async () => {
    const times = fc.array(fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 8 }), {
      minLength: 1,
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(times, fc.bigInt({ min: 1n, max: 8n }), async (batches, gapNs) => {
        await using client = await connect("memory:");
        await client.sequenceCreate("oven", {}, async (sequence) => {
          const topic = await sequence.topicCreate("t", { ontology: Temperature });
          for (const batch of batches) {
            for (const ns of batch) await topic.push({ timestampNs: BigInt(ns), data: { value: 1 } });
            await topic.flush();
          }
        });
        const source = await (await backendOf(client).openSequence("oven")).openTopic("t");
        const [filter] = parseRowFilters({ "Temperature.value": { $eq: 1 } });
        const window = { firstNs: MIN_NS, lastNs: MAX_NS };
        const wanted: Cluster[] = [];
        for (const ns of batches.flat().sort((a, b) => a - b).map(BigInt)) {
          const last = wanted.at(-1);
          if (last && ns - last.endNs <= gapNs) wanted[wanted.length - 1] = { ...last, endNs: ns };
          else wanted.push({ startNs: ns, endNs: ns });
        }
        expect(await clusterize(source, filter, { gapNs, window })).toEqual(wanted);
      }),
      { numRuns: 50 },
    );
  });

  it("refuses a field that the topic has not", async () => {
    await using client = await recordings();
    const source = await (await backendOf(client).openSequence("drive_01")).openTopic("sensors/imu");
    const window = { firstNs: MIN_NS, lastNs: MAX_NS };
    const of = (path: string) =>
      clusterize(source, parseRowFilters({ [path]: { $eq: 1 } })[0], { gapNs: 0n, window });
    await expect(of("IMU.speed")).rejects.toThrow(`there is no field "speed", wanted one of timestamp_ns`);
    await expect(of("IMU.acceleration")).rejects.toThrow("it is struct<");
  });
});

describe("intersect", () => {
  it("agrees with trying every choice", async () => {
    const clusters = fc.uniqueArray(fc.integer({ min: 0, max: 100 }), { maxLength: 8 }).map((ends) => {
      const sorted = ends.sort((a, b) => a - b);
      return sorted.length % 2 ? sorted.slice(1) : sorted;
    }).map((ends) =>
      Array.from({ length: ends.length / 2 }, (_, i): Cluster => ({
        startNs: BigInt(ends[2 * i]),
        endNs: BigInt(ends[2 * i + 1]),
      }))
    );
    await fc.assert(fc.asyncProperty(
      fc.array(clusters, { minLength: 2, maxLength: 3 }),
      fc.bigInt({ min: 0n, max: 20n }),
      async (topics, toleranceNs) => {
        let choices: Cluster[][] = [[]];
        for (const topic of topics) choices = choices.flatMap((some) => topic.map((one) => [...some, one]));
        const wanted = new Set<string>();
        for (const choice of choices) {
          const start = choice.map(({ startNs }) => startNs).reduce((a, b) => a > b ? a : b);
          const end = choice.map(({ endNs }) => endNs).reduce((a, b) => a < b ? a : b);
          if (start <= end + toleranceNs) wanted.add(start <= end ? `${start} ${end}` : `${end} ${start}`);
        }
        const found = (await intersect(topics, toleranceNs)).map(({ startNs, endNs }) =>
          `${startNs} ${endNs}`
        );
        expect(new Set(found)).toEqual(wanted);
      },
    ));
  });
});
