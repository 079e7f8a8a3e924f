/**
 * Schemas of FlatBuffers -> columns and the plan that decodes them.
 *
 * @module
 */
import { FLAT, FLAT_FIELD_WORDS, FLAT_TABLE_WORDS } from "../../record_plan.ts";
import type { DataType, FieldSchema } from "../../schema.ts";
import {
  columnWords,
  type CompiledRecords,
  decodedField,
  EnumNames,
  intType,
  nullBytes,
} from "../records/plan_columns.ts";
import { BASE, type FlatField, type FlatObject, type FlatSchema, type FlatType } from "./bfbs.ts";

/** Nesting that is decoded. */
const MAX_NESTING = 40;
/** Fields of one plan: tables that hold each other could ask for millions. */
const MAX_FIELDS = 20_000;
/** Words of one plan, fields without a column too. */
const MAX_WORDS = 1 << 20;
/** Bytes of a struct or of an array within one. */
const MAX_INLINE_BYTES = 1 << 20;

const TEXT: DataType = { kind: "utf8", offsets: 32 };
const BINARY: DataType = { kind: "binary", offsets: 32 };
const LIST: DataType = { kind: "list", offsets: 32 };

const SCALARS: Readonly<Record<number, DataType>> = {
  [BASE.unionType]: intType(8, false),
  [BASE.bool]: { kind: "bool" },
  [BASE.byte]: intType(8, true),
  [BASE.ubyte]: intType(8, false),
  [BASE.short]: intType(16, true),
  [BASE.ushort]: intType(16, false),
  [BASE.int]: intType(32, true),
  [BASE.uint]: intType(32, false),
  [BASE.long]: intType(64, true),
  [BASE.ulong]: intType(64, false),
  [BASE.float]: { kind: "float", bits: 32 },
  [BASE.double]: { kind: "float", bits: 64 },
};

/**
 * Compiles a table of a schema; undefined where the schema has none of that name. Columns have the fields' names, in the order
 * of their ids: scalars and enums as numbers, with their defaults where they are absent; structs and tables as structs,
 * vectors as lists, of ubyte as bytes, unions as structs of their members. Absent are null: texts, vectors, tables, unions and
 * optional scalars. A table within itself and vectors of unions have no column; a message that has one is kept whole too.
 */
export function compileFlatbuffer(schema: FlatSchema, name: string): CompiledRecords | undefined {
  const root = schema.objects.find((object) => object.name === name && !object.isStruct);
  if (!root) return undefined;
  const compiler = new FlatbufferCompiler(schema);
  const fields = compiler.object(root, -1).fields;
  return {
    fields,
    plan: {
      encoding: "flatbuffer",
      columns: Int32Array.from(columnWords(fields)),
      code: Int32Array.from(compiler.code),
    },
  };
}

/** What a field is compiled to. */
interface CompiledField {
  readonly kind: number;
  readonly width?: number;
  readonly table?: number;
  /** Missing where no column takes it. */
  readonly schema?: FieldSchema;
}

class FlatbufferCompiler {
  readonly code: number[] = [];
  readonly #schema: FlatSchema;
  /** Objects that are being compiled, from the root to here. */
  readonly #trail: FlatObject[] = [];
  readonly #enumNames = new EnumNames();
  #column = 0;

  constructor(schema: FlatSchema) {
    this.#schema = schema;
  }

  /** Adds the table of an object, whose own column is given; -1 of the root. */
  object(object: FlatObject, unit: number): { table: number; fields: FieldSchema[] } {
    this.#trail.push(object);
    const table = this.code.length;
    const fields: FieldSchema[] = [];
    const wordsOf = ({ type }: FlatField) => object.isStruct && type.base === BASE.array ? 2 : 1;
    const words = object.fields.reduce((sum, field) => sum + wordsOf(field), 0);
    const known = object.fields.reduce((most, { id }) => Math.max(most, 4 + 2 * id + 2), 4);
    this.code.push(words, -1, 0, known);
    for (let i = 0; i < FLAT_FIELD_WORDS * words; i++) this.code.push(0);
    let at = table + FLAT_TABLE_WORDS;
    for (const field of object.fields) {
      const column = this.#column;
      const { schema, ...compiled } = object.isStruct ? this.#member(field, at) : this.#field(field);
      this.#set(at, field, column, compiled, object.isStruct);
      at += FLAT_FIELD_WORDS * wordsOf(field);
      if (schema) fields.push(schema);
    }
    if (fields.length === 0) this.code[table + 1] = unit;
    this.code[table + 2] = Math.max(1, nullBytes(fields));
    this.#trail.pop();
    return { table, fields };
  }

