/**
 * Makes an object of its own of a file's bytes, all at once, where the object that is there is the one that was expected.
 *
 * @module
 */
import { mapLimited } from "../../util/map_limited.ts";
import type { Bucket } from "./bucket.ts";
import type { UploadedPart } from "./uploads.ts";

/** Bytes of a bulk object, and of each part of an upload but the last: all alike, as some services want it. */
export const BULK_BYTES: number = 8 * 2 ** 20;

/** Parts under way at a time. */
const PARTS_AT_ONCE = 4;

/** An object that has bytes of a file. */
export interface StoredObject {
  readonly key: string;
  readonly size: number;
  readonly etag: string | undefined;
}

/** An upload to a file's own key that was begun before all of the file was there. */
export interface OwnUpload {
  readonly upload: string;
  /** What the object will be known by. */
  readonly id: string;
  /** Ends it as it is: then the file can be read, and is not uploaded so any more. */
  end(): Promise<void>;
}

/** Where the bytes of a part are: it is uploaded already, or they are in another object, from an offset on. */
export type PartSource = UploadedPart | { readonly object: StoredObject; readonly offset: number };

/** What becomes an object. */
export interface ObjectSource {
  readonly size: number;
  /** An upload to the key. A failure leaves it as it is, so that another call can end it. */
  readonly upload?: OwnUpload | undefined;
  /** Where the {@linkcode BULK_BYTES} from an offset on are; undefined where they are to be read. */
  partAt(offset: number): PartSource | undefined;
  /** Lends a range for as long as an action takes. */
  lend<R>(offset: number, length: number, action: (bytes: Uint8Array) => Promise<R>): Promise<R>;
}

/** Bytes in memory as what becomes an object. */
export function sourceOf(bytes: Uint8Array): ObjectSource {
  return {
    size: bytes.length,
    partAt: () => undefined,
    lend: (offset, length, action) => action(bytes.subarray(offset, offset + length)),
  };
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
  const id = source.upload?.id ?? crypto.randomUUID();
  if (source.size <= BULK_BYTES && !source.upload && !source.partAt(0)) {
    return await source.lend(0, source.size, async (bytes) => {
      if (expected === "none") return await bucket.create(key, bytes, id);
      if (await bucket.put(key, bytes, { ifMatch: expected, id }) !== "changed") return true;
      return (await bucket.head(key))?.id === id;
    });
  }
  const upload = source.upload?.upload ?? await bucket.uploads.begin(key, { id });
  const abort = async () => {
    if (!source.upload) await bucket.uploads.abort(key, upload);
  };
  try {
    const count = Math.ceil(source.size / BULK_BYTES);
    const numbers = Array.from({ length: count }, (_, i) => i + 1);
    const parts = await mapLimited(
      numbers,
      PARTS_AT_ONCE,
      (number) => putPart(bucket, key, upload, source, number),
    );
    if (await endUpload(bucket, key, { upload, id }, parts, expected)) return true;
    await abort();
    return false;
  } catch (reason) {
    await abort().catch(() => {}); // a lifecycle rule removes what is left
    throw reason;
  }
}

/** Ends an upload, see {@linkcode putInPlace}. */
export async function endUpload(
  bucket: Bucket,
  key: string,
  { upload, id }: Pick<OwnUpload, "upload" | "id">,
  parts: readonly UploadedPart[],
  expected: string | "none" | undefined,
): Promise<boolean> {
  if (await bucket.uploads.complete(key, upload, parts, { ifMatch: expected })) return true;
  // It may have been ended by a call whose answer was lost.
  return (await bucket.head(key))?.id === id;
}

async function putPart(
  bucket: Bucket,
  key: string,
  upload: string,
  source: ObjectSource,
  number: number,
): Promise<UploadedPart> {
  const offset = (number - 1) * BULK_BYTES;
  const from = source.partAt(offset);
  if (from && "number" in from) return from;
  const copied = from
    ? await bucket.uploads.copyPart(key, upload, number, { ...from, length: BULK_BYTES })
    : "unsupported";
  if (copied !== "unsupported") return copied;
  const length = Math.min(BULK_BYTES, source.size - offset);
  return await source.lend(offset, length, (bytes) => bucket.uploads.sendPart(key, upload, number, bytes));
}
