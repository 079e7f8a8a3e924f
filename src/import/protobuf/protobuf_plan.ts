/**
 * Descriptors of Protocol Buffers -> columns and the plan that decodes them.
 *
 * @module
 */
import { type DescEnum, type DescField, type DescMessage, ScalarType } from "@bufbuild/protobuf";
import { FeatureSet_FieldPresence } from "@bufbuild/protobuf/wkt";
import { FIELD_WORDS, PRESENCE, PROTO, REPEATED, TABLE_WORDS } from "../../record_plan.ts";
import type { DataType, FieldSchema } from "../../schema.ts";
import {
  columnWords,
  type CompiledRecords,
  decodedField,
  EnumNames,
  intType,
  nullBytes,
} from "../records/plan_columns.ts";

/** Nesting that is decoded; what is below stays bytes. */
const MAX_NESTING = 40;
/** Fields of one plan: types that hold each other could ask for millions. What is beyond stays bytes. */
const MAX_FIELDS = 20_000;

const BINARY: DataType = { kind: "binary", offsets: 32 };

/** Per scalar type: how it is decoded, and its column. */
const SCALARS: Readonly<Record<ScalarType, readonly [kind: number, type: DataType]>> = {
  [ScalarType.DOUBLE]: [PROTO.fixed64, { kind: "float", bits: 64 }],
  [ScalarType.FLOAT]: [PROTO.fixed32, { kind: "float", bits: 32 }],
  [ScalarType.INT64]: [PROTO.int64, intType(64, true)],
  [ScalarType.UINT64]: [PROTO.int64, intType(64, false)],
  [ScalarType.INT32]: [PROTO.int32, intType(32, true)],
  [ScalarType.FIXED64]: [PROTO.fixed64, intType(64, false)],
  [ScalarType.FIXED32]: [PROTO.fixed32, intType(32, false)],
  [ScalarType.BOOL]: [PROTO.bool, { kind: "bool" }],
  [ScalarType.STRING]: [PROTO.text, { kind: "utf8", offsets: 32 }],
  [ScalarType.BYTES]: [PROTO.bytes, BINARY],
  [ScalarType.UINT32]: [PROTO.int32, intType(32, false)],
  [ScalarType.SFIXED32]: [PROTO.fixed32, intType(32, true)],
  [ScalarType.SFIXED64]: [PROTO.fixed64, intType(64, true)],
  [ScalarType.SINT32]: [PROTO.sint32, intType(32, true)],
  [ScalarType.SINT64]: [PROTO.sint64, intType(64, true)],
};

/**
 * Compiles a message type. Columns have the fields' proto names, in the order of their declaration: scalars as they are,
 * enums as int32 (their names in the field's metadata), messages as structs, repeated fields as lists, maps as lists of `key`
 * and `value`. Absent are null: messages, members of a oneof, `optional` fields and those of proto2; other absent fields have
 * their default. A message within itself stays bytes.
 */
export function compileProtobuf(message: DescMessage): CompiledRecords {
  const compiler = new ProtobufCompiler();
  const fields = compiler.root(message);
  return {
    fields,
    plan: {
      encoding: "protobuf",
      columns: Int32Array.from(columnWords(fields)),
      code: Int32Array.from(compiler.code),
    },
  };
}

class ProtobufCompiler {
  readonly code: number[] = [];
  /** Types that are being compiled, from the root to here. */
  readonly #trail: DescMessage[] = [];
  readonly #enumNames = new EnumNames();
  #fieldCount = 0;
  /** The next column's number. */
  #column = 0;

  root(message: DescMessage): FieldSchema[] {
    return this.#message(message, -1);
  }

