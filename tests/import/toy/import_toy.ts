import type { Client } from "../../../mod.ts";
import { SmaltiError } from "../../../src/error.ts";
import type { ByteChunks, ByteSource } from "../../../src/import/byte_source.ts";
import { DECODERS } from "../../../src/import/decoders.ts";
import type { ImportOptions } from "../../../src/import/import_options.ts";
import type { ImportReport } from "../../../src/import/import_report.ts";
import { importRecording, type RecordingImport } from "../../../src/import/recording_import.ts";
import type { TopicImport } from "../../../src/import/topic_import.ts";
import { NumbersDecoder } from "./numbers_decoder.ts";

const kinds = [{
  encoding: "numbers",
  schemaEncoding: "names",
  open: NumbersDecoder.open,
}, ...DECODERS];

/** Lines after `toy`: `topic NAME ENCODING SCHEMA-ENCODING SCHEMA`, `meta KEY VALUE`, and `TIME NAME MESSAGE`. */
export async function importToy(
  client: Client,
  source: ByteSource | ByteChunks,
  options: ImportOptions,
): Promise<ImportReport & { lineCount: number }> {
  const read = async (recording: RecordingImport) => {
    const topics = new Map<string, TopicImport>();
    let lineCount = 0;
    for await (const line of linesOf(recording)) {
      if (lineCount++ === 0) {
        if (line !== "toy") {
          throw new SmaltiError(
            "CORRUPT",
            `the file is no toy: it begins with ${line}`,
          );
        }
        await recording.begin();
        continue;
      }
      const [, first, name, rest] = /^(\S+) (\S+) (.*)$/.exec(line)!;
      if (first === "topic") {
        const [, encoding, schemaEncoding, text] = /^(\S+) ?(\S*) ?(.*)$/.exec(
          rest,
        )!;
        const data = new TextEncoder().encode(text);
        const schema = schemaEncoding === "" ? undefined : { name, encoding: schemaEncoding, data };
        const format = { encoding, schema };
        topics.set(
          name,
          await recording.createTopic({
            name,
            tag: name,
            format,
            metadata: {},
          }),
        );
      } else if (first === "meta") recording.metadata[name] = rest;
      else if (topics.has(name)) {
        await topics.get(name)!.push(
          BigInt(first),
          new TextEncoder().encode(rest),
        );
      } else {recording.flaw({
          kind: "message",
          message: `the file has a message on no topic: ${line}`,
          lost: "1 message",
        });}
    }
    return { lineCount };
  };
  return await importRecording(client, source, options, {
    what: "the toy file",
    read,
    decoders: kinds,
  });
}

async function* linesOf(recording: RecordingImport): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of recording.bytes()) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
  if (rest !== "") {
    throw new SmaltiError(
      "CORRUPT",
      `the file is cut: its last line is ${rest}`,
    );
  }
}
