/**
 * Decoders for the messages of ROS 1 and ROS 2.
 *
 * @module
 */
import type { DecoderKind, DecoderOptions, MessageDecoder, MessageSchema } from "../message_decoder.ts";
import { Undecodable } from "../message_decoder.ts";
import { RecordMessageDecoder } from "../records/record_message_decoder.ts";
import { decodeText } from "../text.ts";
import { checkIdl, checkMsg, hasNamesOfRos2 } from "./definition_bounds.ts";
import { compileRos, type RosDefinition, RosDefinitionError } from "./ros_plan.ts";

/** For CDR and the serialization of ROS 1, by the definitions that recordings carry. */
export const ROS_DECODERS: readonly DecoderKind[] = [
  kindOf("cdr", "ros2msg", "cdr"),
  kindOf("cdr", "ros2idl", "cdr"),
  kindOf("ros1", "ros1msg", "packed"),
];

function kindOf(encoding: string, schemaEncoding: string, layout: "cdr" | "packed"): DecoderKind {
  return {
    encoding,
    schemaEncoding,
    readsTime: true,
    open: (schema, options) => open(schema, options, layout),
  };
}

/** Definitions that were parsed, of schemas that many topics share. */
const PARSED = new WeakMap<MessageSchema, Promise<readonly RosDefinition[]>>();

async function open(
  schema: MessageSchema | undefined,
  options: DecoderOptions,
  encoding: "cdr" | "packed",
): Promise<MessageDecoder> {
  const text = schema && decodeText(schema.data);
  if (text === undefined) throw new Undecodable("its definition is no text");
  let definitions: readonly RosDefinition[];
  try {
    const parsed = PARSED.get(schema!) ?? parseRos(schema!.encoding, text);
    PARSED.set(schema!, parsed);
    definitions = await parsed;
  } catch (reason) {
    throw new Undecodable(`its definition cannot be read: ${(reason as Error).message}`);
  }
  try {
    return new RecordMessageDecoder(compileRos(definitions, schema!.name, encoding), options);
  } catch (reason) {
    if (reason instanceof RosDefinitionError) throw new Undecodable(reason.message);
    throw reason;
  }
}

/** Parses definitions as recordings carry them: `ros1msg`, `ros2msg` or `ros2idl`. Rejects where they are none, or too long. */
export async function parseRos(encoding: string, text: string): Promise<readonly RosDefinition[]> {
  if (encoding === "ros2idl") {
    checkIdl(text);
    const { parseRos2idl } = await import("@foxglove/ros2idl-parser");
    return parseRos2idl(text);
  }
  checkMsg(text);
  const { parse } = await import("@foxglove/rosmsg");
  if (encoding === "ros1msg" || !hasNamesOfRos2(text)) return parse(text);
  try {
    return parse(text, { ros2: true });
  } catch {
    return parse(text); // names that ROS 2 does not allow come from bags of ROS 1
  }
}
