/**
 * `deno run -A bench/make_recording.ts mcap|bag|db3|ulg PATH [MB]`: a seeded recording of ROS messages (of PX4's for ulg),
 * for measuring imports of whole files.
 *
 * @module
 */
import { McapWriter } from "@mcap/core";
import { DatabaseSync } from "node:sqlite";
import { loadEngines } from "./engines.ts";
import { random } from "./data.ts";
import { type RosTopic, rosTopics } from "./ros_messages.ts";

/** Files of each format, in parts; of so many bytes, about. */
const MAKERS = { mcap: makeMcap, bag: makeBag, ulg: makeUlog };

const [, engine] = await loadEngines();

/** Bags beyond this size have no index: they are not held. */
const MAX_INDEXED_BYTES = 1e8;

/** The messages in the order of their times, until told to stop. */
export function* messages(): Generator<
  [topic: number, timeNs: bigint, bytes: Uint8Array]
> {
  const topics = rosTopics();
  const due = topics.map(({ weight }) => 1 / weight);
  for (;;) {
    const next = due.indexOf(Math.min(...due));
    const timeNs = 1_700_000_000_000_000_000n +
      BigInt(Math.round(due[next] * 1e9));
    due[next] += 1 / topics[next].weight;
    yield [next, timeNs, topics[next].next(timeNs)];
  }
}

/** LZ4 in chunks of 1 MiB. */
export async function* makeMcap(bytes: number): AsyncGenerator<Uint8Array> {
  let written = 0;
  let parts: Uint8Array[] = [];
  const writer = new McapWriter({
    writable: {
      position: () => BigInt(written),
      write: (part) => {
        parts.push(part.slice());
        written += part.length;
        return Promise.resolve();
      },
    },
    chunkSize: 1 << 20,
    compressChunk: (raw) => {
      const packed = engine.compress(raw)?.slice();
      return {
        compression: packed ? "lz4" : "",
        compressedData: packed ?? raw,
      };
    },
  });
  await writer.start({ profile: "ros2", library: "" });
  const ids: number[] = [];
  for (const { name, type, definition } of rosTopics()) {
    const data = new TextEncoder().encode(definition);
    const schemaId = await writer.registerSchema({
      name: type,
      encoding: "ros2msg",
      data,
    });
    ids.push(
      await writer.registerChannel({
        topic: name,
        messageEncoding: "cdr",
        schemaId,
        metadata: new Map(),
      }),
    );
  }
  let sequence = 0;
  for (const [topic, logTime, data] of messages()) {
    await writer.addMessage({
      channelId: ids[topic],
      sequence: sequence++,
      logTime,
      publishTime: logTime,
      data,
    });
    yield* parts;
    parts = [];
    if (written > bytes) break;
  }
  await writer.end();
  yield* parts;
}

function writeDb3(path: string, bytesWanted: number): void {
  const database = new DatabaseSync(path);
  database.exec(`PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;
    CREATE TABLE topics(id INTEGER PRIMARY KEY,name TEXT NOT NULL,type TEXT NOT NULL,serialization_format TEXT NOT NULL,offered_qos_profiles TEXT NOT NULL);
    CREATE TABLE messages(id INTEGER PRIMARY KEY,topic_id INTEGER NOT NULL,timestamp INTEGER NOT NULL, data BLOB NOT NULL);
    CREATE INDEX timestamp_idx ON messages (timestamp ASC); BEGIN`);
  rosTopics().forEach(({ name, type }, i) =>
    database.prepare("INSERT INTO topics VALUES(?,?,?,'cdr','')").run(
      i + 1,
      name,
      type,
    )
  );
  const insert = database.prepare(
    "INSERT INTO messages(topic_id,timestamp,data) VALUES(?,?,?)",
  );
  let bytes = 0;
  for (const [topic, timeNs, data] of messages()) {
    insert.run(topic + 1, timeNs, data);
    bytes += data.length + 40;
    if (bytes > bytesWanted) break;
  }
  database.exec("COMMIT");
  database.close();
}

/** A bag's record: fields of its header, and data. */
function bagRecord(
  fields: Record<string, Uint8Array | string | number>,
  data: Uint8Array,
): Uint8Array {
  const parts = Object.entries(fields).map(([name, value]) => {
    const bytes = typeof value === "string"
      ? new TextEncoder().encode(value)
      : typeof value === "number"
      ? name === "op" ? Uint8Array.of(value) : uint32(value)
      : value;
    return concat([
      uint32(name.length + 1 + bytes.length),
      new TextEncoder().encode(`${name}=`),
      bytes,
    ]);
  });
  const header = concat(parts);
  return concat([uint32(header.length), header, uint32(data.length), data]);
}

