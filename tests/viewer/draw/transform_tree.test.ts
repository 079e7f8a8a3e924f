import { describe, expect, it } from "vitest";
import { type FrameSample, poseMatrix, TransformTree } from "../../../src/viewer/draw/transform_tree.ts";

type Numbers = [number, number, number, number, number, number, number];

/** A place, and a turn about z in degrees. */
function at(x: number, y: number, z: number, yaw = 0): Numbers {
  const half = yaw * Math.PI / 360;
  return [x, y, z, 0, 0, Math.sin(half), Math.cos(half)];
}

function treeOf(...samples: [parent: string, child: string, ns: number | "static", numbers: Numbers][]) {
  const tree = new TransformTree();
  const taken = samples.map(([parent, child, ns, numbers]) => tree.add(sampleOf(parent, child, ns, numbers)));
  return { tree, taken };
}

function sampleOf(parent: string, child: string, ns: number | "static", numbers: Numbers): FrameSample {
  return { parent, child, ns: BigInt(ns === "static" ? 0 : ns), isStatic: ns === "static", numbers };
}

/** Where a point of a frame is in another, to the micrometre; or why not. */
function point(tree: TransformTree, from: string, to: string, ns: number, xyz: [number, number, number]) {
  const { matrix, reason } = tree.lookup(from, to, BigInt(ns));
  return matrix ? applied(matrix, xyz) : reason;
}

/** A point that a matrix, column by column, is applied to. */
function applied({ elements: m }: { elements: ArrayLike<number> }, [x, y, z]: readonly number[]): number[] {
  return [0, 1, 2].map((row) => micro(m[row] * x + m[row + 4] * y + m[row + 8] * z + m[row + 12]));
}

function micro(value: number): number {
  return Math.round(value * 1e6) / 1e6 + 0;
}

