import { putRecent } from "../../util/recent.ts";
import type { Bucket } from "./bucket.ts";
import { type Epoch, lastEpoch, lastNumber, type LogKeys, logKeys } from "./epochs.ts";
import type { LogTiming } from "./write_ahead_log.ts";

/** Directories of which is kept where to look. */
const MOST_KEPT = 100;

/** Who holds directories. Who asks again and again, as followers do, is answered by few requests. */
export class Holders {
  readonly #bucket: Bucket;
  readonly #prefix: string;
  readonly #timing: LogTiming;
  /** By directory, how far its log had come. */
  readonly #seen = new Map<string, { epoch: Epoch; count: number }>();

  constructor(bucket: Bucket, prefix: string, timing: LogTiming) {
    this.#bucket = bucket;
    this.#prefix = prefix;
    this.#timing = timing;
  }

  /** Who holds a directory, if they live. */
  async of(directory: string): Promise<string | undefined> {
    const keys = logKeys(this.#prefix, directory);
    const seen = this.#seen.get(directory);
    const epoch = await lastEpoch(this.#bucket, keys, seen?.epoch.number);
    this.#seen.delete(directory);
    if (epoch?.state !== "held") return undefined;
    const hint = seen?.epoch.id === epoch.id ? seen.count : 0;
    const { holder, count } = await lookAt(this.#bucket, keys, epoch, this.#timing, hint);
    putRecent(this.#seen, directory, { epoch, count }, MOST_KEPT);
    return holder;
  }
}

/** Who holds an epoch, if they live. */
export async function holderOf(
  bucket: Bucket,
  keys: LogKeys,
  epoch: Epoch,
  timing: LogTiming,
): Promise<string | undefined> {
  return (await lookAt(bucket, keys, epoch, timing)).holder;
}

/** Who holds an epoch, if they live, and how many records they have written. */
async function lookAt(
  bucket: Bucket,
  keys: LogKeys,
  epoch: Epoch,
  { silentMs }: LogTiming,
  hint?: number,
): Promise<{ holder: string | undefined; count: number }> {
  /** How long ago each record that was looked at was written. */
  const ages = new Map<number, number | undefined>();
  const count = await lastNumber(async (number) => {
    const found = await bucket.head(keys.record(epoch, number));
    if (found) ages.set(number, found.ageMs);
    return found !== undefined;
  }, hint);
  const ageMs = count > 0 ? ages.get(count) : (await bucket.head(keys.epoch(epoch.number)))?.ageMs;
  if (ageMs !== undefined && ageMs >= silentMs) return { holder: undefined, count };
  return { holder: holderText(epoch, ageMs), count };
}

/** How messages name who holds an epoch. */
export function holderText({ id }: Epoch, silentMs: number | undefined): string {
  const heard = silentMs === undefined ? "" : `, heard of ${Math.round(silentMs / 1000)} s ago`;
  return `writer ${id.slice(0, 8)}${heard}`;
}
