import { COLUMN, type RecordPlan } from "../../record_plan.ts";
import { type FieldSchema, MISSING_KEY } from "../../schema.ts";

/** The columns of records of one schema, and how they are decoded. */
export interface CompiledRecords {
  readonly fields: readonly FieldSchema[];
  readonly plan: RecordPlan;
}

/** The type of integers. */
export function intType(bits: 8 | 16 | 32 | 64, signed: boolean): FieldSchema["type"] {
  return { kind: "int", bits, signed };
}

/** A field that is decoded: nullable, since a record that does not fit leaves a null. */
export function decodedField(
  name: string,
  type: FieldSchema["type"],
  children: readonly FieldSchema[] = [],
): FieldSchema {
  // A struct of nulls is none that is missing: a message without fields is there.
  const metadata = type.kind === "struct" ? { [MISSING_KEY]: "null" } : undefined;
  return { name, type, nullable: true, children, ...(metadata && { metadata }) };
}

/** The same fields with names that differ from each other and from those taken, by underscores at their end. */
export function distinctNames(fields: readonly FieldSchema[], taken: readonly string[] = []): FieldSchema[] {
  const names = new Set(taken);
  return fields.map((field) => {
    let { name } = field;
    while (names.has(name)) name += "_";
    names.add(name);
    return { ...field, name, children: distinctNames(field.children) };
  });
}

/** The words of the columns of such fields, and how many columns each has. */
export function columnWords(fields: readonly FieldSchema[]): number[] {
  return fields.flatMap((field) => {
    const { type, children } = field;
    const within = columnWords(children);
    const [kind, argument] = kindOf(type);
    return [kind, argument, within.length / 3, ...within];
  });
}

/** Bytes of a row of such fields in which all is null or absent, about. */
export function nullBytes(fields: readonly FieldSchema[]): number {
  return fields.reduce((sum, { type, children }) => {
    switch (type.kind) {
      case "int":
      case "float":
        return sum + type.bits / 8;
      case "struct":
        return sum + Math.max(1, nullBytes(children));
      case "fixedList":
        return sum + type.size * nullBytes(children);
      case "bool":
        return sum + 1;
      default:
        return sum + 4;
    }
  }, 0);
}

/** The most that {@linkcode nullBytes} are of the fields and of the items of lists within. */
export function mostNullBytes(fields: readonly FieldSchema[]): number {
  return fields.reduce(
    (most, { children }) => Math.max(most, mostNullBytes(children)),
    nullBytes(fields),
  );
}

/** Characters of the names of enums in the metadata of one schema's fields. */
const MAX_ENUM_CHARS = 1 << 20;

/** Names of enums' values for the metadata of fields, which many fields may share: no more than would fill a schema. */
export class EnumNames {
  readonly #texts = new Map<unknown, string>();
  #left = MAX_ENUM_CHARS;

  /** The field with the names by their numbers, as JSON; without them where there are too many. */
  add(
    field: FieldSchema,
    key: unknown,
    names: () => Iterable<readonly [number: unknown, name: string]>,
  ): FieldSchema {
    let text = this.#texts.get(key);
    if (text === undefined) this.#texts.set(key, text = JSON.stringify(Object.fromEntries(names())));
    this.#left -= text.length;
    return this.#left < 0 ? field : { ...field, metadata: { enum: text } };
  }
}

function kindOf(type: FieldSchema["type"]): [kind: number, argument: number] {
  switch (type.kind) {
    case "int":
    case "float":
      return [COLUMN.fixed, type.bits / 8];
    case "bool":
      return [COLUMN.bool, 0];
    case "utf8":
    case "binary":
      return [COLUMN.bytes, 0];
    case "list":
      return [COLUMN.list, 0];
    case "fixedList":
      return [COLUMN.fixedList, type.size];
    case "struct":
      return [COLUMN.struct, 0];
    default:
      throw new TypeError(`no column of decoded records is ${type.kind}`);
  }
}
