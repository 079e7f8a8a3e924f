import { crc32 } from "@foxglove/crc";
import { describe, expect, it } from "vitest";
import { type Client, connect, SmaltiError } from "../../mod.ts";
import { lz4Compress } from "../../src/engine/lz4_compress.ts";
import {
  importMcap,
  type ImportMcapOptions,
  type ImportMcapReport,
} from "../../src/import/mcap/import_mcap.ts";
import { somePositions } from "../support/positions.ts";
import { chunked, concat, encode, readTopic, zstdStore } from "./mcap_file.ts";
import {
  attachment,
  channel,
  chunk,
  ending,
  file,
  header,
  MAGIC,
  message,
  messages,
  metadata,
  record,
  schema,
  sized,
  u16,
  u32,
  u64,
} from "./mcap_parts.ts";

interface Salvaged {
  /** Times of the messages by topic; each holds its own as `i`, or keeps its text. */
  times: Record<string, number[]>;
  report: ImportMcapReport;
  /** Kinds of flaws and what they cost. */
  flaws: [string, string | undefined][];
}

type Options = Partial<ImportMcapOptions> & { pipe?: boolean };

function sourceOf(bytes: Uint8Array, pipe: boolean) {
  const chunks = { [Symbol.asyncIterator]: () => chunked(bytes, 97) };
  return pipe
    ? { chunks: chunks[Symbol.asyncIterator]() }
    : { chunks, sizeBytes: bytes.length, isRepeatable: true };
}

async function salvageInto(
  client: Client,
  bytes: Uint8Array,
  { pipe = false, ...rest }: Options,
): Promise<Salvaged> {
  const report = await importMcap(client, sourceOf(bytes, pipe), {
    name: "s",
    salvage: true,
    ...rest,
  });
  const handler = await client.sequenceHandler("s");
  expect(handler.state).toBe("finalized");
  const times: Record<string, number[]> = {};
  for (const { name } of handler.topics) {
    expect(await (await handler.topicHandler(name)).verify({ deep: true }))
      .toEqual([]);
    times[name] = (await readTopic(client, "s", name)).map(
      ({ timestampNs, data }) => {
        if (data.i !== undefined) expect(data.i).toBe(timestampNs);
        return Number(timestampNs);
      },
    );
  }
  return {
    times,
    report,
    flaws: report.flaws.map(({ kind, lost }) => [kind, lost]),
  };
}

async function salvage(
  bytes: Uint8Array,
  options: Options = {},
): Promise<Salvaged> {
  await using client = await connect("memory:");
  return await salvageInto(client, bytes, options);
}

/** What the import fails with that does not salvage. */
async function failure(
  bytes: Uint8Array,
  options: Options = {},
): Promise<SmaltiError> {
  await using client = await connect("memory:");
  const { pipe = false, ...rest } = options;
  const done = importMcap(client, sourceOf(bytes, pipe), {
    name: "s",
    ...rest,
  });
  return await done.then(() => expect.fail("imported"), (reason) => {
    expect(reason).toBeInstanceOf(SmaltiError);
    return reason;
  });
}

const range = (start: number, end: number) => Array.from({ length: end - start }, (_, i) => start + i);
const definitions = concat([schema(1), channel(1, "/a")]);
const first = chunk(concat([definitions, messages(1, 0, 3)]));

/** A file of three chunks, of which the second is made by the caller; messages 0 to 2, 3 to 5 and 6 to 8. */
const withSecond = (second: Uint8Array) => file(first, second, chunk(messages(1, 6, 9)));
const three = messages(1, 3, 6);

