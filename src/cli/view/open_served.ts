/**
 * What is to be shown -> the store that it is in, opened, and the name.
 *
 * @module
 */
import { partOf } from "../../embedded/file_names.ts";
import { placeOf } from "../../embedded/places.ts";
import { connect } from "../../entry/main.ts";
import { type ErrorCode, isNotFound, SmaltiError } from "../../error.ts";
import { isSequenceName } from "../../names.ts";
import type { S3Options } from "../../store/s3/s3_options.ts";
import { isDirectory, s3Options } from "../open.ts";
import type { FileReader } from "../../store/store.ts";
import { isRemote } from "../remote_file.ts";
import { listNames } from "../store_list.ts";
import { servedDirectory } from "./directory_files.ts";
import { FarFiles } from "./far_files.ts";
import type { ServedStore } from "./shown_files.ts";

/** What is shown. */
export interface Shown {
  readonly served: ServedStore;
  /** The sequence; undefined where all are listed. */
  readonly name: string | undefined;
}

/**
 * Opens a store, and looks whether a sequence is there, or any at all. NOT_FOUND, and PERMISSION_DENIED where it is a link that
 * leads out of the store's directory.
 *
 * @param shown A sequence's name, or the URL of one or of a place with some, whatever the store is; undefined for all.
 */
export async function openShown(store: string, shown: string | undefined): Promise<Shown> {
  if (shown !== undefined && isRemote(shown)) return await openUrl(shown);
  return { served: await openChecked(store, shown), name: shown };
}

/** Opens what a URL names: a sequence where one is there, else a place with sequences. */
async function openUrl(url: string): Promise<Shown> {
  const split = splitUrl(url);
  if (!split) return { served: await openChecked(url, undefined), name: undefined };
  const { store, name } = split;
  try {
    return { served: await openChecked(store, name), name };
  } catch (missing) {
    const isOneOf = (reason: unknown, codes: readonly ErrorCode[]) =>
      reason instanceof SmaltiError && codes.includes(reason.code);
    // Buckets that nobody may list refuse what is not there.
    if (!isOneOf(missing, ["NOT_FOUND", "PERMISSION_DENIED"])) throw missing;
    try {
      return { served: await openChecked(url, undefined), name: undefined };
    } catch (reason) {
      throw isOneOf(reason, ["NOT_FOUND", "UNSUPPORTED"]) ? missing : reason;
    }
  }
}

/** A URL of a sequence as the store's URL and its name; undefined where it can be none. */
function splitUrl(url: string): { store: string; name: string } | undefined {
  const [, store, last, query = ""] = /^([^?]*\/\/[^?]*\/)([^/?]+)(\?.*)?$/.exec(url) ?? [];
  if (store === undefined) return undefined;
  const name = partOf(last);
  return name !== undefined && isSequenceName(name) ? { store: store + query, name } : undefined;
}

async function openChecked(place: string, name: string | undefined): Promise<ServedStore> {
  const served = await openServed(place);
  const { client, store, files } = served;
  try {
    if (name === undefined) {
      const names = await client.listSequences();
      // What is misspelled is no directory that is not there: buckets have none.
      if (names.length === 0 && isRemote(place)) {
        throw new SmaltiError("NOT_FOUND", `No sequence in ${store.url}`);
      }
    } else {
      await client.sequenceInfo(name);
      if (!await files.isShown(await placeOf(store, name))) {
        const text = `Cannot show sequence "${name}": it is a link that leads out of ${place}; ` +
          "wanted --store with the directory that it is in";
        throw new SmaltiError("PERMISSION_DENIED", text, { sequence: name });
      }
    }
    return served;
  } catch (reason) {
    await client.close();
    if (!isNotFound(reason) || name === undefined || !isRemote(place)) throw reason;
    const text = `No sequence "${name}" in ${store.url}`;
    throw new SmaltiError("NOT_FOUND", text, { sequence: name, cause: reason });
  }
}

async function openServed(place: string): Promise<ServedStore> {
  if (/^https?:/i.test(place)) return await servedWeb(place);
  const s3 = await s3Options(place, true);
  if (s3) return await servedBucket(place, s3);
  if (!isDirectory(place)) {
    const text = `Cannot show ${place}: wanted a directory, or a URL of http:, https: or s3:`;
    throw new SmaltiError("UNSUPPORTED", text);
  }
  const { openDirectory } = await import("../../store/directory/directory_store.ts");
  const store = openDirectory(place);
  return servedDirectory(store, await connect(store));
}

/** The recordings of a web server. */
export async function servedWeb(url: string): Promise<ServedStore> {
  const { HttpStore } = await import("../../store/http/http_store.ts");
  const store = new HttpStore(url);
  return await servedFar(store, new FarFiles(store));
}

/** The recordings of a bucket. */
export async function servedBucket(url: string, options: S3Options): Promise<ServedStore> {
  const [{ s3Place }, { S3Reader }, { S3Store }] = await Promise.all([
    import("../../store/s3/s3_options.ts"),
    import("../../store/s3/s3_reader.ts"),
    import("../../store/s3/s3_store.ts"),
  ]);
  const place = s3Place(url, options);
  // The one knows states of objects, the other what is still being written.
  const [reader, store] = [new S3Reader(place), new S3Store(place)];
  return await servedFar(store, new FarFiles(reader, store));
}

/** To list them a page is told names alone: it reads what else it wants, and nothing is asked for twice. */
async function servedFar(store: FileReader, files: FarFiles): Promise<ServedStore> {
  return { store, client: await connect(store), files, list: () => listNames(store) };
}
