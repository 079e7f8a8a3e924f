import { writeFile } from "node:fs/promises";
import { connect as connectHttp } from "node:http2";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { connect, Temperature } from "../../mod.ts";
import { type CallRecord, createServer } from "../../src/flight/server/mod.ts";
import { openTransport } from "../../src/flight/transport.ts";
import { TIMESTAMP_FIELD } from "../../src/schema.ts";
import { inDirectory } from "../support/places.ts";
import { lz4Bomb } from "./bombs.ts";
import { act as actOn, beginTopic, put, serving, statusOf, upload } from "./support.ts";

const KEY = "msco_0123456789abcdefghijklmnop";
const MIB = 2 ** 20;

/** A call whose body comes as the test likes. */
function beginCall(url: string, method: string, headers: Record<string, string> = {}) {
  const connection = connectHttp(url.replace("grpc", "http"));
  connection.on("error", () => {});
  const call = connection.request({
    ":method": "POST",
    ":path": `/arrow.flight.protocol.FlightService/${method}`,
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  });
  call.on("error", () => {});
  call.resume();
  const status = new Promise<string>((resolve) => {
    const take = (headers: Record<string, unknown>) => {
      if (headers["grpc-status"] === undefined) return;
      resolve(`${headers["grpc-status"]} ${decodeURIComponent(String(headers["grpc-message"]))}`);
    };
    call.on("response", take);
    call.on("trailers", take);
    call.on("close", () => resolve("closed"));
  });
  return { call, status, close: () => connection.destroy() };
}

/** The head of a gRPC message of so many bytes. */
function head(bytes: number): Uint8Array {
  const frame = new Uint8Array(5);
  new DataView(frame.buffer).setUint32(1, bytes);
  return frame;
}