describe("importMcap with salvage, of chunks", () => {
  const compressed = lz4Compress(encode("x".repeat(999)))!;
  it.each<[string, Uint8Array, RegExp]>([
    ["of a wrong CRC", chunk(three, { crc: 1 }), /Incorrect chunk CRC/],
    ["that no LZ4 is", chunk(three, { compression: "lz4" }), /LZ4/],
    ["that no ZSTD is", chunk(three, { compression: "zstd" }), /ZSTD/],
    [
      "of another length",
      chunk(three, { compression: "lz4", bytes: compressed, crc: 0 }),
      /does not hold/,
    ],
    [
      "of an unknown compression",
      chunk(three, { compression: "brotli" }),
      /lz4 and zstd are known/,
    ],
    [
      "over the limit once decompressed",
      chunk(three, { size: 2 ** 40 }),
      /at most 536870912 are read/,
    ],
    [
      "shorter than its lengths",
      record(6, u64(3), u64(5), u64(99)),
      /has a field of/,
    ],
  ])("skips one %s, whole", async (_, second, text) => {
    const bytes = withSecond(second);
    expect((await failure(bytes)).rawMessage).toMatch(text);
    const { times, flaws, report } = await salvage(bytes);
    expect(times).toEqual({ a: [0, 1, 2, 6, 7, 8] });
    expect(flaws).toEqual([["chunk", expect.stringMatching(/^its messages/)]]);
    const offset = MAGIC.length + header.length + first.length;
    expect(report.flaws[0]).toMatchObject({
      offset,
      bytes: second.length,
      message: expect.stringMatching(text),
    });
    expect(report.flawCounts).toEqual({ chunk: 1 });
  });

  it("keeps of one without a CRC what comes before its records break", async () => {
    // Where nothing like a record follows the last one, that may be what is wrong.
    for (const [byte, kept] of [[5, [3, 4, 5]], [0, [3, 4]]] as const) {
      const broken = concat([
        three,
        Uint8Array.of(byte),
        new Uint8Array(20).fill(byte),
      ]);
      const bytes = withSecond(chunk(broken, { crc: 0 }));
      expect((await failure(bytes)).rawMessage).toContain(
        "21 bytes remaining in chunk",
      );
      const { times, flaws } = await salvage(bytes);
      expect(times).toEqual({ a: [0, 1, 2, ...kept, 6, 7, 8] });
      expect(flaws).toEqual([[
        "chunk",
        expect.stringMatching(/^the last \d+ of its \d+ bytes$/),
      ]]);
    }
  });

  it("skips a record that no chunk may have, and one that is too short", async () => {
    const bytes = withSecond(
      chunk(
        concat([
          message(1, 3),
          metadata("m"),
          record(5, u16(1)),
          message(1, 5),
        ]),
      ),
    );
    const { times, flaws } = await salvage(bytes);
    expect(times).toEqual({ a: [0, 1, 2, 3, 5, 6, 7, 8] });
    expect(flaws).toEqual([["metadata", "the metadata"], [
      "message",
      "the message",
    ]]);
  });

  it("reads what others write: none as a word, frames side by side, schemas of id 0", async () => {
    const [a, b] = [messages(1, 3, 5), messages(1, 5, 6)];
    const skipped = concat([u32(0x184d2a53), u32(2), u16(7)]);
    const more = concat([schema(0), messages(1, 9, 60)]);
    const lz4 = concat([lz4Compress(more)!, skipped, new Uint8Array(5)]);
    const bytes = file(
      first,
      chunk(concat([a, b]), {
        compression: "zstd",
        bytes: concat([zstdStore(a), skipped, zstdStore(b)]),
      }),
      chunk(messages(1, 6, 9), { compression: "none" }),
      chunk(more, { compression: "lz4", bytes: lz4 }),
    );
    const { times, flaws } = await salvage(bytes, { salvage: false });
    expect(times).toEqual({ a: range(0, 60) });
    expect(flaws).toEqual([["schema", undefined]]);
  });

  it("finds the next chunk where a length is wrong", async () => {
    const index = record(
      7,
      u16(1),
      sized(concat([u64(0), u64(5), u64(1), u64(40)])),
    );
    const whole = file(
      first,
      index,
      chunk(three),
      index,
      chunk(messages(1, 6, 9)),
      index,
    );
    const starts = [
      MAGIC.length + header.length,
      first.length,
      index.length,
      chunk(three).length,
    ];
    const [chunkAt, indexAt] = [
      starts[0] + starts[1] + starts[2],
      starts.reduce((a, b) => a + b),
    ];
    for (const pipe of [false, true]) {
      for (const delta of [-9, -1, 1, 9, 60, 200, 2 ** 20, 2 ** 45]) {
        for (const at of [chunkAt, indexAt]) {
          const bytes = whole.slice();
          const view = new DataView(bytes.buffer);
          const length = Number(view.getBigUint64(at + 1, true)) + delta;
          if (length < 0) continue;
          view.setBigUint64(at + 1, BigInt(length), true);
          const { times, report } = await salvage(bytes, {
            pipe,
            maxRecordBytes: 1 << 20,
          });
          const lost = at === chunkAt ? [0, 1, 2, 6, 7, 8] : range(0, 9);
          expect([
            delta,
            at === chunkAt,
            lost.every((time) => times.a.includes(time)),
          ]).toEqual([
            delta,
            at === chunkAt,
            true,
          ]);
          expect(report.flaws.length).toBeGreaterThan(0);
        }
      }
    }
  });

  it.each([false, true])(
    "takes channels and schemas of a lost chunk from the summary (a pipe: %s)",
    async (pipe) => {
      const bad = chunk(concat([definitions, messages(1, 0, 3)]), { crc: 1 });
      const bytes = concat([
        MAGIC,
        header,
        bad,
        chunk(three),
        chunk(messages(1, 6, 9)),
        ending(definitions),
      ]);
      const { times, flaws } = await salvage(bytes, { pipe });
      expect(times).toEqual({ a: range(3, 9) });
      expect(flaws).toEqual([["chunk", expect.any(String)]]);
    },
  );

  it("loses no chunk but the one of which a part is gone", async () => {
    const second = chunk(three);
    const at = MAGIC.length + header.length + first.length;
    const whole = withSecond(second);
    for (const pipe of [false, true]) {
      for (
        const [from, length] of [[50, 9], [60, 40], [70, 1], [
          second.length - 20,
          20,
        ]]
      ) {
        const bytes = concat([
          whole.subarray(0, at + from),
          whole.subarray(at + from + length),
        ]);
        expect((await salvage(bytes, { pipe })).times).toEqual({
          a: [0, 1, 2, 6, 7, 8],
        });
      }
    }
  });

  it("takes a whole chunk between two that are hurt", async () => {
    const [second, third] = [chunk(three), chunk(messages(1, 6, 9))];
    const bytes = file(
      first,
      second,
      third,
      chunk(messages(1, 10, 13)),
      chunk(messages(1, 20, 23)),
    );
    const secondAt = MAGIC.length + header.length + first.length;
    for (const at of [secondAt, secondAt + second.length + third.length]) {
      bytes.fill(0, at, at + 9);
    }
    expect((await salvage(bytes)).times).toEqual({
      a: [0, 1, 2, 6, 7, 8, 20, 21, 22],
    });
  });

  it("says where those come from a summary whose CRC is wrong, and does without", async () => {
    const bad = chunk(concat([definitions, messages(1, 0, 3)]), { crc: 1 });
    const bytes = concat([
      MAGIC,
      header,
      bad,
      chunk(three),
      metadata("m", ["k", "v"]),
      ending(definitions),
    ]);
    bytes[bytes.length - 9] ^= 1;
    const { times, report } = await salvage(bytes);
    expect(times).toEqual({ a: range(3, 6) });
    expect(report.flawCounts).toEqual({ chunk: 1, channel: 1, summary: 1 });
    // From a pipe nobody could look it up.
    const piped = await salvage(bytes, { pipe: true });
    expect(piped.times).toEqual({});
    expect(piped.flaws).toContainEqual(["message", "3 messages"]);
    expect(piped.report.metadataCount).toBe(1);
  });
});

