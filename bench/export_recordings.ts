/**
 * What exports are measured on: a drive as a table, and ROS messages, as columns and as the bytes that they came as.
 *
 * @module
 */
import {
  binary,
  bool,
  type Client,
  defineOntology,
  float32,
  float64,
  int64,
  optional,
  type SequenceHandler,
  struct,
  uint16,
  utf8,
} from "../mod.ts";
import { importMcap } from "../src/import/mod.ts";
import { random } from "./data.ts";
import { concat, makeMcap, messages } from "./make_recording.ts";
import { rosTopics } from "./ros_messages.ts";

const START_NS = 1_700_000_000_000_000_000n;
/** At 100 Hz. */
const PERIOD_NS = 10_000_000n;

const Drive = defineOntology("drive", {
  position: struct({ x: float64(), y: float64(), z: float64() }),
  velocity: struct({ x: float32(), y: float32(), z: float32() }),
  heading: float64(),
  speed: float64(),
  satellites: uint16(),
  counter: int64(),
  braking: bool(),
  battery: optional(float32()),
  gear: utf8(),
  driver: utf8(),
});

/** Records `drive`: one topic of 15 columns, with the time; sensors have as many digits as they have. */
export async function recordDrive(client: Client, rows: number): Promise<SequenceHandler> {
  const next = random(15);
  const digits = (value: number, unit: number) => Math.round(value / unit) * unit;
  const place = [0, 0, 0];
  const gears = ["P", "R", "N", "D1", "D2", "D3", "D4"];
  await client.sequenceCreate("drive", {}, async (sequence) => {
    const topic = await sequence.topicCreate("drive", { ontology: Drive });
    for (let i = 0; i < rows; i++) {
      const velocity = [20 * Math.sin(i / 5e3), 20 * Math.cos(i / 5e3), 0.1 * Math.sin(i / 300)]
        .map((value) => value + 0.01 * (next() - 0.5));
      for (let axis = 0; axis < 3; axis++) place[axis] += velocity[axis] / 100;
      const [x, y, z] = velocity;
      const full = topic.push({
        timestampNs: START_NS + BigInt(i) * PERIOD_NS + BigInt(Math.floor(1e5 * next())),
        data: {
          position: { x: digits(place[0], 1e-3), y: digits(place[1], 1e-3), z: digits(place[2], 1e-3) },
          velocity: { x, y, z },
          heading: Math.atan2(y, x),
          speed: Math.hypot(x, y, z),
          satellites: 9 + Math.floor(4 * next()),
          counter: BigInt(i),
          braking: Math.sin(i / 400) > 0.9,
          // It tells of itself once a second.
          ...(i % 100 === 0 && { battery: digits(12 + next(), 1e-2) }),
          gear: gears[Math.floor(i / 700) % gears.length],
          driver: "Ada Lovelace",
        },
      });
      if (full) await full;
    }
  });
  return await client.sequenceHandler("drive");
}

/** Imports ROS messages as `ros`: IMU, transforms, laser scans, images. */
export async function recordRos(client: Client, bytes: number): Promise<SequenceHandler> {
  const parts: Uint8Array[] = [];
  for await (const part of makeMcap(bytes)) parts.push(part);
  await importMcap(client, new Blob([concat(parts) as BlobPart]), { name: "ros" });
  return await client.sequenceHandler("ros");
}

/** A message in CDR. */
export interface ReadyMessage {
  readonly topic: number;
  readonly timeNs: bigint;
  readonly bytes: Uint8Array;
}

/** The first messages of the same, no two at one time: those would be in the order of their topics' names. */
export function readyMessages(count: number): ReadyMessage[] {
  const ready: ReadyMessage[] = [];
  for (const [topic, timeNs, bytes] of messages()) {
    ready.push({ topic, timeNs: timeNs + BigInt(ready.length), bytes: bytes.slice() });
    if (ready.length === count) return ready;
  }
  return ready;
}

const Bytes = defineOntology("bytes", { data: binary() });

/** Records them as `ready`, as an import does that cannot decode them. */
export async function recordReady(client: Client, ready: readonly ReadyMessage[]): Promise<SequenceHandler> {
  await client.sequenceCreate("ready", {}, async (sequence) => {
    const topics = await Promise.all(
      rosTopics().map(({ name, type, definition }) =>
        sequence.topicCreate(name, {
          ontology: Bytes,
          metadata: {
            "mcap.message_encoding": "cdr",
            "mcap.schema_name": type,
            "mcap.schema_encoding": "ros2msg",
            "mcap.schema_data": definition,
          },
        })
      ),
    );
    for (const { topic, timeNs, bytes } of ready) {
      const full = topics[topic].push({ timestampNs: timeNs, data: { data: bytes } });
      if (full) await full;
    }
  });
  return await client.sequenceHandler("ready");
}
