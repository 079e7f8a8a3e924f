import { describe, expect, it } from "vitest";
import { type Client, connect } from "../../mod.ts";
import { SmaltiError } from "../../src/error.ts";
import { importMcap, type ImportMcapOptions } from "../../src/import/mcap/import_mcap.ts";
import { somePositions } from "../support/positions.ts";
import { chunked, COMPRESSIONS, concat, encode, readTopic, writeMcap } from "./mcap_file.ts";

const schema = {
  type: "object",
  properties: { i: { type: "integer" }, text: { type: "string" } },
};

/** A file of `count` messages at times 0, 1, ... on topics `a` and `b` in turn. */
function recording(
  count: number,
  options: Parameters<typeof writeMcap>[1] = {},
): Promise<Uint8Array> {
  return writeMcap(async (mcap) => {
    await mcap.writer.addMetadata({
      name: "m",
      metadata: new Map([["k", "v"]]),
    });
    const channels = [
      await mcap.json("/a", schema),
      await mcap.json("/b", schema),
    ];
    for (let i = 0; i < count; i++) {
      await mcap.message(
        channels[i % 2],
        BigInt(i),
        `{"i":${i},"text":"message number ${i}"}`,
      );
    }
  }, options);
}

/** What an import of these bytes fails with. */
async function failure(
  client: Client,
  bytes: Uint8Array,
  options: Partial<ImportMcapOptions> = {},
  known = false,
): Promise<SmaltiError> {
  const source = {
    chunks: chunked(bytes, 500),
    name: "test.mcap",
    ...(known && { sizeBytes: bytes.length }),
  };
  try {
    await importMcap(client, source, { name: "drive", ...options });
  } catch (reason) {
    expect(reason).toBeInstanceOf(SmaltiError);
    return reason as SmaltiError;
  }
  throw new Error("the import went well");
}

/** The numbers of the messages that are there, over all topics; each topic's are checked to be in order. */
async function kept(client: Client): Promise<number> {
  const handler = await client.sequenceHandler("drive");
  expect(handler.state).toBe("failed");
  const numbers = new Set<bigint>();
  for (const { name } of handler.topics) {
    for (
      const { timestampNs, data } of await readTopic(client, "drive", name)
    ) {
      expect(data).toEqual({
        i: timestampNs,
        text: `message number ${timestampNs}`,
      });
      numbers.add(timestampNs);
    }
  }
  for (let i = 0; i < numbers.size; i++) {
    expect(numbers.has(BigInt(i))).toBe(true);
  }
  return numbers.size;
}

/** Where the records of a file begin. */
function recordsOf(file: Uint8Array): number[] {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const starts: number[] = [];
  for (
    let at = 8;
    at < file.length - 8;
    at += 9 + Number(view.getBigUint64(at + 1, true))
  ) starts.push(at);
  return starts;
}

function find(bytes: Uint8Array, part: Uint8Array): number {
  for (let at = 0; at + part.length <= bytes.length; at++) {
    if (part.every((byte, i) => bytes[at + i] === byte)) return at;
  }
  return -1;
}

