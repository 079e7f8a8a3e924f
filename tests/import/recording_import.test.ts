import { describe, expect, it } from "vitest";
import { connect } from "../../mod.ts";
import type { SmaltiError } from "../../src/error.ts";
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
      { name: "odd", sourceName: "odd", messageCount: 1, misfitCount: 0 },
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

  it("makes an empty sequence of a file that has nothing", async () => {
    await using client = await connect("memory:");
    const { sequence, messageCount } = await importToy(client, chunked(new Uint8Array(0)), { name: "toy" });
    expect([sequence.state, messageCount, sequence.topics]).toEqual(["finalized", 0, []]);
  });
});
