import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Columns } from "../../src/arrow/columns.ts";
import { emptyColumns } from "../../src/arrow/columns.ts";
import { MessageBuilder } from "../../src/arrow/message_builder.ts";
import { sealBatch } from "../../src/arrow/seal_batch.ts";
import type { FieldSchema } from "../../src/schema.ts";
import { caseRange, failedCase, outcomeOf, Random } from "../support/random_cases.ts";
import { anyFields, anyRow } from "../support/random_tables.ts";
import { dataView, engine, field, newCount, open, rootBuilder, withTimes } from "../support/tables.ts";

const float64 = (name: string, nullable = false) => field(name, { kind: "float", bits: 64 }, nullable);
const struct = (name: string, nullable: boolean, ...children: FieldSchema[]) =>
  field(name, { kind: "struct" }, nullable, children);

/** Values of all kinds, most of which any field refuses. */
const STRANGE: readonly unknown[] = [
  undefined,
  null,
  true,
  0,
  -0,
  1.5,
  -1,
  127,
  128,
  255,
  256,
  40_000,
  65_520,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  3.5e38,
  NaN,
  Infinity,
  -Infinity,
  5n,
  -1n,
  2n ** 63n,
  2n ** 64n,
  -(2n ** 63n) - 1n,
  "text",
  "a\ud800",
  Symbol("s"),
  () => 1,
  [],
  [1, "2"],
  {},
  { x: 1 },
  new Date(0),
  new Uint8Array(2),
  new DataView(new ArrayBuffer(8)),
  new Map(),
];
const STRANGE_NAMES = ["no such field", "f0", "constructor", "toObject", "x", "item"];

/** The columns, but for bits beyond the last row, which mean nothing. */
function plain(fields: readonly FieldSchema[], { nodes, buffers }: Columns): unknown {
  const out = buffers.map((buffer) => buffer.slice());
  let [node, buffer] = [0, 0];
  const cut = (bytes: Uint8Array, bits: number) => {
    if (bits % 8 > 0 && bytes.length > 0) bytes[bytes.length - 1] &= 255 >> (8 - bits % 8);
  };
  const visit = ({ type, children }: FieldSchema) => {
    const length = nodes[2 * node++];
    if (type.kind === "null") return;
    cut(out[buffer++], length);
    if (type.kind === "bool") cut(out[buffer++], length);
    else if (type.kind === "utf8" || type.kind === "binary") buffer += 2;
    else if (type.kind === "list" || children.length === 0 && type.kind !== "struct") buffer++;
    children.forEach(visit);
  };
  fields.forEach(visit);
  if (buffer !== out.length) throw new Error(`${buffer} buffers visited of ${out.length}`);
  return { nodes: [...nodes], buffers: out };
}

/** What is like the message, and differs from it in one place at most. */
function changed(data: unknown, fields: readonly FieldSchema[], random: Random): unknown {
  if (random.oneIn(12)) return random.pick(STRANGE);
  if (typeof data !== "object" || data === null || Array.isArray(data)) return random.pick(STRANGE);
  const record = { ...data } as Record<string, unknown>;
  const structs = fields.filter(({ name, type }) => type.kind === "struct" && record[name]);
  if (structs.length > 0 && !random.oneIn(3)) {
    const { name, children } = random.pick(structs);
    record[name] = changed(record[name], children, random);
    return record;
  }
  const { name } = random.pick(fields);
  switch (random.below(7)) {
    case 0:
      record[name] = random.pick(STRANGE);
      return record;
    case 1:
      delete record[name];
      return record;
    case 2:
      record[random.pick(STRANGE_NAMES)] = random.pick(STRANGE);
      return record;
    case 3:
      return Object.fromEntries(random.shuffle(Object.entries(record)));
    case 4: // keys that no loop shows
      return Object.defineProperty(record, name, { enumerable: false });
    case 5:
      return Object.create(record);
    default: // a field too many, before all others
      return { [random.pick(STRANGE_NAMES)]: random.pick(STRANGE), ...record };
  }
}

/** Names that make objects of a kind of their own. */
const NAMES = ["constructor", "toString", "toObject", "__proto__", "hasOwnProperty"];

