/**
 * Files to import that are on a web server or in an object store.
 *
 * @module
 */
import process from "node:process";
import { SmaltiError } from "../error.ts";
import type { OpenedFile } from "../import/open_file.ts";
import type { FileReader } from "../store/store.ts";

/** Bytes read at once: a request each. */
const CHUNK_BYTES = 4 * 2 ** 20;

/** Whether a path is a URL of such a file. */
export function isRemote(path: string): boolean {
  return /^(https?|s3):\/\//i.test(path);
}

/** A URL as people are told: without what may be secret, such as the query of one that was signed. */
export function shownUrl(url: string): string {
  if (!URL.canParse(url)) return "a URL that cannot be read";
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

/** The name of the file of a URL. */
export function fileNameOfUrl(url: string): string {
  const last = new URL(url).pathname.split("/").at(-1)!;
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

/** Finds such a file. Its reads fail with IO where another comes to its place. Errors as of the store that it is in. */
export async function openRemote(url: string): Promise<OpenedFile> {
  const name = shownUrl(url);
  const path = URL.canParse(url) ? fileNameOfUrl(url) : "";
  if (path === "") {
    throw new SmaltiError("INVALID_ARGUMENT", `Cannot open ${name}: wanted the URL of a file`);
  }
  const files = await openDirectoryOf(url);
  const reader = {};
  const size = await files.size(path);
  const read = (offset: number, length: number) => files.read(path, offset, length, { reader });
  return {
    name,
    sizeBytes: size,
    chunks: { [Symbol.asyncIterator]: () => chunksOf(read, size) },
    isLive: false,
    isRepeatable: true,
    read,
    beside: (suffix, maxBytes) => readBeside(files, path + suffix, maxBytes),
  };
}

async function openDirectoryOf(url: string): Promise<FileReader> {
  const above = new URL(".", url);
  if (above.protocol === "s3:") {
    const [{ S3Reader }, { s3Place }, { s3FromEnvironment }] = await Promise.all([
      import("../store/s3/s3_reader.ts"),
      import("../store/s3/s3_options.ts"),
      import("./s3/environment.ts"),
    ]);
    const place = `s3://${above.host}${decodeURI(above.pathname)}`;
    return new S3Reader(s3Place(place, await s3FromEnvironment(process.env)));
  }
  const { HttpStore } = await import("../store/http/http_store.ts");
  return new HttpStore(above.href + new URL(url).search);
}

/** All bytes in order; the next are asked for while the caller is busy with some. */
async function* chunksOf(
  read: (offset: number, length: number) => Promise<Uint8Array>,
  size: number,
): AsyncGenerator<Uint8Array> {
  let next: Promise<Uint8Array> | undefined;
  for (let offset = 0; offset < size; offset += CHUNK_BYTES) {
    const bytes = await (next ?? read(offset, CHUNK_BYTES));
    next = offset + CHUNK_BYTES < size ? read(offset + CHUNK_BYTES, CHUNK_BYTES) : undefined;
    next?.catch(() => {}); // whoever goes on hears of it
    yield bytes;
  }
}

async function readBeside(
  files: FileReader,
  path: string,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  try {
    const size = await files.size(path);
    if (size <= maxBytes) return await files.read(path, 0, size);
    throw new SmaltiError("TOO_LARGE", `${path} has ${size} bytes and at most ${maxBytes} are read`, {
      file: path,
    });
  } catch (reason) {
    const code = reason instanceof SmaltiError ? reason.code : undefined;
    // Who may not list a bucket is refused what is not there.
    if (code === "NOT_FOUND" || code === "PERMISSION_DENIED") return undefined;
    throw reason;
  }
}
