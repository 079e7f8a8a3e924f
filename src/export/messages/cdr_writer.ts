import type { RosDefinition, RosField } from "../../import/ros/ros_plan.ts";
import type { ByteBuilder } from "../byte_builder.ts";

/** Writes a value: anything, of which what is missing is written as zero or nothing. */
type Write = (value: unknown) => void;

/** The parts of a time and of a duration. */
const TIME: readonly RosField[] = [{ type: "int32", name: "sec" }, { type: "uint32", name: "nanosec" }];

/** Objects -> CDR by the definition of their type: XCDR version 1, little endian, as ROS 2 writes it. */
export class CdrWriter {
  readonly #byName: ReadonlyMap<string | undefined, RosDefinition>;
  readonly #root: Write;
  readonly #structs = new Map<string, Write>();
  #out!: ByteBuilder;
  /** What alignment counts from. */
  #origin = 0;

  /** @param definitions The type's own, which has no name, and of those that it uses. None uses itself. */
  constructor(definitions: readonly RosDefinition[]) {
    this.#byName = new Map(definitions.map((definition) => [definition.name, definition]));
    this.#root = this.#struct(this.#byName.get(undefined)!.definitions);
  }

  /** Adds a message. */
  write(value: object, out: ByteBuilder): void {
    // The encapsulation: XCDR version 1, little endian, no options.
    out.uint32(0x0100);
    this.#out = out;
    this.#origin = out.length;
    this.#root(value);
  }

  #struct(fields: readonly RosField[]): Write {
    const members = fields.filter(({ isConstant }) => !isConstant)
      .map((field) => ({ name: field.name, write: this.#field(field) }));
    if (members.length === 0) return () => this.#out.uint8(0);
    return (value) => {
      const object = (value ?? {}) as Readonly<Record<string, unknown>>;
      for (const { name, write } of members) write(object[name]);
    };
  }

  #field({ type, isArray, arrayLength }: RosField): Write {
    const write = this.#value(type);
    if (!isArray) return write;
    return (value) => {
      const items = (value ?? []) as ArrayLike<unknown>;
      const count = arrayLength ?? items.length;
      if (arrayLength === undefined) this.#uint32(count);
      // Bytes, of which there may be many.
      if (type === "uint8" && items instanceof Uint8Array && items.length === count) this.#out.raw(items);
      else for (let i = 0; i < count; i++) write(items[i]);
    };
  }

  #value(type: string): Write {
    switch (type) {
      case "bool":
        return (value) => this.#out.uint8(value ? 1 : 0);
      case "byte":
      case "char":
      case "int8":
      case "uint8":
        return (value) => this.#out.uint8(Number(value ?? 0));
      case "int16":
      case "uint16":
        return (value) => {
          const at = this.#take(2);
          this.#out.view.setUint16(at, Number(value ?? 0), true);
        };
      case "int32":
      case "uint32":
        return (value) => this.#uint32(Number(value ?? 0));
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
        return this.#named(type, TIME);
      default: {
        const found = this.#byName.get(type);
        if (!found) throw new TypeError(`no definition of ${type}`);
        return this.#named(type, found.definitions);
      }
    }
  }

  #named(type: string, fields: readonly RosField[]): Write {
    const known = this.#structs.get(type);
    if (known) return known;
    const made = this.#struct(fields);
    this.#structs.set(type, made);
    return made;
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
