/**
 * Where a sequence is cut: the time at which each part starts, ascending; of one without messages a single one.
 *
 * @module
 */
import { SmaltiError } from "../error.ts";
import { timeOf } from "../read/merge/row_blocks.ts";
import type { SequenceHandler } from "../read/sequence_handler.ts";
import { MAX_NS, MIN_NS } from "../types.ts";
import { show } from "../util/show.ts";

/** Parts at most: more is a mistaken unit, and a directory each. */
const MAX_PARTS = 10_000;

/** Each so many nanoseconds from the first message, where there are messages. */
export async function startsByPeriod(
  handler: SequenceHandler,
  everyNs: bigint,
  tried: string,
  signal: AbortSignal | undefined,
): Promise<bigint[]> {
  if (typeof everyNs !== "bigint" || everyNs <= 0n) {
    const text = `${tried}: everyNs is ${show(everyNs)}, wanted a bigint of nanoseconds above 0`;
    throw new SmaltiError("INVALID_ARGUMENT", text);
  }
  const { firstNs = MIN_NS } = handler;
  const starts = [firstNs];
  for (let startNs = firstNs + everyNs; startNs <= MAX_NS;) {
    await using stream = handler.getDataStreamer({ startNs, signal });
    const next = await stream.nextTimestampNs();
    if (next === undefined) break;
    const start = next - (next - firstNs) % everyNs;
    addStart(starts, start, tried);
    startNs = start + everyNs;
  }
  return starts;
}

/** After about so many bytes, as stored, of messages. */
export async function startsBySize(
  handler: SequenceHandler,
  sizeBytes: number,
  tried: string,
  signal: AbortSignal | undefined,
): Promise<bigint[]> {
  if (!(sizeBytes > 0)) {
    const text = `${tried}: sizeBytes is ${show(sizeBytes)}, wanted a number of bytes above 0`;
    throw new SmaltiError("INVALID_ARGUMENT", text);
  }
  const bytesOfRow = new Map(handler.topics.map((topic) => [topic.name, topic.sizeBytes / topic.rowCount]));
  const starts = [handler.firstNs ?? MIN_NS];
  let bytes = 0;
  let lastNs: bigint | undefined;
  for await (const block of handler.getDataStreamer({ signal }).rowBlocks()) {
    for (let i = 0; i < block.length; i++) {
      const more = bytesOfRow.get(block.batches[block.runs[i]]!.topic.name)!;
      const ns = timeOf(block, i);
      // Messages of one time cannot be parted.
      if (bytes > 0 && bytes + more > sizeBytes && ns !== lastNs) {
        addStart(starts, ns, tried);
        bytes = 0;
      }
      bytes += more;
      lastNs = ns;
    }
  }
  return starts;
}

function addStart(starts: bigint[], ns: bigint, tried: string): void {
  if (starts.length === MAX_PARTS) {
    throw new SmaltiError("INVALID_ARGUMENT", `${tried}: it would be more than ${MAX_PARTS} parts`);
  }
  starts.push(ns);
}
