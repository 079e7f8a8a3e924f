/**
 * Columns of decoded records -> what their rows say of their times.
 *
 * @module
 */
import type { FieldSchema } from "../../schema.ts";
import type { RecordColumns } from "../../record_plan.ts";
import {
  type ColumnNode,
  isValid,
  nodesOf,
  numbersOf,
  offsetsOf,
  structNode,
} from "../ontology/column_tree.ts";

type ValueOf = (row: number) => unknown;

/**
 * The values of a field by row: integers as bigint, structs as objects, null where it or what it is in is null, undefined where
 * there is no such field.
 */
export function valuesOf(
  path: readonly string[],
  fields: readonly FieldSchema[],
  decoded: RecordColumns,
): ValueOf {
  const nodes = nodesOf(fields, decoded);
  const named = Object.fromEntries(fields.map(({ name }, i) => [name, nodes[i]]));
  const trail: ColumnNode[] = [structNode(decoded.rows, named)];
  for (const name of path) {
    const { type, names, children } = trail[trail.length - 1];
    const place = type.kind === "struct" ? names.indexOf(name) : -1;
    if (place < 0) return () => undefined;
    trail.push(children[place]);
  }
  const valueOf = readerOf(trail.pop()!);
  return (row) => trail.every((node) => isValid(node, row)) ? valueOf(row) : null;
}

function readerOf(node: ColumnNode): ValueOf {
  const read = valueReader(node);
  return (row) => isValid(node, row) ? read(row) : null;
}

function valueReader(node: ColumnNode): ValueOf {
  const { type, data, names, children } = node;
  switch (type.kind) {
    case "int": {
      const numbers = numbersOf(node);
      return (row) => BigInt(numbers[row]);
    }
    case "float": {
      const numbers = numbersOf(node);
      return (row) => numbers[row];
    }
    case "utf8": {
      const offsets = offsetsOf(node);
      const decoder = new TextDecoder();
      return (row) => decoder.decode(data.subarray(offsets[row], offsets[row + 1]));
    }
    case "struct": {
      const readers = children.map((child, i) => [names[i], readerOf(child)] as const);
      return (row) => Object.fromEntries(readers.map(([name, read]) => [name, read(row)]));
    }
    default:
      return () => `a ${type.kind}`;
  }
}
