import { describe, expect, it } from "vitest";
import { type Client, connect, defineOntology, GPS, IMU, ontology } from "../../mod.ts";
import { float64, int64, list, optional, utf8 } from "../../mod.ts";
import { encodeBatch, encodeSchemaMessage } from "../../src/arrow/encode.ts";
import { toFlight } from "../../src/flight/ipc.ts";
import { createServer } from "../../src/flight/server/mod.ts";
import { API_KEY_HEADER } from "../../src/flight/protocol.ts";
import type { SequenceStreamOptions } from "../../src/read/message_stream.ts";
import { Random } from "../support/random_cases.ts";
import { standIn } from "./stand_in.ts";
import { errorOf, serving, VALUE_FIELDS, valueBatch } from "./support.ts";

const Value = defineOntology("Value", { value: float64() });
const Mixed = defineOntology("Mixed", {
  serial: int64(),
  name: optional(utf8()),
  parts: list(float64()),
});

/** Runs `body` with a client of a server, and a client at the recordings themselves. */
function withServer(body: (remote: Client, local: Client, url: string) => Promise<void>): Promise<void> {
  return serving({}, async ({ client: local, server }) => {
    const remote = await connect(server.url);
    try {
      await body(remote, local, server.url);
    } finally {
      await remote.close();
    }
  });
}

async function rows(client: Client, name: string, options: SequenceStreamOptions = {}): Promise<unknown[]> {
  const all: unknown[] = [];
  const handler = await client.sequenceHandler(name);
  for await (const [topic, message] of handler.getDataStreamer(options)) all.push([topic, message.toJSON()]);
  return all;
}

/** What a promise rejects with. Bun's `rejects` waits without letting the server of this process go on. */
function reasonOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(() => "nothing", String);
}

/** A recording with ties between topics and within, late rows, missing values, integers beyond 2^53. */
async function record(client: Client, name: string, random: Random): Promise<void> {
  await client.sequenceCreate(name, { metadata: { vehicle: { id: "v1" } } }, async (sequence) => {
    const mixed = await sequence.topicCreate("mixed", { ontology: Mixed, metadata: { rate_hz: 5 } });
    const imu = await sequence.topicCreate("sensors/imu", { ontology: IMU });
    const gps = await sequence.topicCreate("/gps", { ontology: GPS });
    await sequence.topicCreate("never", { ontology: Value });
    for (let row = 0; row < 3000; row++) {
      const timestampNs = 1_700_000_000_000_000_001n + BigInt(row - random.below(5));
      const vector = { x: row, y: -row, z: 0.5 };
      if (row % 3 === 0) {
        await imu.push({ timestampNs, data: { acceleration: vector, angular_velocity: vector } });
      }
      if (row % 7 === 0) await gps.push({ timestampNs, data: { position: vector } });
      if (row % 2 > 0) continue;
      const data = { serial: 2n ** 63n - 1n - BigInt(row), parts: [row, row / 3].slice(0, row % 3) };
      await mixed.push({ timestampNs, data: row % 5 ? { ...data, name: `né ${row}` } : data });
    }
  });
}

