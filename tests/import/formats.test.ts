import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { connect } from "../../mod.ts";
import { jsonLine } from "../../src/export/json_lines.ts";
import { importMcap } from "../../src/import/mcap/import_mcap.ts";
import { openFile } from "../../src/import/open_file.ts";
import { type ExpectedTopic, hashOf, lineOf } from "./canonical.ts";
import { IMPORTERS } from "./importers.ts";

const FILES = new URL("../fixtures/formats/", import.meta.url);
const path = (name: string) => decodeURIComponent(new URL(name, FILES).pathname);
const read = (name: string) => JSON.parse(readFileSync(path(name), "utf8"));

interface ExpectedFile {
  readonly rows: number;
  readonly topics: Readonly<Record<string, ExpectedTopic>>;
}

const expected = read("expected.json") as Record<string, ExpectedFile>;

describe.each(["wasm", "js"] as const)("engine %s", (engine) => {
  it.each(Object.keys(expected))("reads %s as other readers do", async (file) => {
    const extension = file.slice(file.lastIndexOf(".") + 1) as keyof typeof IMPORTERS;
    await using client = await connect("memory:", { engine });
    const report = await IMPORTERS[extension](client, await openFile(path(file)), { name: "s" });
    expect(report.messageCount).toBe(expected[file].rows);
    expect(report.topics.filter(({ misfitCount }) => misfitCount > 0)).toEqual([]);
    const names = new Map(report.topics.map(({ name, sourceName }) => [name, sourceName]));
    const lines: Record<string, string[]> = {};
    for await (const [, message] of (await client.sequenceHandler("s")).getDataStreamer()) {
      const { timestamp_ns, topic, data } = JSON.parse(jsonLine(message));
      const source = names.get(topic)!;
      // Of CSV the other readers give rows: which are their times is the importer's choice.
      const isCsv = extension === "csv";
      const name = isCsv ? "csv" : source in expected[file].topics ? source : `/${source}`;
      const time = isCsv ? String(lines[name]?.length ?? 0) : timestamp_ns;
      const line = lineOf(time, name, data, expected[file].topics[name], extension === "ulg");
      (lines[name] ??= []).push(line);
    }
    for (const [name, { rows, sha256, sha256_nan_as_null }] of Object.entries(expected[file].topics)) {
      expect([name, lines[name]?.length]).toEqual([name, rows]);
      expect([name, [sha256, sha256_nan_as_null]]).toEqual([
        name,
        expect.arrayContaining([hashOf(lines[name])]),
      ]);
    }
  });
});

describe("types of ROS as Mosaico's classes", () => {
  const answers = read("every_type.mosaico.json") as Record<
    string,
    { ontology: string; messages: { data?: Record<string, unknown>; refused?: string }[] }
  >;

  it("equal what Mosaico's own bridge makes of the same messages", async () => {
    await using client = await connect("memory:");
    await importMcap(client, await openFile(path("every_type.mcap")), { name: "s", ontology: ["*"] });
    const handler = await client.sequenceHandler("s");
    let compared = 0;
    for (const [topic, { ontology, messages }] of Object.entries(answers)) {
      const found = handler.topics.find(({ name }) => `/${name}` === topic)!;
      expect([topic, found.ontologyTag]).toEqual([topic, ontology]);
      const streamer = (await client.topicHandler("s", found.name)).getDataStreamer();
      let i = 0;
      for await (const message of streamer) {
        const { data: wanted, refused } = messages[i++];
        if (refused !== undefined) continue;
        const data = withoutNulls(JSON.parse(jsonLine(message)).data) as Record<string, unknown>;
        // Mosaico's bridge encodes pixels as PNG.
        if (ontology === "Image") Object.assign(data, { format: "png", data: undefined });
        expect([topic, i, data]).toEqual([topic, i, plain(wanted)]);
        compared++;
      }
      expect([topic, i]).toEqual([topic, messages.length]);
    }
    expect(compared).toBeGreaterThan(180);
  });
});

/** 64-bit integers are texts beyond 2^53, which a parser of JSON has rounded in what is expected. */
function plain(value: unknown): unknown {
  if (typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value)) {
    return expect.stringMatching(/^-?\d+$/);
  }
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([, inner]) => inner !== null);
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutNulls(inner)]));
}
