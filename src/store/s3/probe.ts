import { SmaltiError } from "../../error.ts";
import type { Bucket } from "./bucket.ts";

/**
 * Makes sure that a service creates an object only where there is none: UNSUPPORTED where it ignores the condition, as some do
 * that know nothing of it. Then two writers would both believe that they are alone.
 *
 * @param key Of an object that is there; it is gone where the service ignores the condition.
 */
export async function probe(bucket: Bucket, key: string): Promise<void> {
  if (!await bucket.create(key, new Uint8Array(0), crypto.randomUUID())) return;
  await bucket.delete([key]);
  const text =
    `Cannot write to ${bucket.place.url}: the service at ${bucket.place.base} ignores the condition If-None-Match, ` +
    "wanted one that honours it";
  throw new SmaltiError("UNSUPPORTED", text);
}
