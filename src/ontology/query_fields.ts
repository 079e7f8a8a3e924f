import { SmaltiError } from "../error.ts";
import type { FieldSchema } from "../schema.ts";
import type { DecimalText } from "./field.ts";
import {
  type EqualityQuery,
  type OrderQuery,
  PathQuery,
  type QueryExpression,
  type TextQuery,
  type TimeQuery,
  timeQuery,
} from "./expression.ts";

/** Conditions on a field whose values read as `T`: on numbers, text and bools, on the fields of structs, on lists. */
export type FieldQuery<T> = 0 extends 1 & T
  // deno-lint-ignore no-explicit-any -- of data that nobody knows anything is a field
  ? any
  : [T] extends [boolean] ? EqualityQuery<boolean>
  : [T] extends [number | bigint] ? OrderQuery<number | bigint>
  : [T] extends [DecimalText] ? OrderQuery<number | bigint>
  : [T] extends [string] ? TextQuery
  : [T] extends [ArrayLike<infer Item>] ? ListQuery<NonNullable<Item>>
  : { readonly [K in keyof T]-?: FieldQuery<NonNullable<T[K]>> };

/** Conditions on items of a list; one list in a path. Of a list without items none holds. */
export interface ListQuery<Item> {
  /** One of the items, whichever. */
  readonly any: FieldQuery<Item>;
  /** All items. */
  readonly all: FieldQuery<Item>;
  /** The item at a place, counted from 0. */
  at(index: number): FieldQuery<Item>;
  /** The whole list, item by item; at most 1024. */
  eq(
    items:
      readonly (Item extends DecimalText ? number | bigint : Item & (number | bigint | string | boolean))[],
  ): QueryExpression;
}

/** Conditions on the messages of an ontology: the time, and the fields by their names. */
export type MessageQuery<T> = FieldQuery<T> & { readonly timestampNs: TimeQuery };

/** What `q` of an ontology is. Names that the grammar of paths cannot hold are UNSUPPORTED when they are touched. */
export function queryFields(tag: string, fields: readonly FieldSchema[]): object {
  if (!isPlain(tag)) throw unsupported(tag);
  const node = fieldsAt(tag, fields);
  // A field of that name is the field.
  if (!("timestampNs" in node)) {
    Object.assign(node, { timestampNs: timeQuery(ontologyPlace(`${tag}.timestamp_ns`)) });
  }
  return node;
}

function fieldsAt(path: string, fields: readonly FieldSchema[]): object {
  const node = {};
  for (const field of fields) {
    const { name } = field;
    const get = () => {
      if (isPlain(name)) return nodeAt(`${path}.${name}`, field);
      throw unsupported(name);
    };
    Object.defineProperty(node, name, { get, enumerable: true });
  }
  return node;
}

function isPlain(name: string): boolean {
  return !/[.[\]]/.test(name);
}

function unsupported(name: string): SmaltiError {
  const text = `Cannot query ${JSON.stringify(name)}: wanted a name without ".", "[" and "]"`;
  return new SmaltiError("UNSUPPORTED", text);
}

function nodeAt(path: string, { type, children }: FieldSchema): object {
  if (type.kind === "struct") return fieldsAt(path, children);
  if (type.kind !== "list" && type.kind !== "fixedList") return leaf(path);
  const item = (which: string) => nodeAt(`${path}[${which}]`, children[0]);
  return {
    any: item("?"),
    all: item("!"),
    at: (index: number) => item(`${index}`),
    eq: (items: readonly number[]) => leaf(path).eq(items),
  };
}

function leaf(path: string): PathQuery {
  return new PathQuery(ontologyPlace(path));
}

function ontologyPlace(path: string) {
  return { scope: "ontology", isMetadata: false, path } as const;
}
