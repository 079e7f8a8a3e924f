import { describe, expect, it } from "vitest";
import { didYouMean, nearest } from "../../src/util/nearest.ts";

describe("nearest", () => {
  it.each([
    ["orientaton", ["header", "acceleration", "angular_velocity", "orientation"], "orientation"],
    ["topic", ["signal", "startNs", "topics"], "topics"],
    ["gps/fornt", ["gps/rear", "gps/front"], "gps/front"],
    ["IMU", ["gps", "imu"], "imu"],
    ["startNS", ["startNs"], "startNs"],
    ["z", ["a", "x"], undefined],
    ["X", ["a", "x"], "x"],
    ["lat", ["lon", "lat"], "lat"],
    ["ab", ["ba"], "ba"],
    ["speed", ["header", "position", "velocity", "status"], undefined],
    ["abcdef", ["abxyzf"], undefined],
    ["x", [], undefined],
    ["", ["abc"], undefined],
    ["x".repeat(1_000_000), ["x"], undefined],
  ])("of %j among %j is %j", (name, names, wanted) => {
    expect(nearest(name, names)).toBe(wanted);
  });

  it("is the first of several that are as near", () => {
    expect(nearest("car_3", new Set(["car_1", "car_2"]))).toBe("car_1");
  });
});

describe("didYouMean", () => {
  it("ends an error's text, or adds nothing", () => {
    expect(didYouMean("topic", ["topics"])).toBe(`; did you mean "topics"?`);
    expect(didYouMean("speed", ["topics"])).toBe("");
  });
});
