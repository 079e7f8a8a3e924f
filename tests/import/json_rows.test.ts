import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createJsEngine } from "../../src/engine/js.ts";
import { StructBuilder } from "../../src/arrow/builder.ts";
import { openDecoder } from "../../src/import/decoders.ts";
import { columnsOfJsonSchema, type JsonColumns } from "../../src/import/json/json_schema.ts";
import { JSON_FIELD } from "../../src/import/json/json_text_decoder.ts";
import type { DecoderOptions, Row } from "../../src/import/message_decoder.ts";
import { parseJson } from "../../src/import/json/json_values.ts";
import type { FieldSchema } from "../../src/schema.ts";
import { connect } from "../../mod.ts";
import { encode, readTopic } from "./mcap_file.ts";

const schema = {
  type: "object",
  properties: {
    i: { type: "integer" },
    f: { type: "number" },
    s: { type: "string" },
    b: { type: "boolean" },
    n: { type: "null" },
    o: {
      type: "object",
      properties: {
        i: { type: "integer" },
        o: { properties: { s: { type: "string" } } },
      },
    },
    l: { type: "array", items: { type: "number" } },
    lo: { type: "array", items: { properties: { i: { type: "integer" } } } },
    any: {},
    constructor: { type: "integer" },
  },
};

/** Messages through columns and back: what the columns give, and `_json`. */
async function roundTrip(
  messages: readonly (string | Uint8Array)[],
  { of = schema as unknown, integers = "bigint" as DecoderOptions["integers"] } = {},
): Promise<{ rows: Row[]; misfitCount: number }> {
  await using client = await connect("memory:");
  const sequence = await client.sequenceCreate("s");
  const decoder = await openDecoder({
    encoding: "json",
    schema: { name: "t", encoding: "jsonschema", data: encode(JSON.stringify(of)) },
  }, { engine: createJsEngine(), reserved: [], integers });
  const writer = await sequence.topicCreate<Row>("t", {
    ontology: { tag: "t", format: "default", fields: decoder.fields },
  });
  messages.forEach((message, i) =>
    decoder.push(writer, BigInt(i), typeof message === "string" ? encode(message) : message, undefined)
  );
  await sequence.finalize();
  const rows = (await readTopic(client, "s", "t")).map(({ data }) => data);
  return { rows, misfitCount: decoder.misfitCount };
}

/** The columns of {@linkcode roundTrip}; undefined where it has none. */
function columnsOf(schema: unknown): JsonColumns | undefined {
  const columns = columnsOfJsonSchema(schema, [JSON_FIELD.name]);
  return columns && columns.fields.length > 0 ? columns : undefined;
}

