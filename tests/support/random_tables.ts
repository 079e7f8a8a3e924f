/**
 * Random schemas of all types that smalti writes, rows that fit them, and an obvious oracle of what reading gives.
 *
 * @module
 */
import * as fc from "fast-check";
import { numberArrayType } from "../../src/arrow/columns.ts";
import { type DataType, type FieldSchema, isOptional } from "../../src/schema.ts";

const INTS: DataType[] = ([8, 16, 32, 64] as const).flatMap((bits) =>
  [true, false].map((signed): DataType => ({ kind: "int", bits, signed }))
);
const FLOATS: DataType[] = ([16, 32, 64] as const).map((bits) => ({ kind: "float", bits }));
/** Decimals of every width, and of every sign of the scale. */
export const DECIMALS: Extract<DataType, { kind: "decimal" }>[] = [
  { kind: "decimal", bits: 32, precision: 9, scale: 4 },
  { kind: "decimal", bits: 64, precision: 18, scale: 0 },
  { kind: "decimal", bits: 128, precision: 38, scale: 10 },
  { kind: "decimal", bits: 128, precision: 5, scale: -3 },
  { kind: "decimal", bits: 256, precision: 76, scale: 76 },
];
const LEAVES: DataType[] = [
  { kind: "bool" },
  ...INTS,
  ...FLOATS,
  ...DECIMALS,
  { kind: "utf8", offsets: 32 },
  { kind: "binary", offsets: 32 },
  { kind: "null" },
];

/** Names that objects, rows and messages have members of. */
const ODD_NAMES = ["", "ünï", "a.b", "toJSON", "length", "get", "$", "0", "then"];

/** A field of any writable type, nested up to `depth` times. */
export function anyField(name: string, depth: number, odd = true): fc.Arbitrary<FieldSchema> {
  const leaf = fc.record({ type: fc.constantFrom(...LEAVES), nullable: fc.boolean() })
    .map(({ type, nullable }): FieldSchema => ({
      name,
      type,
      nullable: nullable || type.kind === "null",
      children: [],
    }));
  if (depth === 0) return leaf;
  const item = anyField("item", depth - 1, odd);
  const nullable = fc.boolean();
  return fc.oneof(
    { weight: 3, arbitrary: leaf },
    {
      weight: 1,
      arbitrary: fc.record({ item, nullable }).map(({ item, nullable }) => ({
        name,
        type: { kind: "list", offsets: 32 } as const,
        nullable,
        children: [item],
      })),
    },
    {
      weight: 1,
      arbitrary: fc.record({ item, nullable, size: fc.integer({ min: 0, max: 4 }) }).map((
        { item, nullable, size },
      ) => ({ name, type: { kind: "fixedList", size } as const, nullable, children: [item] })),
    },
    {
      weight: 1,
      arbitrary: fc.record({ children: anyFields(depth - 1, 3, odd), nullable }).map((
        { children, nullable },
      ) => ({
        name,
        type: { kind: "struct" } as const,
        nullable,
        children,
      })),
    },
  );
}

/** Fields with names of their own. */
export function anyFields(depth: number, most: number, odd = true): fc.Arbitrary<FieldSchema[]> {
  const plain = Array.from({ length: most }, (_, i) => `f${i}`);
  return fc.shuffledSubarray(odd ? [...plain, ...ODD_NAMES] : plain, { minLength: 1, maxLength: most })
    .chain((names) => fc.tuple(...names.map((name) => anyField(name, depth, odd))));
}

/** What may be appended to a field. */
export function anyValue(field: FieldSchema): fc.Arbitrary<unknown> {
  const present = presentValue(field);
  if (!isOptional(field)) return present;
  return fc.oneof({ weight: 4, arbitrary: present }, {
    weight: 1,
    arbitrary: fc.constantFrom(null, undefined),
  });
}

function presentValue({ type, children }: FieldSchema): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case "bool":
      return fc.boolean();
    case "int": {
      const least = type.signed ? -(2n ** BigInt(type.bits - 1)) : 0n;
      const most = 2n ** BigInt(type.signed ? type.bits - 1 : type.bits) - 1n;
      const exact = fc.oneof(fc.bigInt(least, most), fc.constantFrom(least, most, 0n));
      if (type.bits < 64) return exact.map(Number);
      return fc.oneof(exact, fc.integer({ min: type.signed ? -(2 ** 53) + 1 : 0, max: 2 ** 53 - 1 }));
    }
    case "float":
      if (type.bits === 64) return fc.double();
      if (type.bits === 32) return fc.oneof(fc.float(), fc.double({ min: -3.4e38, max: 3.4e38 }));
      return fc.oneof(fc.double({ min: -65504, max: 65504 }), fc.constantFrom(NaN, Infinity, -Infinity, -0));
    case "decimal": {
      const most = 10n ** BigInt(type.precision) - 1n;
      const unscaled = fc.oneof(fc.bigInt(-most, most), fc.constantFrom(-most, most, 0n, 1n, -1n));
      return fc.oneof(
        unscaled.map((value) => canonicalDecimal(value, type.scale)),
        unscaled.map((value) => `${value}e${-type.scale}`),
      );
    }
    case "utf8":
      return fc.oneof(
        fc.constantFrom(
          "",
          "base_link",
          "état",
          "\ufeffBOM",
          "日本",
          "🛰️",
          "x".repeat(65),
          "x".repeat(65) + "ü",
        ),
        fc.string({ unit: "binary" }),
      );
    case "binary":
      return fc.uint8Array({ maxLength: 12 });
    case "list":
      return anyList(children[0], 0, 5);
    case "fixedList":
      return anyList(children[0], type.size, type.size);
    case "struct":
      return anyRow(children);
    default:
      return fc.constantFrom(null, undefined);
  }
}

