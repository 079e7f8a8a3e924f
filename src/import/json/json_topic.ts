/**
 * Messages in JSON -> rows.
 *
 * @module
 */
import { encodeBase64 } from "../../arrow/base64.ts";
import { SmaltiError } from "../../error.ts";
import type { FieldSchema } from "../../schema.ts";
import { JsonFitter } from "./json_rows.ts";
import type { JsonColumns } from "./json_schema.ts";
import { parseJson } from "./json_values.ts";
import { decodeText } from "../text.ts";

/** The column for messages that the other columns do not hold. */
export const JSON_FIELD: FieldSchema = {
  name: "_json",
  type: { kind: "utf8", offsets: 32 },
  nullable: true,
  children: [],
  metadata: {
    description: "The message as it was, where the other columns do not hold all of it.",
  },
};

/** What is written of a message: one property a column. */
export type Row = Record<string, unknown>;

/** The part of a topic's writer that is used here. */
export interface RowWriter {
  push(message: { timestampNs: bigint; data: Row }): Promise<void> | undefined;
}

/** Writes messages in JSON to one topic, whose last column is {@linkcode JSON_FIELD}. */
export class JsonTopic {
  readonly #writer: RowWriter;
  readonly #fitter: JsonFitter | undefined;
  /** Whether messages are never rows as they are. */
  readonly #mustFit: boolean;
  /** Whether the message before was no row; the next one will hardly be, and finding out by pushing it is slow. */
  #misfit = false;
  #jsonCount = 0;

  /**
   * @param columns The columns before `_json`; undefined where there are none.
   * @param extra Whether rows have columns that are not of the message.
   */
  constructor(
    writer: RowWriter,
    columns: JsonColumns | undefined,
    extra = false,
  ) {
    this.#writer = writer;
    this.#fitter = columns && new JsonFitter(columns);
    this.#mustFit = extra ||
      (columns !== undefined && columns.renamed.size > 0);
  }

  /** Messages kept in `_json` so far. */
  get jsonCount(): number {
    return this.#jsonCount;
  }

  /** Writes one message, with the columns in `extra`. Returns what the writer returns. */
  push(
    timestampNs: bigint,
    bytes: Uint8Array,
    extra?: Row,
  ): Promise<void> | undefined {
    const text = decodeText(bytes);
    if (text === undefined) {
      return this.#keep(
        timestampNs,
        emptyRow(extra),
        `data:application/octet-stream;base64,${encodeBase64(bytes)}`,
      );
    }
    const message = this.#fitter && parseObject(text);
    if (!message) return this.#keep(timestampNs, emptyRow(extra), text);
    // A `_json` of the message's own is none of ours.
    if (!this.#mustFit && !this.#misfit && !(JSON_FIELD.name in message)) {
      try {
        return this.#writer.push({ timestampNs, data: message });
      } catch (reason) {
        if (
          !(reason instanceof SmaltiError) || reason.code !== "INVALID_MESSAGE"
        ) throw reason;
      }
    }
    const { row, whole } = this.#fitter!.fit(message);
    this.#misfit = !whole;
    Object.assign(row, extra);
    return whole ? this.#writer.push({ timestampNs, data: row }) : this.#keep(timestampNs, row, text);
  }

  #keep(
    timestampNs: bigint,
    row: Row,
    text: string,
  ): Promise<void> | undefined {
    this.#jsonCount++;
    row[JSON_FIELD.name] = text;
    return this.#writer.push({ timestampNs, data: row });
  }
}

/** Without a prototype, so that a column called `constructor` is missing. */
function emptyRow(extra?: Row): Row {
  return Object.assign(Object.create(null), extra);
}

/** The object that a text is; undefined where it is none. */
function parseObject(text: string): Row | undefined {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (reason) {
    if (reason instanceof SyntaxError || reason instanceof RangeError) {
      return undefined;
    }
    throw reason;
  }
  return typeof value === "object" && !Array.isArray(value) && value !== null ? value as Row : undefined;
}
