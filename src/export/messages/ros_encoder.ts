import type { Vector } from "../../arrow/vector.ts";
import type { MessageFormat } from "../../import/message_decoder.ts";
import { distinctNames } from "../../import/records/plan_columns.ts";
import { RAW_FIELD } from "../../import/records/raw_column.ts";
import { decodeText } from "../../import/text.ts";
import { parseRos } from "../../import/ros/ros_decoders.ts";
import { compileRos } from "../../import/ros/ros_plan.ts";
import type { RecordPlan } from "../../record_plan.ts";
import { type FieldSchema, schemaKey, TIMESTAMP_FIELD } from "../../schema.ts";
import { bindSequential } from "./sequential_encoder.ts";
import type { EncodeRow, RowEncoder } from "./row_encoder.ts";

/** The messages of ROS 1 or ROS 2 from the columns that they were decoded into. */
export class RosEncoder implements RowEncoder {
  readonly format: MessageFormat;
  readonly #plan: RecordPlan;
  readonly #count: number;

  private constructor(format: MessageFormat, plan: RecordPlan, count: number) {
    this.format = format;
    this.#plan = plan;
    this.#count = count;
  }

  /**
   * For a topic with these columns after `timestamp_ns`; undefined where they are not those that its definition gives.
   *
   * @param envelope Those that say what is around a message, which come last.
   */
  static async open(
    format: MessageFormat,
    fields: readonly FieldSchema[],
    envelope: readonly FieldSchema[],
  ): Promise<RosEncoder | undefined> {
    const { encoding, schema } = format;
    const text = schema && decodeText(schema.data);
    if (text === undefined) return undefined;
    try {
      const definitions = await parseRos(schema!.encoding, text);
      const compiled = compileRos(definitions, schema!.name, encoding === "cdr" ? "cdr" : "packed");
      const taken = [TIMESTAMP_FIELD, RAW_FIELD, ...envelope].map(({ name }) => name);
      const wanted = distinctNames(compiled.fields, taken);
      if (schemaKey(wanted) !== schemaKey(fields.slice(0, wanted.length))) return undefined;
      return new RosEncoder(format, compiled.plan, wanted.length);
    } catch {
      // What cannot be compiled was not decoded by it.
      return undefined;
    }
  }

  bind(columns: readonly Vector[]): EncodeRow {
    return bindSequential(this.#plan, columns.slice(0, this.#count));
  }
}