describe("A client of a server", () => {
  it("records what a client at the recordings themselves reads, and reads what that one recorded", () =>
    withServer(async (remote, local) => {
      const seed = Math.floor(Math.random() * 2 ** 31);
      await record(remote, "there", new Random(seed));
      await record(local, "here", new Random(seed));
      for (const name of ["there", "here"]) {
        const [far, near] = await Promise.all([rows(remote, name), rows(local, name)]);
        expect(near.length, `seed ${seed}`).toBe(1000 + 429 + 1500);
        expect(far, `seed ${seed}`).toEqual(near);
      }
      expect(await rows(local, "there"), `seed ${seed}`).toEqual(await rows(local, "here"));
    }));

  it("streams windows and topics", () =>
    withServer(async (remote, local) => {
      await record(local, "drive", new Random(1));
      const start = 1_700_000_000_000_000_001n;
      const windows: SequenceStreamOptions[] = [
        { startNs: start + 100n, endNs: start + 200n },
        { startNs: start + 2900n, topics: ["gps", "/mixed"] },
        { endNs: start + 10n },
        { startNs: start + 5n, endNs: start + 5n },
        { startNs: start + 10_000n },
        { topics: ["never"] },
      ];
      for (const window of windows) {
        expect(await rows(remote, "drive", window)).toEqual(await rows(local, "drive", window));
      }
    }));

  it("tells of sequences and topics as a client at the recordings does", () =>
    withServer(async (remote, local) => {
      await record(remote, "drive", new Random(1));
      expect(await remote.listSequences()).toEqual(["drive"]);
      const [far, near] = [await remote.sequenceHandler("drive"), await local.sequenceHandler("drive")];
      expect([far.state, far.metadata, far.rowCount, far.firstNs, far.lastNs])
        .toEqual([near.state, near.metadata, near.rowCount, near.firstNs, near.lastNs]);
      const facts = (client: typeof far) =>
        client.topics.map(({ name, ontologyTag, metadata, rowCount, firstNs, lastNs }) => {
          return { name, ontologyTag, metadata, rowCount, firstNs, lastNs };
        });
      expect(facts(far)).toEqual(facts(near));
      expect(far.sessions[0].topics).toEqual(["gps", "mixed", "never", "sensors/imu"]);
      const time = 1_700_000_000_000_001_000n;
      const plain = async (client: typeof far) =>
        [...(await client.latestAt(time)).values()].map((message) => message.toJSON());
      expect(await plain(far)).toEqual(await plain(near));
      const table = await (await far.topicHandler("mixed")).getDataStreamer().toTable();
      expect(table.numRows).toBe(1500);
    }));

  it("adds sessions, deletes, and refuses names that are taken or not there", () =>
    withServer(async (remote, local) => {
      const write = async (name: string) => {
        return await remote.sequenceUpdate("drive", {}, async (sequence) => {
          const topic = await sequence.topicCreate(name, { ontology: Value });
          await topic.push({ timestampNs: 1n, data: { value: 1 } });
        });
      };
      expect((await errorOf(() => write("a"))).code).toBe("NOT_FOUND");
      await record(remote, "drive", new Random(1));
      await write("later");
      expect((await local.sequenceHandler("drive")).sessions.length).toBe(2);
      expect(await errorOf(() => write("later"))).toMatchObject({
        code: "ALREADY_EXISTS",
        message: expect.stringContaining('Cannot create topic "later" of sequence "drive"'),
        details: { sequence: "drive", topic: "later" },
      });
      expect((await errorOf(() => record(remote, "drive", new Random(1)))).code).toBe("ALREADY_EXISTS");
      await remote.sequenceDelete("drive");
      expect(await local.listSequences()).toEqual([]);
      expect((await errorOf(() => remote.sequenceHandler("drive"))).code).toBe("NOT_FOUND");
    }));

  it("gives a session up by either policy", () =>
    withServer(async (remote, local) => {
      for (const errorPolicy of ["report", "delete"] as const) {
        const failing = remote.sequenceCreate(errorPolicy, { errorPolicy }, async (sequence) => {
          const topic = await sequence.topicCreate("a", { ontology: Value });
          await topic.push({ timestampNs: 1n, data: { value: 1 } });
          await topic.flush();
          throw new Error("out of fuel");
        });
        expect(await reasonOf(failing)).toBe("Error: out of fuel");
      }
      expect(await local.listSequences()).toEqual(["report"]);
      const { state, sessions } = await local.sequenceInfo("report");
      expect([state, sessions[0].reason]).toEqual(["failed", "out of fuel"]);
      expect((await rows(local, "report")).length).toBe(1);
    }));

  it("says what a server cannot do", () =>
    withServer(async (remote) => {
      await record(remote, "drive", new Random(1));
      const calls: [() => unknown, RegExp][] = [
        [() => remote.recover("drive"), /Cannot recover sequence "drive"/],
        [() => remote.sequenceCreate("s", { autoFlush: { bytes: 1 } }), /sequence "s" with autoFlush/],
        [() => remote.sequenceUpdate("drive", { autoFlush: { bytes: 1 } }), /"drive" with autoFlush/],
        [() => remote.sequenceHandler("drive", { follow: true }), /Cannot follow sequence "drive"/],
      ];
      for (const [call, text] of calls) {
        const error = await errorOf(call);
        expect([error.code, error.message]).toEqual(["UNSUPPORTED", expect.stringMatching(text)]);
      }
      const sequence = await remote.sequenceCreate("s");
      const info = { name: "a", mediaType: "text/plain" };
      expect((await errorOf(() => sequence.attach(info, new Uint8Array(1)))).code).toBe("UNSUPPORTED");
      await sequence.abort(undefined, "delete");
    }));

  it("splits what is larger than the server takes, and refuses a message that is", () =>
    serving({ maxMessageBytes: 4 * 2 ** 20 }, async ({ client: local, server }) => {
      const remote = await connect(server.url);
      const Picture = defineOntology("Picture", { text: utf8() });
      const write = (name: string, sizes: number[]) =>
        remote.sequenceCreate(name, {}, async (sequence) => {
          const topic = await sequence.topicCreate("a", { ontology: Picture });
          for (const [row, size] of sizes.entries()) {
            await topic.push({ timestampNs: BigInt(row), data: { text: "x".repeat(size) } });
          }
        });
      await write("fits", [3e6, 3e6, 3e6]);
      expect((await local.sequenceHandler("fits")).rowCount).toBe(3);
      expect(await errorOf(() => write("large", [5e6]))).toMatchObject({
        code: "TOO_LARGE",
        message: expect.stringMatching(
          /message of 50\d+ bytes to topic "a" of sequence "large": the server takes 3774873/,
        ),
      });
      await remote.close();
    }));

  it("is closed for good", () =>
    withServer(async (remote, local) => {
      await record(local, "drive", new Random(1));
      const handler = await remote.sequenceHandler("drive");
      await remote.close();
      expect(await reasonOf(handler.getDataStreamer().next())).toContain("[CLOSED]");
      expect(await reasonOf(remote.listSequences())).toContain("[CLOSED]");
    }));

  it("streams all built-in classes that it is given, side by side, and stops when the loop is left", () =>
    withServer(async (remote, local) => {
      await remote.sequenceCreate("many", {}, async (sequence) => {
        for (let topic = 0; topic < 150; topic++) {
          const writer = await sequence.topicCreate(`t/${topic}`, { ontology: ontology.Temperature });
          await writer.push({ timestampNs: BigInt(topic % 7), data: { value: topic } });
        }
      });
      expect(await rows(remote, "many")).toEqual(await rows(local, "many"));
      for await (const _ of (await remote.sequenceHandler("many")).getDataStreamer()) break;
    }));
});

