/**
 * The fields that are asked for as columns: what each is, and where each topic has it.
 *
 * @module
 */
import { SmaltiError } from "../../error.ts";
import { topicName } from "../../names.ts";
import { type FieldSchema, plainFields, typeName } from "../../schema.ts";
import { didYouMean } from "../../util/nearest.ts";
import { checkOptions, type OptionNames } from "../../util/options.ts";
import { TimeSlice } from "../../util/time_slice.ts";
import { fieldsAt } from "../field_path.ts";

/** A field of one topic. */
export interface ColumnSource {
  /** The topic's name. */
  readonly topic: string;
  /** The names on the way to the field joined by dots, such as `position.x`. */
  readonly field: string;
}

/**
 * The fields to read: paths, which are the columns' names as well, or by name a path, or a topic with a path. A path stands
 * for the field in every topic that has it.
 */
export type ColumnFields = readonly string[] | Readonly<Record<string, string | ColumnSource>>;

/** The names of the columns that fields become. */
export type ColumnName<F extends ColumnFields> = F extends readonly (infer N extends string)[] ? N
  : Extract<keyof F, string>;

const SOURCE_OPTIONS: OptionNames<ColumnSource> = { topic: true, field: true };

/** One column that is asked for. */
export interface AskedField {
  readonly name: string;
  readonly path: string;
  /** The one topic that it is read from; undefined for all that have it. */
  readonly topic: string | undefined;
}

/** A topic's columns, `timestamp_ns` first. */
export interface TopicFields {
  readonly name: string;
  readonly fields: readonly FieldSchema[];
}

/** One column, as it is to be gathered. */
export interface PlannedField {
  readonly name: string;
  /** In plain types. */
  readonly field: FieldSchema;
  /** By topic: places on the way down structs, of columns after `timestamp_ns`. Topics that lack the field are not in it. */
  readonly paths: ReadonlyMap<string, readonly number[]>;
}

/** The fields that an option asks for. TypeError where it makes no sense; INVALID_NAME. */
export function askedFields(fields: ColumnFields, sequence: string, tried: string): AskedField[] {
  if (typeof fields !== "object" || fields === null) {
    throw new TypeError(
      `${tried}: fields is ${String(fields)}, wanted a list of paths, or an object with them`,
    );
  }
  const list: readonly (readonly [string, unknown])[] = Array.isArray(fields)
    ? fields.map((path) => [path, path])
    : Object.entries(fields);
  const seen = new Set<string>();
  return list.map(([name, source]): AskedField => {
    if (seen.has(name)) throw new TypeError(`${tried}: field "${name}" is asked for twice`);
    seen.add(name);
    if (typeof source === "string") return { name, path: source, topic: undefined };
    const { topic, field: path } = (source ?? {}) as Partial<ColumnSource>;
    if (typeof topic === "string" && typeof path === "string") {
      checkOptions(source as ColumnSource, SOURCE_OPTIONS, `${tried}: field "${name}"`);
      return { name, path, topic: topicName(topic, sequence) };
    }
    const wanted = Array.isArray(fields) ? "paths" : "a path, or { topic, field }";
    throw new TypeError(`${tried}: field "${String(name)}" is ${JSON.stringify(source)}, wanted ${wanted}`);
  });
}

/**
 * Finds the fields in topics. NOT_FOUND where none of them has one; INVALID_ARGUMENT where one is of different types.
 */
export async function planFields(
  asked: readonly AskedField[],
  topics: readonly TopicFields[],
  sequence: string,
): Promise<PlannedField[]> {
  const slice = new TimeSlice();
  const found = asked.map((one) => new FoundField(one, sequence));
  const plain: TopicFields[] = [];
  for (const { name, fields } of topics) {
    await slice.pause();
    const topic = { name, fields: plainFields(fields.slice(1)) };
    plain.push(topic);
    for (const field of found) field.look(topic);
  }
  return found.map((field) => field.planned(plain));
}

/** A field, as far as topics were looked into. */
class FoundField {
  readonly #asked: AskedField;
  readonly #sequence: string;
  readonly #names: readonly string[];
  readonly #paths = new Map<string, readonly number[]>();
  #first: { field: FieldSchema; type: string; topic: string } | undefined;

  constructor(asked: AskedField, sequence: string) {
    this.#asked = asked;
    this.#sequence = sequence;
    this.#names = asked.path.split(".");
  }

  look({ name: topic, fields }: TopicFields): void {
    const { path, topic: only } = this.#asked;
    const found = only === undefined || only === topic ? findPath(fields, this.#names) : undefined;
    if (!found) return;
    this.#paths.set(topic, found.indices);
    const type = typeName(found.field);
    this.#first ??= { field: found.field, type, topic };
    if (type === this.#first.type) return;
    throw new SmaltiError(
      "INVALID_ARGUMENT",
      `Cannot read field "${path}" of sequence "${this.#sequence}" as one column: it is ${this.#first.type} in ` +
        `topic "${this.#first.topic}" and ${type} in topic "${topic}", wanted one type; or the topic's name with ` +
        "the field",
      { sequence: this.#sequence, topic },
    );
  }

  planned(topics: readonly TopicFields[]): PlannedField {
    const { name, path, topic } = this.#asked;
    if (!this.#first) throw notFound(path, topic, topics, this.#sequence);
    return { name, field: this.#first.field, paths: this.#paths };
  }
}

function findPath(
  fields: readonly FieldSchema[],
  names: readonly string[],
): { field: FieldSchema; indices: number[] } | undefined {
  const indices: number[] = [];
  let field: FieldSchema | undefined;
  let choices = fields;
  for (const name of names) {
    const index = choices.findIndex((other) => other.name === name);
    if (index < 0) return undefined;
    indices.push(index);
    field = choices[index];
    choices = field.type.kind === "struct" ? field.children : [];
  }
  return { field: field!, indices };
}

function notFound(
  path: string,
  only: string | undefined,
  topics: readonly TopicFields[],
  sequence: string,
): SmaltiError {
  const where = only === undefined ? topics : topics.filter(({ name }) => name === only);
  if (where.length === 1) {
    const [{ name: topic, fields }] = where;
    try {
      fieldsAt(fields, path, { sequence, topic });
    } catch (reason) {
      return reason as SmaltiError;
    }
  }
  const near = didYouMean(path, new Set(topics.flatMap(({ fields }) => [...pathsOf(fields, "")])));
  const text = `No field "${path}" in any of ${topics.length} topics of sequence "${sequence}"`;
  return new SmaltiError("NOT_FOUND", text + near, { sequence });
}

function* pathsOf(fields: readonly FieldSchema[], before: string): Generator<string> {
  for (const { name, type, children } of fields) {
    yield before + name;
    if (type.kind === "struct") yield* pathsOf(children, `${before}${name}.`);
  }
}