  /** Adds the table of a message, whose own column is given; -1 of the root. */
  #message(message: DescMessage, unit: number): FieldSchema[] {
    this.#trail.push(message);
    this.#fieldCount += message.fields.length;
    const table = this.code.length;
    this.code.push(message.fields.length, message.fields.length === 0 ? unit : -1, 0);
    const oneofs = new Map<unknown, number>();
    const byNumber = message.fields.toSorted((a, b) => a.number - b.number);
    const places = new Map(byNumber.map((field, i) => [field, table + TABLE_WORDS + FIELD_WORDS * i]));
    this.code.push(...new Array(FIELD_WORDS * message.fields.length).fill(0));
    const columns = message.fields.map((field) => {
      const column = this.#column++;
      let oneof = 0;
      if (field.oneof) {
        oneof = oneofs.get(field.oneof) ?? oneofs.size + 1;
        oneofs.set(field.oneof, oneof);
      }
      const isRepeated = field.fieldKind === "list" || field.fieldKind === "map";
      const at = isRepeated ? this.#column++ : column;
      const name = isRepeated ? "item" : field.name;
      const { kind, table: inner, schema } = field.fieldKind === "map"
        ? this.#entry(field, name)
        : this.#value(valueOf(field), at, name);
      const flags = isRepeated ? REPEATED : hasPresence(field) ? PRESENCE : 0;
      this.#setField(places.get(field)!, [field.number, kind, column, flags, inner, oneof]);
      return isRepeated ? decodedField(field.name, { kind: "list", offsets: 32 }, [schema]) : schema;
    });
    this.#trail.pop();
    this.code[table + 2] = Math.max(1, nullBytes(columns));
    return columns;
  }

  /** How one value of a type is decoded into a column. */
  #value({ scalar, enumeration, message, isGroup }: ValueType, column: number, name: string): DecodedValue {
    if (scalar !== undefined) {
      const [kind, type] = SCALARS[scalar];
      return { kind, table: 0, schema: decodedField(name, type) };
    }
    if (enumeration) return { kind: PROTO.int32, table: 0, schema: this.#enumField(name, enumeration) };
    // A group has no length, so it cannot stay bytes: it is a field of another type then.
    if (this.#isTooDeep(message!)) return { kind: PROTO.bytes, table: 0, schema: decodedField(name, BINARY) };
    const table = this.code.length;
    const schema = decodedField(name, { kind: "struct" }, this.#message(message!, column));
    return { kind: isGroup ? PROTO.group : PROTO.message, table, schema };
  }

  /** An enum is its number; what the numbers mean is in the field's metadata, as JSON. */
  #enumField(name: string, enumeration: DescEnum): FieldSchema {
    const names = () => enumeration.values.map((value) => [value.number, value.name] as const);
    return this.#enumNames.add(decodedField(name, intType(32, true)), enumeration, names);
  }

  /** An entry of a map: a message with the fields `key` and `value`. */
  #entry(field: DescField & { fieldKind: "map" }, name: string): DecodedValue {
    const table = this.code.length;
    this.code.push(2, -1, 0, ...new Array(2 * FIELD_WORDS).fill(0));
    const children = [{ scalar: field.mapKey }, valueOfMap(field)].map((type, i) => {
      const column = this.#column++;
      const { kind, table: inner, schema } = this.#value(type, column, i === 0 ? "key" : "value");
      this.#setField(table + TABLE_WORDS + FIELD_WORDS * i, [
        i + 1,
        kind,
        column,
        type.message ? PRESENCE : 0,
        inner,
        0,
      ]);
      return schema;
    });
    this.code[table + 2] = nullBytes(children);
    return { kind: PROTO.message, table, schema: decodedField(name, { kind: "struct" }, children) };
  }

  #setField(at: number, words: readonly number[]): void {
    words.forEach((word, i) => this.code[at + i] = word);
  }

  #isTooDeep(message: DescMessage): boolean {
    return this.#trail.includes(message) || this.#trail.length >= MAX_NESTING ||
      this.#fieldCount + message.fields.length > MAX_FIELDS;
  }
}

/** The type of one value. */
interface ValueType {
  readonly scalar?: ScalarType;
  readonly enumeration?: DescEnum;
  readonly message?: DescMessage;
  readonly isGroup?: boolean;
}

interface DecodedValue {
  readonly kind: number;
  /** The table of a message. */
  readonly table: number;
  readonly schema: FieldSchema;
}

function valueOf(field: Exclude<DescField, { fieldKind: "map" }>): ValueType {
  const isGroup = "delimitedEncoding" in field && field.delimitedEncoding === true;
  return { scalar: field.scalar, enumeration: field.enum, message: field.message, isGroup };
}

function valueOfMap({ scalar, enum: enumeration, message }: DescField & { fieldKind: "map" }): ValueType {
  return { scalar, enumeration, message };
}

/** Whether an absent field is told from one with its default. */
function hasPresence(field: DescField): boolean {
  return field.presence !== FeatureSet_FieldPresence.IMPLICIT;
}