describe("Connecting", () => {
  it("gives up in time where nobody answers, and at once on abort", async () => {
    expect(await errorOf(() => connect("grpc://127.0.0.1:1", { timeoutMs: 200 }))).toMatchObject({
      code: "UNAVAILABLE",
      message: expect.stringMatching(/Cannot connect to grpc:\/\/127\.0\.0\.1:1: no answer within 200 ms/),
    });
    const stop = new AbortController();
    const connecting = connect("grpc://127.0.0.1:1", { signal: stop.signal });
    stop.abort(new Error("enough"));
    expect(await reasonOf(connecting)).toBe("Error: enough");
  });

  it("gives up at once on a refused key, and on a URL that is none", () =>
    serving({ apiKeys: [{ key: "msco_good_enough_for_all", permission: "manage" }] }, async ({ server }) => {
      const open = (apiKey?: string) => connect(server.url, { apiKey, timeoutMs: 60_000 });
      for (const key of [undefined, "msco_bad_enough_for_all"]) {
        expect((await errorOf(() => open(key))).code).toBe("PERMISSION_DENIED");
      }
      const client = await open("msco_good_enough_for_all");
      expect(await client.listSequences()).toEqual([]);
      await client.close();
      expect((await errorOf(() => connect("grpc://"))).code).toBe("INVALID_ARGUMENT");
    }));
});

