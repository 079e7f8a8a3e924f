/**
 * Rows as objects. One class per list of fields, with a getter per field on its prototype: an object holds only the
 * vector and the row number, and a property is read from the columns when it is touched. No code is generated, so
 * it runs where `eval` is forbidden.
 *
 * @module
 */
import { type FieldSchema, schemaKey } from "../schema.ts";

// Symbols, so that no field name can collide with them.
const COLUMNS = Symbol("columns");
const ROW = Symbol("row");
const WITHIN = Symbol("within");

/** What row views need of a column; a Vector is one. */
export interface Column {
  readonly field: FieldSchema;
  readonly loaded: boolean;
  readonly validity: Uint8Array | null;
  load(): void;
  isValid(row: number): boolean;
  get(row: number): unknown;
  plain(row: number, json: boolean): unknown;
}

/** The same of a NumberVector. */
interface NumberColumn extends Column {
  readonly values: ArrayLike<unknown>;
}

/** The same of a StructVector. */
interface StructColumn extends Column {
  readonly children: readonly Column[];
  readonly alwaysThere: boolean;
  isMissing(row: number): boolean;
}

/** A class of row views. It takes the columns themselves: every step on the way to a value costs a load from memory. */
export type RowClass = new (columns: readonly Column[], row: number) => RowView;

/** A row as an object: a property for each field. */
export interface RowView {
  /** A plain deep copy: values that are missing are left out, bytes and lists of numbers are the caller's own. */
  toObject(): Record<string, unknown>;
  /** For JSON.stringify: int64 as numbers while they are exact, else as decimal strings; bytes in base64. */
  toJSON(): unknown;
}

/** What all row views share. Not exported: the compiler wants no computed names in declarations. */
class Row implements RowView {
  declare readonly toObject: RowView["toObject"];
  declare readonly [COLUMNS]: readonly Column[];
  declare [ROW]: number;
  toJSON(): unknown {
    return plainRow(this, true);
  }
  [Symbol.for("nodejs.util.inspect.custom")](): unknown {
    return plainRow(this, false);
  }
  [Symbol.for("Deno.customInspect")](
    inspect: (value: unknown, options: unknown) => string,
    options: unknown,
  ): string {
    return inspect(plainRow(this, false), options);
  }
}

function toObject(this: Row): Record<string, unknown> {
  return plainRow(this, false);
}

/** Whether a value is a view itself, and no copy of one. */
export function isView(value: object): boolean {
  return value instanceof Row;
}

/** A plain object with the view's values, free of views on the batch. */
export function plainRow(view: RowView, json: boolean): Record<string, unknown> {
  const { [COLUMNS]: columns, [ROW]: at } = view as Row;
  return plainColumns(columns, at, json);
}

/** The same for a row of columns. */
export function plainColumns(
  columns: readonly Column[],
  row: number,
  json: boolean,
): Record<string, unknown> {
  const record: Record<string, unknown> = {};
  for (let i = 0; i < columns.length; i++) {
    const value = columns[i].plain(row, json);
    if (value === undefined) continue;
    const { name } = columns[i].field;
    // Assigning this one would set the prototype.
    if (name === "__proto__") {
      Object.defineProperty(record, name, { value, enumerable: true, configurable: true, writable: true });
    } else record[name] = value;
  }
  return record;
}

/** The fields of classes. */
const fieldsOf = new WeakMap<RowClass, readonly FieldSchema[]>();
/** Classes of views that move, by those of views that stay. */
const movingOf = new WeakMap<RowClass, RowClass>();
/** Classes by the list of fields itself: most batches have the very list of those before. */
const classOf = new WeakMap<readonly FieldSchema[], RowClass>();
/** Classes by what the fields are: topics of one ontology share one class, so that call sites see one shape. */
const classes = new Map<string, RowClass>();
/** More schemas than any program uses at once; beyond it classes are made anew, which is slower, not wrong. */
const MAX_CLASSES = 4096;

/** The class of views on rows with these fields. */
export function rowClass(fields: readonly FieldSchema[]): RowClass {
  let rows = classOf.get(fields);
  if (!rows) classOf.set(fields, rows = sharedClass(fields));
  return rows;
}

