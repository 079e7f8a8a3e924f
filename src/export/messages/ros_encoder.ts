import type { MessageFormat } from "../../import/message_decoder.ts";
import { parseRos } from "../../import/ros/ros_decoders.ts";
import { compileRos } from "../../import/ros/ros_plan.ts";
import { decodeText } from "../../import/text.ts";
import { type FieldSchema, schemaKey } from "../../schema.ts";
import { importedFields, PlanEncoder } from "./plan_encoder.ts";
import { bindSequential } from "./sequential_encoder.ts";

/**
 * Makes the messages of ROS 1 or ROS 2 from the columns that they were decoded into: for a topic with these columns after
 * `timestamp_ns`; undefined where they are not those that its definition gives.
 *
 * @param envelope Those that say what is around a message, which come last.
 */
export async function openRosEncoder(
  format: MessageFormat,
  fields: readonly FieldSchema[],
  envelope: readonly FieldSchema[],
): Promise<PlanEncoder | undefined> {
  const { encoding, schema } = format;
  const text = schema && decodeText(schema.data);
  if (text === undefined) return undefined;
  try {
    const definitions = await parseRos(schema!.encoding, text);
    const compiled = compileRos(definitions, schema!.name, encoding === "cdr" ? "cdr" : "packed");
    const wanted = importedFields(compiled, envelope);
    if (schemaKey(wanted) !== schemaKey(fields.slice(0, wanted.length))) return undefined;
    return new PlanEncoder(format, compiled.plan, wanted.length, bindSequential);
  } catch {
    // What cannot be compiled was not decoded by it.
    return undefined;
  }
}
