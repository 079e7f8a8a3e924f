/**
 * Some fields of a topic, as messages that have no others.
 *
 * @module
 */
import type { TopicSource } from "../backend.ts";
import { SmaltiError } from "../error.ts";
import { fieldsAt } from "./field_path.ts";
import { StructVector, type Vector } from "../arrow/vector.ts";
import type { FieldSchema } from "../schema.ts";
import type { TopicSchema } from "../types.ts";

/** Fields that are wanted of a struct, by name; undefined for all that one holds. */
type Picked = Map<string, Picked | undefined>;

/** The fields at some paths, such as `position.x`, with the structs on the way to them. */
export class PickedFields {
  readonly #picked: Picked = new Map();

  private constructor(paths: readonly string[]) {
    for (const path of paths) add(this.#picked, path.split("."));
  }

  /** Of some topics, each of the fields that it has. NOT_FOUND where none of them has one. */
  static of(paths: readonly string[], topics: readonly TopicSource[], sequence: string): PickedFields {
    for (const path of topics.length > 0 ? paths : []) {
      const one = new PickedFields([path]);
      if (topics.some(({ schema }) => one.schemaOf(schema))) continue;
      const [{ schema: { fields }, info }] = topics;
      if (topics.length === 1) fieldsAt(fields.slice(1), path, { sequence, topic: info.name });
      const text = `No field "${path}" in any of ${topics.length} topics of sequence "${sequence}"`;
      throw new SmaltiError("NOT_FOUND", text, { sequence });
    }
    return new PickedFields(paths);
  }

  /** A topic's schema with its time and those of the fields that it has; undefined where it has none. */
  schemaOf(schema: TopicSchema): TopicSchema | undefined {
    const [time, ...fields] = schema.fields;
    const kept = fieldsOf(fields, this.#picked);
    return kept.length > 0 ? { ...schema, fields: [time, ...kept] } : undefined;
  }

  /** The columns after the time that hold them. Nothing is loaded for it. */
  columnsOf(columns: readonly Vector[]): Vector[] {
    return vectorsOf(columns, this.#picked);
  }
}

function add(picked: Picked, [name, ...rest]: readonly string[]): void {
  const all = picked.has(name) && picked.get(name) === undefined;
  if (rest.length === 0 || all) return void picked.set(name, undefined);
  const inner = picked.get(name) ?? new Map();
  picked.set(name, inner);
  add(inner, rest);
}

function fieldsOf(fields: readonly FieldSchema[], picked: Picked): FieldSchema[] {
  return fields.flatMap((field) => {
    if (!picked.has(field.name)) return [];
    const inner = picked.get(field.name);
    if (!inner) return [field];
    const children = field.type.kind === "struct" ? fieldsOf(field.children, inner) : [];
    return children.length > 0 ? [{ ...field, children }] : [];
  });
}

function vectorsOf(columns: readonly Vector[], picked: Picked): Vector[] {
  return columns.flatMap((column) => {
    const { field, length, nullCount, source, at } = column;
    if (!picked.has(field.name)) return [];
    const inner = picked.get(field.name);
    if (!inner) return [column];
    const vectors = column instanceof StructVector ? vectorsOf(column.children, inner) : [];
    if (vectors.length === 0) return [];
    const children = vectors.map((vector) => vector.field);
    return [new StructVector({ field: { ...field, children }, length, nullCount, source, at }, vectors)];
  });
}
