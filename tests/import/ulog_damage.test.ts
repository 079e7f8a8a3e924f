import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { ULOG_MAGIC } from "../../src/import/ulog/ulog_reader.ts";
import { importUlog } from "../../src/import/ulog/import_ulog.ts";
import { isLong } from "../support/positions.ts";
import { caseRange, failedCase, Random } from "../support/random_cases.ts";
import { damage, expectOnly, outcomeOf, sourceOf } from "./damage_search.ts";
import { concat, encode } from "./mcap_file.ts";
import { u16, u32, u64 } from "./mcap_parts.ts";

const FILE = "tests/import/ulog_damage.test.ts";
const real = new Uint8Array(
  readFileSync(
    fileURLToPath(
      new URL("../fixtures/formats/test_ulog.ulg", import.meta.url),
    ),
  ),
);

const salvage = { salvage: true };
const run = (bytes: Uint8Array, options = {}, how = {}) =>
  outcomeOf(importUlog, sourceOf(bytes, how), options);

const message = (type: string, ...content: Uint8Array[]) => {
  const bytes = concat(content);
  return concat([u16(bytes.length), encode(type), bytes]);
};
const format = (text: string) => message("F", encode(text));
const subscribe = (id: number, name: string, instance = 0) =>
  message("A", Uint8Array.of(instance), u16(id), encode(name));
const data = (id: number, i: number) => message("D", u16(id), u64(1000 * i), u32(i));
const info = (key: string, value: Uint8Array) => message("I", Uint8Array.of(key.length), encode(key), value);
const sync = message(
  "S",
  Uint8Array.of(0x2f, 0x73, 0x13, 0x20, 0x25, 0x0c, 0xbb, 0x12),
);
const flags = (bits: number, ...appended: number[]) =>
  message(
    "B",
    u64(0),
    u64(bits),
    ...[0, 1, 2].map((i) => u64(appended[i] ?? 0)),
  );
const ulog = (...messages: Uint8Array[]) =>
  concat([Uint8Array.from(ULOG_MAGIC), Uint8Array.of(1), u64(5), ...messages]);
const begin = concat([
  format("a:uint64_t timestamp;uint32_t i"),
  subscribe(1, "a"),
]);
const values = (lines: readonly string[]) => lines.map((line) => JSON.parse(line).data.i);

