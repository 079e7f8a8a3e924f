/**
 * Arrow IPC bytes -> schema, footer. Mirrors `encode.ts`, function by function; batches are the engine's.
 * Format: Arrow Columnar Format, "Serialization and Interprocess Communication (IPC)"; Message.fbs, Schema.fbs, File.fbs.
 *
 * @module
 */
import { decodeFrame, MessageType } from "../engine/batch_message.ts";
import { FlatTable } from "../engine/flatbuffer.ts";
import { SmaltiError } from "../error.ts";
import { type DataType, type FieldSchema, type Schema, type TimeUnit, typeName } from "../schema.ts";

/** The first and last bytes of an Arrow IPC file. */
export const MAGIC: Uint8Array = new TextEncoder().encode("ARROW1");

const TIME_UNITS: readonly TimeUnit[] = ["s", "ms", "us", "ns"];

/** A schema message, as at the start of every stream. */
export function decodeSchemaMessage(bytes: Uint8Array): Schema {
  const frame = decodeFrame(bytes);
  const table = frame?.type === MessageType.schema ? frame.table.table(2) : undefined;
  if (!table) throw new SmaltiError("CORRUPT", "Arrow stream does not begin with a schema");
  return decodeSchema(table);
}

/** What an Arrow IPC file's footer tells. */
export interface Footer {
  /** The file's schema. */
  schema: Schema;
  /** Places of dictionary batches: offset from the start of the file, bytes of head and body. */
  dictionaries: { offset: number; length: number }[];
  /** Places of record batches, in order of writing. */
  batches: { offset: number; length: number }[];
  /** Free text by key. */
  metadata: Map<string, string>;
}

/** The footer's FlatBuffer, without the length and magic after it. */
export function decodeFooter(bytes: Uint8Array): Footer {
  const table = FlatTable.root(bytes);
  const schema = table.table(1);
  if (!schema) throw new SmaltiError("CORRUPT", "Arrow footer has no schema");
  return {
    schema: decodeSchema(schema),
    dictionaries: table.blocks(2),
    batches: table.blocks(3),
    metadata: table.keyValues(4),
  };
}

function decodeSchema(table: FlatTable): Schema {
  if (table.int(0, 16) !== 0) {
    throw new SmaltiError("UNSUPPORTED", "Arrow data is big-endian: wanted little-endian");
  }
  return { fields: table.tables(1).map((field) => decodeField(field, 0)), metadata: table.keyValues(2) };
}

/** Deeper than any sensor's message; bounds the recursion that hostile metadata can ask for. */
const MAX_DEPTH = 64;

function decodeField(table: FlatTable, depth: number): FieldSchema {
  if (depth > MAX_DEPTH) throw new SmaltiError("CORRUPT", `Arrow schema is nested deeper than ${MAX_DEPTH}`);
  const name = table.string(0) ?? "";
  const metadata = table.keyValues(6);
  const encoding = table.table(4);
  const index = encoding?.table(1);
  const type = decodeType(table.int(2, 8), table.table(3), name);
  const children = table.tables(5).map((child) => decodeField(child, depth + 1));
  const wanted = CHILD_COUNT[type.kind];
  if (wanted === undefined ? children.length !== 0 : wanted > 0 && children.length !== wanted) {
    throw new SmaltiError(
      "CORRUPT",
      `Arrow field "${name}" of type ${type.kind} has ${children.length} children`,
    );
  }
  if (type.kind === "runEnd") checkRunEnds(children, name);
  return {
    name,
    type,
    nullable: table.bool(1),
    children,
    ...(metadata.size > 0 && { metadata: Object.fromEntries(metadata) }),
    ...(encoding && {
      dictionary: {
        id: encoding.bigint(0),
        index: index
          ? { bits: bitWidth(index.int(0, 32), name), signed: index.bool(1) }
          : { bits: 32, signed: true },
        ...(encoding.bool(2) && { isOrdered: true as const }),
      },
    }),
  };
}

/** Children that a nested type must have; 0 = any number, not listed = none. */
const CHILD_COUNT: Partial<Record<DataType["kind"], number>> = {
  list: 1,
  listView: 1,
  fixedList: 1,
  map: 1,
  runEnd: 2,
  struct: 0,
};

/** Digits that the bits of a decimal can hold. */
const DECIMAL_DIGITS = { 32: 9, 64: 18, 128: 38, 256: 76 } as const;
/** Zeros that a decimal's text may need: with no bound one value could be gigabytes of them. */
const MAX_SCALE = 127;

