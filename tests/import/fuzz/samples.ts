/**
 * Files to damage, and what is in them.
 *
 * @module
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { McapStreamReader, type McapTypes } from "@mcap/core";
import { createJsEngine } from "../../../src/engine/js.ts";
import type { Random } from "../../support/random_cases.ts";

/** Folders with files; SMALTI_FUZZ_FILES names another. */
const FOLDERS = [
  ...["formats", "tables"].map((name) => fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url))),
  ...(process.env.SMALTI_FUZZ_FILES ? [process.env.SMALTI_FUZZ_FILES] : []),
];
const SMALL_BYTES = 130_000;

/** The files whose names end so. */
export function filesOf(...endings: string[]): Uint8Array[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" }).sort()
      .filter((name) => endings.some((end) => name.endsWith(end)))
      .map((name) => new Uint8Array(readFileSync(join(folder, name))))
  );
}

/** One of the files, small ones more often: a case of them is quick. */
export function pickFile(files: readonly Uint8Array[], random: Random): Uint8Array {
  const small = files.filter(({ length }) => length < SMALL_BYTES);
  return random.oneIn(40) || small.length === 0 ? random.pick(files) : random.pick(small);
}

/** A schema, and some of its messages. */
export interface Sample {
  readonly schema: McapTypes.TypedMcapRecords["Schema"];
  readonly encoding: string;
  readonly messages: Uint8Array[];
}

/** Schemas of MCAP files with some messages each. */
export function samplesOf(isWanted: (sample: Sample) => boolean): Sample[] {
  const engine = createJsEngine();
  const decompress = (codec: "lz4" | "zstd") => (bytes: Uint8Array, size: bigint) =>
    engine.decompress(codec, bytes, Number(size));
  const samples = new Map<string, Sample>();
  const schemas = new Map<number, McapTypes.TypedMcapRecords["Schema"]>();
  const channels = new Map<number, Sample>();
  for (const bytes of filesOf(".mcap")) {
    schemas.clear();
    channels.clear();
    const reader = new McapStreamReader({
      decompressHandlers: { lz4: decompress("lz4"), zstd: decompress("zstd") },
    });
    reader.append(bytes);
    for (let record; (record = reader.nextRecord());) {
      if (record.type === "Schema") schemas.set(record.id, { ...record, data: record.data.slice() });
      if (record.type === "Channel" && record.schemaId !== 0) {
        const schema = schemas.get(record.schemaId)!;
        const key = `${schema.name} ${schema.encoding} ${record.messageEncoding} ${schema.data.length}`;
        const sample = samples.get(key) ?? { schema, encoding: record.messageEncoding, messages: [] };
        samples.set(key, sample);
        channels.set(record.id, sample);
      }
      if (record.type === "Message") {
        const sample = channels.get(record.channelId);
        if (sample && sample.messages.length < 5 && record.data.length < 20_000) {
          sample.messages.push(record.data.slice());
        }
      }
    }
  }
  return [...samples.values()].filter((sample) => sample.messages.length > 0 && isWanted(sample));
}
