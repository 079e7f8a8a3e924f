import type { FieldSchema } from "../schema.ts";
import { TIMESTAMP_FIELD } from "../schema.ts";
import { type OntologyFields, type FieldValues, namedFields } from "./field.ts";
import { type MessageQuery, queryFields } from "./query_fields.ts";

/** How Mosaico stores an ontology's messages; matters to a daemon only. */
export type SerializationFormat = "default" | "ragged" | "image";

/**
 * A class of messages: its tag and the columns of its table. `T` is the type of a message's data as read.
 */
export interface Ontology<T = unknown> {
  /** The name under which topics refer to it. */
  readonly tag: string;
  /** How Mosaico stores its messages. */
  readonly format: SerializationFormat;
  /** Columns of the topic's table after `timestamp_ns`, in order. */
  readonly fields: readonly FieldSchema[];
  /** Carries `T` for inference; never present. */
  readonly "~message"?: (value: T) => T;
}

/** An ontology that queries can be made with: those built in, and those of {@linkcode defineOntology}. */
export interface DefinedOntology<T = unknown> extends Ontology<T> {
  /**
   * Conditions on its messages, for `client.query({ ontology })`: fields by their names, and `timestampNs`.
   *
   * @example
   * ```ts
   * import { GPS } from "smalti";
   *
   * const north = GPS.q.position.x.gt(45).and(GPS.q.position.y.between(8, 10));
   * ```
   */
  readonly q: MessageQuery<T>;
}

/** The type of a message's data under an ontology: `Infer<typeof GPS>`. */
// deno-lint-ignore no-explicit-any -- every Ontology, whatever its data
export type Infer<O extends Ontology<any>> = O extends Ontology<infer T> ? T : never;

/** Options of {@linkcode defineOntology}. */
export interface OntologyOptions {
  /** How Mosaico stores its messages. @default "default" */
  format?: SerializationFormat;
}

/**
 * Makes an ontology of one's own. Columns are in the order of the properties of `fields`.
 *
 * TypeError where the tag is empty, a field is called `timestamp_ns` (that is the column before them) or there is none.
 *
 * @example
 * ```ts
 * import { defineOntology, float64, type Infer, optional, utf8 } from "smalti";
 *
 * const EngineTemp = defineOntology("EngineTemp", {
 *   temperature: float64({ unit: "K" }),
 *   sensor: optional(utf8()),
 * });
 * const reading: Infer<typeof EngineTemp> = { temperature: 361.5 };
 * ```
 */
export function defineOntology<F extends OntologyFields>(
  tag: string,
  fields: F,
  options: OntologyOptions = {},
): DefinedOntology<FieldValues<F>> {
  if (tag === "") throw new TypeError("Cannot define an ontology with an empty tag: wanted a name");
  if (TIMESTAMP_FIELD.name in fields) {
    throw new TypeError(
      `Cannot define ontology "${tag}" with a field called "timestamp_ns": that column is the message's time`,
    );
  }
  const named = namedFields(fields, `ontology "${tag}"`);
  let query: object | undefined;
  return Object.freeze({
    tag,
    format: options.format ?? "default",
    fields: named,
    get q() {
      return (query ??= queryFields(tag, named)) as MessageQuery<FieldValues<F>>;
    },
  });
}
