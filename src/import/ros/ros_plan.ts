/**
 * Definitions of ROS messages -> columns and the plan that decodes them.
 *
 * @module
 */
import { type RecordEncoding, STEP, STEP_WORDS } from "../../record_plan.ts";
import type { DataType, FieldSchema } from "../../schema.ts";
import { columnWords, type CompiledRecords, decodedField, intType } from "../records/plan_columns.ts";

/** A field, as @foxglove/message-definition has it. */
export interface RosField {
  readonly type: string;
  readonly name: string;
  readonly isComplex?: boolean;
  readonly isArray?: boolean;
  readonly arrayLength?: number;
  readonly isConstant?: boolean;
}

/** A message type: its fields, and its name unless it is the message's own. */
export interface RosDefinition {
  readonly name?: string;
  readonly definitions: readonly RosField[];
}

/** Nesting that is decoded. */
const MAX_NESTING = 60;
const MAX_INT32 = 2 ** 31 - 1;
/** Steps of one plan: an array of arrays of structs could ask for millions. */
const MAX_STEPS = 50_000;

/** What a ROS 2 writer puts into a message that has no fields, for which IDL has no word. */
const FILLER = "structure_needs_at_least_one_member";

const NUMBERS: Readonly<Record<string, DataType>> = {
  byte: intType(8, false),
  char: intType(8, false),
  int8: intType(8, true),
  uint8: intType(8, false),
  int16: intType(16, true),
  uint16: intType(16, false),
  int32: intType(32, true),
  uint32: intType(32, false),
  int64: intType(64, true),
  uint64: intType(64, false),
  float32: { kind: "float", bits: 32 },
  float64: { kind: "float", bits: 64 },
};

/** Arrays of these are bytes. */
const OCTETS = new Set(["uint8", "byte", "char"]);

/** A time or duration, as ROS 2 names its parts. */
const timeFields = (sec: string, nanosec: string): RosField[] => [
  { type: sec, name: "sec" },
  { type: nanosec, name: "nanosec" },
];
const SIGNED = timeFields("int32", "int32");
const UNSIGNED = timeFields("uint32", "uint32");
const MIXED = timeFields("int32", "uint32");

/** Why a definition cannot be decoded. */
export class RosDefinitionError extends Error {}

/**
 * Compiles the definition of a message: the first without a name, or the one of that name. Field names stay. Times become
 * structs of `sec` and `nanosec`, arrays of uint8, byte and char bytes, other arrays lists, of fixed size where theirs is.
 * Throws RosDefinitionError where a type is missing, has no fixed layout (wstring), is recursive or nested too deeply.
 */
export function compileRos(
  definitions: readonly RosDefinition[],
  typeName: string,
  encoding: "cdr" | "packed",
): CompiledRecords {
  const compiler = new RosCompiler(definitions, encoding);
  const root = compiler.root(typeName);
  const fields = compiler.struct(root);
  return {
    fields,
    plan: {
      encoding: encoding satisfies RecordEncoding,
      columns: Int32Array.from(columnWords(fields)),
      code: Int32Array.from(compiler.code),
    },
  };
}

class RosCompiler {
  readonly code: number[] = [];
  readonly #definitions: readonly RosDefinition[];
  readonly #byName = new Map<string | undefined, RosDefinition>();
  /** Bytes that a value of a type takes at least, by type. */
  readonly #least = new Map<string, number>();
  readonly #isRos1: boolean;
  /** The next column's number. */
  #column = 0;
  #depth = 0;
  /** Steps before are not to be joined with those after: the body of a list begins here. */
  #joinable = 0;

