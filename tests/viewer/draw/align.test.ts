import { describe, expect, it } from "vitest";
import { alignLines, withBreaks } from "../../../src/viewer/draw/align.ts";

const line = (...x: number[]) => ({ x: Float64Array.from(x), high: Float64Array.from(x, (at) => at * 10) });

describe("Breaks of a line", () => {
  it("lie in the middle of each gap, before, between and after its times", () => {
    const gaps = [{ from: -2, to: 0 }, { from: 1, to: 2 }, { from: 5, to: 7 }];
    const { x, high } = withBreaks(line(1, 2, 3), gaps);
    expect([...x]).toEqual([-1, 1, 1.5, 2, 3, 6]);
    expect([...high]).toEqual([NaN, 10, NaN, 20, 30, NaN]);
  });

  it("break both edges of a band", () => {
    const band = { ...line(1, 2), low: Float64Array.of(-1, -2) };
    const broken = withBreaks(band, [{ from: 1.2, to: 1.8 }]);
    expect([...broken.low!]).toEqual([-1, NaN, -2]);
    expect(alignLines([broken]).columns).toEqual([[10, null, 20], [-1, null, -2]]);
  });

  it("are not there where there are no gaps", () => {
    const whole = line(1, 2);
    expect(withBreaks(whole, []).x).toBe(whole.x);
  });
});
