/**
 * Dictionary batches of a stream or a file -> the dictionaries that its record batches point into.
 * Format: Arrow Columnar Format, "Dictionary Messages".
 *
 * @module
 */
import type { Engine } from "../engine.ts";
import { type ErrorDetails, SmaltiError } from "../error.ts";
import { type FieldSchema, plainFields, schemaKey } from "../schema.ts";
import { BatchAppender } from "./append.ts";
import { bytesIn, type Columns, rowWidth } from "./columns.ts";
import { Dictionary } from "./encoded_vector.ts";
import { vectorsOf } from "./rearrange.ts";
import { decompressedBytes, openColumns } from "./stored_batch.ts";
import { rangePicks, take } from "./take.ts";

/** What a part of a dictionary takes beside its bytes, about. */
const PART_BYTES = 1024;
/** Bytes of one value of fixed width at most: a missing one takes them too. */
const MAX_WIDTH = 2 ** 20;

/** The plain columns of a batch in encodings. CORRUPT, UNSUPPORTED; TOO_LARGE where they take more than `maxPlainBytes`. */
export function decodeColumns(
  engine: Engine,
  message: Uint8Array,
  fields: readonly FieldSchema[],
  dictionaries: Dictionaries,
  maxPlainBytes?: number,
): Columns {
  const { table } = openColumns(engine, message, { fields, where: {}, dictionaries: dictionaries.known });
  return take([table], rangePicks(0, table.length), maxPlainBytes);
}

/** The dictionaries of a table as they come: the next one of an id replaces it, a delta adds to it. */
export class Dictionaries {
  readonly #engine: Engine;
  /** The values' fields by the dictionaries' ids. */
  readonly #fields = new Map<bigint, FieldSchema>();
  readonly #known = new Map<bigint, Dictionary>();
  readonly #bytes = new Map<bigint, number>();
  /** Bytes that they hold once they are read, about. */
  bytes = 0;

  /** CORRUPT where one id stands for values of two types. */
  constructor(engine: Engine, fields: readonly FieldSchema[]) {
    this.#engine = engine;
    fields.forEach((field) => this.#collect(field));
  }

  /** By their ids, as of now. */
  get known(): ReadonlyMap<bigint, Dictionary> {
    return this.#known;
  }

  /** Bytes that a dictionary batch holds once it is read, about. CORRUPT. */
  bytesOf(message: Uint8Array): number {
    return PART_BYTES + message.buffer.byteLength + decompressedBytes(this.#engine, message);
  }

  /**
   * Takes a dictionary batch, which it keeps: the bytes must not change. CORRUPT, UNSUPPORTED; TOO_LARGE where its values are
   * in encodings, and take more than `maxPlainBytes` without them.
   */
  add(message: Uint8Array, where: ErrorDetails, maxPlainBytes?: number): void {
    const { dictionary: { id, isDelta } = { id: -1n, isDelta: false } } = this.#engine.parseBatch(message);
    const field = this.#fields.get(id);
    if (!field) throw new SmaltiError("CORRUPT", `Dictionary ${id} is no column's`, where);
    const options = { fields: [field], where, dictionaries: this.#known };
    const { table } = openColumns(this.#engine, message, options);
    const plain = plainFields([field]);
    // Dictionaries of dictionaries, and of views.
    const taken = plain[0] === field ? undefined : take([table], rangePicks(0, table.length), maxPlainBytes);
    const [values] = (taken ? vectorsOf(plain, taken) : table).children;
    let dictionary = isDelta ? this.#known.get(id) : undefined;
    const before = this.#bytes.get(id) ?? 0;
    const bytes = this.bytesOf(message) + (taken ? bytesIn(taken) : 0) + (dictionary ? before : 0);
    if (!dictionary) this.#known.set(id, dictionary = emptyDictionary(field));
    dictionary.add(values);
    this.#bytes.set(id, bytes);
    this.bytes += bytes - before;
  }

  #collect(field: FieldSchema): void {
    const { dictionary, ...values } = field;
    if (dictionary) {
      const { id } = dictionary;
      const other = this.#fields.get(id);
      if (other && schemaKey([{ ...other, name: "" }]) !== schemaKey([{ ...values, name: "" }])) {
        throw new SmaltiError("CORRUPT", `Dictionary ${id} has values of two types`);
      }
      this.#fields.set(id, values);
    }
    field.children.forEach((child) => this.#collect(child));
  }
}

/** A dictionary of a field's values, without any. UNSUPPORTED where one that is missing takes too much. */
export function emptyDictionary(field: FieldSchema): Dictionary {
  const plain = plainFields([{ ...field, nullable: true }]);
  if (rowWidth(plain[0]) > MAX_WIDTH) {
    const text = `Column "${field.name}" has a dictionary of values of ${rowWidth(plain[0])} bytes each`;
    throw new SmaltiError("UNSUPPORTED", `${text}: wanted at most ${MAX_WIDTH}`);
  }
  const rows = new BatchAppender(plain);
  const none = new Uint8Array(0);
  rows.append({ rows: 1, nodes: missingNodes(plain[0], 1), buffer: () => none });
  return new Dictionary(vectorsOf(plain, rows.collect()).children[0]);
}

/** The nodes of so many missing values. */
function missingNodes({ type, children }: FieldSchema, count: number): number[] {
  const below = type.kind === "struct" ? count : type.kind === "fixedList" ? count * type.size : 0;
  return [count, count, ...children.flatMap((child) => missingNodes(child, below))];
}
