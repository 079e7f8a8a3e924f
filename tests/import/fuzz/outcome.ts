/**
 * What must hold of any file, be it damaged as it may: both engines come to one outcome, which is a SmaltiError or a
 * sequence that is whole and has as many messages as its report says.
 *
 * @module
 */
import { type Client, connect, SmaltiError } from "../../../mod.ts";
import { jsonLine } from "../../../src/export/json_lines.ts";
import type { ByteSource } from "../../../src/import/byte_source.ts";
import type { ImportOptions } from "../../../src/import/import_options.ts";
import type { ImportReport } from "../../../src/import/import_report.ts";

/** What imports a file. */
export type FuzzImport = (
  client: Client,
  source: ByteSource,
  options: ImportOptions,
) => Promise<ImportReport>;

/** Codes that a damaged file may be refused with while it is salvaged. */
const CODES: ReadonlySet<string> = new Set(["CORRUPT", "UNSUPPORTED", "TOO_LARGE"]);

/** What came of a file, as far as it is compared: with an error its code and text, else facts and each message as JSON. */
export interface Found {
  readonly code: string;
  readonly text: string;
  readonly lines: readonly string[];
}

/** Imports a file on one engine and reads all of it back. Throws where something does not hold. */
export async function found(
  importFile: FuzzImport,
  engine: "js" | "wasm",
  source: ByteSource,
  options: Partial<ImportOptions>,
  others: ReadonlySet<string> = CODES,
): Promise<Found> {
  await using client = await connect("memory:", { engine });
  let report: ImportReport;
  try {
    report = await importFile(client, source, { name: "s", ...options });
  } catch (error) {
    if (!(error instanceof SmaltiError)) throw error;
    const isFit = CODES.has(error.code) || others.has(error.code);
    if (!error.rawMessage.startsWith("Cannot import ") || options.salvage && !isFit) {
      throw new Error(`a salvage ends with ${error.message}`, { cause: error });
    }
    return { code: error.code, text: error.rawMessage, lines: [] };
  }
  const handler = await client.sequenceHandler("s");
  const counts = new Map<string, number>();
  const lines: string[] = [];
  for await (const [topic, message] of handler.getDataStreamer()) {
    counts.set(topic, (counts.get(topic) ?? 0) + 1);
    lines.push(jsonLine(message));
  }
  for (const { name, messageCount } of report.topics) {
    if (messageCount !== (counts.get(name) ?? 0)) {
      throw new Error(`topic ${name} has ${counts.get(name) ?? 0} messages, its report ${messageCount}`);
    }
    const problems = await (await handler.topicHandler(name)).verify({ deep: true });
    if (problems.length > 0) throw new Error(`topic ${name}: ${JSON.stringify(problems)}`);
  }
  if (lines.length !== report.messageCount) {
    throw new Error(`${lines.length} messages replay, the report has ${report.messageCount}`);
  }
  if (!options.salvage && report.flaws.some(({ lost }) => lost !== undefined)) {
    throw new Error(`lost without salvage: ${JSON.stringify(report.flaws)}`);
  }
  const { topics, flaws, flawCounts } = report;
  const plain = (_: string, value: unknown) => typeof value === "bigint" ? String(value) : value;
  return { code: "", text: JSON.stringify({ topics, flaws, flawCounts }, plain), lines };
}

/** Throws where two outcomes are not the same. */
export function expectSame(a: Found, b: Found, what: string): void {
  if (a.code !== b.code || a.text !== b.text) {
    throw new Error(
      `${what} differ:\n  ${a.code} ${a.text.slice(0, 1500)}\n  ${b.code} ${b.text.slice(0, 1500)}`,
    );
  }
  const at = a.lines.findIndex((line, i) => line !== b.lines[i]);
  if (a.lines.length !== b.lines.length || at >= 0) {
    throw new Error(`${what} differ in message ${at}:\n  ${a.lines[at]}  ${b.lines[at]}`);
  }
}
