import { describe, expect, it } from "vitest";
import type { Client } from "../../src/client.ts";
import { ALL, GPS, IMU } from "../../src/ontology/builtin/mod.ts";
import { defineOntology, type Infer, type Ontology } from "../../src/ontology/define_ontology.ts";
import {
  binary,
  bool,
  float64,
  int64,
  list,
  optional,
  struct,
  uint64,
  utf8,
} from "../../src/ontology/field.ts";
import type { Message } from "../../src/read/merge/message.ts";
import type { MessageInput, OntologyField } from "../../src/ontology/field.ts";
import { expectError } from "../support/errors.ts";
import { withClient } from "../support/places.ts";

const Odd = defineOntology("Odd", {
  count: int64(),
  size: optional(uint64()),
  text: optional(utf8()),
  bytes: optional(binary()),
  numbers: optional(list(float64())),
  gaps: optional(list(optional(int64()))),
  place: optional(struct({ x: optional(float64()), flag: optional(bool()) })),
});
type Odd = Infer<typeof Odd>;

/** Pushes rows to topic "a/b" of sequence "s" and gives its messages. */
async function messagesOf<T>(
  client: Client,
  ontology: Ontology<T>,
  rows: MessageInput<NoInfer<T>>[],
): Promise<Message[]> {
  await client.sequenceCreate("s", {}, async (sequence) => {
    const topic = await sequence.topicCreate("a/b", { ontology });
    for (const [i, data] of rows.entries()) {
      await topic.push({ timestampNs: BigInt(i), data });
    }
  });
  const messages: Message[] = [];
  for await (
    const message of (await client.topicHandler("s", "a/b")).getDataStreamer()
  ) {
    messages.push(message);
  }
  return messages;
}

describe("Message", () => {
  it("tells its time, topic and ontology", async () => {
    await withClient("memory", async (client) => {
      await client.sequenceCreate("s", {}, async (sequence) => {
        const topic = await sequence.topicCreate("/a/b", { ontology: Odd });
        await topic.push({ timestampNs: -(2n ** 63n), data: { count: 1 } });
      });
      for await (
        const [topic, message] of (await client.sequenceHandler("s"))
          .getDataStreamer()
      ) {
        expect(topic).toBe("a/b");
        expect(message.topic).toBe("a/b");
        expect(message.timestampNs).toBe(-9223372036854775808n);
        expect(message.ontologyTag).toBe("Odd");
      }
    });
  });

  it("has undefined for missing values, and for a struct whose fields are all missing", async () => {
    await withClient("memory", async (client) => {
      const [left, nulls, empty] = await messagesOf(client, Odd, [
        { count: 1 },
        {
          count: 1,
          size: null,
          text: null,
          bytes: null,
          numbers: null,
          gaps: null,
          place: null,
        },
        { count: 1, gaps: [null, 5], place: { x: null, flag: undefined } },
      ]);
      for (const { data } of [left, nulls]) {
        const { count, size, text, bytes, numbers, gaps, place } = data;
        expect([count, size, text, bytes, numbers, gaps, place]).toEqual([
          1n,
          ...Array(6).fill(undefined),
        ]);
      }
      expect(empty.data.place).toBe(undefined);
      expect(empty.data.gaps).toEqual([undefined, 5n]);
      expect(empty.data.no_such_field).toBe(undefined);
    });
  });

  it("has bigint, bytes, typed arrays and nested structs as they were", async () => {
    await withClient("memory", async (client) => {
      const [{ data }] = await messagesOf(client, Odd, [{
        count: -(2n ** 63n),
        size: 2n ** 64n - 1n,
        bytes: Uint8Array.of(0, 255),
        numbers: [-0, NaN, Infinity],
        gaps: [1, 2n],
        place: { flag: false },
      }]);
      expect([data.count, data.size]).toEqual([
        -9223372036854775808n,
        18446744073709551615n,
      ]);
      expect(data.bytes).toEqual(Uint8Array.of(0, 255));
      expect(data.numbers).toBeInstanceOf(Float64Array);
      expect([...data.numbers]).toEqual([-0, NaN, Infinity]);
      expect(data.gaps).toEqual(BigInt64Array.of(1n, 2n));
      expect([data.place.flag, data.place.x]).toEqual([false, undefined]);
    });
  });

  it("toJSON gives timestamp_ns, topic, ontology and data: exact integers, base64, null for what is missing", async () => {
    await withClient("memory", async (client) => {
      const rows: MessageInput<Odd>[] = [
        {
          count: 2n ** 53n - 1n,
          size: 2n ** 53n,
          text: "ä\n",
          bytes: Uint8Array.of(1, 2, 255),
          numbers: [0.5, NaN],
        },
        {
          count: -(2n ** 53n) + 1n,
          size: 2n ** 64n - 1n,
          gaps: [-(2n ** 53n), null, 7],
          place: { x: 1 },
        },
        { count: -(2n ** 63n), place: { x: null } },
      ];
      const messages = await messagesOf(client, Odd, rows);
      const shape = (i: number, data: unknown) => ({
        timestamp_ns: String(i),
        topic: "a/b",
        ontology: "Odd",
        data,
      });
      const none = {
        size: null,
        text: null,
        bytes: null,
        numbers: null,
        gaps: null,
        place: null,
      };
      const wanted = [
        {
          ...none,
          count: 9007199254740991,
          size: "9007199254740992",
          text: "ä\n",
          bytes: "AQL/",
          numbers: [0.5, "NaN"],
        },
        {
          ...none,
          count: -9007199254740991,
          size: "18446744073709551615",
          gaps: ["-9007199254740992", null, 7],
          place: { x: 1, flag: null },
        },
        { ...none, count: "-9223372036854775808" },
      ];
      expect(messages.map((message) => JSON.parse(JSON.stringify(message))))
        .toEqual(
          wanted.map((data, i) => shape(i, data)),
        );
      expect(Object.keys(messages[0].toJSON())).toEqual([
        "timestamp_ns",
        "topic",
        "ontology",
        "data",
      ]);
      expect(Object.keys(messages[0].toJSON().data)).toEqual(
        Object.keys(none).toSpliced(0, 0, "count"),
      );
      // A part of a message alone says the same.
      expect(JSON.parse(JSON.stringify(messages[1].data))).toEqual(wanted[1]);
      expect(JSON.parse(JSON.stringify(messages[1].data.place))).toEqual({
        x: 1,
        flag: null,
      });
    });
  });
});

