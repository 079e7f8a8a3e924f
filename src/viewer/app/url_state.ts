/**
 * What the URL of the page says:
 *
 *     ?url=<recording>[&with=<recording>&shift=<s>][&layout=<URL>]#t=<ns>&w=<ns>,<ns>&a=<ns>&b=<ns>&speed=<x>&p=<layout>
 *
 * Moments are decimal nanoseconds, exact. What makes no sense is left out and told, never thrown.
 *
 * @module
 */
import { nsOf } from "../time/clock.ts";
import { parseNs } from "../time/time_text.ts";
import { deflateText, inflateText } from "./packed_text.ts";
import { type Layout, MAX_LAYOUT_BYTES, type ParsedLayout, parseLayout } from "./layout.ts";

/** The state of a page. All of it may be missing. */
export interface UrlState {
  /** URL of the recording: `?url=`. */
  readonly url?: string;
  /** URL of the one beside it: `&with=`. */
  readonly with?: string;
  /** How much later the second one is shown than the first, both from their starts on: `&shift=`, decimal seconds in the URL. */
  readonly shiftNs?: bigint;
  /** URL of a file with the layout: `&layout=`. */
  readonly layoutUrl?: string;
  /** The cursor: `t`. */
  readonly cursorNs?: bigint;
  /** The window: `w`. */
  readonly windowNs?: { readonly fromNs: bigint; readonly toNs: bigint };
  /** The first mark. */
  readonly aNs?: bigint;
  /** The second mark. */
  readonly bNs?: bigint;
  /** Times real time. */
  readonly speed?: number;
  /** The layout, packed: `p`. See {@linkcode unpackLayout}. */
  readonly packedLayout?: string;
}

/** A URL's state, and what was wrong with it, in words for the user. */
export interface ParsedUrl {
  readonly state: UrlState;
  readonly problems: readonly string[];
}

/** Characters of a packed layout at most: browsers and servers take URLs of some tens of thousands. */
const MAX_PACKED = 32_768;
const MAX_URL = 4096;
const MAX_SPEED = 1000;

/** Reads the URL of a page. Never throws. */
export function parseUrl(href: string): ParsedUrl {
  const problems: string[] = [];
  let at: URL;
  try {
    at = new URL(href);
  } catch {
    return { state: {}, problems: [`The address ${shown(href)} is no URL`] };
  }
  const hash = new URLSearchParams(at.hash.slice(1));
  /** A part of the URL, read; undefined where it is not there or makes no sense, which is told. */
  const read = <T>(
    from: URLSearchParams,
    key: string,
    wanted: string,
    parse: (text: string) => T | undefined,
  ) => {
    const text = from.get(key);
    if (text === null || text === "") return undefined;
    const value = parse(text);
    if (value === undefined) problems.push(`The link's ${key} is ${shown(text)}, wanted ${wanted}`);
    return value;
  };
  const url = (key: string) => read(at.searchParams, key, "a URL of a file or a web server", parseTarget);
  const moment = (key: string) => read(hash, key, "nanoseconds", parseNs);
  const state: { -readonly [K in keyof UrlState]: UrlState[K] | undefined } = {
    url: url("url"),
    with: url("with"),
    shiftNs: read(at.searchParams, "shift", "seconds", parseSeconds),
    layoutUrl: url("layout"),
    cursorNs: moment("t"),
    windowNs: read(hash, "w", "two moments in nanoseconds, the second after the first", parseWindow),
    aNs: moment("a"),
    bNs: moment("b"),
    speed: read(hash, "speed", `a number above 0, ${MAX_SPEED} at most`, parseSpeed),
    packedLayout: read(hash, "p", "a packed layout", parsePacked),
  };
  const known = Object.entries(state).filter(([, value]) => value !== undefined);
  return { state: Object.fromEntries(known) as UrlState, problems };
}

/**
 * The URL of a page in some state. Parameters of others in the query stay; what comes after `#` is ours alone.
 *
 * @param href The page's URL as it is.
 */
