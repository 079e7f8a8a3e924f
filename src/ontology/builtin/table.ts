/**
 * How the tables of the built-in classes are written. Descriptions are the Python SDK's, word for word with its
 * slips of the pen, because they are part of the schema that goes over the wire; the docstrings say what is meant.
 *
 * @module
 */
import {
  defineBuiltin,
  type DefinedOntology,
  type Ontology,
  type OntologyOptions,
} from "../define_ontology.ts";
import { inNullableColumn, list, type OntologyField } from "../field.ts";

/** One field for each property of `T`: optional where the property is, and of its type. */
// deno-lint-ignore no-explicit-any -- what lists of them give is free
export type FieldsOf<T> = { [K in keyof T]-?: OntologyField<T[K], any> };

/**
 * A class whose messages are a `T`, which `check` looks at when one is pushed. The fields come from a function, so that a bundler drops a class that is not
 * used together with the calls that make its fields. They have to match `T` property by property, none left over.
 */
export function builtin<T, F extends FieldsOf<T>>(
  tag: string,
  fields: () => F & { [K in Exclude<keyof F, keyof T>]: never },
  options?: OntologyOptions,
  check?: (data: NoInfer<T>) => void,
): DefinedOntology<T> {
  return defineBuiltin(
    tag,
    fields(),
    options,
    check as (data: unknown) => void,
  ) as unknown as DefinedOntology<T>;
}

/** A struct that holds what a message of `ontology` holds. */
export function nested<T>(ontology: Ontology<T>, description?: string): OntologyField<T, T[]> {
  return Object.freeze({
    type: { kind: "struct" as const },
    nullable: false,
    children: ontology.fields,
    ...(description !== undefined && { metadata: { description } }),
  });
}

/** A list as the SDK declares all of its lists: its models want every item, its columns are nullable. */
export function items<T, L>(item: OntologyField<T, L>, description: string): OntologyField<L, L[]> {
  return list(inNullableColumn(item), { description });
}
