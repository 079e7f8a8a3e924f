import { Builder, ByteBuffer, Encoding } from "flatbuffers";
import { describe, expect, it } from "vitest";
import { createJsEngine } from "../../src/engine/js.ts";
import { STATUS } from "../../src/record_plan.ts";
import { BASE, readBfbs } from "../../src/import/flatbuffer/bfbs.ts";
import { compileFlatbuffer } from "../../src/import/flatbuffer/flatbuffer_plan.ts";
import type { FieldSchema } from "../../src/schema.ts";
import { flatbufferSource } from "../contract/records/flatbuffer_source.ts";
import {
  type FieldSketch,
  layOutStruct,
  type ObjectSketch,
  type SchemaSketch,
  type TypeSketch,
  writeBfbs,
} from "../support/bfbs.ts";
import { decodeRows } from "../support/record_rows.ts";
import { caseRange, failedCase, Random } from "../support/random_cases.ts";

const engine = createJsEngine();
const range = caseRange(400);

type Row = Record<string, unknown>;

/** Reads by a schema through the library. */
class Reader {
  readonly #schema: SchemaSketch;
  readonly #buffer: ByteBuffer;

  constructor(schema: SchemaSketch, record: Uint8Array) {
    this.#schema = schema;
    this.#buffer = new ByteBuffer(record);
  }

  root(fields: readonly FieldSchema[]): Row {
    const object = this.#schema.objects.find(({ name }) => name === "T0")!;
    return this.#object(object, this.#buffer.readInt32(0), fields);
  }

  /** The fields that have columns. */
  #object(
    object: ObjectSketch,
    at: number,
    fields: readonly FieldSchema[],
  ): Row {
    return Object.fromEntries(fields.map((schema) => {
      const field = object.fields.find(({ name }) => name === schema.name)!;
      if (object.isStruct) {
        return [
          schema.name,
          this.#value(field.type, at + field.offset, schema),
        ];
      }
      const place = this.#place(at, field);
      if (place === 0) return [schema.name, absent(field)];
      if (field.type.base !== BASE.union) {
        return [schema.name, this.#value(field.type, place, schema)];
      }
      const number = this.#place(at, object.fields[field.id - 1]);
      return [
        schema.name,
        this.#union(
          number === 0 ? 0 : this.#buffer.readUint8(number),
          place,
          schema,
        ),
      ];
    }));
  }

  #place(at: number, field: FieldSketch): number {
    const offset = this.#buffer.__offset(at, field.offset);
    return offset === 0 ? 0 : at + offset;
  }

  #union(number: number, place: number, { children }: FieldSchema): Row | null {
    const member = this.#schema.enums![0].values.find(({ value }) => value === BigInt(number));
    if (!member || !children.some(({ name }) => name === member.name)) {
      return null;
    }
    const object = this.#schema.objects[member.type!.index!];
    return Object.fromEntries(
      children.map(({ name, children }) => [
        name,
        name === member.name ? this.#object(object, this.#buffer.__indirect(place), children) : null,
      ]),
    );
  }

  #value(type: TypeSketch, at: number, schema: FieldSchema): unknown {
    const buffer = this.#buffer;
    const [item] = schema.children;
    const object = this.#schema.objects[type.index ?? -1];
    switch (type.base) {
      case BASE.bool:
        return buffer.readUint8(at) !== 0;
      case BASE.byte:
        return buffer.readInt8(at);
      case BASE.ubyte:
      case BASE.unionType:
        return buffer.readUint8(at);
      case BASE.short:
        return buffer.readInt16(at);
      case BASE.ushort:
        return buffer.readUint16(at);
      case BASE.int:
        return buffer.readInt32(at);
      case BASE.uint:
        return buffer.readUint32(at);
      case BASE.long:
        return buffer.readInt64(at);
      case BASE.ulong:
        return buffer.readUint64(at);
      case BASE.float:
        return buffer.readFloat32(at);
      case BASE.double:
        return buffer.readFloat64(at);
      case BASE.string:
        return new TextDecoder("utf-8", { ignoreBOM: true }).decode(
          buffer.__string(at, Encoding.UTF8_BYTES) as Uint8Array,
        );
      case BASE.object:
        return this.#object(
          object,
          object.isStruct ? at : buffer.__indirect(at),
          schema.children,
        );
      case BASE.array:
        return this.#items(type, at, type.fixedLength!, item);
      default: {
        const start = buffer.__vector(at);
        const length = buffer.__vector_len(at);
        if (schema.type.kind === "binary") {
          return buffer.bytes().slice(start, start + length);
        }
        return this.#items(type, start, length, item);
      }
    }
  }

  #items(
    { element, index }: TypeSketch,
    at: number,
    length: number,
    item: FieldSchema,
  ): unknown[] {
    const object = element === BASE.object ? this.#schema.objects[index!] : undefined;
    const width = object ? object.isStruct ? object.byteSize! : 4 : WIDTHS[element!] ?? 4;
    return Array.from(
      { length },
      (_, i) => this.#value({ base: element!, index }, at + i * width, item),
    );
  }
}

