import { describe, expect, it } from "vitest";
import {
  binary,
  type Client,
  CompressedImage,
  connect,
  defineOntology,
  float64,
  LaserScan,
  Lidar,
  ontology,
  PointCloud2,
  struct,
  utf8,
} from "../../../mod.ts";
import { imageFromPixels } from "../../../src/image/mod.ts";
import type { AtAnswer, TopicWish } from "../../../src/viewer/data/protocol.ts";
import { Recording } from "../../../src/viewer/data/recording.ts";
import { framesUpTo } from "../../../src/viewer/data/video.ts";
// @ts-ignore: a program of a page's
import { frames } from "../../packaging/video_frames.mjs";
import { open, valueOf } from "./opened.ts";

async function at(
  library: Client,
  ns: bigint,
  wishes: readonly TopicWish[],
): Promise<readonly AtAnswer[]> {
  await using opened = await open(library, "s");
  return valueOf(await opened.client.ask("at", 1, { ns, wishes }));
}

describe("Pictures", () => {
  it("are pixels, or the file's bytes where this runtime decodes none, and errors where they are none", async () => {
    await using library = await connect("memory:");
    const jpeg = Uint8Array.of(0xff, 0xd8, 0xff, 1, 2, 3);
    await library.sequenceCreate("s", {}, async (sequence) => {
      const raw = await sequence.topicCreate("raw", {
        ontology: ontology.Image,
      });
      const data = Uint8Array.of(1, 2, 3, 40, 50, 60);
      await raw.push({
        timestampNs: 5n,
        data: imageFromPixels({ width: 2, height: 1, encoding: "bgr8", data }),
      });
      // As ROS tells formats.
      const File = defineOntology("sensor_msgs/msg/CompressedImage", {
        format: utf8(),
        data: binary(),
      });
      const file = await sequence.topicCreate("file", { ontology: File });
      await file.push({
        timestampNs: 6n,
        data: { data: jpeg, format: "rgb8; jpeg compressed bgr8" },
      });
      const none = await sequence.topicCreate("none", {
        ontology: defineOntology("N", { x: float64() }),
      });
      await none.push({ timestampNs: 6n, data: { x: 1 } });
    });
    const wishes = ["raw", "file", "none"].map((topic) => ({
      topic,
      as: "picture" as const,
    }));
    const [raw, file, none] = await at(library, 10n, wishes);
    expect(raw.content).toEqual({
      kind: "picture",
      format: "rgba",
      width: 2,
      height: 1,
      bytes: Uint8Array.of(3, 2, 1, 255, 60, 50, 40, 255),
    });
    expect(file).toMatchObject({
      timestampNs: 6n,
      content: { format: "jpeg", bytes: jpeg },
    });
    expect(none.content).toMatchObject({
      kind: "error",
      error: { code: "UNSUPPORTED" },
    });
    expect((await at(library, 4n, wishes)).map(({ content }) => content))
      .toEqual([
        undefined,
        undefined,
        undefined,
      ]);
  });

  it("of a video begin with the key frame before", async () => {
    await using library = await connect("memory:");
    await library.sequenceCreate("s", {}, async (sequence) => {
      const topic = await sequence.topicCreate("camera", {
        ontology: CompressedImage,
      });
      for (const [i, data] of frames.entries()) {
        await topic.push({ timestampNs: BigInt(i), data });
      }
      const lost = await sequence.topicCreate("lost", {
        ontology: CompressedImage,
      });
      await lost.push({ timestampNs: 0n, data: frames[1] });
    });
    const recording = await Recording.open(library, {
      url: "test/s",
      name: "s",
      follow: false,
    });
    const { signal } = new AbortController();
    for (const [ns, first] of [[0, 0], [3, 0], [4, 0], [5, 5], [7, 5]]) {
      const found = await framesUpTo(recording, "camera", BigInt(ns), signal);
      expect(found).toEqual(frames.slice(first, ns + 1));
    }
    await expect(framesUpTo(recording, "lost", 9n, signal)).rejects.toThrow(
      /no key frame among the 1 frames/,
    );
    const [answer] = await at(library, 7n, [{
      topic: "camera",
      as: "picture",
    }]);
    // No test runtime has WebCodecs.
    expect(answer.content).toMatchObject({
      kind: "picture",
      format: "h264",
      bytes: frames[7].data,
    });
  });
});

