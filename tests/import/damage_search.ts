/**
 * What imports make of damaged files, whatever the format: an error with a code, or a sequence that is whole.
 *
 * @module
 */
import { expect } from "vitest";
import { type Client, connect, SmaltiError } from "../../mod.ts";
import { jsonLine } from "../../src/export/json_lines.ts";
import type { ByteSource } from "../../src/import/byte_source.ts";
import type { ImportOptions } from "../../src/import/import_options.ts";
import type { ImportReport } from "../../src/import/import_report.ts";

export { damage, sourceOf } from "./damage.ts";

type Import = (
  client: Client,
  source: ByteSource,
  options: ImportOptions,
) => Promise<ImportReport>;
type Options = Partial<ImportOptions>;

/** What came of a file. */
export interface Outcome {
  /** Undefined where there was an error, which is `error` then. */
  readonly report?: ImportReport;
  readonly error?: SmaltiError;
  /** The messages, each as a line of JSON. */
  readonly lines: readonly string[];
}

/** Imports a file into a store of its own and reads all of it. Any error but a SmaltiError is the test's failure. */
export async function outcomeOf(
  importFile: Import,
  source: ByteSource,
  options: Options = {},
): Promise<Outcome> {
  await using client = await connect("memory:");
  let report;
  try {
    report = await importFile(client, source, { name: "s", ...options });
  } catch (error) {
    if (!(error instanceof SmaltiError)) throw error;
    expect(error.rawMessage).toMatch(/^Cannot import /);
    return { error, lines: [] };
  }
  const handler = await client.sequenceHandler("s");
  expect(handler.state).toBe("finalized");
  for (const { name } of handler.topics) {
    expect(await (await handler.topicHandler(name)).verify({ deep: true }))
      .toEqual([]);
  }
  const lines: string[] = [];
  for await (const [, message] of handler.getDataStreamer()) {
    lines.push(jsonLine(message));
  }
  expect(lines.length).toBe(report.messageCount);
  return { report, lines };
}

/** Checks that each of the lines is one of the true ones, as often at most. */
export function expectOnly(
  lines: readonly string[],
  truth: readonly string[],
): void {
  const left = new Map<string, number>();
  for (const line of truth) left.set(line, (left.get(line) ?? 0) + 1);
  for (const line of lines) {
    const count = left.get(line) ?? 0;
    if (count === 0) throw new Error(`the file has no such message: ${line}`);
    left.set(line, count - 1);
  }
}
