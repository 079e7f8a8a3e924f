/**
 * The layout that is shown: from where it came, what was before it, and that it is kept.
 *
 * @module
 */
import type { RecordingInfo } from "../data/protocol.ts";
import type { Dock } from "./dock.ts";
import type { Layout, ParsedLayout } from "./layout.ts";
import { chooseLayout, keepLayout, LayoutHistory, suitingLayout } from "./layouts.ts";
import type { SavedLayouts } from "./saved_layouts.ts";
import type { UrlState } from "./url_state.ts";

/** What the layout is of, and who hears that it is another one. */
export interface LayoutPage {
  readonly dock: Dock;
  readonly info: RecordingInfo | undefined;
  /** The recording, once all of its topics are open; undefined where it was closed. */
  whole(): Promise<RecordingInfo | undefined>;
  /** Which of some fields hold nothing but zeros, or nothing at all. */
  empty(fields: readonly string[]): Promise<ReadonlySet<string>>;
  changed(): void;
  complain(text: string): void;
}

/** One layout at a time. */
export class ShownLayout {
  readonly #page: LayoutPage;
  readonly #history = new LayoutHistory();
  #isLoading = false;
  #isOwn = false;
  /** What is being begun; something newer gives it up. */
  #begun = 0;

  constructor(page: LayoutPage) {
    this.#page = page;
  }

  /** The layout where it is not the one that everybody sees first: it belongs into a link. */
  get own(): Layout | undefined {
    return this.#isOwn ? this.#page.dock.layout : undefined;
  }

  /** Shows the layout that a recording begins with: `packed` is that of a link, `saved` what was saved beside the recording. */
  async begin(
    state: UrlState,
    { packed, saved }: { packed?: Promise<ParsedLayout>; saved?: SavedLayouts },
  ): Promise<void> {
    const begun = ++this.#begun;
    const sources = {
      packed,
      url: state.layoutUrl,
      saved: async (info: RecordingInfo) => await saved?.layout(info),
      empty: (fields: readonly string[]) => this.#page.empty(fields),
      whole: () => this.#page.whole(),
    };
    const chosen = await chooseLayout(sources, (text) => this.#page.complain(text));
    if (begun !== this.#begun || !chosen) return;
    const { layout, isOwn } = chosen;
    this.#load(layout);
    this.#history.reset(this.#page.dock.layout ?? layout);
    this.#isOwn = isOwn;
    this.#page.changed();
  }

  /** Shows nothing. */
  clear(): void {
    this.#begun++;
    this.#isLoading = true;
    this.#page.dock.clear();
    this.#isLoading = false;
    this.#isOwn = false;
  }

  /** Shows another layout, as one that can be gone back from. */
  show(layout: Layout): void {
    this.#load(layout);
    this.taken();
  }

  /** Shows the layout that suits the topics, and forgets the one that was kept. */
  async reset(): Promise<void> {
    const { info } = this.#page;
    if (!info) return;
    const layout = await suitingLayout(info, (fields) => this.#page.empty(fields));
    // Something else may have been opened meanwhile.
    if (info.url !== this.#page.info?.url) return;
    this.show(layout);
    keepLayout(info, undefined);
    this.#isOwn = false;
  }

  /** The one before; false where there is none. */
  back(): boolean {
    return this.#restore(this.#history.back());
  }

  /** The one after; false where there is none. */
  forward(): boolean {
    return this.#restore(this.#history.forward());
  }

  /** Takes note of what the dock shows now. */
  taken(): void {
    const { layout } = this.#page.dock;
    if (!layout || this.#isLoading || !this.#history.push(layout)) return;
    this.#keep(layout);
  }

  #load(layout: Layout): void {
    this.#isLoading = true;
    try {
      this.#page.dock.load(layout);
    } finally {
      this.#isLoading = false;
    }
  }

  #restore(layout: Layout | undefined): boolean {
    if (!layout) return false;
    this.#load(layout);
    this.#keep(layout);
    return true;
  }

  #keep(layout: Layout): void {
    this.#isOwn = true;
    if (this.#page.info) keepLayout(this.#page.info, layout);
    this.#page.changed();
  }
}
