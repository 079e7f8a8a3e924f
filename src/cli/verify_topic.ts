import type { RecordBatch } from "apache-arrow";
import { SmaltiError } from "../error.ts";
import type { TopicHandler } from "../read/topic_handler.ts";

/** Options of {@linkcode verifyTopic}. */
export interface VerifyOptions {
  signal: AbortSignal;
  /** Called as rows have been checked, with all so far. */
  onRows: (rows: number) => void;
}

/**
 * Reads every value of a topic and checks the order, and rows and times against the manifest. Returns the rows. Throws
 * what reading throws, CORRUPT for what does not agree.
 */
export async function verifyTopic(topic: TopicHandler, { signal, onRows }: VerifyOptions): Promise<number> {
  const { sequence, name, rowCount, firstNs, lastNs } = topic;
  const where = { sequence, topic: name };
  let rows = 0;
  let first: bigint | undefined;
  let last: bigint | undefined;
  // Making Arrow batches copies every column, so every buffer is read and checked.
  for await (const batch of topic.getDataStreamer({ signal }).toArrow()) {
    const times = timesOf(batch);
    for (const [row, ns] of times.entries()) {
      if (last !== undefined && ns < last) {
        throw new SmaltiError(
          "CORRUPT",
          `Row ${rows + row} is at ${ns} ns after ${last} ns: wanted time order`,
          where,
        );
      }
      first ??= ns;
      last = ns;
    }
    rows += times.length;
    onRows(rows);
  }
  if (rows !== rowCount) {
    throw new SmaltiError("CORRUPT", `${rows} rows are stored: the manifest has ${rowCount}`, where);
  }
  if (first !== firstNs || last !== lastNs) {
    const text = `Rows are from ${first} to ${last} ns: the manifest has ${firstNs} to ${lastNs}`;
    throw new SmaltiError("CORRUPT", text, where);
  }
  return rows;
}

function timesOf(batch: RecordBatch): BigInt64Array {
  return batch.getChildAt(0)!.toArray() as BigInt64Array;
}
