/**
 * What the end of a topic's file tells: its schema, where its batches are, and its dictionaries.
 *
 * @module
 */
import { decodeFooter, type Footer, MAGIC } from "../arrow/decode.ts";
import { hexCrc, openColumns } from "../arrow/stored_batch.ts";
import type { Vector } from "../arrow/vector.ts";
import type { Engine } from "../engine.ts";
import { SmaltiError } from "../error.ts";
import type { FieldSchema } from "../schema.ts";
import { decodeIndex, type TopicIndex } from "./topic_index.ts";

/** Most footers fit, so that opening a topic is one read. */
const TAIL_BYTES = 16 * 1024;
/** Ranges of one topic's file, all of the same state of it. */
export type TopicBytes = (
  offset: number,
  length: number,
  signal?: AbortSignal,
  mayReuse?: boolean,
) => Promise<Uint8Array>;

/** The footer, and where in the file it starts. */
export async function readFooter(file: TopicBytes, size: number): Promise<{ footer: Footer; start: number }> {
  const tail = await file(Math.max(0, size - TAIL_BYTES), TAIL_BYTES);
  const end = tail.length - MAGIC.length;
  const whole = tail.length === Math.min(size, TAIL_BYTES) && end >= 4 &&
    MAGIC.every((byte, i) => tail[end + i] === byte);
  if (!whole) {
    throw new SmaltiError(
      "CORRUPT",
      `File of ${size} bytes does not end as an Arrow file: it is cut or damaged`,
    );
  }
  const length = new DataView(tail.buffer, tail.byteOffset + end - 4, 4).getInt32(0, true);
  if (length <= 0 || length + 10 > size) {
    throw new SmaltiError("CORRUPT", `Footer claims ${length} bytes of a file of ${size}`);
  }
  const start = size - 10 - length;
  const footer = length + 10 <= tail.length
    ? tail.subarray(tail.length - 10 - length, tail.length - 10)
    : await file(start, length);
  return { footer: decodeFooter(footer), start };
}

/** The index of a file of ours, undefined of another writer's. CORRUPT where it does not match its checksum. */
export function readIndex(engine: Engine, footer: Footer): TopicIndex | undefined {
  const text = footer.metadata.get("smalti:index");
  if (text === undefined) {
    if (footer.schema.metadata.has("smalti:version")) throw new SmaltiError("CORRUPT", "Footer has no index");
    return undefined;
  }
  if (!footer.schema.metadata.has("smalti:schema_crc")) {
    throw new SmaltiError("CORRUPT", "Schema has no checksum");
  }
  if (hexCrc(engine.crc32(new TextEncoder().encode(text))) !== footer.metadata.get("smalti:index_crc")) {
    throw new SmaltiError("CORRUPT", "Index does not match its checksum");
  }
  return decodeIndex(text);
}

/** Rows by a footer's index. */
export function rowsIn(engine: Engine, footer: Footer): number | undefined {
  return readIndex(engine, footer)?.rows.reduce((sum, rows) => sum + rows, 0);
}

/** Values of the dictionaries that another writer's file has, by their ids. CORRUPT, UNSUPPORTED. */
export async function readDictionaries(
  file: TopicBytes,
  engine: Engine,
  path: string,
  footer: Footer,
): Promise<Map<bigint, Vector>> {
  const dictionaries = new Map<bigint, Vector>();
  if (footer.dictionaries.length === 0) return dictionaries;
  const values = new Map<bigint, FieldSchema>();
  const collect = (field: FieldSchema) => {
    if (field.dictionary) values.set(field.dictionary.id, { ...field, dictionary: undefined });
    field.children.forEach(collect);
  };
  footer.schema.fields.forEach(collect);
  for (const { offset, length } of footer.dictionaries) {
    const message = await file(offset, length);
    const where = { file: path, offset };
    const { dictionary } = engine.parseBatch(message);
    const field = dictionary && values.get(dictionary.id);
    if (!field) throw new SmaltiError("CORRUPT", "Dictionary batch that no column uses", where);
    if (dictionary.isDelta || dictionaries.has(dictionary.id)) {
      throw new SmaltiError("UNSUPPORTED", `Dictionary ${dictionary.id} is written in several parts`, where);
    }
    dictionaries.set(
      dictionary.id,
      openColumns(engine, message, { fields: [field], where, dictionaries }).table.children[0],
    );
  }
  return dictionaries;
}
