/**
 * Parsed expressions, run column by column.
 *
 * @module
 */
import { CONSTANTS, FUNCTIONS, type Interval, LOOKS_BACK } from "./functions.ts";
import type { FieldNode, Node } from "./parse.ts";

/** A field that a program reads. */
export interface FieldUse {
  readonly topic: string;
  readonly path: string;
  /** Set where it is a text that is compared: the column is 1 where it is this, 0 where it is another, NaN where it is missing. */
  readonly equals?: string;
}

/** A field whose every value comes to one of the expression's, in the same order or the reverse. */
export interface MonotoneLine {
  readonly field: FieldUse;
  readonly direction: 1 | -1;
  /** The expression's value of one of the field. */
  apply(value: number): number;
}

/** Columns of the fields, and the times of the rows. */
export interface Rows {
  /** In the order of {@linkcode Program.fields}; NaN where a value is missing. */
  readonly columns: readonly Float64Array[];
  /** Seconds from the recording's start. */
  readonly seconds: Float64Array;
}

type Step = (rows: Rows) => Float64Array;

/** An expression that can be run. Its functions that look at the rows before go on from call to call, until {@linkcode reset}. */
export class Program {
  /** The fields that it reads, each once, in the order that they are named. */
  readonly fields: readonly FieldUse[];
  /** Whether the first row wants the one before it. */
  readonly looksBack: boolean;
  /** Whether a row's value depends on more than the row. */
  readonly hasState: boolean;
  readonly #node: Node;
  #step: Step;

  constructor(node: Node) {
    const uses = new Map<string, FieldUse>();
    const names: string[] = [];
    visit(node, (node) => {
      if (node.kind === "field") uses.set(keyOf(node), useOf(node));
      if (node.kind === "call") names.push(node.name);
    });
    this.fields = [...uses.values()];
    this.looksBack = names.some((name) => LOOKS_BACK.has(name));
    this.hasState = names.some((name) => FUNCTIONS[name].begin !== undefined);
    this.#node = folded(node);
    this.#step = this.#compile(this.#node);
  }

  /** The field, where the expression is nothing else. */
  get plainField(): FieldUse | undefined {
    const node = this.#node;
    return node.kind === "field" && node.equals === undefined ? useOf(node) : undefined;
  }

  /** The values of some rows: a column of their length. */
  run(rows: Rows): Float64Array {
    return this.#step(rows);
  }

  /** Forgets the rows before. */
  reset(): void {
    if (this.hasState) this.#step = this.#compile(this.#node);
  }

  /**
   * Where the values of some rows may lie, by where those of the fields and the times do; at least as wide. What is true at
   * some row has an interval that holds more than 0.
   */
  bounds(fields: readonly Interval[], seconds: Interval): Interval {
    const keys = this.fields.map(keyOf);
    const of = (node: Node): Interval => {
      switch (node.kind) {
        case "number":
          return Number.isNaN(node.value)
            ? { lo: Infinity, hi: -Infinity }
            : { lo: node.value, hi: node.value };
        case "time":
          return seconds;
        case "field":
          return fields[keys.indexOf(keyOf(node))];
        default: {
          const { interval } = FUNCTIONS[node.name];
          return interval ? interval(...node.args.map(of)) : { lo: -Infinity, hi: Infinity };
        }
      }
    };
    return of(this.#node);
  }

  /** Set where the smallest and largest value of one field tell those of the expression exactly. */
  get monotone(): MonotoneLine | undefined {
    let node = this.#node;
    let direction: 1 | -1 = 1;
    const steps: ((value: number) => number)[] = [];
    while (node.kind === "call") {
      const { name, args } = node;
      const { apply, direction: directionOf } = FUNCTIONS[name];
      const constants = args.map((arg) => arg.kind === "number" ? arg.value : undefined);
      const at = constants.indexOf(undefined);
      if (at < 0 || constants.indexOf(undefined, at + 1) >= 0 || !directionOf || !apply) return undefined;
      const own = directionOf(constants);
      if (own === undefined) return undefined;
      direction = direction === own ? 1 : -1;
      steps.unshift((value) => {
        const [a, b = 0, c = 0, d = 0] = constants.map((constant) => constant ?? value);
        return apply(a, b, c, d);
      });
      node = args[at];
    }
    if (node.kind !== "field" || node.equals !== undefined) return undefined;
    return {
      field: useOf(node),
      direction,
      apply: (value) => steps.reduce((value, step) => step(value), value),
    };
  }

  #compile(node: Node): Step {
    switch (node.kind) {
      case "number":
        return ({ seconds }) => new Float64Array(seconds.length).fill(node.value);
      case "time":
        return ({ seconds }) => seconds;
      case "field": {
        const index = this.fields.findIndex((use) => keyOf(use) === keyOf(node));
        return ({ columns }) => columns[index];
      }
      default:
        return this.#call(node.name, node.args.map((arg) => this.#compile(arg)));
    }
  }

  #call(name: string, args: readonly Step[]): Step {
    const { apply, begin } = FUNCTIONS[name];
    if (begin) {
      const take = begin();
      return (rows) => {
        const values = args[0](rows);
        const out = new Float64Array(values.length);
        for (let i = 0; i < out.length; i++) out[i] = take(values[i], rows.seconds[i]);
        return out;
      };
    }
    return (rows) => {
      const [a, b, c, d] = args.map((step) => step(rows));
      const out = new Float64Array(rows.seconds.length);
      // Apart, for each is a loop that the engine makes fast.
      if (!b) { for (let i = 0; i < out.length; i++) out[i] = apply!(a[i], 0, 0, 0); }
      else if (!c) { for (let i = 0; i < out.length; i++) out[i] = apply!(a[i], b[i], 0, 0); }
      else if (!d) { for (let i = 0; i < out.length; i++) out[i] = apply!(a[i], b[i], c[i], 0); }
      else for (let i = 0; i < out.length; i++) out[i] = apply!(a[i], b[i], c[i], d[i]);
      return out;
    };
  }
}

/** A field's key, by which it is read once. */
function keyOf({ topic, path, equals }: FieldUse): string {
  return JSON.stringify([topic, path, equals]);
}

function useOf({ topic, path, equals }: FieldNode): FieldUse {
  return { topic, path, ...(equals !== undefined && { equals }) };
}

function visit(node: Node, action: (node: Node) => void): void {
  action(node);
  if (node.kind === "call") { for (const arg of node.args) visit(arg, action); }
}

/** With constants where nothing but constants is. */
function folded(node: Node): Node {
  if (node.kind !== "call") return node;
  const args = node.args.map(folded);
  const { apply } = FUNCTIONS[node.name];
  if (!apply || !args.every((arg) => arg.kind === "number")) return { ...node, args };
  const [a, b = 0, c = 0, d = 0] = args.map((arg) => arg.value);
  return { kind: "number", value: apply(a, b, c, d) };
}

/** Names that expressions know, with a line of help: for completion. */
export const HELP: readonly { readonly name: string; readonly help: string }[] = [
  ...Object.entries(FUNCTIONS).flatMap(([name, { help }]) => name === "negate" ? [] : [{ name, help }]),
  ...Object.keys(CONSTANTS).map((name) => ({ name, help: "a constant" })),
  { name: "t", help: "seconds from the recording's start" },
];
