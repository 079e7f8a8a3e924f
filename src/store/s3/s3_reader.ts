/**
 * Recordings in a bucket of an S3-compatible service, wherever there are `fetch` and WebCrypto: to read.
 *
 * @module
 */
import { SmaltiError } from "../../error.ts";
import { RangeReader, type RangeSource } from "../range_reader.ts";
import {
  type FilePart,
  type FileReader,
  otherFile,
  type PartOptions,
  readAll,
  type ReadOptions,
  WHOLE_BYTES,
  type WholeFile,
} from "../store.ts";
import { Bucket, type ObjectPart } from "./bucket.ts";
import type { S3Place } from "./s3_options.ts";

/** Requests cost money and a long way, bytes little: few and large ones. */
const LIMITS = { requests: 8, gapBytes: 256 * 1024, sharedBytes: 8 * 2 ** 20 };

/** Objects below a place of a bucket, as files. A listing is of what was there when it was made. */
export class S3Reader implements FileReader {
  readonly url: string;
  readonly readsAhead = 8;
  readonly sharedBytes: number = LIMITS.sharedBytes;
  readonly #bucket: Bucket;
  readonly #prefix: string;
  readonly #ranges: RangeReader;

  /** @param bucket One that others may use too. @default its own */
  constructor(place: S3Place, bucket: Bucket = new Bucket(place)) {
    this.url = place.url;
    this.#bucket = bucket;
    this.#prefix = place.prefix;
    this.#ranges = new RangeReader(new BucketRanges(bucket), LIMITS);
  }

  async list(path: string): Promise<string[]> {
    const prefix = this.#prefix + (path === "" ? "" : `${path}/`);
    return await this.#ranges.untilClosed(async (signal) => {
      const names = await entriesBelow(this.#bucket, prefix, signal);
      if (path === "" && names.length === 0) {
        throw new SmaltiError("NOT_FOUND", `Cannot list ${this.url}: there is no object below it`);
      }
      // An object called as the directory itself is what some programs make of empty ones.
      return names.filter((name) => name !== "");
    });
  }

  size(path: string): Promise<number> {
    return this.#ranges.size(this.#prefix + path);
  }

  read(path: string, offset: number, length: number, options?: ReadOptions): Promise<Uint8Array> {
    return this.#ranges.read(this.#prefix + path, offset, length, options);
  }

  async readNow(path: string, known?: WholeFile): Promise<WholeFile> {
    const part = await this.readPart(path, 0, WHOLE_BYTES, { unless: known?.tag });
    if (!part) return known!;
    const { bytes, version } = part;
    if (bytes.length < WHOLE_BYTES) return { bytes, tag: version.tag };
    return { bytes: await readAll(this, path, undefined, { reader: {} }) };
  }

  async readPart(
    path: string,
    offset: number,
    length: number,
    { signal, tag, unless }: PartOptions = {},
  ): Promise<FilePart | undefined> {
    const key = this.#prefix + path;
    const found = await this.#ranges.untilClosed(
      (signal) => this.#bucket.get(key, offset, length, { ifMatch: tag, unless, signal }),
      signal,
    );
    if (found === "same") return undefined;
    const { bytes, etag, size } = existing(this.#bucket, key, found);
    return { offset, bytes, version: { tag: etag, size } };
  }

  close(): Promise<void> {
    return this.#ranges.close();
  }
}

/** Names directly below a prefix, which is empty or ends with a slash; an object called as the prefix is an empty one. */
export async function entriesBelow(bucket: Bucket, prefix: string, signal?: AbortSignal): Promise<string[]> {
  const names: string[] = [];
  for await (const { keys, prefixes } of bucket.list(prefix, { delimiter: "/", signal })) {
    for (const key of keys) names.push(key.slice(prefix.length));
    for (const below of prefixes) names.push(below.slice(prefix.length, -1));
  }
  return names;
}

/** Ranges of objects; paths are keys. */
class BucketRanges implements RangeSource {
  readonly #bucket: Bucket;

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  get url(): string {
    return this.#bucket.place.url;
  }

  shown(key: string): string {
    return this.#bucket.shown(key);
  }

  async read(
    key: string,
    offset: number,
    length: number,
    signal: AbortSignal,
    { tag }: { tag?: string | undefined } = {},
  ): Promise<FilePart> {
    const found = await this.#bucket.get(key, offset, length, { ifMatch: tag, signal });
    const { bytes, etag, size } = existing(this.#bucket, key, found);
    return { offset, bytes, version: { tag: etag, size } };
  }

  async size(key: string, signal: AbortSignal): Promise<number> {
    const found = await this.#bucket.head(key, { signal });
    if (found) return found.size;
    return existing(this.#bucket, key, "missing").size;
  }
}

/** What came of a key that an object is wanted at. NOT_FOUND, IO where it is another than before. */
function existing(
  bucket: Bucket,
  key: string,
  found: ObjectPart | "missing" | "changed" | "same",
): ObjectPart {
  if (typeof found === "object") return found;
  const shown = bucket.shown(key);
  if (found !== "missing") throw otherFile(shown, key);
  throw new SmaltiError("NOT_FOUND", `Cannot read ${shown}: there is no such object`, { file: key });
}
