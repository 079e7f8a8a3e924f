/** Recording: smalti through LZ4 onto a disk, `@mcap/core` with ready-made bytes into memory. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "../mod.ts";
import { check, compare } from "./compare.ts";
import { columnsByTopic, makeRecording, push, pushColumns, writeMcap } from "./recording.ts";

const recording = makeRecording();
const count = recording.times.length;
const columns = columnsByTopic(recording);
const directory = await mkdtemp(join(tmpdir(), "smalti-bench-"));
const client = await connect(directory);
try {
  await compare([
    { name: "addMessage/mcap", count, run: () => writeMcap(recording, "") },
    {
      name: "addMessage/mcap lz4",
      count,
      run: () => writeMcap(recording, "lz4"),
      rival: "addMessage/mcap",
    },
    {
      name: "push/smalti js",
      count,
      rival: "addMessage/mcap",
      run: async () => {
        await replaced("push");
        await push(client, "push", recording);
        check("rows", (await client.sequenceHandler("push")).rowCount, count);
      },
    },
    {
      name: "pushColumns/smalti js",
      count,
      rival: "addMessage/mcap",
      run: async () => {
        await replaced("columns");
        await pushColumns(client, "columns", recording.topics, columns);
        check(
          "rows",
          (await client.sequenceHandler("columns")).rowCount,
          count,
        );
      },
    },
  ]);
} finally {
  await client.close();
  await rm(directory, { recursive: true });
}

/** Removing what the round before wrote is a small part of the cost, paid by smalti alone. */
async function replaced(name: string): Promise<void> {
  if ((await client.listSequences()).includes(name)) {
    await client.sequenceDelete(name);
  }
}
