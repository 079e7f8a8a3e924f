import type { BlockBounds } from "../arrow/block_bounds.ts";
import { type BatchBounds, boundedColumns } from "../arrow/bounds.ts";
import { Decimal } from "../arrow/decimal.ts";
import { DictionaryVector, ListViewVector, RunEndVector } from "../arrow/encoded_vector.ts";
import { DecimalVector, FixedListVector, ListVector, type Vector } from "../arrow/vector.ts";
import { SmaltiError } from "../error.ts";
import { excerpt, quoted } from "../util/excerpt.ts";
import { type FieldSchema, TIMESTAMP_FIELD, typeName } from "../schema.ts";
import { MAX_NS, MIN_NS, type QueryObject, type Window } from "../types.ts";
import { type Condition, type OperandKind, parseConditions, pathsOf, refusal } from "./condition.ts";

/** What rows of tables with certain columns must hold. */
export interface TableFilter {
  /** Where rows that match can be at all. */
  readonly window: Window;
  /** Columns whose bounds tell anything, by their paths. */
  readonly boundedPaths: readonly string[];
  /** Places of fields on the way to each column that rows are asked for. */
  readonly paths: readonly (readonly number[])[];
  /** Whether a row of a batch matches. */
  matches(table: Vector, row: number): boolean;
  /** How many rows of a batch match by its bounds: none, some for sure, or any number. */
  judge(bounds: BatchBounds, batch: number): "none" | "some" | "any";
  /** Where in a batch of so many rows some may match by the bounds of its blocks, as rows from and to before, in their order. */
  spans(detail: BlockBounds, batch: number, rows: number): RowSpan[];
}

/** Rows side by side: the first, and the one after the last. */
export type RowSpan = readonly [from: number, to: number];

/** A condition on one column of an ontology, by its path. */
interface ColumnCondition {
  readonly path: string;
  readonly pathNames: readonly PathName[];
  readonly condition: Condition;
}

/** One name of a path, and which items are meant where it is a list. */
interface PathName {
  readonly name: string;
  readonly item?: number | "any" | "all";
}

/** What rows of one ontology must hold, all of it at once. */
export class RowFilter {
  /** The ontology's tag. */
  readonly tag: string;
  readonly #window: Window;
  readonly #conditions: readonly ColumnCondition[];

  constructor(tag: string, conditions: readonly ColumnCondition[]) {
    this.tag = tag;
    this.#conditions = conditions;
    let [firstNs, lastNs] = [MIN_NS, MAX_NS];
    for (const { pathNames, condition: { first, last } } of conditions) {
      if (pathNames.length !== 1 || pathNames[0].name !== TIMESTAMP_FIELD.name) continue;
      if (first !== undefined && first > firstNs) firstNs = first;
      if (last !== undefined && last < lastNs) lastNs = last;
    }
    this.#window = { firstNs, lastNs };
  }

  /** The filter for tables with these columns. INVALID_ARGUMENT where they have not what a condition is about. */
  bind(fields: readonly FieldSchema[]): TableFilter {
    const columns = this.#conditions.map((condition) => bindColumn(fields, condition));
    const bounded = new Set<string | undefined>(boundedColumns(fields));
    return {
      window: this.#window,
      boundedPaths: [
        ...new Set(
          columns.flatMap(({ path, condition }) => bounded.has(path) && condition.mayMatch ? [path!] : []),
        ),
      ],
      paths: columns.map(({ steps }) => placesOf(steps)),
      matches: (table, row) =>
        columns.every(({ steps, condition }) => holds(table, row, steps, 0, condition.test)),
      judge(bounds, batch) {
        for (const { path, condition } of columns) {
          const range = path === undefined ? undefined : bounds.of(batch, path);
          if (range && condition.mayMatch?.(...range) === false) return "none";
          // Bounds are values of rows; from 2^53 on they may be what integers were rounded to.
          const isValue = (bound: number) => Math.abs(bound) < 2 ** 53 && condition.test(bound);
          if (columns.length === 1 && range && range[0] <= range[1] && range.some(isValue)) return "some";
        }
        return "any";
      },
      spans: (detail, batch, rows) => spansOf(columns, detail, batch, rows),
    };
  }
}

function spansOf(
  columns: readonly BoundCondition[],
  detail: BlockBounds,
  batch: number,
  rows: number,
): RowSpan[] {
  const smallest = detail.times(batch);
  if (!smallest) return [[0, rows]];
  const { blockRows, firstNs } = smallest;
  const isOut = new Uint8Array(firstNs.length);
  for (const { path, condition: { mayMatch } } of columns) {
    const blocks = path !== undefined && mayMatch ? detail.of(batch, path) : undefined;
    for (let at = 0; blocks && at < blocks.pairs.length; at += 2) {
      if (mayMatch!(blocks.pairs[at], blocks.pairs[at + 1])) continue;
      const count = blocks.blockRows / blockRows;
      isOut.fill(1, at / 2 * count, (at / 2 + 1) * count);
    }
  }
  const spans: RowSpan[] = [];
  for (let block = 0; block < isOut.length; block++) {
    if (isOut[block]) continue;
    const first = block;
    while (block + 1 < isOut.length && !isOut[block + 1]) block++;
    spans.push([first * blockRows, Math.min(rows, (block + 1) * blockRows)]);
  }
  return spans;
}

