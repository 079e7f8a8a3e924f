/**
 * Columns as a tree, in which a struct or list has its children beside it.
 *
 * @module
 */
import { bytesOf, type Columns, type NumberArray, numberArrayType } from "../../arrow/columns.ts";
import type { DataType, FieldSchema } from "../../schema.ts";

const NO_BYTES = new Uint8Array(0);

/** One column and those within. Buffers are views, never changed. */
export interface ColumnNode {
  readonly type: DataType;
  readonly length: number;
  readonly nullCount: number;
  /** Bitmap; empty where nothing is null. */
  readonly validity: Uint8Array;
  /** Of numbers and booleans: the values. Of texts, bytes and lists: the offsets. */
  readonly values: Uint8Array;
  /** Of texts and bytes: the bytes. */
  readonly data: Uint8Array;
  readonly children: readonly ColumnNode[];
  /** Names of a struct's children. */
  readonly names: readonly string[];
}

/** The columns of fields as nodes. */
export function nodesOf(
  fields: readonly FieldSchema[],
  { nodes, buffers }: Pick<Columns, "nodes" | "buffers">,
): ColumnNode[] {
  let node = 0;
  let buffer = 0;
  const next = ({ type, children }: FieldSchema): ColumnNode => {
    const [length, nullCount] = [nodes[2 * node], nodes[2 * node++ + 1]];
    const validity = buffers[buffer++];
    const hasValues = type.kind !== "struct" && type.kind !== "fixedList";
    const values = hasValues ? buffers[buffer++] : NO_BYTES;
    const data = type.kind === "utf8" || type.kind === "binary" ? buffers[buffer++] : NO_BYTES;
    const names = children.map(({ name }) => name);
    return { type, length, nullCount, validity, values, data, children: children.map(next), names };
  };
  return fields.map(next);
}

/** Adds nodes to columns, in depth-first order. */
export function addNodes(nodes: readonly ColumnNode[], out: Pick<Columns, "nodes" | "buffers">): void {
  for (const { type, length, nullCount, validity, values, data, children } of nodes) {
    out.nodes.push(length, nullCount);
    out.buffers.push(nullCount === 0 ? NO_BYTES : validity);
    if (type.kind !== "struct" && type.kind !== "fixedList") out.buffers.push(values);
    if (type.kind === "utf8" || type.kind === "binary") out.buffers.push(data);
    addNodes(children, out);
  }
}

/** The numbers of a column; 64-bit integers as bigint. */
export function numbersOf({ type, length, values }: ColumnNode): NumberArray {
  const NumberArray = numberArrayType(type)!;
  const width = NumberArray.BYTES_PER_ELEMENT;
  // A view that is not aligned cannot be had.
  const bytes = values.byteOffset % width === 0 ? values : values.slice();
  return new NumberArray(bytes.buffer, bytes.byteOffset, length);
}

/** The numbers of the column below a struct by a path; undefined where there is none, or one of something else. */
export function numbersAt(node: ColumnNode, path: string): NumberArray | undefined {
  const found = childAt(node, path);
  return found && isNumeric(found) ? numbersOf(found) : undefined;
}

/** Whether a column has numbers. */
export function isNumeric({ type }: ColumnNode): boolean {
  return type.kind === "int" || type.kind === "float";
}

/** Where the values of a text, bytes or list column begin, and where the last ends. */
export function offsetsOf({ length, values }: ColumnNode): Int32Array {
  const bytes = values.byteOffset % 4 === 0 ? values : values.slice();
  return new Int32Array(bytes.buffer, bytes.byteOffset, length + 1);
}

/** The columns below a struct by a path; undefined where there is none. */
export function childAt(node: ColumnNode, path: string): ColumnNode | undefined {
  let found: ColumnNode | undefined = node;
  for (const name of path === "" ? [] : path.split(".")) {
    const place: number = found.names.indexOf(name);
    if (place < 0) return undefined;
    found = found.children[place];
  }
  return found;
}

/** Whether a value is no null. */
export function isValid({ nullCount, validity }: ColumnNode, row: number): boolean {
  return nullCount === 0 || (validity[row >> 3] & (1 << (row & 7))) !== 0;
}

/** The same column with values that are null where `isNull` says so, or were before. */
export function withNulls(node: ColumnNode, isNull: (row: number) => boolean): ColumnNode {
  const validity = new Uint8Array(Math.ceil(node.length / 8));
  let nullCount = 0;
  for (let row = 0; row < node.length; row++) {
    if (isValid(node, row) && !isNull(row)) validity[row >> 3] |= 1 << (row & 7);
    else nullCount++;
  }
  return nullCount === 0 ? node : { ...node, validity, nullCount };
}

/** A column of a field's type with nulls alone. */
export function nullNode(
  { type, children }: Pick<FieldSchema, "type" | "children">,
  length: number,
): ColumnNode {
  const validity = new Uint8Array(Math.ceil(length / 8));
  const inner = type.kind === "list" ? 0 : type.kind === "fixedList" ? length * type.size : length;
  return {
    type,
    length,
    nullCount: length,
    validity,
    values: new Uint8Array(bytesOfValues(type, length)),
    data: NO_BYTES,
    children: children.map((child) => nullNode(child, inner)),
    names: children.map(({ name }) => name),
  };
}

function bytesOfValues(type: DataType, length: number): number {
  switch (type.kind) {
    case "bool":
      return Math.ceil(length / 8);
    case "utf8":
    case "binary":
    case "list":
      return 4 * (length + 1);
    case "int":
    case "float":
      return length * type.bits / 8;
    default:
      return 0;
  }
}

/** A column of numbers. */
export function numberNode(type: DataType, values: NumberArray): ColumnNode {
  return {
    type,
    length: values.length,
    nullCount: 0,
    validity: NO_BYTES,
    values: bytesOf(values),
    data: NO_BYTES,
    children: [],
    names: [],
  };
}

/** A struct of columns of one length, those that there are. */
export function structNode(
  length: number,
  children: Readonly<Record<string, ColumnNode | undefined>>,
): ColumnNode {
  const names = Object.keys(children).filter((name) => children[name]);
  return {
    type: { kind: "struct" },
    length,
    nullCount: 0,
    validity: NO_BYTES,
    values: NO_BYTES,
    data: NO_BYTES,
    children: names.map((name) => children[name]!),
    names,
  };
}

/** A text that is the same in every row. */
export function textNode(texts: readonly string[]): ColumnNode {
  const encoder = new TextEncoder();
  const encoded = texts.map((text) => encoder.encode(text));
  const offsets = new Int32Array(texts.length + 1);
  encoded.forEach(({ length }, i) => offsets[i + 1] = offsets[i] + length);
  const data = new Uint8Array(offsets[texts.length]);
  encoded.forEach((bytes, i) => data.set(bytes, offsets[i]));
  return {
    type: { kind: "utf8", offsets: 32 },
    length: texts.length,
    nullCount: 0,
    validity: NO_BYTES,
    values: bytesOf(offsets),
    data,
    children: [],
    names: [],
  };
}

/** The texts of a column; empty for nulls. */
export function textsOf(node: ColumnNode): string[] {
  const offsets = offsetsOf(node);
  const decoder = new TextDecoder();
  return Array.from(
    { length: node.length },
    (_, row) => decoder.decode(node.data.subarray(offsets[row], offsets[row + 1])),
  );
}