describe("JsonDecoder", () => {
  it.each<[string, Row]>([
    ["{}", {}],
    [`{"i":1,"f":2,"s":"x","b":true,"n":null}`, {
      i: 1n,
      f: 2,
      s: "x",
      b: true,
    }],
    [`{"i":9223372036854775807}`, { i: 9223372036854775807n }],
    [`{"i":-9223372036854775808}`, { i: -9223372036854775808n }],
    [`{"i":9007199254740993,"f":9007199254740992}`, {
      i: 9007199254740993n,
      f: 9007199254740992,
    }],
    [`{"i":1.0}`, { i: 1n }],
    [`{"f":1e300}`, { f: 1e300 }],
    [`{"f":-0.10000000000000001,"l":[1.50,0.1]}`, { f: -0.1, l: Float64Array.of(1.5, 0.1) }],
    [`{"s":"\\u0000\\ud83d\\ude97 ü"}`, { s: "\0🚗 ü" }],
    [`{"o":{"i":1,"o":{"s":"x"}}}`, { o: { i: 1n, o: { s: "x" } } }],
    [`{"o":{}}`, { o: {} }],
    [`{"o":null}`, {}],
    [`{"o":{"i":null,"o":{"s":null}}}`, { o: { o: {} } }],
    [`{"o":{"i":null,"o":null}}`, { o: {} }],
    [`{"lo":[{},null,{"i":null}]}`, { lo: [{}, undefined, {}] }],
    [`{"l":[],"lo":[]}`, { l: new Float64Array(), lo: [] }],
    [`{"l":[1,2.5]}`, { l: Float64Array.of(1, 2.5) }],
    [`{"l":[1,null]}`, { l: [1, undefined] }],
    [`{"lo":[{"i":1},null,{"i":17000000000000000001}]}`.replace("17", "1"), {
      lo: [{ i: 1n }, undefined, { i: 1000000000000000001n }],
    }],
    [`{"constructor":5}`, { constructor: 5n }],
    [` { "i" : 1 } `, { i: 1n }],
    [`{"i":1,"i":2}`, { i: 2n }],
  ])("holds %s in columns alone", async (message, expected) => {
    // Between messages that fit and messages that do not: either may change how the next is taken.
    const { rows, misfitCount } = await roundTrip([
      message,
      `{"zzz":1}`,
      message,
      `{"i":7}`,
      message,
    ]);
    for (const row of [rows[0], rows[2], rows[4]]) {
      expect(row).toEqual(expected);
    }
    expect(misfitCount).toBe(1);
  });

  it.each<[string, Row]>([
    [`{"i":1.5,"f":2}`, { f: 2 }],
    [`{"i":9223372036854775808,"s":"x"}`, { s: "x" }],
    [`{"i":1e30}`, {}],
    [`{"i":"1"}`, {}],
    [`{"i":true}`, {}],
    [`{"f":1700000000.123456789,"i":1}`, { f: 1700000000.1234567, i: 1n }],
    [`{"l":[0.5,-0.1234567890123456789]}`, { l: Float64Array.of(0.5, -0.12345678901234568) }],
    [`{"f":9007199254740993,"b":false}`, { b: false }],
    [`{"f":1e400}`, {}],
    [`{"f":1e-400}`, {}],
    [`{"f":"nan"}`, {}],
    [`{"f":"1"}`, {}],
    [`{"i":"NaN"}`, {}],
    [`{"i":"7"}`, {}],
    [`{"i":"9007199254740991"}`, {}],
    [`{"i":"9223372036854775808"}`, {}],
    [`{"s":5}`, {}],
    [`{"s":"\\ud800","i":1}`, { i: 1n }],
    [`{"b":0}`, {}],
    [`{"n":0,"i":1}`, { i: 1n }],
    [`{"o":[]}`, {}],
    [`{"o":{"i":1,"x":2}}`, { o: { i: 1n } }],
    [`{"o":{"i":1,"o":{"s":5}}}`, { o: { i: 1n, o: {} } }],
    [`{"l":{}}`, {}],
    [`{"l":{"length":2},"i":1}`, { i: 1n }],
    [`{"lo":{"0":{"i":5},"length":1}}`, {}],
    [`{"l":[1,"x",3]}`, { l: [1, undefined, 3] }],
    [`{"lo":[{"i":1,"j":2},5]}`, { lo: [{ i: 1n }, undefined] }],
    [`{"any":1,"i":1}`, { i: 1n }],
    [`{"any":null}`, {}],
    [`{"unknown":null}`, {}],
    [`{"_json":"x","i":1}`, { i: 1n }],
    [`{"_json":null}`, {}],
    [`{"timestamp_ns":5}`, {}],
    [`{"__proto__":{"i":5}}`, {}],
    [`{"__proto__":{"i":5},"i":1700000000123456789}`, {}],
    [`{"toString":1,"constructor":2}`, { constructor: 2n }],
    [`[{"i":1}]`, {}],
    [`5`, {}],
    [`"text"`, {}],
    [`null`, {}],
    [`1700000000123456789`, {}],
    [`{"i":1`, {}],
    [`{'i':1}`, {}],
    [`\ufeff{"i":1}`, {}],
    [``, {}],
    [
      `{"any":${"[".repeat(50_000)}1700000000123456789${"]".repeat(50_000)}}`,
      {},
    ],
  ])("keeps %s whole in _json", async (message, expected) => {
    const { rows, misfitCount } = await roundTrip([
      message,
      `{"i":7}`,
      message,
      message,
    ]);
    for (const row of [rows[0], rows[2], rows[3]]) {
      expect(row).toEqual({ ...expected, _json: message });
    }
    expect(rows[1]).toEqual({ i: 7n });
    expect(misfitCount).toBe(3);
  });

  it.each([
    [`{"f":"NaN"}`, { f: NaN }],
    [`{"l":[1,"Infinity","-Infinity"]}`, { l: [1, Infinity, -Infinity] }],
    [`{"i":"9007199254740992"}`, { i: 9007199254740992n }],
    [`{"i":"-9223372036854775808"}`, { i: -(2n ** 63n) }],
  ])("takes the texts of %s for numbers, as exports write them", async (message, expected) => {
    const { rows, misfitCount } = await roundTrip([message]);
    expect(rows.map((row) => ({ ...row, ...(row.l !== undefined && { l: [...row.l as number[]] }) })))
      .toEqual([
        expected,
      ]);
    expect(misfitCount).toBe(0);
  });

  it("keeps a message nested beyond the stack whole in _json", async () => {
    const nested = (inner: string) => `{"any":${"[".repeat(50_000)}${inner}${"]".repeat(50_000)},"i":1}`;
    const messages = [nested("1"), nested("1700000000123456789")];
    const { rows } = await roundTrip(messages);
    rows.forEach(({ _json }, i) => expect(_json === messages[i]).toBe(true));
  });

  it("keeps bytes that are no text as a data URL", async () => {
    const bytes = Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d);
    const { rows } = await roundTrip([bytes, `{"i":1}`]);
    expect(rows).toEqual([{
      _json: "data:application/octet-stream;base64,e//+fQ==",
    }, { i: 1n }]);
  });

  it("keeps every message in _json where that is the only column", async () => {
    const messages = [`{"i":1}`, `x`, ` 5 `, `1700000000123456789`];
    const { rows } = await roundTrip(messages, { of: true });
    expect(rows).toEqual(messages.map((text) => ({ _json: text })));
  });

  it("moves fields that are in the way, and takes no other for them", async () => {
    const of = {
      type: "object",
      properties: {
        timestamp_ns: { type: "integer" },
        _json: { type: "string" },
      },
    };
    const messages = [
      `{"timestamp_ns":1700000000123456789,"_json":"x"}`,
      `{"timestamp_ns_":5,"_json":"x"}`,
      `{"_json":{},"timestamp_ns":3}`,
    ];
    const { rows } = await roundTrip(messages, { of });
    expect(rows).toEqual([
      { timestamp_ns_: 1700000000123456789n, _json_: "x" },
      { _json_: "x", _json: messages[1] },
      { timestamp_ns_: 3n, _json: messages[2] },
    ]);
  });

  it("makes numbers of integers where it is told to, and keeps in _json what is none exactly", async () => {
    const of = {
      type: "object",
      properties: {
        lat: { type: "integer" },
        o: { type: "object", properties: { i: { enum: [1, 2] } } },
        l: { type: "array", items: { type: "integer" } },
      },
    };
    const beyond = `{"lat":9007199254740993,"l":[1]}`;
    const { rows, misfitCount } = await roundTrip([
      `{"lat":473977418,"o":{"i":2},"l":[1,-9007199254740992]}`,
      beyond,
      `{"lat":1.5}`,
    ], { of, integers: "number" });
    expect(rows).toEqual([
      { lat: 473977418, o: { i: 2 }, l: Float64Array.of(1, -9007199254740992) },
      { l: Float64Array.of(1), _json: beyond },
      { lat: 1.5 },
    ]);
    expect((rows[0].lat as number) * 1e-7).toBeCloseTo(47.3977418, 9);
    expect(misfitCount).toBe(1);
  });

  it("loses nothing of any message under any schema", async () => {
    await fc.assert(
      fc.asyncProperty(
        anySchema,
        fc.array(anyMessage, { minLength: 1, maxLength: 8 }),
        fc.constantFrom("bigint" as const, "number" as const),
        async (of, messages, integers) => {
          const columns = columnsOf(of);
          const { rows } = await roundTrip(messages, { of, integers });
          rows.forEach((row, i) => {
            const { _json, ...data } = row;
            if (_json === undefined) {
              expect(comparable(unrename(data, columns?.renamed))).toEqual(
                comparable(parseJson(messages[i]).value),
              );
            } else expect(_json).toBe(messages[i]);
            // And what the columns hold is right in both cases.
            expectPart(
              unrename(data, columns?.renamed),
              parseJson(messages[i]).value,
            );
          });
        },
      ),
      { numRuns: 400 },
    );
  });

  it("keeps in _json only what the columns cannot hold", async () => {
    await fc.assert(
      fc.asyncProperty(
        anySchema,
        fc.array(anyMessage, { minLength: 1, maxLength: 8 }),
        async (of, messages) => {
          const columns = columnsOf(of);
          const { rows } = await roundTrip(messages, { of });
          const names = new Map(
            [...columns?.renamed ?? []].map((
              [property, name],
            ) => [name, property]),
          );
          const fields = columns?.fields.map((field) => ({
            ...field,
            name: names.get(field.name) ?? field.name,
          }));
          rows.forEach(({ _json }, i) => {
            const { value, isExact } = parseJson(messages[i]);
            const whole = isExact && fields !== undefined && isObject(value) &&
              holds(fields, value);
            expect(_json === undefined).toBe(whole);
          });
        },
      ),
      { numRuns: 200 },
    );
  });
});

