/**
 * What a decoder of records is made of: the columns, and code that an interpreter runs for each record. Compiled once from a
 * schema by an importer; `crates/core/src/records` and its twin here run it.
 *
 * @module
 */

/**
 * How records are encoded: `cdr` by their encapsulation header (XCDR version 1 or 2, little or big endian); `packed`: little
 * endian, one field after another, nothing after the last (ROS 1); `packedPrefix`: the same with anything after the last
 * (PX4's ULog); `protobuf`; `flatbuffer`.
 */
export type RecordEncoding = "cdr" | "packed" | "packedPrefix" | "protobuf" | "flatbuffer";

/** As the words name them. */
export const RECORD_ENCODINGS: readonly RecordEncoding[] = [
  "cdr",
  "packed",
  "packedPrefix",
  "protobuf",
  "flatbuffer",
];

/** Kinds of columns. */
export const COLUMN = {
  /** Numbers; the argument is their width in bytes. */
  fixed: 0,
  bool: 1,
  /** Text or bytes with offsets of 32 bits. */
  bytes: 2,
  /** Lists with offsets of 32 bits; the items' column follows. */
  list: 3,
  struct: 4,
  /** Lists of as many items as the argument says. */
  fixedList: 5,
} as const;

/** Words of a column: kind, argument, number of descendants. */
export const COLUMN_WORDS = 3;

/** Words of a step of sequential code: one of {@linkcode STEP}, and three arguments. */
export const STEP_WORDS = 4;

/** What a step of sequential code does. */
export const STEP = {
  /** Values: column, bytes of each (which they are aligned to), how many. */
  values: 0,
  /** Text: column, 1 where its length counts a NUL at the end. */
  text: 1,
  /** Bytes, as many as a length in front says: column. */
  bytes: 2,
  /** Bytes: column, how many. */
  fixedBytes: 3,
  /** List of values: column, bytes of each. */
  list: 4,
  /** List of what the next steps read: column, how many steps, bytes of an item at least. */
  sequence: 5,
  /** So many times what the next steps read: how many times, how many steps. */
  repeat: 6,
  /** Booleans: column, how many. */
  bools: 7,
  /** List of booleans: column. */
  boolList: 8,
  /** What no column takes: bytes of each, how many. */
  skip: 9,
  /** Text in so many bytes, up to the first NUL: column, how many. */
  fixedText: 10,
  /** A struct without fields: column. */
  unit: 11,
  /** Values of as many columns, one each: first column, bytes of each, how many. */
  each: 12,
} as const;

/**
 * Words of a Protocol Buffers table before its fields: how many there are; where there are none its column, else -1; bytes of a
 * row of it in which all is absent.
 */
export const TABLE_WORDS = 3;

/**
 * Words of a field of such a table: number, one of {@linkcode PROTO}, column, flags, place of its message's table, oneof
 * (from 1; 0 for none). Fields are in the order of their numbers; the first table is the record's.
 */
export const FIELD_WORDS = 6;

/** Flag: a repeated field, whose column is a list. */
export const REPEATED = 1;
/** Flag: null where it is absent, not a default. */
export const PRESENCE = 2;

/** Kinds of Protocol Buffers fields. */
export const PROTO = {
  bool: 0,
  /** A varint of which the low 32 bits count. */
  int32: 1,
  int64: 2,
  /** Zigzag. */
  sint32: 3,
  sint64: 4,
  fixed32: 5,
  fixed64: 6,
  text: 7,
  bytes: 8,
  message: 9,
  group: 10,
} as const;

/** Words of a FlatBuffers table before its fields: as Protocol Buffers', and the first place of its vtable that is not known. */
export const FLAT_TABLE_WORDS = 4;

/**
 * Words of a field of such a table: its place in the vtable or in the struct, one of {@linkcode FLAT}, column, bytes of a value
 * or number of items, place of its table, 1 where it is null when absent (of an array's item: its bytes), low and high word
 * of its default. The first table is the record's. An array is followed by the field of its item.
 */
