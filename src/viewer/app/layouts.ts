/**
 * Which layout is shown, those before it, and the one that is kept for the next recording with the same topics.
 *
 * @module
 */
import type { RecordingInfo } from "../data/protocol.ts";
import { defaultLayout } from "./default_layout.ts";
import { optionalFields } from "./known_topics.ts";
import { type Layout, layoutKey, type LayoutNode, type ParsedLayout, parseLayout } from "./layout.ts";

/** Layouts that one can go back to. */
const MAX_HISTORY = 100;

/** Layouts, back and forth. */
export class LayoutHistory {
  #past: string[] = [];
  #future: string[] = [];
  #now: string | undefined;

  /** Begins anew. */
  reset(layout: Layout): void {
    this.#past = [];
    this.#future = [];
    this.#now = JSON.stringify(layout);
  }

  /** Keeps a layout as the newest one; false where it is as the one before. */
  push(layout: Layout): boolean {
    const text = JSON.stringify(layout);
    if (text === this.#now || (this.#now !== undefined && isAlike(JSON.parse(this.#now), layout))) {
      return false;
    }
    if (this.#now !== undefined) this.#past = [...this.#past, this.#now].slice(-MAX_HISTORY);
    this.#future = [];
    this.#now = text;
    return true;
  }

  /** The layout before, which is then the one that is shown. */
  back(): Layout | undefined {
    return this.#move(this.#past, this.#future);
  }

  /** The layout after. */
  forward(): Layout | undefined {
    return this.#move(this.#future, this.#past);
  }

  #move(from: string[], to: string[]): Layout | undefined {
    const text = from.pop();
    if (text === undefined || this.#now === undefined) return undefined;
    to.push(this.#now);
    this.#now = text;
    return JSON.parse(text);
  }
}

/** Whether layouts show the same in the same places, but for what another size of the window makes of shares. */
export function isAlike(a: Layout, b: Layout): boolean {
  return JSON.stringify(sorted(a.panels)) === JSON.stringify(sorted(b.panels)) && isAlikeNode(a.root, b.root);
}

function sorted(panels: Layout["panels"]): unknown[] {
  return Object.entries(panels).sort(([a], [b]) => a < b ? -1 : 1)
    .map(([id, { type, title, options }]) => [id, type, title, options]);
}

function isAlikeNode(a: LayoutNode, b: LayoutNode): boolean {
  if (a.kind === "tabs" || b.kind === "tabs") return JSON.stringify(a) === JSON.stringify(b);
  if (a.kind !== b.kind || a.children.length !== b.children.length) return false;
  const [sharesA, sharesB] = [sharesOf(a.sizes), sharesOf(b.sizes)];
  return a.children.every((child, i) =>
    Math.abs(sharesA[i] - sharesB[i]) < 0.03 && isAlikeNode(child, b.children[i])
  );
}

function sharesOf(sizes: readonly number[]): number[] {
  const sum = sizes.reduce((sum, size) => sum + size, 0) || 1;
  return sizes.map((size) => size / sum);
}

/** Where a layout may come from, the first that is there counts. */
export interface LayoutSources {
  readonly packed?: Promise<ParsedLayout>;
  readonly url?: string;
  /** What was saved beside recordings like this one; undefined where nothing was. */
  readonly saved: (info: RecordingInfo) => Promise<Layout | undefined>;
  /** Which of some fields hold nothing but zeros, or nothing at all. */
  readonly empty: (fields: readonly string[]) => Promise<ReadonlySet<string>>;
  /** The recording with all of its fields, for a layout that suits them; undefined where it was closed. */
  readonly whole: () => Promise<RecordingInfo | undefined>;
}

/** The layout to begin with, and whether it is another one than who opens the recording sees anyway. What is wrong with one that was asked for is said, and the next one is taken. */
export async function chooseLayout(
  { packed, url, saved, empty, whole }: LayoutSources,
  onProblem: (text: string) => void,
): Promise<{ layout: Layout; isOwn: boolean } | undefined> {
  if (packed !== undefined) {
    const { layout, problems } = await packed;
    problems.forEach(onProblem);
    if (layout) return { layout, isOwn: true };
  }
  if (url !== undefined) {
    const layout = await fetchLayout(url, onProblem);
    if (layout) return { layout, isOwn: true };
  }
  const info = await whole();
  if (!info) return undefined;
  const kept = keptLayout(info);
  if (kept) return { layout: kept, isOwn: true };
  return { layout: await saved(info) ?? await suitingLayout(info, empty), isOwn: false };
}

/** The layout that suits the topics. */
export async function suitingLayout(info: RecordingInfo, empty: LayoutSources["empty"]): Promise<Layout> {
  const fields = optionalFields(info.topics);
  return defaultLayout(info, fields.length > 0 ? await empty(fields) : new Set());
}

async function fetchLayout(url: string, onProblem: (text: string) => void): Promise<Layout | undefined> {
  try {
    const response = await fetch(new URL(url, document.baseURI));
    if (!response.ok) throw new Error(`status ${response.status}`);
    const { layout, problems } = parseLayout(await response.text());
    problems.forEach(onProblem);
    return layout;
  } catch (reason) {
    onProblem(`Cannot load the layout from ${url}: ${(reason as Error).message}`);
  }
}

/** The layout that was last used with such topics. What is kept there is not worth a complaint. */
export function keptLayout(info: RecordingInfo): Layout | undefined {
  try {
    const text = localStorage.getItem(layoutKey(info));
    return text === null ? undefined : parseLayout(text).layout;
  } catch {
    return undefined;
  }
}

/** Keeps a layout for the next time, once all fields are known; undefined forgets it. A browser that keeps nothing is as good. */
export function keepLayout(info: RecordingInfo, layout: Layout | undefined): void {
  if (!info.topics.every(({ isOpen, error }) => isOpen || error)) return;
  try {
    if (layout) localStorage.setItem(layoutKey(info), JSON.stringify(layout));
    else localStorage.removeItem(layoutKey(info));
  } catch {
    // Full, or forbidden.
  }
}
