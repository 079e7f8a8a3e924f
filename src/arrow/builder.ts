/**
 * Values -> columns. One builder a field, chosen once by its type, so that appending a message is a walk over known
 * builders. A value that does not fit throws and leaves every builder as it was before the message.
 *
 * @module
 */
import { SmaltiError } from "../error.ts";
import { type FieldSchema, typeName } from "../schema.ts";
import { didYouMean } from "../util/nearest.ts";
import { show } from "../util/show.ts";
import { type Columns, rowWidth } from "./columns.ts";
import { Builder, type ByteCount, isRecord, type Path } from "./field_builder.ts";
import { isView } from "./row_view.ts";
import {
  BigIntBuilder,
  BinaryBuilder,
  BoolBuilder,
  DecimalBuilder,
  Float32Builder,
  Float64Builder,
  HalfBuilder,
  IntBuilder,
  NullBuilder,
  RangeBuilder,
  Utf8Builder,
} from "./value_builders.ts";

class ListBuilder extends RangeBuilder {
  readonly #item: Builder;
  readonly #itemWidth: number;
  constructor(field: FieldSchema, path: Path, count: ByteCount) {
    super(field, path, count);
    // Without a number until it is made: a type that cannot be written is refused by then.
    const item = () => `${this.path}[${this.#item ? this.#item.length - this.offsets[this.length] : ""}]`;
    this.#item = createBuilder(field.children[0], item, count);
    this.#itemWidth = rowWidth(field.children[0]);
  }
  protected write(value: unknown): void {
    const items = arrayLike(value);
    if (!items) throw this.refuse(value, `${typeName(this.field)} as an array`);
    for (let i = 0; i < items.length; i++) this.#item.append(items[i]);
    this.count.variable += items.length * this.#itemWidth;
    this.close(this.#item.length);
  }
  override truncate(length: number): void {
    this.count.variable -= (this.offsets[this.length] - this.offsets[length]) * this.#itemWidth;
    super.truncate(length);
    this.#item.truncate(this.offsets[length]);
  }
  protected override collectData(out: Columns): void {
    super.collectData(out);
    this.#item.collect(out);
  }
}

class FixedListBuilder extends Builder {
  readonly #item: Builder;
  readonly #size: number;
  constructor(field: FieldSchema, path: Path, count: ByteCount, size: number) {
    super(field, path, count);
    const item = () => `${this.path}[${this.#item ? this.#item.length - this.length * size : ""}]`;
    this.#item = createBuilder(field.children[0], item, count);
    this.#size = size;
  }
  protected write(value: unknown): void {
    const items = arrayLike(value);
    if (!items || items.length !== this.#size) throw this.refuse(value, `an array of ${this.#size}`);
    for (let i = 0; i < this.#size; i++) this.#item.append(items[i]);
  }
  protected appendEmpty(): void {
    for (let i = 0; i < this.#size; i++) this.#item.appendMissing();
  }
  protected resize(): void {}
  override truncate(length: number): void {
    super.truncate(length);
    this.#item.truncate(length * this.#size);
  }
  protected collectData(out: Columns): void {
    this.#item.collect(out);
  }
}

/** Arrays, typed arrays and what is like them; not a plain object, which may well have a key called `length`. */
function arrayLike(value: unknown): ArrayLike<unknown> | undefined {
  if (Array.isArray(value)) return value;
  if (typeof value !== "object" || value === null) return undefined;
  const prototype = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return undefined;
  return Number.isInteger((value as { length?: unknown }).length) ? value as ArrayLike<unknown> : undefined;
}

/** A struct's fields; also the root, whose fields are a message's. */
export class StructBuilder extends Builder {
  readonly #names: string[];
  readonly #children: Builder[];
  /** Whether a field is called as something that every object has, such as `constructor`. */
  readonly #shadowing: boolean;
  constructor(field: FieldSchema, path: Path, count: ByteCount) {
    super(field, path, count);
    this.#names = field.children.map((child) => child.name);
    this.#shadowing = this.#names.some((name) => name in Object.prototype);
    this.#children = field.children.map((child) =>
      createBuilder(child, () => this.path ? `${this.path}.${child.name}` : child.name, count)
    );
  }
  protected write(value: unknown): void {
    if (!isRecord(value)) throw this.refuse(value, "an object");
    const record = value;
    const names = this.#names;
    const children = this.#children;
    const count = names.length;
    if (this.#shadowing) return this.#writeByName(record);
    let i = 0;
    // Engines read a property by the key of the loop that is at it far faster than by any other.
    for (const key in record) {
      while (i < count && key !== names[i] && record[names[i]] === undefined) children[i++].append(undefined);
      if (i === count || key !== names[i]) {
        // The one key of a view; its fields are getters.
        if (key === "toObject" && isView(record)) break;
        return this.#writeByName(record);
      }
      children[i++].append(record[key]);
    }
    // What the loop does not show: missing fields, and getters of a class.
    for (; i < count; i++) children[i].append(record[names[i]]);
  }
  /** For keys in another order than the fields, and unknown ones. */
  #writeByName(record: Record<string, unknown>): void {
    for (const key in record) {
      if (record[key] === undefined || this.#names.includes(key)) continue;
      if (key === "toObject" && typeof record[key] === "function") {
        if (isView(record)) continue;
        const copy = `Field "${this.path || "data"}" is a copy of a message's view`;
        throw new SmaltiError(
          "INVALID_MESSAGE",
          `${copy}, which has none of its fields: copy its toObject()`,
        );
      }
      const path = this.path ? `${this.path}.${key}` : key;
      const known = this.#names.join(", ");
      throw new SmaltiError(
        "INVALID_MESSAGE",
        `Field "${path}" is ${show(record[key])}: wanted no such field, only ${known}` +
          didYouMean(key, this.#names),
      );
    }
    this.#children.forEach((child, i) => {
      const name = this.#names[i];
      const own = !(name in Object.prototype) || record[name] !== Object.prototype[name as keyof object];
      child.truncate(this.length);
      child.append(own ? record[name] : undefined);
    });
  }
  protected appendEmpty(): void {
    for (const child of this.#children) child.appendMissing();
  }
  protected resize(): void {}
  override truncate(length: number): void {
    super.truncate(length);
    for (const child of this.#children) child.truncate(length);
  }
  protected collectData(out: Columns): void {
    for (const child of this.#children) child.collect(out);
  }
  /** The fields' columns alone, as a table has them. */
  collectFields(out: Columns): void {
    this.collectData(out);
  }
}

/** Of types that are written as columns alone: takes no value. */
class ColumnsOnlyBuilder extends Builder {
  override append(_value: unknown): void {
    this.#refuse();
  }
  override appendMissing(): void {
    this.#refuse();
  }
  protected write(): void {}
  protected appendEmpty(): void {}
  protected resize(): void {}
  protected collectData(): void {}
  #refuse(): never {
    const text = `Cannot write field "${this.path}" of type ${typeName(this.field)} value by value`;
    throw new SmaltiError("UNSUPPORTED", text);
  }
}

/** The builder for a field. That of a type without values of its own takes none: UNSUPPORTED. */
export function createBuilder(field: FieldSchema, path: Path, count: ByteCount): Builder {
  const { type } = field;
  if (field.dictionary) return new ColumnsOnlyBuilder(field, path, count);
  switch (type.kind) {
    case "null":
      return new NullBuilder(field, path, count);
    case "bool":
      return new BoolBuilder(field, path, count);
    case "int":
      return type.bits === 64
        ? new BigIntBuilder(field, path, count, type.signed)
        : new IntBuilder(field, path, count, type.bits, type.signed);
    case "float":
      if (type.bits === 16) return new HalfBuilder(field, path, count);
      return type.bits === 32
        ? new Float32Builder(field, path, count)
        : new Float64Builder(field, path, count);
    case "decimal":
      return new DecimalBuilder(field, path, count, type);
    case "utf8":
      if (type.offsets === 32) return new Utf8Builder(field, path, count);
      break;
    case "binary":
      if (type.offsets === 32) return new BinaryBuilder(field, path, count);
      break;
    case "list":
      if (type.offsets === 32) return new ListBuilder(field, path, count);
      break;
    case "fixedList":
      return new FixedListBuilder(field, path, count, type.size);
    case "struct":
      return new StructBuilder(field, path, count);
  }
  return new ColumnsOnlyBuilder(field, path, count);
}
