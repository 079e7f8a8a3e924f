import { describe, expect, it } from "vitest";
import { connect } from "../../mod.ts";
import type { SmaltiError } from "../../src/error.ts";
import { MemoryStore } from "../../src/store/memory.ts";
import { FaultyStore } from "../support/faulty_store.ts";
import { chunked, encode, readTopic } from "./mcap_file.ts";
import { importToy } from "./toy/import_toy.ts";

const HEAD = `toy
topic pose numbers names x,y
topic status json jsonschema {"type":"object","properties":{"ok":{"type":"boolean"},"n":{"type":"integer"}}}
topic log json
topic odd numbers names${" "}
meta vehicle A
`;
const pose = (count: number) => Array.from({ length: count }, (_, i) => `${i} pose ${i},${i / 8}\n`).join("");

/** A format of two files and one line of a table, which no file of src/ knows. */
describe("importRecording, for a toy format", () => {
  it("makes columns by the decoder of each topic, its own and those there are", async () => {
    const file = encode(
      `${HEAD}${pose(2500)}5 status {"ok":true,"n":7}\n6 log {"any":1}\n7 odd 1,2\n9 status {"ok":1}\n`,
    );
    await using client = await connect("memory:");
    const seen: number[] = [];
    const report = await importToy(client, { chunks: chunked(file, 777), sizeBytes: file.length }, {
      name: "toy",
      metadata: { driver: "me" },
      integers: "number",
      onProgress: (bytesRead) => seen.push(bytesRead),
    });
    expect([report.messageCount, report.lineCount, report.sequence.state]).toEqual([2504, 2510, "finalized"]);
    expect(report.topics).toEqual([
      { name: "pose", sourceName: "pose", messageCount: 2500, misfitCount: 0 },
      { name: "status", sourceName: "status", messageCount: 2, misfitCount: 1 },
      { name: "log", sourceName: "log", messageCount: 1, misfitCount: 1 },
      {
        name: "odd",
        sourceName: "odd",
        messageCount: 1,
        misfitCount: 0,
        reason: 'there is no decoder for numbers by definitions in "names"',
      },
    ]);
    expect([seen[0], seen.at(-1)]).toEqual([777, file.length]);
    expect((await client.sequenceHandler("toy")).metadata).toEqual({ driver: "me", vehicle: "A" });
    const rows = await readTopic(client, "toy", "pose");
    expect(rows).toEqual(
      Array.from({ length: 2500 }, (_, i) => ({ timestampNs: BigInt(i), data: { x: i, y: i / 8 } })),
    );
    expect((await readTopic(client, "toy", "status")).map(({ data }) => data))
      .toEqual([{ ok: true, n: 7 }, { _json: `{"ok":1}` }]);
    expect((await readTopic(client, "toy", "log"))[0].data).toEqual({ _json: `{"any":1}` });
    // No decoder takes its schema.
    expect((await readTopic(client, "toy", "odd"))[0].data).toEqual({ data: encode("1,2") });
  });

  it("keeps what came before a failure, also what a decoder holds back, and says so", async () => {
    await using client = await connect("memory:");
    const failure: SmaltiError = await importToy(client, chunked(encode(`${HEAD}${pose(1234)}12`)), {
      name: "toy",
    }).then(() => expect.fail("imported"), (reason) => reason);
    expect([failure.code, failure.rawMessage]).toEqual([
      "CORRUPT",
      `Cannot import the toy file as sequence "toy": the file is cut: its last line is 12; ` +
      `what came before is kept, in state failed: messages 1234, topics 4`,
    ]);
    const handler = await client.sequenceHandler("toy");
    expect([handler.state, handler.rowCount, handler.metadata]).toEqual(["failed", 1234, { vehicle: "A" }]);
  });

  it("makes nothing of a file that is another, and keeps nothing when it is given up", async () => {
    await using client = await connect("memory:");
    const other = importToy(client, { chunks: chunked(encode("x y z\n")), name: "a.toy" }, { name: "toy" });
    await expect(other).rejects.toThrow(
      `Cannot import "a.toy" as sequence "toy": the file is no toy: it begins with x y z; no sequence was made`,
    );
    const stop = new AbortController();
    const given = importToy(client, chunked(encode(HEAD + pose(9))), {
      name: "toy",
      signal: stop.signal,
      onProgress: () => stop.abort(),
    });
    await expect(given).rejects.toMatchObject({ code: "ABORTED" });
    expect(await client.listSequences()).toEqual([]);
  });

  it("salvages by one call of the importer's, which fails the import that does not", async () => {
    const file = encode(`${HEAD}${pose(3)}7 nowhere 1\n${2n ** 63n} pose 1,2\n9 pose 9,1\n`);
    await using client = await connect("memory:");
    const failure: SmaltiError = await importToy(client, chunked(file), { name: "toy" })
      .then(() => expect.fail("imported"), (reason) => reason);
    expect(failure.rawMessage).toContain(
      "the file has a message on no topic: 7 nowhere 1; what came before is kept",
    );
    const { flaws, flawCounts, messageCount } = await importToy(client, chunked(file), {
      name: "b",
      salvage: true,
    });
    expect([messageCount, flawCounts]).toEqual([4, { message: 1, time: 1 }]);
    expect(flaws).toEqual([
      {
        kind: "message",
        offset: 0,
        lost: "1 message",
        message: "the file has a message on no topic: 7 nowhere 1",
      },
      {
        kind: "time",
        offset: 0,
        lost: "1 message",
        topic: "pose",
        message: expect.stringContaining("2^63 - 1 ns"),
      },
    ]);
    expect((await readTopic(client, "b", "pose")).map(({ timestampNs }) => timestampNs)).toEqual([
      0n,
      1n,
      2n,
      9n,
    ]);
    // What the store fails with is no flaw of the file.
    const inner = new MemoryStore();
    const full = await connect(new FaultyStore(inner, 9, "NO_SPACE"));
    await expect(importToy(full, chunked(file), { name: "c", salvage: true })).rejects.toMatchObject({
      code: "NO_SPACE",
    });
  });

  it("commits by recover what an import that failed has left, and says why it failed", async () => {
    await using client = await connect("memory:");
    const file = encode(`${HEAD}${pose(5)}12`);
    await expect(importToy(client, chunked(file), { name: "toy" })).rejects.toThrow("the file is cut");
    expect(await client.recover("toy")).toEqual({ sequence: "toy", changed: false, files: [] });
    expect(await client.recover("toy", { failed: true }))
      .toEqual({ sequence: "toy", changed: true, files: [], failedSessions: 1 });
    const { state, info, rowCount, metadata } = await client.sequenceHandler("toy");
    expect([state, rowCount, metadata]).toEqual(["recovered", 5, { vehicle: "A" }]);
    expect(info.sessions).toMatchObject([{
      state: "recovered",
      reason: expect.stringContaining("the file is cut"),
    }]);
    expect((await client.recover("toy", { failed: true })).changed).toBe(false);
    await client.sequenceDelete("toy");
    expect(await client.listSequences()).toEqual([]);
  });

  it("makes an empty sequence of a file that has nothing", async () => {
    await using client = await connect("memory:");
    const { sequence, messageCount } = await importToy(client, chunked(new Uint8Array(0)), { name: "toy" });
    expect([sequence.state, messageCount, sequence.topics]).toEqual(["finalized", 0, []]);
  });
});
