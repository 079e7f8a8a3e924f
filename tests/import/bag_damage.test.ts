import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { lz4Compress } from "../../src/engine/lz4_compress.ts";
import { importBag } from "../../src/import/bag/import_bag.ts";
import { isLong, somePositions } from "../support/positions.ts";
import { caseRange, failedCase, Random } from "../support/random_cases.ts";
import { bag, BAG_MAGIC, bagChunk, bagMessage, bagRecord, connection } from "./bag_parts.ts";
import { damage, expectOnly, outcomeOf, sourceOf } from "./damage_search.ts";
import { concat } from "./mcap_file.ts";
import { u32 } from "./mcap_parts.ts";

const FILE = "tests/import/bag_damage.test.ts";
const fixture = (name: string) =>
  new Uint8Array(
    readFileSync(
      fileURLToPath(new URL(`../fixtures/formats/${name}`, import.meta.url)),
    ),
  );

const salvage = { salvage: true };
const run = (bytes: Uint8Array, options = {}, how = {}) =>
  outcomeOf(importBag, sourceOf(bytes, how), options);
const times = (lines: readonly string[]) => lines.map((line) => Number(JSON.parse(line).data.i));

/** Bytes of the record at a place. */
function recordBytes(bytes: Uint8Array, at: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const headerBytes = view.getUint32(at, true);
  return 8 + headerBytes + view.getUint32(at + 4 + headerBytes, true);
}

const first = bagChunk(
  concat([connection(1, "/a"), bagMessage(1, 1), bagMessage(1, 2)]),
);
const last = bagChunk(concat([bagMessage(1, 5), bagMessage(1, 6)]));

