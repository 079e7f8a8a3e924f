import { describe, expect, it } from "vitest";
import { connect, Temperature } from "../../mod.ts";
import { decodeSchemaMessage } from "../../src/arrow/decode.ts";
import { encodeBatch } from "../../src/arrow/encode.ts";
import type { FlightConnection } from "../../src/flight/transport.ts";
import { fromFlight, toFlight } from "../../src/flight/ipc.ts";
import { jsonText } from "../../src/util/json_text.ts";
import { PATH } from "../../src/flight/protocol.ts";
import { createServer } from "../../src/flight/server/mod.ts";
import { encodeTicket } from "../../src/flight/ticket.ts";
import { openBatch } from "../../src/arrow/stored_batch.ts";
import type { FieldSchema } from "../../src/schema.ts";
import { until } from "../support/cli_process.ts";
import { engine } from "../support/tables.ts";
import {
  act,
  beginTopic,
  command,
  endpointsOf,
  errorOf,
  heldUpload,
  metadataOf,
  put,
  type Served,
  serving,
  statusOf,
  upload,
  VALUE_FIELDS,
  valueBatch,
} from "./support.ts";

/** Records one sequence with one topic of values. */
async function record(
  { act, flight }: Served,
  batches: [bigint[], number[]][],
  name = "drive",
  topic = "value",
): Promise<void> {
  const { session, descriptor } = await beginTopic(act, name, topic);
  const columns = batches.map(([times, values]) => valueBatch(times, values));
  await put(flight, upload(descriptor, VALUE_FIELDS, columns));
  await act("session_finalize", { session_uuid: session });
}

async function info(flight: FlightConnection, body: object) {
  return await flight.rpc.getFlightInfo(command(body));
}

/** A stream's rows as `time value`. */
async function rowsOf(flight: FlightConnection, ticket: Uint8Array): Promise<string[]> {
  const rows: string[] = [];
  let fields: readonly FieldSchema[] | undefined;
  for await (const data of flight.rpc.doGet({ ticket: ticket.slice() })) {
    const { message } = fromFlight(data);
    if (!fields) fields = decodeSchemaMessage(message).fields;
    else {
      const { times, table } = openBatch(engine, message, { fields, where: {} });
      times.forEach((time, row) => rows.push(`${time} ${table.children[1].get(row)}`));
    }
  }
  return rows;
}

