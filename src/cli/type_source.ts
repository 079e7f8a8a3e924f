/**
 * Columns of topics -> TypeScript.
 *
 * @module
 */
import { ALL } from "../ontology/builtin/mod.ts";
import { builtinDifference } from "../ontology/define_ontology.ts";
import type { TopicHandler } from "../read/topic_handler.ts";
import { type FieldSchema, plainFields, schemaKey } from "../schema.ts";
import { printable } from "./printable.ts";

/** What is asked of a topic. */
export type TypedTopic = Pick<TopicHandler, "name" | "ontologyTag" | "serializationFormat" | "fields">;

/** Built-in classes that are reached through the namespace `ontology`. */
const NAMESPACED = new Set(["Boolean", "Image", "Range", "String"]);

/**
 * A module that exports an ontology, and the type of its messages, for each kind of topic: the built-in where it has these
 * columns, else one of `defineOntology`. What no field maker makes is left out, and a comment says so.
 */
export function typeSource(sequence: string, recorded: readonly TypedTopic[]): string {
  const source = new TypeSource();
  const topics = recorded.map(({ name, ontologyTag, serializationFormat, fields }) => ({
    name,
    ontologyTag,
    serializationFormat,
    fields: plainFields(fields),
  }));
  const byKey = new Map<string, TypedTopic[]>();
  for (const topic of topics) byKey.set(keyOf(topic), [...byKey.get(keyOf(topic)) ?? [], topic]);
  const groups = [...byKey.values()];
  const isBuiltin = ([topic]: TypedTopic[]) => builtinOf(topic) !== undefined;
  const [builtins, others] = [groups.filter(isBuiltin), groups.filter((group) => !isBuiltin(group))];
  // Built-in ones first, so that they keep their names.
  for (const group of builtins) source.addBuiltin(group);
  for (const group of others) source.addOwn(group);
  return `// Written by \`smalti types ${sequence}\`.\n${source.text()}`;
}

/** Topics of one key have one ontology. */
function keyOf({ ontologyTag, serializationFormat, fields }: TypedTopic): string {
  return JSON.stringify([ontologyTag, serializationFormat, schemaKey(fields, true)]);
}

function builtinOf({ ontologyTag, fields }: TypedTopic): string | undefined {
  const key = schemaKey(fields.slice(1));
  return ALL.find((ontology) => ontology.tag === ontologyTag && schemaKey(ontology.fields) === key)?.tag;
}

class TypeSource {
  /** What the module imports. */
  readonly #imports = new Set<string>();
  readonly #names = new Set<string>(["Infer"]);
  readonly #parts: string[] = [];

  text(): string {
    const names = [...this.#imports].sort((a, b) => plainName(a) < plainName(b) ? -1 : 1);
    const imports = names.length > 0 ? `import { ${names.join(", ")} } from "smalti";\n` : "";
    return [imports, ...this.#parts].join("\n");
  }

  addBuiltin(topics: readonly TypedTopic[]): void {
    const name = this.#claim(topics[0].ontologyTag);
    const text = NAMESPACED.has(name)
      ? this.#export(name, `${this.#use("ontology")}.${name}`)
      : `export { ${name} } from "smalti";\n`;
    this.#parts.push(comment(topics) + text);
  }

  addOwn(topics: readonly TypedTopic[]): void {
    const [{ ontologyTag: tag, serializationFormat: format, fields }] = topics;
    const columns = uniqueNames(fields.slice(1));
    const made = columns.filter(canMake);
    const difference = builtinDifference(tag, made);
    if (tag === "" || made.length === 0 || difference !== undefined) {
      const why = tag === ""
        ? "no ontology is named"
        : made.length === 0
        ? "no field maker makes the columns"
        : printable(`"${tag}" is the tag of a built-in class, and ${difference}`);
      this.#parts.push(comment(topics, [`Nothing to define: ${why}.`]));
      return;
    }
    const missing = columns.filter((field) => !canMake(field))
      .map(({ name, type }) => `Left out: ${literal(name)} (${type.kind}).`);
    const options = format === "default" ? "" : `, { format: ${literal(format)} }`;
    const text = `${this.#use("defineOntology")}(${literal(tag)}, ${this.#fields(made, "")}${options})`;
    this.#parts.push(comment(topics, missing) + this.#export(this.#claim(tag), text));
  }

  #export(name: string, value: string): string {
    this.#use("type Infer");
    return `export const ${name} = ${value};\nexport type ${name} = Infer<typeof ${name}>;\n`;
  }

  /** An object with a property for each field. */
  #fields(fields: readonly FieldSchema[], indent: string): string {
    const inner = indent + "  ";
    const lines = fields.map((field) =>
      `${inner}${propertyName(field.name)}: ${this.#field(field, inner)},\n`
    );
    return `{\n${lines.join("")}${indent}}`;
  }

