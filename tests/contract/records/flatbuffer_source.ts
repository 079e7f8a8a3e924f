/**
 * Random schemas of FlatBuffers, and records of them by the library's builder.
 *
 * @module
 */
import { Builder, type Offset } from "flatbuffers";
import { BASE, readBfbs } from "../../../src/import/flatbuffer/bfbs.ts";
import { compileFlatbuffer } from "../../../src/import/flatbuffer/flatbuffer_plan.ts";
import {
  type FieldSketch,
  layOutStruct,
  type ObjectSketch,
  type SchemaSketch,
  type TypeSketch,
  writeBfbs,
} from "../../support/bfbs.ts";
import type { Random } from "../../support/random_cases.ts";
import { anyBytes, anyLength, anyText, type RecordSource } from "./record_sources.ts";

const WIDTHS: Readonly<Record<number, number>> = {
  [BASE.bool]: 1,
  [BASE.byte]: 1,
  [BASE.ubyte]: 1,
  [BASE.short]: 2,
  [BASE.ushort]: 2,
  [BASE.int]: 4,
  [BASE.uint]: 4,
  [BASE.float]: 4,
  [BASE.long]: 8,
  [BASE.ulong]: 8,
  [BASE.double]: 8,
};
const MAX_DEPTH = 3;
const SCALARS = Object.keys(WIDTHS).map(Number);

export function flatbufferSource(random: Random): RecordSource & { readonly schema: SchemaSketch } {
  const schema = anySchema(random);
  const compiled = compileFlatbuffer(readBfbs(writeBfbs(schema)), "T0")!;
  return {
    ...compiled,
    schema,
    record: () => new FlatWriter(random, schema).record(),
  };
}

/** Objects: the structs, then the tables, of which the first is the record's. */
function anySchema(random: Random): SchemaSketch {
  const objects: ObjectSketch[] = [];
  const sizeOf = (type: TypeSketch): [number, number] => {
    if (type.base === BASE.object) {
      return [objects[type.index!].byteSize!, objects[type.index!].alignment!];
    }
    if (type.base !== BASE.array) return [WIDTHS[type.base], WIDTHS[type.base]];
    const [bytes, alignment] = sizeOf({
      base: type.element!,
      index: type.index,
    });
    return [type.fixedLength! * bytes, alignment];
  };
  const structs = random.below(4);
  for (let i = 0; i < structs; i++) {
    const members = Array.from({ length: 1 + random.below(4) }, (_, j) => {
      const inner: TypeSketch = i > 0 && random.oneIn(3)
        ? { base: BASE.object, index: random.below(i) }
        : { base: random.pick(SCALARS) };
      const type = random.oneIn(4)
        ? {
          ...inner,
          base: BASE.array,
          element: inner.base,
          fixedLength: 1 + random.below(4),
        }
        : inner;
      return { name: `m${j}`, type };
    });
    objects.push(layOutStruct(`S${i}`, members, sizeOf));
  }
  const tables = 1 + random.below(4);
  const isUnion = random.oneIn(2);
  for (let i = 0; i < tables; i++) {
    objects.push({
      name: `T${i}`,
      fields: anyFields(random, structs, tables, isUnion),
    });
  }
  const values = Array.from({ length: 1 + random.below(3) }, (_, i) => ({
    name: `U${i}`,
    value: BigInt(i + 1),
    type: { base: BASE.object, index: structs + random.below(tables) },
  }));
  return {
    objects,
    enums: [{ name: "U", values: [{ name: "NONE", value: 0n }, ...values] }],
  };
}

function anyFields(
  random: Random,
  structs: number,
  tables: number,
  isUnion: boolean,
): FieldSketch[] {
  const fields: FieldSketch[] = [];
  const add = (type: TypeSketch, more: Partial<FieldSketch> = {}) => {
    const id = fields.length;
    fields.push({ name: `f${id}`, type, id, offset: 4 + 2 * id, ...more });
  };
  for (let left = random.below(random.oneIn(10) ? 40 : 6); left > 0; left--) {
    const base = random.pick(SCALARS);
    switch (random.below(8)) {
      case 0:
        add({ base: BASE.string });
        break;
      case 1:
        add({ base: BASE.object, index: random.below(structs + tables) });
        break;
      case 2:
        add({ base: BASE.vector, element: base });
        break;
      case 3:
        add({
          base: BASE.vector,
          element: BASE.object,
          index: random.below(structs + tables),
        });
        break;
      case 4:
        add({ base: BASE.vector, element: BASE.string });
        break;
      case 5:
        if (!isUnion) break;
        add({ base: BASE.unionType, index: 0 });
        add({ base: BASE.union, index: 0 });
        break;
      default:
        add({ base }, {
          isOptional: random.oneIn(4),
          defaultInteger: random.pick([0n, 0n, 1n, -1n, 2n ** 40n]),
          defaultReal: random.pick([0, 0, 1.5, NaN]),
        });
    }
  }
  return fields;
}

