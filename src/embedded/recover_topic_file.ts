import { decodeFrame, decodeSchemaMessage, MAGIC, MessageType } from "../arrow/decode.ts";
import { encodeFileEnd } from "../arrow/encode.ts";
import { openBatch } from "../engine/batch.ts";
import type { Engine } from "../engine/engine.ts";
import { SmaltiError } from "../error.ts";
import type { Store } from "../store/store.ts";
import { type Part, totals } from "../totals.ts";
import type { TopicSchema } from "../types.ts";
import { topicSchema } from "./stored_schema.ts";
import { checkOrder, type IndexEntry, indexMetadata, partOf } from "./topic_index.ts";

/** Heads of messages, and most whole batches of slow topics, fit. */
const HEAD_BYTES = 64 * 1024;

/** What was found in a topic's file that has no sound footer. */
export interface RecoveredTopic {
  /** The topic's columns, from the schema at the file's start. */
  readonly schema: TopicSchema;
  /** What its whole batches hold. */
  readonly kept: Part;
  /** Whole batches with right checksums. */
  readonly batches: number;
  /** Bytes of the file that belong to none of them: what was cut off, or is damaged. */
  readonly bytesDiscarded: number;
  /** Bytes of the file once it has its footer. */
  readonly sizeBytes: number;
}

/**
 * Gives a topic's file the footer that its writer did not come to write. Every whole batch with right checksums is kept,
 * in the order of writing. Nothing is overwritten: what is not kept stays where it is, between the batches and the
 * footer, where no reader looks. Durable when it resolves.
 *
 * Undefined where the file ends within its schema: no message was ever in it. CORRUPT where that is damaged.
 */
export async function recoverTopicFile(
  store: Store,
  engine: Engine,
  path: string,
): Promise<RecoveredTopic | undefined> {
  const size = await store.size(path);
  const head = await store.read(path, 0, HEAD_BYTES);
  const start = schemaEnd(head, size);
  if (start === undefined) return undefined;
  const stored = decodeSchemaMessage((await store.read(path, 0, start)).subarray(8));
  const schema = topicSchema(engine, stored);

  const entries: IndexEntry[] = [];
  for (let offset = start; offset < size;) {
    const frame = await readFrame(store, path, offset, size);
    if (!frame) break;
    const { message, headBytes } = frame;
    const entry = checkBatch(engine, message, schema);
    if (entry) entries.push({ ...entry, offset, length: message.length, headBytes });
    offset += message.length;
  }

  const end = encodeFileEnd(stored, entries, indexMetadata(engine, entries));
  await store.append(path, end);
  await store.sync(path);
  const kept = totals(entries.map(partOf));
  return {
    schema,
    kept,
    batches: entries.length,
    bytesDiscarded: size - start - kept.sizeBytes,
    sizeBytes: size + end.length,
  };
}

/** Where the schema message ends; undefined where the file ends before. */
function schemaEnd(head: Uint8Array, size: number): number | undefined {
  if (size < 16) return undefined;
  if (!MAGIC.every((byte, i) => head[i] === byte)) {
    throw new SmaltiError("CORRUPT", "File does not begin as an Arrow file");
  }
  const length = 16 + new DataView(head.buffer, head.byteOffset + 12, 4).getInt32(0, true);
  if (length < 16) throw new SmaltiError("CORRUPT", "Schema at the file's start has a wrong length");
  return length > size ? undefined : length;
}

/** The message at an offset; undefined where it is cut off, no batch, or not to be made out. */
async function readFrame(
  store: Store,
  path: string,
  offset: number,
  size: number,
): Promise<{ message: Uint8Array; headBytes: number } | undefined> {
  let bytes = await store.read(path, offset, Math.min(HEAD_BYTES, size - offset));
  if (bytes.length < 8) return undefined;
  const headBytes = 8 + new DataView(bytes.buffer, bytes.byteOffset + 4, 4).getInt32(0, true);
  if (headBytes < 8 || offset + headBytes > size) return undefined;
  if (headBytes > bytes.length) bytes = await store.read(path, offset, headBytes);
  try {
    const frame = decodeFrame(bytes);
    const length = headBytes + (frame?.bodyBytes ?? 0);
    if (frame?.type !== MessageType.recordBatch || offset + length > size) return undefined;
    const message = length <= bytes.length
      ? bytes.subarray(0, length)
      : await store.read(path, offset, length);
    return { message, headBytes };
  } catch (reason) {
    if (reason instanceof SmaltiError && reason.code === "CORRUPT") return undefined;
    throw reason;
  }
}

/** What the index says of a batch; undefined where a checksum does not match, or the rows are not in order. */
function checkBatch(
  engine: Engine,
  message: Uint8Array,
  { fields }: TopicSchema,
): Pick<IndexEntry, "rows" | "firstNs" | "lastNs" | "headerCrc"> | undefined {
  try {
    const { table, times, rows, headerCrc } = openBatch(engine, message, { fields, where: {} });
    // Without a checksum nothing tells a batch from what only looks like one.
    if (headerCrc === undefined || rows === 0) return undefined;
    table.loadAll();
    checkOrder(times);
    return { rows, firstNs: times[0], lastNs: times[rows - 1], headerCrc };
  } catch (reason) {
    if (reason instanceof SmaltiError) return undefined;
    throw reason;
  }
}