describe("A client of a server that misbehaves", () => {
  const schema = toFlight(encodeSchemaMessage({ fields: VALUE_FIELDS, metadata: new Map() }));
  const batch = (times: bigint[]) => toFlight(encodeBatch(valueBatch(times, times.map(Number))));

  /** What reading its one topic comes to. */
  async function read(stream: Parameters<typeof standIn>[0]): Promise<string> {
    return await standIn(stream, async (url) => {
      const client = await connect(url);
      try {
        const found: string[] = [];
        for await (const [, { timestampNs }] of (await client.sequenceHandler("s")).getDataStreamer()) {
          found.push(`${timestampNs}`);
        }
        return found.join(" ");
      } catch (reason) {
        return String(reason);
      } finally {
        await client.close();
      }
    });
  }

  it("takes batches without rows, messages without data, and times before what was said", async () => {
    const nothing = { dataHeader: new Uint8Array(0), dataBody: new Uint8Array(0) };
    const parts = [
      schema,
      batch([]),
      nothing,
      batch([-5n, 1n]),
      batch([]),
      batch([]),
      batch([1n, 7n]),
      batch([]),
    ];
    expect(await read({ parts })).toBe("-5 1 1 7");
  });

  it("says what is wrong with the stream", async () => {
    const cases: [Parameters<typeof standIn>[0], RegExp][] = [
      [
        { parts: [schema, batch([1n, 5n, 4n])] },
        /\[OUT_OF_ORDER\].*topic "a" of sequence "s": .*at 4 ns comes after one at 5/,
      ],
      [{ parts: [schema, batch([1n, 5n]), batch([4n])] }, /\[OUT_OF_ORDER\].*at 4 ns comes after one at 5/],
      [{ parts: [batch([1n])] }, /\[CORRUPT\].*begins without a schema/],
      [{ parts: [schema, schema] }, /\[UNSUPPORTED\].*another message than a record batch/],
      [
        { parts: [toFlight(encodeSchemaMessage({ fields: VALUE_FIELDS.slice(0, 1), metadata: new Map() }))] },
        /\[CORRUPT\].*another schema than the topic/,
      ],
      [{ parts: [schema, { ...batch([1n]), dataBody: new Uint8Array(8) }] }, /\[CORRUPT\].*body of 8 bytes/],
      [
        { parts: [schema, batch([1n])], fails: "data_loss" },
        /\[CORRUPT\] Cannot read topic "a" of sequence "s": no more/,
      ],
      [{ parts: [schema], fails: "permission_denied" }, /\[PERMISSION_DENIED\]/],
      [{ parts: [schema], fails: "unavailable" }, /\[UNAVAILABLE\]/],
      [{ parts: [schema], fails: "cut" }, /\[(UNAVAILABLE|ABORTED|INTERNAL)\] Cannot read topic "a"/],
    ];
    for (const [stream, text] of cases) expect(await read(stream)).toMatch(text);
  });

  it("stops waiting for a stalled stream on abort", () =>
    standIn({ parts: [schema, batch([1n])], fails: "stall" }, async (url) => {
      const client = await connect(url);
      const stop = new AbortController();
      const stream = (await client.sequenceHandler("s")).getDataStreamer({ signal: stop.signal });
      const reading = (async () => {
        for await (const _ of stream);
      })();
      setTimeout(() => stop.abort(new Error("enough")), 50);
      expect(await reasonOf(reading)).toBe("Error: enough");
      await client.close();
    }));

  it("sends its key with every call", () =>
    standIn({ parts: [schema] }, async (url, { headers }) => {
      const client = await connect(url, { apiKey: "msco_mine" });
      await (await client.sequenceHandler("s")).getDataStreamer().next();
      await client.close();
      expect(headers.length).toBeGreaterThan(3);
      expect(new Set(headers.map((header) => header.get(API_KEY_HEADER)))).toEqual(new Set(["msco_mine"]));
    }));

  it("tells what it is connected to", () =>
    withServer(async (remote, local) => {
      expect(await local.info()).toEqual({ version: expect.stringMatching(/^\d+\.\d+\.\d+/) });
      expect(await remote.info()).toEqual({ ...await local.info(), maxMessageBytes: 50 * 2 ** 20 });
    }));

  it("lists and clears what writers said went wrong, which outlives the server", async () => {
    await using local = await connect("memory:");
    {
      await using server = await createServer(local, { port: 0 });
      await using remote = await connect(server.url);
      expect(
        await reasonOf(remote.sequenceCreate("drive", {}, async (sequence) => {
          const topic = await sequence.topicCreate("value", { ontology: Value });
          await topic.push({ timestampNs: 1n, data: { value: 1 } });
          throw new Error("out of fuel");
        })),
      ).toBe("Error: out of fuel");
    }
    await using server = await createServer(local, { port: 0 });
    await using remote = await connect(server.url);
    for (const client of [local, remote]) {
      const [said] = await client.listTopicNotifications("drive", "/value");
      expect(said).toMatchObject({
        sequence: "drive",
        topic: "value",
        type: "error",
        message: "out of fuel",
      });
      expect(await client.listSequenceNotifications("drive")).toMatchObject([{ message: "out of fuel" }]);
      expect(await reasonOf(client.listTopicNotifications("drive", "none")))
        .toContain('[NOT_FOUND] No topic "none" in sequence "drive"');
      expect(await reasonOf(client.listSequenceNotifications("none"))).toContain("[NOT_FOUND]");
    }
    await remote.clearTopicNotifications("drive", "value");
    await remote.clearSequenceNotifications("drive");
    expect(await local.listTopicNotifications("drive", "value")).toEqual([]);
    expect(await local.listSequenceNotifications("drive")).toEqual([]);
  });
});