export const FLAT_FIELD_WORDS = 8;

/** Words of a member of a union, which follow their number: its own number, place of its table, column. */
export const FLAT_MEMBER_WORDS = 3;

/** Kinds of FlatBuffers fields. */
export const FLAT = {
  scalar: 0,
  bool: 1,
  struct: 2,
  array: 3,
  text: 4,
  bytes: 5,
  table: 6,
  scalars: 7,
  bools: 8,
  structs: 9,
  texts: 10,
  tables: 11,
  union: 12,
  /** What no column takes. */
  other: 13,
} as const;

/** The columns and the code for the records of one schema. */
export interface RecordPlan {
  readonly encoding: RecordEncoding;
  /** {@linkcode COLUMN_WORDS} for each column, in depth-first order. */
  readonly columns: Int32Array;
  /** Steps, or tables of Protocol Buffers. */
  readonly code: Int32Array;
}

/**
 * Bytes that a record of Protocol Buffers or FlatBuffers may become for each that it has, and beside that and a row in which all
 * is absent. Items of lists may be absent all but for a few bytes, and parts of FlatBuffers shared.
 */
export const MAX_GROWTH = 256;
export const FREE_BYTES = 65536;

/** What became of a record. `short` to `large` leave nulls in every column. */
export const STATUS = {
  fits: 0,
  /** A text is no UTF-8; it is in its column with U+FFFD for what is none. */
  text: 1,
  /** It has fields that its definition has not. */
  extra: 2,
  /** It ends before its last field. */
  short: 3,
  /** It goes on after its last field. */
  long: 4,
  /** It is encoded in a way that is not read. */
  encoding: 5,
  /** It breaks a rule of its encoding. */
  broken: 6,
  /** A column would pass 2 GiB. */
  large: 7,
  /**
   * It fits, but has bytes that do not follow from its values, so that those would be written otherwise: padding that is not zero,
   * the encapsulation of another writer. Of `cdr` and `packed` alone.
   */
  unusual: 8,
  /** It fits, and zeros follow up to a multiple of {@linkcode END_ALIGNMENT} bytes, as some writers of CDR leave them. */
  padded: 9,
} as const;

/** What the end of a record of CDR may be aligned to, in bytes. */
export const END_ALIGNMENT = 4;

/** Whether the columns hold all values of a record, and nothing is wrong with it. */
export function isFitting(status: number): boolean {
  return status === STATUS.fits || status === STATUS.unusual || status === STATUS.padded;
}

/** What was decoded: as `Columns` of `arrow/columns.ts`. */
export interface RecordColumns {
  rows: number;
  /** Per column in depth-first order: length, null count. */
  nodes: number[];
  /**
   * Per column in depth-first order: validity (empty where nothing is null), then what its type has. The caller's own; they
   * may be parts of one ArrayBuffer, aligned to 8 bytes.
   */
  buffers: Uint8Array[];
}

/** Decodes records of one schema and collects their columns. */
export interface RecordDecoder {
  /** Rows collected. */
  readonly rows: number;
  /** Bytes collected, about. */
  readonly bytes: number;
  /**
   * Hands over what was collected, and begins anew.
   *
   * @param allocate Gives the bytes that the buffers may be parts of, such as `takeBytes`. @default fresh ones
   */
  take(allocate?: (bytes: number) => Uint8Array): RecordColumns;
  /** Gives its memory back; it is of no use afterwards. */
  close(): void;
}

/** Records of one chunk of bytes, for one decoder of the same engine. */
export interface RecordJob {
  readonly decoder: RecordDecoder;
  /** Begin and end of each record in the chunk, in bytes. */
  readonly spans: Int32Array;
  /** Takes the {@linkcode STATUS} of each record. */
  readonly statuses: Uint8Array;
}
