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
/** Characters of a server's words that are shown. */
const MAX_WORDS = 300;

/** Where the layouts of a recording lie; undefined where it is in no store on the web. */
export function layoutsUrl(recording: string): string | undefined {
  if (!/^https?:/i.test(recording)) return undefined;
  const store = splitRecordingUrl(recording)?.store;
  if (store === undefined) return undefined;
  const url = new URL(store);
  url.pathname += FILE;
  return url.href;
}

/** What the file holds: JSON by the keys of topics and fields, unchecked. */
type Layouts = { readonly [key: string]: unknown };

/** The file as it is, and what tells it from another one. */
interface LayoutsFile {
  readonly layouts: Layouts;
  /** Its ETag; undefined where its server tells none. */
  readonly tag?: string | undefined;
  readonly isThere: boolean;
}

/** The layouts beside a recording, as this page has seen them. */
export class SavedLayouts {
  readonly #url: string | undefined;
  #known: Promise<Layouts> | Layouts;

  /** @param isWanted Whether they are loaded; else there are none for this page. */
  constructor(recording: string, isWanted: boolean) {
    try {
      this.#url = layoutsUrl(new URL(recording, document.baseURI).href);
    } catch {
      // It is no URL: opening it says so.
    }
    this.#known = this.#url !== undefined && isWanted
      ? fetchLayouts(this.#url, AbortSignal.timeout(WAIT_MS)).then(({ layouts }) => layouts, () => ({}))
      : {};
  }

  /** The layout of recordings like this one; undefined where none was saved, or none that makes sense. */
  async layout(info: Pick<RecordingInfo, "topics">): Promise<Layout | undefined> {
    const layouts = await this.#known;
    const key = layoutKey(info);
    return Object.hasOwn(layouts, key) ? parseLayout(layouts[key]).layout : undefined;
  }

  /**
   * Saves a layout for all recordings with the same topics and fields. Returns what was wrong, in words for the user; undefined where
   * that went well. One that somebody else has saved, and this page has not seen, is not replaced the first time.
   */
  async save(info: RecordingInfo, layout: Layout): Promise<string | undefined> {
    const url = this.#url;
    if (url === undefined) return NO_STORE;
    const failed = (why: string) => `Cannot save the layout as default in ${url}: ${why}`;
    try {
      const key = layoutKey(info);
      const known = await this.#known;
      const { layouts, tag, isThere } = await fetchLayouts(url, undefined);
      this.#known = layouts;
      if (layouts[key] !== undefined && !isSame(layouts[key], known[key]) && !isSame(layouts[key], layout)) {
        return CHANGED;
      }
      const text = JSON.stringify({ version: VERSION, layouts: { ...layouts, [key]: layout } });
      const { length } = new TextEncoder().encode(text);
      if (length > MAX_LAYOUT_BYTES) {
        return failed(`the file would have ${length} bytes, wanted ${MAX_LAYOUT_BYTES} at most`);
      }
      // What was saved since it was read is not lost.
      const condition: Record<string, string> = tag !== undefined
        ? { "If-Match": tag }
        : isThere
        ? {}
        : { "If-None-Match": "*" };
      const headers = { "Content-Type": "application/json", ...condition };
      const answer = await fetch(url, { method: "PUT", headers, body: text });
      if (answer.status === 412) return CHANGED;
      if (!answer.ok) return failed(await refusalOf(answer));
      this.#known = { ...layouts, [key]: layout };
      return undefined;
    } catch (reason) {
      return failed((reason as Error).message);
    }
  }
}

/** Of a recording that is in no store on the web. */
export const NO_STORE: string =
  "Cannot save the layout as default: the recording is in no store; it can be saved as a file";
const CHANGED =
  "Somebody else has saved a layout for these topics: nothing is saved yet; once more replaces theirs";

/** Why a server has not taken the file: in its own words, where it has some for people. */
async function refusalOf(answer: Response): Promise<string> {
  const isText = answer.headers.get("Content-Type")?.startsWith("text/plain");
  const words = isText ? (await answer.text()).trim().slice(0, MAX_WORDS) : "";
  if (words !== "") return `its server says "${words}"`;
  return `its server takes none (status ${answer.status}), wanted one such as \`smalti view\``;
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** The layouts of a file; none where it is not there. Rejects where it cannot be read, or is another file. */
async function fetchLayouts(url: string, signal: AbortSignal | undefined): Promise<LayoutsFile> {
  const response = await fetch(url, { cache: "no-cache", ...(signal && { signal }) });
  // What `smalti view` says of a file that is not there is no error in the browser's eyes.
  if (response.status === 404 || response.status === 204) return { layouts: {}, isThere: false };
  if (!response.ok) throw new Error(`status ${response.status}`);
  const text = await response.text();
  if (text.length > MAX_LAYOUT_BYTES) {
    throw new Error(`it has ${text.length} characters, wanted ${MAX_LAYOUT_BYTES} at most`);
  }
  const json: unknown = JSON.parse(text);
  if (!isObject(json) || json.version !== VERSION || !isObject(json.layouts)) {
    throw new Error(`it is no file of layouts of version ${VERSION}`);
  }
  return { layouts: json.layouts, tag: response.headers.get("ETag") ?? undefined, isThere: true };
}

function isObject(value: unknown): value is { [key: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