/** ROS 1 has the same fields without alignment, and a sequence number. */
export function* makeBag(bytes: number, compression: "none" | "lz4" = "lz4"): Generator<Uint8Array> {
  const topics = rosTopics();
  const ros1 = topics.map(toRos1);
  const connections = topics.map(({ name, type }, i) => {
    const facts = {
      topic: name,
      type: type.replace("/msg/", "/"),
      md5sum: "0".repeat(32),
      message_definition: ros1[i].definition,
    };
    const fields = Object.entries(facts).map(([key, value]) => {
      const field = new TextEncoder().encode(`${key}=${value}`);
      return concat([uint32(field.length), field]);
    });
    return bagRecord({ op: 7, conn: i, topic: name }, concat(fields));
  });
  const head = (indexPos: number, chunks: number) =>
    concat([
      new TextEncoder().encode("#ROSBAG V2.0\n"),
      bagRecord(
        {
          op: 3,
          index_pos: uint64(indexPos),
          conn_count: topics.length,
          chunk_count: chunks,
        },
        new Uint8Array(4027).fill(32),
      ),
    ]);
  let written = head(0, 0).length;
  const infos: Uint8Array[] = [];
  const parts: Uint8Array[] = [];
  let chunk = [...connections];
  let size = connections.reduce((sum, { length }) => sum + length, 0);
  let index: [time: Uint8Array, offset: number][][] = topics.map(() => []);
  for (const [topic, timeNs, data] of messages()) {
    const time = concat([
      uint32(Number(timeNs / 1_000_000_000n)),
      uint32(Number(timeNs % 1_000_000_000n)),
    ]);
    const record = bagRecord(
      { op: 2, conn: topic, time },
      ros1[topic].convert(data),
    );
    index[topic].push([time, size]);
    chunk.push(record);
    size += record.length;
    if (size < 768 * 1024) continue;
    const raw = concat(chunk);
    const packed = compression === "lz4" ? engine.compress(raw)?.slice() : undefined;
    const times = index.flat().map(([time]) => time);
    const kept = index.flatMap((entries, conn) => entries.length > 0 ? [{ conn, entries }] : []);
    infos.push(bagRecord(
      {
        op: 6,
        ver: 1,
        chunk_pos: uint64(written),
        start_time: least(times),
        end_time: time,
        count: kept.length,
      },
      concat(
        kept.map(({ conn, entries }) => concat([uint32(conn), uint32(entries.length)])),
      ),
    ));
    const part = concat([
      bagRecord({
        op: 5,
        compression: packed ? "lz4" : "none",
        size: raw.length,
      }, packed ?? raw),
      ...kept.map(({ conn, entries }) =>
        bagRecord(
          { op: 4, ver: 1, conn, count: entries.length },
          concat(
            entries.map(([time, offset]) => concat([time, uint32(offset)])),
          ),
        )
      ),
    ]);
    written += part.length;
    // What is too large to be held has no index, as of a writer that was stopped.
    if (bytes > MAX_INDEXED_BYTES) {
      if (infos.length === 1) yield head(0, 0);
      yield part;
    } else parts.push(part);
    chunk = [];
    size = 0;
    index = topics.map(() => []);
    if (written > bytes) break;
  }
  if (bytes <= MAX_INDEXED_BYTES) {
    yield* [head(written, infos.length), ...parts, ...connections, ...infos];
  }
}

/** The first of times in order of topics. */
function least(times: readonly Uint8Array[]): Uint8Array {
  const value = (time: Uint8Array) => {
    const view = new DataView(time.buffer);
    return view.getUint32(0, true) * 1e9 + view.getUint32(4, true);
  };
  return times.reduce((a, b) => value(a) <= value(b) ? a : b);
}

