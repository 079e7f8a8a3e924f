import type { DecoderKind, MessageSchema } from "../message_decoder.ts";
import { Undecodable } from "../message_decoder.ts";
import type { CompiledRecords } from "../records/plan_columns.ts";
import { RecordMessageDecoder } from "../records/record_message_decoder.ts";

/** Bytes of descriptors; they take seconds, and hundreds of times their size, to read. */
const MAX_BYTES = 2 * 2 ** 20;

/** What was compiled of schemas that many topics share. The descriptors themselves are too large to be kept. */
const COMPILED = new WeakMap<MessageSchema, Promise<CompiledRecords>>();

/** For Protocol Buffers, by the FileDescriptorSet that recordings carry. */
export const PROTOBUF_DECODER: DecoderKind = {
  encoding: "protobuf",
  schemaEncoding: "protobuf",
  readsTime: true,
  async open(schema, options) {
    const compiled = COMPILED.get(schema!) ?? compileDescriptors(schema!);
    COMPILED.set(schema!, compiled);
    return new RecordMessageDecoder(await compiled, options);
  },
};

/** Compiles the type that a FileDescriptorSet has by the schema's name. Undecodable where it has none, or is none. */
export async function compileDescriptors({ name, data }: MessageSchema): Promise<CompiledRecords> {
  if (data.length > MAX_BYTES) {
    throw new Undecodable(`its descriptors have ${data.length} bytes and at most ${MAX_BYTES} are read`);
  }
  const { createFileRegistry, fromBinary } = await import("@bufbuild/protobuf");
  const { FileDescriptorSetSchema } = await import("@bufbuild/protobuf/wkt");
  const { compileProtobuf } = await import("./protobuf_plan.ts");
  let message;
  try {
    message = createFileRegistry(fromBinary(FileDescriptorSetSchema, data)).getMessage(name);
  } catch (reason) {
    throw new Undecodable(`its descriptors cannot be read: ${(reason as Error).message}`);
  }
  if (!message) throw new Undecodable(`its descriptors have no ${name}`);
  return compileProtobuf(message);
}
