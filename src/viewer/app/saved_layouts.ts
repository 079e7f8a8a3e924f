/**
 * Layouts that were saved beside recordings, in `viewer.json` of their store, for all who open recordings with the same topics:
 *
 *     {"version": 1, "layouts": {"<key of topics and fields>": <layout>, ...}}
 *
 * @module
 */
import type { RecordingInfo } from "../data/protocol.ts";
import { type Layout, layoutKey, MAX_LAYOUT_BYTES, parseLayout } from "./layout.ts";
import { splitRecordingUrl } from "./url_state.ts";

/** Its name in the store's root. */
const FILE = "viewer.json";
const VERSION = 1;
/** How long opening a recording waits for the file at most, in milliseconds. */
const WAIT_MS = 2000;

/** What the file holds: JSON by the keys of topics and fields, unchecked. */
export type SavedLayouts = { readonly [key: string]: unknown };

/** Where the layouts of a recording lie; undefined where it is in no store on the web. */
export function layoutsUrl(recording: string): string | undefined {
  if (!/^https?:/i.test(recording)) return undefined;
  const store = splitRecordingUrl(recording)?.store;
  if (store === undefined) return undefined;
  const url = new URL(store);
  url.pathname += FILE;
  return url.href;
}

/** Loads what is saved beside a recording; nothing where there is none, or nothing that makes sense. Never rejects. */
export async function loadSavedLayouts(recording: string): Promise<SavedLayouts> {
  try {
    const url = layoutsUrl(new URL(recording, document.baseURI).href);
    return url === undefined ? {} : await fetchLayouts(url, AbortSignal.timeout(WAIT_MS));
  } catch {
    return {};
  }
}

/** The layout of recordings like this one; undefined where none was saved. */
export function savedLayout(layouts: SavedLayouts, info: Pick<RecordingInfo, "topics">): Layout | undefined {
  const key = layoutKey(info);
  return Object.hasOwn(layouts, key) ? parseLayout(layouts[key]).layout : undefined;
}

/**
 * Saves a layout beside a recording, for all with the same topics and fields. Returns what was wrong, in words for the user;
 * undefined where that went well. Of two who save at once the later counts.
 */
export async function saveDefaultLayout(info: RecordingInfo, layout: Layout): Promise<string | undefined> {
  const url = layoutsUrl(info.url);
  if (url === undefined) {
    return "Cannot save the layout as default: the recording is in no store; it can be saved as a file";
  }
  const failed = (why: string) => `Cannot save the layout as default in ${url}: ${why}`;
  try {
    const key = layoutKey(info);
    const { [key]: _, ...others } = await fetchLayouts(url, undefined);
    const text = JSON.stringify({ version: VERSION, layouts: { ...others, [key]: layout } });
    const { length } = new TextEncoder().encode(text);
    if (length > MAX_LAYOUT_BYTES) {
      return failed(`the file would have ${length} bytes, wanted ${MAX_LAYOUT_BYTES} at most`);
    }
    const headers = { "Content-Type": "application/json" };
    const { ok, status } = await fetch(url, { method: "PUT", headers, body: text });
    if (ok) return undefined;
    return failed(`its server takes none (status ${status}), wanted one such as \`smalti view\``);
  } catch (reason) {
    return failed((reason as Error).message);
  }
}

/** The layouts of a file; none where it is not there. Rejects where it cannot be read, or is another file. */
async function fetchLayouts(url: string, signal: AbortSignal | undefined): Promise<SavedLayouts> {
  const response = await fetch(url, { cache: "no-cache", ...(signal && { signal }) });
  if (response.status === 404) return {};
  if (!response.ok) throw new Error(`status ${response.status}`);
  const text = await response.text();
  if (text.length > MAX_LAYOUT_BYTES) {
    throw new Error(`it has ${text.length} characters, wanted ${MAX_LAYOUT_BYTES} at most`);
  }
  const json: unknown = JSON.parse(text);
  if (!isObject(json) || json.version !== VERSION || !isObject(json.layouts)) {
    throw new Error(`it is no file of layouts of version ${VERSION}`);
  }
  return json.layouts;
}

function isObject(value: unknown): value is { [key: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