const WIDTHS: Readonly<Record<number, number>> = {
  [BASE.bool]: 1,
  [BASE.byte]: 1,
  [BASE.ubyte]: 1,
  [BASE.short]: 2,
  [BASE.ushort]: 2,
  [BASE.long]: 8,
  [BASE.ulong]: 8,
  [BASE.double]: 8,
};

/** What a field is where it is absent. */
function absent(
  { type, isOptional, defaultInteger = 0n, defaultReal = 0 }: FieldSketch,
): unknown {
  if (isOptional || type.base > BASE.double) return null;
  switch (type.base) {
    case BASE.bool:
      return BigInt.asIntN(32, defaultInteger) !== 0n;
    case BASE.float:
      return Math.fround(defaultReal);
    case BASE.double:
      return defaultReal;
    case BASE.long:
      return defaultInteger;
    case BASE.ulong:
      return BigInt.asUintN(64, defaultInteger);
    case BASE.byte:
    case BASE.short:
    case BASE.int:
      return Number(
        BigInt.asIntN(8 * (WIDTHS[type.base] ?? 4), defaultInteger),
      );
    default:
      return Number(
        BigInt.asUintN(8 * (WIDTHS[type.base] ?? 4), defaultInteger),
      );
  }
}

const field = (
  id: number,
  name: string,
  type: TypeSketch,
  more: Partial<FieldSketch> = {},
): FieldSketch => ({
  id,
  name,
  type,
  offset: 4 + 2 * id,
  ...more,
});

function decode(schema: SchemaSketch, build: (builder: Builder) => number) {
  const builder = new Builder();
  builder.finish(build(builder));
  const compiled = compileFlatbuffer(readBfbs(writeBfbs(schema)), "T0")!;
  const { statuses, rows } = decodeRows(engine, compiled, [
    builder.asUint8Array().slice(),
  ]);
  return { status: statuses[0], row: rows[0], fields: compiled.fields };
}