/** The message of ROS 1 that has what one in CDR has. */
function toRos1(
  { type, definition }: RosTopic,
): { definition: string; convert: (cdr: Uint8Array) => Uint8Array } {
  const text = definition
    .replaceAll("builtin_interfaces/Time", "time")
    .replace(/(MSG: std_msgs\/Header\n)/, "$1uint32 seq\n")
    .replace(/=+\nMSG: time\n[^=]*/, "")
    .replace(/^(float64 \w) \d$/gm, "$1");
  const sequence = new Uint8Array(4);
  if (type.endsWith("TFMessage")) {
    return {
      definition: text,
      convert: (cdr) =>
        concat([
          cdr.subarray(4, 8),
          ...Array.from({ length: 10 }, (_, i) => {
            const numbers = 44 + 96 * i;
            return [
              sequence,
              i === 0 ? cdr.subarray(8, 16) : cdr.subarray(100 + 96 * (i - 1), 108 + 96 * (i - 1)),
              rosText("base_link"),
              rosText(`frame_${i}`),
              cdr.subarray(numbers, numbers + 56),
            ];
          }).flat(),
        ]),
    };
  }
  const rest: Record<string, (cdr: Uint8Array) => Uint8Array[]> = {
    Imu: (cdr) => [cdr.subarray(28)],
    LaserScan: (cdr) => [cdr.subarray(28)],
    Image: (cdr) => [
      cdr.subarray(28, 36),
      rosText("rgb8"),
      cdr.subarray(45, 46),
      cdr.subarray(48),
    ],
  };
  const after = rest[type.split("/")[2]];
  return {
    definition: text,
    convert: (cdr) =>
      concat([
        sequence,
        cdr.subarray(4, 12),
        rosText("base_link"),
        ...after(cdr),
      ]),
  };
}

function rosText(text: string): Uint8Array {
  return concat([uint32(text.length), new TextEncoder().encode(text)]);
}

/** PX4's log of an IMU at 1,000 Hz, an attitude at 250 Hz and outputs at 50 Hz. */
export function* makeUlog(bytes: number): Generator<Uint8Array> {
  const formats = [
    "sensor_combined:uint64_t timestamp;float[3] gyro_rad;uint32_t gyro_integral_dt;int32_t accelerometer_timestamp_relative;float[3] accelerometer_m_s2;uint32_t accelerometer_integral_dt;uint8_t accelerometer_clipping;uint8_t[3] _padding0;",
    "vehicle_attitude:uint64_t timestamp;uint64_t timestamp_sample;float[4] q;float[4] delta_q_reset;uint8_t quat_reset_counter;uint8_t[7] _padding0;",
    "actuator_outputs:uint64_t timestamp;uint32_t noutputs;float[16] output;uint8_t[4] _padding0;",
  ];
  const sizes = [45, 49, 76];
  const head = concat([
    Uint8Array.of(0x55, 0x4c, 0x6f, 0x67, 1, 0x12, 0x35, 1),
    new Uint8Array(8),
  ]);
  const record = (letter: string, content: Uint8Array) =>
    concat([
      Uint8Array.of(
        content.length & 255,
        content.length >> 8,
        letter.charCodeAt(0),
      ),
      content,
    ]);
  yield concat([
    head,
    record("B", new Uint8Array(40)),
    ...formats.map((format) => record("F", new TextEncoder().encode(format))),
    ...formats.map((format, i) =>
      record(
        "A",
        concat([
          Uint8Array.of(0, i, 0),
          new TextEncoder().encode(format.split(":")[0]),
        ]),
      )
    ),
  ]);
  let written = 0;
  const next = random(5);
  const buffer = new Uint8Array(1 << 20);
  const view = new DataView(buffer.buffer);
  let at = 0;
  for (let us = 1000; written < bytes; us += 1000) {
    for (let i = 0; i < 3; i++) {
      if (i === 1 && us % 4000 !== 0 || i === 2 && us % 20000 !== 0) continue;
      const size = sizes[i];
      view.setUint16(at, size + 2, true);
      buffer[at + 2] = "D".charCodeAt(0);
      view.setUint16(at + 3, i, true);
      view.setBigUint64(at + 5, BigInt(us), true);
      for (let k = 13; k + 4 <= size + 5; k += 4) {
        view.setFloat32(at + k, next() - 0.5, true);
      }
      at += size + 5;
    }
    if (at < buffer.length - 1000) continue;
    yield buffer.slice(0, at);
    written += at;
    at = 0;
  }
}

function uint64(value: number): Uint8Array {
  return new Uint8Array(BigUint64Array.of(BigInt(value)).buffer);
}

function uint32(value: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(value).buffer);
}

/** Parts one after another. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(
    parts.reduce((sum, part) => sum + part.length, 0),
  );
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

if (import.meta.main) {
  const [kind, path, megabytes = "1000"] = Deno.args;
  const bytes = Number(megabytes) * 1e6;
  if (kind === "db3") writeDb3(path, bytes);
  else {
    const file = await Deno.open(path, {
      write: true,
      create: true,
      truncate: true,
    });
    for await (const part of MAKERS[kind as keyof typeof MAKERS](bytes)) {
      for (let at = 0; at < part.length;) {
        at += await file.write(part.subarray(at));
      }
    }
  }
}
