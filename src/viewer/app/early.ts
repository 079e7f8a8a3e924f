/**
 * Recordings are opened from here: the page's own begins before the page's scripts have come, which a worker need not wait for.
 *
 * @module
 */
import type { DataClient } from "../data/client.ts";
import type { RecordingInfo, Result } from "../data/protocol.ts";
import { createClient } from "./worker_client.ts";

/** A recording that is being opened. */
export interface Opening {
  readonly client: DataClient;
  readonly opened: Promise<Result<RecordingInfo>>;
}

/** What is opened. */
export interface OpenTarget {
  /** In full. */
  readonly url: string;
  /** Whether the answer may come before all topics are open. */
  readonly early: boolean;
}

let begun: (Opening & OpenTarget) | undefined;

/** Begins to open what the page's address names, unless that is a list of recordings. */
export function beginOpening(): void {
  const { searchParams, hash } = new URL(location.href);
  const given = searchParams.get("url");
  if (!given || !URL.canParse(given, document.baseURI)) return;
  const { href: url, pathname } = new URL(given, document.baseURI);
  if (pathname.endsWith("/")) return;
  const target = { url, early: new URLSearchParams(hash.slice(1)).has("p") };
  begun = { ...target, ...open(target) };
}

/** Opens a recording; the one that is being opened already is taken. */
export function openRecording(target: OpenTarget): Opening {
  const known = begun;
  begun = undefined;
  if (known?.url === target.url && known.early === target.early) return known;
  known?.client.close();
  return open(target);
}

function open(target: OpenTarget): Opening {
  const client = createClient();
  return { client, opened: client.ask("open", 0, target) };
}