describe("Message.getData", () => {
  it("gives the data with the type of the topic's ontology, or of one like it", async () => {
    await withClient("memory", async (client) => {
      const [message] = await messagesOf(client, GPS, [{
        position: { x: 45.5, y: 9.25, z: 122 },
        velocity: { x: 0, y: 0, z: -1 },
      }]);
      const { position, velocity, status } = message.getData(GPS);
      expect([position.x, position.y, position.z, velocity?.z, status]).toEqual(
        [
          45.5,
          9.25,
          122,
          -1,
          undefined,
        ],
      );
      const Same = { ...GPS } as typeof GPS;
      expect(message.getData(Same).position.x).toBe(45.5);
    });
  });

  it("is INVALID_ARGUMENT for another ontology, and names both", async () => {
    await withClient("memory", async (client) => {
      const [message] = await messagesOf(client, GPS, [{ position: { x: 1, y: 2, z: 3 } }]);
      for (const other of ALL.filter((one) => one !== GPS)) {
        const error = await expectError(
          () => message.getData(other),
          "INVALID_ARGUMENT",
          other.tag,
          "its ontology is GPS",
        );
        expect(error.details).toEqual({ sequence: "s", topic: "a/b" });
      }
      // Again, since what was found to fit is remembered.
      expect(message.getData(GPS).position).toBeDefined();
      await expectError(
        () => message.getData(IMU),
        "INVALID_ARGUMENT",
        `topic "a/b" of sequence "s" as IMU`,
      );
      await expectError(
        () => message.getData(undefined as never),
        "INVALID_ARGUMENT",
      );
    });
  });

  it("is INVALID_ARGUMENT for an ontology of the same tag with other columns, whose data is read without it", async () => {
    await withClient("memory", async (client) => {
      const [message] = await messagesOf(client, Odd, [{ count: 5 }]);
      const Other = defineOntology("Odd", { count: float64() });
      await expectError(
        () => message.getData(Other),
        "INVALID_ARGUMENT",
        `as this Odd: field "count" is int64 there, wanted float64`,
      );
      expect(message.data.count).toBe(5n);
    });
  });
});

