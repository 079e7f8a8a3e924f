/**
 * `index.json`: what a store holds, for web servers, which do not list their directories. Whoever serves a store makes it, or
 * `smalti ls --write-index` does. It may be out of date: what counts is in each sequence's own directory.
 *
 * @module
 */
import { SmaltiError } from "../../error.ts";

/** Its name in the store's root. It is no sequence's: those have no dots. */
export const INDEX = "index.json";
const FORMAT = "smalti index";
const VERSION = 1;

/** A sequence in the list. Times and counts are decimal texts, as they may pass 2^53. */
export interface IndexedSequence {
  readonly name: string;
  /** Its directory in the store. */
  readonly directory: string;
  /** Where it stands: recording, finalized, failed, recovered; undefined where its manifest cannot be read. */
  readonly state?: string;
  /** Whether more is written to it now, and its writer lives: alive, gone, unknown. */
  readonly writer?: string;
  /** When it was created, in ISO 8601. */
  readonly created?: string;
  readonly topics?: number;
  readonly rows?: string;
  readonly bytes?: string;
  readonly firstNs?: string;
  readonly lastNs?: string;
  /** Facts given by who recorded it. */
  readonly metadata?: unknown;
  /** Why its manifest cannot be read. */
  readonly error?: { readonly code: string; readonly message: string };
}

/** The list as JSON text. */
export function encodeIndex(sequences: readonly IndexedSequence[]): Uint8Array {
  const json = { format: FORMAT, version: VERSION, sequences };
  return new TextEncoder().encode(`${JSON.stringify(json, undefined, 1)}\n`);
}

/** The directories that a list names. CORRUPT, UNSUPPORTED where its version is another; `shown` is how errors name it. */
export function decodeDirectories(bytes: Uint8Array, shown: string): string[] {
  const refuse = (text: string) =>
    new SmaltiError("CORRUPT", `Cannot read ${shown}: ${text}`, { file: INDEX });
  let json: { format?: unknown; version?: unknown; sequences?: unknown } | null;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (reason) {
    throw refuse((reason as Error).message);
  }
  if (json?.format !== FORMAT) {
    throw refuse(`its format is ${JSON.stringify(json?.format)}, wanted "${FORMAT}"`);
  }
  if (json.version !== VERSION) {
    const text = `Cannot read ${shown}: it is of version ${JSON.stringify(json.version)}, wanted ${VERSION}`;
    throw new SmaltiError("UNSUPPORTED", text, { file: INDEX });
  }
  const { sequences } = json;
  if (!Array.isArray(sequences)) throw refuse("it has no list of sequences");
  return sequences.map((entry: { directory?: unknown } | null, i) => {
    const directory = entry?.directory;
    if (typeof directory === "string") return directory;
    throw refuse(`entry ${i} has the directory ${JSON.stringify(directory)}, wanted a text`);
  });
}
