import { SmaltiError } from "../../error.ts";
import type { RosDefinition, RosField } from "../../import/ros/ros_plan.ts";
import type { ByteBuilder } from "../byte_builder.ts";

/** Writes a value: anything, of which what is missing is written as zero or nothing. */
type Write = (value: unknown) => void;

/** The parts of a time and of a duration. */
const TIME: readonly RosField[] = [{ type: "int32", name: "sec" }, { type: "uint32", name: "nanosec" }];

/** The least and the largest integer of a type. */
const INTEGERS: Readonly<Record<string, readonly [least: number, most: number]>> = {
  byte: [0, 2 ** 8 - 1],
  char: [0, 2 ** 8 - 1],
  int8: [-(2 ** 7), 2 ** 7 - 1],
  uint8: [0, 2 ** 8 - 1],
  int16: [-(2 ** 15), 2 ** 15 - 1],
  uint16: [0, 2 ** 16 - 1],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
};

/**
 * Objects -> CDR by the definition of their type: XCDR version 1, little endian, as ROS 2 writes it. An UNSUPPORTED where the type
 * has no room for a value: an integer out of range, a number that is none, a list of another length than the type's.
 */
export class CdrWriter {
  readonly #byName: ReadonlyMap<string | undefined, RosDefinition>;
  readonly #root: Write;
  #out!: ByteBuilder;
  /** What alignment counts from. */
  #origin = 0;

  /** @param definitions The type's own, which has no name, and of those that it uses. None uses itself. */
  constructor(definitions: readonly RosDefinition[]) {
    this.#byName = new Map(definitions.map((definition) => [definition.name, definition]));
    this.#root = this.#struct(this.#byName.get(undefined)!.definitions, "");
  }

  /** Adds a message. */
  write(value: object, out: ByteBuilder): void {
    // The encapsulation: XCDR version 1, little endian, no options.
    out.uint32(0x0100);
    this.#out = out;
    this.#origin = out.length;
    this.#root(value);
  }

  /** @param path Where the struct is, for what errors say: each place has a writer of its own. */
  #struct(fields: readonly RosField[], path: string): Write {
    const members = fields.filter(({ isConstant }) => !isConstant)
      .map((field) => ({ name: field.name, write: this.#field(field, path + field.name) }));
    if (members.length === 0) return () => this.#out.uint8(0);
    return (value) => {
      const object = (value ?? {}) as Readonly<Record<string, unknown>>;
      for (const { name, write } of members) write(object[name]);
    };
  }

  #field({ type, isArray, arrayLength }: RosField, path: string): Write {
    if (!isArray) return this.#value(type, path);
    const write = this.#value(type, `${path}[]`);
    return (value) => {
      const items = (value ?? []) as ArrayLike<unknown>;
      const count = arrayLength ?? items.length;
      if (arrayLength === undefined) this.#uint32(count);
      else if (items.length !== count && items.length > 0) {
        throw misfit(path, `has ${items.length} items`, `${count}, or none`);
      }
      // Bytes, of which there may be many.
      if (type === "uint8" && items instanceof Uint8Array && items.length === count) this.#out.raw(items);
      else for (let i = 0; i < count; i++) write(items[i]);
    };
  }

  #value(type: string, path: string): Write {
    const [least, most] = INTEGERS[type] ?? [];
    const integer = (value: unknown): number => {
      const number = Number(value ?? 0);
      if (!(Number.isInteger(number) && number >= least && number <= most)) {
        throw misfit(path, `is ${value}`, `${type}, ${least} to ${most}`);
      }
      return number;
    };
    switch (type) {
      case "bool":
        return (value) => this.#out.uint8(value ? 1 : 0);
      case "byte":
      case "char":
      case "int8":
      case "uint8":
        return (value) => this.#out.uint8(integer(value));
      case "int16":
      case "uint16":
        return (value) => {
          const at = this.#take(2);
          this.#out.view.setUint16(at, integer(value), true);
        };
      case "int32":
      case "uint32":
        return (value) => this.#uint32(integer(value));
      case "int64":
      case "uint64":
        return (value) => {
          const at = this.#take(8);
          this.#out.view.setBigUint64(at, BigInt((value ?? 0) as number | bigint), true);
        };
      case "float32":
        return (value) => {
          const at = this.#take(4);
          this.#out.view.setFloat32(at, Number(value ?? 0), true);
        };
      case "float64":
        return (value) => {
          const at = this.#take(8);
          this.#out.view.setFloat64(at, Number(value ?? 0), true);
        };
      case "string":
        return (value) => this.#text((value ?? "") as string);
      case "time":
      case "duration":
        return this.#struct(TIME, `${path}.`);
      default: {
        const found = this.#byName.get(type);
        if (!found) throw new TypeError(`no definition of ${type}`);
        return this.#struct(found.definitions, `${path}.`);
      }
    }
  }

  #text(text: string): void {
    const at = this.#take(4);
    this.#out.utf8(text);
    this.#out.uint8(0);
    this.#out.view.setUint32(at, this.#out.length - at - 4, true);
  }

  #uint32(value: number): void {
    const at = this.#take(4);
    this.#out.view.setUint32(at, value, true);
  }

  /** Makes room for a value, aligned to its width; where it is. */
  #take(width: number): number {
    const padding = (this.#origin - this.#out.length) & (width - 1);
    if (padding > 0) this.#out.zeros(padding);
    return this.#out.take(width);
  }
}

function misfit(path: string, found: string, wanted: string): SmaltiError {
  return new SmaltiError("UNSUPPORTED", `Cannot write field "${path}" of ROS: it ${found}; wanted ${wanted}`);
}
