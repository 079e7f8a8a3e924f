import { type DecoderKind, Undecodable } from "../message_decoder.ts";
import { RecordMessageDecoder } from "../records/record_message_decoder.ts";

/** For FlatBuffers, by the .bfbs that recordings carry. */
export const FLATBUFFER_DECODER: DecoderKind = {
  encoding: "flatbuffer",
  schemaEncoding: "flatbuffer",
  readsTime: true,
  async open(schema, options) {
    const { readBfbs } = await import("./bfbs.ts");
    const { compileFlatbuffer } = await import("./flatbuffer_plan.ts");
    let described;
    try {
      described = readBfbs(schema!.data);
    } catch (reason) {
      throw new Undecodable(`its schema cannot be read: ${(reason as Error).message}`);
    }
    const compiled = compileFlatbuffer(described, schema!.name);
    if (!compiled) throw new Undecodable(`its schema has no table ${schema!.name}`);
    return new RecordMessageDecoder(compiled, options);
  },
};
