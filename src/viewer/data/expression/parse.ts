/**
 * Expressions over fields, as text:
 *
 *     imu.acceleration.x * 9.81      d(gps.altitude)      hypot(imu.x, imu.y) > 3 and not vehicle.armed
 *
 * Numbers, fields (see `reference.ts`), `t` (seconds from the recording's start), constants, functions (`functions.ts`), `+ - * / % ^`,
 * `< <= > >= == !=`, `and or not` (also `&& || !`), parentheses. A text field is compared with a text: `status == "OK"`. `^` binds tightest, to
 * the right; then signs, `* / %`, `+ -`, comparisons, `not`, `and`, `or`.
 *
 * @module
 */
import { CONSTANTS, FUNCTIONS } from "./functions.ts";
import type { References } from "./reference.ts";

/** An expression, parsed. */
export type Node =
  | { readonly kind: "number"; readonly value: number }
  /** With `equals`: 1 where the field is that text, 0 where it is another. */
  | FieldNode
  | { readonly kind: "time" }
  | { readonly kind: "call"; readonly name: string; readonly args: readonly Node[] };

/** A field, with its place in the text. */
export interface FieldNode {
  readonly kind: "field";
  readonly topic: string;
  readonly path: string;
  readonly equals?: string;
  readonly start: number;
  readonly length: number;
}

/** Where in a text something is wrong. */
export class ExpressionError extends Error {
  /** The first character, from 0. */
  readonly start: number;
  /** How many characters. */
  readonly length: number;

  constructor(message: string, start: number, length: number = 1) {
    super(message);
    this.start = start;
    this.length = length;
  }
}

