import * as arrow from "apache-arrow";
import { describe, expect, it } from "vitest";
import {
  type Client,
  connect,
  decimal,
  defineOntology,
  type Infer,
  list,
  optional,
  struct,
  utf8,
} from "../../mod.ts";
import { errorOf } from "../flight/support.ts";
import { decimalFromArrow } from "../support/from_arrow.ts";

const Trade = defineOntology("Trade", {
  price: decimal(10, 2),
  fee: optional(decimal(50, 40)),
  lots: list(decimal(5, -2)),
  side: struct({ best: optional(decimal(6, 3)) }),
});
type Trade = Infer<typeof Trade>;

const ROWS = [
  { price: "1.5", fee: "1e-40", lots: [1200, "4.5e3"], side: { best: 0.125 } },
  { price: 2n, fee: null, lots: [], side: { best: "-7" } },
  { price: -0.01, fee: undefined, lots: [0n], side: {} },
];
const READ: Trade[] = [
  { price: "1.50", fee: `0.${"0".repeat(39)}1`, lots: ["1200", "4500"], side: { best: "0.125" } },
  { price: "2.00", lots: [], side: { best: "-7.000" } },
  { price: "-0.01", lots: ["0"], side: {} },
] as Trade[];

async function withTrades<R>(body: (client: Client) => Promise<R>): Promise<R> {
  await using client = await connect("memory:");
  await client.sequenceCreate("day", {}, async (sequence) => {
    const topic = await sequence.topicCreate("trades", { ontology: Trade });
    for (const [i, data] of ROWS.entries()) await topic.push({ timestampNs: BigInt(i), data });
  });
  return await body(client);
}

describe("decimals", () => {
  it("are pushed as text, bigint and number, and read as exact text, in JSON too", () =>
    withTrades(async (client) => {
      const topic = await client.topicHandler("day", "trades");
      const rows: unknown[] = [];
      const again: unknown[] = [];
      for await (const message of topic.getDataStreamer()) {
        rows.push(message.toObject(Trade).data);
        again.push(Trade.fromJson(JSON.parse(JSON.stringify(message))).data);
      }
      expect(rows).toEqual(READ);
      expect(again).toEqual(READ);
    }));

  it("are refused where they do not fit, by the field's name", () =>
    withTrades(async (client) => {
      await client.sequenceCreate("more", {}, async (sequence) => {
        const topic = await sequence.topicCreate("trades", { ontology: Trade });
        const push = (data: object) =>
          errorOf(() => topic.push({ timestampNs: 0n, data: { ...ROWS[0], ...data } }));
        expect((await push({ price: "1.005" })).rawMessage).toContain(
          `Field "price" is "1.005": wanted decimal128(10, 2) (10 digits, 2 of them after the point), as text, bigint or number`,
        );
        expect((await push({ price: 10n ** 8n })).code).toBe("INVALID_MESSAGE");
        expect((await push({ lots: [1, 150] })).rawMessage).toContain(`Field "lots[0]" is 1`);
        expect((await push({ side: { best: NaN } })).rawMessage).toContain(`Field "side.best" is NaN`);
        await topic.push({ timestampNs: 0n, data: ROWS[0] });
      });
      expect(() => decimal(0)).toThrowError(RangeError);
      expect(() => decimal(77)).toThrowError(RangeError);
      expect(() => decimal(5, 128)).toThrowError(RangeError);
    }));

  it("are found by queries that compare them exactly", () =>
    withTrades(async (client) => {
      const found = async (condition: Parameters<Client["query"]>[0]["ontology"]) =>
        (await client.query({ ontology: condition })).length;
      const { price, lots, side, fee } = Trade.q;
      expect(await found(price.eq(1.5))).toBe(1);
      expect(await found(price.eq(1.51))).toBe(0);
      expect(await found(price.between(-0.01, -0.01))).toBe(1);
      expect(await found(price.gt(2))).toBe(0);
      expect(await found(price.geq(2n))).toBe(1);
      expect(await found(lots.any.eq(4500))).toBe(1);
      expect(await found(side.best.lt(-6.999))).toBe(1);
      expect(await found(fee.gt(0).and(fee.lt(1e-39)))).toBe(1);
      expect(await found(fee.lt(0))).toBe(0);
      expect(await found(lots.eq([1200, 4500n]))).toBe(1);
      expect(await found(lots.eq([1200]))).toBe(0);
    }));

  it("are held on a clock, and no line is drawn through them", () =>
    withTrades(async (client) => {
      const handler = await client.sequenceHandler("day");
      const fields = (policy: "hold" | "linear") => ({ price: { topic: "trades", field: "price", policy } });
      const rows: unknown[] = [];
      const streamer = handler.getSyncStreamer({ fields: fields("hold"), periodNs: 1n });
      for await (const { values } of streamer) rows.push(values.price);
      expect(rows).toEqual(["1.50", "2.00", "-0.01"]);
      const error = await errorOf(async () => {
        for await (const _ of handler.getSyncStreamer({ fields: fields("linear"), periodNs: 1n }));
      });
      expect(error.message).toContain("it is decimal128(10, 2), wanted a number");
    }));

  it("come in Tables, and out of them", () =>
    withTrades(async (client) => {
      const table = await (await client.topicHandler("day", "trades")).getDataStreamer().toTable();
      const price = table.getChild("price")!;
      expect(String(price.type)).toBe("Decimal[10e+2]");
      const texts = Array.from(price, (value) => decimalFromArrow(value as Uint32Array, 128, 2));
      expect(texts).toEqual(["1.50", "2.00", "-0.01"]);
      await client.sequenceCreate("copy", {}, async (sequence) => {
        const topic = await sequence.topicCreate("trades", { ontology: Trade });
        for (const batch of table.batches) await topic.pushBatch(batch);
      });
      const rows: unknown[] = [];
      for await (const message of (await client.topicHandler("copy", "trades")).getDataStreamer()) {
        rows.push(message.toObject(Trade).data);
      }
      expect(rows).toEqual(READ);
    }));
});

describe("pushBatch", () => {
  const Words = defineOntology("Words", { word: optional(utf8()), words: list(utf8()) });

  it("takes dictionaries for what they stand for", async () => {
    await using client = await connect("memory:");
    const dictionary = () => new arrow.Dictionary(new arrow.Utf8(), new arrow.Int16());
    const table = new arrow.Table({
      timestamp_ns: arrow.vectorFromArray([2n, 1n, 3n], new arrow.Int64()),
      word: arrow.vectorFromArray(["b", "a", null], dictionary()),
      words: arrow.vectorFromArray(
        [["x"], [], ["y", "x"]],
        new arrow.List(new arrow.Field("item", dictionary(), true)),
      ),
    });
    await client.sequenceCreate("s", {}, async (sequence) => {
      const topic = await sequence.topicCreate("t", { ontology: Words });
      for (const batch of table.batches) await topic.pushBatch(batch);
    });
    const rows: unknown[] = [];
    for await (const { data } of (await client.topicHandler("s", "t")).getDataStreamer()) {
      rows.push([data.word, data.words]);
    }
    expect(rows).toEqual([["a", []], ["b", ["x"]], [undefined, ["y", "x"]]]);
  });
});
