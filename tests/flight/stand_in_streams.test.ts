import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Client, connect, defineOntology, float64 } from "../../mod.ts";
import { decodeFrame } from "../../src/engine/batch_message.ts";
import { encodeBatch, encodeSchemaMessage } from "../../src/arrow/encode.ts";
import { type FlightParts, toFlight } from "../../src/flight/ipc.ts";
import { jsonText } from "../../src/util/json_text.ts";
import { typeName } from "../../src/schema.ts";
import { type Seen, SEQUENCE, type StandIn, standIn, TOPIC } from "./stand_in.ts";
import { errorOf, VALUE_FIELDS, valueBatch } from "./support.ts";

const Value = defineOntology("Value", { value: float64() });
const LAST = 2n ** 63n - 1n;
const BEYOND = 1_700_000_000_000_000_001n;

const schema = toFlight(encodeSchemaMessage({ fields: VALUE_FIELDS, metadata: new Map() }));
const batch = (times: bigint[]) => toFlight(encodeBatch(valueBatch(times, times.map(Number))));

function withClient<R>(told: StandIn, body: (client: Client, seen: Seen) => Promise<R>): Promise<R> {
  return standIn(told, async (url, seen) => {
    const client = await connect(url);
    try {
      return await body(client, seen);
    } finally {
      await client.close();
    }
  });
}

async function read(client: Client): Promise<object[]> {
  const rows: object[] = [];
  for await (const [, message] of (await client.sequenceHandler("s")).getDataStreamer()) {
    rows.push(message.toJSON());
  }
  return rows;
}

/** What a program is told: code and words. */
async function refusalOf(told: StandIn, body: (client: Client) => Promise<unknown> = read): Promise<string> {
  return await withClient(told, async (client) => (await errorOf(() => body(client))).message);
}

/** A stream of streams.json, as Flight carries it; the first part is the schema, framed. */
function parts(name: string): { schema: Uint8Array; parts: FlightParts[] } {
  const streams = JSON.parse(readFileSync(new URL("streams.json", import.meta.url), "utf8"));
  let bytes: Uint8Array = Buffer.from(streams[name], "base64");
  const messages: Uint8Array[] = [];
  for (let frame = decodeFrame(bytes); frame; frame = decodeFrame(bytes)) {
    const length = frame.headBytes + frame.bodyBytes;
    messages.push(bytes.slice(0, length));
    bytes = bytes.subarray(length);
  }
  return { schema: messages[0], parts: messages.map(toFlight) };
}