class FlatWriter {
  readonly #random: Random;
  readonly #objects: readonly ObjectSketch[];
  readonly #members: readonly TypeSketch[];
  readonly #builder = new Builder();
  /** Texts that were written, which may be used again. */
  readonly #texts: Offset[] = [];
  /** Fields that tables may still have, about. */
  #left = 300;

  constructor(random: Random, { objects, enums }: SchemaSketch) {
    this.#random = random;
    this.#objects = objects;
    this.#members = enums![0].values.map(({ type }) => type!);
  }

  record(): Uint8Array {
    const root = this.#table(
      this.#objects.find(({ name }) => name === "T0")!,
      0,
    );
    this.#builder.finish(root);
    return this.#builder.asUint8Array().slice();
  }

  #table({ fields }: ObjectSketch, depth: number): Offset {
    const random = this.#random;
    const builder = this.#builder;
    this.#left -= 1 + fields.length;
    if (this.#left < 0) depth = MAX_DEPTH;
    const present = fields.filter(() => !random.oneIn(4));
    // What lies elsewhere goes first.
    const offsets = new Map<FieldSketch, Offset>();
    const unions = new Map<FieldSketch, number>();
    for (const field of present) {
      if (field.type.base === BASE.union) {
        const member = random.below(this.#members.length);
        const known = fields[field.id - 1];
        unions.set(known, random.oneIn(10) ? 200 : member);
        const type = this.#members[member];
        if (type && depth < MAX_DEPTH) {
          offsets.set(
            field,
            this.#table(this.#objects[type.index!], depth + 1),
          );
        }
        continue;
      }
      const offset = this.#far(field.type, depth);
      if (offset !== undefined) offsets.set(field, offset);
    }
    const extra = random.oneIn(8) ? 1 + random.below(3) : 0;
    builder.startObject(fields.length + extra);
    for (const field of present) {
      this.#field(field, offsets.get(field), unions.get(field));
    }
    if (extra > 0 && random.oneIn(2)) {
      builder.addFieldInt16(fields.length, 5, 0);
    }
    return builder.endObject();
  }

  #field(
    { id, type }: FieldSketch,
    offset: Offset | undefined,
    union: number | undefined,
  ): void {
    const builder = this.#builder;
    if (offset !== undefined) return builder.addFieldOffset(id, offset, 0);
    if (type.base === BASE.unionType) {
      return builder.addFieldInt8(id, union ?? 0, 0);
    }
    const object = type.base === BASE.object ? this.#objects[type.index!] : undefined;
    if (object?.isStruct) {
      this.#bytes(object.alignment!, object.byteSize!);
      return builder.addFieldStruct(id, builder.offset(), 0);
    }
    const width = WIDTHS[type.base];
    if (width === undefined) return;
    this.#bytes(width, width);
    builder.slot(id);
  }

  /** Random bytes where the builder is, of which the last lies first. */
  #bytes(alignment: number, length: number): void {
    this.#builder.prep(alignment, length);
    for (const byte of anyBytes(this.#random, length)) {
      this.#builder.writeInt8(byte);
    }
  }

  /** What a field refers to; undefined where its value lies in the table. */
  #far(
    { base, element, index }: TypeSketch,
    depth: number,
  ): Offset | undefined {
    const random = this.#random;
    const builder = this.#builder;
    if (base === BASE.string) return this.#text();
    if (base === BASE.object && !this.#objects[index!].isStruct) {
      return depth < MAX_DEPTH ? this.#table(this.#objects[index!], depth + 1) : undefined;
    }
    if (base !== BASE.vector) return undefined;
    const length = this.#left < 0 ? 0 : anyLength(random);
    this.#left -= length;
    const object = element === BASE.object ? this.#objects[index!] : undefined;
    if (element === BASE.string || object && !object.isStruct) {
      if (object && depth >= MAX_DEPTH) return undefined;
      const items = Array.from(
        { length: depth === 0 ? Math.min(length, 20) : Math.min(length, 2) },
        () => object ? this.#table(object, depth + 1) : this.#text(),
      );
      builder.startVector(4, items.length, 4);
      for (const item of items) builder.addOffset(item);
      return builder.endVector();
    }
    const [size, alignment] = object
      ? [object.byteSize!, object.alignment!]
      : [WIDTHS[element!], WIDTHS[element!]];
    builder.startVector(size, length, alignment);
    for (let i = 0; i < length; i++) this.#bytes(alignment, size);
    return builder.endVector();
  }

  #text(): Offset {
    if (this.#texts.length > 0 && this.#random.oneIn(3)) {
      return this.#random.pick(this.#texts);
    }
    const offset = this.#builder.createString(
      Uint8Array.from(anyText(this.#random)),
    );
    this.#texts.push(offset);
    return offset;
  }
}
