import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { connect } from "../../mod.ts";
import { isBlob } from "../../src/import/blob_source.ts";
import { importBag } from "../../src/import/bag/import_bag.ts";
import { importDb3 } from "../../src/import/db3/import_db3.ts";
import { importMcap } from "../../src/import/mcap/import_mcap.ts";
import { importUlog } from "../../src/import/ulog/import_ulog.ts";

const read = (name: string) => readFileSync(new URL(`../fixtures/formats/${name}`, import.meta.url));
const expected = JSON.parse(read("expected.json").toString()) as Record<
  string,
  { rows: number }
>;
const IMPORTERS = {
  mcap: importMcap,
  bag: importBag,
  db3: importDb3,
  ulg: importUlog,
};

describe("an import of a Blob", () => {
  it.each([
    "every_type.mcap",
    "fake_joint_state-bz2.bag",
    "talker.db3",
    "test_ulog.ulg",
  ])(
    "reads %s",
    async (file) => {
      const importer = IMPORTERS[
        file.slice(file.lastIndexOf(".") + 1) as keyof typeof IMPORTERS
      ];
      const progress: (number | undefined)[] = [];
      const onProgress = (_: number, total: number | undefined) => void progress.push(total);
      const bytes = read(file);
      await using client = await connect("memory:");
      const report = await importer(client, new Blob([new Uint8Array(bytes)]), {
        name: "s",
        onProgress,
      });
      expect(report.messageCount).toBe(expected[file].rows);
      expect(new Set(progress)).toEqual(new Set([bytes.length]));
    },
  );

  it("has the name of a File, in errors and reports", async () => {
    await using client = await connect("memory:");
    const files = ["cdr_test.mcap", "every_type.mcap"].map((name) =>
      new File([new Uint8Array(read(name))], name)
    );
    const { files: told } = await importMcap(client, files, { name: "s" });
    expect(told).toEqual([
      { name: "cdr_test.mcap", messageCount: expected["cdr_test.mcap"].rows },
      {
        name: "every_type.mcap",
        messageCount: expected["every_type.mcap"].rows,
      },
    ]);
    await expect(
      importMcap(client, new File(["hello world"], "note.txt"), { name: "t" }),
    )
      .rejects.toThrow('Cannot import "note.txt"');
  });

  it("is told from streams and sources", () => {
    expect(isBlob(new Blob([]))).toBe(true);
    expect(isBlob(new Blob([]).stream())).toBe(false);
    expect(isBlob({ chunks: new Blob([]).stream(), sizeBytes: 0 })).toBe(false);
    expect(isBlob(new Uint8Array(3))).toBe(false);
  });
});
