import { SmaltiError } from "../../error.ts";
import type { Bucket } from "./bucket.ts";

/**
 * Makes sure that a service creates an object only where there is none: UNSUPPORTED where it ignores the condition, as some do
 * that know nothing of it. Then two writers would both believe that they are alone.
 */
export async function probe(bucket: Bucket, prefix: string): Promise<void> {
  const key = `${prefix}sequence.probe-${crypto.randomUUID()}`;
  const empty = new Uint8Array(0);
  try {
    const first = await bucket.create(key, empty, crypto.randomUUID());
    if (first && !await bucket.create(key, empty, crypto.randomUUID())) return;
  } finally {
    await bucket.delete([key]).catch(() => {}); // it is empty
  }
  const text =
    `Cannot write to ${bucket.place.url}: the service at ${bucket.place.base} ignores the condition If-None-Match, ` +
    "wanted one that honours it";
  throw new SmaltiError("UNSUPPORTED", text);
}
