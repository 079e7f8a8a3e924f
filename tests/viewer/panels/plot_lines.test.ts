import { expect, test } from "vitest";
import { axisFor, extremes, type LineFacts } from "../../../src/viewer/panels/plot_lines.ts";

const of = (high: number, unit?: string, low = high / 2): LineFacts => ({ unit, low, high });
const unknown: LineFacts = { low: NaN, high: NaN };

test("axisFor puts lines of one unit and like size on one axis", () => {
  expect(axisFor(of(23), [[], []])).toBe(0);
  expect(axisFor(of(50, "V"), [[of(23, "V")], []])).toBe(0);
  expect(axisFor(of(50), [[of(23, "V")], []])).toBe(0);
  // What is not known yet, and what is nothing but zeros, goes anywhere.
  expect(axisFor(unknown, [[of(23)], []])).toBe(0);
  expect(axisFor(of(0), [[of(1e6)], []])).toBe(0);
  expect(axisFor(of(1e6), [[unknown, of(0)], []])).toBe(0);
});

test("axisFor takes the other axis for another unit or size", () => {
  expect(axisFor(of(25, "A"), [[of(23, "V")], []])).toBe(1);
  expect(axisFor(of(1e6), [[of(0.1)], []])).toBe(1);
  expect(axisFor(of(0.1), [[of(1e6)], [of(0.3)]])).toBe(1);
  expect(axisFor({ low: -1e6, high: 0.1 }, [[of(0.1)], []])).toBe(1);
  // Of two on an axis both are to be seen.
  expect(axisFor(of(1000), [[of(1), of(40)], []])).toBe(1);
});

test("axisFor puts the same field of topics of one kind on one axis", () => {
  const kin = (high: number) => ({ ...of(high), kin: "battery.current" });
  expect(axisFor(kin(0.001), [[kin(10), of(500)], []])).toBe(0);
  expect(axisFor(kin(0.001), [[of(0.001)], [kin(10)]])).toBe(1);
});

test("axisFor knows no axis where both are taken by others", () => {
  expect(axisFor(of(1e6), [[of(1)], [of(1000)]])).toBeUndefined();
  expect(axisFor(of(1, "m"), [[of(1, "V")], [of(1, "A")]])).toBeUndefined();
});

test("extremes are those of the window", () => {
  const line = { x: [0, 1, 2, 3], high: [9, 2, 3, 99], low: [-9, 1, 0, 9] } as never;
  expect(extremes(line, 1, 2)).toEqual([0, 3]);
  expect(extremes(line, 5, 6)).toEqual([NaN, NaN]);
});
