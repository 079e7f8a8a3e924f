import { expect, it } from "vitest";
import { Clock } from "../../../src/viewer/time/clock.ts";
import { Shift } from "../../../src/viewer/time/shift.ts";

it("A second recording is shown from the first one's start on, later by its shift", () => {
  const first = new Clock({
    startNs: 1_700_000_000_000_000_000n,
    endNs: 1_700_000_100_000_000_000n,
  });
  const second = new Clock({ startNs: 5n, endNs: 50_000_000_005n });
  const shift = new Shift(
    { first: first.startNs, second: second.startNs },
    2_500_000_000n,
  );
  const own = second.startNs + 1_000_000_000n;
  const page = shift.toPage(own);
  expect(first.toSeconds(page)).toBe(3.5);
  expect(second.toSeconds(own) + shift.seconds).toBe(3.5);
  expect(shift.toSecond(page)).toBe(own);
  expect(shift.window({ fromNs: page, toNs: page + 7n })).toEqual({
    fromNs: own,
    toNs: own + 7n,
  });
});
