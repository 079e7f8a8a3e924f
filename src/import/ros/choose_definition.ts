import type { Engine } from "../../engine.ts";
import { isFitting } from "../../record_plan.ts";
import { definitionsOf, type RosDefinitions } from "./ros_definitions.ts";
import { compileRos } from "./ros_plan.ts";
import { parseRos } from "./ros_decoders.ts";

/** A definition and how it is written. */
export interface RosSchema {
  readonly encoding: string;
  readonly text: string;
}

/**
 * The definition of a type: that of the recording, or one that is known, whichever is the first by which a message can be
 * decoded. Without a message, or where it fits none, the recording's, else the likeliest. Undefined where there is none.
 *
 * @param given The recording's.
 * @param own The user's.
 */
export async function chooseDefinition(
  engine: Engine,
  type: string,
  message: Uint8Array | undefined,
  given?: RosSchema,
  own?: RosDefinitions,
): Promise<RosSchema | undefined> {
  const known = definitionsOf(type, own).map((text) => ({ encoding: "ros2msg", text }));
  const schemas = given ? [given, ...known] : known;
  if (message) {
    for (const schema of schemas) if (await fits(engine, schema, type, message)) return schema;
  }
  return schemas[0];
}

async function fits(
  engine: Engine,
  { encoding, text }: RosSchema,
  type: string,
  message: Uint8Array,
): Promise<boolean> {
  let decoder;
  try {
    decoder = engine.createRecordDecoder(compileRos(await parseRos(encoding, text), type, "cdr").plan);
  } catch {
    return false; // a definition that cannot be read, or lacks another
  }
  const statuses = new Uint8Array(1);
  engine.decodeRecords(message, [{ decoder, spans: Int32Array.of(0, message.length), statuses }]);
  decoder.close();
  return isFitting(statuses[0]);
}
