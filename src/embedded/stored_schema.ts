import { hexCrc } from "../arrow/stored_batch.ts";
import type { Engine } from "../engine.ts";
import { SmaltiError } from "../error.ts";
import type { SerializationFormat } from "../ontology/define_ontology.ts";
import { type Schema, schemaKey } from "../schema.ts";
import type { Metadata, TopicSchema } from "../types.ts";
import { jsonText } from "../util/json_text.ts";
import { parseJson } from "../util/parse_json.ts";

const VERSION = "1";

/** A topic's schema as its file carries it: with what makes the file understandable alone, and a checksum. */
export function storedSchema(engine: Engine, topic: TopicSchema): Schema {
  const metadata = new Map([
    ["smalti:version", VERSION],
    ["smalti:ontology_tag", topic.ontologyTag],
    ["smalti:serialization_format", topic.serializationFormat],
    ["smalti:metadata", jsonText(topic.metadata)],
  ]);
  metadata.set("smalti:schema_crc", schemaCrc(engine, { fields: topic.fields, metadata }));
  return { fields: topic.fields, metadata };
}

/**
 * A topic's schema out of its file's. A file that smalti did not write has no tag. CORRUPT where the checksum
 * does not match, UNSUPPORTED where column 0 is not `timestamp_ns`, int64, or the version is another.
 */
export function topicSchema(engine: Engine, stored: Schema): TopicSchema {
  const { fields, metadata } = stored;
  const version = metadata.get("smalti:version");
  const crc = metadata.get("smalti:schema_crc");
  if (crc !== undefined && crc !== schemaCrc(engine, stored)) {
    throw new SmaltiError("CORRUPT", "Schema does not match its checksum");
  }
  if (version !== undefined && version !== VERSION) {
    throw new SmaltiError("UNSUPPORTED", `Topic file has format version ${version}: wanted ${VERSION}`);
  }
  const time = fields[0];
  if (
    time?.name !== "timestamp_ns" || time.type.kind !== "int" || time.type.bits !== 64 || !time.type.signed ||
    time.dictionary
  ) {
    throw new SmaltiError(
      "UNSUPPORTED",
      `Column 0 is "${time?.name ?? "missing"}": wanted timestamp_ns, int64`,
    );
  }
  return {
    ontologyTag: metadata.get("smalti:ontology_tag") ?? "",
    serializationFormat: (metadata.get("smalti:serialization_format") ?? "default") as SerializationFormat,
    metadata: parseJson(metadata.get("smalti:metadata") ?? "{}") as Metadata,
    fields,
  };
}

function schemaCrc(engine: Engine, { fields, metadata }: Schema): string {
  const pairs = [...metadata].filter(([key]) => key !== "smalti:schema_crc").sort();
  return hexCrc(engine.crc32(new TextEncoder().encode(schemaKey(fields, true) + JSON.stringify(pairs))));
}
