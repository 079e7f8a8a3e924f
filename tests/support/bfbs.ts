/**
 * Schemas of FlatBuffers in binary form, made with the library's builder.
 *
 * Source: reflection.fbs of google/flatbuffers.
 *
 * @module
 */
import { Builder, type Offset } from "flatbuffers";
import { BASE } from "../../src/import/flatbuffer/bfbs.ts";

export interface TypeSketch {
  base: number;
  element?: number;
  index?: number;
  fixedLength?: number;
}

export interface FieldSketch {
  name: string;
  type: TypeSketch;
  id: number;
  offset: number;
  defaultInteger?: bigint;
  defaultReal?: number;
  isOptional?: boolean;
}

export interface ObjectSketch {
  name: string;
  fields: FieldSketch[];
  isStruct?: boolean;
  alignment?: number;
  byteSize?: number;
}

export interface EnumSketch {
  name: string;
  values: { name: string; value: bigint; type?: TypeSketch }[];
}

export interface SchemaSketch {
  objects: ObjectSketch[];
  enums?: EnumSketch[];
}

/** Writes a schema. */
export function writeBfbs({ objects, enums = [] }: SchemaSketch): Uint8Array {
  const builder = new Builder();
  const vectorOf = (offsets: Offset[]) => {
    builder.startVector(4, offsets.length, 4);
    for (const offset of offsets.toReversed()) builder.addOffset(offset);
    return builder.endVector();
  };
  const typeOf = (
    { base, element = BASE.none, index = -1, fixedLength = 0 }: TypeSketch,
  ) => {
    builder.startObject(6);
    builder.addFieldInt8(0, base, 0);
    builder.addFieldInt8(1, element, 0);
    builder.addFieldInt32(2, index, -1);
    builder.addFieldInt16(3, fixedLength, 0);
    return builder.endObject();
  };
  const fieldOf = (field: FieldSketch) => {
    const name = builder.createString(field.name);
    const type = typeOf(field.type);
    builder.startObject(14);
    builder.addFieldOffset(0, name, 0);
    builder.addFieldOffset(1, type, 0);
    builder.addFieldInt16(2, field.id, 0);
    builder.addFieldInt16(3, field.offset, 0);
    builder.addFieldInt64(4, field.defaultInteger ?? 0n, 0n);
    builder.addFieldFloat64(5, field.defaultReal ?? 0, 0);
    builder.addFieldInt8(11, field.isOptional ? 1 : 0, 0);
    return builder.endObject();
  };
  const objectOf = (
    { name, fields, isStruct, alignment = 1, byteSize = 0 }: ObjectSketch,
  ) => {
    const nameAt = builder.createString(name);
    const fieldsAt = vectorOf(fields.map(fieldOf));
    builder.startObject(8);
    builder.addFieldOffset(0, nameAt, 0);
    builder.addFieldOffset(1, fieldsAt, 0);
    builder.addFieldInt8(2, isStruct ? 1 : 0, 0);
    builder.addFieldInt32(3, alignment, 0);
    builder.addFieldInt32(4, byteSize, 0);
    return builder.endObject();
  };
  const enumOf = ({ name, values }: EnumSketch) => {
    const nameAt = builder.createString(name);
    const valuesAt = vectorOf(values.map((value) => {
      const valueName = builder.createString(value.name);
      const type = value.type && typeOf(value.type);
      builder.startObject(6);
      builder.addFieldOffset(0, valueName, 0);
      builder.addFieldInt64(1, value.value, 0n);
      if (type !== undefined) builder.addFieldOffset(3, type, 0);
      return builder.endObject();
    }));
    builder.startObject(7);
    builder.addFieldOffset(0, nameAt, 0);
    builder.addFieldOffset(1, valuesAt, 0);
    return builder.endObject();
  };
  const objectsAt = vectorOf(objects.map(objectOf));
  const enumsAt = vectorOf(enums.map(enumOf));
  builder.startObject(5);
  builder.addFieldOffset(0, objectsAt, 0);
  builder.addFieldOffset(1, enumsAt, 0);
  builder.finish(builder.endObject(), "BFBS");
  return builder.asUint8Array().slice();
}

/** Lays out the fields of a struct as flatc does. `sizeOf` gives bytes and alignment of a type. */
export function layOutStruct(
  name: string,
  members: { name: string; type: TypeSketch }[],
  sizeOf: (type: TypeSketch) => [bytes: number, alignment: number],
): ObjectSketch {
  let at = 0;
  let alignment = 1;
  const padded = (to: number) => Math.ceil(at / to) * to;
  const fields = members.map((member, id) => {
    const [bytes, align] = sizeOf(member.type);
    const offset = padded(align);
    at = offset + bytes;
    alignment = Math.max(alignment, align);
    return { ...member, id, offset };
  });
  return {
    name,
    fields,
    isStruct: true,
    alignment,
    byteSize: padded(alignment),
  };
}