describe("Message.getData of an ontology that has grown, or asks for less", () => {
  const Old = defineOntology("Ev", {
    a: int64(),
    note: optional(utf8()),
    at: optional(struct({ x: float64(), y: float64() })),
    runs: list(struct({ from: int64(), to: int64() })),
  });
  const row = { a: 5n, at: { x: 1, y: 2 }, runs: [{ from: 1n, to: 2n }] };

  it("reads optional fields that the recording lacks as undefined, at every depth", async () => {
    await withClient("memory", async (client) => {
      const [message] = await messagesOf(client, Old, [row]);
      const New = defineOntology("Ev", {
        b: optional(float64()),
        runs: list(struct({ from: int64(), to: int64(), kind: optional(utf8()) })),
        a: int64(),
        at: optional(struct({ z: optional(float64()), y: float64() })),
      });
      const data = message.getData(New);
      expect([data.b, data.a, data.at?.z, data.at?.y]).toEqual([undefined, 5n, undefined, 2]);
      expect([data.runs[0].kind, data.runs[0].to]).toEqual([undefined, 2n]);
    });
  });

  it("reads a subset, and fields that are nullable in the recording alone", async () => {
    await withClient("memory", async (client) => {
      const [message, without] = await messagesOf(client, Old, [row, { a: 6n, runs: [] }]);
      const Part = defineOntology("Ev", { at: struct({ y: float64() }) });
      expect(message.getData(Part).at.y).toBe(2);
      expect(without.getData(Part).at).toBe(undefined);
      expect(message.toObject(Part).data.at).toEqual({ x: 1, y: 2 });
    });
  });

  it.each([
    ["a field that is missing", { b: utf8() }, `field "b" is missing there, wanted utf8`],
    ["another type", { a: int64(), note: float64() }, `field "note" is utf8 there, wanted float64`],
    ["a value for a struct", { at: float64() }, `field "at" is a struct there, wanted float64`],
    [
      "a field missing in a struct",
      { at: struct({ z: bool() }) },
      `field "at.z" is missing there, wanted bool`,
    ],
    [
      "another type in a list",
      { runs: list(struct({ to: utf8() })) },
      `field "runs[].to" is int64 there, wanted utf8`,
    ],
    ["a list of other items", { runs: list(int64()) }, `field "runs[]" is a struct there, wanted int64`],
  ])("is INVALID_ARGUMENT for %s, and names the first", async (_, fields, text) => {
    await withClient("memory", async (client) => {
      const [message] = await messagesOf(client, Old, [row]);
      const Other = defineOntology("Ev", fields as Record<string, OntologyField>);
      const said = `Cannot read topic "a/b" of sequence "s" as this Ev: ${text}`;
      for (const read of [() => message.getData(Other), () => message.toObject(Other)]) {
        await expectError(read, "INVALID_ARGUMENT", said);
      }
    });
  });
});

describe("a message and its views", () => {
  const pushed = { position: { x: 1, y: 2, z: 3, covariance: [4, 5] }, header: { frame_id: "map" } };

  it("give plain deep copies by toObject", async () => {
    await withClient("memory", async (client) => {
      const [message] = await messagesOf(client, GPS, [pushed]);
      const copy = message.toObject(GPS);
      expect(copy).toStrictEqual({
        timestampNs: 0n,
        topic: "a/b",
        ontologyTag: "GPS",
        data: { ...pushed, position: { ...pushed.position, covariance: Float64Array.of(4, 5) } },
      });
      expect(message.data.position.toObject()).toStrictEqual(copy.data.position);
      expect(structuredClone(copy)).toStrictEqual(copy);
      copy.data.position.covariance![0] = 9;
      expect(message.data.position.covariance[0]).toBe(4);
    });
  });

  it("throw where they are cloned or posted, whole or in part", async () => {
    await withClient("memory", async (client) => {
      const [message] = await messagesOf(client, GPS, [pushed]);
      const { port1, port2 } = new MessageChannel();
      for (const view of [message, message.data, message.data.position, { deep: [message] }]) {
        for (const clone of [() => structuredClone(view), () => port1.postMessage(view)]) {
          expect(clone).toThrow(expect.objectContaining({ name: "DataCloneError" }));
        }
      }
      port1.close();
      port2.close();
    });
  });

  it("have toObject for their only key, so that copies by keys are told apart from plain objects", async () => {
    await withClient("memory", async (client) => {
      const [message] = await messagesOf(client, GPS, [pushed]);
      for (const view of [message, message.data, message.data.position]) {
        expect(Object.keys(view)).toEqual(["toObject"]);
        expect(Object.entries({ ...view })).toEqual([["toObject", view.toObject]]);
        const keys = [];
        for (const key in view) keys.push(key);
        expect(keys).toEqual(["toObject"]);
      }
    });
  });

  it("are pushed as they are; a copy by keys is refused, even where nothing is required", async () => {
    await withClient("memory", async (client) => {
      const [message] = await messagesOf(client, Odd, [{ count: 1, place: { x: 1, flag: true } }]);
      await client.sequenceCreate("again", {}, async (sequence) => {
        const topic = await sequence.topicCreate("t", { ontology: Odd });
        await topic.push({ timestampNs: 1n, data: message.getData(Odd) });
        const place = { ...message.data.place, x: 2 };
        await expectError(
          () => topic.push({ timestampNs: 2n, data: { count: 2, place } }),
          "INVALID_MESSAGE",
          `Field "place" is a copy of a message's view, which has none of its fields: copy its toObject()`,
        );
      });
      for await (const again of (await client.topicHandler("again", "t")).getDataStreamer()) {
        expect(again.toObject().data).toEqual(message.toObject().data);
      }
    });
  });

  it("give a field called toObject its name", async () => {
    await withClient("memory", async (client) => {
      const Own = defineOntology("Own", { toObject: int64(), constructor: utf8() });
      const [message] = await messagesOf(client, Own, [{ toObject: 5, constructor: "c" }]);
      expect([message.data.toObject, message.data.constructor]).toEqual([5n, "c"]);
      expect(message.toObject().data).toEqual({ toObject: 5n, constructor: "c" });
    });
  });
});