describe("importUlog with salvage", () => {
  it.each([["a sync", sync], ["messages alone", new Uint8Array(0)]])(
    "reads on after what is no message, by %s",
    async (_, between) => {
      const junk = new Uint8Array(50).fill(0xee);
      const bytes = ulog(
        begin,
        data(1, 1),
        junk,
        between,
        data(1, 2),
        data(1, 3),
      );
      const at = ulog(begin, data(1, 1)).length;
      const { error } = await run(bytes);
      expect(error?.rawMessage).toContain(
        `damaged at byte ${at}: no message begins there`,
      );
      for (const partBytes of [1, 7, 1000]) {
        const { report, lines } = await run(bytes, salvage, { partBytes });
        expect(values(lines)).toEqual([1, 2, 3]);
        expect(report!.flaws).toMatchObject([{
          kind: "damaged",
          offset: at,
          bytes: 50,
        }]);
      }
    },
  );

  it("reads on where a length points beyond the end", async () => {
    const bytes = ulog(begin, data(1, 1), data(1, 2), data(1, 3), data(1, 4));
    bytes[ulog(begin, data(1, 1)).length + 1] = 0x7f;
    expect((await run(bytes)).error?.code).toBe("CORRUPT");
    const { report, lines } = await run(bytes, salvage);
    expect([values(lines), report!.flawCounts]).toEqual([[1, 3, 4], {
      damaged: 1,
    }]);
  });

  it("tells of messages of no subscription, and of what has no timestamp or is too short", async () => {
    const bytes = ulog(
      begin,
      data(9, 1),
      message("D", u16(1), u32(3)),
      format("b:uint32_t i"),
      subscribe(2, "b"),
      subscribe(3, "missing"),
      format("nothing"),
      message("A", u16(1)),
      message("I"),
      message("L", u16(1)),
      data(1, 5),
    );
    const { report, lines } = await run(bytes, salvage);
    expect(values(lines)).toEqual([5]);
    expect(report!.flawCounts).toEqual({
      message: 2,
      format: 3,
      subscription: 1,
      info: 1,
      text: 1,
    });
  });

  it("keeps bytes, and says why, where a format holds itself, is too large or lacks another", async () => {
    for (
      const text of [
        "a:uint64_t timestamp;a other",
        "a:uint64_t timestamp;float[65535] x",
        "a:uint64_t timestamp;b x",
      ]
    ) {
      const { report, lines } = await run(
        ulog(format(text), subscribe(1, "a"), data(1, 1)),
      );
      expect([report!.messageCount, Object.keys(JSON.parse(lines[0]).data)])
        .toEqual([1, ["data"]]);
    }
    const wide = Array.from(
      { length: 2000 },
      (_, i) => `uint8_t[20] _padding${i}`,
    ).join(";");
    const nested = Array.from({ length: 50 }, (_, i) => `b x${i}`).join(";");
    const bytes = ulog(
      format(`b:${wide}`),
      format(`a:uint64_t timestamp;${nested}`),
      subscribe(1, "a"),
      data(1, 1),
    );
    expect(Object.keys(JSON.parse((await run(bytes)).lines[0]).data)).toEqual([
      "data",
    ]);
    expect(
      (await run(ulog(format("a:uint64_t timestamp;char[4294967297] x")))).error
        ?.rawMessage,
    )
      .toContain("an array of 4294967297 items");
  });

  it("gives columns of one name another", async () => {
    const fields = "a:uint64_t timestamp;uint16_t timestamp_ns;uint16_t timestamp_ns;uint8_t _raw";
    const { lines } = await run(
      ulog(
        format(fields),
        subscribe(1, "a"),
        message("D", u16(1), u64(1), u16(3), u16(4), u16(5)),
      ),
    );
    expect(Object.entries(JSON.parse(lines[0]).data).slice(1, 4))
      .toEqual([["timestamp_ns_", 3], ["timestamp_ns__", 4], ["_raw_", 5]]);
  });

  it("takes keys of any name, and bounds what is kept", async () => {
    const { report } = await run(
      ulog(
        info("uint32_t __proto__", u32(7)),
        info("uint32_t constructor", u32(8)),
        begin,
        data(1, 1),
      ),
    );
    expect(JSON.stringify(report!.sequence.metadata["ulog.info"])).toBe(
      `{"__proto__":7,"constructor":8}`,
    );
    const text = message(
      "L",
      encode("6"),
      u64(1),
      new Uint8Array(65_000).fill(65),
    );
    const many = ulog(
      begin,
      ...Array.from({ length: 600 }, () => text),
      data(1, 1),
    );
    expect((await run(many)).error?.code).toBe("TOO_LARGE");
    const { report: kept, lines } = await run(many, salvage);
    expect([values(lines), kept!.flawCounts]).toEqual([[1], { too_large: 1 }]);
  });

  it("goes by the subscription that came last where one is there twice", async () => {
    const bytes = ulog(
      begin,
      data(1, 1),
      subscribe(1, "a"),
      format("b:uint64_t timestamp;uint32_t k"),
      subscribe(1, "b"),
      data(1, 2),
    );
    expect((await run(bytes)).error?.rawMessage).toContain(
      "subscription 1 is there twice",
    );
    const { report } = await run(bytes, salvage);
    expect(report!.topics.map(({ name, messageCount }) => [name, messageCount]))
      .toEqual([["a", 1], ["b", 1]]);
  });

  it("reads data that were appended after a message that is cut, which is no flaw", async () => {
    const before = ulog(flags(1, 999), begin, data(1, 1), data(1, 2));
    const cut = before.subarray(0, before.length - 5);
    const bytes = concat([
      ulog(flags(1, cut.length), begin),
      cut.subarray(ulog(flags(1, 0), begin).length),
      data(1, 3),
    ]);
    const { report, lines } = await run(bytes);
    expect([values(lines), report!.flaws]).toEqual([[1, 3], []]);
    expect((await run(ulog(flags(2), begin))).error?.code).toBe("UNSUPPORTED");
  });

  it("orders by a field, and refuses a time beyond int64", async () => {
    const bytes = ulog(
      format("a:uint64_t timestamp;uint64_t timestamp_sample"),
      subscribe(1, "a"),
      message("D", u16(1), u64(1), u64(30)),
      message("D", u16(1), u64(2), u64(20)),
      message("D", u16(1), u64(3), u64(2n ** 64n - 1n)),
    );
    const { error } = await run(bytes, {
      time: "timestamp_sample",
      timeUnit: "us",
    });
    expect([error?.code, error?.rawMessage]).toEqual([
      "UNSUPPORTED",
      expect.stringContaining(
        "field timestamp_sample, is 18446744073709551615: times from -2^63",
      ),
    ]);
    const { report, lines } = await run(bytes, {
      ...salvage,
      time: "timestamp_sample",
      timeUnit: "us",
    });
    expect(lines.map((line) => JSON.parse(line).timestamp_ns)).toEqual([
      "20000",
      "30000",
    ]);
    expect(report!.flawCounts).toEqual({ time: 1 });
    const far = ulog(
      begin,
      message("D", u16(1), u64(2n ** 63n), u32(1)),
      data(1, 1),
    );
    expect((await run(far)).error?.rawMessage).toContain(
      "times up to 2^63 - 1 ns are supported",
    );
    expect((await run(far, salvage)).report!.flawCounts).toEqual({ time: 1 });
  });

  it("keeps what is whole of a log that is cut, at every place", async () => {
    const { lines: truth } = await run(real);
    let most = 0;
    const step = isLong ? 997 : 37_991;
    for (let length = 0; length <= real.length; length += step) {
      const { report, error, lines } = await run(
        real.subarray(0, length),
        salvage,
      );
      if (error) {
        expect(error.rawMessage).toMatch(/nothing in it is whole|is no ULog/);
      } else if (report!.flaws.length > 0) {
        expect(report!.flawCounts).toEqual({ cut: 1 });
      }
      expectOnly(lines, truth);
      expect(lines.length).toBeGreaterThanOrEqual(most);
      most = lines.length;
    }
    expect(most).toBeGreaterThan(truth.length * 0.8);
  });

  it("makes an error or a whole sequence of whatever there is", async () => {
    const { cases, seed } = caseRange(isLong ? 5000 : 100);
    const small = ulog(
      flags(0),
      info("char[3] x", encode("abc")),
      format("b:float[3] x;bool y;char[4] z"),
      format("a:uint64_t timestamp;uint32_t i;b[2] nested"),
      subscribe(1, "a"),
      subscribe(2, "a", 1),
      ...Array.from(
        { length: 20 },
        (_, i) => i % 5 === 4 ? sync : message("D", u16(1 + i % 2), u64(i), u32(i), new Uint8Array(34)),
      ),
    );
    for (let i = 0; i < cases; i++) {
      try {
        const random = new Random(seed + i);
        const bytes = damage(random.oneIn(20) ? real : small, random);
        const how = {
          isStream: random.oneIn(3),
          partBytes: 1 + random.below(1 << 15),
        };
        const { report } = await run(
          bytes,
          random.oneIn(3) ? {} : salvage,
          how,
        );
        if (report?.flawCounts.damaged) {
          expect(report.flaws.length).toBeGreaterThan(0);
        }
      } catch (reason) {
        throw failedCase(seed + i, FILE, reason);
      }
    }
  });
});
