/**
 * What every entry opens beside web servers, by the scheme of the URL.
 *
 * @module
 */
import { inStore, type Schemes } from "./connect.ts";
import { SmaltiError } from "./error.ts";
import type { MemoryStore } from "./store/memory.ts";
import type { S3Options } from "./store/s3/s3_options.ts";
import type { FileReader } from "./store/store.ts";

/** Each of what reads or writes there is loaded when it is asked for. */
export const OTHER_SCHEMES: Schemes = {
  file: inStore(async (url) => (await import("./store/directory/directory_store.ts")).openDirectory(url)),
  memory: inStore(openMemory),
  s3: inStore((url, { s3 }) => openBucket(url, s3)),
  grpc: refuseServer,
  "grpc+tls": refuseServer,
};

async function openBucket(url: string, s3?: S3Options): Promise<FileReader> {
  const { s3Place } = await import("./store/s3/s3_options.ts");
  const place = s3Place(url, s3);
  return s3?.write
    ? new (await import("./store/s3/s3_store.ts")).S3Store(place)
    : new (await import("./store/s3/s3_reader.ts")).S3Reader(place);
}

async function openMemory(url: string): Promise<MemoryStore> {
  if (/^memory:$/i.test(url)) return new (await import("./store/memory.ts")).MemoryStore();
  throw new SmaltiError("UNSUPPORTED", `Cannot connect to "${url}": wanted memory: and nothing after it`);
}

function refuseServer(url: string): never {
  throw new SmaltiError(
    "UNSUPPORTED",
    `Cannot connect to "${url}" from here: wanted the main entry of smalti, on Deno, Bun or Node`,
  );
}
