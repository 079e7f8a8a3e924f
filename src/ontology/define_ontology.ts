import type { FieldSchema } from "../schema.ts";
import { firstDifference } from "./first_difference.ts";
import { messageFromJson } from "./from_json.ts";
import { TIMESTAMP_FIELD } from "../schema.ts";
import { type FieldValues, namedFields, type OntologyFields } from "./field.ts";
import { checkOptions, type OptionNames } from "../util/options.ts";
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
  /** @internal Throws INVALID_MESSAGE for data whose fields are right one by one, but not together. */
  check?(data: T): void;
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
  /**
   * A message out of its JSON, as `push` takes it and as {@linkcode Message.toJSON} gives it: bytes from base64, 64-bit
   * integers from decimal strings or safe integers, floats from numbers or "NaN", "Infinity" and "-Infinity", null for what
   * is missing. `topic` is not looked at, `ontology` may be left out.
   *
   * Throws INVALID_MESSAGE where a value is none of its field's, and names the field; ranges of integers are left to `push`.
   *
   * @example
   * ```ts
   * import { Temperature } from "smalti";
   *
   * const { timestampNs, data } = Temperature.fromJson({ timestamp_ns: "10", data: { value: 293.5 } });
   * ```
   */
  fromJson(json: unknown): { timestampNs: bigint; data: T };
}

/** Columns of the built-in classes by tag: those that the program has loaded. */
const builtins = new Map<string, readonly FieldSchema[]>();

/** The type of a message's data under an ontology: `Infer<typeof GPS>`. */
// deno-lint-ignore no-explicit-any -- every Ontology, whatever its data
export type Infer<O extends Ontology<any>> = O extends Ontology<infer T> ? T : never;

/** Options of {@linkcode defineOntology}. */
export interface OntologyOptions {
  /** How Mosaico stores its messages. @default "default" */
  format?: SerializationFormat;
}

const ONTOLOGY_OPTIONS: OptionNames<OntologyOptions> = { format: true };

/** Why messages of the built-in class of a tag cannot be read by these fields; undefined where they can, or there is none. */
export function builtinDifference(tag: string, fields: readonly FieldSchema[]): string | undefined {
  return builtins.has(tag) ? firstDifference(builtins.get(tag)!, fields) : undefined;
}

/** {@linkcode defineOntology} of a class that is built in. */
export function defineBuiltin<F extends OntologyFields>(
  tag: string,
  fields: F,
  options: OntologyOptions = {},
  check?: (data: NoInfer<FieldValues<F>>) => void,
): DefinedOntology<FieldValues<F>> {
  const made = makeOntology(tag, namedFields(fields, `ontology "${tag}"`), options, check);
  builtins.set(tag, made.fields);
  return made;
}

/**
 * Makes an ontology of one's own. Columns are in the order of the properties of `fields`.
 *
 * To read a topic its fields alone are enough: see {@linkcode Message.getData}.
 *
 * TypeError where the tag is empty, a field is called `timestamp_ns` (that is the column before them) or there is none, and
 * where the tag is that of a built-in class whose messages cannot be read so: `"GPS"` with some of its fields is no mistake.
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
  if (!tag.isWellFormed()) {
    throw new TypeError(
      `Cannot define ontology ${JSON.stringify(tag)}: half of a character is none in UTF-8`,
    );
  }
  if (TIMESTAMP_FIELD.name in fields) {
    throw new TypeError(
      `Cannot define ontology "${tag}" with a field called "timestamp_ns": that column is the message's time`,
    );
  }
  checkOptions(options, ONTOLOGY_OPTIONS, `Cannot define ontology "${tag}"`);
  const named = namedFields(fields, `ontology "${tag}"`);
  const difference = builtinDifference(tag, named);
  if (difference !== undefined) {
    throw new TypeError(
      `Cannot define ontology "${tag}": that is the tag of the built-in class ${tag}, and ${difference}`,
    );
  }
  return makeOntology(tag, named, options);
}

function makeOntology<T>(
  tag: string,
  fields: readonly FieldSchema[],
  { format = "default" }: OntologyOptions,
  check?: (data: T) => void,
): DefinedOntology<T> {
  let query: object | undefined;
  return Object.freeze({
    tag,
    format,
    fields,
    ...(check && { check }),
    get q() {
      return (query ??= queryFields(tag, fields)) as MessageQuery<T>;
    },
    fromJson(json: unknown) {
      return messageFromJson(tag, fields, json) as { timestampNs: bigint; data: T };
    },
  });
}