describe("importMcap with salvage, of records", () => {
  const plain = (...more: Uint8Array[]) => file(definitions, messages(1, 0, 3), ...more, messages(1, 6, 9));
  const kept = [0, 1, 2, 6, 7, 8];

  it.each<[string, Uint8Array, string, string, RegExp]>([
    [
      "an attachment of a wrong CRC",
      attachment("a.txt", encode("abc"), 77),
      "attachment",
      "the attachment",
      /"a.txt"/,
    ],
    [
      "metadata that breaks",
      record(12, sized("m"), u32(99)),
      "metadata",
      "the metadata",
      /has a field of 99 bytes/,
    ],
    [
      "a schema that breaks",
      record(3, u16(9), u32(99)),
      "schema",
      "the schema",
      /has a field of/,
    ],
    [
      "a message without channel",
      message(9, 4),
      "message",
      "1 message",
      /on channel 9/,
    ],
    [
      "a message that is too short",
      record(5, u16(1)),
      "message",
      "the message",
      /has 2 bytes/,
    ],
    [
      "a time beyond int64",
      message(1, 2n ** 63n),
      "time",
      "1 message",
      /at 9223372036854775808 ns/,
    ],
  ])("skips %s", async (_, more, kind, lost, text) => {
    const bytes = plain(more);
    const failed = await failure(bytes);
    expect(failed.rawMessage).toMatch(text);
    expect(failed.details.offset).toBeDefined();
    const { times, flaws, report } = await salvage(bytes);
    expect(times).toEqual({ a: kept });
    expect(flaws).toEqual([[kind, lost]]);
    expect(report.flaws[0].offset).toBe(
      MAGIC.length + header.length + definitions.length +
        messages(1, 0, 3).length,
    );
    expect(report.flaws[0].message).toMatch(text);
  });

  it("keeps the messages of a channel without its schema as they are", async () => {
    const bytes = plain(channel(2, "/b", 7), message(2, 4));
    expect((await failure(bytes)).rawMessage).toContain(
      "channel 2 (topic /b) comes before its schema 7",
    );
    const { times, flaws } = await salvage(bytes);
    expect(times).toEqual({ a: kept, b: [4] });
    expect(flaws).toEqual([[
      "schema",
      "schema 7: messages are kept as they are",
    ]]);
  });

  it("goes by the definition that came last where there are two", async () => {
    const bytes = plain(
      channel(1, "/b"),
      messages(1, 3, 5),
      schema(1, { j: "integer" }),
      channel(2, "/c"),
      message(2, 5),
    );
    expect((await failure(bytes)).rawMessage).toMatch(
      /id 1 \(topic: \/b\) differs from previous channel/,
    );
    const { times, flaws } = await salvage(bytes);
    expect(times).toEqual({ a: [0, 1, 2], b: [3, 4, 6, 7, 8], c: [5] });
    expect(flaws.map(([kind]) => kind)).toEqual(["channel", "schema"]);
  });

  it("says that the data's CRC is wrong where nothing else is", async () => {
    const data = concat([MAGIC, header, definitions, messages(1, 0, 3)]);
    const right = concat([data, ending(undefined, crc32(data))]);
    expect((await salvage(right)).flaws).toEqual([]);
    const wrong = concat([data, ending(undefined, crc32(data) ^ 1)]);
    expect((await failure(wrong)).rawMessage).toContain("has the CRC");
    const { times, flaws } = await salvage(wrong);
    expect([times, flaws.map(([kind]) => kind)]).toEqual([{ a: [0, 1, 2] }, [
      "data_crc",
    ]]);
  });

  it.each([false, true])(
    "skips records over the limit (a pipe: %s)",
    async (pipe) => {
      const long = concat([
        message(1, 3, new Uint8Array(5000)),
        attachment("long", new Uint8Array(5000)),
      ]);
      const bytes = plain(long, attachment("short", new Uint8Array(50)));
      expect((await failure(bytes, { maxRecordBytes: 1000 })).code).toBe(
        "TOO_LARGE",
      );
      const { times, flaws, report } = await salvage(bytes, {
        pipe,
        maxRecordBytes: 1000,
      });
      expect(times).toEqual({ a: kept });
      expect([report.attachmentCount, flaws.map(([kind]) => kind)]).toEqual([
        1,
        ["too_large", "too_large"],
      ]);
    },
  );

  it.each([false, true])(
    "goes on at the next message where a length is wrong (a pipe: %s)",
    async (pipe) => {
      const whole = file(definitions, messages(1, 10, 30));
      const size = message(1, 10).length;
      const at = MAGIC.length + header.length + definitions.length + 4 * size;
      for (
        const length of [
          0,
          3,
          size - 10,
          size - 8,
          size,
          size + 20,
          2 * size,
          700,
          2 ** 20,
          2 ** 50,
        ]
      ) {
        const bytes = whole.slice();
        new DataView(bytes.buffer).setBigUint64(at + 1, BigInt(length), true);
        const { times, report } = await salvage(bytes, { pipe });
        expect([length, times.a.filter((time) => time !== 14)]).toEqual([
          length,
          range(10, 30).filter((i) => i !== 14),
        ]);
        expect(report.flaws.length).toBeGreaterThan(0);
      }
    },
  );

  it("loses nothing of a sound file whose numbers look like records now and then", async () => {
    const data = (i: number, bytes: number) => {
      const data = new Uint8Array(bytes);
      new DataView(data.buffer).setUint32(4, i, true);
      return data;
    };
    // Times since a start, and such as clocks tell.
    for (
      const [bytes, step, start] of [[8, 1_000_000, 0n], [40, 1_000_003, 1_700_000_000_000_000_000n]] as const
    ) {
      const sound = file(
        record(3, u16(1), sized("test/T"), sized("ros2msg"), sized("int32 a\nint32 b")),
        record(4, u16(0), u16(1), sized("/a"), sized("cdr"), sized("")),
        ...Array.from({ length: 20_000 }, (_, i) => message(0, start + BigInt(i * step), data(i, bytes))),
      );
      await using client = await connect("memory:");
      const report = await importMcap(client, sourceOf(sound, false), { name: "s", salvage: true });
      expect([report.messageCount, report.flaws]).toEqual([20_000, []]);
    }
  });

  it("loses no more than what is near, whichever byte is wrong", async () => {
    const whole = file(
      definitions,
      messages(1, 10, 22),
      metadata("m", ["k", "v"]),
    );
    const size = message(1, 10).length;
    const start = MAGIC.length + header.length + definitions.length;
    for (const at of somePositions(whole.length)) {
      if (at >= MAGIC.length + header.length && at < start) continue; // without its channel no message means anything
      const bytes = whole.slice();
      bytes[at] ^= 0xff;
      const hit = 10 + Math.floor((at - start) / size);
      const { times } = await salvageTolerant(bytes);
      const missing = range(10, 22).filter((time) => !times.includes(time));
      // A message that is followed by no record is not believed.
      expect([at, missing.filter((time) => time !== hit && time !== hit - 1)])
        .toEqual([at, []]);
    }
  });

  it("keeps the whole messages of a file that is cut, wherever that is", async () => {
    const whole = file(definitions, messages(1, 10, 22));
    const size = message(1, 10).length;
    const start = MAGIC.length + header.length + definitions.length;
    for (
      const length of somePositions(
        whole.length,
        range(0, 12).map((i) => start + i * size),
      )
    ) {
      for (const pipe of [false, true]) {
        const count = Math.max(
          0,
          Math.min(12, Math.floor((length - start) / size)),
        );
        if (count === 0) {
          const error = await failure(whole.subarray(0, length), {
            pipe,
            salvage: true,
          });
          expect(error.rawMessage).toMatch(/no sequence was made$/);
          continue;
        }
        const { times, flaws } = await salvage(whole.subarray(0, length), {
          pipe,
        });
        expect([length, times.a]).toEqual([length, range(10, 10 + count)]);
        expect(flaws).toEqual([["cut", expect.any(String)]]);
      }
    }
  });
});

