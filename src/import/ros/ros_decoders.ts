/**
 * Decoders for the messages of ROS 1 and ROS 2.
 *
 * @module
 */
import type { DecoderKind, DecoderOptions, MessageDecoder, MessageSchema } from "../message_decoder.ts";
import { Undecodable } from "../message_decoder.ts";
import { RecordMessageDecoder } from "../records/record_message_decoder.ts";
import { decodeText } from "../text.ts";
import { compileRos, type RosDefinition, RosDefinitionError } from "./ros_plan.ts";

/** For CDR and the serialization of ROS 1, by the definitions that recordings carry. */
export const ROS_DECODERS: readonly DecoderKind[] = [
  { encoding: "cdr", schemaEncoding: "ros2msg", open: (schema, options) => open(schema, options, "cdr") },
  { encoding: "cdr", schemaEncoding: "ros2idl", open: (schema, options) => open(schema, options, "cdr") },
  { encoding: "ros1", schemaEncoding: "ros1msg", open: (schema, options) => open(schema, options, "packed") },
];

async function open(
  schema: MessageSchema | undefined,
  options: DecoderOptions,
  encoding: "cdr" | "packed",
): Promise<MessageDecoder> {
  const text = schema && decodeText(schema.data);
  if (text === undefined) throw new Undecodable("its definition is no text");
  let definitions: readonly RosDefinition[];
  try {
    definitions = await parseRos(schema!.encoding, text);
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

/** Parses definitions as recordings carry them: `ros1msg`, `ros2msg` or `ros2idl`. */
export async function parseRos(encoding: string, text: string): Promise<readonly RosDefinition[]> {
  if (encoding === "ros2idl") {
    const { parseRos2idl } = await import("@foxglove/ros2idl-parser");
    return parseRos2idl(text);
  }
  const { parse } = await import("@foxglove/rosmsg");
  if (encoding === "ros1msg") return parse(text);
  try {
    return parse(text, { ros2: true });
  } catch {
    return parse(text); // names that ROS 2 does not allow come from bags of ROS 1
  }
}