describe("A client of a server that follows the protocol", () => {
  const texts = [
    "short",
    undefined,
    "longer than the twelve bytes of a view",
    "",
    "ünï, and long enough too",
  ];
  const times = [-(2n ** 63n), 0n, BEYOND, LAST, LAST];
  const topic = jsonText({
    ...TOPIC,
    data_info: { ...TOPIC.data_info, interval: { start_ns: times[0], end_ns: LAST } },
  });

  for (const compression of ["plain", "lz4", "zstd"]) {
    for (const kind of ["", " views"]) {
      it(`reads ${compression}${kind} of pyarrow's, with int64 to both ends`, () =>
        withClient({ ...parts(`${compression}${kind}`), topic }, async (client) => {
          const found: unknown[] = [];
          for await (const [, message] of (await client.sequenceHandler("s")).getDataStreamer()) {
            const { text, blob, serial } = message.data as {
              text?: string;
              blob?: Uint8Array;
              serial: bigint;
            };
            found.push([message.timestampNs, text, blob && new TextDecoder().decode(blob), serial]);
          }
          const more = Array.from({ length: 30 }, () => [LAST, "x".repeat(20), "y".repeat(20), 7n]);
          expect(found).toEqual([...texts.map((text, i) => [times[i], text, text, times[i]]), ...more]);
        }));
    }
  }

  it("reads dictionaries that are replaced and that grow, lists in any order, runs and decimals", () => {
    const told = {
      ...parts("encoded"),
      topic: jsonText({ ...TOPIC, data_info: { ...TOPIC.data_info, interval: { start_ns: 1, end_ns: 6 } } }),
    };
    return withClient(told, async (client) => {
      const rows = await read(client);
      const inner = (side: string | null) => side === null ? null : { side };
      const row = (time: number, word: string | null, list: string[], run: string | null, price: string) => ({
        timestamp_ns: `${time}`,
        data: { word, list, run, price, inner: inner(word) },
      });
      expect(rows).toMatchObject([
        row(1, "b", ["y"], "on", "1.50"),
        row(2, null, ["x", "y"], "on", "-0.01"),
        row(3, "a", [], "off", "0.00"),
        row(4, "c", ["z"], null, "9999.99"),
        row(5, "b", ["z"], null, "7.00"),
        row(6, "q", [], "on", "0.10"),
      ]);
      const { fields } = await client.topicHandler("s", "a");
      expect(fields.map(typeName)).toEqual([
        "int64",
        "utf8",
        "list<utf8>",
        "utf8",
        "decimal128(6, 2)",
        "struct<side: utf8>",
      ]);
    });
  });

  it("keeps integers of metadata exact, and what JSON has no word for is null", () => {
    const odd = `{"ns":${BEYOND},"most":${LAST},"nan":NaN,"far":-Infinity,"half":0.5}`;
    const facts = { ns: BEYOND, most: LAST, nan: null, far: null, half: 0.5 };
    const told = {
      sequence: jsonText(SEQUENCE).replace(/^\{/, `{"user_metadata":${odd},`),
      topic: jsonText({
        ...TOPIC,
        data_info: { ...TOPIC.data_info, total_row_count: 3, interval: { start_ns: BEYOND, end_ns: LAST } },
      }).replace(/^\{/, `{"user_metadata":${odd},`),
    };
    return withClient(told, async (client) => {
      const handler = await client.sequenceHandler("s");
      expect(handler.metadata).toEqual(facts);
      expect(handler.topics).toMatchObject([{ metadata: facts, firstNs: BEYOND, lastNs: LAST, rowCount: 3 }]);
      expect([handler.firstNs, handler.lastNs]).toEqual([BEYOND, LAST]);
    });
  });

  it("passes over fields that it does not know, and does without those that it can", async () => {
    const more = { mood: "good", layers: [{ deep: { er: NaN } }], "": null };
    const { data_info, ...rest } = TOPIC;
    const wide: StandIn = {
      parts: [schema, batch([1n])],
      sequence: jsonText({ ...more, ...SEQUENCE, sessions: [{ ...more, ...SEQUENCE.sessions[0] }] }),
      topic: jsonText({
        ...more,
        ...rest,
        data_info: { ...more, ...data_info, interval: { ...more, ...data_info.interval } },
        time_window_info: null,
      }),
      answers: {
        info: jsonText({ action: "info", response: { ...more, config: { ...more } }, ...more }),
        session_create: jsonText({
          action: "session_create",
          response: { ...more, uuid: "u1", locator: "s:1" },
          ...more,
        }),
        topic_create: jsonText({ action: "topic_create", response: { ...more, uuid: "u2" }, ...more }),
        session_finalize: jsonText({ action: "empty" }),
      },
    };
    const { completed_at_ns: _, topics: __, ...session } = SEQUENCE.sessions[0];
    const narrow: StandIn = {
      parts: [schema, batch([1n])],
      sequence: jsonText({ created_at_ns: 1, sessions: [session] }),
      topic: jsonText({ ...rest, locked: undefined, data_info: { interval: data_info.interval } }),
      answers: { info: "", sequence_create: "", session_finalize: "" },
    };
    for (const told of [wide, narrow]) {
      await withClient(told, async (client) => {
        expect(await read(client)).toMatchObject([{ timestamp_ns: "1", data: { value: 1 } }]);
        await client.sequenceCreate("s", {}, async (sequence) => {
          const topic = await sequence.topicCreate("b", { ontology: Value });
          await topic.push({ timestampNs: 1n, data: { value: 1 } });
        });
      });
    }
  });
});

describe("A client of a server that misbehaves", () => {
  it("says what is wrong with an answer", async () => {
    const sequenceTold = 'Cannot read what the server tells of sequence "s"';
    const create = (client: Client) =>
      client.sequenceCreate("s", {}, async (sequence) => {
        await sequence.topicCreate("a", { ontology: Value });
      });
    const nanInterval = { ...TOPIC.data_info, interval: { start_ns: NaN, end_ns: 1 } };
    const cases: [StandIn, string | RegExp, ((client: Client) => Promise<unknown>)?][] = [
      [
        { parts: [schema], noTicket: true },
        /\[CORRUPT\] Cannot read topic "a" of sequence "s": .* no ticket/,
      ],
      [{ sequence: "{no" }, `[CORRUPT] ${sequenceTold}: `],
      [{ sequence: "[]" }, `[CORRUPT] ${sequenceTold}: the server's answer is a list`],
      [{ sequence: "" }, `[CORRUPT] ${sequenceTold}: `],
      [{ sequence: '{"created_at_ns":1.5}' }, `${sequenceTold}: created_at_ns is 1.5, wanted nanoseconds`],
      [{ topic: "\u0000" }, `[CORRUPT] ${sequenceTold}: `],
      [{ topic: "{}" }, `[CORRUPT] ${sequenceTold}: resource_locator is missing, wanted text`],
      [{ topic: jsonText({ ...TOPIC, ontology_tag: 5 }) }, `[CORRUPT] ${sequenceTold}: ontology_tag is 5`],
      [
        { topic: jsonText({ ...TOPIC, data_info: nanInterval }) },
        `[CORRUPT] ${sequenceTold}: start_ns is NaN`,
      ],
      [{ schema: Uint8Array.of(1, 2, 3) }, "[CORRUPT] "],
      [{ answers: { session_create: "garbage" } }, '[CORRUPT] Cannot create sequence "s": ', create],
      [{ answers: { session_create: "{}" } }, '[CORRUPT] Cannot create sequence "s": ', create],
      [
        {
          answers: { session_create: '{"action":"session_delete","response":{"uuid":"u","locator":"s:1"}}' },
        },
        '[CORRUPT] Cannot create sequence "s": ',
        create,
      ],
      [
        { answers: { topic_create: '{"action":"topic_create","response":{"uuid":7}}' } },
        '[CORRUPT] Cannot create topic "a" of sequence "s": the server gave no uuid',
        create,
      ],
    ];
    for (const [told, text, body] of cases) {
      const message = await refusalOf(told, body);
      if (typeof text === "string") expect(message).toContain(text);
      else expect(message).toMatch(text);
    }
    await standIn({ answers: { info: "<html>" } }, async (url) => {
      expect((await errorOf(() => connect(url))).message).toContain(`[CORRUPT] Cannot connect to ${url}: `);
    });
  });

  it("does not wait for a message beyond the limit that both sides have", async () => {
    // A message of gRPC begins with a flag and its length.
    const bytes = Uint8Array.of(0, 0x7f, 0xff, 0xff, 0xff, 1, 2, 3);
    expect(await refusalOf({ bytes })).toMatch(/\[TOO_LARGE\] Cannot read topic "a" of sequence "s": /);
  });

  it("ends a download that stalls when its loop is left", () =>
    withClient({ parts: [schema, batch([1n, 5n])], fails: "stall" }, async (client, { calls }) => {
      const stream = (await client.sequenceHandler("s")).getDataStreamer();
      expect((await stream.next()).done).toBe(false);
      await stream.return();
      for await (const _ of (await client.sequenceHandler("s")).getDataStreamer()) break;
      expect(calls.filter((call) => call === "DoGet")).toHaveLength(2);
    }));

  it("tells of an upload whose connection is cut, and ends the session by its policy over another", async () => {
    for (
      const [errorPolicy, last] of [["report", "session_finalize"], ["delete", "sequence_delete"]] as const
    ) {
      await withClient({ put: "cut" }, async (client, { calls }) => {
        const error = await errorOf(() =>
          client.sequenceCreate("s", { errorPolicy }, async (sequence) => {
            const topic = await sequence.topicCreate("a", { ontology: Value });
            for (;;) {
              await topic.push({ timestampNs: 1n, data: { value: 1 } });
              await topic.flush();
            }
          })
        );
        expect(error.message).toMatch(
          /\[(UNAVAILABLE|ABORTED)\] Cannot write topic "a" of sequence "s"/,
        );
        expect(error.details).toEqual({ sequence: "s", topic: "a" });
        expect(calls.at(-1)).toBe(last);
      });
    }
  });
});