/** Times that are there, of messages that say so themselves. */
async function salvageTolerant(
  bytes: Uint8Array,
): Promise<{ times: number[] }> {
  await using client = await connect("memory:");
  await importMcap(client, sourceOf(bytes, false), {
    name: "s",
    salvage: true,
  });
  const times: number[] = [];
  for (const { name } of (await client.sequenceHandler("s")).topics) {
    for (const { data } of await readTopic(client, "s", name)) {
      times.push(Number(data.i));
    }
  }
  return { times };
}

describe("importMcap of flaws that cost nothing", () => {
  const sound = concat([definitions, messages(1, 0, 3)]);
  it.each<[string, Uint8Array, string, RegExp]>([
    [
      "a metadata key twice",
      file(sound, metadata("m", ["k", "1"], ["k", "2"])),
      "metadata",
      /"m" has key "k" twice/,
    ],
    [
      "bytes after the end",
      concat([file(sound), new Uint8Array(600)]),
      "trailing",
      /goes on after its end at byte/,
    ],
    [
      "a wrong closing signature",
      file(sound).fill(0, -3),
      "magic",
      /its closing signature is wrong/,
    ],
    [
      "a wrong CRC of the summary",
      concat([MAGIC, header, sound, ending(definitions)]).fill(7, -12, -8),
      "summary",
      /CRC/,
    ],
    [
      "a summary with a hole",
      concat([MAGIC, header, sound, ending(new Uint8Array(40))]),
      "damaged",
      /begins with 0/,
    ],
    [
      "an index that is too short",
      file(sound, record(7, u16(1), u32(99))),
      "message index",
      /too short/,
    ],
    ["a second header", file(sound, header), "header", /another header/],
  ])("tells of %s, with and without salvage", async (_, bytes, kind, text) => {
    for (const salvages of [false, true]) {
      const { times, flaws, report } = await salvage(bytes, {
        salvage: salvages,
      });
      expect(times).toEqual({ a: [0, 1, 2] });
      expect(flaws).toEqual([[kind, undefined]]);
      expect(report.flaws[0].message).toMatch(text);
    }
  });

  it("keeps the last value of a key that is there twice", async () => {
    await using client = await connect("memory:");
    await salvageInto(
      client,
      file(sound, metadata("m", ["k", "1"], ["k", "2"])),
      { salvage: false },
    );
    expect((await client.sequenceHandler("s")).metadata["mcap.metadata"])
      .toEqual([{
        name: "m",
        metadata: { k: "2" },
      }]);
  });

  it("does not take another recording after the end for nothing", async () => {
    const bytes = concat([file(sound), file(sound)]);
    expect((await failure(bytes)).rawMessage).toMatch(
      /goes on after its end at byte \d+, with another recording/,
    );
    const { times, report } = await salvage(bytes);
    expect([times, report.flaws[0].lost]).toEqual([
      { a: [0, 1, 2] },
      "the other recording",
    ]);
    expect(report.flaws[0].bytes).toBe(file(sound).length);
  });
});

