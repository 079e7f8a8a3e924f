import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { defineOntology } from "../../src/ontology/define_ontology.ts";
import { float64 } from "../../src/ontology/field.ts";
import { DirectoryStore } from "../../src/store/directory/directory_store.ts";
import { needsBuild, smalti } from "../support/cli_process.ts";
import { keepingBatches } from "../support/keeping_batches.ts";
import { clientOf, inDirectory, onStore } from "../support/places.ts";
import type { Client } from "../../src/client.ts";

const Value = defineOntology("Value", { value: float64() });

/** A sequence with topics of so many batches of a row each. */
async function record(client: Client, name: string, topics: Record<string, number>): Promise<void> {
  await client.sequenceCreate(name, { autoFlush: false }, async (sequence) => {
    for (const [topicName, batches] of Object.entries(topics)) {
      const topic = await sequence.topicCreate(topicName, { ontology: Value });
      for (let row = 0; row < batches; row++) {
        await topic.push({ timestampNs: BigInt(row), data: { value: Math.sin(row) } });
        await topic.flush();
      }
    }
  });
}

/** Runs `body` with a directory that was recorded in on a disk without room to join batches. */
function withRecordings(
  recordAll: (client: Client) => Promise<void>,
  body: (directory: string) => Promise<void>,
): Promise<void> {
  return inDirectory(async (directory) => {
    const store = keepingBatches(new DirectoryStore(directory));
    await onStore(store, recordAll);
    await body(directory);
  });
}

const SIZES = String.raw`[\d.]+ (?:B|kB|KB|KiB) to [\d.]+ (?:B|kB|KB|KiB)`;

describe.skipIf(needsBuild)(`smalti compact${needsBuild}`, () => {
  it("joins the batches of one sequence, and says what came of it", () =>
    withRecordings(
      (client) => record(client, "drive", { "b/c": 30, a: 20, one: 1 }),
      async (directory) => {
        const first = await smalti("compact", "drive", "--store", directory);
        expect([first.code, first.stderr]).toEqual([0, ""]);
        expect(first.stdout).toMatch(
          new RegExp(`^a: 20 to 1 batches, ${SIZES}\nb/c: 30 to 1 batches, ${SIZES}\ndrive: compacted\n$`),
        );
        expect(await smalti("compact", "drive", "--store", directory)).toEqual({
          code: 0,
          stdout: "drive: nothing to compact\n",
          stderr: "",
        });
        const verified = await smalti("verify", "drive", "--deep", "--store", directory);
        expect([verified.code, verified.stdout.split("\n").at(-2)]).toEqual([
          0,
          "drive: ok, 3 topics, 51 rows",
        ]);
      },
    ));

  it("takes all sequences, goes on after a damaged one, and passes over what is being recorded", () =>
    withRecordings(
      async (client) => {
        await record(client, "bad", { a: 20, b: 20 });
        await record(client, "broken", { a: 20 });
        await record(client, "good", { a: 20 });
        await record(client, "plain", { a: 1 });
      },
      async (directory) => {
        const file = join(directory, "bad", "a.arrow");
        const bytes = await readFile(file);
        bytes[bytes.length >> 1] ^= 4;
        await writeFile(file, bytes);
        await writeFile(join(directory, "broken", "sequence.json"), "{");
        await writeFile(join(directory, "notes"), "no sequence");
        const client = clientOf(new DirectoryStore(directory));
        const open = await client.sequenceCreate("now");
        await open.topicCreate("a", { ontology: Value });

        const { code, stdout, stderr } = await smalti("compact", "--store", directory);
        expect([code, stderr]).toEqual([1, ""]);
        const lines = stdout.trimEnd().split("\n");
        const wanted = [
          /^a: failed: .*bad\/a\.arrow/,
          /^b: 20 to 1 batches, /,
          /^bad: not compacted$/,
          /^broken: not compacted: .*[Mm]anifest/,
          /^a: 20 to 1 batches, /,
          /^good: compacted$/,
          /^now: not compacted: .*being recorded/,
          /^plain: nothing to compact$/,
        ];
        expect(lines.length).toBe(wanted.length);
        for (const [i, line] of lines.entries()) expect(line).toMatch(wanted[i]);
        // A topic that is damaged stays as it is.
        expect(new Uint8Array(await readFile(file))).toEqual(new Uint8Array(bytes));
        expect((await readdir(join(directory, "bad"))).sort()).toEqual([
          "a.arrow",
          "b.arrow",
          "sequence.json",
        ]);
        const one = await smalti("compact", "now", "--store", directory);
        expect([one.code, one.stdout]).toEqual([1, ""]);
        expect(one.stderr).toMatch(/^smalti: .*"now" is being recorded.*\n$/);
        await open.finalize();
        await client.close();

        const again = await smalti("compact", "now", "--store", directory);
        expect(again).toEqual({ code: 0, stdout: "now: nothing to compact\n", stderr: "" });
      },
    ));

  it("ends with 0 where all that is left is being recorded", () =>
    withRecordings(
      (client) => record(client, "good", { a: 20 }),
      async (directory) => {
        const client = clientOf(new DirectoryStore(directory));
        const open = await client.sequenceCreate("now");
        const { code, stdout, stderr } = await smalti("compact", "--store", directory);
        expect([code, stderr]).toEqual([0, ""]);
        expect(stdout).toMatch(/\ngood: compacted\nnow: not compacted: /);
        await open.abort();
        await client.close();
      },
    ));

  it("ends with 1 for an unknown sequence", () =>
    inDirectory(async (directory) => {
      expect(await smalti("compact", "nope", "--store", directory)).toEqual({
        code: 1,
        stdout: "",
        stderr: `smalti: No sequence "nope" in ${directory}\n`,
      });
      expect(await smalti("compact", "--store", directory)).toEqual({ code: 0, stdout: "", stderr: "" });
    }));
});
