import type { SequenceInfo } from "../types.ts";

/** What all topics of a sequence have together. */
export interface Totals {
  rowCount: number;
  sizeBytes: number;
  /** Of all messages; undefined where there is none. */
  firstNs?: bigint;
  lastNs?: bigint;
}

/** Sums over the topics of a manifest. */
export function totals({ topics }: SequenceInfo): Totals {
  const sum: Totals = { rowCount: 0, sizeBytes: 0 };
  for (const { rowCount, sizeBytes, firstNs, lastNs } of topics) {
    sum.rowCount += rowCount;
    sum.sizeBytes += sizeBytes;
    if (firstNs !== undefined && (sum.firstNs === undefined || firstNs < sum.firstNs)) sum.firstNs = firstNs;
    if (lastNs !== undefined && (sum.lastNs === undefined || lastNs > sum.lastNs)) sum.lastNs = lastNs;
  }
  return sum;
}
