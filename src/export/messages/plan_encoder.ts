import type { Vector } from "../../arrow/vector.ts";
import type { MessageFormat } from "../../import/message_decoder.ts";
import { type CompiledRecords, distinctNames } from "../../import/records/plan_columns.ts";
import { RAW_FIELD } from "../../import/records/raw_column.ts";
import type { RecordPlan } from "../../record_plan.ts";
import { type FieldSchema, TIMESTAMP_FIELD } from "../../schema.ts";
import type { EncodeRow, RowEncoder } from "./row_encoder.ts";

/** Encodes rows of columns by a plan that decodes them. */
export type BindPlan = (plan: RecordPlan, columns: readonly Vector[]) => EncodeRow;

/** Messages from the columns that a plan decoded them into: the first of a topic's. */
export class PlanEncoder implements RowEncoder {
  readonly format: MessageFormat;
  readonly #plan: RecordPlan;
  readonly #count: number;
  readonly #bind: BindPlan;

  /** @param count How many of the topic's columns are the plan's. */
  constructor(format: MessageFormat, plan: RecordPlan, count: number, bind: BindPlan) {
    this.format = format;
    this.#plan = plan;
    this.#count = count;
    this.#bind = bind;
  }

  bind(columns: readonly Vector[]): EncodeRow {
    return this.#bind(this.#plan, columns.slice(0, this.#count));
  }
}

/** The columns that an import makes of compiled records, beside those of the envelope. */
export function importedFields(
  compiled: CompiledRecords,
  envelope: readonly FieldSchema[],
): readonly FieldSchema[] {
  const taken = [TIMESTAMP_FIELD, RAW_FIELD, ...envelope].map(({ name }) => name);
  return distinctNames(compiled.fields, taken);
}
