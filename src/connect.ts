/**
 * `connect`, as every entry makes its own: from a URL to a client, by a table of schemes, or from a store.
 *
 * @module
 */
import { show } from "./util/show.ts";
import { arrowLoader, type ArrowSource, type LoadArrow } from "./arrow/library.ts";
import type { Backend } from "./backend.ts";
import { Client } from "./client.ts";
import { EmbeddedBackend } from "./embedded/embedded_backend.ts";
import type { Engine } from "./engine.ts";
import { type BundledWasm, chooseEngine, type EngineOptions } from "./engine/load/choose_engine.ts";
import { SmaltiError } from "./error.ts";
import type { S3Options } from "./store/s3/s3_options.ts";
import type { FileReader } from "./store/store.ts";
import { checkOptions, type OptionNames } from "./util/options.ts";

/** Options of `connect`. */
export interface ConnectOptions extends EngineOptions {
  /**
   * apache-arrow, or a function that imports it, for Tables and RecordBatches. Bundles for pages and workers, and
   * `smalti/slim`, hold none of their own. @default the one that is installed, imported when one is first asked for
   */
  arrow?: ArrowSource;
  /**
   * Bound on what is kept of recordings that were looked into, in bytes, of all handlers together: batches as stored, their
   * times, and what was decompressed of them, so that `latestAt`, `series` and a stream near a place where another was read
   * find them at hand. It comes on top of what streams hold (`maxBufferedBytes`). 0 keeps nothing. What comes from a server
   * is not kept. @default 32 MiB
   */
  maxCachedBytes?: number;
  /** The key for a server that wants one. */
  apiKey?: string;
  /** Certificates of authorities to trust for `grpc+tls:`, in PEM. @default those that the runtime trusts */
  tls?: { ca: string };
  /** How an object store is asked, for `s3:`. */
  s3?: S3Options;
  /** How long to try to reach a server, in milliseconds. @default 5000 */
  timeoutMs?: number;
  /** Stops trying to reach a server. */
  signal?: AbortSignal;
}

const CONNECT_OPTIONS: OptionNames<ConnectOptions> = {
  engine: true,
  wasm: true,
  arrow: true,
  maxCachedBytes: true,
  apiKey: true,
  tls: true,
  s3: true,
  timeoutMs: true,
  signal: true,
};
const TLS_OPTIONS: OptionNames<NonNullable<ConnectOptions["tls"]>> = { ca: true };

/** What `connect` of every entry is. */
export type Connect = (place: string | URL | FileReader, options?: ConnectOptions) => Promise<Client>;

/** Opens the recordings behind a URL. The engine may still be loading: what an opener loads itself may come beside it. */
export type Opener = (
  url: string,
  engine: Promise<Engine>,
  options: ConnectOptions,
) => Promise<Backend> | Backend;

/** By the scheme, in lower case, without the colon. */
export type Schemes = Readonly<Record<string, Opener>>;

/** What an entry brings along. */
export interface Pieces {
  /** The WASM module. */
  wasm?: BundledWasm;
  /** Where apache-arrow comes from unless an option says so. */
  arrow?: LoadArrow;
  /** What it opens. */
  schemes: Schemes;
}

/** Makes the `connect` of an entry. */
export function createConnect({ wasm, arrow, schemes }: Pieces): Connect {
  return async (place, options = {}) => {
    checkOptions(options, CONNECT_OPTIONS, "Cannot connect");
    if (options.tls) checkOptions(options.tls, TLS_OPTIONS, "Cannot connect with tls");
    const { maxCachedBytes } = options;
    if (maxCachedBytes !== undefined && !(maxCachedBytes >= 0)) {
      throw new RangeError(`Cannot connect: maxCachedBytes is ${maxCachedBytes}, wanted bytes from 0 on`);
    }
    const loadArrow = arrowLoader(options.arrow, arrow);
    const open = openerOf(place, schemes);
    const engine = chooseEngine(options, wasm);
    engine.catch(() => {}); // told of where it is awaited
    return new Client(await open(engine, options), loadArrow);
  };
}

function openerOf(
  place: string | URL | FileReader,
  schemes: Schemes,
): (engine: Promise<Engine>, options: ConnectOptions) => Promise<Backend> | Backend {
  if (isFileReader(place)) {
    return async (engine, { maxCachedBytes }) => new EmbeddedBackend(place, await engine, maxCachedBytes);
  }
  if (typeof place !== "string" && typeof (place as URL | undefined)?.href !== "string") {
    throw new TypeError(`Cannot connect to ${show(place)}: wanted a path, a URL or a store`);
  }
  const url = String(place);
  if (url === "") {
    throw new SmaltiError("INVALID_ARGUMENT", `Cannot connect to "": wanted a directory or memory:`);
  }
  // One letter before the colon is a drive.
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]+):/.exec(url)?.[1].toLowerCase() ?? "file";
  const open = Object.hasOwn(schemes, scheme) ? schemes[scheme] : undefined;
  if (open) return (engine, options) => open(url, engine, options);
  const known = Object.keys(schemes).map((name) => `${name}:`);
  throw new SmaltiError(
    "UNSUPPORTED",
    `Cannot connect to "${url}": wanted a directory, or a URL of ${known.slice(0, -1).join(", ")} or ${
      known.at(-1)
    }`,
  );
}

function isFileReader(place: unknown): place is FileReader {
  const { read, size } = Object(place) as Partial<FileReader>;
  return typeof read === "function" && typeof size === "function";
}

/** Opens a URL by what reads, or also writes, the files there, which is loaded while the engine is. */
export function inStore(
  open: (url: string, options: ConnectOptions) => Promise<FileReader> | FileReader,
): Opener {
  return async (url, engine, options) => {
    const [files, chosen] = await Promise.all([open(url, options), engine]);
    return new EmbeddedBackend(files, chosen, options.maxCachedBytes);
  };
}
