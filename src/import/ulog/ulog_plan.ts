/**
 * Formats of ULog -> columns and the plan that decodes them.
 *
 * @module
 */
import { STEP, STEP_WORDS } from "../../record_plan.ts";
import type { DataType, FieldSchema } from "../../schema.ts";
import { columnWords, type CompiledRecords, decodedField, intType } from "../records/plan_columns.ts";

/** A field of a format. */
interface UlogField {
  readonly type: string;
  readonly name: string;
  /** Items of an array; undefined of a single value. */
  readonly length: number | undefined;
}

/** Formats by name. */
export type UlogFormats = ReadonlyMap<string, readonly UlogField[]>;

/** Nesting that is decoded; PX4 has two levels. */
const MAX_NESTING = 20;
/** Fields of one plan, and steps. */
const MAX_FIELDS = 20_000;
const MAX_STEPS = 50_000;
/** Items of an array: a message has no more bytes. */
const MAX_ITEMS = 65_535;

const TEXT: DataType = { kind: "utf8", offsets: 32 };

const TYPES: Readonly<Record<string, DataType>> = {
  int8_t: intType(8, true),
  uint8_t: intType(8, false),
  int16_t: intType(16, true),
  uint16_t: intType(16, false),
  int32_t: intType(32, true),
  uint32_t: intType(32, false),
  int64_t: intType(64, true),
  uint64_t: intType(64, false),
  float: { kind: "float", bits: 32 },
  double: { kind: "float", bits: 64 },
  bool: { kind: "bool" },
};

/** Why a format cannot be decoded. */
export class UlogFormatError extends Error {}

/** Reads a format message: `NAME:TYPE FIELD;TYPE[LENGTH] FIELD;...`. Throws UlogFormatError. */
export function parseUlogFormat(text: string): { name: string; fields: UlogField[] } {
  const colon = text.indexOf(":");
  if (colon <= 0) throw new UlogFormatError(`it has no name: ${JSON.stringify(text.slice(0, 60))}`);
  const fields = text.slice(colon + 1).split(";").filter((part) => part !== "").map((part) => {
    const match = /^(\w+)(?:\[(\d+)\])? (\S+)$/.exec(part);
    if (!match) throw new UlogFormatError(`it has a field ${JSON.stringify(part.slice(0, 60))}`);
    const [, type, length, name] = match;
    if (Number(length ?? 0) > MAX_ITEMS) throw new UlogFormatError(`it has an array of ${length} items`);
    return { type, name, length: length === undefined ? undefined : Number(length) };
  });
  return { name: text.slice(0, colon), fields };
}

/**
 * Compiles a format. Fields keep their names, arrays become a column for each item (`q[0]`, `q[1]`), but `char` arrays, which
 * are texts up to the first NUL; nested formats are structs; `_padding` has no column. Throws UlogFormatError where a format
 * is missing, holds itself, or has too many fields.
 */
export function compileUlog(formats: UlogFormats, name: string): CompiledRecords {
  const compiler = new UlogCompiler(formats);
  const fields = compiler.format(name);
  return {
    fields,
    plan: {
      encoding: "packedPrefix",
      columns: Int32Array.from(columnWords(fields)),
      code: Int32Array.from(compiler.code),
    },
  };
}

/** Bytes before the time in a record of a format; undefined where it has none in a fixed place. */
export function timeOffset(formats: UlogFormats, name: string): number | undefined {
  let offset = 0;
  for (const { type, name: field, length = 1 } of formats.get(name) ?? []) {
    if (field === "timestamp" && type === "uint64_t" && length === 1) return offset;
    if (type !== "char" && !Object.hasOwn(TYPES, type)) return undefined;
    offset += widthOf(type) * length;
  }
  return undefined;
}

/** What a format says, and those within it, as one text: the same for the same columns. */
export function formatText(formats: UlogFormats, name: string): string {
  const used = new Set([name]);
  for (const other of used) {
    for (const { type } of formats.get(other) ?? []) if (formats.has(type)) used.add(type);
  }
  return JSON.stringify([...used].map((other) => [other, formats.get(other)]));
}

class UlogCompiler {
  readonly code: number[] = [];
  readonly #formats: UlogFormats;
  #column = 0;
  #depth = 0;

  constructor(formats: UlogFormats) {
    this.#formats = formats;
  }

  format(name: string): FieldSchema[] {
    const fields = this.#formats.get(name);
    if (!fields) throw new UlogFormatError(`there is no format ${name}`);
    if (++this.#depth > MAX_NESTING) {
      throw new UlogFormatError("formats hold themselves or are nested too deeply");
    }
    const columns = fields.flatMap((field, i) => {
      const isLast = this.#depth === 1 && i === fields.length - 1;
      return this.#field(field, isLast);
    });
    this.#depth--;
    return columns;
  }

  #field({ type, name, length }: UlogField, isLast: boolean): FieldSchema[] {
    if (name.startsWith("_padding")) {
      // Writers leave it out at the end.
      if (!isLast) this.#step(STEP.skip, widthOf(type), length ?? 1);
      return [];
    }
    if (type === "char") {
      this.#step(STEP.fixedText, this.#column++, length ?? 1);
      return [decodedField(name, TEXT)];
    }
    if (length === undefined) return [this.#value(type, name)];
    return Array.from({ length: this.#checked(length) }, (_, i) => this.#value(type, `${name}[${i}]`));
  }

  #value(type: string, name: string): FieldSchema {
    const column = this.#column++;
    this.#checked(column);
    if (type === "bool") this.#step(STEP.bools, column, 1);
    else if (Object.hasOwn(TYPES, type)) this.#valueStep(column, widthOf(type));
    else {
      const children = this.format(type);
      if (children.length === 0) this.#step(STEP.unit, column);
      return decodedField(name, { kind: "struct" }, children);
    }
    return decodedField(name, TYPES[type]);
  }

  /** Adds a step for one value: its own, or one with the columns before. */
  #valueStep(column: number, width: number): void {
    const last = this.code.length - STEP_WORDS;
    const [kind, first, bytes, count] = this.code.slice(Math.max(0, last));
    if (kind === STEP.each && bytes === width && first + count === column) this.code[last + 3]++;
    else this.#step(STEP.each, column, width, 1);
  }

  #step(kind: number, a: number, b = 0, c = 0): void {
    if (this.code.length >= MAX_STEPS * STEP_WORDS) throw new UlogFormatError("it has too many fields");
    this.code.push(kind, a, b, c);
  }

  #checked(count: number): number {
    if (count > MAX_FIELDS) throw new UlogFormatError("it has too many fields");
    return count;
  }
}

function widthOf(type: string): number {
  const found = TYPES[type];
  return found && "bits" in found ? found.bits / 8 : 1;
}
