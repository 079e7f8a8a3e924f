import { SmaltiError } from "../error.ts";
import type { S3Options } from "../store/s3/s3_options.ts";
import { checkFileName, type OutputDirectory } from "./output_directory.ts";

/**
 * Creates an object in a bucket for an export, as {@linkcode createFile} does a file: `s3://bucket/key`. It is uploaded while
 * the export goes on, 8 MiB at a time, with up to 40 MiB in memory, and is there once the stream is closed. Where writing fails
 * or is aborted nothing stays. At most 80 GB.
 *
 * Rejects with ALREADY_EXISTS where an object has the key, or one below it; writing and closing with what the service refuses.
 *
 * @param s3 As of `connect`; its `write` makes no difference.
 * @example
 * ```ts ignore
 * import { connect } from "smalti";
 * import { createObject, exportMcap } from "smalti/export";
 *
 * await using client = await connect("./recordings");
 * const handler = await client.sequenceHandler("drive_log_01");
 * await exportMcap(handler, await createObject("s3://exports/drive_log_01.mcap", { region: "eu-central-1" }));
 * ```
 */
export async function createObject(url: string, s3: S3Options = {}): Promise<WritableStream<Uint8Array>> {
  const { objects, key } = await free(url, s3);
  return objects.stream(key);
}

/**
 * Creates a place in a bucket for an export of several files, as {@linkcode createDirectory} does a directory:
 * `s3://bucket/prefix`. Each file is an object below it, which is there once it is closed; aborted, those that were made go.
 *
 * Rejects with ALREADY_EXISTS where an object is there or below it; its files with what the service refuses.
 *
 * @param s3 As of {@linkcode createObject}.
 * @example
 * ```ts ignore
 * import { connect } from "smalti";
 * import { createObjects, exportParquet } from "smalti/export";
 *
 * await using client = await connect("./recordings");
 * const handler = await client.sequenceHandler("drive_log_01");
 * await exportParquet(handler, await createObjects("s3://exports/drive_log_01"));
 * ```
 */
export async function createObjects(url: string, s3: S3Options = {}): Promise<OutputDirectory> {
  const { objects, key } = await free(url, s3);
  return {
    file(name) {
      checkFileName(name, url);
      return Promise.resolve(objects.stream(`${key}/${name}`));
    },
    close: () => Promise.resolve(),
    abort: () => objects.removeAll(),
  };
}

/** What makes objects, and the key of a URL, where nothing is. */
async function free(url: string, s3: S3Options) {
  const [{ s3Place }, { NewObjects }] = await Promise.all([
    import("../store/s3/s3_options.ts"),
    import("../store/s3/new_objects.ts"),
  ]);
  const place = s3Place(url, s3);
  const key = place.prefix.slice(0, -1);
  if (key === "") {
    throw new SmaltiError("INVALID_ARGUMENT", `Cannot create "${url}": wanted s3://bucket/key`);
  }
  const objects = new NewObjects(place);
  await objects.checkFree(key);
  return { objects, key };
}
