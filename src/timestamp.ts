/**
 * Times as callers give them, and the clock.
 *
 * @module
 */
/**
 * A time, wherever one is taken: nanoseconds since the Unix epoch (or whatever clock the recording used), a `Date`, or an
 * object that has nanoseconds, such as a `Temporal.Instant` or `Temporal.ZonedDateTime`. An invalid Date, and what is outside
 * int64, is refused.
 */
export type TimestampNs = bigint | Date | { readonly epochNanoseconds: bigint };

/** The smallest time: -2^63 ns. */
export const MIN_NS: bigint = -(2n ** 63n);
/** The greatest time: 2^63 - 1 ns. */
export const MAX_NS: bigint = 2n ** 63n - 1n;

const NS_PER_MS = 1_000_000n;

/**
 * A time as nanoseconds. TypeError where it is no time, RangeError where it is outside int64 or an invalid Date; both begin
 * with what was tried.
 */
export function toNs(time: TimestampNs, name: string, tried?: string): bigint {
  if (typeof time === "bigint" && time >= MIN_NS && time <= MAX_NS) return time;
  const place = tried === undefined ? name : `${tried}: ${name}`;
  const ns = epochNs(time, place);
  if (ns >= MIN_NS && ns <= MAX_NS) return ns;
  throw new RangeError(`${place} is ${ns}n, wanted int64 (-2^63 to 2^63 - 1)`);
}

function epochNs(time: unknown, place: string): bigint {
  if (typeof time === "bigint") return time;
  if (isDate(time)) {
    const ms = time.getTime();
    if (Number.isNaN(ms)) throw new RangeError(`${place} is an invalid Date, wanted a valid one`);
    return BigInt(ms) * NS_PER_MS;
  }
  const ns = (time as { epochNanoseconds?: unknown } | null | undefined)?.epochNanoseconds;
  if (typeof ns === "bigint") return ns;
  const seen = time === undefined
    ? "missing"
    : typeof time === "string"
    ? JSON.stringify(time)
    : String(time);
  const hint = !Number.isInteger(time)
    ? ""
    : Number.isSafeInteger(time)
    ? ` (${time}n or BigInt(${time}))`
    : " (which a number beyond 2^53 cannot be)";
  throw new TypeError(
    `${place} is ${seen}, wanted a bigint of nanoseconds${hint}, a Date or a Temporal.Instant`,
  );
}

/** Also true for a Date of another realm. */
function isDate(value: unknown): value is Date {
  return value instanceof Date || Object.prototype.toString.call(value) === "[object Date]";
}

/** What `nowNs` gave last, and what the monotonic clock showed then. */
let lastNs = 0n;
let lastMs = 0;

/**
 * The time now, in nanoseconds since the Unix epoch, for `timestampNs` of what is measured just now. It never goes back
 * within a thread; two calls may give the same time.
 *
 * The system's clock gives the milliseconds, `performance.now` what is between them. Where the system's clock is set back,
 * it goes on at half its pace until that clock has caught up; where it is set forward, or after a sleep, it jumps.
 *
 * Steps are those of `performance.now`: below 1 us on Node, Deno and Bun; in browsers 5 us in pages that are isolated from
 * other origins, else 100 us to 1 ms. On edge runtimes time stands still between two waits for I/O.
 *
 * @example
 * ```ts
 * import { connect, nowNs, Temperature } from "smalti";
 *
 * await using client = await connect("memory:");
 * await client.sequenceCreate("oven", {}, async (sequence) => {
 *   const topic = await sequence.topicCreate("chamber", { ontology: Temperature });
 *   await topic.push({ timestampNs: nowNs(), data: { value: 293.5 } });
 * });
 * ```
 */
export function nowNs(): bigint {
  const ms = performance.now();
  const systemNs = BigInt(Date.now()) * NS_PER_MS;
  const passedNs = BigInt(Math.max(0, Math.round((ms - lastMs) * 1e6)));
  let ns = lastNs + passedNs;
  if (ns < systemNs) ns = systemNs;
  // The system's clock shows whole milliseconds: within one of them nobody is ahead of it.
  else if (ns - systemNs > NS_PER_MS) ns = lastNs + passedNs / 2n;
  [lastNs, lastMs] = [ns, ms];
  return ns;
}