const KEYS = [
  "a",
  "b",
  "timestamp_ns",
  "_json",
  "constructor",
  "toString",
  "ünï",
  "0",
];
const anyKey = fc.constantFrom(...KEYS, "__proto__", "other");

/** Any JSON Schema over a few names, so that messages often fit it. */
const anySchema = fc.letrec<{ object: object; schema: object }>((tie) => ({
  object: fc.dictionary(fc.constantFrom(...KEYS), tie("schema"), { maxKeys: 5 })
    .map((properties) => ({ type: "object", properties })),
  schema: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.constantFrom("integer", "number", "string", "boolean", "null").map((
      type,
    ) => ({ type })),
    fc.constantFrom<object>({}, { type: ["integer", "null"] }, {
      type: ["string", "number"],
    }, { enum: ["x", 1] }),
    tie("object"),
    tie("schema").map((items) => ({ type: "array", items })),
  ),
})).object;

const anyNumber = fc.oneof(
  fc.integer().map(String),
  fc.bigInt({ min: -(2n ** 66n), max: 2n ** 66n }).map(String),
  fc.constantFrom(
    2n ** 53n,
    2n ** 53n + 1n,
    2n ** 63n,
    2n ** 63n - 1n,
    -(2n ** 63n),
    -(2n ** 63n) - 1n,
  ).map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => JSON.stringify(number)),
  fc.constantFrom(
    "1e400",
    "-1e400",
    "1e-400",
    "5e-324",
    "-0",
    "0.0",
    "1.0",
    "123456789012345678.5",
    "1700000000.123456789",
  ),
);

