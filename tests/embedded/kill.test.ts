/**
 * Recorders that are killed at random moments, and what is left of what they recorded. `SMALTI_KILLS` is how many,
 * `SMALTI_KILL_SEED` the seed of the first; the others follow it.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { readdir, readFile, truncate } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import * as library from "../../mod.ts";
import type { Client, RecoverReport, SequenceHandler } from "../../mod.ts";
import { expectError } from "../support/errors.ts";
import { inDirectory } from "../support/places.ts";
import { sameBytes } from "../support/bytes.ts";
import { attachmentOf, dataOf, ontologies, seeded, timeOf } from "./kill_rows.mjs";

const KILLS = Number(process.env.SMALTI_KILLS ?? 20);
const SEED = Number(process.env.SMALTI_KILL_SEED ?? Date.now() % 1e9);

const [isDeno, isBun] = ["deno", "bun"].map((name) => name in process.versions);
/** What the recorder can load: Node runs no TypeScript, so there the compiled library. */
const module = isDeno || isBun
  ? new URL("../../mod.ts", import.meta.url).href
  : process.env.SMALTI_MOD && pathToFileURL(process.env.SMALTI_MOD).href;
const needsBuild = module ? "" : " (SMALTI_MOD does not name a compiled library)";

/** What a recorder said of one sequence. */
interface Told {
  /** Rows of each topic that are durable. */
  flushed: Map<string, number>;
  /** Bytes of their files that hold these. */
  bytes: Map<string, number>;
  /** Rows of each topic of a session that was committed. */
  finalized: Map<string, number>;
  attached: number[];
}

function nothing(): Told {
  return { flushed: new Map(), bytes: new Map(), finalized: new Map(), attached: [] };
}

/** What came of all kills. */
const figures = {
  kills: 0,
  beforeManifest: 0,
  intact: 0,
  recovered: 0,
  files: 0,
  rowsFlushed: 0,
  rowsKept: 0,
  bytesDiscarded: 0,
};

/** Starts a recorder, kills it some time after it is ready, and gives what it had said. */
async function recordAndKill(directory: string, seed: number, delayMs: number): Promise<Map<string, Told>> {
  const script = fileURLToPath(new URL("kill_recorder.mjs", import.meta.url));
  const runtime = isDeno ? ["run", "-A", "--node-modules-dir=manual"] : [];
  const child = spawn(process.execPath, [...runtime, script, module!, directory, String(seed)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const texts = { stdout: "", stderr: "" };
  let timer: ReturnType<typeof setTimeout> | undefined;
  child.stderr!.setEncoding("utf8").on("data", (text: string) => texts.stderr += text);
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    texts.stdout += text;
    timer ??= setTimeout(() => child.kill("SIGKILL"), delayMs);
  });
  await new Promise((resolve, reject) => child.once("error", reject).once("close", resolve));
  expect([child.signalCode, texts.stderr]).toEqual(["SIGKILL", ""]);
  const told = new Map<string, Told>();
  // The last line may be cut.
  for (const line of texts.stdout.split("\n").slice(0, -1)) {
    const said = JSON.parse(line);
    if (said.ready) continue;
    let one = told.get(said.sequence);
    if (!one) told.set(said.sequence, one = nothing());
    for (const [topic, rows] of Object.entries(said.flushed ?? {})) {
      one.flushed.set(topic, Math.max(rows as number, one.flushed.get(topic) ?? 0));
    }
    for (const [topic, size] of Object.entries(said.bytes ?? {})) one.bytes.set(topic, size as number);
    for (const [topic, rows] of Object.entries(said.finalized ?? {})) {
      one.finalized.set(topic, rows as number);
    }
    if (said.attached !== undefined) one.attached.push(said.attached);
  }
  return told;
}

/** All files below a directory but locks, and their bytes. */
async function snapshot(directory: string): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && entry.name !== "sequence.lock") files.set(path, await readFile(path));
  }
  return files;
}

/** As a loss of power may leave the files: what was not yet durable is gone, from some byte on. */
async function cutFiles(
  directory: string,
  committed: Set<string>,
  { bytes }: Told,
  random: () => number,
): Promise<void> {
  for (const [path, content] of await snapshot(directory)) {
    const topic = path.slice(directory.length + 1).replace(/\.arrow$/, "");
    if (!path.endsWith(".arrow") || committed.has(topic) || random() < 0.3) {
      continue;
    }
    // One with a footer may have come to its path when its batches had been joined: whole and durable.
    if (new TextDecoder().decode(content.subarray(-6)) === "ARROW1") continue;
    const durable = bytes.get(topic) ?? 0;
    await truncate(
      path,
      durable + Math.floor(random() * (content.length - durable)),
    );
  }
}