describe("Requests", () => {
  const METHODS = ["ListFlights", "GetFlightInfo", "GetSchema", "DoAction", "DoGet", "DoPut"];

  it.each(METHODS)(
    "to %s are refused by their key before anything of them has come",
    (method) =>
      serving({ apiKeys: [{ key: KEY, permission: "read" }] }, async ({ server }) => {
        const none = beginCall(server.url, method);
        expect(await none.status).toBe(`7 Cannot do ${method}: wanted a valid API key`);
        none.close();
        const wrong = beginCall(server.url, method, { "mosaico-api-key-token": `${KEY}x` });
        wrong.call.write(head(40 * MIB));
        expect(await wrong.status).toBe(`7 Cannot do ${method}: wanted a valid API key`);
        wrong.close();
      }),
  );

  it.each(METHODS.slice(0, -1))(
    "to %s are refused by the length that they claim",
    (method) =>
      serving({}, async ({ server }) => {
        const { call, status, close } = beginCall(server.url, method);
        call.write(head(4 * MIB + 1));
        expect(await status).toBe(`8 A message has ${4 * MIB + 1} bytes: wanted at most ${4 * MIB}`);
        close();
      }),
  );

  it.each(METHODS)(
    "to %s are ended that do not begin, or do not come to their end",
    (method) =>
      serving({ idleTimeoutMs: 150 }, async ({ server, act }) => {
        const silent = beginCall(server.url, method);
        const cut = beginCall(server.url, method);
        cut.call.write(head(100));
        // A byte now and then does not help, except for an upload, which may take its time.
        const slow = method === "DoPut" ? undefined : beginCall(server.url, method);
        slow?.call.write(head(100));
        const drip = setInterval(() => slow?.call.write(Uint8Array.of(0)), 40);
        for (const { status } of [silent, cut, ...(slow ? [slow] : [])]) {
          expect(await status).toMatch(/^4 .*150 ms/);
        }
        clearInterval(drip);
        for (const call of [silent, cut, slow]) call?.close();
        await act("info");
      }),
  );

  it("are refused that are none, or several, or of another kind", () =>
    serving({}, async ({ server }) => {
      const cases: [Uint8Array[], string][] = [
        [[], "3 The call has no request: wanted one"],
        [[head(0), head(0)], "3 The call has several requests: wanted one"],
        [[head(1), Uint8Array.of(0xff)], "3 The request is no Action"],
      ];
      for (const [parts, wanted] of cases) {
        const { call, status, close } = beginCall(server.url, "DoAction");
        for (const part of parts) call.write(part);
        call.end();
        expect(await status).toBe(wanted);
        close();
      }
    }));

  it("with many values are refused, and those of a client's size are not", () =>
    serving({}, async ({ act }) => {
      const create = (values: number) =>
        statusOf(() =>
          act("sequence_create", {
            locator: `s${values}`,
            user_metadata: { list: new Array(values).fill(0) },
          })
        );
      expect(await create(49_000)).toBe("ok");
      expect(await create(50_000)).toMatch(
        /^\[invalid_argument\] Body of action sequence_create: JSON .*: wanted at most 50000 values$/,
      );
    }));

  it("that would make a manifest too large are refused, and the session goes on", () =>
    serving({}, async ({ act, flight, client }) => {
      const { descriptor, session } = await beginTopic(act);
      const create = (topic: string) =>
        statusOf(() =>
          act("topic_create", {
            session_uuid: session,
            locator: `drive/${topic}`,
            serialization_format: "default",
            ontology_tag: "Value",
            user_metadata: { text: "x".repeat(3 * MIB) },
          })
        );
      for (const name of ["a", "b", "c", "d", "e"]) expect(await create(name)).toBe("ok");
      expect(await create("f")).toMatch(
        /^\[resource_exhausted\] Cannot create topic "drive\/f": the metadata .* would have \d+ characters, wanted at most 16777216$/,
      );
      for (const name of ["a", "b", "c", "d", "e"]) await act("topic_delete", { locator: `drive/${name}` });
      expect(await create("f")).toBe("ok");
      await act("topic_delete", { locator: "drive/f" });
      await put(flight, upload(descriptor, [TIMESTAMP_FIELD], [lz4Bomb(MIB)]));
      await act("session_finalize", { session_uuid: session });
      expect((await client.sequenceInfo("drive")).topics).toHaveLength(1);
    }));

  it("with more conditions than anybody needs are refused", () =>
    serving({}, async ({ act }) => {
      const many = Object.fromEntries(Array.from({ length: 1025 }, (_, i) => [`k${i}`, { $eq: i }]));
      const cases: [body: object, wanted: string][] = [
        [{ sequence: { user_metadata: many } }, "it has 1025 conditions, wanted at most 1024"],
        [{ topic: { user_metadata: many } }, "it has 1025 conditions, wanted at most 1024"],
        [{ ontology: many }, "it has 1025 conditions, wanted at most 1024"],
        [
          { ontology: { "T.x": { $in: new Array(1025).fill(1) } } },
          "a list of 1025, wanted a list of 1 to 1024",
        ],
        [{ ontology: { [`T.${"x".repeat(1100)}`]: { $eq: 1 } } }, "wanted a path of at most 1024 characters"],
        [{ sequence: { name: { $match: "*a".repeat(600) } } }, "has 1200 characters: wanted at most 1024"],
      ];
      for (const [body, wanted] of cases) {
        const status = await statusOf(() => act("query", body));
        expect(status).toMatch(/^\[invalid_argument\]/);
        expect(status).toContain(wanted);
      }
      const topics = new Array(257).fill({ locator: "a/b" });
      expect(await statusOf(() => act("topic_filter_intersect", { topics }))).toBe(
        "[invalid_argument] topics has 257 items: wanted a list of 2 to 256 topics",
      );
    }));
});