export function formatUrl(href: string, state: UrlState): string {
  const at = new URL(href);
  const own = [
    ["url", state.url],
    ["with", state.with],
    ["shift", state.shiftNs ? formatSeconds(state.shiftNs) : undefined],
    ["layout", state.layoutUrl],
  ] as const;
  for (const [key] of own) at.searchParams.delete(key);
  const { windowNs: window } = state;
  const hash = [
    ["t", state.cursorNs],
    ["w", window && `${window.fromNs},${window.toNs}`],
    ["a", state.aNs],
    ["b", state.bNs],
    ["speed", state.speed === 1 ? undefined : state.speed],
    ["p", state.packedLayout],
  ] as const;
  const others = at.searchParams.toString();
  const query = [others, joined(own)].filter((part) => part !== "").join("&");
  at.search = query;
  at.hash = joined(hash);
  return at.href;
}

/** Packs a layout for a URL: JSON, deflated, in base64url. */
export async function packLayout(layout: Layout): Promise<string> {
  return await deflateText(JSON.stringify(layout));
}

/**
 * A packed layout. What cannot be read, or is larger than a layout may be, however small it is packed, gives no layout and a
 * problem. Never rejects.
 */
export async function unpackLayout(packed: string): Promise<ParsedLayout> {
  let text: string;
  try {
    text = await inflateText(packed, MAX_LAYOUT_BYTES);
  } catch (reason) {
    return { problems: [`The link's layout cannot be read: ${(reason as Error).message}`] };
  }
  return parseLayout(text);
}

/**
 * A recording's URL in two: the store's, and the recording's name. A query stays with the store: it goes with every request.
 * Undefined where the URL has no name.
 */
export function splitRecordingUrl(url: string): { store: string; name: string } | undefined {
  const [, path, query = ""] = /^([^?#]*)(\?[^#]*)?/.exec(url)!;
  const parts = /^(.*?)([^/]+)\/*$/s.exec(path);
  if (!parts) return undefined;
  const [, store, encoded] = parts;
  try {
    // A host alone is no recording.
    if (/^[a-z][a-z0-9+.-]*:\/*$/i.test(store)) return undefined;
    return { store: (store === "" ? "./" : store) + query, name: decodeURIComponent(encoded) };
  } catch {
    return undefined;
  }
}

function joined(pairs: readonly (readonly [string, unknown])[]): string {
  return pairs
    .filter(([, value]) => value !== undefined && value !== "")
    // Slashes, colons and commas need no escape, and a link is read by people.
    .map(([key, value]) =>
      `${key}=${encodeURIComponent(String(value)).replace(/%(2F|3A|2C)/g, decodeURIComponent)}`
    )
    .join("&");
}

/** `javascript:` and the like open nothing. */
function parseTarget(text: string): string | undefined {
  if (text.length > MAX_URL) return undefined;
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1].toLowerCase();
  return scheme === undefined || ["http", "https", "memory"].includes(scheme) ? text : undefined;
}

function parseWindow(text: string): UrlState["windowNs"] {
  const [from, to, ...more] = text.split(",").map(parseNs);
  if (from === undefined || to === undefined || more.length > 0 || to <= from) return undefined;
  return { fromNs: from, toNs: to };
}

function parseSpeed(text: string): number | undefined {
  const speed = /^\d{1,4}(\.\d{1,6})?$/.test(text) ? Number(text) : NaN;
  return speed > 0 && speed <= MAX_SPEED ? speed : undefined;
}

function parsePacked(text: string): string | undefined {
  return text.length <= MAX_PACKED && /^[A-Za-z0-9_-]+$/.test(text) ? text : undefined;
}

function parseSeconds(text: string): bigint | undefined {
  const parts = /^(-?)(\d{1,9})(?:\.(\d{1,9}))?$/.exec(text);
  if (!parts) return undefined;
  const [, sign, whole, fraction = ""] = parts;
  const ns = nsOf(Number(whole)) + BigInt(fraction.padEnd(9, "0"));
  return sign === "-" ? -ns : ns;
}

function formatSeconds(ns: bigint): string {
  const size = ns < 0n ? -ns : ns;
  const fraction = String(size % 1_000_000_000n).padStart(9, "0").replace(/0+$/, "");
  return `${ns < 0n ? "-" : ""}${size / 1_000_000_000n}${fraction && `.${fraction}`}`;
}

function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text);
}