/** Expects that a topic holds its first rows, in order, and is sound; gives how many. */
async function checkTopic(handler: SequenceHandler, name: string): Promise<number> {
  const topic = await handler.topicHandler(name);
  expect(await topic.verify({ deep: true })).toEqual([]);
  const rows = Array.from({ length: topic.rowCount }, (_, row) => ({ row, ns: timeOf(name, row) as bigint }));
  rows.sort((a, b) => (a.ns < b.ns ? -1 : a.ns > b.ns ? 1 : a.row - b.row));
  let at = 0;
  for await (const { timestampNs, data } of topic.getDataStreamer()) {
    const { row, ns } = rows[at++];
    const wanted = JSON.stringify([ns, dataOf(name, row)], plain);
    const found = JSON.stringify([timestampNs, data], plain);
    if (found !== wanted) throw new Error(`Row ${row} of ${name} is ${found}: wanted ${wanted}`);
  }
  expect([name, at]).toEqual([name, topic.rowCount]);
  return topic.rowCount;
}

/** Messages write integers as numbers where these can hold them, and what is missing as null. */
function plain(_key: string, value: unknown): unknown {
  if (value === undefined) return null;
  if (typeof value === "bigint" || typeof value === "number") return String(value);
  return ArrayBuffer.isView(value) ? Array.from(value as Float64Array) : value;
}

/** Expects the strict order over all topics. */
async function checkOrder(handler: SequenceHandler): Promise<void> {
  let [lastNs, lastTopic, rows] = [-(2n ** 63n), "", 0];
  for await (const [topic, { timestampNs }] of handler.getDataStreamer()) {
    if (timestampNs < lastNs || (timestampNs === lastNs && topic < lastTopic)) {
      throw new Error(`${topic} at ${timestampNs} follows ${lastTopic} at ${lastNs}`);
    }
    [lastNs, lastTopic, rows] = [timestampNs, topic, rows + 1];
  }
  expect(rows).toBe(handler.rowCount);
}

/** What was committed is there before anything is recovered. */
async function checkFinalized(client: Client, name: string, told: Told): Promise<void> {
  if (told.finalized.size === 0) return;
  const handler = await client.sequenceHandler(name);
  expect(handler.state).toBe("finalized");
  for (const [topic, rows] of told.finalized) {
    expect([topic, await checkTopic(handler, topic)]).toEqual([topic, rows]);
  }
}

async function checkAttachments(handler: SequenceHandler, { attached }: Told): Promise<void> {
  const bytes = await Promise.all(handler.attachments.map((one) => handler.readAttachment(one)));
  const found = new Set(bytes.map((one) => one.join()));
  for (const number of attached) {
    expect(found.has(attachmentOf(handler.name, number).join())).toBe(true);
  }
}

