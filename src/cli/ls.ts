/**
 * `smalti ls`: the sequences of a store.
 *
 * @module
 */
import type { Command } from "commander";
import type { Client } from "../client.ts";
import { SmaltiError } from "../error.ts";
import { totals } from "../util/totals.ts";
import type { SequenceInfo } from "../types.ts";
import { storeOption } from "./arguments.ts";
import type { Context } from "./context.ts";
import { errorText } from "./error_text.ts";
import { allTopics, stateText } from "./live_text.ts";
import { formatBytes } from "./number_text.ts";
import { withClient } from "./open.ts";
import { type Column, formatTable } from "./table.ts";
import { formatShortTime } from "./time_text.ts";

const COLUMNS: readonly Column[] = [
  { title: "name" },
  { title: "state" },
  { title: "topics", align: "right" },
  { title: "messages", align: "right" },
  { title: "first", align: "right" },
  { title: "last", align: "right" },
  { title: "bytes", align: "right" },
];

/** Adds the command. */
export function addLs(program: Command, context: Context): void {
  program.command("ls")
    .description("Lists the sequences, with what is being recorded as far as it was flushed.")
    .addOption(storeOption())
    .action(({ store }: { store: string }) => withClient(store, (client) => list(context, client)));
}

async function list(context: Context, client: Client): Promise<void> {
  const rows: string[][] = [];
  for (const name of await client.listSequences()) {
    context.signal.throwIfAborted();
    try {
      rows.push(describe(await client.sequenceInfo(name)));
    } catch (reason) {
      if (!(reason instanceof SmaltiError)) throw reason;
      // A directory without a manifest: somebody else's, or what is left of a sequence that was removed.
      if (reason.code === "NOT_FOUND") continue;
      rows.push([name, `${reason.code === "CORRUPT" ? "damaged" : "unreadable"}: ${errorText(reason)}`]);
      context.exitCode = 1;
    }
  }
  if (rows.length > 0) await context.out.write(formatTable(COLUMNS, rows));
}

function describe(info: SequenceInfo): string[] {
  const topics = allTopics(info);
  const { rowCount, firstNs, lastNs, sizeBytes } = totals(topics);
  return [
    info.name,
    stateText(info),
    `${topics.length}`,
    `${rowCount}`,
    formatShortTime(firstNs),
    formatShortTime(lastNs),
    formatBytes(sizeBytes),
  ];
}
