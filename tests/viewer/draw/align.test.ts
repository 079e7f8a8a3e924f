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

describe("Lines on one axis", () => {
  const band = { ...line(1, 2, 3), low: Float64Array.of(-1, -2, -3) };

  it("are as they are where all have the same times", () => {
    const { x, columns } = alignLines([band, line(1, 2, 3)]);
    expect(Array.from(x)).toEqual([1, 2, 3]);
    expect(columns.map((column) => Array.from(column))).toEqual([
      [10, 20, 30],
      [-1, -2, -3],
      [10, 20, 30],
      [null, null, null],
    ]);
  });

  it("have nothing where another has a time, and go on", () => {
    const { x, columns } = alignLines([band, line(2, 4)]);
    expect(Array.from(x)).toEqual([1, 2, 3, 4]);
    expect(columns.map((column) => Array.from(column))).toEqual([
      [10, 20, 30, undefined],
      [-1, -2, -3, undefined],
      [undefined, 20, undefined, 40],
      [null, null, null, null],
    ]);
  });

  it("break where they are NaN", () => {
    const { columns } = alignLines([{ ...line(1, 2, 3), high: Float64Array.of(1, NaN, 3) }]);
    expect(Array.from(columns[0])).toEqual([1, null, 3]);
  });

  it("have no values where there is no line", () => {
    const { x, columns } = alignLines([undefined, line(1, 2)]);
    expect(Array.from(x)).toEqual([1, 2]);
    expect(Array.from(columns[0])).toEqual([null, null]);
  });
});
