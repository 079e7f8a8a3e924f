/**
 * Messages as an export writes them, back into columns: 64-bit integers that are decimal strings, bytes in base64, "NaN".
 *
 * @module
 */
import { SmaltiError } from "../../error.ts";
import { dataFromJson, valueFromJson } from "../../ontology/from_json.ts";
import type { FieldSchema } from "../../schema.ts";
import { integerColumns } from "../json/json_decoder.ts";
import { columnsOfShape } from "../json/json_schema.ts";
import { JSON_FIELD } from "../json/json_text_decoder.ts";
import type { StructShape } from "../json/shape.ts";
import type { DecoderOptions, MessageDecoder, Row, RowWriter } from "../message_decoder.ts";
import type { TimeField } from "../message_time.ts";
import { parseData } from "./line_data.ts";

/** Writes messages into the columns of a built-in ontology, which hold all of them or refuse them: INVALID_MESSAGE. */
export class OntologyDecoder implements MessageDecoder {
  readonly fields: readonly FieldSchema[];
  readonly misfitCount = 0;
  readonly #time: TimeField | undefined;

  constructor(fields: readonly FieldSchema[], { time }: DecoderOptions) {
    this.fields = fields;
    this.#time = time;
  }

  push(
    writer: RowWriter,
    timestampNs: bigint,
    bytes: Uint8Array,
    beside: Row | undefined,
  ): Promise<void> | undefined {
    const data = dataFromJson(this.fields, parseData(bytes));
    if (this.#time) timestampNs = this.#time.ofJson(bytes);
    return writer.push({ timestampNs, data: { ...data, ...beside } });
  }
}

/** Writes messages into columns that were found by looking at some of them, the last of which is {@linkcode JSON_FIELD}. */
export class ExportedDecoder implements MessageDecoder {
  readonly fields: readonly FieldSchema[];
  /** By what a message calls them. */
  readonly #columns: ReadonlyMap<string, FieldSchema>;
  readonly #time: TimeField | undefined;
  #misfitCount = 0;
  #isWhole = true;

  constructor(shape: StructShape, { reserved, integers, time }: DecoderOptions) {
    // The `_json` of an export is that of the topic it came from: the same column.
    const fields = new Map([...shape.fields].filter(([name]) => name !== JSON_FIELD.name));
    const columns = integerColumns(
      columnsOfShape({ kind: "struct", fields }, [...reserved.map(({ name }) => name), JSON_FIELD.name]),
      integers,
    );
    this.fields = [...columns.fields, JSON_FIELD];
    const properties = new Map([...columns.renamed].map(([property, name]) => [name, property]));
    this.#columns = new Map(columns.fields.map((field) => [properties.get(field.name) ?? field.name, field]));
    this.#time = time;
  }

  get misfitCount(): number {
    return this.#misfitCount;
  }

  push(
    writer: RowWriter,
    timestampNs: bigint,
    bytes: Uint8Array,
    beside: Row | undefined,
  ): Promise<void> | undefined {
    const { [JSON_FIELD.name]: overflow, ...message } = parseData(bytes);
    if (this.#time) timestampNs = this.#time.ofJson(bytes);
    this.#isWhole = true;
    const row = this.#struct(message, this.#columns);
    if (typeof overflow === "string") row[JSON_FIELD.name] = overflow;
    else if (!this.#isWhole || (overflow !== null && overflow !== undefined)) {
      row[JSON_FIELD.name] = new TextDecoder().decode(bytes);
    }
    if (row[JSON_FIELD.name] !== undefined) this.#misfitCount++;
    return writer.push({ timestampNs, data: { ...row, ...beside } });
  }

  /** What of an object its columns hold, at every depth; null is a value that is missing. */
  #struct(value: Row, columns: ReadonlyMap<string, FieldSchema>): Row {
    const row: Row = Object.create(null);
    for (const [key, item] of Object.entries(value)) {
      if (item === null) continue;
      const field = columns.get(key);
      if (field) row[field.name] = this.#value(item, field);
      else this.#isWhole = false;
    }
    return row;
  }

  #value(item: unknown, field: FieldSchema): unknown {
    if (field.type.kind === "struct" && typeof item === "object" && !Array.isArray(item)) {
      return this.#struct(item as Row, new Map(field.children.map((child) => [child.name, child])));
    }
    try {
      return valueFromJson(field, item, field.name);
    } catch (reason) {
      if (!(reason instanceof SmaltiError)) throw reason;
      this.#isWhole = false;
      return undefined;
    }
  }
}