describe("Frames", () => {
  it("are looked up upwards, downwards and across", () => {
    const { tree } = treeOf(
      ["map", "base", 0, at(10, 0, 0, 90)],
      ["base", "lidar", "static", at(1, 0, 2)],
      ["base", "camera", "static", at(0, 1, 0, -90)],
    );
    expect(tree.frames).toEqual(["base", "camera", "lidar", "map"]);
    expect(point(tree, "lidar", "base", 5, [1, 0, 0])).toEqual([2, 0, 2]);
    expect(point(tree, "lidar", "map", 5, [1, 0, 0])).toEqual([10, 2, 2]);
    expect(point(tree, "map", "lidar", 5, [10, 2, 2])).toEqual([1, 0, 0]);
    // In base it is at 2, 0, 2; the camera is at 0, 1, 0 and looks to the right.
    expect(point(tree, "lidar", "camera", 5, [1, 0, 0])).toEqual([1, 2, 2]);
    expect(point(tree, "nowhere", "nowhere", 5, [1, 2, 3])).toEqual([1, 2, 3]);
    expect(tree.rootOf("lidar", 5n)).toBe("map");
    expect(tree.rootOf("nowhere", 5n)).toBe("nowhere");
    expect([tree.parentAt("lidar", 5n), tree.parentAt("map", 5n)]).toEqual(["base", undefined]);
  });

  it("are interpolated between two transforms, and hold before the first and after the last", () => {
    const { tree } = treeOf(
      ["map", "base", 200, at(4, 0, 0, 90)],
      ["map", "base", 100, at(0, 0, 0, 0)],
    );
    const half = Math.SQRT1_2;
    expect(point(tree, "base", "map", 150, [1, 0, 0])).toEqual(
      [2 + half, half, 0].map(micro),
    );
    expect(point(tree, "base", "map", 175, [0, 0, 0])).toEqual([3, 0, 0]);
    expect(point(tree, "base", "map", 0, [1, 0, 0])).toEqual([1, 0, 0]);
    expect(point(tree, "base", "map", 1000, [1, 0, 0])).toEqual([4, 1, 0]);
  });

  it("turn along the shorter way, whatever the sign of a quaternion", () => {
    const turned = at(0, 0, 0, 90).map((value, i) => i < 3 ? value : -value) as Numbers;
    const { tree } = treeOf(["map", "base", 0, at(0, 0, 0, 0)], ["map", "base", 2, turned]);
    const half = micro(Math.SQRT1_2);
    expect(point(tree, "base", "map", 1, [1, 0, 0])).toEqual([half, half, 0]);
  });

  it("are exact where moments are of this century, a few nanoseconds apart", () => {
    const start = 1_700_000_000_000_000_000n;
    const tree = new TransformTree();
    for (const [ns, x] of [[start, 0], [start + 8n, 8]] as const) {
      tree.add({ parent: "map", child: "base", ns, isStatic: false, numbers: at(x, 0, 0) });
    }
    const { matrix } = tree.lookup("base", "map", start + 3n);
    expect(applied(matrix!, [0, 0, 0])).toEqual([3, 0, 0]);
  });

  it("hang where they hung until they hang elsewhere", () => {
    const { tree } = treeOf(
      ["hand", "cup", 0, at(1, 0, 0)],
      ["table", "cup", 10, at(0, 5, 0)],
      ["room", "hand", "static", at(0, 0, 1)],
      ["room", "table", "static", at(0, 0, 2)],
    );
    expect(point(tree, "cup", "room", 9, [0, 0, 0])).toEqual([1, 0, 1]);
    expect(point(tree, "cup", "room", 10, [0, 0, 0])).toEqual([0, 5, 2]);
    expect([tree.parentAt("cup", 9n), tree.parentAt("cup", 10n)]).toEqual(["hand", "table"]);
  });

  it("go by the transform that was told last, of one moment, and of static ones", () => {
    const { tree } = treeOf(
      ["map", "base", 5, at(1, 0, 0)],
      ["map", "base", 5, at(2, 0, 0)],
      ["map", "base", "static", at(9, 0, 0)],
      ["base", "lidar", "static", at(1, 0, 0)],
      ["base", "lidar", "static", at(3, 0, 0)],
    );
    expect(point(tree, "base", "map", 5, [0, 0, 0])).toEqual([2, 0, 0]);
    expect(point(tree, "lidar", "base", 5, [0, 0, 0])).toEqual([3, 0, 0]);
  });

  it("have no way to each other for a reason that is told", () => {
    const { tree } = treeOf(
      ["map", "base", 0, at(0, 0, 0)],
      ["world", "drone", 0, at(0, 0, 0)],
      ["a", "b", 0, at(0, 0, 0)],
      ["b", "c", 0, at(0, 0, 0)],
      ["c", "a", 0, at(0, 0, 0)],
    );
    expect(point(tree, "base", "drone", 0, [0, 0, 0])).toBe(
      "no transforms join the frames base and drone: base lies in map, drone in world",
    );
    expect(point(tree, "base", "world", 0, [0, 0, 0])).toBe(
      "no transforms join the frames base and world: base lies in map, world in none",
    );
    expect(point(tree, "lidar", "map", 0, [0, 0, 0])).toBe("no transform names the frame lidar");
    expect(point(tree, "map", "lidar", 0, [0, 0, 0])).toBe("no transform names the frame lidar");
    expect(point(tree, "a", "map", 0, [0, 0, 0])).toBe("the frames a, c, b, a lie in each other in a circle");
    expect(tree.rootOf("a", 0n)).toBe("a");
  });
});

describe("Transforms", () => {
  it("may have quaternions of any length", () => {
    const long = at(1, 0, 0, 90).map((value, i) => i < 3 ? value : value * 7) as Numbers;
    const { tree, taken } = treeOf(["map", "base", 0, long]);
    expect(taken).toEqual([true]);
    expect(point(tree, "base", "map", 0, [1, 0, 0])).toEqual([1, 1, 0]);
  });

  it("are left out where they are none", () => {
    const { tree, taken } = treeOf(
      ["map", "base", 0, [NaN, 0, 0, 0, 0, 0, 1]],
      ["map", "base", 0, [0, 0, Infinity, 0, 0, 0, 1]],
      ["map", "base", 0, [0, 0, 0, 0, 0, NaN, 1]],
      ["map", "base", 0, [0, 0, 0, 0, 0, 0, 0]],
      ["base", "base", 0, at(0, 0, 0)],
    );
    expect(taken).toEqual([false, false, false, false, false]);
    expect(tree.frames).toEqual([]);
  });
});

describe("Poses", () => {
  it("are matrices, unless their numbers are none", () => {
    const matrix = poseMatrix(at(1, 2, 3, 90));
    expect(applied(matrix!, [1, 0, 0])).toEqual([1, 3, 3]);
    expect(poseMatrix([0, 0, 0, 0, 0, 0, 0])).toBe(undefined);
    expect(poseMatrix([0, NaN, 0, 0, 0, 0, 1])).toBe(undefined);
  });
});
