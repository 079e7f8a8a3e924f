/**
 * Random descriptors of Protocol Buffers, and records of them as any writer may have them: fields in any order, twice,
 * packed or not, unknown or of another type.
 *
 * @module
 */
import { create, createFileRegistry, type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import {
  type DescriptorProto,
  DescriptorProtoSchema,
  Edition,
  type FieldDescriptorProto,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
  FieldDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import { compileProtobuf } from "../../../src/import/protobuf/protobuf_plan.ts";
import { ByteSink } from "../../support/byte_sink.ts";
import type { Random } from "../../support/random_cases.ts";
import { anyBytes, anyLength, anyText, type RecordSource } from "./record_sources.ts";

const SCALARS = [
  Type.DOUBLE,
  Type.FLOAT,
  Type.INT64,
  Type.UINT64,
  Type.INT32,
  Type.FIXED64,
  Type.FIXED32,
  Type.BOOL,
  Type.STRING,
  Type.BYTES,
  Type.UINT32,
  Type.SFIXED32,
  Type.SFIXED64,
  Type.SINT32,
  Type.SINT64,
];
const KEYS = SCALARS.filter((type) => ![Type.DOUBLE, Type.FLOAT, Type.BYTES].includes(type));

/** @param isPlain Without fields of another type than the schema's. */
export function protobufSource(
  random: Random,
  isPlain = false,
): RecordSource & { readonly message: DescMessage } {
  const file = anyFile(random);
  const registry = createFileRegistry(
    create(FileDescriptorSetSchema, { file: [file] }),
  );
  const message = registry.getMessage("p.M0")!;
  return {
    ...compileProtobuf(message),
    schema: file,
    message,
    record() {
      const sink = new ByteSink();
      writeMessage({ random, isPlain, left: 300 }, sink, message, 0);
      return sink.take();
    },
  };
}

function anyFile(random: Random) {
  const syntax = random.pick(["proto2", "proto3", "editions"]);
  const count = 1 + random.below(4);
  const messageType = Array.from(
    { length: count },
    (_, i) => anyMessage(random, syntax, `M${i}`, count),
  );
  return {
    name: "p.proto",
    package: "p",
    syntax,
    ...syntax === "editions" && { edition: Edition.EDITION_2023 },
    messageType,
    enumType: [{
      name: "E",
      value: [0, 1, -1, 100].map((number, i) => ({ name: `V${i}`, number })),
    }],
  };
}

function anyMessage(
  random: Random,
  syntax: string,
  name: string,
  count: number,
): DescriptorProto {
  const message = create(DescriptorProtoSchema, { name });
  const numbers = new Set<number>();
  const fields = random.below(random.oneIn(20) ? 60 : 7);
  const oneofs = random.below(3);
  for (let i = 0; i < oneofs; i++) {
    message.oneofDecl.push({ name: `o${i}` } as never);
  }
  const used = new Set<number>();
  while (numbers.size < fields) {
    const number = 1 +
      (random.oneIn(6) ? random.below(18_000) : random.below(30));
    if (numbers.has(number)) continue;
    numbers.add(number);
    const field = anyField(random, syntax, number, count);
    if (random.oneIn(10)) makeMap(random, message, field);
    else if (oneofs > 0 && field.label === Label.OPTIONAL && random.oneIn(2)) {
      field.oneofIndex = random.below(oneofs);
      used.add(field.oneofIndex);
    }
    message.field.push(field);
  }
  // A oneof has a member.
  for (let i = 0; i < oneofs; i++) {
    if (used.has(i)) continue;
    const number = 20_001 + i;
    message.field.push(
      create(FieldDescriptorProtoSchema, {
        name: `f${number}`,
        number,
        label: Label.OPTIONAL,
        type: Type.INT32,
        oneofIndex: i,
      }),
    );
  }
  if (syntax === "proto3" && random.oneIn(2)) makeOptional(message);
  return message;
}

function anyField(
  random: Random,
  syntax: string,
  number: number,
  count: number,
): FieldDescriptorProto {
  const field = create(FieldDescriptorProtoSchema, {
    name: `f${number}`,
    number,
    label: random.oneIn(3) ? Label.REPEATED : Label.OPTIONAL,
    type: random.pick(SCALARS),
  });
  if (random.oneIn(4)) {
    field.type = syntax === "proto2" && random.oneIn(3) ? Type.GROUP : Type.MESSAGE;
    field.typeName = `.p.M${random.below(count)}`;
  } else if (random.oneIn(8)) {
    field.type = Type.ENUM;
    field.typeName = ".p.E";
  }
  return field;
}

/** Makes a field a map to what it was. */
function makeMap(
  random: Random,
  message: DescriptorProto,
  field: FieldDescriptorProto,
): void {
  if (field.type === Type.GROUP) return;
  const part = (number: number, name: string, type: Type, typeName = "") =>
    create(FieldDescriptorProtoSchema, {
      name,
      number,
      label: Label.OPTIONAL,
      type,
      typeName,
    });
  const name = `F${field.number}Entry`;
  message.nestedType.push(create(DescriptorProtoSchema, {
    name,
    options: { mapEntry: true },
    field: [
      part(1, "key", random.pick(KEYS)),
      part(2, "value", field.type, field.typeName),
    ],
  }));
  field.type = Type.MESSAGE;
  field.typeName = `.p.${message.name}.${name}`;
  field.label = Label.REPEATED;
}

/** Makes the first fitting field an `optional` one. */
function makeOptional(message: DescriptorProto): void {
  const field = message.field.find(({ label, oneofIndex }) => label === Label.OPTIONAL && oneofIndex < 0);
  const name = "_optional";
  if (!field || message.field.some((other) => other.oneofIndex === undefined)) {
    return;
  }
  field.proto3Optional = true;
  field.oneofIndex = message.oneofDecl.length;
  message.oneofDecl.push({ name } as never);
}

/** What writes a record. */
interface Writing {
  readonly random: Random;
  readonly isPlain: boolean;
  /** Fields that nested messages may still have, about. */
  left: number;
}

function writeMessage(
  writing: Writing,
  sink: ByteSink,
  message: DescMessage,
  depth: number,
): void {
  const { random } = writing;
  writing.left -= 1 + message.fields.length;
  const inOrder = !random.oneIn(4);
  const fields = inOrder ? message.fields.toSorted((a, b) => a.number - b.number) : message.fields;
  for (const field of fields) {
    if (random.oneIn(4)) continue;
    writeField(writing, sink, field, depth);
    if (random.oneIn(20)) writeField(writing, sink, field, depth);
  }
  if (!writing.isPlain && random.oneIn(10) && fields.length > 0) {
    // A known field, but of another type, mostly.
    sink.varint(BigInt(random.pick(fields).number) << 3n | 5n);
    sink.bytes(anyBytes(random, 4));
  }
  while (random.oneIn(10)) {
    writeUnknown(writing, sink, 20_100 + random.below(2 ** 29 - 20_100), 0);
  }
}

function writeField(
  writing: Writing,
  sink: ByteSink,
  field: DescField,
  depth: number,
): void {
  const { random } = writing;
  if (
    (depth > 2 || writing.left <= 0) &&
    (field.message || field.fieldKind === "map")
  ) return;
  const tag = (wire: number) => sink.varint(BigInt(field.number) << 3n | BigInt(wire));
  if (field.fieldKind === "map") {
    for (let left = random.below(4); left > 0; left--) {
      const entry = new ByteSink();
      if (!random.oneIn(5)) {
        entry.varint(BigInt(8 | wireOf(field.mapKey)));
        writeScalar(writing, entry, field.mapKey);
      }
      if (!random.oneIn(5)) {
        entry.varint(
          BigInt(
            16 |
              (field.mapKind === "message" ? 2 : wireOf(field.scalar ?? ScalarType.INT32)),
          ),
        );
        if (field.mapKind === "message") {
          writeNested(writing, entry, field.message!, depth);
        } else writeScalar(writing, entry, field.scalar ?? ScalarType.INT32);
      }
      tag(2);
      writeBytes(sink, entry.take());
    }
    return;
  }
  const isGroup = "delimitedEncoding" in field &&
    field.delimitedEncoding === true;
  const writeOne = () => {
    if (isGroup) {
      tag(3);
      writeMessage(writing, sink, field.message!, depth + 1);
      tag(4);
    } else if (field.message) {
      tag(2);
      writeNested(writing, sink, field.message, depth);
    } else {
      const scalar = field.scalar ?? ScalarType.INT32;
      tag(wireOf(scalar));
      writeScalar(writing, sink, scalar);
    }
  };
  if (field.fieldKind !== "list") return writeOne();
  const count = depth === 0 ? anyLength(random) : random.below(3);
  const scalar = field.listKind === "message" ? undefined : field.scalar ?? ScalarType.INT32;
  if (scalar !== undefined && wireOf(scalar) !== 2 && !random.oneIn(3)) {
    const packed = new ByteSink();
    for (let i = 0; i < count; i++) writeScalar(writing, packed, scalar);
    tag(2);
    return writeBytes(sink, packed.take());
  }
  for (let i = 0; i < count; i++) writeOne();
}

function writeNested(
  writing: Writing,
  sink: ByteSink,
  message: DescMessage,
  depth: number,
): void {
  const inner = new ByteSink();
  writeMessage(writing, inner, message, depth + 1);
  writeBytes(sink, inner.take());
}

function writeBytes(sink: ByteSink, bytes: Uint8Array | number[]): void {
  sink.varint(BigInt(bytes.length));
  sink.bytes(bytes);
}

function wireOf(scalar: ScalarType): number {
  switch (scalar) {
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return 1;
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return 2;
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return 5;
    default:
      return 0;
  }
}

function writeScalar(
  writing: Writing,
  sink: ByteSink,
  scalar: ScalarType,
): void {
  const { random } = writing;
  const wire = wireOf(scalar);
  if (wire === 1) return sink.bytes(anyBytes(random, 8));
  if (wire === 5) return sink.bytes(anyBytes(random, 4));
  if (wire === 0) return sink.varint(anyVarint(random));
  writeBytes(
    sink,
    scalar === ScalarType.STRING ? anyText(random, writing.isPlain) : anyBytes(random, anyLength(random)),
  );
}

function anyVarint(random: Random): bigint {
  const low = BigInt(random.below(2 ** 32));
  const high = BigInt(random.below(2 ** 32));
  return random.pick([
    0n,
    1n,
    low & 255n,
    low,
    -1n,
    -low,
    (high << 32n) | low,
    2n ** 63n,
    2n ** 31n,
  ]);
}

function writeUnknown(
  writing: Writing,
  sink: ByteSink,
  number: number,
  depth: number,
): void {
  const { random } = writing;
  const wire = random.pick([0, 1, 2, 5, ...depth < 4 ? [3] : []]);
  const tag = (wire: number) => sink.varint(BigInt(number) << 3n | BigInt(wire));
  tag(wire);
  if (wire === 0) return sink.varint(anyVarint(random));
  if (wire === 2) return writeBytes(sink, anyBytes(random, anyLength(random)));
  if (wire !== 3) return sink.bytes(anyBytes(random, wire === 1 ? 8 : 4));
  while (random.oneIn(2)) {
    writeUnknown(writing, sink, 1 + random.below(100), depth + 1);
  }
  tag(4);
}