describe("Server", () => {
  it("info tells version and limits, and action and response are one object", () =>
    serving({ maxMessageBytes: 5_000_000 }, async ({ act }) => {
      expect(await act("info")).toMatchObject({
        semver: { major: expect.any(Number), minor: expect.any(Number), patch: expect.any(Number) },
        config: {
          grpc_max_decode_message_size: 5_000_000,
          grpc_max_encode_message_size: 2 ** 29,
          grpc_target_encode_message_size: 25 * 2 ** 20,
        },
      });
    }));

  it("stores what is uploaded as a session like any other", () =>
    serving({}, async (served) => {
      await record(served, [[[30n, 10n], [3, 1]], [[20n], [2]]]);
      const handler = await served.client.sequenceHandler("drive");
      expect(handler.info).toMatchObject({ state: "finalized", metadata: { vehicle: "A" } });
      expect(handler.info.sessions).toHaveLength(1);
      expect(handler.info.topics).toMatchObject([{
        name: "value",
        ontologyTag: "Value",
        metadata: { rate: 5 },
      }]);
      const rows: string[] = [];
      for await (const [topic, { timestampNs, data }] of handler.getDataStreamer()) {
        rows.push(`${topic} ${timestampNs} ${data.value}`);
      }
      expect(rows).toEqual(["value 10 1", "value 20 2", "value 30 3"]);
    }));

  it("gives rows by time, equal times in the order of pushing, over all batches", () =>
    serving({}, async (served) => {
      const { flight, client } = served;
      const times = Array.from({ length: 30_000 }, (_, i) => BigInt((i * 7919) % 1000));
      await client.sequenceCreate("ties", {}, async (sequence) => {
        const topic = await sequence.topicCreate("t", { ontology: Temperature });
        for (let i = 0; i < times.length; i++) {
          await topic.push({ timestampNs: times[i], data: { value: i } });
        }
      });
      const { endpoint } = await info(flight, { resource_locator: "ties/t" });
      const data: bigint[] = [];
      let batches = 0;
      for await (const part of flight.rpc.doGet({ ticket: endpoint[0].ticket!.ticket })) {
        if (part.dataBody.length === 0) continue;
        const fields = Temperature.fields;
        const { times, rows } = openBatch(engine, fromFlight(part).message, {
          fields: [VALUE_FIELDS[0], ...fields],
          where: {},
        });
        expect(rows).toBeLessThanOrEqual(8192);
        batches++;
        data.push(...times);
      }
      expect(batches).toBeGreaterThanOrEqual(4);
      expect(data).toEqual([...times].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)));
      await record(served, [[[5n, 5n], [1, 2]], [[5n, 4n], [3, 0]]]);
      const ticket = (await info(flight, { resource_locator: "drive/value" })).endpoint[0].ticket!.ticket;
      expect(await rowsOf(flight, ticket)).toEqual(["4 0", "5 1", "5 2", "5 3"]);
    }));

  it("tells a window's rows and interval, and gives them alone", () =>
    serving({}, async (served) => {
      const { flight } = served;
      const times = Array.from({ length: 20 }, (_, i) => 1000n + 10n * BigInt(i));
      await record(served, [[times.toReversed(), times.map((_, i) => 19 - i)]]);
      const whole = await info(flight, { resource_locator: "drive" });
      expect(jsonText(endpointsOf(whole)[0])).toContain('"time_window_info":null');
      expect(endpointsOf(whole)[0]).toMatchObject({
        data_info: { interval: { start_ns: 1000, end_ns: 1190 }, total_row_count: 20, total_chunks_count: 1 },
        locked: true,
      });
      const cases: [start: number | undefined, end: number | undefined, window: object][] = [
        [1050, 1100, { interval: { start_ns: 1050, end_ns: 1090 }, row_count: 5 }],
        [1051, 1059, { interval: null, row_count: 0 }],
        [undefined, 1001, { interval: { start_ns: 1000, end_ns: 1000 }, row_count: 1 }],
        [1190, undefined, { interval: { start_ns: 1190, end_ns: 1190 }, row_count: 1 }],
        [1191, undefined, { interval: null, row_count: 0 }],
        [-5, 5000, { interval: { start_ns: 1000, end_ns: 1190 }, row_count: 20 }],
      ];
      for (const [timestamp_ns_start, timestamp_ns_end, window] of cases) {
        const body = { resource_locator: "drive", timestamp_ns_start, timestamp_ns_end };
        const answer = await info(flight, body);
        expect(endpointsOf(answer)[0].time_window_info).toEqual(window);
        const rows = await rowsOf(flight, answer.endpoint[0].ticket!.ticket);
        expect(rows).toHaveLength((window as { row_count: number }).row_count);
      }
    }));

  it("keeps times to the ends of int64 exact in JSON", () =>
    serving({}, async (served) => {
      const { flight } = served;
      const [least, most] = [-(2n ** 63n), 2n ** 63n - 1n];
      await record(served, [[[most, least, most - 1n], [3, 1, 2]]]);
      const [endpoint] = endpointsOf(await info(flight, { resource_locator: "drive" }));
      expect(endpoint.data_info).toMatchObject({ interval: { start_ns: least, end_ns: most } });
      const late = await info(flight, { resource_locator: "drive", timestamp_ns_start: most - 1n });
      expect(endpointsOf(late)[0].time_window_info).toEqual({
        interval: { start_ns: most - 1n, end_ns: most },
        row_count: 2,
      });
      expect(await rowsOf(flight, late.endpoint[0].ticket!.ticket)).toEqual([`${most - 1n} 2`, `${most} 3`]);
    }));

  it("lists sequences and topics in ASCII order, and gives a topic's schema untouched", () =>
    serving({}, async (served) => {
      const { flight, client } = served;
      await record(served, [[[1n], [1]]], "b");
      await client.sequenceCreate("B", {}, async (sequence) => {
        for (const name of ["b", "a/x", "Z"]) await sequence.topicCreate(name, { ontology: Temperature });
      });
      const names: string[][] = [];
      for await (const { flightDescriptor } of flight.rpc.listFlights({})) names.push(flightDescriptor!.path);
      expect(names).toEqual([["B"], ["b"]]);
      const answer = await info(flight, { resource_locator: "B" });
      expect(endpointsOf(answer).map((endpoint) => endpoint.resource_locator)).toEqual([
        "B/Z",
        "B/a/x",
        "B/b",
      ]);
      expect(metadataOf(answer.appMetadata)).toMatchObject({
        resource_locator: "B",
        user_metadata: {},
        sessions: [{ locked: true, topics: ["B/Z", "B/a/x", "B/b"] }],
      });
      const { schema } = await flight.rpc.getSchema(command({ resource_locator: "b/value" }));
      const { fields, metadata } = decodeSchemaMessage(schema);
      expect(fields).toEqual(VALUE_FIELDS);
      expect(metadata.size).toBe(0);
    }));

  it("shows a session that is open, and that its topics cannot be read yet", () =>
    serving({}, async ({ act, flight }) => {
      const { locator, session, descriptor } = await beginTopic(act);
      const answer = await info(flight, { resource_locator: "drive" });
      expect(metadataOf(answer.appMetadata).sessions).toMatchObject([
        { locator, completed_at_ns: null, locked: false, topics: ["drive/value"] },
      ]);
      expect(endpointsOf(answer)).toMatchObject([{ locked: false, data_info: { interval: null } }]);
      expect(await statusOf(() => rowsOf(flight, answer.endpoint[0].ticket!.ticket)))
        .toMatch(/^\[failed_precondition\] Sequence "drive" is being recorded/);
      await put(flight, upload(descriptor, VALUE_FIELDS, []));
      await act("session_finalize", { session_uuid: session });
      expect(await rowsOf(flight, answer.endpoint[0].ticket!.ticket)).toEqual([]);
    }));

  it("marks a session as failed whose writer reported an error, and keeps what was uploaded", () =>
    serving({}, async ({ act, flight, client }) => {
      const { session, descriptor } = await beginTopic(act);
      await put(flight, upload(descriptor, VALUE_FIELDS, [valueBatch([1n], [1])]));
      const note = { locator: "drive", notification_type: "error", msg: "sensor on fire" };
      await act("sequence_notification_create", note);
      expect(await act("sequence_notification_list", { locator: "drive" })).toMatchObject({
        notifications: [{ name: "drive", notification_type: "error", msg: "sensor on fire" }],
      });
      await act("session_finalize", { session_uuid: session });
      const { info } = await client.sequenceHandler("drive");
      expect(info).toMatchObject({ state: "failed", topics: [{ rowCount: 1 }] });
      expect(info.sessions[0].reason).toBe("sensor on fire");
      await act("sequence_notification_purge", { locator: "drive" });
      expect(await act("sequence_notification_list", { locator: "drive" })).toEqual({ notifications: [] });
    }));

  it("session_delete removes what the session wrote and leaves the sequence", () =>
    serving({}, async (served) => {
      const { act, flight, client } = served;
      const first = await beginTopic(act);
      await put(flight, upload(first.descriptor, VALUE_FIELDS, [valueBatch([1n], [1])]));
      await act("session_delete", { locator: first.locator });
      expect(metadataOf((await info(flight, { resource_locator: "drive" })).appMetadata)).toMatchObject({
        user_metadata: { vehicle: "A" },
        sessions: [],
      });
      // And with another session, the sequence is as new.
      const { uuid } = await act("session_create", { locator: "drive" }) as { uuid: string };
      await act("session_delete", {
        locator: (metadataOf((await info(flight, { resource_locator: "drive" })).appMetadata).sessions as {
          locator: string;
        }[])[0].locator,
      });
      expect(await statusOf(() => act("session_finalize", { session_uuid: uuid }))).toMatch(/^\[not_found\]/);
      await act("sequence_delete", { locator: "drive" });
      expect(await client.listSequences()).toEqual([]);
      await record(served, [[[1n], [1]]]);
      await act("sequence_delete", { locator: "drive" });
      expect(await client.listSequences()).toEqual([]);
    }));

  it("a later session adds topics, and its failure leaves the others", () =>
    serving({}, async (served) => {
      const { act, flight } = served;
      await record(served, [[[1n], [1]]]);
      const create = async (session: string, topic: string) =>
        await act("topic_create", {
          session_uuid: session,
          locator: `drive/${topic}`,
          serialization_format: "default",
          ontology_tag: "Value",
          user_metadata: {},
        }) as { uuid: string };
      const second = await act("session_create", { locator: "drive" }) as { uuid: string; locator: string };
      expect(await statusOf(() => create(second.uuid, "value"))).toMatch(/^\[already_exists\]/);
      const { uuid } = await create(second.uuid, "more");
      const descriptor = { resource_locator: "drive/more", topic_uuid: uuid };
      await put(flight, upload(descriptor, VALUE_FIELDS, [valueBatch([2n], [2])]));
      await act("session_delete", { locator: second.locator });
      expect(endpointsOf(await info(flight, { resource_locator: "drive" }))).toHaveLength(1);
      const third = await act("session_create", { locator: "drive" }) as { uuid: string };
      const more = { resource_locator: "drive/more", topic_uuid: (await create(third.uuid, "more")).uuid };
      await put(flight, upload(more, VALUE_FIELDS, [valueBatch([3n], [3])]));
      await act("session_finalize", { session_uuid: third.uuid });
      const { endpoint } = await info(flight, { resource_locator: "drive" });
      expect(await rowsOf(flight, endpoint[0].ticket!.ticket)).toEqual(["3 3"]);
    }));

  it("closing keeps what was uploaded in open sessions, marked as failed", async () => {
    const client = await connect("memory:");
    try {
      await serving({}, async () => {}); // a server of its own may close before
      const server = await createServer(client, { port: 0 });
      const { openTransport } = await import("../../src/flight/transport.ts");
      const flight = openTransport(server.url);
      const { descriptor } = await beginTopic((name, body) => act(flight, name, body));
      await put(flight, upload(descriptor, VALUE_FIELDS, [valueBatch([1n], [1])]));
      await server.close();
      flight.close();
      const { info } = await client.sequenceHandler("drive");
      expect(info).toMatchObject({ state: "failed", topics: [{ rowCount: 1 }] });
      expect(info.sessions[0].reason).toBe("the server was stopped");
    } finally {
      await client.close();
    }
  });
});

