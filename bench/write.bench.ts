/** Recording: smalti through LZ4 onto a disk, `@mcap/core` with ready-made bytes into memory. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "../mod.ts";
import { type Case, check, compare } from "./compare.ts";
import { engineNames } from "./engines.ts";
import { columnsByTopic, makeRecording, push, pushColumns, writeMcap } from "./recording.ts";

const recording = makeRecording();
const count = recording.times.length;
const columns = columnsByTopic(recording);
const directory = await mkdtemp(join(tmpdir(), "smalti-bench-"));
const clients = await Promise.all(engineNames.map((engine) => connect(directory, { engine })));
let rounds = 0;
try {
  await compare([
    { name: "addMessage/mcap", count, run: () => writeMcap(recording, "") },
    {
      name: "addMessage/mcap lz4",
      count,
      run: () => writeMcap(recording, "lz4"),
      rival: "addMessage/mcap",
    },
    ...clients.flatMap((client): Case[] => [
      {
        name: `push/smalti ${client.engine.name}`,
        count,
        rival: "addMessage/mcap",
        run: async () => {
          const name = nextName();
          await push(client, name, recording);
          check("rows", (await client.sequenceHandler(name)).rowCount, count);
        },
      },
      {
        name: `pushColumns/smalti ${client.engine.name}`,
        count,
        rival: "addMessage/mcap",
        run: async () => {
          const name = nextName();
          await pushColumns(client, name, recording.topics, columns);
          check("rows", (await client.sequenceHandler(name)).rowCount, count);
        },
      },
    ]),
  ]);
} finally {
  await Promise.all(clients.map((client) => client.close()));
  await rm(directory, { recursive: true });
}

/** Every round records anew: removing what an earlier one wrote would be a large part of the cost. */
function nextName(): string {
  return `round_${rounds++}`;
}