describe("Clouds", () => {
  it("are the points that are whole, of every kind of message that has some", async () => {
    await using library = await connect("memory:");
    const packed = new DataView(new ArrayBuffer(40));
    for (const [i, point] of [[1, 2, 3, 9], [4, NaN, 6, 8]].entries()) {
      for (const [axis, value] of point.entries()) {
        packed.setFloat32(20 * i + 4 * axis, value, true);
      }
    }
    const fields = ["x", "y", "z", "intensity"].map((name, i) => ({
      name,
      offset: 4 * i,
      datatype: 7,
      count: 1,
    }));
    const cloud = {
      height: 1,
      width: 2,
      fields,
      is_bigendian: false,
      point_step: 20,
      row_step: 40,
      data: new Uint8Array(packed.buffer),
      is_dense: false,
    };
    const scan = {
      angle_min: 0,
      angle_max: Math.PI / 2,
      angle_increment: Math.PI / 2,
      time_increment: 0,
      scan_time: 0,
      range_min: 1,
      range_max: 5,
      ranges: Float32Array.of(2, 3, 9),
    };
    const lidar = {
      x: Float32Array.of(1, 2),
      y: Float32Array.of(3, 4),
      z: Float32Array.of(5, Infinity),
    };
    await library.sequenceCreate("s", {}, async (sequence) => {
      const clouds = await sequence.topicCreate("cloud", {
        ontology: PointCloud2,
      });
      await clouds.push({ timestampNs: 1n, data: cloud });
      // Tells of more points than it has bytes for.
      await clouds.push({
        timestampNs: 2n,
        data: { ...cloud, width: 1_000_000 },
      });
      await clouds.push({ timestampNs: 3n, data: { ...cloud, point_step: 8 } });
      const scans = await sequence.topicCreate("scan", { ontology: LaserScan });
      await scans.push({ timestampNs: 1n, data: scan });
      const lidars = await sequence.topicCreate("lidar", { ontology: Lidar });
      await lidars.push({
        timestampNs: 1n,
        data: { ...lidar, intensity: Float32Array.of(7, 8) },
      });
    });
    const wishes = ["cloud", "scan", "lidar"].map((topic) => ({
      topic,
      as: "cloud" as const,
    }));
    const [packedCloud, swept, listed] = (await at(library, 1n, wishes)).map((
      { content },
    ) => content);
    const intensity = { kind: "cloud", valueName: "intensity" };
    expect(packedCloud).toEqual({
      ...intensity,
      points: Float32Array.of(1, 2, 3),
      values: Float32Array.of(9),
    });
    expect(listed).toEqual({
      ...intensity,
      points: Float32Array.of(1, 3, 5),
      values: Float32Array.of(7),
    });
    if (swept?.kind !== "cloud") throw new Error("wanted a cloud");
    expect([...swept.points].map((value) => Math.round(value * 1e5) / 1e5 + 0))
      .toEqual([2, 0, 0, 0, 3, 0]);
    for (const ns of [2n, 3n]) {
      const [{ content }] = await at(library, ns, wishes);
      expect(content).toMatchObject({
        kind: "error",
        error: { code: "CORRUPT" },
      });
    }
  });
});

describe("Values", () => {
  it("are the fields that were asked for, at a moment and while it plays alike", async () => {
    await using library = await connect("memory:");
    const Nested = defineOntology("Nested", {
      a: struct({ x: float64(), y: float64() }),
      b: float64(),
    });
    await library.sequenceCreate("s", {}, async (sequence) => {
      const topic = await sequence.topicCreate("t", { ontology: Nested });
      for (let i = 0; i < 3; i++) {
        await topic.push({
          timestampNs: BigInt(i),
          data: { a: { x: i, y: 2 }, b: 3 },
        });
      }
    });
    await using opened = await open(library, "s");
    const wishes = [{ topic: "t", fields: ["a.x"] }];
    const seen: unknown[] = [];
    let arrived = () => {};
    const first = new Promise<void>((resolve) => arrived = resolve);
    const playback = opened.client.play(
      1,
      { fromNs: 0n, speed: 1, wishes },
      ({ changes: [{ content }] }) => {
        seen.push(content);
        arrived();
      },
    );
    await first;
    playback.tick(2n);
    await playback.ended;
    const values = (x: number) => ({ kind: "values", data: { a: { x } } });
    expect(seen).toEqual([values(0), values(2)]);
  });
});
