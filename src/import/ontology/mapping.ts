/**
 * Messages of other systems as messages of the built-in classes.
 *
 * @module
 */
import type { Columns } from "../../arrow/columns.ts";
import type { Ontology } from "../../ontology/define_ontology.ts";
import type { FieldSchema } from "../../schema.ts";
import { addNodes, nodesOf, structNode } from "./column_tree.ts";
import { type ColumnSources, convertFields, type FieldSource } from "./convert.ts";

/** A class as its columns are made. */
export type ClassColumns = Pick<Ontology<unknown>, "tag" | "format" | "fields">;

/** What messages of a type become. */
export interface OntologyMapping {
  /** The class: an ontology. */
  readonly ontology: ClassColumns;
  /**
   * Where its fields come from, by their paths: `"position.x"`. Those that are not named come from fields of their name; of
   * what the source has not, nulls.
   */
  readonly sources: Readonly<Record<string, FieldSource>>;
}

/** The same, with sources that make columns. */
export interface KnownMapping extends Omit<OntologyMapping, "sources"> {
  readonly sources: ColumnSources;
}

/** Columns of an ontology, made of those of other fields. Buffers may be shared. */
export function mapColumns(
  { ontology, sources }: KnownMapping,
  fields: readonly FieldSchema[],
  columns: Columns,
): Columns {
  const children = nodesOf(fields, columns);
  const named = Object.fromEntries(fields.map(({ name }, i) => [name, children[i]]));
  const out: Columns = { rows: columns.rows, nodes: [], buffers: [] };
  addNodes(convertFields(ontology.fields, structNode(columns.rows, named), sources), out);
  return out;
}
