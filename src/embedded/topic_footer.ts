/**
 * What the end of a topic's file tells: its schema, where its batches are, and its dictionaries.
 *
 * @module
 */
import { decodeFooter, type Footer, MAGIC } from "../arrow/decode.ts";
import { Dictionaries } from "../arrow/dictionaries.ts";
import type { Dictionary } from "../arrow/encoded_vector.ts";
import { hexCrc } from "../arrow/stored_batch.ts";
import type { Engine } from "../engine.ts";
import { SmaltiError } from "../error.ts";
import type { BufferUse } from "../store/store.ts";
import { decodeIndex, INDEX_CRC, type TopicIndex } from "./topic_index.ts";

/** Most footers fit, and the bounds before them, so that opening a topic is one read: at least this much of a file's end... */
const TAIL_BYTES = 16 * 1024;
/** ...and of a large file, which has many batches, up to so much... */
const MOST_TAIL_BYTES = 64 * 1024;
/** ...by this part of it. */
const TAIL_PART = 1 / 1024;
/** Ranges of one topic's file, all of the same state of it. */
export type TopicBytes = (
  offset: number,
  length: number,
  signal?: AbortSignal,
  use?: BufferUse,
) => Promise<Uint8Array>;

/** A footer that was read. */
export interface FoundFooter {
  readonly footer: Footer;
  /** Where in the file it starts. */
  readonly start: number;
  /** What was read right before it along the way. */
  readonly before: Uint8Array;
}

/** The footer of a file of a size. CORRUPT. */
export async function readFooter(file: TopicBytes, size: number): Promise<FoundFooter> {
  const tailBytes = Math.max(TAIL_BYTES, Math.min(MOST_TAIL_BYTES, Math.floor(size * TAIL_PART)));
  const tail = await file(Math.max(0, size - tailBytes), tailBytes);
  const end = tail.length - MAGIC.length;
  const whole = tail.length === Math.min(size, tailBytes) && end >= 4 &&
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
  const before = tail.subarray(0, Math.max(0, tail.length - 10 - length));
  return { footer: decodeFooter(footer), start, before };
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
  if (hexCrc(engine.crc32(new TextEncoder().encode(text))) !== footer.metadata.get(INDEX_CRC)) {
    throw new SmaltiError("CORRUPT", "Index does not match its checksum");
  }
  return decodeIndex(text);
}

/** Rows by a footer's index. */
export function rowsIn(engine: Engine, footer: Footer): number | undefined {
  return readIndex(engine, footer)?.rows.reduce((sum, rows) => sum + rows, 0);
}

/** The dictionaries that another writer's file has. CORRUPT, UNSUPPORTED. */
export async function readDictionaries(
  file: TopicBytes,
  engine: Engine,
  path: string,
  { schema, dictionaries: places }: Footer,
): Promise<ReadonlyMap<bigint, Dictionary>> {
  const dictionaries = new Dictionaries(engine, schema.fields);
  for (const { offset, length } of places) {
    dictionaries.add(await file(offset, length), { file: path, offset });
  }
  return dictionaries.known;
}
