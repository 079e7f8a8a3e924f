/**
 * What is said of an import.
 *
 * @module
 */
import type { ImportedTopic } from "../import/topic_import.ts";
import { writeFlaws } from "./flaws.ts";
import type { Report } from "./import_recording.ts";
import { count } from "./number_text.ts";
import { type Output, writeError } from "./output.ts";
import { printable } from "./printable.ts";
import { type Column, formatTable } from "./table.ts";

/** So many topics are named for one reason. */
const MAX_NAMED = 10;

/** Of a table of topics. */
export const TOPIC_COLUMNS: readonly Column[] = [
  { title: "topic" },
  { title: "type" },
  { title: "messages", align: "right" },
  { title: "becomes" },
];

/** Says what became of a recording: on stdout how much, on stderr what is wrong with it. */
export async function writeReport(
  out: Output,
  report: Report,
  { dryRun = false, isPart = false }: { dryRun?: boolean | undefined; isPart?: boolean },
): Promise<void> {
  const { messageCount, topics, files, sequence: { name } } = report;
  const read = isPart ? "read " : "";
  const parts = files.length === 1
    ? ""
    : `: ${read}${files.map((file) => `${file.messageCount} of ${file.name}`).join(", ")}`;
  const what = `${count(messageCount, "message")} on ${count(topics.length, "topic")}`;
  await out.write(`${dryRun ? "would import" : "imported"} ${what} into ${name}${parts}\n`);
  if (dryRun && topics.length > 0) await out.write(formatTable(TOPIC_COLUMNS, topicRows(report)));
}

/** Its rows: what would become of each topic. */
export function topicRows({ topics, sequence }: Report): string[][] {
  const types = new Map(sequence.topics.map(({ name, ontologyTag }) => [name, ontologyTag]));
  return topics.map(({ name, messageCount, reason }) => [
    name,
    printable(types.get(name) ?? ""),
    `${messageCount}`,
    reason === undefined ? "columns" : "bytes",
  ]);
}

/**
 * Says on stderr what is wrong with a recording and what was not decoded.
 *
 * @param prefix What each line begins with.
 */
export async function writeFaults(report: Report, prefix: string = "smalti: "): Promise<void> {
  await writeFlaws(report, prefix);
  for (const line of undecoded(report.topics)) await writeError(`${prefix}${printable(line)}\n`);
  const { droppedPublishTimes = 0, unknownRecordCount = 0 } = report;
  if (droppedPublishTimes > 0) {
    const messages = count(droppedPublishTimes, "message");
    const text =
      `publish times of ${messages} were not their log times and are not kept (--envelope keeps them)`;
    await writeError(`${prefix}${text}\n`);
  }
  if (unknownRecordCount > 0) {
    await writeError(`${prefix}${count(unknownRecordCount, "record")} of an unknown kind skipped\n`);
  }
}

/** What stayed bytes and why, a line a reason; and what does not fit its columns, a line a topic and reason. */
export function undecoded(topics: readonly ImportedTopic[]): string[] {
  const byReason = new Map<string, { names: string[]; messages: number }>();
  for (const { name, messageCount, reason } of topics) {
    if (reason === undefined || messageCount === 0) continue;
    const same = byReason.get(reason) ?? { names: [], messages: 0 };
    same.names.push(name);
    same.messages += messageCount;
    byReason.set(reason, same);
  }
  const stay = [...byReason].map(([reason, { names, messages }]) => {
    const more = names.length > MAX_NAMED ? ` and ${names.length - MAX_NAMED} more` : "";
    const listed = names.slice(0, MAX_NAMED).join(", ") + more;
    return `${count(messages, "message")} kept as bytes, on ${listed}: ${reason}`;
  });
  const misfits = topics.flatMap(({ name, misfits = {} }) => {
    return Object.entries(misfits).map(([reason, number]) => {
      return `${count(number, "message")} on ${name} not decoded and kept whole: ${reason}`;
    });
  });
  return [...stay, ...misfits];
}
