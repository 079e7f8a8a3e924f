import { type FieldSchema, isOptional } from "../schema.ts";

// One kind for each type of array: a place in the code that sees several of them is many times as slow.
export const STRUCT = 0;
export const FLOAT64 = 1;
export const FLOAT32 = 2;
export const INT8 = 3;
export const INT16 = 4;
export const INT32 = 5;
export const UINT8 = 6;
export const UINT16 = 7;
export const UINT32 = 8;
export const INT64 = 9;
export const UINT64 = 10;
export const BOOL = 11;
/** What has a builder of its own. */
export const OTHER = 12;

const SIGNED_KINDS = { 8: INT8, 16: INT16, 32: INT32, 64: INT64 };
const UNSIGNED_KINDS = { 8: UINT8, 16: UINT16, 32: UINT32, 64: UINT64 };

/** A field of messages, and where its values are kept. It holds none: topics of one ontology share it. */
export interface Slot {
  readonly name: string;
  readonly kind: number;
  readonly isOptional: boolean;
  /** Its place among all of the messages' fields, in depth-first order; -1 of a message itself. */
  readonly index: number;
  /** Its place among the fields of float64. */
  readonly float: number;
  /** A struct's fields. */
  readonly children: readonly Slot[];
  /** Their names. */
  readonly names: readonly string[];
  /** Of a struct that has float64 alone: the place of its first field among those, and the others come next. -1 of others. */
  readonly floatsFrom: number;
  readonly field: FieldSchema;
  /** Where it is in a message, for errors. */
  readonly path: string;
}

/** The slots of a list of fields. */
export interface Slots {
  /** The message itself, as a struct of its fields; none of {@linkcode all}. */
  readonly root: Slot;
  /** Those of what is within structs too, by index. */
  readonly all: readonly Slot[];
  /** How many of them are of float64. */
  readonly floats: number;
}

const known = new WeakMap<readonly FieldSchema[], Slots>();

/** The slots of messages with these fields. */
export function slotsOf(fields: readonly FieldSchema[]): Slots {
  let slots = known.get(fields);
  if (!slots) known.set(fields, slots = makeSlots(fields));
  return slots;
}

function makeSlots(fields: readonly FieldSchema[]): Slots {
  const all: Slot[] = [];
  let floats = 0;
  const make = (field: FieldSchema, prefix: string): Slot => {
    const kind = kindOf(field);
    const path = prefix + field.name;
    const index = all.length++;
    const float = kind === FLOAT64 ? floats++ : 0;
    const children = kind === STRUCT ? field.children.map((child) => make(child, `${path}.`)) : [];
    return all[index] = slotOf(field, children, { kind, index, float, path });
  };
  const message: FieldSchema = { name: "", type: { kind: "struct" }, nullable: false, children: fields };
  const top = fields.map((field) => make(field, ""));
  return { root: slotOf(message, top, { kind: STRUCT, index: -1, float: 0, path: "" }), all, floats };
}

function slotOf(
  field: FieldSchema,
  children: readonly Slot[],
  place: Pick<Slot, "kind" | "index" | "float" | "path">,
): Slot {
  return {
    ...place,
    name: field.name,
    isOptional: isOptional(field),
    children,
    names: children.map(({ name }) => name),
    floatsFrom: children.length > 0 && children.every(({ kind }) => kind === FLOAT64)
      ? children[0].float
      : -1,
    field,
  };
}

function kindOf({ type, dictionary }: FieldSchema): number {
  if (dictionary) return OTHER;
  switch (type.kind) {
    case "struct":
      return STRUCT;
    case "bool":
      return BOOL;
    case "int":
      return (type.signed ? SIGNED_KINDS : UNSIGNED_KINDS)[type.bits];
    case "float":
      return type.bits === 64 ? FLOAT64 : type.bits === 32 ? FLOAT32 : OTHER;
    default:
      return OTHER;
  }
}
