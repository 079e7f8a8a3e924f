import { SmaltiError } from "../error.ts";
import { type FieldSchema, typeName } from "../schema.ts";
import { rowWidth } from "./columns.ts";
import {
  type Dictionary,
  DictionaryVector,
  ListViewVector,
  RunEndVector,
  ViewVector,
} from "./encoded_vector.ts";
import {
  BinaryVector,
  BoolVector,
  type BufferSource,
  DecimalVector,
  FixedBinaryVector,
  FixedListVector,
  HalfVector,
  ListVector,
  NullVector,
  NumberVector,
  StructVector,
  Utf8Vector,
  type Vector,
  type VectorPlace,
} from "./vector.ts";

/** What a batch's header says of its columns. */
export interface BatchShape {
  /** Rows in the batch. */
  rows: number;
  /** Per field in depth-first order: length, null count. */
  nodes: ArrayLike<number>;
  /** Buffers in the batch. */
  bufferCount: number;
  /** Per view column: the number of its data buffers. */
  variadic: ArrayLike<number>;
}

/** Values that take no bytes (nulls, structs without fields) of which a list may have this many; what they cost is time. */
const MAX_EMPTY = 2 ** 20;

/**
 * The columns of one batch as one struct vector, whose children are the table's columns in order. CORRUPT where
 * the batch's nodes and buffers do not fit the fields.
 */
export function buildVectors(
  fields: readonly FieldSchema[],
  shape: BatchShape,
  source: BufferSource,
  dictionaries: ReadonlyMap<bigint, Dictionary> = new Map(),
): StructVector {
  let node = 0;
  let buffer = 0;
  let view = 0;

  const build = (field: FieldSchema): Vector => {
    const [length, nullCount] = [shape.nodes[2 * node], shape.nodes[2 * node + 1]];
    node++;
    if (length === undefined || nullCount > length) throw misfit();
    if (length > shape.rows && length > MAX_EMPTY && rowWidth(field) === 0) {
      throw new SmaltiError(
        "UNSUPPORTED",
        `Column "${field.name}" has ${length} values of type ${typeName(field)}, which take no bytes`,
      );
    }
    const place: VectorPlace = { field, length, nullCount, source, at: buffer };
    if (field.dictionary) {
      const dictionary = dictionaries.get(field.dictionary.id);
      if (!dictionary) {
        throw new SmaltiError(
          "CORRUPT",
          `Column "${field.name}" uses dictionary ${field.dictionary.id}, which is not there`,
        );
      }
      buffer += 2;
      const index = {
        ...field,
        type: { kind: "int" as const, ...field.dictionary.index },
        dictionary: undefined,
      };
      return new DictionaryVector(place, new NumberVector({ ...place, field: index }), dictionary);
    }
    const { type } = field;
    switch (type.kind) {
      case "null":
        return new NullVector(place);
      case "bool":
        buffer += 2;
        return new BoolVector(place);
      case "int":
      case "temporal":
        buffer += 2;
        return new NumberVector(place);
      case "float":
        buffer += 2;
        return type.bits === 16 ? new HalfVector(place) : new NumberVector(place);
      case "decimal":
        buffer += 2;
        return new DecimalVector(place, type);
      case "fixedBinary":
        buffer += 2;
        return new FixedBinaryVector(place, type.size);
      case "utf8":
        buffer += 3;
        return new Utf8Vector(place);
      case "binary":
        buffer += 3;
        return new BinaryVector(place);
      case "utf8View":
      case "binaryView": {
        const dataBuffers = shape.variadic[view++] ?? 0;
        buffer += 2 + dataBuffers;
        return new ViewVector(place, dataBuffers);
      }
      case "list":
      case "map":
        buffer += 2;
        return new ListVector(place, build(field.children[0]));
      case "listView":
        buffer += 3;
        return new ListViewVector(place, build(field.children[0]));
      case "runEnd":
        return new RunEndVector(
          place,
          build(field.children[0]) as NumberVector,
          build(field.children[1]),
        );
      case "fixedList":
        buffer += 1;
        return new FixedListVector(place, build(field.children[0]), type.size);
      case "struct":
        buffer += 1;
        return new StructVector(place, field.children.map(build));
    }
  };

  const misfit = () =>
    new SmaltiError(
      "CORRUPT",
      "Arrow batch does not fit its schema: it has another number of nodes or buffers",
    );
  const children = fields.map(build);
  if (2 * node !== shape.nodes.length || buffer !== shape.bufferCount) throw misfit();
  for (const { length, field } of children) {
    if (length !== shape.rows) {
      throw new SmaltiError("CORRUPT", `Batch has ${shape.rows} rows but column "${field.name}" ${length}`);
    }
  }
  const field: FieldSchema = { name: "", type: { kind: "struct" }, nullable: false, children: fields };
  return new StructVector({ field, length: shape.rows, nullCount: 0, source, at: 0 }, children);
}
