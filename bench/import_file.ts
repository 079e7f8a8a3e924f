/**
 * `deno run -A bench/import_file.ts FILE [STORE]`: imports one file of any size onto the disk, and prints what that took:
 * seconds, MB of the file a second, processor seconds, the most memory.
 *
 * @module
 */
import { mkdtemp, rm } from "node:fs/promises";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { tmpdir } from "node:os";
import process from "node:process";
import { connect } from "../mod.ts";
import { importBag, importDb3, importMcap, importUlog, openFile } from "../src/import/mod.ts";

const IMPORTS = {
  mcap: importMcap,
  bag: importBag,
  db3: importDb3,
  ulg: importUlog,
};

const [path, where = tmpdir()] = process.argv.slice(2);
const kind = path.slice(path.lastIndexOf(".") + 1) as keyof typeof IMPORTS;
const directory = await mkdtemp(join(where, "smalti-import-"));
try {
  const start = performance.now();
  const client = await connect(directory);
  const { messageCount, topics, flaws } = await IMPORTS[kind](
    client,
    await openFile(path),
    { name: "made" },
  );
  await client.close();
  const seconds = (performance.now() - start) / 1e3;
  const { size } = await stat(path);
  const { user, system } = process.cpuUsage();
  const misfits = topics.reduce((sum, { misfitCount }) => sum + misfitCount, 0);
  console.log(
    `${kind}: ${messageCount} messages, ${misfits} misfits, ${flaws.length} flaws; ${
      seconds.toFixed(2)
    } s, ` +
      `${(size / 1e6 / seconds).toFixed(0)} MB/s; ${((user + system) / 1e6).toFixed(2)} s of processors; ` +
      `${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB at most`,
  );
} finally {
  await rm(directory, { recursive: true });
}
