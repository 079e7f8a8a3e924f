import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { connect } from "../../mod.ts";
import { SmaltiError } from "../../src/error.ts";
import { importMcap } from "../../src/import/mcap/import_mcap.ts";
import { openFile } from "../../src/import/open_file.ts";

const example = fileURLToPath(
  new URL("../../examples/px4-vtol-flight/", import.meta.url),
);
const expected = JSON.parse(
  readFileSync(join(example, "flight.expected.json"), "utf8"),
);

describe("importMcap of the example flight", () => {
  it("finds every topic, message and field, in the expected order", async () => {
    const directory = await mkdtemp(join(tmpdir(), "smalti-flight-"));
    try {
      await using client = await connect(directory);
      const report = await importMcap(
        client,
        await openFile(join(example, "flight.mcap")),
        { name: "flight" },
      );
      expect([report.messageCount, report.metadataCount]).toEqual([
        expected.messages,
        1,
      ]);
      expect(report.topics.filter(({ misfitCount }) => misfitCount > 0))
        .toEqual(
          [],
        );
      const handler = await client.sequenceHandler("flight");
      const found = handler.topics.map((
        { name, rowCount, firstNs, lastNs },
      ) => [name, rowCount, String(firstNs), String(lastNs)]);
      const wanted = expected.topics.map(
        (
          topic: {
            name: string;
            messages: number;
            first_ns: string;
            last_ns: string;
          },
        ) => [
          topic.name.slice(1),
          topic.messages,
          topic.first_ns,
          topic.last_ns,
        ],
      );
      expect(found).toEqual(wanted.sort());

      const hash = createHash("sha256");
      const rows = new Map<string, number>();
      const fields = new Map<string, Set<string>>();
      for await (const [topic, message] of handler.getDataStreamer()) {
        const row = rows.get(topic) ?? 0;
        rows.set(topic, row + 1);
        hash.update(`${message.timestampNs} /${topic} ${row}\n`);
        if (!fields.has(topic)) fields.set(topic, new Set());
        for (
          const key of Object.keys((message.toJSON() as { data: object }).data)
        ) fields.get(topic)!.add(key);
      }
      expect(hash.digest("hex")).toBe(expected.order_sha256);
      for (const { name, fields: names } of expected.topics) {
        for (const field of names) {
          expect(fields.get(name.slice(1))!.has(field)).toBe(true);
        }
      }
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

describe("openFile", () => {
  it("gives all bytes, and says how many", async () => {
    const path = join(example, "flight.mcap");
    const { name, sizeBytes, chunks } = await openFile(path);
    const hash = createHash("sha256");
    for await (const chunk of chunks) hash.update(chunk);
    expect([name, sizeBytes]).toEqual([path, readFileSync(path).length]);
    expect(hash.digest("hex")).toBe(
      createHash("sha256").update(readFileSync(path)).digest("hex"),
    );
  });

  it.each([
    ["no-such-file.mcap", "NOT_FOUND"],
    ["flight.mcap/inside", "NOT_FOUND"],
    ["", "INVALID_ARGUMENT"],
  ])("refuses %j with %s", async (path, code) => {
    const error = await openFile(join(example, path)).catch((reason) => reason);
    expect(error).toBeInstanceOf(SmaltiError);
    expect(error.code).toBe(code);
    expect(error.message).toContain(join(example, path));
  });
});
