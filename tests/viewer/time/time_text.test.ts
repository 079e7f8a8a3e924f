import { describe, expect, it } from "vitest";
import { formatSpan, formatTime, parseNs, parseTime } from "../../../src/viewer/time/time_text.ts";
import { caseRange, Random } from "../../support/random_cases.ts";

const startNs = 1_700_000_000_123_456_789n;

describe("Times as text", () => {
  it("are relative, dates or nanoseconds, with as many digits as wanted", () => {
    const ns = startNs + 3_723_004_005_006n;
    expect(formatTime(ns, { style: "relative", startNs })).toBe("1:02:03.004");
    expect(formatTime(ns, { style: "relative", startNs, digits: 9 })).toBe(
      "1:02:03.004005006",
    );
    expect(formatTime(startNs - 250_000_000n, { style: "relative", startNs }))
      .toBe("-0:00.250");
    expect(formatTime(startNs, { style: "utc", startNs, digits: 9 })).toBe(
      "2023-11-14T22:13:20.123456789Z",
    );
    expect(formatTime(-1n, { style: "utc", startNs, digits: 9 })).toBe(
      "1969-12-31T23:59:59.999999999Z",
    );
    // A clock that counts from a machine's start tells no dates.
    expect(formatTime(90_500_000_000n, { style: "utc", startNs: 60_000_000_000n })).toBe("0:30.500");
    expect(formatTime(ns, { style: "ns", startNs })).toBe(String(ns));
    expect(formatSpan(59_999_999_999n, 0)).toBe("0:59");
  });

  it("are read as people type them", () => {
    const wanted: [string, bigint | undefined][] = [
      ["12.5", startNs + 12_500_000_000n],
      ["0.000000001 s", startNs + 1n],
      ["1:02.5", startNs + 62_500_000_000n],
      ["1:02:03", startNs + 3_723_000_000_000n],
      [" -3 ", startNs - 3_000_000_000n],
      ["2023-11-14T22:13:20.123456789Z", startNs],
      ["2023-11-14 22:13", 1_699_999_980_000_000_000n],
      ["2023-11-14", 1_699_920_000_000_000_000n],
      ["1700000000123456789", startNs],
      ["2023-02-31", undefined],
      ["2023-11-14T25:00", undefined],
      ["99999999999999999999", undefined],
      ["soon", undefined],
      ["", undefined],
      ["1e3", undefined],
      ["1:2:3:4", undefined],
    ];
    for (const [text, ns] of wanted) {
      expect(parseTime(text, startNs), text).toBe(ns);
    }
    expect([
      parseNs("-9223372036854775808"),
      parseNs("9223372036854775808"),
      parseNs("1.5"),
      parseNs(""),
    ])
      .toEqual([
        -(2n ** 63n),
        undefined,
        undefined,
        undefined,
      ]);
  });

  it("come back exactly where they have all digits", () => {
    const { seed } = caseRange(1);
    const random = new Random(seed);
    for (let i = 0; i < 2000; i++) {
      const ns = BigInt(random.below(2 ** 31)) * BigInt(random.below(2 ** 31)) +
        BigInt(random.below(1000));
      for (const style of ["relative", "utc"] as const) {
        const text = formatTime(ns, { style, startNs, digits: 9 });
        expect(parseTime(text, startNs), `${text} (seed ${seed})`).toBe(ns);
      }
    }
  });
});
