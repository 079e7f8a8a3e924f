import { describe, expect, it } from "vitest";
import { TimeMargins } from "../../../src/viewer/draw/time_margins.ts";

describe("Margins beside time axes", () => {
  it("are those of the panel that needs most, on each side", () => {
    const margins = new TimeMargins();
    const least = margins.now;
    const [a, b] = [{}, {}];
    margins.want(a, { left: 70, right: 0 });
    margins.want(b, { left: 20, right: 60 });
    expect(margins.now).toEqual({ left: 70, right: 60 });
    margins.want(a, undefined);
    expect(margins.now).toEqual({ left: least.left, right: 60 });
    margins.want(b, undefined);
    expect(margins.now).toEqual(least);
  });

  it("are told of where they change, and not where they stay", () => {
    const margins = new TimeMargins();
    let told = 0;
    const stop = margins.subscribe(() => told++);
    const panel = {};
    margins.want(panel, { left: 80, right: 0 });
    margins.want(panel, { left: 80, right: 0 });
    margins.want({}, { left: 70, right: 5 });
    expect(told).toBe(1);
    stop();
    margins.want(panel, undefined);
    expect(told).toBe(1);
    expect(margins.now.left).toBe(70);
  });
});