/** The same fields, some of them called otherwise. */
function renamed(fields: readonly FieldSchema[], random: Random): FieldSchema[] {
  const names = random.shuffle([...NAMES]);
  return fields.map((one) => ({
    ...one,
    name: random.oneIn(4) && names.length > 0 ? names.pop()! : one.name,
    children: one.type.kind === "struct" ? renamed(one.children, random) : one.children,
  }));
}

/** The same fields, but that all which are no structs are of float64. */
function floating(fields: readonly FieldSchema[]): FieldSchema[] {
  return fields.map((one) =>
    one.type.kind === "struct"
      ? { ...one, children: floating(one.children) }
      : float64(one.name, one.nullable)
  );
}

function checkCase(seed: number): void {
  const random = new Random(seed);
  const [any] = fc.sample(anyFields(2, 5), { seed, numRuns: 1 });
  const drawn = random.oneIn(4) ? floating(any) : any;
  const fields = random.oneIn(3) ? renamed(drawn, random) : drawn;
  const rows = fc.sample(anyRow(fields), { seed, numRuns: 40 });
  const [treeCount, flatCount] = [newCount(), newCount()];
  const tree = rootBuilder(fields, treeCount);
  const flat = new MessageBuilder(fields, flatCount);
  const compare = () => {
    expect(flat.length).toBe(tree.length);
    expect(flatCount.variable).toBe(treeCount.variable);
    const [wanted, seen] = [emptyColumns(tree.length), emptyColumns(flat.length)];
    tree.collectFields(wanted);
    flat.collectFields(seen);
    expect(plain(fields, seen)).toEqual(plain(fields, wanted));
  };
  for (const row of rows) {
    const data = random.oneIn(2) ? row : changed(row, fields, random);
    const before = tree.length;
    const append = (builder: { append(data: unknown): void; truncate(length: number): void }) =>
      outcomeOf(() => {
        try {
          builder.append(data);
          return "taken";
        } catch (reason) {
          builder.truncate(before);
          throw reason;
        }
      });
    expect(append(flat)).toBe(append(tree));
    if (random.oneIn(10)) compare();
    if (random.oneIn(15)) {
      const length = random.below(before + 1);
      tree.truncate(length);
      flat.truncate(length);
    }
  }
  compare();
}

describe("MessageBuilder", () => {
  it("makes the columns of the tree of builders, and refuses what it refuses in its words", () => {
    const { cases, seed } = caseRange(300);
    for (let i = 0; i < cases; i++) {
      try {
        checkCase(seed + i);
      } catch (reason) {
        throw failedCase(seed + i, "tests/arrow/message_builder.test.ts", reason);
      }
    }
  });

  it("takes views of messages that were read, getters of classes, and keys in any order", () => {
    const fields = [struct("p", true, float64("x"), float64("y", true)), float64("t")];
    class Point {
      get x() {
        return 3;
      }
    }
    const first = new MessageBuilder(fields, newCount());
    first.append({ p: { x: 1, y: 2 }, t: 5 });
    first.append({ t: 6 });
    const read = open(sealBatch(engine, withTimes(first)).message, fields);
    const second = new MessageBuilder(fields, newCount());
    second.append(dataView(fields, read, 0));
    second.append(dataView(fields, read, 1));
    second.append({ t: 7, p: { y: 4, x: 3 } });
    second.append({ p: new Point(), t: 8, other: undefined });
    const batch = open(sealBatch(engine, withTimes(second)).message, fields);
    const rows = Array.from({ length: 4 }, (_, row) => dataView(fields, batch, row).toObject());
    expect(rows).toEqual([
      { p: { x: 1, y: 2 }, t: 5 },
      { t: 6 },
      { p: { x: 3, y: 4 }, t: 7 },
      { p: { x: 3 }, t: 8 },
    ]);
  });

  it("refuses a message whose values are others each time that they are read", () => {
    let reads = 0;
    const rows = new MessageBuilder([float64("x")], newCount());
    const data = {
      get x() {
        return reads++ === 0 ? "text" : 1;
      },
    };
    expect(outcomeOf(() => rows.append(data))).toContain(`[INVALID_MESSAGE] Field "data" has other values`);
  });

  it("counts the memory that it holds", () => {
    const count = newCount();
    const rows = new MessageBuilder([float64("x"), field("b", { kind: "bool" })], count);
    expect(count.capacity).toBe(0);
    for (let i = 0; i < 1000; i++) rows.append({ x: i, b: true });
    expect(count.capacity).toBe(1024 * 8 + 1024 / 8);
  });
});
