import type { StoredBatches } from "../backend.ts";
import { MAX_NS } from "../types.ts";

/** A window of time: `startNs` is in it, `endNs` is not. */
export interface HalfOpenWindow {
  readonly startNs: bigint;
  readonly endNs: bigint;
}

/** Where bytes begin or end to come. */
interface Change {
  /** ns since the first time of all. */
  readonly at: number;
  /** By how many bytes a nanosecond it changes. */
  readonly by: number;
}

/** From the first to the last time of batches; undefined where there are none. */
export function extentOf(topics: readonly StoredBatches[]): HalfOpenWindow | undefined {
  let first: bigint | undefined;
  let last: bigint | undefined;
  for (const { firstNs, lastNs } of topics) {
    for (const ns of firstNs) if (first === undefined || ns < first) first = ns;
    for (const ns of lastNs) if (last === undefined || ns > last) last = ns;
  }
  return first === undefined ? undefined : { startNs: first, endNs: last! + 1n };
}

/** More windows are a mistake, or a clock that was set. */
const MOST_WINDOWS = 1_000_000n;

/** Windows of so many nanoseconds from the first time on. The caller leaves out those without rows. RangeError for too many. */
export function* windowsOf(
  { startNs, endNs }: HalfOpenWindow,
  periodNs: bigint,
  tried: string,
): Generator<HalfOpenWindow> {
  const count = (endNs - startNs + periodNs - 1n) / periodNs;
  checkCount(count, tried, `of ${periodNs} ns`);
  for (let from = startNs; from < endNs; from += periodNs) {
    const to = from + periodNs;
    yield { startNs: from, endNs: to < endNs ? to : endNs };
  }
}

/**
 * As few windows as have about so many bytes each at most, all about the same. A batch's bytes are taken to be spread evenly
 * over its time.
 */
export function* balancedWindows(
  topics: readonly StoredBatches[],
  { startNs, endNs }: HalfOpenWindow,
  maxBytes: number,
  tried: string,
): Generator<HalfOpenWindow> {
  const changes: Change[] = [];
  const whole = Number(endNs - startNs);
  let total = 0;
  for (const { firstNs, lastNs, length } of topics) {
    for (let batch = 0; batch < length.length; batch++) {
      const [first, end] = [Number(firstNs[batch] - startNs), Number(lastNs[batch] - startNs) + 1];
      const [from, to] = [Math.max(0, first), Math.min(whole, end)];
      if (from >= to) continue;
      const by = length[batch] / (end - first);
      total += by * (to - from);
      changes.push({ at: from, by }, { at: to, by: -by });
    }
  }
  changes.sort((a, b) => a.at - b.at);
  const count = Math.max(1, Math.min(whole, Math.ceil(total / maxBytes)));
  checkCount(BigInt(count), tried, `of ${maxBytes} bytes`);
  let from = startNs;
  let [bytes, rate, at, number] = [0, 0, 0, 1];
  for (const change of changes) {
    // What lies between two changes grows at one rate, so the times at which it passes a multiple are known.
    while (number < count) {
      const wanted = total * number / count - bytes;
      // Where all is silent, what is left of the rate is a rounding error of either sign.
      const cut = wanted <= 0 ? at : rate > 0 ? at + wanted / rate : Infinity;
      if (!(cut <= change.at)) break;
      number++;
      const to = startNs + BigInt(Math.ceil(cut));
      if (to <= from || to >= endNs) continue;
      yield { startNs: from, endNs: to };
      from = to;
    }
    bytes += rate * (change.at - at);
    at = change.at;
    rate += change.by;
  }
  yield { startNs: from, endNs };
}

/** A window as stores have it: both ends are inside. */
export function inclusive({ startNs, endNs }: HalfOpenWindow): { firstNs: bigint; lastNs: bigint } {
  return { firstNs: startNs, lastNs: endNs > MAX_NS ? MAX_NS : endNs - 1n };
}

function checkCount(count: bigint, tried: string, size: string): void {
  if (count > MOST_WINDOWS) {
    throw new RangeError(`${tried}: there are ${count} ${size}, wanted at most ${MOST_WINDOWS}`);
  }
}