  constructor(definitions: readonly RosDefinition[], encoding: "cdr" | "packed") {
    this.#definitions = definitions;
    for (const definition of definitions) {
      if (!this.#byName.has(definition.name)) this.#byName.set(definition.name, definition);
    }
    this.#isRos1 = encoding === "packed";
  }

  /** The fields of the message's own type. */
  root(typeName: string): readonly RosField[] {
    const own = this.#byName.get(undefined) ?? this.#byName.get(typeName) ??
      (this.#definitions.length === 1 ? this.#definitions[0] : undefined);
    if (!own) throw new RosDefinitionError(`it does not define ${typeName}`);
    return own.definitions;
  }

  /** Steps for the fields of a struct, one after another, and their columns. */
  struct(fields: readonly RosField[]): FieldSchema[] {
    if (++this.#depth > MAX_NESTING) {
      throw new RosDefinitionError("its types are recursive or nested too deeply");
    }
    const known = new Set<string>();
    const columns: FieldSchema[] = [];
    let isEmpty = true;
    for (const field of fields) {
      if (field.isConstant) continue;
      isEmpty = false;
      if (field.name === FILLER) {
        this.#step(STEP.skip, 1, 1);
        continue;
      }
      if (known.has(field.name)) throw new RosDefinitionError(`it has two fields ${field.name}`);
      known.add(field.name);
      columns.push(this.#field(field));
    }
    if (isEmpty && !this.#isRos1) this.#step(STEP.skip, 1, 1);
    this.#depth--;
    return columns;
  }

  #field(field: RosField): FieldSchema {
    const { name, type, isArray, arrayLength } = field;
    if (!isArray) return this.#value(name, field);
    if (arrayLength !== undefined && arrayLength > MAX_INT32) {
      throw new RosDefinitionError(`its field ${name} is an array of too many items`);
    }
    if (OCTETS.has(type)) {
      const column = this.#column++;
      if (arrayLength === undefined) this.#step(STEP.bytes, column);
      else this.#step(STEP.fixedBytes, column, arrayLength);
      return decodedField(name, { kind: "binary", offsets: 32 });
    }
    return arrayLength === undefined ? this.#sequence(name, field) : this.#array(name, field, arrayLength);
  }

  #sequence(name: string, field: RosField): FieldSchema {
    const column = this.#column++;
    const listOf = (item: FieldSchema) => decodedField(name, { kind: "list", offsets: 32 }, [item]);
    if (field.type === "bool") {
      this.#column++;
      this.#step(STEP.boolList, column);
      return listOf(decodedField("item", { kind: "bool" }));
    }
    const number = numberType(field.type);
    if (number) {
      this.#column++;
      this.#step(STEP.list, column, widthOf(number));
      return listOf(decodedField("item", number));
    }
    const least = this.#leastBytes(field, 0);
    if (least === 0) throw new RosDefinitionError(`its field ${name} is a list of what takes no bytes`);
    const at = this.#step(STEP.sequence, column, 0, Math.min(least, MAX_INT32));
    this.#joinable = this.code.length;
    const item = this.#value("item", field);
    this.#joinable = this.code.length;
    this.code[at + 2] = this.#stepsSince(at);
    return listOf(item);
  }

  #array(name: string, field: RosField, length: number): FieldSchema {
    if (length === 0) throw new RosDefinitionError(`its field ${name} is an array of no items`);
    this.#column++;
    const arrayOf = (item: FieldSchema) => decodedField(name, { kind: "fixedList", size: length }, [item]);
    if (field.type === "bool") {
      this.#step(STEP.bools, this.#column++, length);
      return arrayOf(decodedField("item", { kind: "bool" }));
    }
    const number = numberType(field.type);
    if (number) {
      this.#step(STEP.values, this.#column++, widthOf(number), length);
      return arrayOf(decodedField("item", number));
    }
    if (this.#leastBytes(field, 0) === 0) {
      throw new RosDefinitionError(`its field ${name} is an array of what takes no bytes`);
    }
    const at = this.#step(STEP.repeat, length, 0);
    this.#joinable = this.code.length;
    const item = this.#value("item", field);
    this.#joinable = this.code.length;
    this.code[at + 2] = this.#stepsSince(at);
    return arrayOf(item);
  }

  /** A value that is no array. */
  #value(name: string, field: RosField): FieldSchema {
    const { type } = field;
    const number = numberType(type);
    if (number) {
      this.#valueStep(this.#column++, widthOf(number));
      return decodedField(name, number);
    }
    if (type === "bool") {
      this.#step(STEP.bools, this.#column++, 1);
      return decodedField(name, { kind: "bool" });
    }
    if (type === "string") {
      this.#step(STEP.text, this.#column++, this.#isRos1 ? 0 : 1);
      return decodedField(name, { kind: "utf8", offsets: 32 });
    }
    const column = this.#column++;
    const children = this.struct(this.#fieldsOf(field));
    if (children.length === 0) this.#step(STEP.unit, column);
    return decodedField(name, { kind: "struct" }, children);
  }

  /** The fields of a type that is a struct. */
  #fieldsOf({ type }: RosField): readonly RosField[] {
    if (type === "time") return this.#isRos1 ? UNSIGNED : MIXED;
    if (type === "duration") return this.#isRos1 ? SIGNED : MIXED;
    const found = this.#byName.get(type);
    if (found) return found.definitions;
    if (type === "wstring") throw new RosDefinitionError("it has a wstring, whose layout differs by writer");
    throw new RosDefinitionError(`it does not define ${type}`);
  }

  /** Bytes that a value of a field takes at least. */
  #leastBytes(field: RosField, depth: number): number {
    if (depth > MAX_NESTING) throw new RosDefinitionError("its types are recursive or nested too deeply");
    const number = numberType(field.type);
    if (number) return widthOf(number);
    if (field.type === "bool") return 1;
    if (field.type === "string") return 4;
    const known = this.#least.get(field.type);
    if (known !== undefined) return known;
    const bytes = this.#leastOf(field, depth);
    this.#least.set(field.type, bytes);
    return bytes;
  }

  #leastOf(field: RosField, depth: number): number {
    const fields = this.#fieldsOf(field).filter(({ isConstant }) => !isConstant);
    if (fields.length === 0) return this.#isRos1 ? 0 : 1;
    const sizes = fields.map((inner) => {
      if (!inner.isArray) return this.#leastBytes(inner, depth + 1);
      return inner.arrayLength === undefined ? 4 : inner.arrayLength * this.#leastBytes(inner, depth + 1);
    });
    return sizes.reduce((sum, size) => sum + size, 0);
  }

  /** Adds a step for one value: its own, or one with the columns before. */
  #valueStep(column: number, width: number): void {
    const last = this.code.length - STEP_WORDS;
    const [kind, first, bytes, count] = this.code.slice(Math.max(last, this.#joinable));
    if (kind === STEP.each && bytes === width && first + count === column) this.code[last + 3]++;
    else this.#step(STEP.each, column, width, 1);
  }

  /** Adds a step; where it is in the code. */
  #step(kind: number, a: number, b = 0, c = 0): number {
    const at = this.code.length;
    if (at >= MAX_STEPS * STEP_WORDS) throw new RosDefinitionError("it has too many fields");
    this.code.push(kind, a, b, c);
    return at;
  }

  /** Steps after the one at a place. */
  #stepsSince(at: number): number {
    return (this.code.length - at) / STEP_WORDS - 1;
  }
}

function numberType(type: string): DataType | undefined {
  return Object.hasOwn(NUMBERS, type) ? NUMBERS[type] : undefined;
}

function widthOf(type: DataType): number {
  return (type as { bits: number }).bits / 8;
}
