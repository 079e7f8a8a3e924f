import type { DecoderKind } from "../message_decoder.ts";
import { Undecodable } from "../message_decoder.ts";
import { RecordMessageDecoder } from "../records/record_message_decoder.ts";

/** For Protocol Buffers, by the FileDescriptorSet that recordings carry. */
export const PROTOBUF_DECODER: DecoderKind = {
  encoding: "protobuf",
  schemaEncoding: "protobuf",
  readsTime: true,
  async open(schema, options) {
    const { createFileRegistry, fromBinary } = await import("@bufbuild/protobuf");
    const { FileDescriptorSetSchema } = await import("@bufbuild/protobuf/wkt");
    const { compileProtobuf } = await import("./protobuf_plan.ts");
    let message;
    try {
      const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, schema!.data));
      message = registry.getMessage(schema!.name);
    } catch (reason) {
      throw new Undecodable(`its descriptors cannot be read: ${(reason as Error).message}`);
    }
    if (!message) throw new Undecodable(`its descriptors have no ${schema!.name}`);
    return new RecordMessageDecoder(compileProtobuf(message), options);
  },
};
