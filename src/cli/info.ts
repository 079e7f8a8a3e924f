/**
 * `smalti info NAME`: what a sequence holds.
 *
 * @module
 */
import type { Command } from "commander";
import { SmaltiError } from "../error.ts";
import type { SequenceHandler } from "../read/sequence_handler.ts";
import { jsonText } from "../util/json_text.ts";
import { totals } from "../util/totals.ts";
import type { AttachmentInfo, SequenceInfo, SessionInfo, TopicInfo } from "../types.ts";
import { activityBar } from "./activity.ts";
import { nameArgument, storeOption } from "./arguments.ts";
import type { Context } from "./context.ts";
import { allTopics, stateText } from "./live_text.ts";
import { count, formatBytes, formatRate } from "./number_text.ts";
import { withClient } from "./open.ts";
import { printable } from "./printable.ts";
import { type Column, formatTable } from "./table.ts";
import { formatDuration, formatShortTime, formatTime, isDate } from "./time_text.ts";

const COLUMNS: readonly Column[] = [
  { title: "topic" },
  { title: "rows", align: "right" },
  { title: "rate", align: "right" },
  { title: "first", align: "right" },
  { title: "last", align: "right" },
  { title: "ontology" },
  { title: "bytes", align: "right" },
  { title: "activity" },
];

/** Characters of a metadata value; schemas of whole messages are among them. */
const MAX_VALUE = 160;

/** Adds the command. */
export function addInfo(program: Command, context: Context): void {
  program.command("info")
    .description(
      "Tells what a sequence holds. Times are UTC dates, or seconds where the clock is not the epoch's (before 1980).",
    )
    .addArgument(nameArgument())
    .addOption(storeOption())
    .action(async (name: string, { store }: { store: string }) => {
      await withClient(store, async (client) => {
        const info = await client.sequenceInfo(name);
        const handler = info.state === "recording" ? undefined : await client.sequenceHandler(name);
        await context.out.write(describe(info));
        await printTopics(context, info, handler);
      });
    });
}

/** Prints the facts and the table of a sequence. */
export async function printInfo(context: Context, handler: SequenceHandler): Promise<void> {
  await context.out.write(describe(handler.info));
  await printTopics(context, handler.info, handler);
  await context.out.flush();
}

/** Facts about the sequence, a line each. */
function describe(info: SequenceInfo): string {
  const topics = allTopics(info);
  const writer = info.live?.writtenBy === undefined ? [] : [info.live.writtenBy];
  const { rowCount, sizeBytes, firstNs, lastNs } = totals(topics);
  const lines: [string, string][] = [
    ["sequence", info.name],
    ["state", stateText(info, "never finalized, its writer is gone: recover it")],
    ...writer.map((who): [string, string] => ["writer", printable(who)]),
    ["created", formatDate(info.created)],
    ["first", formatExactTime(firstNs)],
    ["last", formatExactTime(lastNs)],
    ["duration", firstNs === undefined || lastNs === undefined ? "-" : formatDuration(lastNs - firstNs)],
    ["messages", `${rowCount}`],
    ["topics", `${topics.length}`],
    ["bytes", `${sizeBytes}${sizeBytes < 1024 ? "" : ` (${formatBytes(sizeBytes)})`}`],
    ...info.sessions.map((session): [string, string] => ["session", describeSession(session, topics)]),
    ...Object.entries(info.metadata).map(([key, value]): [string, string] => {
      return ["metadata", `${printable(key)} = ${cut(printable(jsonText(value)))}`];
    }),
    ...info.attachments.map((attachment): [string, string] => ["attachment", describeAttachment(attachment)]),
  ];
  return lines.map(([title, text]) => `${title.padEnd(10)}  ${text}\n`).join("");
}

/** The table of topics; nobody draws the activity of what is being recorded. */
async function printTopics(
  { out, signal }: Context,
  info: SequenceInfo,
  handler: SequenceHandler | undefined,
): Promise<void> {
  const rows: string[][] = [];
  const going = info.live?.writer === "gone" ? "to be recovered" : "recording";
  for (const topic of allTopics(info)) {
    signal.throwIfAborted();
    const isCommitted = handler?.topics.some(({ name }) => name === topic.name);
    const activity = isCommitted ? await activityOf(handler!, topic.name, signal) : going;
    rows.push([...describeTopic(topic), activity]);
  }
  if (rows.length > 0) await out.write("\n" + formatTable(COLUMNS, rows));
}

function describeTopic(topic: TopicInfo): string[] {
  const { name, rowCount, firstNs, lastNs, ontologyTag, sizeBytes } = topic;
  return [
    name,
    `${rowCount}`,
    formatRate(rowCount, firstNs, lastNs),
    formatShortTime(firstNs),
    formatShortTime(lastNs),
    printable(ontologyTag),
    formatBytes(sizeBytes),
  ];
}

/** The bar, or the damage that keeps it from being drawn: the rest of the table is worth having. */
async function activityOf(handler: SequenceHandler, name: string, signal: AbortSignal): Promise<string> {
  try {
    return await activityBar(await handler.topicHandler(name), signal);
  } catch (reason) {
    if (!(reason instanceof SmaltiError) || reason.code !== "CORRUPT") throw reason;
    return "damaged, see smalti verify";
  }
}

function describeSession(
  { id, state, created, ended, reason }: SessionInfo,
  all: readonly TopicInfo[],
): string {
  const topics = all.filter(({ sessionId }) => sessionId === id);
  const until = ended ? ` to ${formatDate(ended)}` : "";
  const why = reason === undefined ? "" : `: ${printable(reason)}`;
  return `${formatDate(created)}${until}, ${count(topics.length, "topic")}, ${printable(state)}${why}`;
}

function describeAttachment({ name, mediaType, sizeBytes }: AttachmentInfo): string {
  return printable(`${name}${mediaType ? `, ${mediaType}` : ""}, ${formatBytes(sizeBytes)}`);
}

function formatDate(date: Date): string {
  return date.toISOString();
}

/** A time to the nanosecond, in words and as `--start` takes it. */
function formatExactTime(ns: bigint | undefined): string {
  if (ns === undefined) return "-";
  return `${formatTime(ns)}${isDate(ns) ? "" : " s"} (${ns} ns)`;
}

function cut(text: string): string {
  return text.length <= MAX_VALUE ? text : `${text.slice(0, MAX_VALUE - 1)}…`;
}
