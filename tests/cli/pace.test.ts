import { describe, expect, it } from "vitest";
import { Pace } from "../../src/cli/pace.ts";

const SECOND = 1_000_000_000n;
const { signal } = new AbortController();

/** That a time is due in so many milliseconds, or less by what went by since: far less than the times here are apart. */
function expectDue(pace: Pace, ns: bigint, ms: number): void {
  const left = pace.until(ns);
  expect(left).toBeLessThanOrEqual(ms);
  expect(left).toBeGreaterThan(ms - 100_000);
}

describe("Pace", () => {
  it("waits for each time by the first one, at its speed", () => {
    const pace = new Pace(0.001, Infinity, signal);
    expectDue(pace, 5n * SECOND, 0);
    expectDue(pace, 6n * SECOND, 1_000_000);
    expectDue(pace, 86_405n * SECOND, 86_400_000_000);
    expectDue(pace, 86_405n * SECOND, 86_400_000_000);
  });

  it("takes what is longer than the longest gap off all that follows", () => {
    const pace = new Pace(0.001, 2_000_000, signal);
    pace.until(0n);
    expectDue(pace, 1n * SECOND, 1_000_000);
    // An hour is 1,000 hours at this speed.
    for (let i = 0; i < 3; i++) expectDue(pace, 3601n * SECOND, 3_000_000);
    expectDue(pace, 3602n * SECOND, 4_000_000);
    expectDue(pace, 7202n * SECOND, 6_000_000);
  });
});
