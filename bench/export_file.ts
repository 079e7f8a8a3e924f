/**
 * `deno run -A bench/export_file.ts STORE NAME FORMAT [PATH]`: exports one recording of any size onto the disk, and prints
 * what that took: seconds, processor seconds, MB written for one of them, the most memory.
 *
 * @module
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { connect, type SequenceHandler } from "../mod.ts";
import {
  createDirectory,
  createFile,
  exportArrow,
  exportCsv,
  exportJsonLines,
  exportMcap,
  exportParquet,
  type ExportReport,
} from "../src/export/mod.ts";

type Export = (handler: SequenceHandler, path: string) => Promise<ExportReport>;

const EXPORTS: Record<string, Export> = {
  "mcap": async (handler, path) => exportMcap(handler, await createFile(path)),
  "mcap-none": async (handler, path) => exportMcap(handler, await createFile(path), { compression: "none" }),
  "mcap-zstd": async (handler, path) => exportMcap(handler, await createFile(path), { compression: "zstd" }),
  "ndjson": async (handler, path) => exportJsonLines(handler, await createFile(path)),
  "csv": async (handler, path) => exportCsv(handler, await createDirectory(path)),
  "arrow": async (handler, path) => exportArrow(handler, await createDirectory(path)),
  "parquet": async (handler, path) => exportParquet(handler, await createDirectory(path)),
};

const [store, name, format, where = tmpdir()] = process.argv.slice(2);
const directory = await mkdtemp(join(where, "smalti-export-"));
try {
  const start = performance.now();
  await using client = await connect(store);
  const handler = await client.sequenceHandler(name);
  const { messageCount, byteCount } = await EXPORTS[format](handler, join(directory, "made"));
  const seconds = (performance.now() - start) / 1e3;
  const { user, system } = process.cpuUsage();
  const cpu = (user + system) / 1e6;
  console.log(
    `${format}: ${messageCount} messages, ${(byteCount / 1e6).toFixed(0)} MB; ${seconds.toFixed(2)} s; ` +
      `${cpu.toFixed(2)} s of processors, ${(byteCount / 1e6 / cpu).toFixed(0)} MB/s; ` +
      `${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB at most`,
  );
} finally {
  await rm(directory, { recursive: true });
}