describe("importBag with salvage", () => {
  it.each<[string, Uint8Array, RegExp, number[]]>([
    [
      "of unknown compression",
      bagChunk(bagMessage(1, 3), { compression: "zstd" }),
      /none, lz4 and bz2/,
      [],
    ],
    [
      "that is no LZ4",
      bagChunk(bagMessage(1, 3), { compression: "lz4" }),
      /LZ4/,
      [],
    ],
    [
      "that is no bz2",
      bagChunk(bagMessage(1, 3), { compression: "bz2" }),
      /bz2 is damaged/,
      [],
    ],
    [
      "that claims 4 GB",
      bagChunk(bagMessage(1, 3), { size: 2 ** 32 - 1 }),
      /at most 536870912/,
      [],
    ],
    [
      "that claims more than it can hold",
      bagChunk(bagMessage(1, 3), {
        compression: "lz4",
        bytes: lz4Compress(new Uint8Array(999))!,
        size: 2 ** 28,
      }),
      /LZ4/,
      [],
    ],
    [
      "with something else between its records",
      bagChunk(
        concat([bagMessage(1, 3), new Uint8Array(9).fill(7), bagMessage(1, 4)]),
      ),
      /no record begins at byte 50/,
      [3, 4],
    ],
  ])("reads on after a chunk %s", async (_, second, text, kept) => {
    const bytes = bag(first, second, last);
    const { error } = await run(bytes);
    expect(error?.rawMessage).toMatch(text);
    const { report, lines } = await run(bytes, salvage);
    expect(times(lines)).toEqual([1, 2, ...kept, 5, 6]);
    expect(report!.flawCounts).toEqual({ chunk: 1 });
    expect(report!.flaws[0].message).toContain(
      `byte ${BAG_MAGIC.length + (bag().length - BAG_MAGIC.length) + first.length}`,
    );
  });

  it("is an error where all messages are lost", async () => {
    const chunk = bagChunk(bagMessage(1, 3), { compression: "zstd" });
    const { error } = await run(bag(connection(1, "/a"), chunk), salvage);
    expect(error).toMatchObject({
      code: "CORRUPT",
      rawMessage: expect.stringMatching(/nothing in it is whole: .*none, lz4 and bz2 are known/),
    });
  });

  it("reads bz2 chunks after one that is damaged", async () => {
    const bytes = fixture("fake_joint_state-bz2.bag");
    const { lines: truth } = await run(bytes);
    const begin = BAG_MAGIC.length + recordBytes(bytes, BAG_MAGIC.length);
    const whole = bytes.subarray(begin, begin + recordBytes(bytes, begin));
    const broken = whole.slice();
    broken.fill(0xaa, 1000, 1100);
    const twice = concat([
      bytes.subarray(0, begin),
      broken,
      whole,
      bytes.subarray(begin + whole.length),
    ]);
    expect((await run(twice)).error?.rawMessage).toContain(
      `a chunk at byte ${begin} that cannot be read: bz2 is damaged`,
    );
    const { report, lines } = await run(twice, salvage);
    expect(report!.flawCounts).toEqual({ chunk: 1 });
    expect(lines).toEqual(truth);
  });

  it("looks up in the index a connection that was lost, of a file but not of a stream", async () => {
    const lost = bagChunk(concat([connection(1, "/a"), bagMessage(1, 1)]), {
      compression: "zstd",
    });
    const bytes = bag(lost, last, connection(1, "/a"));
    const { report, lines } = await run(bytes, salvage);
    expect([times(lines), report!.flawCounts]).toEqual([[5, 6], { chunk: 1 }]);
    const stream = await run(bytes, salvage, { isStream: true });
    expect(stream.error?.rawMessage).toContain("nothing in it is whole");
  });

  it("goes by the connection that came last where one is there twice", async () => {
    const bytes = bag(
      first,
      bagChunk(concat([connection(1, "/b"), bagMessage(1, 3)])),
    );
    expect((await run(bytes)).error?.rawMessage).toContain(
      `connection 1 is there twice, on "a" and on "/b"`,
    );
    const { report, lines } = await run(bytes, salvage);
    expect(lines.map((line) => JSON.parse(line).topic)).toEqual([
      "a",
      "a",
      "b",
    ]);
    expect(report!.flawCounts).toEqual({ connection: 1 });
  });

  it("tells of messages without a connection, and records that are none", async () => {
    const bytes = bag(
      first,
      bagChunk(bagMessage(9, 3)),
      bagRecord(9, {}, u32(1)),
      last,
    );
    expect((await run(bytes)).error?.rawMessage).toContain(
      "connection 9, which is not there",
    );
    const { report, lines } = await run(bytes, salvage);
    expect(times(lines)).toEqual([1, 2, 5, 6]);
    expect(report!.flawCounts).toEqual({ message: 1, damaged: 1 });
  });

  it("takes zeros between records for padding", async () => {
    const { report, lines } = await run(
      bag(first, new Uint8Array(300), last, new Uint8Array(7)),
    );
    expect([times(lines), report!.flaws]).toEqual([[1, 2, 5, 6], []]);
  });

  it("reads on where a length points beyond the end", async () => {
    const bytes = bag(first, bagChunk(bagMessage(1, 3)), last);
    const at = bag(first).length;
    bytes.set(
      u32(0x7fffff),
      at + 4 + new DataView(bytes.buffer).getUint32(at, true),
    );
    expect((await run(bytes)).error?.rawMessage).toContain(
      `byte ${at}: a record there would end at byte`,
    );
    for (const isStream of [false, true]) {
      const { report, lines } = await run(bytes, salvage, { isStream });
      // The message of the chunk that is broken is found too.
      expect([times(lines), report!.flawCounts]).toEqual([[1, 2, 3, 5, 6], {
        damaged: 1,
      }]);
    }
  });

  it("takes topics of any name, and many connections", async () => {
    const names = [
      "constructor",
      "__proto__",
      "toString",
      "",
      "/a",
      "/A",
      "a b",
    ];
    const records = names.map((name, i) => concat([connection(i, name), bagMessage(i, i)]));
    const { report } = await run(bag(bagChunk(concat(records))));
    expect(report!.topics.map(({ sourceName }) => sourceName)).toEqual(names);
    expect(new Set(report!.topics.map(({ name }) => name)).size).toBe(
      names.length,
    );
    const one = connection(0, "/a");
    const idAt = one.findIndex((_, at) => String.fromCharCode(...one.subarray(at, at + 5)) === "conn=") + 5;
    const many = new Uint8Array(70_000 * one.length);
    for (let i = 0; i < 70_000; i++) {
      many.set(one, i * one.length);
      new DataView(many.buffer).setUint32(i * one.length + idAt, i, true);
    }
    const { report: merged } = await run(
      bag(bagChunk(concat([many, bagMessage(69_999, 1)]))),
    );
    expect(merged!.topics.map(({ name, messageCount }) => [name, messageCount]))
      .toEqual([["a", 1]]);
  });

  it("keeps topics apart by type and definition, and keeps bytes where there is none", async () => {
    const bytes = bag(bagChunk(concat([
      connection(1, "/a"),
      connection(2, "/a", { definition: "int32 i" }),
      connection(3, "/b", { type: "", definition: "" }),
      connection(4, "/c", { definition: "Missing i" }),
      ...[1, 2, 3, 4].map((id) => bagMessage(id, id)),
    ])));
    const { report, lines } = await run(bytes);
    expect(report!.topics.map(({ name, messageCount }) => [name, messageCount]))
      .toEqual([["a", 1], ["a_2", 1], ["b", 1], ["c", 1]]);
    expect(lines.map((line) => Object.keys(JSON.parse(line).data)[0])).toEqual([
      "i",
      "i",
      "_raw",
      "data",
    ]);
  });

  it("keeps what is whole of a bag that is cut, at every place", async () => {
    const bytes = fixture("out.bag");
    const { lines: truth } = await run(bytes);
    let most = 0;
    for (
      const length of somePositions(bytes.length).filter((at) => isLong || at % 97 === 0)
    ) {
      const cut = bytes.subarray(0, length);
      const { report, error, lines } = await run(cut, salvage, {
        isStream: length % 2 === 0,
        partBytes: 1000,
      });
      if (error) {
        expect(error.rawMessage).toMatch(/nothing in it is whole|is no bag/);
      } else if (lines.length < truth.length) {
        expect(report!.flaws).not.toEqual([]);
      }
      expectOnly(lines, truth);
      expect(lines.length).toBeGreaterThanOrEqual(most);
      most = lines.length;
    }
    expect(most).toBe(truth.length);
  });

  it("makes an error or a whole sequence of whatever there is, and loses nothing in silence", async () => {
    const { cases, seed } = caseRange(isLong ? 3000 : 60);
    const files = [
      bag(
        first,
        bagChunk(concat([bagMessage(1, 3), bagMessage(1, 4)])),
        last,
        connection(1, "/a"),
      ),
      fixture("out.bag"),
      fixture("fake_joint_state-bz2.bag"),
      fixture("fake_joint_state-lz4.bag"),
    ];
    const truths = await Promise.all(
      files.map(async (bytes) => (await run(bytes)).lines.length),
    );
    for (let i = 0; i < cases; i++) {
      try {
        const random = new Random(seed + i);
        const file = random.below(random.oneIn(20) ? 4 : 2);
        const bytes = damage(files[file], random);
        const how = {
          isStream: random.oneIn(3),
          partBytes: 1 + random.below(1 << 15),
        };
        const strict = await run(bytes, {}, how);
        // Of one that was not closed by its writer nobody knows what there was.
        const isClosed = file > 0;
        const { report, lines } = await run(bytes, salvage, how);
        if (isClosed && report && lines.length < truths[file]) {
          expect(report.flaws.length).toBeGreaterThan(0);
          expect(strict.error).toBeDefined();
        }
      } catch (reason) {
        throw failedCase(seed + i, FILE, reason);
      }
    }
  });

  it("orders by a field of the messages and keeps the log time", async () => {
    const definition = [
      "Header header",
      "uint32 i",
      "=".repeat(80),
      "MSG: std_msgs/Header",
      "uint32 seq",
      "time stamp",
      "string frame_id",
    ].join("\n");
    const data = (sec: number, i: number) => concat([u32(0), u32(sec), u32(7), u32(0), u32(i)]);
    const bytes = bag(bagChunk(concat([
      connection(1, "/a", { definition }),
      bagMessage(1, 1, data(20, 1)),
      bagMessage(1, 2, data(10, 2)),
      bagMessage(1, 3, u32(0)),
    ])));
    const { error } = await run(bytes, { time: "header.stamp" });
    expect([error?.code, error?.rawMessage]).toEqual([
      "INVALID_MESSAGE",
      expect.stringContaining(
        `topic "a" whose time, field header.stamp, is null: wanted a number of ns`,
      ),
    ]);
    const { report, lines } = await run(bytes, {
      ...salvage,
      time: "header.stamp",
    });
    expect(
      lines.map((line) => JSON.parse(line)).map((
        { timestamp_ns, data },
      ) => [timestamp_ns, data.i, data._log_time_ns]),
    ).toEqual([
      ["10000000007", 2, 2000000000],
      ["20000000007", 1, 1000000000],
    ]);
    expect([report!.flawCounts, report!.flaws[0].topic]).toEqual([
      { time: 1 },
      "a",
    ]);
    const { lines: second } = await run(bytes, {
      ...salvage,
      time: "i",
      timeUnit: "s",
    });
    expect(second.map((line) => JSON.parse(line).timestamp_ns)).toEqual([
      "1000000000",
      "2000000000",
    ]);
    const { error: missing } = await run(bytes, { time: "nothing" });
    expect(missing?.rawMessage).toContain("field nothing, is missing");
  });
});