describe("importMcap of bad input", () => {
  it.each<[string, Uint8Array]>([
    ["nothing", new Uint8Array(0)],
    ["half a signature", encode("\u0089MCAP").slice(1)],
    ["text", encode("timestamp,x,y\n1,2,3\n")],
    ["a ZIP file", Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0, 0, 0, 0, 0)],
    [
      "another version",
      concat([Uint8Array.of(0x89), encode("MCAP9\r\n"), new Uint8Array(100)]),
    ],
    ["a signature alone", concat([Uint8Array.of(0x89), encode("MCAP0\r\n")])],
  ])("refuses %s before there is a sequence", async (_, bytes) => {
    await using client = await connect("memory:");
    const error = await failure(client, bytes);
    expect(error.code).toBe("CORRUPT");
    expect(error.rawMessage).toMatch(
      /^Cannot import "test.mcap" as sequence "drive": the file is (no MCAP file|cut).*; no sequence was made$/,
    );
    expect(await client.listSequences()).toEqual([]);
  });

  it.each([true, false])(
    "keeps what comes before a cut, wherever that is (chunks: %s)",
    async (useChunks) => {
      const file = await recording(60, { useChunks, chunkSize: 1500 });
      const counts: number[] = [];
      for (
        let length = 8;
        length < file.length;
        length += useChunks ? 37 : 29
      ) {
        for (const known of [false, true]) {
          await using client = await connect("memory:");
          const error = await failure(
            client,
            file.subarray(0, length),
            {},
            known,
          );
          expect(error.code).toBe("CORRUPT");
          expect(error.rawMessage).toMatch(/the file is cut/);
          expect(error.details).toMatchObject({
            file: "test.mcap",
            sequence: "drive",
          });
          expect(error.details.offset).toBeLessThanOrEqual(length);
          if ((await client.listSequences()).length === 0) {
            expect(error.rawMessage).toMatch(/; no sequence was made$/);
            continue;
          }
          const count = await kept(client);
          expect(error.rawMessage).toContain(
            `in state failed: messages ${count}, topics `,
          );
          counts.push(count);
          const { metadata, info } = await client.sequenceHandler("drive");
          expect(metadata["mcap.library"]).toBe("test library");
          if (count > 0) {
            expect(metadata["mcap.metadata"]).toEqual([{
              name: "m",
              metadata: { k: "v" },
            }]);
          }
          expect(info.sessions[0].reason).toContain("the file is cut");
        }
      }
      expect(counts).toEqual([...counts].sort((a, b) => a - b));
      expect(new Set(counts).size).toBeGreaterThan(useChunks ? 3 : 40);
      expect(counts.at(-1)).toBe(60);
    },
  );

  it("notices a flipped bit by the CRC of a chunk, and keeps the chunks before", async () => {
    const file = await recording(200, { chunkSize: 3000 });
    const at = find(file, encode("message number 150"));
    file[at + 3] ^= 1;
    await using client = await connect("memory:");
    const error = await failure(client, file);
    expect(error.code).toBe("CORRUPT");
    expect(error.rawMessage).toMatch(
      /the file is damaged at byte \d+: Incorrect chunk CRC/,
    );
    const count = await kept(client);
    expect(count).toBeGreaterThan(100);
    expect(count).toBeLessThanOrEqual(150);
    expect(error.details.offset).toBeLessThan(at);
  });

  it("notices a flipped bit outside of chunks by the CRC of the data", async () => {
    const file = await recording(50, { useChunks: false });
    await using good = await connect("memory:");
    await importMcap(good, chunked(file), { name: "drive" });
    const at = find(file, encode("message number 20"));
    file[at + 8] = 0x4e;
    await using client = await connect("memory:");
    const error = await failure(client, file);
    expect(error.code).toBe("CORRUPT");
    expect(error.rawMessage).toMatch(
      /its data up to byte \d+ has the CRC [0-9a-f]{8}, not [0-9a-f]{8} as it says; .*messages 50, topics 2$/,
    );
  });

  it.each(["lz4", "zstd"] as const)(
    "notices damage within a chunk compressed by %s",
    async (compression) => {
      const whole = await recording(400, {
        chunkSize: 5000,
        compressChunk: COMPRESSIONS[compression],
      });
      const magic = compression === "lz4"
        ? Uint8Array.of(4, 0x22, 0x4d, 0x18)
        : Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd);
      const first = find(whole, magic);
      const second = first + 4 + find(whole.subarray(first + 4), magic);
      for (const offset of [4, 20, 50, 100]) {
        const file = whole.slice();
        file[second + offset] ^= 0x55;
        await using client = await connect("memory:");
        const error = await failure(client, file);
        expect(["CORRUPT", "UNSUPPORTED"]).toContain(error.code);
        expect(await kept(client)).toBeGreaterThan(20);
      }
    },
  );

  it("never hangs, crashes or loses earlier messages, whichever byte is wrong", async () => {
    const whole = await recording(12, { useChunks: false });
    for (const at of somePositions(whole.length, recordsOf(whole))) {
      if (at < 8) continue; // no MCAP file at all
      const file = whole.slice();
      file[at] ^= 0xff;
      await using client = await connect("memory:");
      try {
        await importMcap(client, chunked(file, 300), {
          name: "drive",
          maxRecordBytes: 1 << 20,
        });
      } catch (reason) {
        expect(reason).toBeInstanceOf(SmaltiError);
        expect(["CORRUPT", "TOO_LARGE", "UNSUPPORTED"]).toContain(
          (reason as SmaltiError).code,
        );
      }
      for (const name of await client.listSequences()) {
        const handler = await client.sequenceHandler(name);
        for (const topic of handler.topics) {
          await readTopic(client, name, topic.name);
        }
      }
    }
  });

  it("believes no length beyond its bound, and holds nothing for it", async () => {
    const file = await recording(3, { useChunks: false });
    const at = find(file, encode("message number 2")) - 15 - 22 - 8; // the record's length, before its prefix and text
    const view = new DataView(file.buffer, file.byteOffset);
    expect(view.getBigUint64(at, true)).toBe(BigInt(file[at]));
    for (
      const [length, sizeBytes, code, text] of [
        [
          2n ** 40n,
          undefined,
          "TOO_LARGE",
          /the record at byte \d+ claims 1099511627776 bytes and at most 536870912 are read/,
        ],
        [2n ** 63n, undefined, "TOO_LARGE", /claims 9223372036854775808 bytes/],
        [
          2n ** 40n,
          file.length,
          "CORRUPT",
          /claims 1099511627776 bytes and the file ends at byte \d+/,
        ],
      ] as const
    ) {
      view.setBigUint64(at, length, true);
      await using client = await connect("memory:");
      let asked = 0;
      const endless = async function* (): AsyncGenerator<Uint8Array> {
        yield file;
        for (;;) {
          asked++;
          yield await Promise.resolve(new Uint8Array(1 << 20));
        }
      };
      const error = await importMcap(client, { chunks: endless(), sizeBytes }, {
        name: "drive",
      }).catch((reason) => reason);
      expect(error.code).toBe(code);
      expect(error.rawMessage).toMatch(text);
      expect(asked).toBe(0);
      expect(await kept(client)).toBe(2);
    }
  });

  it("refuses zeros where a record should begin", async () => {
    const file = await recording(10);
    await using client = await connect("memory:");
    const hole = await failure(
      client,
      concat([file.subarray(0, 8 + 9 + 8 + 12 + 12), new Uint8Array(600)]),
    );
    expect([hole.code, hole.rawMessage]).toEqual([
      "CORRUPT",
      expect.stringMatching(/no record begins with 0/),
    ]);
  });

  it("says which compression it does not know", async () => {
    const file = await recording(10, {
      compressChunk: (compressedData) => ({
        compression: "brotli",
        compressedData,
      }),
    });
    await using client = await connect("memory:");
    const error = await failure(client, file);
    expect(error.code).toBe("UNSUPPORTED");
    expect(error.rawMessage).toMatch(
      /a chunk at byte \d+ compressed by "brotli": lz4 and zstd are known/,
    );
  });

  it("refuses chunks that would not fit when decompressed", async () => {
    const file = await recording(1000, { compressChunk: COMPRESSIONS.lz4 });
    await using client = await connect("memory:");
    const error = await failure(client, file, { maxRecordBytes: 60_000 });
    expect(error.code).toBe("TOO_LARGE");
    expect(error.rawMessage).toMatch(
      /has a chunk at byte \d+ of \d+ bytes: at most 60000 are read/,
    );
  });

  it("refuses times beyond int64, and keeps what came before", async () => {
    const file = await writeMcap(async (mcap) => {
      const channel = await mcap.json("/a", schema);
      await mcap.message(channel, 0n, `{"i":0,"text":"message number 0"}`);
      await mcap.message(channel, 2n ** 63n, `{"i":1}`);
    });
    await using client = await connect("memory:");
    const error = await failure(client, file);
    expect(error.code).toBe("UNSUPPORTED");
    expect(error.rawMessage).toContain(
      `a message on topic "a" at 9223372036854775808 ns: times up to 2^63 - 1 ns`,
    );
    expect(await kept(client)).toBe(1);
    const most = await writeMcap(async (mcap) => {
      await mcap.message(
        await mcap.json("/a", schema),
        2n ** 63n - 1n,
        `{"i":1}`,
      );
    });
    await importMcap(client, chunked(most), { name: "most" });
    expect((await readTopic(client, "most", "a"))[0].timestampNs).toBe(
      2n ** 63n - 1n,
    );
  });

  it("passes on what the client says of the name", async () => {
    const file = await recording(1);
    await using client = await connect("memory:");
    await importMcap(client, chunked(file), { name: "drive" });
    expect((await failure(client, file)).code).toBe("ALREADY_EXISTS");
    expect((await client.sequenceHandler("drive")).state).toBe("finalized");
    expect((await failure(client, file, { name: "a b" })).code).toBe(
      "INVALID_NAME",
    );
  });

  it("keeps what came before the source failed", async () => {
    const file = await recording(100, { useChunks: false });
    const cause = new Error("connection reset");
    async function* source(): AsyncGenerator<Uint8Array> {
      yield await Promise.resolve(file.subarray(0, 3000));
      throw cause;
    }
    await using client = await connect("memory:");
    const error = await importMcap(client, source(), { name: "drive" }).catch((
      reason,
    ) => reason);
    expect(error.code).toBe("IO");
    expect(error.rawMessage).toContain(
      "the file cannot be read: connection reset",
    );
    expect(await kept(client)).toBeGreaterThan(5);
  });

  it("leaves nothing behind when it is aborted, at once even where the source is silent", async () => {
    const file = await recording(100, { useChunks: false });
    await using client = await connect("memory:");
    const early = await failure(client, file, { signal: AbortSignal.abort() });
    expect(early.code).toBe("ABORTED");

    const controller = new AbortController();
    let begun = false;
    async function* silent(): AsyncGenerator<Uint8Array> {
      yield file.subarray(0, 3000);
      setTimeout(() => controller.abort(new Error("enough")), 10);
      begun = (await client.listSequences()).length > 0;
      await new Promise(() => {});
    }
    const error = await importMcap(client, silent(), {
      name: "drive",
      signal: controller.signal,
    }).catch((reason) => reason);
    expect([error.code, error.cause.message]).toEqual(["ABORTED", "enough"]);
    expect(error.rawMessage).toBe(
      `Import of the MCAP file as sequence "drive" was aborted; nothing of it is kept`,
    );
    expect(begun).toBe(true);
    expect(await client.listSequences()).toEqual([]);
  });

  it("hands on what onProgress throws", async () => {
    await using client = await connect("memory:");
    const onProgress = () => {
      throw new RangeError("mine");
    };
    const source = chunked(await recording(100, { useChunks: false }));
    await expect(importMcap(client, source, { name: "drive", onProgress }))
      .rejects.toThrow(new RangeError("mine"));
    expect((await client.sequenceHandler("drive")).state).toBe("failed");
  });
});