function decodeDecimal(table: FlatTable | undefined, name: string): DataType {
  const [precision, scale] = [table?.int(0, 32) ?? 0, table?.int(1, 32) ?? 0];
  const bits = table?.int(2, 32, 128) ?? 128;
  if (bits !== 32 && bits !== 64 && bits !== 128 && bits !== 256) {
    throw new SmaltiError("CORRUPT", `Arrow field "${name}" is a decimal of ${bits} bits`);
  }
  if (precision < 1 || precision > DECIMAL_DIGITS[bits] || Math.abs(scale) > MAX_SCALE) {
    throw new SmaltiError(
      "UNSUPPORTED",
      `Arrow field "${name}" is decimal${bits}(${precision}, ${scale}): wanted a precision of 1 to ` +
        `${DECIMAL_DIGITS[bits]} and a scale of -${MAX_SCALE} to ${MAX_SCALE}`,
    );
  }
  return { kind: "decimal", bits, precision, scale };
}

/** Refuses run ends that are none. */
function checkRunEnds([ends]: readonly FieldSchema[], name: string): void {
  const { type } = ends;
  if (type.kind === "int" && type.signed && type.bits > 8 && !ends.dictionary) return;
  throw new SmaltiError("CORRUPT", `Arrow field "${name}" has run ends of type ${typeName(ends)}`);
}

function bitWidth(bits: number, name: string): 8 | 16 | 32 | 64 {
  if (bits === 8 || bits === 16 || bits === 32 || bits === 64) return bits;
  throw new SmaltiError("CORRUPT", `Arrow field "${name}" is an integer of ${bits} bits`);
}

/** Types that are not read, by their numbers. */
const UNREAD_TYPES: Readonly<Record<number, string>> = { 11: "an interval", 14: "a union" };

/** Schema.fbs, union Type. */
function decodeType(kind: number, table: FlatTable | undefined, name: string): DataType {
  const unit = (byDefault: number): TimeUnit =>
    oneOf(TIME_UNITS, table?.int(0, 16, byDefault) ?? byDefault, name);
  switch (kind) {
    case 1:
      return { kind: "null" };
    case 2:
      return { kind: "int", bits: bitWidth(table?.int(0, 32) ?? 0, name), signed: table?.bool(1) ?? false };
    case 3:
      return { kind: "float", bits: oneOf([16, 32, 64] as const, table?.int(0, 16) ?? 0, name) };
    case 4:
      return { kind: "binary", offsets: 32 };
    case 5:
      return { kind: "utf8", offsets: 32 };
    case 6:
      return { kind: "bool" };
    case 7:
      return decodeDecimal(table, name);
    case 8: {
      const unit = oneOf(["day", "ms"] as const, table?.int(0, 16, 1) ?? 1, name);
      return { kind: "temporal", of: "date", bits: unit === "day" ? 32 : 64, unit };
    }
    case 9:
      return { kind: "temporal", of: "time", bits: table?.int(1, 32, 32) === 64 ? 64 : 32, unit: unit(1) };
    case 10: {
      const timezone = table?.string(1);
      return {
        kind: "temporal",
        of: "timestamp",
        bits: 64,
        unit: unit(0),
        ...(timezone !== undefined && { timezone }),
      };
    }
    case 12:
      return { kind: "list", offsets: 32 };
    case 13:
      return { kind: "struct" };
    case 15:
      return { kind: "fixedBinary", size: size(table, name) };
    case 16:
      return { kind: "fixedList", size: size(table, name) };
    case 17:
      return { kind: "map", keysSorted: table?.bool(0) ?? false };
    case 18:
      return { kind: "temporal", of: "duration", bits: 64, unit: unit(1) };
    case 19:
      return { kind: "binary", offsets: 64 };
    case 20:
      return { kind: "utf8", offsets: 64 };
    case 21:
      return { kind: "list", offsets: 64 };
    case 22:
      return { kind: "runEnd" };
    case 23:
      return { kind: "binaryView" };
    case 24:
      return { kind: "utf8View" };
    case 25:
      return { kind: "listView", offsets: 32 };
    case 26:
      return { kind: "listView", offsets: 64 };
    default: {
      const known = UNREAD_TYPES[kind] ?? `of type number ${kind}`;
      throw new SmaltiError("UNSUPPORTED", `Arrow field "${name}" is ${known}, which smalti does not read`);
    }
  }
}

function oneOf<T>(choices: readonly T[], index: number, name: string): T {
  if (index in choices) return choices[index];
  throw new SmaltiError(
    "CORRUPT",
    `Arrow field "${name}" has ${index} where there are ${choices.length} choices`,
  );
}

function size(table: FlatTable | undefined, name: string): number {
  const value = table?.int(0, 32) ?? 0;
  if (value < 0) throw new SmaltiError("CORRUPT", `Arrow field "${name}" has a fixed size of ${value}`);
  return value;
}
