import { SmaltiError } from "../../error.ts";
import type { FieldSchema } from "../../schema.ts";
import type { DecoderOptions, MessageDecoder, MessageSchema, Row, RowWriter } from "../message_decoder.ts";
import type { TimeField } from "../message_time.ts";
import { decodeText } from "../text.ts";
import { JsonFitter } from "./json_rows.ts";
import { columnsOfJsonSchema, columnsOfShape, type JsonColumns } from "./json_schema.ts";
import { dataUrl, JSON_FIELD } from "./json_text_decoder.ts";
import type { StructShape } from "./shape.ts";
import { parseJson } from "./json_values.ts";

/** Writes messages in JSON as columns, the last of which is {@linkcode JSON_FIELD}. */
export class JsonDecoder implements MessageDecoder {
  readonly fields: readonly FieldSchema[];
  readonly #fitter: JsonFitter;
  /** Whether messages have keys for which columns have other names, so that none is a row as it is. */
  readonly #renames: boolean;
  readonly #time: TimeField | undefined;
  /** Whether the message before was no row; the next one will hardly be, and finding out by pushing it is slow. */
  #misfit = false;
  #misfitCount = 0;

  /**
   * @param columns The columns before `_json`.
   * @param time The field that says when messages were.
   */
  constructor(columns: JsonColumns, time?: TimeField) {
    this.fields = [...columns.fields, JSON_FIELD];
    this.#fitter = new JsonFitter(columns);
    this.#renames = columns.renamed.size > 0;
    this.#time = time;
  }

  /** A decoder for the messages of a JSON Schema; undefined where it is none, or one without columns. */
  static open(
    schema: MessageSchema | undefined,
    { reserved, integers, time }: DecoderOptions,
  ): JsonDecoder | undefined {
    const columns = schema && columnsOf(schema, [...reserved.map(({ name }) => name), JSON_FIELD.name]);
    if (!columns || columns.fields.length === 0) return undefined;
    return new JsonDecoder(integerColumns(columns, integers), time);
  }

  /** A decoder for messages that are likely to be of a shape. */
  static ofShape(shape: StructShape, { reserved, integers, time }: DecoderOptions): JsonDecoder {
    return new JsonDecoder(
      integerColumns(columnsOfShape(shape, [...reserved.map(({ name }) => name), JSON_FIELD.name]), integers),
      time,
    );
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
    const text = decodeText(bytes);
    const parsed = text === undefined ? undefined : parseObject(text);
    const message = parsed?.value;
    if (this.#time) timestampNs = this.#time.ofJson(bytes);
    // A `_json` of the message's own is none of ours.
    if (
      message && parsed.isExact && !beside && !this.#renames && !this.#misfit && !(JSON_FIELD.name in message)
    ) {
      try {
        return writer.push({ timestampNs, data: message });
      } catch (reason) {
        if (!(reason instanceof SmaltiError) || reason.code !== "INVALID_MESSAGE") throw reason;
      }
    }
    const { row, whole } = this.#fitter.fit(message ?? {});
    this.#misfit = !parsed?.isExact || !whole;
    Object.assign(row, beside);
    if (this.#misfit) {
      this.#misfitCount++;
      row[JSON_FIELD.name] = text ?? dataUrl(bytes);
    }
    return writer.push({ timestampNs, data: row });
  }
}

/** Columns by a schema; undefined where it is no JSON Schema of an object. */
function columnsOf({ data }: MessageSchema, reserved: readonly string[]): JsonColumns | undefined {
  try {
    return columnsOfJsonSchema(JSON.parse(decodeText(data) ?? ""), reserved);
  } catch (reason) {
    return undefinedWhereNotJson(reason);
  }
}

/** The object that a text is; undefined where it is none. */
function parseObject(text: string): { value: Row; isExact: boolean } | undefined {
  try {
    const { value, isExact } = parseJson(text);
    const isObject = typeof value === "object" && !Array.isArray(value) && value !== null;
    return isObject ? { value: value as Row, isExact } : undefined;
  } catch (reason) {
    return undefinedWhereNotJson(reason);
  }
}

/** RangeError is JSON that is nested beyond the stack. */
function undefinedWhereNotJson(reason: unknown): undefined {
  if (!(reason instanceof SyntaxError || reason instanceof RangeError)) throw reason;
}

/** The columns with what integers of 64 bits are to become. */
export function integerColumns(columns: JsonColumns, integers: "bigint" | "number"): JsonColumns {
  return integers === "number" ? { ...columns, fields: columns.fields.map(withNumbers) } : columns;
}

/** The same field with float64 for integers, at every depth. */
function withNumbers(field: FieldSchema): FieldSchema {
  if (field.type.kind === "int") return { ...field, type: { kind: "float", bits: 64 } };
  return { ...field, children: field.children.map(withNumbers) };
}