  #set(at: number, field: FlatField, column: number, compiled: CompiledField, isStruct: boolean): void {
    const { kind, width = 0, table = 0 } = compiled;
    const isScalar = kind === FLAT.scalar || kind === FLAT.bool;
    const isNull = !isStruct && (!isScalar || field.isOptional);
    const [low, high] = isScalar ? defaultOf(field) : [0, 0];
    [field.offset, kind, column, width, table, isNull ? 1 : 0, low, high].forEach((word, i) => {
      this.code[at + i] = word;
    });
  }

  #field(field: FlatField): CompiledField {
    const { type } = field;
    // A union's member is named by the field before; the first two places are the vtable's own.
    if (field.isFar || field.offset < (type.base === BASE.union ? 6 : 4)) return { kind: FLAT.other };
    return this.#inline(field) ?? this.#table(field);
  }

  /** A field of a struct: it holds numbers, structs and arrays of these. */
  #member(field: FlatField, at: number): CompiledField {
    const { type } = field;
    if (type.base === BASE.array) return this.#array(field, at);
    return this.#inline(field) ?? this.#struct(field.name, this.#schema.objects[type.index], type.base);
  }

  #struct(name: string, object: FlatObject | undefined, base: number): CompiledField {
    return base === BASE.object && object?.isStruct ? this.#nested(name, object) : { kind: FLAT.other };
  }

  /** A number or boolean; undefined where it is none. */
  #inline({ name, type }: FlatField): CompiledField | undefined {
    const scalar = SCALARS[type.base];
    if (!scalar) return undefined;
    this.#column++;
    const schema = this.#enumerated(decodedField(name, scalar), type);
    return type.base === BASE.bool
      ? { kind: FLAT.bool, schema }
      : { kind: FLAT.scalar, width: widthOf(scalar), schema };
  }

  /** What is no number. */
  #table({ name, type }: FlatField): CompiledField {
    switch (type.base) {
      case BASE.string:
        this.#column++;
        return { kind: FLAT.text, schema: decodedField(name, TEXT) };
      case BASE.object:
        return this.#nested(name, this.#schema.objects[type.index]);
      case BASE.vector:
        return this.#vector(name, type);
      case BASE.union:
        return this.#union(name, type);
      default:
        return { kind: FLAT.other };
    }
  }

  #nested(name: string, object: FlatObject | undefined): CompiledField {
    if (!object || this.#isTooDeep(object) || object.isStruct && !hasSize(object)) {
      return { kind: FLAT.other };
    }
    const { table, fields } = this.object(object, this.#column++);
    return {
      kind: object.isStruct ? FLAT.struct : FLAT.table,
      table,
      schema: decodedField(name, { kind: "struct" }, fields),
    };
  }

  #vector(name: string, type: FlatType): CompiledField {
    const listOf = (item: FieldSchema) => decodedField(name, LIST, [item]);
    if (type.element === BASE.ubyte && type.index < 0) {
      this.#column++;
      return { kind: FLAT.bytes, schema: decodedField(name, BINARY) };
    }
    const scalar = SCALARS[type.element];
    if (scalar) {
      this.#column += 2;
      const schema = listOf(this.#enumerated(decodedField("item", scalar), type));
      return type.element === BASE.bool
        ? { kind: FLAT.bools, width: 1, schema }
        : { kind: FLAT.scalars, width: widthOf(scalar), schema };
    }
    if (type.element === BASE.string) {
      this.#column += 2;
      return { kind: FLAT.texts, width: 4, schema: listOf(decodedField("item", TEXT)) };
    }
    if (type.element !== BASE.object) return { kind: FLAT.other };
    const object = this.#schema.objects[type.index];
    const column = this.#column++;
    const { kind, table, schema } = this.#nested("item", object);
    if (!schema) {
      this.#column = column;
      return { kind };
    }
    return object.isStruct
      ? { kind: FLAT.structs, width: object.byteSize, table, schema: listOf(schema) }
      : { kind: FLAT.tables, width: 4, table, schema: listOf(schema) };
  }

  /** An array of a struct, and at its place in the code the field of its item. */
  #array(field: FlatField, at: number): CompiledField {
    const { name, type } = field;
    const column = this.#column++;
    const item = { ...field, name: "item", offset: 0, type: { ...type, base: type.element, element: 0 } };
    const object = this.#schema.objects[type.index];
    const { schema, ...compiled } = this.#inline(item) ?? this.#struct("item", object, type.element);
    const bytes = compiled.kind === FLAT.struct ? object.byteSize : compiled.width ?? 1;
    const size = type.fixedLength;
    this.#set(at + FLAT_FIELD_WORDS, item, column + 1, compiled, true);
    if (!schema || size === 0 || size * bytes > MAX_INLINE_BYTES) {
      this.#column = column;
      this.code[at + FLAT_FIELD_WORDS + 1] = FLAT.other;
      return { kind: FLAT.other };
    }
    this.code[at + FLAT_FIELD_WORDS + 5] = bytes;
    return {
      kind: FLAT.array,
      width: size,
      schema: decodedField(name, { kind: "fixedList", size }, [schema]),
    };
  }

  #union(name: string, type: FlatType): CompiledField {
    const values = this.#schema.enums[type.index]?.values ?? [];
    const start = this.#column++;
    const members: number[] = [];
    const children: FieldSchema[] = [];
    for (const value of values) {
      if (value.value < 1n || value.value > 255n) continue; // a byte
      const column = this.#column;
      const object = value.type.base === BASE.object ? this.#schema.objects[value.type.index] : undefined;
      const { kind, table, schema } = this.#nested(value.name, object);
      if (kind !== FLAT.table || !schema) continue; // a text or a struct: not in all languages
      members.push(Number(value.value), table!, column);
      children.push(schema);
    }
    if (children.length === 0) {
      this.#column = start;
      return { kind: FLAT.other };
    }
    const table = this.code.length;
    this.code.push(children.length, ...members);
    return { kind: FLAT.union, table, schema: decodedField(name, { kind: "struct" }, children) };
  }

  /** A field whose numbers are those of an enum; what they mean is in its metadata, as JSON. */
  #enumerated(field: FieldSchema, { index }: FlatType): FieldSchema {
    const values = this.#schema.enums[index]?.values;
    if (!values) return field;
    return this.#enumNames.add(field, index, () => values.map(({ value, name }) => [String(value), name]));
  }

  #isTooDeep(object: FlatObject): boolean {
    return this.#trail.includes(object) || this.#trail.length >= MAX_NESTING ||
      this.#column + object.fields.length > MAX_FIELDS ||
      this.code.length + 2 * FLAT_FIELD_WORDS * object.fields.length > MAX_WORDS;
  }
}

function hasSize({ byteSize }: FlatObject): boolean {
  return byteSize > 0 && byteSize <= MAX_INLINE_BYTES;
}

function widthOf(type: DataType): number {
  return "bits" in type ? type.bits / 8 : 1;
}

/** The low and the high word of a default. */
function defaultOf({ type, defaultInteger, defaultReal }: FlatField): [low: number, high: number] {
  const view = new DataView(new ArrayBuffer(8));
  if (type.base === BASE.double) view.setFloat64(0, defaultReal, true);
  else if (type.base === BASE.float) view.setFloat32(0, defaultReal, true);
  else view.setBigInt64(0, defaultInteger, true);
  return [view.getInt32(0, true), view.getInt32(4, true)];
}
