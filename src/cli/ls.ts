/**
 * `smalti ls`: the sequences of a store.
 *
 * @module
 */
import type { Command } from "commander";
import type { Client } from "../client.ts";
import { SmaltiError } from "../error.ts";
import { mapLimited } from "../util/map_limited.ts";
import { totals } from "../util/totals.ts";
import type { SequenceInfo } from "../types.ts";
import { storeOption } from "./arguments.ts";
import type { Context } from "./context.ts";
import { errorText } from "./error_text.ts";
import { allTopics, stateText } from "./live_text.ts";
import { formatBytes } from "./number_text.ts";
import { openToWrite, withClient } from "./open.ts";
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

/** Where the store is far away, one after another would take a round trip each. */
const MANIFESTS_AT_A_TIME = 16;

/** Adds the command. */
export function addLs(program: Command, context: Context): void {
  program.command("ls")
    .description("Lists the sequences, with what is being recorded as far as it was flushed.")
    .argument(
      "[URL]",
      "the store, where it is not --store: a directory, s3://bucket/prefix, or a URL that has an index.json",
    )
    .addOption(storeOption())
    .option(
      "--write-index",
      "also write index.json into the store, which tells who reads it over HTTP what is there",
    )
    .action(async (url: string | undefined, { store, writeIndex }: { store: string; writeIndex?: true }) => {
      const place = url ?? store;
      await withClient(place, (client) => list(context, client), { write: false });
      if (writeIndex) await writeStoreIndex(place);
    });
}

/** It is whole at any time, and out of date as soon as a sequence comes or goes. */
async function writeStoreIndex(place: string): Promise<void> {
  const store = await openToWrite(place, "write an index into");
  const [{ connect }, { listStore }, { INDEX }] = await Promise.all([
    import("../entry/main.ts"),
    import("./store_list.ts"),
    import("../store/http/store_index.ts"),
  ]);
  const client = await connect(store);
  try {
    await store.replace(INDEX, await listStore(client, store));
  } finally {
    await client.close();
  }
}

async function list(context: Context, client: Client): Promise<void> {
  const names = await client.listSequences();
  const rows = await mapLimited(names, MANIFESTS_AT_A_TIME, async (name) => {
    context.signal.throwIfAborted();
    try {
      return describe(await client.sequenceInfo(name));
    } catch (reason) {
      if (!(reason instanceof SmaltiError)) throw reason;
      // A directory without a manifest: somebody else's, or what is left of a sequence that was removed.
      if (reason.code === "NOT_FOUND") return undefined;
      context.exitCode = 1;
      return [name, `${reason.code === "CORRUPT" ? "damaged" : "unreadable"}: ${errorText(reason)}`];
    }
  });
  const there = rows.filter((row) => row !== undefined);
  if (there.length > 0) await context.out.write(formatTable(COLUMNS, there));
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
