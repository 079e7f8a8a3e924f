import type { McapTypes } from "@mcap/core";
import { MessageReader } from "@foxglove/rosmsg2-serialization";
import { describe, expect, it } from "vitest";
import { connect, GPS, IMU, Pose } from "../../mod.ts";
import { ROS_MESSAGES } from "../../src/export/messages/ros_messages.ts";
import { importMcap } from "../../src/import/mcap/import_mcap.ts";
import { openFile } from "../../src/import/open_file.ts";
import { parseRos } from "../../src/import/ros/ros_decoders.ts";
import { Image, ROI } from "../../src/ontology/builtin/vision.ts";
import type { AnyOntology } from "./ontology_samples.ts";
import { all, exported, path, readerOf, textOf } from "./mcap_exports.ts";

describe("the built-in classes", () => {
  it("become the types of ROS that they came from, and come in again equal", async () => {
    await using client = await connect("memory:");
    const ontology = ["*"];
    await importMcap(client, await openFile(path("every_type.mcap")), { name: "s", ontology });
    const handler = await client.sequenceHandler("s");
    const reader = await readerOf(await exported(handler), handler.engine);
    const typeOf = (topics: ReadonlyMap<number, McapTypes.TypedMcapRecords["Channel"]>) =>
      new Map([...topics.values()].map(({ topic, schemaId, messageEncoding }) => {
        return [topic, [messageEncoding, reader.schemasById.get(schemaId)?.name]];
      }));
    const types = typeOf(reader.channelsById);
    await importMcap(client, new Blob([await exported(handler)]), { name: "again", ontology });
    let compared = 0;
    for (const { name, ontologyTag, metadata } of handler.topics) {
      const source = metadata["mcap.schema_name"];
      if (!ROS_MESSAGES.has(String(source).replace("/msg/", "/"))) continue;
      expect([name, types.get(String(metadata["mcap.topic"]))]).toEqual([name, ["cdr", source]]);
      const messagesOf = async (sequence: string) =>
        (await all((await client.topicHandler(sequence, name)).getDataStreamer())).map((message) => {
          const { timestamp_ns, data } = message.toJSON();
          const made: Record<string, unknown> = { timestamp_ns, ...withoutCounters(data) as object };
          return made;
        });
      const [before, after] = [await messagesOf("s"), await messagesOf("again")];
      expect(after.length).toBe(before.length);
      if (ontologyTag !== "Temperature") expect(after).toEqual(before);
      // Degrees Celsius there, kelvin here.
      else after.forEach((message, i) => expect(message.value).toBeCloseTo(before[i].value as number, 10));
      compared += before.length;
    }
    expect(compared).toBeGreaterThan(180);
  });

  it("are of a type with a header, with a covariance where there is one", async () => {
    await using client = await connect("memory:");
    const position = { x: 1, y: 2, z: 3 };
    const orientation = { x: 0, y: 0, z: 0, w: 1 };
    const covariance = Float64Array.from({ length: 36 }, (_, i) => i);
    const header = { timestamp: { seconds: 7, nanoseconds: 8 }, frame_id: "map" };
    await client.sequenceCreate("s", {}, async (sequence) => {
      const bare = await sequence.topicCreate("bare", { ontology: Pose });
      await bare.push({ timestampNs: 1n, data: { position, orientation } });
      const whole = await sequence.topicCreate("whole", { ontology: Pose });
      await whole.push({ timestampNs: 1n, data: { header, position, orientation, covariance } });
      const imu = await sequence.topicCreate("imu", { ontology: IMU });
      await imu.push({ timestampNs: 1n, data: { acceleration: position, angular_velocity: position } });
      const image = await sequence.topicCreate("image", { ontology: Image });
      const picture = {
        data: Uint8Array.of(1, 2),
        format: "png",
        width: 1,
        height: 1,
        stride: 2,
        encoding: "mono8",
      };
      await image.push({ timestampNs: 1n, data: picture });
    });
    const handler = await client.sequenceHandler("s");
    const reader = await readerOf(await exported(handler), handler.engine);
    const read = new Map<string, [type: string, value: unknown]>();
    for await (const { channelId, data } of reader.readMessages()) {
      const { topic, schemaId } = reader.channelsById.get(channelId)!;
      const schema = reader.schemasById.get(schemaId)!;
      const definition = await parseRos("ros2msg", textOf(schema.data));
      // Another's reader, by the definition that goes with the messages.
      read.set(topic, [
        schema.name,
        new MessageReader(definition as ConstructorParameters<typeof MessageReader>[0]).readMessage(data),
      ]);
    }
    const zero = { stamp: { sec: 0, nanosec: 0 }, frame_id: "" };
    expect(Object.fromEntries(read)).toEqual({
      "/bare": ["geometry_msgs/msg/PoseStamped", { header: zero, pose: { position, orientation } }],
      "/whole": ["geometry_msgs/msg/PoseWithCovarianceStamped", {
        header: { stamp: { sec: 7, nanosec: 8 }, frame_id: "map" },
        pose: { pose: { position, orientation }, covariance },
      }],
      "/imu": ["sensor_msgs/msg/Imu", {
        header: zero,
        orientation: { x: 0, y: 0, z: 0, w: 0 },
        orientation_covariance: Float64Array.of(-1, 0, 0, 0, 0, 0, 0, 0, 0),
        angular_velocity: position,
        angular_velocity_covariance: new Float64Array(9),
        linear_acceleration: position,
        linear_acceleration_covariance: new Float64Array(9),
      }],
      "/image": ["sensor_msgs/msg/CompressedImage", {
        header: zero,
        format: "png",
        data: Uint8Array.of(1, 2),
      }],
    });
  });
});

