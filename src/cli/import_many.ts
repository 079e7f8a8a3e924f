/**
 * `smalti import` of many recordings: each becomes a sequence.
 *
 * @module
 */
import type { Client } from "../client.ts";
import { SmaltiError } from "../error.ts";
import type { Context } from "./context.ts";
import { errorText } from "./error_text.ts";
import { freeName, nameOfRecording, type Recording } from "./find_recordings.ts";
import { type GivenOptions, importRecordingFiles } from "./import_recording.ts";
import { TOPIC_COLUMNS, topicRows, writeFaults } from "./import_report.ts";
import { printable } from "./printable.ts";
import { type Column, formatTable } from "./table.ts";
import { UsageError } from "./usage_error.ts";

const COLUMNS: readonly Column[] = [
  { title: "file" },
  { title: "sequence" },
  { title: "messages", align: "right" },
  { title: "topics", align: "right" },
  { title: "state" },
];

/**
 * Imports each recording as a sequence that is named after it, and tells of all in a table; of a dry run the topics are in
 * another. One that fails does not stop the others.
 */
export async function importMany(
  context: Context,
  client: Client,
  recordings: readonly Recording[],
  options: Omit<GivenOptions, "name">,
): Promise<void> {
  const { out, signal } = context;
  const rows: string[][] = [];
  const topicsOfAll: string[][] = [];
  const taken = new Set<string>();
  try {
    for (const [i, recording] of recordings.entries()) {
      const path = printable(recording.path);
      let name = "";
      try {
        if (recording.reason !== undefined) throw recording.reason;
        name = freeName(nameOfRecording(recording), taken);
        taken.add(name);
        const label = `importing ${i + 1} of ${recordings.length}`;
        const report = await importRecordingFiles(client, recording, { ...options, name }, signal, label);
        await writeFaults(report, `smalti: ${path}: `);
        if (options.dryRun) topicsOfAll.push(...topicRows(report).map((row) => [name, ...row]));
        const { messageCount, topics, sequence: { state } } = report;
        rows.push([
          path,
          name,
          `${messageCount}`,
          `${topics.length}`,
          options.dryRun ? "not written" : state,
        ]);
      } catch (reason) {
        if (signal.aborted || !(reason instanceof SmaltiError || reason instanceof UsageError)) throw reason;
        rows.push([path, name, errorText(reason)]);
        context.exitCode = 1;
      }
    }
  } finally {
    if (rows.length > 0) await out.write(formatTable(COLUMNS, rows));
    if (topicsOfAll.length > 0) {
      await out.write(`\n${formatTable([{ title: "sequence" }, ...TOPIC_COLUMNS], topicsOfAll)}`);
    }
  }
}