describe("importMcap with salvage", () => {
  it("reads a file without its signature where it is an MCAP all the same", async () => {
    const bytes = withSecond(chunk(three));
    for (const [from, to] of [[0, 1], [0, 8], [3, 20]]) {
      const { times, flaws } = await salvage(bytes.slice().fill(0, from, to));
      expect(times).toEqual({ a: range(0, 9) });
      expect(flaws[0][0]).toBe("magic");
    }
    const text = encode("timestamp,x,y\n".repeat(1000));
    expect((await failure(text, { salvage: true })).rawMessage)
      .toMatch(
        /the file is no MCAP file: its signature is wrong at byte 0; no sequence was made$/,
      );
  });

  it("makes nothing of a file of which channels alone are whole", async () => {
    // Two on one topic, which the sequence's metadata would tell of.
    const channels = concat([schema(1), channel(1, "/a"), channel(2, "/a", 1, ["caller", "x"])]);
    const error = await failure(file(channels, chunk(three, { crc: 1 })), { salvage: true });
    expect([error.code, error.rawMessage]).toEqual([
      "CORRUPT",
      expect.stringMatching(/nothing in it is whole: .*Incorrect chunk CRC .*; no sequence was made$/),
    ]);
  });

  it.each([["topic", { topics: ["other"] }], ["time", { startNs: 100n }]])(
    "makes a sequence of whole messages of which no %s is wanted",
    async (_, options) => {
      await using client = await connect("memory:");
      const source = chunked(withSecond(chunk(three, { crc: 1 })));
      const report = await importMcap(client, source, { name: "s", salvage: true, ...options });
      expect([report.messageCount, report.flawCounts]).toEqual([0, { chunk: 1 }]);
    },
  );

  it("makes nothing of a file of which nothing is whole, and says why", async () => {
    const error = await failure(file(chunk(definitions, { crc: 1 })), {
      salvage: true,
    });
    expect([error.code, error.rawMessage]).toEqual([
      "CORRUPT",
      expect.stringMatching(
        /nothing in it is whole: .*Incorrect chunk CRC .*; no sequence was made$/,
      ),
    ]);
    // A file that never had anything is none of those.
    expect((await salvage(file())).report.messageCount).toBe(0);
  });

  it("lists the first 1,000 flaws, and counts all", async () => {
    const bytes = file(
      definitions,
      concat(range(0, 2500).map(() => message(1, 2n ** 63n))),
      message(1, 5),
    );
    const { times, report } = await salvage(bytes);
    expect(times).toEqual({ a: [5] });
    expect([report.flaws.length, report.flawCounts]).toEqual([1000, {
      time: 2500,
    }]);
  });

  it("leaves nothing where it is given up", async () => {
    await using client = await connect("memory:");
    const stop = new AbortController();
    const done = importMcap(
      client,
      sourceOf(withSecond(chunk(three, { crc: 1 })), false),
      {
        name: "s",
        salvage: true,
        signal: stop.signal,
        onProgress: (bytes) => bytes > 400 && stop.abort(),
      },
    );
    await expect(done).rejects.toMatchObject({ code: "ABORTED" });
    expect(await client.listSequences()).toEqual([]);
  });

  it("keeps JSON that does not parse, as ever", async () => {
    const { times, flaws, report } = await salvage(
      file(definitions, message(1, 1, encode("{"))),
    );
    expect([times, flaws, report.topics[0].misfitCount]).toEqual([
      { a: [1] },
      [],
      1,
    ]);
  });
});