it("refuses pictures that are raw among those that are not", async () => {
  await using client = await connect("memory:");
  await client.sequenceCreate("s", {}, async (sequence) => {
    const image = await sequence.topicCreate("image", { ontology: Image });
    const picture = { data: Uint8Array.of(1), width: 1, height: 1, stride: 1, encoding: "mono8" };
    await image.push({ timestampNs: 1n, data: { ...picture, format: "raw" } });
    await image.push({ timestampNs: 2n, data: { ...picture, format: "png" } });
  });
  const failed = exported(await client.sequenceHandler("s"));
  await expect(failed).rejects.toMatchObject({ code: "UNSUPPORTED", details: { topic: "image" } });
  await expect(failed).rejects.toThrow('an image in format "png"');
});

describe("what a type of ROS has no room for", () => {
  const pose = { position: { x: 1, y: 2, z: 3 }, orientation: { x: 0, y: 0, z: 0, w: 1 } };
  it.each<[name: string, ontology: AnyOntology, data: object, text: string]>([
    [
      "a covariance of another size",
      Pose,
      { ...pose, covariance: Float64Array.of(1, 2, 3) },
      'field "pose.covariance" of ROS: it has 3 items; wanted 36, or none',
    ],
    [
      "a part of a pixel",
      ROI,
      { offset: { x: 1.5, y: 0 }, width: 1, height: 1 },
      'field "x_offset" of ROS: it is 1.5; wanted uint32, 0 to 4294967295',
    ],
    [
      "a number that is none, for an integer",
      ROI,
      { offset: { x: 1, y: NaN }, width: 1, height: 1 },
      'field "y_offset" of ROS: it is NaN',
    ],
    [
      "an integer that is too large",
      GPS,
      { position: { x: 1, y: 2, z: 3, covariance_type: 256 } },
      'field "position_covariance_type" of ROS: it is 256; wanted uint8, 0 to 255',
    ],
  ])("is refused by topic and field: %s", async (_name, ontology, data, text) => {
    await using client = await connect("memory:");
    await client.sequenceCreate("s", {}, async (sequence) => {
      const topic = await sequence.topicCreate("t", { ontology });
      await topic.push({ timestampNs: 1n, data });
    });
    const failed = exported(await client.sequenceHandler("s"));
    await expect(failed).rejects.toMatchObject({
      code: "UNSUPPORTED",
      details: { sequence: "s", topic: "t" },
    });
    await expect(failed).rejects.toThrow(`Cannot write ${text}`);
  });
});

/** ROS 2 counts no samples. */
function withoutCounters(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutCounters);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([key]) => key !== "sample_counter");
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutCounters(inner)]));
}
