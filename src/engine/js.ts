import { decodeBatch } from "./batch_message.ts";
import { createCodecs } from "./codecs.ts";
import type { Engine, NativeCodecs } from "../engine.ts";
import { VERSION } from "../version.ts";
import { createMerger } from "./merge.ts";
import { decodeRecords, JsRecordDecoder } from "./records/js_decoder.ts";

/** The engine in pure TypeScript: runs wherever JavaScript does, and faster with what the runtime has in native code. */
export function createJsEngine(native: NativeCodecs = {}): Engine {
  return {
    name: "js",
    version: VERSION,
    simd: false,
    parseBatch: decodeBatch,
    createMerger,
    createRecordDecoder: (plan) => new JsRecordDecoder(plan),
    decodeRecords,
    ...createCodecs(native),
  };
}