/** `{"<tag>.<field>.<sub>": {"$op": operand}}` by tag. `[2]`, `[?]` (any) or `[!]` (all) may follow one name of a path. */
export function parseRowFilters(conditions: QueryObject): RowFilter[] {
  const byTag = new Map<string, ColumnCondition[]>();
  for (const [path, given] of pathsOf("ontology", conditions)) {
    const [tag, ...names] = path.split(".");
    if (tag === "" || names.length === 0) {
      throw refusal(path, `wanted the tag of an ontology, "." and a field`);
    }
    const pathNames = names.map((name) => parsePathName(path, name));
    if (pathNames.filter(({ item }) => item !== undefined).length > 1) {
      throw refusal(path, "it goes through several lists, wanted one");
    }
    const list = byTag.get(tag) ?? [];
    byTag.set(tag, list);
    for (const condition of parseConditions(path, given)) {
      if (condition.kind === "none") {
        throw refusal(path, `${condition.operator} is for metadata, not for fields`);
      }
      list.push({ path, pathNames, condition });
    }
  }
  return [...byTag].map(([tag, list]) => new RowFilter(tag, list));
}

function parsePathName(path: string, text: string): PathName {
  const found = /^([^[\]]+)(?:\[(\?|!|\d{1,9})\])?$/.exec(text);
  if (!found) {
    throw refusal(path, `it has ${quoted(text)}, wanted a field, or one with [2], [?] or [!]`);
  }
  const [, name, item] = found;
  if (item === undefined) return { name };
  return { name, item: item === "?" ? "any" : item === "!" ? "all" : Number(item) };
}

/** What to do at a vector to come nearer to the value: its child number so, or items of its one child. */
type Step = { child: number } | { item: number | "any" | "all" };

/** A condition on a column of tables that are known: the way to it, and its path as in {@linkcode BatchBounds}. */
interface BoundCondition {
  readonly condition: Condition;
  readonly steps: readonly Step[];
  /** Undefined where it leads through a list. */
  readonly path: string | undefined;
}

function bindColumn(
  columns: readonly FieldSchema[],
  { path, pathNames, condition }: ColumnCondition,
): BoundCondition {
  const steps: Step[] = [];
  let fields = columns;
  let field: FieldSchema | undefined;
  for (const { name, item } of pathNames) {
    const child = fields.findIndex((other) => other.name === name);
    if (child < 0) throw refusal(path, `there is no field ${quoted(name)}, wanted ${names(fields)}`);
    field = fields[child];
    steps.push({ child });
    if (item !== undefined) {
      const { kind } = field.type;
      if (kind !== "list" && kind !== "listView" && kind !== "fixedList") {
        throw refusal(path, `${quoted(name)} is ${typeName(field)}, wanted a list`);
      }
      steps.push({ item });
      field = field.children[0];
    }
    fields = field.type.kind === "struct" ? field.children : [];
  }
  const kind = kindOfField(field!);
  if (kind !== condition.kind) {
    throw refusal(path, `it is ${typeName(field!)}, which cannot be compared with a ${condition.kind}`);
  }
  const children = steps.map((step) => "child" in step ? step.child : undefined);
  return { condition, steps, path: children.includes(undefined) ? undefined : children.join() };
}

/** The places up to a list, whose items are read all together. */
function placesOf(steps: readonly Step[]): number[] {
  const list = steps.findIndex((step) => "item" in step);
  return steps.slice(0, list < 0 ? steps.length : list).flatMap((step) => "child" in step ? step.child : []);
}

function names(fields: readonly FieldSchema[]): string {
  return fields.length === 0 ? "none" : `one of ${excerpt(fields.map(({ name }) => name).join(", "))}`;
}

function kindOfField({ type, children }: FieldSchema): OperandKind | undefined {
  switch (type.kind) {
    case "int":
    case "float":
    case "temporal":
    case "decimal":
      return "number";
    case "utf8":
    case "utf8View":
      return "text";
    case "bool":
      return "bool";
    case "runEnd":
      return kindOfField(children[1]);
    case "list":
    case "listView":
    case "fixedList": {
      const item = kindOfField(children[0]);
      return item === undefined || item === "list" ? undefined : "list";
    }
    default:
      return undefined;
  }
}

function holds(
  vector: Vector,
  row: number,
  steps: readonly Step[],
  at: number,
  test: (value: unknown) => boolean,
): boolean {
  if (at === steps.length) return test(valueAt(vector, row));
  if (!vector.isValid(row)) return false;
  const step = steps[at];
  if ("child" in step) return holds(vector.children[step.child], row, steps, at + 1, test);
  const [from, to] = itemsOf(vector, row);
  const items = vector.children[0];
  const matches = (item: number) => holds(items, item, steps, at + 1, test);
  if (typeof step.item === "number") return from + step.item < to && matches(from + step.item);
  const isAny = step.item === "any";
  for (let item = from; item < to; item++) if (matches(item) === isAny) return isAny;
  // Of no items neither one matches nor do all.
  return !isAny && to > from;
}

/** What a condition is put to: of decimals not the text. */
function valueAt(vector: Vector, row: number): unknown {
  if (vector instanceof DictionaryVector) {
    const [part, at] = vector.place(row);
    return valueAt(vector.dictionary.parts[part], at);
  }
  if (vector instanceof RunEndVector) return valueAt(vector.values, vector.run(row));
  if (vector instanceof DecimalVector) {
    const unscaled = vector.unscaled(row);
    return unscaled === undefined ? undefined : new Decimal(unscaled, vector.scale);
  }
  const items = vector.children[0];
  if (!(items instanceof DecimalVector) || !vector.isValid(row)) return vector.get(row);
  const [from, to] = itemsOf(vector, row);
  return Array.from({ length: to - from }, (_, i) => valueAt(items, from + i));
}

function itemsOf(vector: Vector, row: number): [from: number, to: number] {
  if (vector instanceof FixedListVector || vector instanceof ListVector || vector instanceof ListViewVector) {
    return vector.range(row);
  }
  throw new SmaltiError("INTERNAL", "Query goes through what is no list");
}
