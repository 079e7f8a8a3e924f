import { describe, expect, it } from "vitest";
import { connect, defineOntology, optional, utf8 } from "../../mod.ts";
import { bytesOf, type Columns } from "../../src/arrow/columns.ts";
import { encodeDictionaryBatch } from "../../src/arrow/encode.ts";
import { decodeSchemaMessage } from "../../src/arrow/decode.ts";
import { decodeBatch, MessageType } from "../../src/engine/batch_message.ts";
import { fromFlight, toFlight } from "../../src/flight/ipc.ts";
import { type FieldSchema, TIMESTAMP_FIELD, typeName } from "../../src/schema.ts";
import { act as actOn, beginTopic, command, put, type Served, serving, statusOf, upload } from "./support.ts";

const none = new Uint8Array(0);
const times = (...ns: bigint[]) => bytesOf(BigInt64Array.from(ns));
const utf8Values = (...texts: string[]): Columns => {
  const parts = texts.map((text) => new TextEncoder().encode(text));
  const offsets = [0];
  for (const { length } of parts) offsets.push(offsets.at(-1)! + length);
  const data = new Uint8Array(offsets.at(-1)!);
  parts.forEach((part, i) => data.set(part, offsets[i]));
  return {
    rows: texts.length,
    nodes: [texts.length, 0],
    buffers: [none, bytesOf(Int32Array.from(offsets)), data],
  };
};

const word: FieldSchema = {
  name: "word",
  type: { kind: "utf8", offsets: 32 },
  nullable: true,
  children: [],
  dictionary: { id: 3n, index: { bits: 8, signed: true } },
};
const DICTIONARY = [TIMESTAMP_FIELD, word];
const text: FieldSchema = { name: "text", type: { kind: "utf8View" }, nullable: true, children: [] };

/** Rows whose words are at places of a dictionary. */
function words(firstNs: bigint, indices: number[]): Columns {
  const rows = indices.length;
  const at = indices.map((_, i) => firstNs + BigInt(i));
  return {
    rows,
    nodes: [rows, 0, rows, 0],
    buffers: [none, times(...at), none, bytesOf(Int8Array.from(indices))],
  };
}

/** Rows that have one view each, all of the same bytes. */
function views(rows: number, data: Uint8Array, length = data.length): Columns {
  const places = new Int32Array(4 * rows);
  for (let row = 0; row < rows; row++) places.set([length, 0, 0, 0], 4 * row);
  const at = Array.from({ length: rows }, (_, i) => BigInt(i));
  return {
    rows,
    nodes: [rows, 0, rows, 0],
    buffers: [none, times(...at), none, bytesOf(places), data],
    variadic: [1],
  };
}

const dictionary = (...texts: string[]) => toFlight(encodeDictionaryBatch(3n, utf8Values(...texts)));

/** What an upload ends with. */
async function uploaded(
  { act, flight }: Served,
  fields: readonly FieldSchema[],
  batches: Parameters<typeof upload>[2],
): Promise<string> {
  const { descriptor, session } = await beginTopic(act);
  const status = await statusOf(() => put(flight, upload(descriptor, fields, batches)));
  if (status === "ok") await act("session_finalize", { session_uuid: session });
  return status;
}

async function wordsIn({ client }: Served): Promise<unknown[]> {
  const handler = await client.topicHandler("drive", "value");
  const rows: unknown[] = [];
  for await (const { data } of handler.getDataStreamer()) rows.push(data.word);
  return rows;
}

