/**
 * Opens the store and what is in it. The library is loaded here, so that `--help` does not wait for it.
 *
 * @module
 */
import process from "node:process";
import type { Client } from "../client.ts";
import { SmaltiError } from "../error.ts";
import type { S3Options } from "../store/s3/s3_options.ts";
import type { Store } from "../store/store.ts";
import { shownUrl } from "./remote_file.ts";
import type { SequenceHandler } from "../read/sequence_handler.ts";

/**
 * Runs `body` with a client, which is closed after it. Who does not write is told of a place in an object store where nothing
 * is; for who does, it is a new one.
 */
export async function withClient<R>(
  store: string,
  body: (client: Client) => Promise<R>,
  { write = true }: { write?: boolean } = {},
): Promise<R> {
  const { connect } = await import("../entry/main.ts");
  const s3 = await s3Options(store, write);
  const client = await connect(store, s3 && { s3 });
  try {
    return await body(client);
  } finally {
    await client.close();
  }
}

/** Whether a place is one of this machine, by its path or URL. */
export function isDirectory(place: string): boolean {
  // One letter before the colon is a drive.
  return !/^[a-z][a-z0-9+.-]+:/i.test(place) || /^file:/i.test(place);
}

/** The files of a directory, or of a bucket, to be written. UNSUPPORTED, saying `what` cannot be done, for any other place. */
export async function openToWrite(place: string, what: string): Promise<Store> {
  const s3 = await s3Options(place, true);
  if (s3) {
    const [{ s3Place }, { S3Store }] = await Promise.all([
      import("../store/s3/s3_options.ts"),
      import("../store/s3/s3_store.ts"),
    ]);
    return new S3Store(s3Place(place, s3));
  }
  if (!isDirectory(place)) {
    throw new SmaltiError(
      "UNSUPPORTED",
      `Cannot ${what} ${shownUrl(place)}: wanted a directory, or s3://bucket/prefix`,
    );
  }
  return (await import("../store/directory/directory_store.ts")).openDirectory(place);
}

/** How a place in an object store is asked, by what the environment says; undefined for any other place. */
export async function s3Options(place: string, write: boolean): Promise<S3Options | undefined> {
  if (!/^s3:/i.test(place)) return undefined;
  const { s3FromEnvironment } = await import("./s3/environment.ts");
  return { ...await s3FromEnvironment(process.env), write };
}

/** Runs `body` with an open sequence. */
export async function withSequence<R>(
  store: string,
  name: string,
  body: (handler: SequenceHandler) => Promise<R>,
  options: { follow?: boolean } = {},
): Promise<R> {
  return await withClient(store, async (client) => {
    return await body(await client.sequenceHandler(name, options));
  });
}
