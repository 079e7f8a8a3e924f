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
import { formatBytes } from "./number_text.ts";
import { readInfo, withClient } from "./open.ts";
import { printable } from "./printable.ts";
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
    .description("Lists the sequences.")
    .addOption(storeOption())
    .action(({ store }: { store: string }) => withClient(store, (client) => list(context, client)));
}

async function list(context: Context, client: Client): Promise<void> {
  const rows: string[][] = [];
  for (const name of await client.listSequences()) {
    context.signal.throwIfAborted();
    try {
      rows.push(describe((await readInfo(client, name)).info));
    } catch (reason) {
      if (!(reason instanceof SmaltiError)) throw reason;
      // A directory without a manifest: somebody else's, or what is left of a sequence that was removed.
      if (reason.code === "NOT_FOUND") continue;
      if (reason.code === "LOCKED") {
        rows.push([name, "recording", ...new Array<string>(COLUMNS.length - 2).fill("-")]);
        continue;
      }
      rows.push([name, `${reason.code === "CORRUPT" ? "damaged" : "unreadable"}: ${errorText(reason)}`]);
      context.exitCode = 1;
    }
  }
  if (rows.length > 0) await context.out.write(formatTable(COLUMNS, rows));
}

function describe(info: SequenceInfo): string[] {
  const { rowCount, firstNs, lastNs, sizeBytes } = totals(info.topics);
  return [
    info.name,
    printable(info.state),
    `${info.topics.length}`,
    `${rowCount}`,
    formatShortTime(firstNs),
    formatShortTime(lastNs),
    formatBytes(sizeBytes),
  ];
}
