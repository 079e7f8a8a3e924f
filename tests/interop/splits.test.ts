/**
 * The Python package: it cuts the same splits as `client.splits`, text for text, and reads their rows in the same order.
 *
 * @module
 */
import * as fc from "fast-check";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, it } from "vitest";
import { type Client, connect, type SplitSize } from "../../mod.ts";
import { importMcap } from "../../src/import/mcap/import_mcap.ts";
import { openFile } from "../../src/import/open_file.ts";
import { FLIGHT } from "../support/cli_process.ts";
import { python, runPython } from "../support/python.ts";
import type { Sample } from "../support/sample_rows.ts";
import { anyChoice, type Choice, largeRecording, record, smallRecording } from "../read/order.ts";

const title = python ? "The Python package" : "The Python package (SMALTI_PYTHON names no Python)";
/** Of random recordings; printed when a test fails. */
const SEED = Number(process.env.SMALTI_SEED ?? Math.floor(Math.random() * 2 ** 31));

interface Request extends Pick<Choice, "topics"> {
  store: string;
  by: SplitSize;
  start_ns?: string;
  end_ns?: string;
  rows?: boolean;
  hash?: boolean;
}

interface Answer {
  splits: string[];
  rows?: string[];
  hash?: string;
}

async function ask(directory: string, requests: Request[]): Promise<Answer[]> {
  const path = join(directory, "requests.json");
  await writeFile(path, JSON.stringify(requests));
  const output = await runPython(new URL("splits.py", import.meta.url), path);
  return output.trim().split("\n").map((line) => JSON.parse(line));
}

async function inDirectory(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "smalti-splits-"));
  try {
    await body(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function withClient(store: string, body: (client: Client) => Promise<void>): Promise<void> {
  const client = await connect(store);
  try {
    await body(client);
  } finally {
    await client.close();
  }
}

/** What we give: the splits as texts and, if asked for, the rows as they are replayed. */
async function ours(
  client: Client,
  by: SplitSize,
  choice: Choice = {},
  withRows = false,
): Promise<Answer> {
  const splits: string[] = [];
  const rows: string[] = [];
  for await (const split of client.splits({ by, ...choice })) {
    splits.push(JSON.stringify(split));
    if (!withRows) continue;
    for await (const [topic, { timestampNs, data }] of (await client.openSplit(split)).getDataStreamer()) {
      rows.push(`${topic} ${timestampNs} ${(data as Sample).serial}`);
    }
  }
  return { splits, ...(withRows && { rows }) };
}

const anySize: fc.Arbitrary<SplitSize> = fc.oneof(
  fc.constant<SplitSize>("sequence"),
  fc.double({ min: 0, max: 20_000, minExcluded: true, noNaN: true }).map((bytes) => ({ bytes: bytes + 200 })),
  fc.constant<SplitSize>({ seconds: 1e10 }),
);

describe.skipIf(!python)(title, () => {
  it("cuts and replays any recording as we do", () =>
    inDirectory(async (directory) => {
      const cases = [
        ...fc.sample(fc.tuple(smallRecording, anySize), { numRuns: 40, seed: SEED }),
        ...fc.sample(fc.tuple(largeRecording, anySize), { numRuns: 4, seed: SEED }),
      ];
      const requests: Request[] = [];
      const wanted: Answer[] = [];
      for (const [i, [recording, by]] of cases.entries()) {
        const store = join(directory, `${i}`);
        const [choice] = fc.sample(anyChoice(recording.topics), { numRuns: 1, seed: SEED + i });
        const { topics, startNs, endNs } = choice;
        requests.push({
          store,
          by,
          ...(topics && { topics }),
          ...(startNs !== undefined && { start_ns: `${startNs}` }),
          ...(endNs !== undefined && { end_ns: `${endNs}` }),
          rows: true,
        });
        await withClient(store, async (client) => {
          // A capital tries the names of files.
          await record(client, "Drive", recording);
          wanted.push(await ours(client, by, choice, true));
        });
      }
      const answers = await ask(directory, requests);
      for (const [i, answer] of answers.entries()) {
        expect(answer, `case ${i} of seed ${SEED}`).toEqual(wanted[i]);
      }
    }), 60_000);

  it("cuts and replays the example flight as we do", () =>
    inDirectory(async (directory) => {
      const store = join(directory, "store");
      const sizes: SplitSize[] = ["sequence", { bytes: 300_000 }, { seconds: 3.7 }];
      await withClient(store, async (client) => {
        await importMcap(client, await openFile(FLIGHT), { name: "flight" });
        const answers = await ask(directory, sizes.map((by) => ({ store, by, hash: true })));
        const { order_sha256 } = JSON.parse(
          await readFile(FLIGHT.replace(".mcap", ".expected.json"), "utf8"),
        );
        for (const [i, by] of sizes.entries()) {
          expect(answers[i]).toEqual({ ...await ours(client, by), hash: order_sha256 });
          expect(answers[i].splits.length).toBeGreaterThan(i === 0 ? 0 : 2);
        }
      });
    }), 60_000);
});
