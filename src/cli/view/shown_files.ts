/**
 * Files that pages are shown, wherever they lie.
 *
 * @module
 */
import type { Client } from "../../client.ts";
import type { FileReader } from "../../store/store.ts";
import type { StoreChanges } from "./store_changes.ts";

/** A file that was found, as it was then. */
export interface ShownFile {
  readonly size: number;
  /** Its ETag; undefined where nothing tells its states apart. */
  readonly tag: string | undefined;
  /** When it was changed, as HTTP has times; undefined where nobody says. */
  readonly modified?: string | undefined;
  /** Bytes that are read at a time. */
  readonly pieceBytes: number;
  /** Bytes from an offset on, in memory of their own; none at its end. */
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** What of a file is asked for, as far as it saves requests to know. */
export interface AskedPart {
  /** `Range`. */
  readonly range?: string | undefined;
  /** `If-None-Match`. */
  readonly unless?: string | undefined;
  /** Aborts once nobody waits any more. */
  readonly signal?: AbortSignal;
}

/** Files below one place, and no others. */
export interface ShownFiles {
  /** Finds a file by the parts of its path; undefined where there is none. The caller closes it. */
  open(parts: readonly string[], asked?: AskedPart): Promise<ShownFile | undefined>;
  /** Whether what is in a directory may be shown. */
  isShown(directory: string): Promise<boolean>;
}

/** Recordings that are shown. */
export interface ServedStore {
  /** What lists them. It is the client's to close. */
  readonly store: FileReader;
  readonly client: Client;
  readonly files: ShownFiles;
  /** The text of `index.json`. NOT_FOUND, UNSUPPORTED where nobody knows what there is. */
  list(): Promise<Uint8Array>;
  /** What tells when they change; undefined where pages are to look themselves. */
  readonly changes?: StoreChanges | undefined;
}
