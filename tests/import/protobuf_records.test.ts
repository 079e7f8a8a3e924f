import {
  create,
  createFileRegistry,
  type DescField,
  fromBinary,
  type Message,
  toBinary,
} from "@bufbuild/protobuf";
import { reflect, type ReflectMap, type ReflectMessage } from "@bufbuild/protobuf/reflect";
import {
  Edition,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FieldDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import { describe, expect, it } from "vitest";
import { createJsEngine } from "../../src/engine/js.ts";
import { STATUS } from "../../src/record_plan.ts";
import { compileProtobuf } from "../../src/import/protobuf/protobuf_plan.ts";
import type { FieldSchema } from "../../src/schema.ts";
import { protobufSource } from "../contract/records/protobuf_source.ts";
import { decodeRows } from "../support/record_rows.ts";
import { caseRange, failedCase, Random } from "../support/random_cases.ts";

const engine = createJsEngine();
const range = caseRange(400);

type Row = Record<string, unknown>;

/** Holds a row against what the library made of the same bytes. */
function expectRow(
  row: Row,
  message: ReflectMessage,
  fields: readonly FieldSchema[],
): void {
  expect(Object.keys(row)).toEqual(message.fields.map(({ name }) => name));
  for (const field of message.fields) {
    const schema = fields.find(({ name }) => name === field.name)!;
    expectField(row[field.name], field, message, schema);
  }
}

function expectField(
  value: unknown,
  field: DescField,
  message: ReflectMessage,
  schema: FieldSchema,
): void {
  // A group within itself has no column, so it takes no other member's place either. Nor do numbers that a closed enum has not.
  if (
    field.oneof?.fields.some((other) => isGroup(other) || other.enum?.open === false)
  ) return;
  const isOpaque = ({ type }: FieldSchema) => field.message !== undefined && type.kind === "binary";
  if (field.fieldKind === "list") {
    if (isOpaque(schema.children[0])) return;
    // The library puts numbers that a closed enum has not with what is unknown, but those of packed lists.
    const list = (value as unknown[]).filter((item) => !isClosedOut(field, item));
    const items = [...message.get(field)].filter((item) => !isClosedOut(field, item));
    expect(list.length).toBe(items.length);
    items.forEach((item, i) => expectValue(list[i], item, schema.children[0]));
  } else if (field.fieldKind === "map") {
    // The last entry of a key counts, which is for readers of the column to do.
    const last = new Map(
      (value as Row[]).map((entry) => [entry.key, entry.value]),
    );
    const entries = message.get(field) as ReflectMap;
    const [, schemaOfValue] = schema.children[0].children;
    for (const [key, item] of entries) {
      if (isOpaque(schemaOfValue) || last.get(key) === null) continue;
      expectValue(last.get(key), item, schemaOfValue);
    }
    if (!field.enum) expect(last.size).toBe(entries.size);
  } else if (!isClosedOut(field, value) && !isOpaque(schema)) {
    if (field.presence !== 2 && !message.isSet(field)) expect(value).toBeNull();
    else expectValue(value, message.get(field), schema);
  }
}

function isGroup(field: DescField): boolean {
  return field.fieldKind === "message" && field.delimitedEncoding;
}

function isClosedOut(field: DescField, value: unknown): boolean {
  return field.enum !== undefined && !field.enum.open && value !== null &&
    !(Number(value) in field.enum.value);
}

function expectValue(value: unknown, item: unknown, schema: FieldSchema): void {
  if (schema.type.kind === "struct") {
    expectRow(value as Row, item as ReflectMessage, schema.children);
  } else expect(value).toEqual(item);
}

/** A message type of one file with the fields of M given, and N { int32 a = 1; int32 b = 2; } beside it. */
function typeOf(
  fields: {
    name: string;
    number: number;
    type: Type;
    label?: Label;
    typeName?: string;
    oneofIndex?: number;
  }[],
  syntax: "proto2" | "proto3" | "editions" = "proto3",
) {
  const file = {
    name: "t.proto",
    package: "t",
    syntax,
    ...syntax === "editions" && { edition: Edition.EDITION_2023 },
    messageType: [
      {
        name: "M",
        field: fields.map((field) =>
          create(FieldDescriptorProtoSchema, {
            label: Label.OPTIONAL,
            ...field,
          })
        ),
        oneofDecl: fields.some(({ oneofIndex }) => oneofIndex === 0) ? [{ name: "o" }] : [],
      },
      {
        name: "N",
        field: [1, 2].map((number) =>
          create(FieldDescriptorProtoSchema, {
            name: "ab"[number - 1],
            number,
            type: Type.INT32,
            label: Label.OPTIONAL,
          })
        ),
      },
      { name: "E" },
    ],
  };
  return createFileRegistry(create(FileDescriptorSetSchema, { file: [file] }))
    .getMessage("t.M")!;
}

function one(type: ReturnType<typeof typeOf>, ...bytes: number[]) {
  const { statuses, rows } = decodeRows(engine, compileProtobuf(type), [
    Uint8Array.from(bytes),
  ]);
  return { status: statuses[0], row: rows[0] };
}

const NESTED = { name: "n", number: 1, type: Type.MESSAGE, typeName: ".t.N" };

describe("Records of Protocol Buffers", () => {
  it("become what the library makes of them", () => {
    let compared = 0;
    for (let seed = range.seed; seed < range.seed + range.cases; seed++) {
      const source = protobufSource(new Random(seed), true);
      const records = Array.from({ length: 3 }, () => source.record());
      try {
        const { statuses, rows } = decodeRows(engine, source, records);
        records.forEach((record, i) => {
          if (statuses[i] === STATUS.encoding) return; // parts of one message
          expect([STATUS.fits, STATUS.extra, STATUS.text]).toContain(
            statuses[i],
          );
          const message = fromBinary(source.message, record);
          expectRow(rows[i], reflect(source.message, message), source.fields);
          compared++;
        });
      } catch (reason) {
        throw failedCase(seed, "tests/import/protobuf_records.test.ts", reason);
      }
    }
    expect(compared).toBeGreaterThan(range.cases);
  });

  it("may have lists packed or not, or both", () => {
    const type = typeOf([{
      name: "l",
      number: 1,
      type: Type.SINT32,
      label: Label.REPEATED,
    }]);
    for (
      const bytes of [[10, 3, 1, 2, 3], [8, 1, 8, 2, 8, 3], [8, 1, 10, 2, 2, 3]]
    ) {
      expect(one(type, ...bytes)).toEqual({
        status: STATUS.fits,
        row: { l: [-1, 1, -2] },
      });
    }
  });

  it("have the last of a oneof, the others null", () => {
    const type = typeOf([
      { name: "a", number: 1, type: Type.INT32, oneofIndex: 0 },
      { name: "b", number: 2, type: Type.STRING, oneofIndex: 0 },
    ]);
    expect(one(type, 8, 5, 18, 1, 120)).toEqual({
      status: STATUS.fits,
      row: { a: null, b: "x" },
    });
    expect(one(type, 18, 1, 120, 8, 0)).toEqual({
      status: STATUS.fits,
      row: { a: 0, b: null },
    });
    expect(one(type)).toEqual({
      status: STATUS.fits,
      row: { a: null, b: null },
    });
  });

  it("whose submessage comes in parts are left to the reader of their bytes", () => {
    const type = typeOf([NESTED]);
    expect(one(type, 10, 2, 8, 1, 10, 2, 16, 2)).toEqual({
      status: STATUS.encoding,
      row: { n: null },
    });
    expect(one(type, 10, 4, 8, 1, 16, 2)).toEqual({
      status: STATUS.fits,
      row: { n: { a: 1, b: 2 } },
    });
  });

  it("with unknown fields keep the known ones", () => {
    const type = typeOf([{ name: "a", number: 1, type: Type.INT32 }]);
    expect(one(type, 24, 1, 8, 5, 35, 40, 1, 36)).toEqual({
      status: STATUS.extra,
      row: { a: 5 },
    });
    // A field of ours, of another type.
    expect(one(type, 13, 1, 2, 3, 4)).toEqual({
      status: STATUS.extra,
      row: { a: 0 },
    });
  });

  it("have groups and submessages, empty ones too", () => {
    const group = typeOf([{ ...NESTED, type: Type.GROUP }], "proto2");
    expect(one(group, 11, 8, 1, 12)).toEqual({
      status: STATUS.fits,
      row: { n: { a: 1, b: null } },
    });
    expect(one(group, 11, 8, 1, 20)).toEqual({
      status: STATUS.broken,
      row: { n: null },
    });
    const empty = typeOf([{ ...NESTED, typeName: ".t.E" }]);
    expect(one(empty, 10, 0)).toEqual({ status: STATUS.fits, row: { n: {} } });
    expect(one(empty)).toEqual({ status: STATUS.fits, row: { n: null } });
  });

  it("keep a message within itself as its bytes", () => {
    const type = typeOf([
      { name: "a", number: 1, type: Type.INT32 },
      { name: "m", number: 2, type: Type.MESSAGE, typeName: ".t.M" },
    ]);
    const inner = create(type, { a: 7 } as Partial<Message>);
    const { row } = one(
      type,
      ...toBinary(type, create(type, { a: 1, m: inner } as Partial<Message>)),
    );
    expect(row).toEqual({ a: 1, m: toBinary(type, inner) });
  });

  it("have null or a default for what is absent, as their syntax says", () => {
    const field = { name: "a", number: 1, type: Type.INT32 };
    expect(one(typeOf([field], "proto2")).row).toEqual({ a: null });
    expect(one(typeOf([field], "proto3")).row).toEqual({ a: 0 });
    expect(one(typeOf([field], "editions")).row).toEqual({ a: null });
  });

  it("that break off or are none leave nulls and say why", () => {
    const type = typeOf([{ name: "s", number: 1, type: Type.STRING }]);
    const row = { s: null };
    expect(one(type, 10, 5, 97)).toEqual({ status: STATUS.short, row });
    expect(one(type, 10, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 97))
      .toEqual({
        status: STATUS.short,
        row,
      });
    expect(one(type, 0, 0)).toEqual({ status: STATUS.broken, row });
    expect(one(type, 14)).toEqual({ status: STATUS.broken, row });
    expect(one(type, 10, 1, 255)).toEqual({
      status: STATUS.text,
      row: { s: "\ufffd" },
    });
  });
});