describe("An upload of columns in encodings", () => {
  it("is stored plain, says what it was, and goes back as it came", () =>
    serving({}, async (served) => {
      const { client, server, flight } = served;
      expect(
        await uploaded(served, DICTIONARY, [
          dictionary("left", "right"),
          words(0n, [1, 0]),
          dictionary("front"),
          words(2n, [0]),
        ]),
      ).toBe("ok");
      expect(await wordsIn(served)).toEqual(["right", "left", "front"]);
      const [, field] = (await client.topicHandler("drive", "value")).fields;
      expect([typeName(field), field.metadata]).toEqual(["utf8", {
        "smalti:arrow_type": "dictionary[int8]",
      }]);
      expect(await (await client.topicHandler("drive", "value")).verify()).toEqual([]);

      // To others than our own clients.
      const { endpoint } = await flight.rpc.getFlightInfo(command({ resource_locator: "drive/value" }));
      const messages = [];
      for await (const data of flight.rpc.doGet({ ticket: endpoint[0].ticket!.ticket })) {
        messages.push(fromFlight(data));
      }
      expect(messages.map(({ type }) => type)).toEqual([
        MessageType.schema,
        MessageType.dictionaryBatch,
        MessageType.recordBatch,
      ]);
      const [, sent] = decodeSchemaMessage(messages[0].message).fields;
      expect([typeName(sent), sent.dictionary?.index, sent.metadata]).toEqual([
        "dictionary<utf8>",
        { bits: 8, signed: true },
        undefined,
      ]);
      await using remote = await connect(server.url);
      expect(await wordsIn({ ...served, client: remote })).toEqual(["right", "left", "front"]);
    }));

  it("is read by an ontology of plain types", () =>
    serving({}, async (served) => {
      await uploaded(served, DICTIONARY, [dictionary("a"), words(0n, [0, 0])]);
      const handler = await served.client.topicHandler("drive", "value");
      const Own = defineOntology(handler.ontologyTag, { word: optional(utf8()) });
      for await (const message of handler.getDataStreamer()) expect(message.getData(Own).word).toBe("a");
    }));

  it("is refused where it names what is not there", async () => {
    const refused: [string, readonly FieldSchema[], Parameters<typeof upload>[2]][] = [
      ["dictionary 3, which is not there", DICTIONARY, [words(0n, [0])]],
      ['Column "word" of type dictionary<utf8> has row 1 at 2 of a dictionary of 2', DICTIONARY, [
        dictionary("a", "b"),
        words(0n, [1, 2]),
      ]],
      ['"word" of type dictionary<utf8> has row 0 at -1', DICTIONARY, [dictionary("a"), words(0n, [-1])]],
      ["Dictionary 3 is no column's", [TIMESTAMP_FIELD, text], [dictionary("a")]],
      ['Column "text" of type utf8_view has row 0', [TIMESTAMP_FIELD, text], [
        views(1, new Uint8Array(20), 21),
      ]],
      ['Column "text" holds text that is not UTF-8', [TIMESTAMP_FIELD, text], [
        views(1, new Uint8Array(20).fill(255)),
      ]],
    ];
    for (const [status, fields, batches] of refused) {
      await serving({}, async (served) => {
        const seen = await uploaded(served, fields, batches);
        expect(seen).toMatch(/^\[invalid_argument\] Cannot upload topic "drive\/value"/);
        expect(seen).toContain(status);
      });
    }
  });

  it("is refused where it stands for more than four times what a message may have, before that is made", () =>
    serving({ maxMessageBytes: 100_000 }, async (served) => {
      const seen = await uploaded(served, [TIMESTAMP_FIELD, text], [views(1000, new Uint8Array(10_000))]);
      expect(seen).toMatch(/^\[resource_exhausted\] .*Column "text" takes more than 400000 bytes/);
      expect(await statusOf(() => actOn(served.flight, "sequence_delete", { locator: "drive" }))).toBe("ok");
      expect(await uploaded(served, [TIMESTAMP_FIELD, text], [views(30, new Uint8Array(10_000).fill(97))]))
        .toBe("ok");
    }));

  it("is refused where dictionaries of all uploads hold too much, and lets go of them", () =>
    serving({ maxBufferedBytes: 100_000 }, async (served) => {
      const large = () => dictionary("x".repeat(30_000));
      // One takes the other's place: two are held for a moment.
      expect(await uploaded(served, DICTIONARY, [large(), large(), large(), words(0n, [0])])).toBe("ok");
      const { act } = served;
      await act("sequence_delete", { locator: "drive" });
      expect(
        await uploaded(served, DICTIONARY, [dictionary("x".repeat(90_000)), dictionary("y".repeat(90_000))]),
      )
        .toMatch(/^\[resource_exhausted\] .*dictionaries of \d+ bytes are more than the server has left/);
      await act("sequence_delete", { locator: "drive" });
      for (let i = 0; i < 5; i++) {
        expect(await uploaded(served, DICTIONARY, [large(), words(0n, [0])])).toBe("ok");
        await act("sequence_delete", { locator: "drive" });
      }
    }));

  it("goes out in parts whose dictionaries fit their indices", () =>
    serving({}, async (served) => {
      const batches = Array.from({ length: 4 }, (_, batch) => [
        dictionary(...Array.from({ length: 100 }, (_, i) => `${batch}/${i}`)),
        words(BigInt(100 * batch), Array.from({ length: 100 }, (_, i) => i)),
      ]).flat();
      expect(await uploaded(served, DICTIONARY, batches)).toBe("ok");
      const { flight } = served;
      const { endpoint } = await flight.rpc.getFlightInfo(command({ resource_locator: "drive/value" }));
      const rows: number[] = [];
      for await (const data of flight.rpc.doGet({ ticket: endpoint[0].ticket!.ticket })) {
        const { type, message } = fromFlight(data);
        if (type === MessageType.recordBatch) rows.push(decodeBatch(message).rows);
      }
      expect(rows).toEqual([100, 100, 100, 100]);
    }));
});