describe("What a server repeats", () => {
  it("of long names, actions and patterns is their beginning, in its records too", () => {
    const records: CallRecord[] = [];
    return serving({ onCall: (record) => records.push(record) }, async ({ act }) => {
      const long = "x".repeat(100_000);
      const odd = "\ud800\u4e2d".repeat(50_000);
      const calls = [
        () => act(long),
        () => act("sequence_create", { locator: long, user_metadata: {} }),
        () => act("sequence_create", { locator: odd, user_metadata: {} }),
        () => act("sequence_delete", { locator: `a/${long}` }),
        () => act("session_delete", { locator: long }),
        () => act("session_delete", { locator: odd }),
        () => act("topic_delete", { locator: `a/b/${odd}` }),
        () => act("query", { sequence: { name: { $match: "[".repeat(50_000) } } }),
        () => act("query", { sequence: { name: { [long]: 1 } } }),
        () => act("query", { [long]: {} }),
        () => act("query", { ontology: { [`a.${odd}`]: { $eq: 1 } } }),
        () => act("query", { ontology: { "a.b": { $between: [long, 1] } } }),
        () => act("query", { topic: { user_metadata: { [odd]: 1 } } }),
        () => act("topic_filter_intersect", { topics: long }),
      ];
      for (const call of calls) {
        const status = await statusOf(call);
        // Without a status that comes through it is an error of the connection's.
        expect(status).toMatch(/^\[(invalid_argument|not_found)\]/);
        expect(status.length).toBeLessThan(900);
      }
      expect(records).toHaveLength(calls.length);
      for (const record of records) expect(JSON.stringify(record).length).toBeLessThan(2000);
    });
  });

  it("of its disk's failures does not tell where the recordings are, and tells its owner all", () =>
    inDirectory(async (directory) => {
      const store = join(directory, "store");
      const client = await connect(store);
      await client.sequenceCreate("drive", {}, async (sequence) => {
        await sequence.topicCreate("t", { ontology: Temperature });
      });
      // A file where a directory has to be: the system's words hold the path.
      await writeFile(join(store, "taken"), "");
      const errors: unknown[] = [];
      const server = await createServer(client, { port: 0, onError: (reason) => errors.push(reason) });
      const flight = openTransport(server.url);
      try {
        const status = await statusOf(() =>
          actOn(flight, "sequence_create", { locator: "taken", user_metadata: {} })
        );
        expect(status).toMatch(/^\[internal\] Cannot make the directory of taken\//);
        expect(status).not.toContain(directory);
        expect(String(errors[0])).toContain(join(store, "taken"));
      } finally {
        flight.close();
        await server.close();
        await client.close();
      }
    }));
});

describe("Uploads of what is far larger than it looks", () => {
  it("are refused before they are decompressed, and the session goes on", () =>
    serving({ maxMessageBytes: MIB }, async ({ act, flight, client }) => {
      const { descriptor, session, locator } = await beginTopic(act);
      const bomb = lz4Bomb(64 * MIB);
      expect(bomb.dataBody.length).toBeLessThan(MIB);
      const status = await statusOf(() => put(flight, upload(descriptor, [TIMESTAMP_FIELD], [bomb])));
      expect(status).toMatch(
        new RegExp(
          `^\\[resource_exhausted\\] Cannot upload topic "drive/value": a batch of \\d+ bytes has ${
            64 * MIB
          } decompressed: wanted at most ${4 * MIB}$`,
        ),
      );
      expect(await statusOf(() => act("session_finalize", { session_uuid: session }))).toContain(
        "is cut off",
      );
      await act("session_delete", { locator });
      // What stays below is a batch like any other.
      const next = await beginTopic(act, "next");
      await put(flight, upload(next.descriptor, [TIMESTAMP_FIELD], [lz4Bomb(2 * MIB)]));
      await act("session_finalize", { session_uuid: next.session });
      expect((await client.sequenceInfo("next")).topics[0].rowCount).toBe(2 * MIB / 8);
    }));

  it("wait for each other where there is memory for one", () =>
    serving({ maxBufferedBytes: 1 }, async ({ act, flight, client }) => {
      const names = ["a", "b", "c", "d"];
      await Promise.all(names.map(async (name) => {
        const { descriptor, session } = await beginTopic(act, name);
        await put(flight, upload(descriptor, [TIMESTAMP_FIELD], [lz4Bomb(4 * MIB), lz4Bomb(4 * MIB)]));
        await act("session_finalize", { session_uuid: session });
      }));
      const infos = await client.listSequences({ details: true });
      expect(infos.map(({ topics }) => topics![0].rowCount)).toEqual(names.map(() => MIB));
    }));
});
