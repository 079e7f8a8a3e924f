/**
 * `deno run -A bench/edit_recording.ts [MB]`: filters, cuts and merges a recording of make_recording.ts's (1000 MB unless told)
 * on the disk, each in a process of its own, and prints what that took: seconds, MB of what is stored a second, the most memory.
 *
 * @module
 */
import { execFileSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { type Client, connect, type SequenceHandler, type SequenceInfo } from "../mod.ts";
import { cutSequence, filterSequence, mergeSequences } from "../src/edit/mod.ts";
import { importMcap } from "../src/import/mod.ts";
import { check } from "./compare.ts";
import { makeMcap } from "./make_recording.ts";

type Edit = (made: SequenceHandler, client: Client) => Promise<SequenceInfo | SequenceInfo[]>;

/** In this order: some take what one before them has made. */
const EDITS: Record<string, Edit> = {
  filter: (made, client) => filterSequence(made, client, "copy"),
  "filter, half the time": (made, client) => {
    const middle = (made.firstNs! + made.lastNs!) / 2n;
    return filterSequence(made, client, "half", { startNs: middle });
  },
  "merge side by side": async (made, client) => {
    const copy = await client.sequenceHandler("copy");
    return await mergeSequences([made, copy], client, "both", { prefixes: ["made", "copy"] });
  },
  "cut into 100": (made, client) => {
    const everyNs = (made.lastNs! - made.firstNs!) / 100n + 1n;
    return cutSequence(made, client, { everyNs, name: "short" });
  },
  "cut by size": (made, client) =>
    cutSequence(made, client, { sizeBytes: made.sizeBytes / 10, name: "part" }),
  "merge of 10 parts": async (_made, client) => {
    const names = (await client.listSequences()).filter((name) => name.startsWith("part_"));
    const parts = await Promise.all(names.map((name) => client.sequenceHandler(name)));
    return await mergeSequences(parts, client, "whole");
  },
};

const rowsOf = (info: SequenceInfo) => info.topics.reduce((sum, { rowCount }) => sum + rowCount, 0);

const [first = "1000", directory] = process.argv.slice(2);
if (directory !== undefined) await (Object.hasOwn(EDITS, first) ? run : record)(first, directory);
else {
  const made = await mkdtemp(join(tmpdir(), "smalti-edit-"));
  try {
    // Not here: a process counts what the one that started it has held.
    start(first, made);
    for (const edit of Object.keys(EDITS)) console.log(start(edit, made));
  } finally {
    await rm(made, { recursive: true });
  }
}

async function record(megabytes: string, directory: string): Promise<void> {
  await using client = await connect(directory);
  await importMcap(client, makeMcap(1e6 * Number(megabytes)), { name: "made" });
}

/** One step in a process of its own; what it prints. */
function start(step: string, directory: string): string {
  const isDeno = "deno" in process.versions;
  const command = isDeno ? ["run", "-A", "--node-modules-dir=manual"] : [];
  const self = [...command, fileURLToPath(import.meta.url), step, directory];
  return execFileSync(process.execPath, self, { encoding: "utf8" }).trimEnd();
}

async function run(edit: string, directory: string): Promise<void> {
  await using client = await connect(directory);
  const made = await client.sequenceHandler("made");
  const start = performance.now();
  const infos = [await EDITS[edit](made, client)].flat();
  const seconds = (performance.now() - start) / 1e3;
  const rows = infos.reduce((sum, info) => sum + rowsOf(info), 0);
  const { rowCount } = made;
  if (edit.includes("half")) {
    check("whether half is kept", Math.abs(2 * rows - rowCount) < 0.01 * rowCount, true);
  } else check("rows", rows, edit.includes("side by side") ? 2 * rowCount : rowCount);
  const bytes = infos.flatMap(({ topics }) => topics).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  console.log(
    `${edit}: ${rows} messages, ${(bytes / 1e6).toFixed(0)} MB; ${seconds.toFixed(2)} s, ` +
      `${(bytes / 1e6 / seconds).toFixed(0)} MB/s; ` +
      `${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB at most`,
  );
}