const MAX_TEXT = 4096;
const MAX_DEPTH = 100;
const NUMBER = /(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y;
const WORD = /[A-Za-z_][A-Za-z0-9_]*/y;
const OPERATORS = [
  "<=",
  ">=",
  "==",
  "!=",
  "&&",
  "||",
  "**",
  "+",
  "-",
  "*",
  "/",
  "%",
  "^",
  "<",
  ">",
  "=",
  "!",
] as const;
const ALIASES: Readonly<Record<string, string>> = {
  "&&": "and",
  "||": "or",
  "!": "not",
  "**": "^",
  "=": "==",
};
/** How tightly operators bind, on either side of them. */
const BINDING: Readonly<Record<string, number>> = {
  or: 1,
  and: 2,
  "<": 4,
  "<=": 4,
  ">": 4,
  ">=": 4,
  "==": 4,
  "!=": 4,
  "+": 5,
  "-": 5,
  "*": 6,
  "/": 6,
  "%": 6,
  "^": 8,
};
const NOT_BINDING = 3;
const SIGN_BINDING = 7;

/** Parses an expression. ExpressionError, which says where and what was wanted. Whether fields are there is not looked at. */
export function parseExpression(text: string, references: References): Node {
  if (text.length > MAX_TEXT) {
    throw new ExpressionError(`The expression has ${text.length} characters, wanted ${MAX_TEXT} at most`, 0);
  }
  return new Parser(text, references).parse();
}

type Token =
  | { kind: "number"; value: number; start: number; length: number }
  | { kind: "text"; value: string; start: number; length: number }
  | { kind: "field"; topic: string; path: string; start: number; length: number }
  | { kind: "word" | "operator" | "mark"; value: string; start: number; length: number }
  | { kind: "end"; start: number; length: number };

class Parser {
  readonly #text: string;
  readonly #references: References;
  #at = 0;
  #token: Token;
  #depth = 0;

  constructor(text: string, references: References) {
    this.#text = text;
    this.#references = references;
    this.#token = this.#read();
  }

  parse(): Node {
    const node = this.#expression(0);
    if (this.#token.kind !== "end") throw this.#wrong("wanted an operator or the end");
    if (node.text !== undefined) throw this.#lonely(node);
    return node.node;
  }

  /** What binds more tightly than so much. `text` where it is a text alone. */
  #expression(binding: number): Parsed {
    if (++this.#depth > MAX_DEPTH) {
      throw new ExpressionError(`The expression is nested more than ${MAX_DEPTH} deep`, this.#token.start);
    }
    let left = this.#operand();
    for (;;) {
      const token = this.#token;
      const name = token.kind === "operator" || (token.kind === "word" && token.value in BINDING)
        ? token.value
        : "";
      const own = BINDING[name] ?? 0;
      if (own <= binding) break;
      this.#next();
      // `^` binds to the right; all others to the left.
      const right = this.#expression(name === "^" ? own - 1 : own);
      left = this.#join(name, left, right, token);
    }
    this.#depth--;
    return left;
  }

  #join(name: string, left: Parsed, right: Parsed, { start }: Token): Parsed {
    const made = (node: Node): Parsed => ({ node, start: left.start });
    if (left.text === undefined && right.text === undefined) {
      return made({ kind: "call", name, args: [left.node, right.node] });
    }
    const [text, other] = left.text === undefined ? [right, left] : [left, right];
    const { node } = other;
    if ((name !== "==" && name !== "!=") || other.text !== undefined || node.kind !== "field") {
      throw new ExpressionError(`A text can only be compared with a field, by == or !=`, start, name.length);
    }
    const equal: Node = { ...node, equals: text.text! };
    return made(name === "==" ? equal : { kind: "call", name: "not", args: [equal] });
  }

  #operand(): Parsed {
    const token = this.#token;
    const { start } = token;
    const made = (node: Node): Parsed => ({ node, start });
    if (token.kind === "operator" && (token.value === "-" || token.value === "+" || token.value === "not")) {
      this.#next();
      const operand = this.#expression(token.value === "not" ? NOT_BINDING : SIGN_BINDING);
      if (operand.text !== undefined) throw this.#lonely(operand);
      if (token.value === "+") return operand;
      return made({ kind: "call", name: token.value === "not" ? "not" : "negate", args: [operand.node] });
    }
    if (token.kind === "number") {
      this.#next();
      return made({ kind: "number", value: token.value });
    }
    if (token.kind === "text") {
      this.#next();
      return { node: { kind: "number", value: NaN }, start, text: token.value };
    }
    if (token.kind === "field") {
      this.#next();
      const { topic, path, length } = token;
      return made({ kind: "field", topic, path, start, length });
    }
    if (token.kind === "mark" && token.value === "(") {
      this.#next();
      const inner = this.#expression(0);
      this.#expect(")");
      return { ...inner, start };
    }
    if (token.kind === "word") return made(this.#word(token.value, token));
    throw this.#wrong("wanted a field, a number or a function");
  }

  #word(name: string, { start, length }: Token): Node {
    this.#next();
    if (this.#token.kind === "mark" && this.#token.value === "(") return this.#call(name, start);
    if (name === "t") return { kind: "time" };
    if (name in CONSTANTS) return { kind: "number", value: CONSTANTS[name] };
    const hint = isFunction(name)
      ? `it is a function: ${FUNCTIONS[name].help}`
      : this.#references.pathsOf(name)
      ? `it is a topic, wanted a field of it: ${name}.${this.#references.pathsOf(name)![0] ?? "field"}`
      : "wanted topic.field, a function or a constant";
    throw new ExpressionError(`"${name}" is not known: ${hint}`, start, length);
  }

  #call(name: string, start: number): Node {
    if (!isFunction(name)) {
      const known = Object.keys(FUNCTIONS).filter(isFunction).join(", ");
      throw new ExpressionError(`There is no function "${name}", wanted one of ${known}`, start, name.length);
    }
    this.#next();
    const args: Node[] = [];
    while (!(this.#token.kind === "mark" && this.#token.value === ")")) {
      if (args.length > 0) this.#expect(",");
      const arg = this.#expression(0);
      if (arg.text !== undefined) throw this.#lonely(arg);
      args.push(arg.node);
    }
    this.#next();
    const { arity: [least, most] } = FUNCTIONS[name];
    const [only] = args;
    // A list stands for its elements: roll(q) is roll(q[0], q[1], q[2], q[3]).
    if (args.length === 1 && least === 4 && most === 4 && only.kind === "field") {
      args.splice(0, 1, ...[0, 1, 2, 3].map((i) => ({ ...only, path: `${only.path}[${i}]` })));
    }
    if (args.length < least || args.length > most) {
      const wanted = least === most ? `${least}` : `${least} to ${most}`;
      throw new ExpressionError(`${name} has ${args.length} arguments, wanted ${wanted}`, start, name.length);
    }
    return { kind: "call", name, args };
  }

  #expect(mark: string): void {
    if (this.#token.kind !== "mark" || this.#token.value !== mark) throw this.#wrong(`wanted "${mark}"`);
    this.#next();
  }

  #next(): void {
    this.#token = this.#read();
  }

  #read(): Token {
    const text = this.#text;
    while (/\s/.test(text[this.#at] ?? "x")) this.#at++;
    const start = this.#at;
    if (start >= text.length) return { kind: "end", start, length: 0 };
    const take = (length: number) => (this.#at += length, { start, length });
    const field = this.#references.at(text, start);
    if (field) return { kind: "field", topic: field.topic, path: field.path, ...take(field.length) };
    NUMBER.lastIndex = start;
    const number = NUMBER.exec(text)?.[0];
    if (number !== undefined) return { kind: "number", value: Number(number), ...take(number.length) };
    WORD.lastIndex = start;
    const word = WORD.exec(text)?.[0];
    if (word !== undefined) {
      const kind = word === "not" ? "operator" : "word";
      return { kind, value: word, ...take(word.length) };
    }
    if (text[start] === '"' || text[start] === "'") return this.#readText(text[start]);
    const operator = OPERATORS.find((operator) => text.startsWith(operator, start));
    if (operator !== undefined) {
      return { kind: "operator", value: ALIASES[operator] ?? operator, ...take(operator.length) };
    }
    if ("(),".includes(text[start])) return { kind: "mark", value: text[start], ...take(1) };
    const what = text[start] === "`"
      ? "a name in backticks wants a second one, a dot and a field"
      : "it means nothing here";
    throw new ExpressionError(`Unexpected ${JSON.stringify(text[start])}: ${what}`, start);
  }

  #readText(quote: string): Token {
    const start = this.#at;
    const end = this.#text.indexOf(quote, start + 1);
    if (end < 0) {
      throw new ExpressionError(`The text has no end, wanted ${quote}`, start, this.#text.length - start);
    }
    this.#at = end + 1;
    return { kind: "text", value: this.#text.slice(start + 1, end), start, length: end + 1 - start };
  }

  #lonely({ start, text }: Parsed): ExpressionError {
    return new ExpressionError(
      `A text can only be compared with a field, by == or !=`,
      start,
      text!.length + 2,
    );
  }

  #wrong(wanted: string): ExpressionError {
    const { kind, start, length } = this.#token;
    const seen = kind === "end"
      ? "The expression ends here"
      : `Unexpected "${this.#text.slice(start, start + length)}"`;
    return new ExpressionError(`${seen}: ${wanted}`, start, Math.max(1, length));
  }
}

interface Parsed {
  readonly node: Node;
  readonly start: number;
  /** Set where it is a text, which is no value by itself. */
  readonly text?: string;
}

/** Whether a name is a function's, and no operator's. */
function isFunction(name: string): boolean {
  return name in FUNCTIONS && /^[a-z]\w*$/.test(name) && !["and", "or", "not", "negate"].includes(name);
}
