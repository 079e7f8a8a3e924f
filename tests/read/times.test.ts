import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { firstDescent, lowerBound } from "../../src/util/times.ts";

/** Times near to each other, and near to where halves of them turn over. */
const anyTime = fc.tuple(
  fc.constantFrom(0n, 2n ** 31n, 2n ** 32n, -(2n ** 32n), 2n ** 63n - 3n, -(2n ** 63n) + 3n),
  fc.bigInt(-3n, 2n),
).map(([near, more]) => near + more);

describe("firstDescent, lowerBound", () => {
  it("agree with comparing one by one", () => {
    fc.assert(
      fc.property(fc.array(anyTime, { maxLength: 8 }), anyTime, fc.boolean(), (list, ns, isSorted) => {
        if (isSorted) list.sort((a, b) => a < b ? -1 : a > b ? 1 : 0);
        const times = BigInt64Array.from(list);
        expect(firstDescent(times)).toBe(list.findIndex((time, i) => i > 0 && time < list[i - 1]));
        if (!isSorted) return;
        const first = list.findIndex((time) => time >= ns);
        expect(lowerBound(times, ns)).toBe(first < 0 ? list.length : first);
      }),
      { numRuns: 2000 },
    );
  });
});
