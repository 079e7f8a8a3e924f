/**
 * Shows panels: makes each what it needs, and says so where one cannot be made.
 *
 * @module
 */
import type { TopicSummary } from "../data/protocol.ts";
import { type Panel, type PanelContext, panelDefinition } from "../panels/panel.ts";
import type { PanelState } from "./layout.ts";

/** What all panels share; their own place and options come on top. */
export type SharedContext = Omit<
  PanelContext,
  "element" | "options" | "save" | "setTitle" | "watch"
>;

/** What the host asks of the page. */
export interface HostPage {
  /** Undefined while no recording is open. */
  readonly shared: () => SharedContext | undefined;
  readonly watch: PanelContext["watch"];
  save(id: string, state: PanelState): void;
  setTitle(id: string, title: string): void;
  /** Where a field was dropped. */
  dropped(id: string, topic: string, path: string | undefined): void;
}

interface Shown {
  readonly element: HTMLElement;
  panel: Panel | undefined;
  hasEnded: boolean;
}

/** MIME type of what is dragged from the tree: JSON of `{topic, path}`. */
export const FIELD_TYPE = "application/x-smalti-field";

/** Panels that are seen, by their ids. */
export class PanelHost {
  readonly #page: HostPage;
  readonly #shown = new Map<string, Shown>();

  constructor(page: HostPage) {
    this.#page = page;
  }

  /** Shows a panel until what it returns is called. */
  show(id: string, state: PanelState, place: HTMLElement): () => void {
    const element = document.createElement("section");
    element.className = "panel";
    element.tabIndex = -1;
    const definition = panelDefinition(state.type);
    element.setAttribute("aria-label", state.title ?? definition?.title ?? state.type);
    place.append(element);
    const shown: Shown = { element, panel: undefined, hasEnded: false };
    this.#shown.set(id, shown);
    this.#acceptDrops(id, element);
    this.#create(id, state, shown);
    return () => {
      shown.hasEnded = true;
      shown.panel?.dispose();
      element.remove();
      if (this.#shown.get(id) === shown) this.#shown.delete(id);
    };
  }

  /** The panel itself, where it is seen and made. */
  panel(id: string): Panel | undefined {
    return this.#shown.get(id)?.panel;
  }

  /** All that are seen. */
  get panels(): [id: string, panel: Panel][] {
    return [...this.#shown].flatMap(([id, { panel }]) => panel ? [[id, panel] as [string, Panel]] : []);
  }

  /** Whether a field goes well with what a panel shows. */
  async fits(id: string, topic: TopicSummary, path: string | undefined): Promise<boolean> {
    return await (this.panel(id)?.fits?.(topic, path) ?? true);
  }

  /** Has a field put into a panel; false where it takes none. */
  add(id: string, topic: TopicSummary, path: string | undefined): boolean {
    return this.panel(id)?.add?.(topic, path) ?? false;
  }

  async #create(id: string, state: PanelState, shown: Shown): Promise<void> {
    const { element } = shown;
    const shared = this.#page.shared();
    const definition = panelDefinition(state.type);
    if (!shared || !definition) {
      showEmpty(
        element,
        definition ? "No recording is open." : `There is no panel "${state.type}" in this viewer.`,
      );
      return;
    }
    const stops: (() => void)[] = [];
    let current = state;
    const page = this.#page;
    const own = {
      element,
      options: state.options,
      save: (options) => {
        current = { ...current, options: { ...options } };
        if (!shown.hasEnded) page.save(id, current);
      },
      setTitle: (title) => {
        element.setAttribute("aria-label", state.title ?? `${definition.title}: ${title}`);
        if (!shown.hasEnded) page.setTitle(id, state.title ?? title);
      },
      watch: (wishes, onAnswers) => {
        const stop = page.watch(wishes, onAnswers);
        stops.push(stop);
        return stop;
      },
    } satisfies Partial<PanelContext>;
    // Not by spreading, which would read the getters once and for all.
    const context: PanelContext = Object.assign(pass(() => page.shared() ?? shared), own);
    try {
      const panel = await definition.create(context);
      const ended = {
        ...boundPanel(panel),
        dispose: () => (stops.forEach((stop) => stop()), panel.dispose()),
      };
      if (shown.hasEnded) ended.dispose();
      else shown.panel = ended;
    } catch (reason) {
      console.error(reason);
      stops.forEach((stop) => stop());
      showEmpty(element, `This panel could not be made: ${(reason as Error).message}`);
    }
  }

  #acceptDrops(id: string, element: HTMLElement): void {
    const isOurs = (event: DragEvent) => event.dataTransfer?.types.includes(FIELD_TYPE) ?? false;
    element.addEventListener("dragover", (event) => {
      if (!isOurs(event)) return;
      event.preventDefault();
      event.stopPropagation();
      element.classList.add("dragging");
    });
    element.addEventListener("dragleave", () => element.classList.remove("dragging"));
    element.addEventListener("drop", (event) => {
      element.classList.remove("dragging");
      if (!isOurs(event)) return;
      event.preventDefault();
      event.stopPropagation();
      const dragged = readField(event.dataTransfer!.getData(FIELD_TYPE));
      if (dragged) this.#page.dropped(id, dragged.topic, dragged.path);
    });
  }
}

/** The shared part, read anew each time: the theme and the recordings change. */
function pass(shared: () => SharedContext): SharedContext {
  return {
    get clock() {
      return shared().clock;
    },
    get recording() {
      return shared().recording;
    },
    get second() {
      return shared().second;
    },
    get theme() {
      return shared().theme;
    },
    get hover() {
      return shared().hover;
    },
    get margins() {
      return shared().margins;
    },
    shiftSecond: (byNs) => shared().shiftSecond(byNs),
    request: (draw) => shared().request(draw),
    drawn: () => shared().drawn(),
    say: (text, isBad) => shared().say(text, isBad),
  };
}

function boundPanel(panel: Panel): Omit<Panel, "dispose"> {
  return {
    resized: panel.resized?.bind(panel),
    changed: panel.changed?.bind(panel),
    fits: panel.fits?.bind(panel),
    add: panel.add?.bind(panel),
    picture: panel.picture?.bind(panel),
    step: panel.step?.bind(panel),
  };
}

function showEmpty(element: HTMLElement, text: string): void {
  const empty = document.createElement("div");
  empty.className = "empty";
  empty.textContent = text;
  element.replaceChildren(empty);
}

/** What was dragged: from our tree, unless another page means ill. */
function readField(text: string): { topic: string; path: string | undefined } | undefined {
  try {
    const { topic, path } = JSON.parse(text);
    return typeof topic === "string"
      ? { topic, path: typeof path === "string" ? path : undefined }
      : undefined;
  } catch {
    return undefined;
  }
}
