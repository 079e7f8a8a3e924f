import { describe, expect, it } from "vitest";
import { TimeBuckets } from "../../src/read/statistics/time_buckets.ts";
import { caseRange, failedCase, Random } from "../support/random_cases.ts";

const { cases, seed } = caseRange(300);

describe("TimeBuckets", () => {
  it(`put each time where whole numbers put it, however long the stretch (seed ${seed})`, () => {
    for (let i = 0; i < cases; i++) {
      try {
        checkCase(new Random(seed + i));
      } catch (reason) {
        throw failedCase(seed + i, "tests/read/time_buckets.test.ts", reason);
      }
    }
  });
});

/** Times at the edges of buckets, right before and after them, and far outside. */
function checkCase(random: Random): void {
  const length = 1 + random.below(random.pick([3, 2000, 1_000_000]));
  const startNs = BigInt(random.below(2 ** 31)) * BigInt(random.pick([1, 2 ** 31])) - 2n ** 40n;
  // From some nanoseconds to 200 years, of which float64 holds those up to 52 days.
  const spanNs = 2n ** BigInt(random.below(62)) + BigInt(random.below(1000));
  const endNs = startNs + spanNs;
  const buckets = TimeBuckets.of(length, { startNs, endNs }, {}, "Cannot test");
  const { stepNs } = buckets;
  expect(stepNs).toBe((spanNs + BigInt(length) - 1n) / BigInt(length));
  for (let k = 0; k < 30; k++) {
    const edge = startNs + stepNs * BigInt(k < 2 ? k * length : random.below(length + 1));
    for (const ns of [edge - 1n, edge, edge + 1n]) {
      const wanted = ns < startNs ? -1 : Number((ns - startNs) / stepNs);
      const bucket = buckets.of(ns);
      expect(ns < startNs ? Math.max(-1, bucket) : bucket).toBe(wanted);
      const isWithin = ns >= startNs && ns + 1n < endNs && (ns + 1n - startNs) / stepNs === BigInt(wanted);
      expect(buckets.around(ns, ns + 1n)).toBe(isWithin ? wanted : undefined);
    }
  }
  expect(buckets.of(startNs - 2n ** 62n)).toBeLessThan(0);
}