describe("Server refuses", () => {
  it.each([
    ["sequence_create", { locator: "../x", user_metadata: {} }, 'invalid_argument] Sequence name "../x"'],
    ["sequence_create", { locator: "x" }, "invalid_argument] user_metadata is missing: wanted an object"],
    [
      "sequence_create",
      { locator: "x", user_metadata: { a: [NaN] } },
      "invalid_argument] user_metadata.a[0] is NaN",
    ],
    [
      "sequence_create",
      { locator: "drive", user_metadata: {} },
      'already_exists] Cannot create sequence "drive"',
    ],
    ["sequence_create", { locator: 5, user_metadata: {} }, "invalid_argument] locator is 5: wanted text"],
    ["sequence_delete", { locator: "gone" }, 'not_found] No sequence "gone"'],
    ["session_create", { locator: "gone" }, 'not_found] No sequence "gone"'],
    ["session_finalize", { session_uuid: "x" }, "not_found] No open session"],
    ["session_delete", { locator: "drive:x" }, 'not_found] No open session "drive:x"'],
    ["topic_delete", { locator: "drive/none" }, 'not_found] No topic "drive/none"'],
    ["topic_delete", { locator: "drive/value" }, "failed_precondition] Cannot delete topic"],
    ["topic_notification_list", { locator: "drive/none" }, 'not_found] No topic "none"'],
    [
      "sequence_notification_create",
      { locator: "drive", notification_type: "x", msg: "" },
      "invalid_argument]",
    ],
    ["nonsense", {}, 'invalid_argument] Unknown action "nonsense"'],
    ["toString", {}, 'invalid_argument] Unknown action "toString"'],
  ])("action %s %j", (name, body, status) =>
    serving({}, async (served) => {
      await record(served, [[[1n], [1]]]);
      expect(await statusOf(() => served.act(name, body))).toContain(`[${status}`);
    }));

  it("bodies that are no JSON object", () =>
    serving({}, async ({ flight }) => {
      for (const body of ["{", "[]", "\xff"]) {
        const bytes = Uint8Array.from(body, (char) => char.charCodeAt(0));
        const call = async () => {
          for await (const _ of flight.rpc.doAction({ type: "session_create", body: bytes }));
        };
        expect(await statusOf(call)).toMatch(/^\[invalid_argument\] Body of action session_create/);
      }
    }));

  it("windows whose start is after their end, wherever one is taken, and says both", () =>
    serving({}, async (served) => {
      const { flight, act } = served;
      await record(served, [[[1n, 2n, 3n], [1, 2, 3]]]);
      const ticket = (startNs: bigint, endNs: bigint) =>
        encodeTicket({ locator: "drive/value", startNs, endNs });
      expect(await statusOf(() => rowsOf(flight, ticket(3n, 1n)))).toBe(
        "[invalid_argument] Window is from 3 to 1 ns: wanted its start at or before its end",
      );
      expect(await statusOf(() => rowsOf(flight, ticket(2n ** 62n, -(2n ** 62n))))).toMatch(
        /^\[invalid_argument\]/,
      );
      expect(await rowsOf(flight, ticket(2n, 2n))).toEqual([]);
      expect(await rowsOf(flight, ticket(2n, 3n))).toEqual(["2 2"]);
      for (const [start, end] of [[3, 1], [3, 3]]) {
        const command = { resource_locator: "drive", timestamp_ns_start: start, timestamp_ns_end: end };
        expect(await statusOf(() => info(flight, command))).toBe(
          `[invalid_argument] timestamp_ns_start is ${start}, timestamp_ns_end ${end}: wanted start before end`,
        );
      }
      const body = {
        locator: "drive/value",
        clustering_dt_ns: 0,
        ontology: { "Value.value": { $gt: 0 } },
        timestamp_range: { start_ns: 3, end_ns: 1 },
      };
      expect(await statusOf(() => act("topic_filter_clusterize", body))).toBe(
        "[invalid_argument] timestamp_range is from 3 to 1 ns: wanted start at or before end",
      );
    }));

  it("descriptors and tickets that are none", () =>
    serving({}, async (served) => {
      const { flight } = served;
      await record(served, [[[1n], [1]]]);
      const cases: [() => unknown, string][] = [
        [
          () => flight.rpc.getFlightInfo({ type: PATH, path: ["drive"] }),
          "[invalid_argument] Descriptor is a path",
        ],
        [() => info(flight, { resource_locator: "gone" }), "[not_found]"],
        [() => info(flight, { resource_locator: "drive/gone" }), "[not_found]"],
        [() => info(flight, { resource_locator: "drive/../x" }), "[invalid_argument]"],
        [
          () => info(flight, { resource_locator: "drive", timestamp_ns_start: 5, timestamp_ns_end: 5 }),
          "[invalid_argument] timestamp_ns_start is 5, timestamp_ns_end 5",
        ],
        [
          () => info(flight, { resource_locator: "drive", timestamp_ns_start: 2n ** 63n }),
          "[invalid_argument] timestamp_ns_start is 9223372036854775808: wanted int64",
        ],
        [
          () => info(flight, { resource_locator: "drive", timestamp_ns_end: 1.5 }),
          "[invalid_argument] timestamp_ns_end is 1.5: wanted int64",
        ],
        [() => rowsOf(flight, new Uint8Array(3).fill(250)), "[invalid_argument] Ticket"],
        [() => flight.rpc.getSchema(command({ resource_locator: "drive" })), "[invalid_argument]"],
      ];
      for (const [call, status] of cases) expect(await statusOf(call)).toContain(status);
    }));

  it("session_finalize while a topic is missing, and a second upload", () =>
    serving({}, async ({ act, flight }) => {
      const { session, descriptor, locator } = await beginTopic(act);
      const finalize = () => act("session_finalize", { session_uuid: session });
      expect(await statusOf(finalize)).toBe(
        `[failed_precondition] Cannot finalize session ${locator}: topic "value" is without an upload, ` +
          "wanted each topic uploaded",
      );
      const wrong = { ...descriptor, topic_uuid: session };
      expect(await statusOf(() => put(flight, upload(wrong, VALUE_FIELDS, []))))
        .toBe('[invalid_argument] topic_uuid is not that of topic "drive/value"');
      const { done: slow, release } = heldUpload(flight, descriptor);
      await until(async () =>
        (await statusOf(finalize)).includes('topic "drive/value" is still being uploaded')
      );
      expect(await statusOf(() => act("sequence_delete", { locator: "drive" }))).toContain(
        "still being uploaded",
      );
      expect(await statusOf(() => put(flight, upload(descriptor, VALUE_FIELDS, []))))
        .toContain('[failed_precondition] Topic "drive/value" is uploading: wanted one without an upload');
      release();
      await slow;
      expect(await statusOf(finalize)).toBe("ok");
      expect(await statusOf(finalize)).toMatch(/^\[not_found\]/);
    }));

  it("uploads whose table or batches are none", async () => {
    const batch = toFlight(encodeBatch(valueBatch([1n, 2n], [1, 2])));
    const none = new Uint8Array(0);
    const [time, value] = VALUE_FIELDS;
    const utf8: FieldSchema = {
      name: "text",
      type: { kind: "utf8", offsets: 32 },
      nullable: true,
      children: [],
    };
    const badOffsets = {
      rows: 2,
      nodes: [2, 0, 2, 0],
      buffers: [none, new Uint8Array(16), none, new Uint8Array(Int32Array.of(0, 999, 2).buffer), none],
    };
    const missing = {
      rows: 1,
      nodes: [1, 0, 1, 1],
      buffers: [none, new Uint8Array(8), new Uint8Array(1), new Uint8Array(8)],
    };
    const cases: [string, readonly FieldSchema[], Parameters<typeof upload>[2]][] = [
      ['[invalid_argument] Cannot upload topic "drive/value": "timestamp_ns" is missing', [value], []],
      ['"timestamp_ns" is column 1, int64: wanted column 0, int64', [value, time], []],
      ['"timestamp_ns" is column 0, float64', [{ ...value, name: "timestamp_ns" }], []],
      ["Two columns have one name", [time, value, value], []],
      [
        "does not fit its schema",
        [time, value, value].map((field, i) => ({ ...field, name: i ? `${i}` : field.name })),
        [
          valueBatch([1n], [1]),
        ],
      ],
      ['Column "text"', [time, utf8], [badOffsets]],
      ['Column "value" has 1 missing values', [time, { ...value, nullable: false }], [missing]],
      ["[invalid_argument]", VALUE_FIELDS, [{ ...batch, dataHeader: batch.dataHeader.slice(0, 20) }]],
      ["Arrow message has a body of 8 bytes", VALUE_FIELDS, [{
        ...batch,
        dataBody: batch.dataBody.slice(0, 8),
      }]],
      ["[aborted] Upload has a message without Arrow data", VALUE_FIELDS, [{
        appMetadata: new Uint8Array(1),
      }]],
    ];
    for (const [status, fields, batches] of cases) {
      await serving({}, async ({ act, flight }) => {
        const { descriptor, session } = await beginTopic(act);
        expect(await statusOf(() => put(flight, upload(descriptor, fields, batches)))).toContain(status);
        expect(await statusOf(() => act("session_finalize", { session_uuid: session }))).toContain(
          "is cut off",
        );
      });
    }
  });

  it("messages beyond the limit", () =>
    serving({ maxMessageBytes: 100_000 }, async ({ act, flight }) => {
      const { descriptor } = await beginTopic(act);
      const times = Array.from({ length: 10_000 }, (_, i) => BigInt(i));
      const call = () =>
        put(flight, upload(descriptor, VALUE_FIELDS, [valueBatch(times, times.map(Number))]));
      expect(await statusOf(call)).toMatch(/^\[resource_exhausted\]/);
    }));

  it("RPCs that Mosaico does not use", () =>
    serving({}, async ({ flight }) => {
      const call = async () => {
        for await (const _ of flight.rpc.listActions({}));
      };
      expect(await statusOf(call)).toMatch(/^\[unimplemented\]/);
    }));

  it("to listen on a port that is taken, and options that make no sense", () =>
    serving({}, async ({ server, client }) => {
      const error = await errorOf(() => createServer(client, { port: server.port }));
      expect(error.code).toBe("UNAVAILABLE");
      expect(error.rawMessage).toContain(`port ${server.port}`);
      await expect(createServer(client, { port: 0, maxMessageBytes: 0 })).rejects.toThrow(RangeError);
    }));
});

