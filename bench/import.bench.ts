/**
 * Decoding to columns against what decodes to objects: messages in memory, and whole files in memory (which smalti also
 * stores, compressed). The files are made by make_recording.ts.
 */
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Bag } from "@foxglove/rosbag";
import { parse } from "@foxglove/rosmsg";
import { MessageReader } from "@foxglove/rosmsg2-serialization";
import { MessageType, ULog } from "@foxglove/ulog";
import { ByteBuffer } from "flatbuffers";
import { Parser, Schema, Table } from "flatbuffers_reflection";
import { readFile } from "node:fs/promises";
import { Client } from "../mod.ts";
import { EmbeddedBackend } from "../src/embedded/embedded_backend.ts";
import {
  type ByteSource,
  importBag,
  type ImportOptions,
  type ImportReport,
  importUlog,
} from "../src/import/mod.ts";
import { readBfbs } from "../src/import/flatbuffer/bfbs.ts";
import { compileFlatbuffer } from "../src/import/flatbuffer/flatbuffer_plan.ts";
import { McapReader } from "../src/import/mcap/mcap_reader.ts";
import type { McapSchema } from "../src/import/mcap/mcap_records.ts";
import { compileProtobuf } from "../src/import/protobuf/protobuf_plan.ts";
import type { CompiledRecords } from "../src/import/records/plan_columns.ts";
import { compileRos } from "../src/import/ros/ros_plan.ts";
import { MemoryStore } from "../src/store/memory.ts";
import { giveBytes, takeBytes } from "../src/util/buffer_pool.ts";
import { type Case, check, compare } from "./compare.ts";
import { loadEngines } from "./engines.ts";
import { concat, makeBag, makeUlog } from "./make_recording.ts";
import { rosTopics } from "./ros_messages.ts";

const START_NS = 1_700_000_000_000_000_000n;
/** Many, since most cases are short. */
const ROUNDS = 10;
/** Over the messages, so that the runtime has optimized both sides. */
const PASSES = 5;
/** Of a file. */
const FILE_BYTES = 16e6;
/** Of a part in which a file comes, as it is read from a disk. */
const PART_BYTES = 1 << 18;

const engines = await loadEngines();

const [imu, tf] = rosTopics().map(({ definition, type, next }) => {
  const definitions = parse(definition, { ros2: true });
  const reader = new MessageReader(definitions);
  const messages = Array.from(
    { length: 2_000 },
    (_, i) => next(START_NS + BigInt(i)).slice(),
  );
  return {
    compiled: compileRos(definitions, type, "cdr"),
    messages,
    read: (bytes: Uint8Array): unknown => reader.readMessage(bytes),
  };
});

await compare([
  ...decoding(
    "cdr, IMU",
    "rosmsg2-serialization",
    imu.messages,
    imu.read,
    imu.compiled,
  ),
  ...decoding(
    "cdr, 10 transforms",
    "rosmsg2-serialization",
    tf.messages,
    tf.read,
    tf.compiled,
  ),
  ...(await protobufCases()),
  ...(await flatbufferCases()),
  ...(await ulogCases()),
  ...(await bagCases("none")),
  ...(await bagCases("lz4")),
], ROUNDS);

/** Messages one by one to objects, and all at once to columns. */
function decoding(
  name: string,
  library: string,
  messages: readonly Uint8Array[],
  read: (bytes: Uint8Array) => unknown,
  { plan }: CompiledRecords,
): Case[] {
  const rival = `${name}/${library}`;
  const count = PASSES * messages.length;
  const chunk = concat(messages);
  const spans = new Int32Array(2 * messages.length);
  messages.reduce((at, { length }, i) => {
    spans[2 * i] = at;
    return spans[2 * i + 1] = at + length;
  }, 0);
  const statuses = new Uint8Array(messages.length);
  return [
    {
      name: rival,
      count,
      run: () => {
        for (let pass = 0; pass < PASSES; pass++) {
          let objects = 0;
          for (const message of messages) if (read(message)) objects++;
          check("objects", objects, messages.length);
        }
      },
    },
    ...engines.map((engine): Case => {
      const decoder = engine.createRecordDecoder(plan);
      return {
        name: `${name}/smalti ${engine.name}`,
        count,
        rival,
        run: () => {
          for (let pass = 0; pass < PASSES; pass++) {
            engine.decodeRecords(chunk, [{ decoder, spans, statuses }]);
            // As imports do: what was written is used again.
            const { rows, buffers } = decoder.take(takeBytes);
            giveBytes(buffers[0]);
            check("rows", rows, messages.length);
            check("a status that is not 0", statuses.find((status) => status !== 0), undefined);
          }
        },
      };
    }),
  ];
}

async function protobufCases(): Promise<Case[]> {
  const { schema, messages } = await messagesOf("protobuf.mcap", "/sample");
  const registry = createFileRegistry(
    fromBinary(FileDescriptorSetSchema, schema.data),
  );
  const type = registry.getMessage(schema.name)!;
  return decoding(
    "protobuf",
    "@bufbuild/protobuf",
    messages,
    (bytes) => fromBinary(type, bytes),
    compileProtobuf(type),
  );
}

