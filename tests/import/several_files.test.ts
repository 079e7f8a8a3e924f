import { describe, expect, it } from "vitest";
import { connect } from "../../mod.ts";
import type { SmaltiError } from "../../src/error.ts";
import { importMcap } from "../../src/import/mcap/import_mcap.ts";
import { chunked, encode, readTopic, writeMcap } from "./mcap_file.ts";

const schema = { type: "object", properties: { x: { type: "number" } } };

/** Part `part` of a recording: pose at 10 * i + part, and one message on a topic of its own. */
async function partOf(
  part: number,
  poseSchema: unknown = schema,
): Promise<Uint8Array> {
  return await writeMcap(async (mcap) => {
    // Ids differ from part to part.
    for (let i = 0; i < part; i++) await mcap.json(`/own/${part}/${i}`, schema);
    const pose = await mcap.json("/pose", poseSchema, "Pose", {
      part: String(part),
    });
    for (let i = 0; i < 3; i++) {
      await mcap.message(pose, BigInt(10 * i + part), `{"x":${part}}`);
    }
    await mcap.message(
      await mcap.json(`/only/${part}`, schema),
      BigInt(part),
      `{"x":0}`,
    );
    await mcap.writer.addMetadata({
      name: "part",
      metadata: new Map([["number", String(part)]]),
    });
    await mcap.writer.addAttachment({
      name: `notes ${part}`,
      mediaType: "text/plain",
      logTime: 1n,
      createTime: 2n,
      data: encode(String(part)),
    });
  });
}

describe("an import of several files", () => {
  it("joins topics of one name and schema, and keeps the facts of each file", async () => {
    const files = await Promise.all([partOf(0), partOf(1)]);
    const seen: [number, number | undefined][] = [];
    await using client = await connect("memory:");
    const report = await importMcap(
      client,
      files.map((file, i) => ({
        chunks: chunked(file),
        name: `drive_${i}.mcap`,
        sizeBytes: file.length,
      })),
      {
        name: "drive",
        envelope: true,
        onProgress: (...counts) => seen.push(counts),
      },
    );
    expect(report.files).toEqual([
      { name: "drive_0.mcap", messageCount: 4 },
      { name: "drive_1.mcap", messageCount: 4 },
    ]);
    expect([report.messageCount, report.attachmentCount, report.metadataCount])
      .toEqual([8, 2, 2]);
    const total = files[0].length + files[1].length;
    expect([seen[0][1], seen.at(-1)]).toEqual([total, [total, total]]);

    const pose = await readTopic(client, "drive", "pose");
    expect(
      pose.map(({ timestampNs, data }) => [timestampNs, data.x, data._index]),
    ).toEqual([
      [0n, 0, 0n],
      [1n, 1, 4n],
      [10n, 0, 1n],
      [11n, 1, 5n],
      [20n, 0, 2n],
      [21n, 1, 6n],
    ]);
    const handler = await client.sequenceHandler("drive");
    expect(
      handler.topics.filter(({ rowCount }) => rowCount > 0).map(({ name }) => name),
    )
      .toEqual(["only/0", "only/1", "pose"]);
    expect(handler.attachments.map(({ name }) => name)).toEqual([
      "notes 0",
      "notes 1",
    ]);
    const fact = (part: number) => ({
      name: `drive_${part}.mcap`,
      messages: 4,
      attachments: 1,
      "mcap.profile": "test profile",
      "mcap.library": "test library",
      "mcap.metadata": [{ name: "part", metadata: { number: String(part) } }],
    });
    expect(handler.metadata).toEqual({
      "import.files": [
        fact(0),
        {
          ...fact(1),
          "mcap.channels": [{ topic: "pose", metadata: { part: "1" } }],
        },
      ],
    });
  });

  it("makes another topic for another schema", async () => {
    const other = { type: "object", properties: { x: { type: "string" } } };
    await using client = await connect("memory:");
    const sources = [chunked(await partOf(0)), chunked(await partOf(1, other))];
    const report = await importMcap(client, sources, { name: "drive" });
    expect(
      report.topics.map(({ name }) => name).filter((name) => name.startsWith("pose")),
    )
      .toEqual(["pose", "pose_2"]);
  });

  it("keeps what came before where one fails, and names it", async () => {
    const [whole, cut] = [await partOf(0), (await partOf(1)).subarray(0, 200)];
    await using client = await connect("memory:");
    const sources = [
      { chunks: chunked(whole), name: "a.mcap" },
      { chunks: chunked(cut), name: "b.mcap" },
      { chunks: chunked(whole), name: "c.mcap" },
    ];
    const failure: SmaltiError = await importMcap(client, sources, {
      name: "drive",
    })
      .then(() => expect.fail("imported"), (reason) => reason);
    expect(failure.code).toBe("CORRUPT");
    expect(failure.details).toMatchObject({
      file: "b.mcap",
      sequence: "drive",
    });
    expect(failure.rawMessage).toMatch(
      /^Cannot import "b\.mcap" \(file 2 of 3\) as sequence "drive": .* cut.*kept, in state failed: messages 4/,
    );
    const handler = await client.sequenceHandler("drive");
    expect([handler.state, handler.rowCount]).toEqual(["failed", 4]);
    expect(handler.metadata["import.files"]).toMatchObject([{
      name: "a.mcap",
      messages: 4,
    }, {
      name: "b.mcap",
    }]);
  });

  it("wants one at least", async () => {
    await using client = await connect("memory:");
    await expect(importMcap(client, [], { name: "drive" })).rejects.toThrow(
      "there is no source",
    );
  });
});