function sharedClass(fields: readonly FieldSchema[]): RowClass {
  const key = schemaKey(fields);
  const known = classes.get(key);
  if (known) return known;
  // Not derived from Row but given its prototype: a derived constructor costs as much as all the rest.
  // A function as an own property, since no function can be cloned: fields of their own would make a view many times as
  // dear, and without them structuredClone and postMessage would give {} without a word. A field of that name goes first.
  const made = fields.some(({ name }) => name === "toObject")
    ? class {
      readonly [COLUMNS]: readonly Column[];
      readonly [ROW]: number;
      constructor(columns: readonly Column[], row: number) {
        this[COLUMNS] = columns;
        this[ROW] = row;
      }
    }
    : class {
      readonly toObject: () => Record<string, unknown>;
      readonly [COLUMNS]: readonly Column[];
      readonly [ROW]: number;
      constructor(columns: readonly Column[], row: number) {
        this.toObject = toObject;
        this[COLUMNS] = columns;
        this[ROW] = row;
      }
    };
  Object.setPrototypeOf(made.prototype, Row.prototype);
  fields.forEach((field, index) => {
    Object.defineProperty(made.prototype, field.name, { get: getter(field, index), configurable: true });
  });
  const rows = made as unknown as RowClass;
  fieldsOf.set(rows, fields);
  if (classes.size < MAX_CLASSES) classes.set(key, rows);
  return rows;
}

/**
 * Getters by type. Each is a function literal of its own although some look alike: V8 keeps what it learned of the
 * types per literal, and mixing float64 with bigint arrays in one makes both slow.
 */
function getter(field: FieldSchema, index: number): (this: Row) => unknown {
  const { type } = field;
  const number = !field.dictionary && (type.kind === "int" || type.kind === "float") && type;
  if (number && number.kind === "float" && number.bits === 64) {
    return function () {
      const vector = this[COLUMNS][index] as NumberColumn;
      const row = this[ROW];
      if (!vector.loaded) vector.load();
      return vector.validity === null || vector.isValid(row)
        ? (vector.values as Float64Array)[row]
        : undefined;
    };
  }
  if (number && number.kind === "int" && number.bits === 64) {
    return function () {
      const vector = this[COLUMNS][index] as NumberColumn;
      const row = this[ROW];
      if (!vector.loaded) vector.load();
      return vector.validity === null || vector.isValid(row)
        ? (vector.values as BigInt64Array)[row]
        : undefined;
    };
  }
  if (number && number.bits !== 16) {
    return function () {
      const vector = this[COLUMNS][index] as NumberColumn;
      const row = this[ROW];
      if (!vector.loaded) vector.load();
      return vector.validity === null || vector.isValid(row) ? (vector.values as Int32Array)[row] : undefined;
    };
  }
  if (isPlainStruct(field)) {
    const row = rowClass(field.children);
    return function () {
      const vector = this[COLUMNS][index] as StructColumn;
      return vector.alwaysThere || !vector.isMissing(this[ROW])
        ? new row(vector.children, this[ROW])
        : undefined;
    };
  }
  return function () {
    return (this[COLUMNS][index] as Column).get(this[ROW]);
  };
}

/** A view that moves from row to row, and with it a view of its own for each struct in it. */
interface MovingRow extends Row {
  readonly [WITHIN]: (Row | undefined)[];
}

/** The class of views for {@linkcode moveView}: as those of `rows`, but that views of structs in them are made once. */
export function movingClass(rows: RowClass): RowClass {
  let moving = movingOf.get(rows);
  if (!moving) movingOf.set(rows, moving = makeMoving(rows));
  return moving;
}

function makeMoving(rows: RowClass): RowClass {
  const structs = [...fieldsOf.get(rows)!.entries()].filter(([, field]) => isPlainStruct(field));
  if (structs.length === 0) return rows;
  const moving = class extends rows {
    readonly [WITHIN]: (Row | undefined)[] = structs.map(() => undefined);
  };
  // Else it would hide a field of that name.
  Reflect.deleteProperty(moving.prototype, "constructor");
  for (const [slot, [index, { name, children }]] of structs.entries()) {
    const get = movingGetter(index, slot, movingClass(rowClass(children)));
    Object.defineProperty(moving.prototype, name, { get, configurable: true });
  }
  return moving;
}

/** Whether getters make views of a field's values, on the vectors of its children. */
function isPlainStruct({ type, dictionary }: FieldSchema): boolean {
  return type.kind === "struct" && !dictionary;
}

function movingGetter(index: number, slot: number, made: RowClass): (this: MovingRow) => unknown {
  return function () {
    const vector = this[COLUMNS][index] as StructColumn;
    const row = this[ROW];
    if (!vector.alwaysThere && vector.isMissing(row)) return undefined;
    const view = this[WITHIN][slot] ?? viewWithin(this, vector, slot, made);
    view[ROW] = row;
    return view;
  };
}

/** Apart from the getter, which is small enough to be inlined without it. */
function viewWithin(view: MovingRow, { children }: StructColumn, slot: number, made: RowClass): Row {
  return view[WITHIN][slot] = new made(children, 0) as Row;
}

/** Whether a view is one on these columns. */
export function isViewOn(view: RowView, columns: readonly Column[]): boolean {
  return (view as Row)[COLUMNS] === columns;
}

/** Puts a view of {@linkcode movingClass} on another row. */
export function moveView(view: RowView, row: number): void {
  (view as Row)[ROW] = row;
}