async function flatbufferCases(): Promise<Case[]> {
  const { schema, messages } = await messagesOf("flatbuffer.mcap", "/sample");
  const described = Schema.getRootAsSchema(new ByteBuffer(schema.data));
  const parser = new Parser(described);
  const open = (bytes: Uint8Array) => Table.getNamedTable(new ByteBuffer(bytes), described, schema.name);
  const toObject = parser.toObjectLambda(open(messages[0]).typeIndex, true);
  const read = (bytes: Uint8Array) => toObject(open(bytes));
  const compiled = compileFlatbuffer(readBfbs(schema.data), schema.name)!;
  return decoding(
    "flatbuffer",
    "flatbuffers_reflection",
    messages,
    read,
    compiled,
  );
}

/** The messages of a topic of one of the tests' files, ten times over. */
async function messagesOf(
  name: string,
  topic: string,
): Promise<{ schema: McapSchema; messages: Uint8Array[] }> {
  const file = await readFile(
    new URL(`../tests/fixtures/formats/${name}`, import.meta.url),
  );
  const flaw = ({ message }: { message: string }) => {
    throw new Error(message);
  };
  const reader = new McapReader({
    engine: engines[0],
    maxRecordBytes: 1 << 30,
    flaw,
    salvage: false,
  });
  const schemas = new Map<number, McapSchema>();
  const messages: Uint8Array[] = [];
  let [schemaId, channelId] = [-1, -1];
  for (const record of [...reader.read(file), ...reader.finish()]) {
    if (record.type === "Schema") schemas.set(record.id, record);
    if (record.type === "Channel" && record.topic === topic) {
      ({ id: channelId, schemaId } = record);
    }
    if (record.type !== "Messages") continue;
    for (let i = 0; i < record.count; i++) {
      if (record.channels[i] === channelId) messages.push(record.content(i).slice());
    }
  }
  return {
    schema: schemas.get(schemaId)!,
    messages: Array.from({ length: 10 }, () => messages).flat(),
  };
}

async function ulogCases(): Promise<Case[]> {
  const file = concat([...makeUlog(FILE_BYTES)]);
  const read = async () => {
    const log = new ULog(randomAccess(file));
    await log.open();
    let read = 0;
    for await (const message of log.readMessages()) {
      if (message.type === MessageType.Data) read++;
    }
    return read;
  };
  return await fileCases("ULog", "@foxglove/ulog", file, read, importUlog);
}

async function bagCases(compression: "none" | "lz4"): Promise<Case[]> {
  const file = concat([...makeBag(FILE_BYTES, compression)]);
  const lz4 = (bytes: Uint8Array, size: number) => engines.at(-1)!.decompress("lz4", bytes, size);
  const read = async () => {
    const bag = new Bag(randomAccess(file), { decompress: { lz4 } });
    await bag.open();
    let read = 0;
    for await (const { message } of bag.messageIterator()) if (message) read++;
    return read;
  };
  return await fileCases(`bag, ${compression}`, "@foxglove/rosbag", file, read, importBag);
}

/** Whole files: to objects, to columns, and into a store in memory. */
async function fileCases(
  name: string,
  library: string,
  file: Uint8Array,
  read: () => Promise<number>,
  importFile: (client: Client, source: ByteSource, options: ImportOptions) => Promise<ImportReport>,
): Promise<Case[]> {
  const count = await read();
  const rival = `${name}/${library}`;
  const importing = (what: string, dryRun: boolean) =>
    engines.map((engine): Case => ({
      name: `${name}/smalti ${engine.name}, ${what}`,
      count,
      rival,
      run: async () => {
        await using client = new Client(new EmbeddedBackend(new MemoryStore(), engine));
        const { messageCount, topics } = await importFile(client, source(file), { name: "made", dryRun });
        check("messages", messageCount, count);
        check("misfits", topics.find(({ misfitCount }) => misfitCount > 0), undefined);
      },
    }));
  return [
    { name: rival, count, run: async () => check("messages", await read(), count) },
    ...importing("to columns", true),
    ...importing("into a store", false),
  ];
}

function source(file: Uint8Array): ByteSource {
  const chunks = {
    async *[Symbol.asyncIterator]() {
      for (let at = 0; at < file.length; at += PART_BYTES) {
        yield file.subarray(at, at + PART_BYTES);
      }
    },
  };
  return { chunks, sizeBytes: file.length, isRepeatable: true };
}

/** The same as rivals take it; what is read is a copy, as of a disk. */
function randomAccess(file: Uint8Array) {
  return {
    open: () => Promise.resolve(file.length),
    size: () => file.length,
    read: (offset: number, length: number) => Promise.resolve(file.slice(offset, offset + length)),
  };
}
