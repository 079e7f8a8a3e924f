/**
 * The messages of files as they are, without a decoder: what an export must come to.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { McapStreamReader } from "@mcap/core";
import type { Engine } from "../../src/engine.ts";
import { BagReader } from "../../src/import/bag/bag_reader.ts";
import { SqliteFile } from "../../src/import/db3/sqlite_file.ts";

/** Messages by topic: times and bytes, in order of time. */
export type SourceMessages = Map<string, { ns: bigint; bytes: Uint8Array }[]>;

/** What decompresses the chunks of a file for @mcap/core. */
export function decompressHandlers(
  engine: Engine,
): Record<string, (bytes: Uint8Array, size: bigint) => Uint8Array> {
  return {
    lz4: (bytes, size) => engine.decompress("lz4", bytes, Number(size)),
    zstd: (bytes, size) => engine.decompress("zstd", bytes, Number(size)),
  };
}

/** Those of an MCAP, as @mcap/core reads them: which checks CRCs. */
export function messagesOfMcap(file: Uint8Array, engine: Engine): SourceMessages {
  const reader = new McapStreamReader({ decompressHandlers: decompressHandlers(engine), validateCrcs: true });
  reader.append(file);
  const topics = new Map<number, string>();
  const found: SourceMessages = new Map();
  for (let record = reader.nextRecord(); record; record = reader.nextRecord()) {
    if (record.type === "Channel") topics.set(record.id, record.topic);
    if (record.type === "Message") {
      add(found, topics.get(record.channelId)!, record.logTime, record.data.slice());
    }
  }
  return sorted(found);
}

/** Those of a bag of ROS 1. */
export function messagesOfBag(path: string, engine: Engine): SourceMessages {
  const file = readFileSync(path);
  const flaw = ({ message }: { message: string }) => {
    throw new Error(message);
  };
  const reader = new BagReader({ engine, sizeBytes: file.length, maxRecordBytes: 2 ** 29, flaw });
  const topics = new Map<number, string>();
  const found: SourceMessages = new Map();
  for (const part of [() => reader.read(file), () => reader.finish()]) {
    for (const record of part()) {
      if (record.type === "connection") topics.set(record.id, record.topic);
      if (record.type === "message") {
        add(found, topics.get(record.connection)!, record.timeNs, record.data.slice());
      }
      if (record.type !== "Messages") continue;
      for (let i = 0; i < record.count; i++) {
        add(found, topics.get(record.channels[i])!, record.timeNs(i), record.content(i).slice());
      }
    }
  }
  return sorted(found);
}

/** Those of a db3 of ROS 2. */
export async function messagesOfDb3(path: string): Promise<SourceMessages> {
  const flaw = ({ message }: { message: string }) => {
    throw new Error(message);
  };
  const bytes = new Uint8Array(readFileSync(path));
  const file = {
    sizeBytes: bytes.length,
    read: (offset: number, length: number) => Promise.resolve(bytes.subarray(offset, offset + length)),
  };
  const database = await SqliteFile.open(file, { maxRowBytes: 2 ** 29, flaw, wal: undefined });
  const topics = new Map<unknown, string>();
  for await (const [id, name] of database.rows("topics", ["id", "name"])) topics.set(id, name as string);
  const found: SourceMessages = new Map();
  const columns = ["topic_id", "timestamp", "data"];
  for await (const [id, timestamp, data] of database.rows("messages", columns)) {
    add(found, topics.get(id)!, timestamp as bigint, (data as Uint8Array).slice());
  }
  return sorted(found);
}

function add(found: SourceMessages, topic: string, ns: bigint, bytes: Uint8Array): void {
  const messages = found.get(topic);
  if (messages) messages.push({ ns, bytes });
  else found.set(topic, [{ ns, bytes }]);
}

/** By time; those of one time stay in their order. */
function sorted(found: SourceMessages): SourceMessages {
  for (const messages of found.values()) messages.sort((a, b) => a.ns < b.ns ? -1 : a.ns > b.ns ? 1 : 0);
  return found;
}