async function checkRecovery(client: Client, directory: string, name: string, told: Told): Promise<void> {
  const before = await snapshot(join(directory, name));
  const report: RecoverReport = await client.recover(name);
  const after = await snapshot(join(directory, name));
  const joined = new Set(
    report.files.filter(({ batchesKept }) => batchesKept > 1).map(({ topic }) =>
      join(directory, name, `${topic}.arrow`)
    ),
  );
  for (const [path, bytes] of before) {
    if (!path.endsWith(".arrow")) continue;
    const now = after.get(path);
    if (now) {
      // Files keep their batches, unless another with the same rows has come to the path.
      const of = report.files.find(({ topic }) => path === join(directory, name, `${topic}.arrow`));
      const held = bytes.length - (of?.bytesDiscarded ?? 0);
      const isKept = sameBytes(now.subarray(0, held), bytes.subarray(0, held)) || joined.has(path);
      expect([path, isKept]).toEqual([path, true]);
    } else {
      // One that ends within its schema is taken away.
      expect(
        report.files.map(({ topic }) => join(directory, name, `${topic}.arrow`)),
      ).toContain(path);
    }
  }
  expect([...after.keys()].filter((path) => path.endsWith(".arrow.new")))
    .toEqual([]);

  const handler = await client.sequenceHandler(name);
  const kept = new Map<string, number>();
  for (const { name: topic } of handler.topics) kept.set(topic, await checkTopic(handler, topic));
  for (const [topic, rows] of told.flushed) {
    expect([topic, (kept.get(topic) ?? -1) >= rows]).toEqual([topic, true]);
    figures.rowsFlushed += rows;
  }
  for (const [topic, rows] of told.finalized) expect([topic, kept.get(topic)]).toEqual([topic, rows]);
  await checkOrder(handler);
  await checkAttachments(handler, told);

  for (const { topic, rowsKept, batchesKept, bytesDiscarded, lastNs, error } of report.files) {
    expect([topic, error]).toEqual([topic, undefined]);
    const info = handler.topics.find((one) => one.name === topic);
    expect([topic, rowsKept, lastNs]).toEqual([topic, info?.rowCount ?? 0, info?.lastNs]);
    expect(batchesKept > 0).toBe(rowsKept > 0);
    expect(bytesDiscarded).toBeGreaterThanOrEqual(0);
    figures.rowsKept += rowsKept;
    figures.bytesDiscarded += bytesDiscarded;
  }
  figures.files += report.files.length;
  figures[report.changed ? "recovered" : "intact"]++;

  expect(await client.recover(name)).toEqual({ sequence: name, changed: false, files: [] });
  const again = await snapshot(join(directory, name));
  expect([...again.keys()].sort()).toEqual([...after.keys()].sort());
  expect([...again].filter(([path, bytes]) => !sameBytes(bytes, after.get(path)))).toEqual([]);

  const sequence = await client.sequenceUpdate(name);
  const { number: ontology } = ontologies(library);
  for (const topic of kept.keys()) {
    await expectError(() => sequence.topicCreate(topic, { ontology }), "ALREADY_EXISTS");
  }
  const topic = await sequence.topicCreate("number_after", { ontology });
  await topic.push({ timestampNs: timeOf(topic.name, 0), data: dataOf(topic.name, 0) as never });
  const attached = handler.attachments.length;
  await sequence.attach({ name: "after" }, Uint8Array.of(7));
  await sequence.finalize();
  const updated = await client.sequenceHandler(name);
  expect(await checkTopic(updated, "number_after")).toBe(1);
  expect(updated.topics.length).toBe(kept.size + 1);
  expect(updated.attachments.length).toBe(attached + 1);
  await checkAttachments(updated, told);
}

async function checkKill(seed: number): Promise<void> {
  const random = seeded(seed);
  // Some die before they have begun.
  const delayMs = random() < 0.25 ? random() * 8 : random() * 250;
  const losesPower = random() < 0.5;
  await inDirectory(async (directory) => {
    const told = await recordAndKill(directory, seed, delayMs);
    figures.kills++;
    const client = await library.connect(directory);
    try {
      const names = await client.listSequences();
      expect(names).toEqual(expect.arrayContaining([...told.keys()]));
      for (const name of names) {
        const one = told.get(name) ?? nothing();
        const known = await client.sequenceInfo(name).catch((reason) => reason);
        if (known instanceof library.SmaltiError) {
          expect(known.code).toBe("NOT_FOUND");
          figures.beforeManifest++;
          expect(told.has(name)).toBe(false);
          await expectError(() => client.recover(name), "NOT_FOUND");
          await (await client.sequenceCreate(name)).finalize();
          continue;
        }
        const committed = new Set((known as library.SequenceInfo).topics.map((topic) => topic.name));
        if (losesPower) await cutFiles(join(directory, name), committed, one, random);
        await checkFinalized(client, name, one);
        await checkRecovery(client, directory, name, one);
      }
    } finally {
      await client.close();
    }
  });
}

describe("A recorder that is killed", () => {
  it.skipIf(!module)(`loses nothing that it was told is durable${needsBuild}`, async () => {
    let next = SEED;
    const killAll = async () => {
      for (let seed = next++; seed < SEED + KILLS; seed = next++) {
        try {
          await checkKill(seed);
        } catch (reason) {
          throw new Error(`SMALTI_KILLS=1 SMALTI_KILL_SEED=${seed}: ${(reason as Error).message}`, {
            cause: reason,
          });
        }
      }
    };
    // Side by side: while one recorder runs, what another has left is looked at.
    await Promise.all(Array.from({ length: 3 }, killAll));
    expect(figures.kills).toBe(KILLS);
    if (KILLS > 10) expect(figures.recovered).toBeGreaterThan(0);
    console.log(JSON.stringify({ seed: SEED, ...figures }));
  }, Math.max(60_000, 5_000 * KILLS));
});
