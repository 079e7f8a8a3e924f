/**
 * What imports make of damaged files, whatever the format: an error with a code, or a sequence that is whole.
 *
 * @module
 */
import { expect } from "vitest";
import { type Client, connect, SmaltiError } from "../../mod.ts";
import { jsonLine } from "../../src/export/json_lines.ts";
import type { ByteSource } from "../../src/import/byte_source.ts";
import type { ImportOptions, ImportReport } from "../../src/import/recording_import.ts";
import type { Random } from "../support/random_cases.ts";
import { concat } from "./mcap_file.ts";

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

/** Bytes as a file that can be read at any place, or as a stream where `isStream`. */
export function sourceOf(
  bytes: Uint8Array,
  {
    isStream = false,
    partBytes = 1 << 16,
    beside = {} as Record<string, Uint8Array>,
  } = {},
): ByteSource {
  async function* parts() {
    for (let at = 0; at < bytes.length; at += partBytes) {
      yield await Promise.resolve(bytes.slice(at, at + partBytes));
    }
  }
  if (isStream) return { chunks: parts() };
  return {
    chunks: { [Symbol.asyncIterator]: parts },
    sizeBytes: bytes.length,
    isRepeatable: true,
    read: (offset, length) => Promise.resolve(bytes.slice(offset, offset + length)),
    beside: (suffix) => Promise.resolve(beside[suffix]),
  };
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

/** The file with something wrong somewhere. */
export function damage(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = bytes.slice();
  const start = random.below(bytes.length);
  const end = Math.min(
    bytes.length,
    start + 1 + random.below(2 ** random.below(14)),
  );
  switch (random.below(7)) {
    case 0: // bits
      for (let i = random.below(6); i >= 0; i--) {
        copy[random.below(bytes.length)] ^= 1 << random.below(8);
      }
      return copy;
    case 1:
      return copy.fill(0, start, end);
    case 2:
      for (let at = start; at < end; at++) copy[at] = random.below(256);
      return copy;
    case 3: // cut out
      return concat([bytes.subarray(0, start), bytes.subarray(end)]);
    case 4: // what is there already, once more
      return concat([
        bytes.subarray(0, start),
        bytes.subarray(start, end),
        bytes.subarray(start),
      ]);
    case 5: // numbers that are often lengths
      if (bytes.length >= 4) {
        new DataView(copy.buffer).setUint32(
          Math.min(start, bytes.length - 4),
          random.pick([
            0,
            1,
            0x7fffffff,
            0x80000000,
            0xffffffff,
            bytes.length,
            0x10000,
            0xff,
          ]),
          random.oneIn(2),
        );
      }
      return copy;
    default:
      return copy.subarray(0, start);
  }
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
