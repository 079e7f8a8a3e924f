/**
 * `smalti import --watch DIR`: recordings become sequences as they arrive.
 *
 * @module
 */
import { stat } from "node:fs/promises";
import { relative, resolve, sep } from "node:path";
import type { Client } from "../client.ts";
import { isNotFound, SmaltiError } from "../error.ts";
import type { JsonValue } from "../types.ts";
import { pause } from "../util/pause.ts";
import { type Arrival, arrivalKey, Arrivals } from "./arrivals.ts";
import type { Context } from "./context.ts";
import { errorText } from "./error_text.ts";
import { freeName, nameOfRecording, type Recording, walkFiles } from "./find_recordings.ts";
import { type GivenOptions, importRecordingFiles } from "./import_recording.ts";
import { writeFaults, writeReport } from "./import_report.ts";
import { writeError } from "./output.ts";
import { printable } from "./printable.ts";
import { isRemote, shownUrl } from "./remote_file.ts";
import { UsageError } from "./usage_error.ts";

/** The sequence's metadata that tells which file it was made of: `{ name, size, mtime_ms }`. */
const SOURCE_KEY = "import.source";
/** How often the directory is looked at, and how long a file has to stay as it is. */
const LOOK_MS = 1000;
const SETTLE_MS = 2000;

/** Imports what is in a directory, and what comes, until the signal. */
export async function importArriving(
  context: Context,
  client: Client,
  directory: string,
  store: string,
  options: Omit<GivenOptions, "name">,
): Promise<never> {
  const { signal } = context;
  if (!(await stat(directory).catch(() => undefined))?.isDirectory()) {
    const text = `There is no directory ${directory}`;
    throw isRemote(directory)
      ? new UsageError(`${shownUrl(directory)} cannot be watched: wanted a directory of this machine`)
      : new SmaltiError("NOT_FOUND", text, { file: directory });
  }
  const arrivals = new Arrivals(SETTLE_MS, await importedBefore(client));
  /** What was said of files that cannot be read, so that it is said once. */
  const told = new Set<string>();
  const tell = async (path: string, reason: unknown) => {
    const text = `smalti: ${printable(path)}: ${errorText(reason)}\n`;
    if (!told.has(text)) await writeError(text);
    told.add(text);
  };
  for (;;) {
    const found = await look(directory, store, tell);
    for (const arrival of arrivals.settled(found, performance.now())) {
      signal.throwIfAborted();
      try {
        const isWhole = await lookAt(arrival.recording);
        if (isWhole === false) continue;
        if (isWhole) await importArrival(context, client, arrival, options);
      } catch (reason) {
        if (signal.aborted || !(reason instanceof SmaltiError || reason instanceof UsageError)) throw reason;
        await tell(arrival.recording.path, reason);
      }
      arrivals.finish(arrival);
    }
    await pause(LOOK_MS, signal);
  }
}

/**
 * Keys of what the store has already, finalized or failed. What an import has left that was killed is removed, so that its file is imported
 * again.
 */
async function importedBefore(client: Client): Promise<string[]> {
  const entries = await client.listSequences({ details: true }).catch((reason) => {
    if (isNotFound(reason)) return []; // the store is made by its first sequence
    throw reason;
  });
  const keys: string[] = [];
  for (const { name: sequence, state, metadata } of entries) {
    const source = metadata?.[SOURCE_KEY] as Record<string, JsonValue> | undefined;
    if (typeof source !== "object" || source === null) continue;
    if (state === "recording" && await removeDead(client, sequence)) continue;
    const { name, size, mtime_ms } = source;
    keys.push(arrivalKey({ name: String(name), size: Number(size), mtimeMs: Number(mtime_ms) }));
  }
  return keys;
}

/** Removes a sequence that was not ended; false where its writer lives. */
async function removeDead(client: Client, sequence: string): Promise<boolean> {
  try {
    await client.sequenceDelete(sequence);
    return true;
  } catch (reason) {
    if (reason instanceof SmaltiError && reason.code === "LOCKED") return false;
    throw reason;
  }
}

async function look(
  directory: string,
  store: string,
  onError: (path: string, reason: unknown) => Promise<void>,
): Promise<Arrival[]> {
  const found: Arrival[] = [];
  for await (const recording of walkFiles(directory, { except: resolve(store), onError })) {
    try {
      const stats = await Promise.all(recording.files.map((file) => stat(file)));
      found.push({
        recording,
        name: relative(directory, recording.path).split(sep).join("/"),
        size: stats.reduce((sum, { size }) => sum + size, 0),
        mtimeMs: Math.max(...stats.map(({ mtimeMs }) => Math.trunc(mtimeMs))),
      });
    } catch (reason) {
      if ((reason as { code?: string }).code !== "ENOENT") throw reason; // it has gone meanwhile
    }
  }
  return found;
}

/** Whether the writer has ended all files of a recording, as far as a look at them tells; undefined where they are none. */
async function lookAt({ path, files }: Recording): Promise<boolean | undefined> {
  const [{ openFile }, { findFormat }] = await Promise.all([
    import("../import/open_file.ts"),
    import("../import/formats.ts"),
  ]);
  for (const file of files) {
    const source = await openFile(file);
    const format = await findFormat(source);
    if (!format && file === path) return undefined;
    if (await format?.isWhole?.(source) === false) return false;
  }
  return true;
}

async function importArrival(
  { out, signal }: Context,
  client: Client,
  { recording, name, size, mtimeMs }: Arrival,
  options: Omit<GivenOptions, "name">,
): Promise<void> {
  const taken = new Set(
    await client.listSequences().catch((reason) => {
      if (isNotFound(reason)) return [];
      throw reason;
    }),
  );
  const report = await importRecordingFiles(client, recording, {
    ...options,
    name: freeName(nameOfRecording(recording), taken),
    metadata: { ...options.metadata, [SOURCE_KEY]: { name, size, mtime_ms: mtimeMs } },
  }, signal);
  await writeReport(out, report, {});
  await out.flush();
  await writeFaults(report, `smalti: ${printable(recording.path)}: `);
}
