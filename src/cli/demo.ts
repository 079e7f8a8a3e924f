/**
 * `smalti demo`: imports a real flight and replays it.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { access } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import type { Client } from "../client.ts";
import { isNotFound, SmaltiError } from "../error.ts";
import type { SequenceHandler } from "../read/sequence_handler.ts";
import { storeOption } from "./arguments.ts";
import type { Context } from "./context.ts";
import { ofFile } from "./find_recordings.ts";
import { importOne } from "./import.ts";
import { printInfo } from "./info.ts";
import { count } from "./number_text.ts";
import { withClient } from "./open.ts";
import { startProgress } from "./progress.ts";

const EXAMPLE = "examples/px4-vtol-flight/flight.mcap";
/** The sequence it becomes. */
const NAME = "px4-vtol-flight";
/** Marks that sequence as ours to replace: nobody's recording is removed for a demo. */
const MARK = "smalti.demo";

/** Adds the command. */
export function addDemo(program: Command, context: Context): void {
  program.command("demo")
    .description(
      `Imports the example flight as ${NAME} (again, where the demo ran before) and replays all of it.`,
    )
    .addOption(storeOption())
    .action(async ({ store }: { store: string }) => {
      const file = await findExample();
      await withClient(store, async (client) => {
        await removeEarlier(client, store);
        await importOne(context, client, ofFile(file), { name: NAME, metadata: { [MARK]: EXAMPLE } });
        const handler = await client.sequenceHandler(NAME);
        await context.out.write("\n");
        await printInfo(context, handler);
        await context.out.write("\n" + await replay(context, handler));
      });
    });
}

/** The example beside the sources, which are in `src/cli/` or, compiled, in dist/. */
async function findExample(): Promise<string> {
  const compiled = "dist/node_modules/smalti/dist/";
  const up = import.meta.url.includes(`/${compiled}src/cli/`) ? compiled.replaceAll(/[^/]+/g, "..") : "";
  const url = new URL(`${up}../../${EXAMPLE}`, import.meta.url);
  try {
    const path = fileURLToPath(url);
    await access(path);
    return path;
  } catch (cause) {
    const text = `The demo's recording, ${EXAMPLE}, is not here (${url}): it comes with the repository, ` +
      "not with the package. smalti import FILE takes any MCAP file";
    throw new SmaltiError("NOT_FOUND", text, { file: EXAMPLE, cause });
  }
}

/** Removes what an earlier demo left, finished or not. ALREADY_EXISTS where the name is somebody else's. */
async function removeEarlier(client: Client, store: string): Promise<void> {
  const found = await client.sequenceInfo(NAME).catch((reason) => {
    if (isNotFound(reason)) return undefined;
    throw reason;
  });
  if (!found) return;
  if (!(MARK in found.metadata)) {
    const text = `Sequence "${NAME}" in ${store} is not of the demo: remove it, or choose another --store`;
    throw new SmaltiError("ALREADY_EXISTS", text, { sequence: NAME });
  }
  await client.sequenceDelete(NAME);
}

/**
 * Reads all messages in order. The hash is over a line `<timestamp_ns> <topic> <row>` for each, topics with the leading
 * `/` that they have in the file, rows counted within the topic.
 */
async function replay({ signal }: Context, handler: SequenceHandler): Promise<string> {
  const hash = createHash("sha256");
  const rows = new Map<string, number>();
  let messages = 0;
  const progress = await startProgress("replaying");
  try {
    for await (const block of handler.getDataStreamer({ signal }).batches()) {
      let lines = "";
      for (const [topic, { timestampNs }] of block) {
        const row = rows.get(topic) ?? 0;
        rows.set(topic, row + 1);
        lines += `${timestampNs} /${topic} ${row}\n`;
      }
      hash.update(lines);
      messages += block.length;
      progress.update(messages, handler.rowCount);
    }
  } finally {
    progress.stop();
  }
  const what = `${count(messages, "message")} on ${count(rows.size, "topic")}`;
  return `replayed ${what}, order sha256 ${hash.digest("hex")}\n`;
}
