import { describe, expect, it } from "vitest";
import { Pace } from "../../src/cli/pace.ts";

const SECOND = 1_000_000_000n;
const { signal } = new AbortController();

/** Milliseconds until a time is due; negative where it was due before. Coarse: the clock goes on meanwhile. */
const near = (ms: number) => ({ asymmetricMatch: (seen: number) => seen <= ms && seen > ms - 10_000 });

describe("Pace", () => {
  it("waits for each time by the first one, at its speed", () => {
    const pace = new Pace(0.001, Infinity, signal);
    expect(pace.until(5n * SECOND)).toEqual(near(0));
    expect(pace.until(6n * SECOND)).toEqual(near(1_000_000));
    expect(pace.until(86_405n * SECOND)).toEqual(near(86_400_000_000));
    expect(pace.until(86_405n * SECOND)).toEqual(near(86_400_000_000));
  });

  it("takes what is longer than the longest gap off all that follows", () => {
    const pace = new Pace(0.001, 2_000_000, signal);
    pace.until(0n);
    expect(pace.until(1n * SECOND)).toEqual(near(1_000_000));
    // An hour is 1,000 hours at this speed.
    for (let i = 0; i < 3; i++) expect(pace.until(3601n * SECOND)).toEqual(near(3_000_000));
    expect(pace.until(3602n * SECOND)).toEqual(near(4_000_000));
    expect(pace.until(7202n * SECOND)).toEqual(near(6_000_000));
  });
});
