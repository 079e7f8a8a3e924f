/**
 * `connect`, as every entry has it: from a URL to a client, by a table of schemes.
 *
 * @module
 */
import { arrowLoader, type ArrowSource, type LoadArrow } from "./arrow/library.ts";
import type { Backend } from "./backend.ts";
import { Client } from "./client.ts";
import { EmbeddedBackend } from "./embedded/embedded_backend.ts";
import type { Engine } from "./engine.ts";
import { type BundledWasm, chooseEngine, type EngineOptions } from "./engine/load/choose_engine.ts";
import { SmaltiError } from "./error.ts";
import { MemoryStore } from "./store/memory.ts";
import type { Store } from "./store/store.ts";

/** Options of `connect`. */
export interface ConnectOptions extends EngineOptions {
  /**
   * apache-arrow, or a function that imports it, for Tables and RecordBatches. Bundles for pages and workers, and
   * `smalti/slim`, hold none of their own. @default the one that is installed, imported when one is first asked for
   */
  arrow?: ArrowSource;
  /** The key for a server that wants one. */
  apiKey?: string;
  /** Certificates of authorities to trust for `grpc+tls:`, in PEM. @default those that the runtime trusts */
  tls?: { ca: string };
  /** How long to try to reach a server, in milliseconds. @default 5000 */
  timeoutMs?: number;
  /** Stops trying to reach a server. */
  signal?: AbortSignal;
}

/** What `connect` of every entry is. */
export type Connect = (url: string | URL, options?: ConnectOptions) => Promise<Client>;

/** Opens the recordings behind a `grpc:` or `grpc+tls:` URL. */
export type OpenServer = (url: string, engine: Engine, options: ConnectOptions) => Promise<Backend>;

/** What an entry brings along; each piece may be left out. */
export interface Pieces {
  /** The WASM module. */
  wasm?: BundledWasm;
  /** Where apache-arrow comes from unless an option says so. */
  arrow?: LoadArrow;
  /** Reaches servers. */
  openServer?: OpenServer;
}

/** Makes the `connect` of an entry. */
export function createConnect({ wasm, arrow, openServer = noServers }: Pieces): Connect {
  return async (url, options = {}) => {
    const loadArrow = arrowLoader(options.arrow, arrow);
    const engine = await chooseEngine(options, wasm);
    const text = String(url);
    const backend = /^grpc(\+tls)?:/i.test(text)
      ? await openServer(text, engine, options)
      : new EmbeddedBackend(await openStore(url), engine);
    return new Client(backend, loadArrow);
  };
}

const noServers: OpenServer = (url) =>
  Promise.reject(
    new SmaltiError(
      "UNSUPPORTED",
      `Cannot connect to "${url}" from here: wanted the main entry of smalti, on Deno, Bun or Node`,
    ),
  );

async function openStore(url: string | URL): Promise<Store> {
  const text = String(url);
  if (text === "memory:") return new MemoryStore();
  // One letter before the colon is a drive.
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]+):/.exec(text)?.[1].toLowerCase();
  if (scheme === "http" || scheme === "https") {
    const { HttpStore } = await import("./store/http/http_store.ts");
    return new HttpStore(text);
  }
  if (scheme !== undefined && scheme !== "file") {
    throw new SmaltiError(
      "UNSUPPORTED",
      `Cannot connect to "${text}": wanted a directory, a file:, http:, grpc: or grpc+tls: URL, or memory:`,
    );
  }
  if (text === "") {
    throw new SmaltiError("INVALID_ARGUMENT", `Cannot connect to "": wanted a directory or memory:`);
  }
  const { openDirectory } = await import("./store/directory/directory_store.ts");
  return openDirectory(text);
}