describe("API keys", () => {
  const keyOf = (permission: string) => `msco_${permission.padEnd(32, "0")}_00000000`;
  const apiKeys = (["read", "write", "delete", "manage"] as const).map((permission) => ({
    key: keyOf(permission),
    permission,
  }));
  const old = { key: keyOf("old"), permission: "manage" as const, expires: new Date(0) };

  it("allow what they allow, and each what those before it do", () =>
    serving({ apiKeys: [...apiKeys, old] }, async ({ open }) => {
      const calls: [permission: string, call: (flight: FlightConnection) => unknown][] = [
        ["any", (flight) => act(flight, "info")],
        ["read", (flight) => info(flight, { resource_locator: "gone" })],
        ["read", (flight) => act(flight, "sequence_notification_list", { locator: "gone" })],
        ["write", (flight) => act(flight, "session_create", { locator: "gone" })],
        ["write", (flight) => put(flight, upload({}, VALUE_FIELDS, []))],
        ["delete", (flight) => act(flight, "sequence_delete", { locator: "gone" })],
      ];
      const ranks = ["any", "read", "write", "delete", "manage"];
      for (const apiKey of [undefined, keyOf("unknown"), old.key, ...apiKeys.map(({ key }) => key)]) {
        const flight = open({ apiKey });
        const known = apiKeys.find(({ key }) => key === apiKey)?.permission;
        for (const [permission, call] of calls) {
          const allowed = known !== undefined && ranks.indexOf(known) >= ranks.indexOf(permission);
          const status = await statusOf(() => call(flight));
          expect([known, permission, status.startsWith("[permission_denied]")]).toEqual([
            known,
            permission,
            !allowed,
          ]);
        }
        // What there is, is not told either.
        if (known === undefined) {
          expect(await statusOf(() => act(flight, "nonsense"))).toMatch(/^\[permission_denied\]/);
        }
      }
    }));

  it("never come out again", async () => {
    const seen: unknown[] = [];
    const onCall = (call: unknown) => seen.push(call);
    await serving({ apiKeys, onCall, onError: onCall }, async ({ open }) => {
      const secret = keyOf("secret");
      const status = await statusOf(() => act(open({ apiKey: secret }), "info"));
      expect(status).not.toContain("secret");
      expect(JSON.stringify(seen)).toContain("permission_denied");
      expect(JSON.stringify(seen)).not.toContain("secret");
    });
  });

  it("a read-only server refuses all that writes or deletes", () =>
    serving({ readOnly: true }, async ({ act, flight }) => {
      expect(await statusOf(() => act("info"))).toBe("ok");
      expect(await statusOf(() => info(flight, { resource_locator: "gone" }))).toMatch(/^\[not_found\]/);
      for (const name of ["sequence_create", "sequence_delete", "topic_notification_purge"]) {
        expect(await statusOf(() => act(name))).toBe(
          `[permission_denied] Cannot do DoAction ${name}: this server is read-only`,
        );
      }
      expect(await statusOf(() => put(flight, upload({}, VALUE_FIELDS, [])))).toMatch(
        /^\[permission_denied\]/,
      );
    }));

  it("that make no sense are refused when the server is made", () =>
    serving({}, async ({ client }) => {
      for (const key of [{ key: "short", permission: "read" }, { key: keyOf("x"), permission: "all" }]) {
        await expect(createServer(client, { port: 0, apiKeys: [key as never] })).rejects.toThrow(TypeError);
      }
    }));
});
