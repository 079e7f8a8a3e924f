/**
 * From a text to a program over a recording's fields.
 *
 * @module
 */
import type { FieldInfo, TopicSummary } from "../protocol.ts";
import { ExpressionError, type FieldNode, type Node, parseExpression } from "./parse.ts";
import { Program } from "./program.ts";
import { References } from "./reference.ts";

/** An expression of a recording. */
export interface CompiledLine {
  readonly program: Program;
  /** The topic whose rows it has: that of the field that is named first. Those of others are taken as of the row's time. */
  readonly topic: string;
  /** Unit, where it is one field that tells it. */
  readonly unit: string | undefined;
}

/** Compiles expressions over the fields of a recording. */
export class Compiler {
  readonly #references: References;
  readonly #fields = new Map<string, ReadonlyMap<string, FieldInfo>>();
  readonly #topics: ReadonlyMap<string, TopicSummary>;

  constructor(topics: readonly TopicSummary[]) {
    this.#topics = new Map(topics.map((topic) => [topic.name, topic]));
    for (const { name, fields } of topics) {
      this.#fields.set(name, new Map(flat(fields).map((field) => [field.path, field])));
    }
    this.#references = new References(
      topics.map(({ name }) => ({ name, paths: [...this.#fields.get(name)!.keys()] })),
    );
  }

  /** Compiles one. ExpressionError where the text is wrong, or a field is not there or is no number, bool, or text that is compared. */
  compile(text: string): CompiledLine {
    const node = parseExpression(text, this.#references);
    const fields = fieldsOf(node);
    for (const field of fields) this.#check(field);
    const program = new Program(node);
    if (fields.length === 0) {
      throw new ExpressionError("The expression has no field, wanted at least one", 0, text.length);
    }
    const plain = program.plainField;
    return { program, topic: fields[0].topic, unit: plain && this.field(plain.topic, plain.path)?.unit };
  }

  /** A field of any kind that a text names, alone. ExpressionError where it is none, or not there. */
  compileField(text: string): { topic: string; field: FieldInfo } {
    const node = parseExpression(text, this.#references);
    if (node.kind !== "field") throw new ExpressionError("Wanted a field alone: topic.field", 0, text.length);
    return { topic: node.topic, field: this.#find(node) };
  }

  /** A field of the recording. */
  field(topic: string, path: string): FieldInfo | undefined {
    return this.#fields.get(topic)?.get(path);
  }

  #find({ topic, path, start, length }: FieldNode): FieldInfo {
    const fields = this.#fields.get(topic);
    if (!fields) {
      const near = nearest(topic, [...this.#fields.keys()]);
      throw new ExpressionError(`There is no topic "${topic}" in this recording${near}`, start, length);
    }
    const { error } = this.#topics.get(topic)!;
    if (error) throw new ExpressionError(`Topic "${topic}" cannot be read: ${error.message}`, start, length);
    const field = fields.get(path);
    if (field) return field;
    throw new ExpressionError(
      `Topic "${topic}" has no field "${path}"${nearest(path, [...fields.keys()])}`,
      start,
      length,
    );
  }

  #check(node: FieldNode): void {
    const { kind, type } = this.#find(node);
    const { start, length, topic, path } = node;
    const isFit = node.equals === undefined ? kind === "number" || kind === "bool" : kind === "text";
    if (isFit) return;
    const wanted = node.equals === undefined ? "a number or bool" : "a text";
    throw new ExpressionError(
      `Field "${path}" of topic "${topic}" is ${type}, wanted ${wanted}`,
      start,
      length,
    );
  }
}

function fieldsOf(node: Node): FieldNode[] {
  return node.kind === "field" ? [node] : node.kind === "call" ? node.args.flatMap(fieldsOf) : [];
}

function flat(fields: readonly FieldInfo[]): FieldInfo[] {
  return fields.flatMap((field) => [field, ...flat(field.children)]);
}

/** What may have been meant: what ends or begins in the same way. */
function nearest(name: string, names: readonly string[]): string {
  const low = name.toLowerCase();
  const last = low.split(/[./]/).at(-1)!;
  const near = names.find((other) => other.toLowerCase() === low) ??
    names.find((other) => other.toLowerCase().endsWith(last) || other.toLowerCase().startsWith(low));
  return near === undefined ? "" : `; there is "${near}"`;
}
