import { describe, expect, it } from "vitest";
import { connect, FrameTransform, Transform } from "../../../mod.ts";
import { poseOf, stampOf, transformsOf, waypointsOf } from "../../../src/viewer/data/spatial.ts";
import { open, valueOf } from "./opened.ts";

const place = { x: 1, y: 2, z: 3 };
const turn = { x: 0, y: 0, z: 0, w: 1 };
const numbers = [1, 2, 3, 0, 0, 0, 1];

describe("Messages", () => {
  it("tell transforms as the ontologies and as ROS have them", () => {
    const ros = {
      header: { frame_id: "/map", stamp: { sec: 2, nanosec: 5 } },
      child_frame_id: "base",
      transform: { translation: place, rotation: turn },
    };
    const own = {
      header: { frame_id: "map", timestamp: { seconds: 2n, nanoseconds: 5 } },
      target_frame_id: "base",
      translation: place,
      rotation: turn,
    };
    const wanted = { frame: "map", child: "base", stampNs: 2_000_000_005n, numbers };
    expect(transformsOf({ transforms: [ros, own, null] })).toEqual([wanted, wanted]);
    expect(transformsOf(ros)).toEqual([wanted]);
    expect(transformsOf({ translation: place, rotation: turn })).toEqual([{ numbers }]);
    expect(transformsOf({ translation: place })).toEqual([]);
    expect(stampOf({ header: { stamp: { sec: 0, nanosec: 0 } } })).toBe(undefined);
  });

  it("tell poses at any depth, and lists of them", () => {
    const pose = { position: place, orientation: turn };
    expect(poseOf(pose)).toEqual({ numbers });
    expect(poseOf({ header: { frame_id: "map" }, pose: { pose } })).toEqual({ frame: "map", numbers });
    expect(poseOf({ pose: { position: place } })).toBe(undefined);
    expect(waypointsOf({ poses: [pose, { pose }] })).toEqual(Float32Array.of(1, 2, 3, 1, 2, 3));
    expect(waypointsOf({})).toBe(undefined);
  });
});

describe("Transforms of a recording", () => {
  it("are all there are of short topics, and what a window needs of long ones", async () => {
    await using library = await connect("memory:");
    const ROWS = 30_000;
    const STEP_NS = 10_000_000n;
    const base = (seconds: number) => ({
      header: { frame_id: "map", timestamp: { seconds, nanoseconds: 0 } },
      target_frame_id: "base",
      translation: { x: seconds, y: 0, z: 0 },
      rotation: turn,
    });
    await library.sequenceCreate("s", {}, async (sequence) => {
      const fixed = await sequence.topicCreate("tf_static", { ontology: FrameTransform });
      const mount = { ...base(0), header: { frame_id: "base" }, target_frame_id: "lidar" };
      await fixed.push({
        timestampNs: 7n,
        data: { transforms: [mount, { ...mount, target_frame_id: undefined }] },
      });
      const tf = await sequence.topicCreate("tf", { ontology: Transform });
      for (let i = 0; i < ROWS; i++) {
        await tf.push({
          timestampNs: BigInt(i) * STEP_NS,
          data: { ...base(0), header: { frame_id: "map" } },
        });
      }
    });
    await using opened = await open(library, "s");
    const window = { fromNs: 100_000_000_000n, toNs: 101_000_000_000n };
    const ask = async (topics: string[]) =>
      valueOf(await opened.client.ask("transforms", 1, { ...window, topics }));
    const fixed = await ask(["tf_static"]);
    expect(fixed).toMatchObject({ frames: ["base", "lidar"], unnamed: 1, isCut: false, errors: [] });
    expect([...fixed.ns, ...fixed.isStatic, ...fixed.numbers]).toEqual([7n, 1, 0, 0, 0, 0, 0, 0, 1]);
    expect(fixed.window).toBe(undefined);

    const moving = await ask(["tf", "none"]);
    expect(moving.window).toEqual(window);
    expect(moving.errors).toMatchObject([{ topic: "none", code: "NOT_FOUND" }]);
    // Ten seconds before it, the one before those, and one second beyond.
    expect([moving.ns[0], moving.ns.at(-1)]).toEqual([90_000_000_000n - STEP_NS, 102_000_000_000n - STEP_NS]);
    expect(moving.ns.length).toBe(1201);
    expect(moving.clockOffsetNs).toBe(0n);
  });

  it("tell how far their clock is from the recording's, where it is another one", async () => {
    await using library = await connect("memory:");
    await library.sequenceCreate("s", {}, async (sequence) => {
      const tf = await sequence.topicCreate("tf", { ontology: Transform });
      const header = { frame_id: "map", timestamp: { seconds: 5, nanoseconds: 0 } };
      const data = { header, target_frame_id: "base", translation: place, rotation: turn };
      await tf.push({ timestampNs: 1_000_000_000_000n, data });
    });
    await using opened = await open(library, "s");
    const request = { fromNs: 0n, toNs: 1n, topics: ["tf"] };
    const answer = valueOf(await opened.client.ask("transforms", 1, request));
    expect([...answer.ns]).toEqual([5_000_000_000n]);
    expect(answer.clockOffsetNs).toBe(995_000_000_000n);
  });
});
