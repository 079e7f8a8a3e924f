import type { Vector } from "../../arrow/vector.ts";
import { columnsOfJsonSchema } from "../../import/json/json_schema.ts";
import type { MessageFormat } from "../../import/message_decoder.ts";
import { decodeText } from "../../import/text.ts";
import type { FieldSchema } from "../../schema.ts";
import { jsonOfRow } from "./json_value.ts";
import { jsonSchemaOf } from "./json_schema_of.ts";
import type { EncodeRow, RowEncoder } from "./row_encoder.ts";

/** The column of imported JSON that holds the text of messages that the others do not hold whole. */
const WHOLE = "_json";

/** Messages of JSON. */
export class JsonEncoder implements RowEncoder {
  readonly format: MessageFormat;
  readonly #names: readonly string[];
  readonly #allDigits: boolean;
  readonly #whole: number;

  private constructor(format: MessageFormat, names: readonly string[], allDigits: boolean, whole = -1) {
    this.format = format;
    this.#names = names;
    this.#allDigits = allDigits;
    this.#whole = whole;
  }

  /** Messages that came as JSON: by the schema that they came with, and whole where they were kept whole. */
  static ofSource(
    format: MessageFormat,
    fields: readonly FieldSchema[],
    envelope: readonly FieldSchema[],
  ): JsonEncoder {
    const renamed = renamedBy(format, [...envelope.map(({ name }) => name), WHOLE]);
    const names = fields.map(({ name }) => renamed.get(name) ?? name);
    return new JsonEncoder(format, names, true, names.indexOf(WHOLE));
  }

  /** Messages of any columns, with a schema that is made of them. Integers beyond 2^53 are text. */
  static ofColumns(tag: string, fields: readonly FieldSchema[]): JsonEncoder {
    const data = new TextEncoder().encode(JSON.stringify(jsonSchemaOf(tag, fields)));
    const format = { encoding: "json", schema: { name: tag, encoding: "jsonschema", data } };
    return new JsonEncoder(format, fields.map(({ name }) => name), false);
  }

  bind(columns: readonly Vector[]): EncodeRow {
    const names = this.#names;
    const own = columns.slice(0, names.length);
    const whole = own[this.#whole];
    return (row, out) => {
      const text = whole?.get(row);
      out.utf8(typeof text === "string" ? text : jsonOfRow(own, row, this.#allDigits, names));
    };
  }
}

/** Column -> property, for the properties whose column has another name. */
function renamedBy({ schema }: MessageFormat, reserved: readonly string[]): ReadonlyMap<string, string> {
  const text = schema && decodeText(schema.data);
  try {
    const columns = text === undefined ? undefined : columnsOfJsonSchema(JSON.parse(text), reserved);
    return new Map([...columns?.renamed ?? []].map(([property, column]) => [column, property]));
  } catch {
    // A schema that is no JSON names nothing.
    return new Map();
  }
}
