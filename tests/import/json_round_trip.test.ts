import { describe, expect, it } from "vitest";
import { exportJsonLines } from "../../src/export/mod.ts";
import { keepsDecimal } from "../../src/import/json/decimals.ts";
import { importMcap } from "../../src/import/mod.ts";
import type { Client } from "../../src/client.ts";
import { connect } from "../../mod.ts";
import { createServer } from "../../src/flight/server/mod.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { allEngines, clientWith } from "../support/engines.ts";
import { caseRange, failedCase, Random } from "../support/random_cases.ts";
import { writeMcap } from "./mcap_file.ts";

/** A number as its text has it. */
class Numeral {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** JSON with its numbers as they are written. */
type Json = null | boolean | string | Numeral | Json[] | {
  entries: [string, Json][];
};

/** Names that objects have without being given them are among these. */
const KEYS = [
  "a",
  "b",
  "constructor",
  "toString",
  "toObject",
  "toJSON",
  "length",
  "ünï",
  "0",
];

function anySchema(random: Random, depth = 0): Record<string, unknown> {
  if (depth > 0 && random.below(3) > 0) {
    const type = random.pick([
      "integer",
      "number",
      "number",
      "string",
      "boolean",
      "null",
    ]);
    return random.oneIn(6) ? { type: [type, random.pick(["null", "string", "number"])] } : { type };
  }
  if (depth > 0 && random.oneIn(3)) {
    return { type: "array", items: anySchema(random, depth + 1) };
  }
  const keys = random.shuffle([...KEYS]).slice(0, random.below(5));
  return {
    type: "object",
    properties: Object.fromEntries(
      keys.map((key) => [key, anySchema(random, Math.min(depth + 1, 4))]),
    ),
  };
}

/** A message of a schema, or nearly. */
function anyMessage(random: Random, schema: Record<string, unknown>): Json {
  if (random.oneIn(12)) return null;
  if (random.oneIn(25)) return anyMessage(random, anySchema(random, 2));
  const { type } = schema as { type: string | string[] };
  switch (Array.isArray(type) ? random.pick(type) : type) {
    case "integer":
      return random.oneIn(10) ? anyNumber(random) : anyInteger(random);
    case "number":
      return anyNumber(random);
    case "string":
      return random.pick([
        "",
        "x",
        "NaN",
        "1700000000.123456789",
        "\u0000\u2028",
        "🚗",
        "\ud800",
        "null",
      ]);
    case "boolean":
      return random.oneIn(2);
    case "array":
      return Array.from(
        { length: random.below(4) },
        () => anyMessage(random, schema.items as never),
      );
    case "object": {
      const properties = Object.entries(
        schema.properties as Record<string, never>,
      );
      const entries = properties.filter(() => random.below(4) > 0)
        .map((
          [key, schema],
        ): [string, Json] => [key, anyMessage(random, schema)]);
      if (random.oneIn(4)) random.shuffle(entries);
      if (random.oneIn(40)) entries.push(["__proto__", { entries: [] }]);
      return { entries };
    }
    default:
      return null;
  }
}

const digits = (random: Random, count: number) =>
  Array.from({ length: count }, () => random.below(10)).join("").replace(
    /^0+(?=\d)/,
    "",
  );

function anyInteger(random: Random): Numeral {
  const sign = random.oneIn(3) ? "-" : "";
  return new Numeral(
    sign + digits(random, 1 + random.below(random.oneIn(3) ? 21 : 16)),
  );
}

function anyNumber(random: Random): Numeral {
  const float = (random.below(2 ** 31) / 2 ** 31 - 0.5) *
    10 ** (random.below(40) - 20);
  switch (random.below(7)) {
    case 0:
      return anyInteger(random);
    case 1:
      return new Numeral(JSON.stringify(float));
    case 2:
      return new Numeral(
        float.toPrecision(17).replace("+", random.pick(["+", ""])),
      );
    case 3:
      return new Numeral(
        random.pick([
          "-0",
          "-0.0",
          "0e5",
          "1.50",
          "1E5",
          "1e400",
          "-1e-400",
          "5e-324",
          "1e22",
        ]),
      );
    case 4:
      return new Numeral(`1700000000.${digits(random, 1 + random.below(9))}`);
    default: {
      const exponent = random.oneIn(3) ? `e${random.below(40) - 20}` : "";
      return new Numeral(
        `${digits(random, 1 + random.below(9))}.${random.below(10 ** random.below(10))}${exponent}`,
      );
    }
  }
}

function textOf(json: Json): string {
  if (json instanceof Numeral) return json.text;
  if (Array.isArray(json)) return `[${json.map(textOf).join(", ")}]`;
  if (typeof json !== "object" || json === null) return JSON.stringify(json);
  return `{${json.entries.map(([key, value]) => `${JSON.stringify(key)}: ${textOf(value)}`).join()}}`;
}

/** Why a line does not say what a message says; undefined where it does, as far as the documentation promises. */
function difference(
  json: Json | undefined,
  out: unknown,
  path = "",
): string | undefined {
  const differs = `${path}: ${json === undefined ? "missing" : textOf(json)} came out as ${
    JSON.stringify(out)
  }`;
  // A key that is missing is null.
  if (json === undefined || json === null) {
    return out === null ? undefined : differs;
  }
  if (json instanceof Numeral) {
    return isSame(json.text, out) ? undefined : differs;
  }
  if (Array.isArray(json)) {
    if (!Array.isArray(out) || out.length !== json.length) return differs;
    return json.map((item, i) => difference(item, out[i], `${path}[${i}]`))
      .find((found) => found);
  }
  if (typeof json !== "object") return json === out ? undefined : differs;
  if (typeof out !== "object" || out === null || Array.isArray(out)) {
    return differs;
  }
  const values = new Map(json.entries);
  for (const key of values.keys()) {
    if (!Object.hasOwn(out, key)) return `${differs}, without ${key}`;
  }
  return Object.entries(out).map(([key, value]) => difference(values.get(key), value, `${path}.${key}`))
    .find((found) => found);
}

/** Whether it is the same number: integers beyond 2^53 may be text, and 0 has no sign. */
function isSame(text: string, out: unknown): boolean {
  if (typeof out === "string") {
    return /^-?\d+$/.test(text) && BigInt(text) === BigInt(out);
  }
  return typeof out === "number" && Number(text) === out && keepsDecimal(text);
}

async function linesOf(client: Client): Promise<string[]> {
  const chunks: Uint8Array[] = [];
  const sink = new WritableStream<Uint8Array>({
    write: (bytes) => void chunks.push(bytes.slice()),
  });
  await exportJsonLines(await client.sequenceHandler("s"), sink);
  return (await new Blob(chunks as BlobPart[]).text()).trimEnd().split("\n");
}

describe("JSON messages that are imported and exported as JSON lines", () => {
  const { cases, seed } = caseRange(150);

  it(`are the same, or kept in _json, whatever they are (seed ${seed})`, async () => {
    const engines = await allEngines();
    let whole = 0;
    for (let i = 0; i < cases; i++) {
      const random = new Random(seed + i);
      const schema = anySchema(random);
      const messages = Array.from(
        { length: 1 + random.below(12) },
        (): Json => {
          const message = anyMessage(random, schema);
          return message ?? { entries: [] };
        },
      );
      const file = await writeMcap(async (file) => {
        const channel = await file.json("t", schema);
        for (const [i, message] of messages.entries()) {
          await file.message(channel, BigInt(i), textOf(message));
        }
      });
      try {
        const store = new MemoryStore();
        for (const [i, engine] of engines.entries()) {
          const client = clientWith(engine, store);
          if (i === 0) {
            const integers = random.pick(["bigint", "number"] as const);
            await importMcap(client, new Blob([file as BlobPart]).stream(), {
              name: "s",
              integers,
            });
          }
          const lines = await linesOf(client);
          expect(lines.length).toBe(messages.length);
          messages.forEach((message, k) => {
            const { data } = JSON.parse(lines[k]);
            if (data._json !== undefined) {
              return expect(data._json).toBe(textOf(message));
            }
            whole++;
            expect(difference(message, data)).toBe(undefined);
          });
        }
      } catch (reason) {
        throw failedCase(
          seed + i,
          "tests/import/json_round_trip.test.ts",
          reason,
        );
      }
    }
    // The test would say nothing of columns were all in _json.
    if (cases >= 100) expect(whole).toBeGreaterThan(cases);
  });

  it("tell an empty object from null, at every depth and on every way", async () => {
    const schema = {
      type: "object",
      properties: {
        o: {
          properties: {
            x: { type: "number" },
            p: { properties: { y: { type: "string" } } },
          },
        },
        l: { type: "array", items: { properties: { x: { type: "number" } } } },
      },
    };
    const messages = [
      `{"o":{"x":null,"p":{"y":null}},"l":[{"x":null},null]}`,
      `{"o":{"x":null,"p":null},"l":[]}`,
      `{"o":null,"l":null}`,
      `{"o":{"x":1,"p":null},"l":[null,{"x":2}]}`,
    ];
    const plain = [
      { o: { p: {} }, l: [{}, undefined] },
      { o: {}, l: [] },
      {},
      { o: { x: 1 }, l: [undefined, { x: 2 }] },
    ];
    const file = await writeMcap(async (file) => {
      const channel = await file.json("t", schema);
      for (const [i, message] of messages.entries()) {
        await file.message(channel, BigInt(i), message);
      }
    });
    const store = new MemoryStore();
    const engines = await allEngines();
    await importMcap(
      clientWith(engines[0], store),
      new Blob([file as BlobPart]).stream(),
      { name: "s" },
    );
    const check = async (client: Client) => {
      const lines = (await linesOf(client)).map((line) => JSON.stringify(JSON.parse(line).data));
      expect(lines).toEqual(messages);
      const handler = await client.topicHandler("s", "t");
      const found: unknown[] = [];
      const seen: unknown[] = [];
      for await (const message of handler.getDataStreamer()) {
        found.push(message.toObject().data);
        const { o, l } = message.data;
        seen.push([
          o === undefined,
          o?.p === undefined,
          l?.map((item?: object) => item === undefined),
        ]);
      }
      expect(found).toEqual(plain);
      expect(seen).toEqual([
        [false, false, [false, true]],
        [false, true, []],
        [true, true, undefined],
        [false, true, [true, false]],
      ]);
      const table = await handler.getDataStreamer().toTable();
      const column = table.getChild("o")!;
      expect([0, 1, 2, 3].map((row) => column.isValid(row))).toEqual([
        true,
        true,
        false,
        true,
      ]);
    };
    for (const engine of engines) await check(clientWith(engine, store));
    await using server = await createServer(clientWith(engines[0], store), {
      port: 0,
    });
    await using remote = await connect(server.url);
    await check(remote);
  });
});
