/**
 * Makes an object of its own of a file's bytes, all at once, where the object that is there is the one that was expected.
 *
 * @module
 */
import { mapLimited } from "../../util/map_limited.ts";
import type { Bucket, UploadedPart } from "./bucket.ts";
import { BULK_BYTES } from "./pending_file.ts";

/** Parts under way at a time. */
const PARTS_AT_ONCE = 4;

/** What becomes an object. */
export interface ObjectSource {
  readonly size: number;
  /** Objects that hold its first bytes, {@linkcode BULK_BYTES} each. */
  readonly bulk: readonly string[];
  read(offset: number, length: number): Promise<Uint8Array>;
}

/**
 * Puts an object in place. False where another is there than was expected.
 *
 * @param expected The ETag of what is there; "none" where nothing is; undefined where it does not matter.
 */
export async function putInPlace(
  bucket: Bucket,
  key: string,
  source: ObjectSource,
  expected: string | "none" | undefined,
): Promise<boolean> {
  const id = crypto.randomUUID();
  if (source.size <= BULK_BYTES) {
    const bytes = await source.read(0, source.size);
    if (expected === "none") return await bucket.create(key, bytes, id);
    if (await bucket.put(key, bytes, { ifMatch: expected, id }) !== "changed") return true;
    return (await bucket.head(key))?.id === id;
  }
  const upload = await bucket.beginUpload(key, { id });
  try {
    const count = Math.ceil(source.size / BULK_BYTES);
    const numbers = Array.from({ length: count }, (_, i) => i + 1);
    const parts = await mapLimited(
      numbers,
      PARTS_AT_ONCE,
      (number) => putPart(bucket, key, upload, source, number),
    );
    if (await bucket.completeUpload(key, upload, parts, { ifMatch: expected })) return true;
    // It may have been ended by a call whose answer was lost.
    if ((await bucket.head(key))?.id === id) return true;
    await bucket.abortUpload(key, upload);
    return false;
  } catch (reason) {
    await bucket.abortUpload(key, upload).catch(() => {}); // a lifecycle rule removes what is left
    throw reason;
  }
}

async function putPart(
  bucket: Bucket,
  key: string,
  upload: string,
  source: ObjectSource,
  number: number,
): Promise<UploadedPart> {
  const from = source.bulk[number - 1];
  const copied = from === undefined ? "unsupported" : await bucket.copyPart(key, upload, number, from);
  if (copied !== "unsupported") return copied;
  const offset = (number - 1) * BULK_BYTES;
  const bytes = await source.read(offset, Math.min(BULK_BYTES, source.size - offset));
  return await bucket.uploadPart(key, upload, number, bytes);
}
