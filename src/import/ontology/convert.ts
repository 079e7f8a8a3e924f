/**
 * Columns of one type -> columns of an ontology's.
 *
 * @module
 */
import { bytesOf, numberArrayType } from "../../arrow/columns.ts";
import { type FieldSchema, schemaKey } from "../../schema.ts";
import {
  childAt,
  type ColumnNode,
  nullNode,
  numbersAt,
  numbersOf,
  offsetsOf,
  withNulls,
} from "./column_tree.ts";

/** Makes a column of another; undefined where it is missing: nulls. */
export type MakeColumn = (source: ColumnNode) => ColumnNode | undefined;

/** A number by its path, in another unit: `value * scale + offset`, as float64. */
export interface ScaledField {
  /** The path in the source. */
  readonly field: string;
  /** What the number is multiplied by. @default 1 */
  readonly scale?: number;
  /** What is added then. @default 0 */
  readonly offset?: number;
}

/** Where a field comes from: a path in the source, or a number in another unit. */
export type FieldSource = string | ScaledField;

/** The same, or what makes the column. */
export type ColumnSource = FieldSource | MakeColumn;

/**
 * Where the values of an ontology's fields come from, by the fields' paths. A field that is not named comes from the field of
 * its name in the source of its struct. A struct of which only fields are named is no null.
 */
export type ColumnSources = Readonly<Record<string, ColumnSource>>;

const NO_BYTES = new Uint8Array(0);

/** The columns of an ontology's fields, from those of a struct. */
export function convertFields(
  fields: readonly FieldSchema[],
  source: ColumnNode,
  sources: ColumnSources,
): ColumnNode[] {
  const root = source;
  const made = (field: FieldSchema, path: string, parent: ColumnNode | undefined): ColumnNode => {
    const rule = sources[path];
    const found = rule === undefined ? parent && childAt(parent, field.name) : columnOf(rule, root);
    const isNamedWithin = Object.keys(sources).some((key) => key.startsWith(`${path}.`));
    if (field.type.kind !== "struct" || !isNamedWithin) return convert(field, found, root.length);
    const children = field.children.map((child) => made(child, `${path}.${child.name}`, found));
    return struct(field, children, found, root.length);
  };
  return fields.map((field) => made(field, field.name, source));
}

function columnOf(rule: ColumnSource, root: ColumnNode): ColumnNode | undefined {
  if (typeof rule === "function") return rule(root);
  if (typeof rule === "string") return childAt(root, rule);
  const { field, scale = 1, offset = 0 } = rule;
  const found = childAt(root, field);
  if (found?.type.kind !== "int" && found?.type.kind !== "float") return undefined;
  const values = Float64Array.from({ length: found.length }, () => 0);
  const from = numbersOf(found);
  for (let row = 0; row < values.length; row++) values[row] = Number(from[row]) * scale + offset;
  return { ...found, type: { kind: "float", bits: 64 }, values: bytesOf(values) };
}

/** A column as a field wants it. What cannot be made of it is null. */
export function convert(field: FieldSchema, source: ColumnNode | undefined, length: number): ColumnNode {
  if (!source) return nullNode(field, length);
  const { type } = field;
  switch (type.kind) {
    case "struct": {
      if (source.type.kind !== "struct") return nullNode(field, length);
      const children = field.children.map((child) => convert(child, childAt(source, child.name), length));
      return struct(field, children, source, length);
    }
    case "list":
      return list(field, source, length);
    case "int":
    case "float":
      return number(field, source, length);
    case "fixedList": {
      if (!isAlike(field, source)) return nullNode(field, length);
      return { ...source, children: [convertItems(field.children[0], source.children[0])] };
    }
    default:
      return isAlike(field, source) ? source : nullNode(field, length);
  }
}

/** Whether a column is stored as a field's are, but for what is below it. */
function isAlike(field: FieldSchema, { type }: ColumnNode): boolean {
  return schemaKey([field]) === schemaKey([{ ...field, type }]);
}

function struct(
  field: FieldSchema,
  children: readonly ColumnNode[],
  source: ColumnNode | undefined,
  length: number,
): ColumnNode {
  const { nullCount = 0, validity = NO_BYTES } = source ?? {};
  return {
    type: field.type,
    length,
    nullCount,
    validity,
    values: NO_BYTES,
    data: NO_BYTES,
    children,
    names: field.children.map(({ name }) => name),
  };
}

function list(field: FieldSchema, source: ColumnNode, length: number): ColumnNode {
  const [item] = field.children;
  const base = {
    type: field.type,
    length,
    nullCount: source.nullCount,
    validity: source.validity,
    names: ["item"],
  };
  switch (source.type.kind) {
    case "list":
      return {
        ...base,
        values: source.values,
        data: NO_BYTES,
        children: [convertItems(item, source.children[0])],
      };
    case "fixedList": {
      const { size } = source.type;
      const offsets = Int32Array.from({ length: length + 1 }, (_, row) => row * size);
      return {
        ...base,
        values: bytesOf(offsets),
        data: NO_BYTES,
        children: [convertItems(item, source.children[0])],
      };
    }
    case "binary": {
      const type = { kind: "int", bits: 8, signed: false } as const;
      const bytes = {
        ...nullNode({ type, children: [] }, 0),
        type,
        length: source.data.length,
        values: source.data,
      };
      return { ...base, values: source.values, data: NO_BYTES, children: [convertItems(item, bytes)] };
    }
    default:
      return nullNode(field, length);
  }
}

function convertItems(item: FieldSchema, source: ColumnNode): ColumnNode {
  return convert(item, source, source.length);
}

function number(field: FieldSchema, source: ColumnNode, length: number): ColumnNode {
  const { type } = field;
  if (source.type.kind !== "int" && source.type.kind !== "float") return nullNode(field, length);
  const To = numberArrayType(type)!;
  const From = numberArrayType(source.type)!;
  if (To === From) return { ...source, type };
  const from = numbersOf(source);
  const to = new To(length);
  const isBig = to instanceof BigInt64Array || to instanceof BigUint64Array;
  for (let row = 0; row < length; row++) {
    const value = from[row];
    to[row] = (isBig ? BigInt(value) : Number(value)) as never;
  }
  return { ...source, type, values: bytesOf(to) };
}

/** A column by its path, null where `isNull` says so of a number in it. */
export function nullWhere(path: string, isNull: (value: number) => boolean): MakeColumn {
  return (source) => {
    const found = childAt(source, path);
    const values = numbersAt(source, path);
    return found && values && withNulls(found, (row) => isNull(Number(values[row])));
  };
}

/** A column by its path, null where a text, bytes or list in it is empty. */
export function nullWhereEmpty(path: string): MakeColumn {
  return (source) => {
    const found = childAt(source, path);
    if (!found || !["utf8", "binary", "list"].includes(found.type.kind)) return undefined;
    const offsets = offsetsOf(found);
    return withNulls(found, (row) => offsets[row] === offsets[row + 1]);
  };
}

/** Lists of fixed length, null where none of their numbers is above 0. */
export function positive(path: string): MakeColumn {
  return (source) => {
    const found = childAt(source, path);
    if (found?.type.kind !== "fixedList") return undefined;
    const { size } = found.type;
    const values = numbersAt(found.children[0], "");
    if (!values) return undefined;
    return withNulls(found, (row) => {
      for (let i = row * size; i < (row + 1) * size; i++) if (Number(values[i]) > 0) return false;
      return true;
    });
  };
}