/** The text of any JSON object over the same names. */
const anyMessage = fc.letrec<{ value: string; object: string }>((tie) => ({
  object: fc.array(fc.tuple(anyKey, tie("value")), { maxLength: 5 })
    .map((entries) =>
      `{${[...new Map(entries)].map(([key, value]) => `${JSON.stringify(key)}: ${value}`).join()}}`
    ),
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    anyNumber,
    fc.string({ unit: "binary", maxLength: 5 }).map((text) => JSON.stringify(text)),
    fc.constantFrom("true", "false", "null", `"\\ud800"`, `"1"`),
    tie("object"),
    fc.array(tie("value"), { maxLength: 4 }).map((items) => `[${items}]`),
  ),
})).object;

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Null is missing, an object without values is there; numbers by value. Entries, so that `__proto__` is seen. */
function comparable(value: unknown): unknown {
  if (value === null || value === undefined) return undefined;
  if (typeof value === "bigint") {
    return Number.isSafeInteger(Number(value)) ? Number(value) + 0 : bigintOr(Number(value), value);
  }
  if (typeof value === "number") return value === 0 ? 0 : value;
  if (Array.isArray(value) || ArrayBuffer.isView(value)) {
    return Array.from(value as unknown[], comparable);
  }
  if (!isObject(value)) return value;
  const entries = Object.entries(value).map(([key, item]) => [key, comparable(item)] as const)
    .filter(([, item]) => item !== undefined).sort(([a], [b]) => a < b ? -1 : 1);
  return { entries };
}

/** An integer that float64 has is the same as that float64. */
function bigintOr(number: number, integer: bigint): number | bigint {
  return BigInt(number) === integer ? number : integer;
}

/** Expects every value that the columns have to be the message's. */
function expectPart(part: unknown, whole: unknown): void {
  if (part === undefined) return;
  if (Array.isArray(part) || ArrayBuffer.isView(part)) {
    expect((whole as unknown[]).length).toBe((part as unknown[]).length);
    Array.from(part as unknown[]).forEach((item, i) => expectPart(item, (whole as unknown[])[i]));
  } else if (isObject(part)) {
    for (const [key, item] of Object.entries(part)) {
      expect(Object.hasOwn(whole as object, key)).toBe(true);
      expectPart(item, (whole as Record<string, unknown>)[key]);
    }
  } else expect(comparable(part)).toEqual(comparable(whole));
}

function unrename(
  row: Row,
  renamed: ReadonlyMap<string, string> = new Map(),
): Row {
  const names = new Map(
    [...renamed].map(([property, name]) => [name, property]),
  );
  return Object.fromEntries(
    Object.entries(row).map((
      [name, value],
    ) => [names.get(name) ?? name, value]),
  );
}

/** Whether columns hold a message: each value is tried in a builder of its own. */
function holds(
  fields: readonly FieldSchema[],
  message: Record<string, unknown>,
): boolean {
  const keys = Object.keys(message);
  if (!keys.every((key) => fields.some((field) => field.name === key))) {
    return false;
  }
  return fields.every((field) => !Object.hasOwn(message, field.name) || fits(field, message[field.name]));
}

function fits(field: FieldSchema, value: unknown): boolean {
  if (value === null) return true;
  if (field.type.kind === "struct") {
    return isObject(value) && holds(field.children, value);
  }
  if (field.type.kind === "list") {
    return Array.isArray(value) &&
      value.every((item) => fits(field.children[0], item));
  }
  if (field.type.kind === "float" && typeof value === "bigint") {
    return BigInt(Number(value)) === value;
  }
  const count = { variable: 0, capacity: 0 };
  try {
    new StructBuilder(
      {
        name: "",
        type: { kind: "struct" },
        nullable: false,
        children: [field],
      },
      "",
      count,
    )
      .append(Object.assign(Object.create(null), { [field.name]: value }));
    return true;
  } catch {
    return false;
  }
}