function anyList(item: FieldSchema, minLength: number, maxLength: number): fc.Arbitrary<unknown> {
  const array = fc.array(anyValue(item), { minLength, maxLength });
  const ArrayType = numberArrayType(item.type);
  if (!ArrayType || item.type.kind === "float" && item.type.bits === 16) return array;
  // A typed array of the same numbers is as good, where they are all there.
  return fc.tuple(array, fc.boolean()).map(([values, typed]) => {
    if (!typed || values.some((value) => value === null || value === undefined)) return values;
    const wide = item.type.kind === "int" && item.type.bits === 64;
    const from = ArrayType as unknown as { from(values: unknown[]): unknown };
    return from.from(wide ? values.map((value) => BigInt(value as number)) : values);
  });
}

/** A message's data, or a struct's value: keys in any order; missing fields are null, undefined, or left out. */
export function anyRow(fields: readonly FieldSchema[]): fc.Arbitrary<Record<string, unknown>> {
  const inOrder = fc.constant(fields.map((_, i) => i));
  const inAnyOrder = fc.shuffledSubarray(fields.map((_, i) => i), { minLength: fields.length });
  const order = fc.oneof(inOrder, inAnyOrder);
  return fc.tuple(fc.tuple(...fields.map(anyValue)), fc.boolean(), order).map(([values, leaveOut, order]) => {
    const entries = order.map((i) => [fields[i].name, values[i]] as const);
    return Object.fromEntries(entries.filter(([, value]) => !leaveOut || value !== undefined));
  });
}

/** A schema and some rows for it. */
export function anyTable(
  { depth = 2, columns = 4, rows = 20, odd = true } = {},
): fc.Arbitrary<{ fields: FieldSchema[]; rows: Record<string, unknown>[] }> {
  return anyFields(depth, columns, odd).chain((fields) =>
    fc.record({ fields: fc.constant(fields), rows: fc.array(anyRow(fields), { maxLength: rows }) })
  );
}

/** What reading an appended value gives, as a plain value. */
export function expected(field: FieldSchema, value: unknown): unknown {
  const { type, children } = field;
  if (value === null || value === undefined) return undefined;
  switch (type.kind) {
    case "int":
      return type.bits === 64 ? BigInt(value as number | bigint) : value === 0 ? 0 : value;
    case "float":
      return type.bits === 64
        ? value
        : type.bits === 32
        ? Math.fround(value as number)
        : nearestHalf(value as number);
    case "decimal": {
      const text = value as string;
      const at = text.indexOf("e");
      return at < 0 ? text : canonicalDecimal(BigInt(text.slice(0, at)), type.scale);
    }
    case "list":
    case "fixedList": {
      const items = Array.from(value as ArrayLike<unknown>, (item) => expected(children[0], item));
      const ArrayType = numberArrayType(children[0].type);
      const half = children[0].type.kind === "float" && children[0].type.bits === 16;
      if (!ArrayType || half || items.includes(undefined)) return items;
      return (ArrayType as unknown as { from(values: unknown[]): unknown }).from(items);
    }
    case "struct": {
      const row = expectedRow(children, value as Record<string, unknown>);
      return field.nullable && Object.values(row).every((item) => item === undefined) ? undefined : row;
    }
    default:
      return value;
  }
}

/** An integer as a decimal, moved digit by digit. */
export function canonicalDecimal(unscaled: bigint, scale: number): string {
  const digits = [...String(unscaled < 0n ? -unscaled : unscaled)];
  if (scale < 0 && unscaled !== 0n) { for (let i = 0; i > scale; i--) digits.push("0"); }
  while (digits.length <= scale) digits.unshift("0");
  if (scale > 0) digits.splice(digits.length - scale, 0, ".");
  return (unscaled < 0n ? "-" : "") + digits.join("");
}

/** What reading a row gives, by field. */
export function expectedRow(
  fields: readonly FieldSchema[],
  row: Record<string, unknown>,
): Record<string, unknown> {
  return Object.fromEntries(fields.map((field) => [field.name, expected(field, row[field.name])]));
}

/** All non-negative finite half floats, in order of their bits, which is their order. */
const HALVES = Array.from({ length: 0x7c00 }, (_, bits) => {
  const [exponent, fraction] = [bits >> 10, bits & 0x3ff];
  return exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25);
});

/** The bits of the half float nearest to a size, ties to the even one; found by looking at all. */
export function nearestHalfBits(size: number): number {
  if (size >= 65520) return 0x7c00;
  let [low, high] = [0, HALVES.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (HALVES[middle] <= size) low = middle;
    else high = middle - 1;
  }
  if (low === HALVES.length - 1) return low;
  const [below, above] = [size - HALVES[low], HALVES[low + 1] - size];
  return below < above || (below === above && low % 2 === 0) ? low : low + 1;
}

function nearestHalf(value: number): number {
  if (Number.isNaN(value)) return NaN;
  const bits = nearestHalfBits(Math.abs(value));
  const size = bits === 0x7c00 ? Infinity : HALVES[bits];
  return value < 0 || Object.is(value, -0) ? -size : size;
}