describe("Records of FlatBuffers", () => {
  it("become what the library reads", () => {
    for (let seed = range.seed; seed < range.seed + range.cases; seed++) {
      const source = flatbufferSource(new Random(seed));
      const records = Array.from({ length: 3 }, () => source.record());
      try {
        const { statuses, rows } = decodeRows(engine, source, records);
        records.forEach((record, i) => {
          expect([STATUS.fits, STATUS.extra, STATUS.text]).toContain(
            statuses[i],
          );
          expect(rows[i]).toEqual(
            new Reader(source.schema, record).root(source.fields),
          );
        });
      } catch (reason) {
        throw failedCase(
          seed,
          "tests/import/flatbuffer_records.test.ts",
          reason,
        );
      }
    }
  });

  it("have defaults, and null for optional numbers that are absent", () => {
    const fields = [
      field(0, "a", { base: BASE.short }, { defaultInteger: -2n }),
      field(1, "b", { base: BASE.double }, { defaultReal: 0.5 }),
      field(2, "c", { base: BASE.bool }, { defaultInteger: 1n }),
      field(3, "d", { base: BASE.int }, { isOptional: true }),
      field(4, "e", { base: BASE.string }),
    ];
    const { status, row } = decode(
      { objects: [{ name: "T0", fields }] },
      (builder) => {
        builder.startObject(5);
        return builder.endObject();
      },
    );
    expect(status).toBe(STATUS.fits);
    expect(row).toEqual({ a: -2, b: 0.5, c: true, d: null, e: null });
  });

  it("have arrays in structs, and texts that are shared", () => {
    const struct = layOutStruct("S0", [
      { name: "x", type: { base: BASE.ubyte } },
      {
        name: "y",
        type: { base: BASE.array, element: BASE.short, fixedLength: 2 },
      },
    ], ({ base }) => base === BASE.array ? [4, 2] : [1, 1]);
    const fields = [
      field(0, "s", { base: BASE.object, index: 0 }),
      field(1, "a", { base: BASE.string }),
      field(2, "b", { base: BASE.string }),
    ];
    const { status, row } = decode({
      objects: [struct, { name: "T0", fields }],
    }, (builder) => {
      const text = builder.createString("both");
      builder.startObject(3);
      builder.addFieldOffset(1, text, 0);
      builder.addFieldOffset(2, text, 0);
      builder.prep(2, 6);
      builder.writeInt16(-1);
      builder.writeInt16(7);
      builder.pad(1);
      builder.writeInt8(9);
      builder.addFieldStruct(0, builder.offset(), 0);
      return builder.endObject();
    });
    expect(status).toBe(STATUS.fits);
    expect(row).toEqual({ s: { x: 9, y: [7, -1] }, a: "both", b: "both" });
  });

  it("have the member of a union, and are kept whole where it is unknown", () => {
    const schema: SchemaSketch = {
      objects: [
        { name: "A", fields: [field(0, "x", { base: BASE.int })] },
        { name: "B", fields: [] },
        {
          name: "T0",
          fields: [
            field(0, "u_type", { base: BASE.unionType, index: 0 }),
            field(1, "u", { base: BASE.union, index: 0 }),
          ],
        },
      ],
      enums: [{
        name: "U",
        values: [
          { name: "NONE", value: 0n },
          { name: "A", value: 1n, type: { base: BASE.object, index: 0 } },
          { name: "B", value: 2n, type: { base: BASE.object, index: 1 } },
        ],
      }],
    };
    const withMember = (number: number) => {
      const { status, row } = decode(schema, (builder) => {
        builder.startObject(1);
        if (number === 1) builder.addFieldInt32(0, 5, 0);
        const member = builder.endObject();
        builder.startObject(2);
        builder.addFieldInt8(0, number, 0);
        builder.addFieldOffset(1, member, 0);
        return builder.endObject();
      });
      return { status, row };
    };
    expect(withMember(1)).toEqual({
      status: STATUS.fits,
      row: { u_type: 1, u: { A: { x: 5 }, B: null } },
    });
    expect(withMember(2)).toEqual({
      status: STATUS.fits,
      row: { u_type: 2, u: { A: null, B: {} } },
    });
    expect(withMember(3)).toEqual({
      status: STATUS.extra,
      row: { u_type: 3, u: null },
    });
  });

  it("of a longer table than is known keep the fields that are", () => {
    const fields = [field(0, "a", { base: BASE.int })];
    const longer = (second: number) =>
      decode({ objects: [{ name: "T0", fields }] }, (builder) => {
        builder.startObject(2);
        builder.addFieldInt32(0, 4, 0);
        builder.addFieldInt32(1, second, 0);
        return builder.endObject();
      });
    expect(longer(6)).toMatchObject({ status: STATUS.extra, row: { a: 4 } });
    expect(longer(0)).toMatchObject({ status: STATUS.fits, row: { a: 4 } });
  });

  it("have no columns for what no schema can hold", () => {
    const struct = (fields: FieldSketch[], byteSize: number): ObjectSketch => ({
      name: "S0",
      fields,
      isStruct: true,
      byteSize,
    });
    const number = { base: BASE.int };
    const inStruct = (type: TypeSketch, byteSize = 8) =>
      decode(
        {
          objects: [
            struct([field(0, "odd", type, { offset: 0 })], byteSize),
            {
              name: "T0",
              fields: [
                field(0, "a", number),
                field(1, "s", { base: BASE.object, index: 0 }),
                field(2, "v", {
                  base: BASE.vector,
                  element: BASE.object,
                  index: 0,
                }),
              ],
            },
          ],
        },
        (builder) => {
          builder.startObject(1);
          builder.addFieldInt32(0, 3, 0);
          return builder.endObject();
        },
      );
    // A struct within a struct is a table, a text, an array of none or of texts.
    for (
      const type of [
        { base: BASE.object, index: 1 },
        { base: BASE.string },
        { base: BASE.array, element: BASE.int, fixedLength: 0 },
        { base: BASE.array, element: BASE.string, fixedLength: 2 },
      ]
    ) {
      const { status, row, fields } = inStruct(type);
      expect(fields.find(({ name }) => name === "s")!.children).toEqual([]);
      expect({ status, row }).toEqual({
        status: STATUS.fits,
        row: { a: 3, s: null, v: null },
      });
    }
    // Structs of no bytes could be repeated without end.
    for (const bytes of [0, -4, 2 ** 30]) {
      expect(inStruct(number, bytes).row).toEqual({ a: 3 });
    }
  });
});