  /** The call that makes a field. */
  #field(field: FieldSchema, indent: string): string {
    const { type, children, nullable, metadata } = field;
    const args: string[] = type.kind === "decimal" ? [`${type.precision}`, `${type.scale}`] : [];
    if (type.kind === "struct") args.push(this.#fields(children, indent));
    else if (children.length > 0) args.push(this.#field(children[0], indent));
    if (type.kind === "fixedList") args.push(String(type.size));
    const options = ["unit", "description"].filter((key) => metadata?.[key] !== undefined)
      .map((key) => `${key}: ${literal(metadata![key])}`);
    if (options.length > 0) args.push(`{ ${options.join(", ")} }`);
    const call = `${this.#use(makerOf(field)!)}(${args.join(", ")})`;
    return nullable ? `${this.#use("optional")}(${call})` : call;
  }

  #use(name: string): string {
    this.#imports.add(name);
    return name;
  }

  /** A name for a tag, not given before. */
  #claim(tag: string): string {
    const bare = typeNameOf(tag);
    let name = bare;
    for (let number = 2; this.#names.has(name); number++) name = `${bare}${number}`;
    this.#names.add(name);
    return name;
  }
}

/** The name of the function that makes a field; undefined where there is none. */
function makerOf({ type }: FieldSchema): string | undefined {
  if ("offsets" in type && type.offsets === 64) return undefined;
  switch (type.kind) {
    case "int":
      return `${type.signed ? "" : "u"}int${type.bits}`;
    case "float":
      return `float${type.bits}`;
    case "fixedList":
      return "fixedSizeList";
    case "bool":
    case "decimal":
    case "utf8":
    case "binary":
    case "list":
    case "struct":
      return type.kind;
    default:
      return undefined;
  }
}

/** Whether there are makers for a field and all within it. */
function canMake(field: FieldSchema): boolean {
  const { name, type, children } = field;
  return name !== "" && makerOf(field) !== undefined && children.every(canMake) &&
    (type.kind !== "struct" || (children.length > 0 && uniqueNames(children).length === children.length));
}

/** The first field of each name. */
function uniqueNames(fields: readonly FieldSchema[]): FieldSchema[] {
  return fields.filter(({ name }, i) => fields.findIndex((field) => field.name === name) === i);
}

/** `px4/vehicle_gps_position` -> `VehicleGpsPosition`. */
function typeNameOf(tag: string): string {
  const words = tag.split(/[/.:]/).findLast((part) => part !== "")?.split(/[^\p{ID_Continue}]+|_+/u) ?? [];
  const name = words.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join("");
  return /^\p{ID_Start}/u.test(name) ? name : `Type${name}`;
}

function propertyName(name: string): string {
  // Without brackets it would set the prototype.
  if (name === "__proto__") return `["__proto__"]`;
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name) ? name : literal(name);
}

function comment(topics: readonly TypedTopic[], more: readonly string[] = []): string {
  const names = topics.map(({ name }) => name).join(", ");
  const lines = [`${topics.length === 1 ? "Topic" : "Topics"} ${names}.`, ...more];
  return lines.map((line) => `// ${line}\n`).join("");
}

/** A text as TypeScript has it, with nothing hidden in it, such as the end of a comment's line. */
function literal(text: string): string {
  return printable(JSON.stringify(text));
}

function plainName(imported: string): string {
  return imported.replace(/^type /, "");
}
