/**
 * Uploads whose writer is gone. A list may lag: what is not seen does no harm, and a lifecycle rule removes it.
 *
 * @module
 */
import type { Bucket } from "./bucket.ts";
import type { LogKeys } from "./epochs.ts";
import { BULK_BYTES } from "./put_in_place.ts";
import type { UploadedPart } from "./uploads.ts";

/** Gives up uploads of who died in the midst of one. */
export async function abortUploads(bucket: Bucket, prefix: string): Promise<void> {
  try {
    for (const { key, upload } of await bucket.uploads.list(prefix)) await bucket.uploads.abort(key, upload);
  } catch {
    // Nobody sees them.
  }
}

/**
 * Makes objects of what a writer that is gone had uploaded of files that it had not flushed: their parts up to the first that
 * is missing. So a process that dies loses as little as in a directory.
 *
 * @param isWanted Whether the log has nothing of an object.
 */
export async function endUploads(
  bucket: Bucket,
  keys: LogKeys,
  isWanted: (key: string) => boolean,
): Promise<void> {
  const left = await bucket.uploads.list(keys.directory).catch(() => []);
  for (const { key, upload } of left) {
    if (key.startsWith(keys.root) || !isWanted(key)) continue;
    const parts: UploadedPart[] = [];
    try {
      for (const { size, ...part } of await bucket.uploads.parts(key, upload)) {
        if (part.number !== parts.length + 1) break;
        parts.push(part);
        if (size !== BULK_BYTES) break;
      }
      if (parts.length > 0) await bucket.uploads.complete(key, upload, parts, { ifMatch: "none" });
    } catch {
      // It was not acknowledged.
    }
  }
}
