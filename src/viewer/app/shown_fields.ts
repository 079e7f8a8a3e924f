/**
 * Fields in panels: where a new one goes, and which are shown.
 *
 * @module
 */
import { formatReference } from "../data/expression/reference.ts";
import type { TopicSummary } from "../data/protocol.ts";
import { leavesOf } from "../panels/fields.ts";
import { panelDefinition, panelDefinitions } from "../panels/panel.ts";
import type { Dock } from "./dock.ts";
import type { PlotLine } from "./known_topics.ts";
import type { PanelOptions } from "./layout.ts";
import type { PanelHost } from "./panel_host.ts";

/** What has panels. */
export interface FieldsPage {
  readonly dock: Dock;
  readonly host: PanelHost;
  topics(): readonly TopicSummary[];
  /** Calls it in the next frame. */
  request(act: () => void): void;
  say(text: string): void;
  /** Other fields are shown. */
  changed(): void;
}

/** Fields that panels show. */
export class ShownFields {
  readonly #page: FieldsPage;

  constructor(page: FieldsPage) {
    this.#page = page;
  }

  /** Puts a field, or a topic, into the panel that is used, another one that it suits, or a new one. */
  async add(topic: TopicSummary, path: string | undefined): Promise<void> {
    const { dock, host } = this.#page;
    const kind = path === undefined
      ? undefined
      : leavesOf(topic.fields).find((field) => field.path === path)?.kind;
    const wanted = kind === "number" ? "plot" : kind === "bool" || kind === "text" ? "states" : undefined;
    const shown = path === undefined ? undefined : this.#visiblePlotOf(topic, path);
    if (shown !== undefined) {
      dock.activate(shown);
      this.#page.say(`${path} is in this ${dock.state(shown)?.type} already`);
      return;
    }
    const ids = [...(dock.activeId === undefined ? [] : [dock.activeId]), ...dock.visibleIds];
    for (const id of ids) {
      if (wanted !== undefined && dock.state(id)?.type !== wanted) continue;
      if (!await host.fits(id, topic, path) || !host.add(id, topic, path)) continue;
      this.#page.changed();
      this.#page.say(`${path ?? topic.name} is in ${dock.state(id)?.type}`);
      return;
    }
    const definition = wanted !== undefined
      ? panelDefinition(wanted)
      : panelDefinitions().sort((a, b) => b.takes(topic) - a.takes(topic))[0];
    if (!definition) return;
    const id = dock.add({ type: definition.name, options: {} });
    this.#page.say(`${path ?? topic.name} is in a new ${definition.name}`);
    // It is made when it is shown, which may be some frames later.
    const put = async (tries: number) => {
      // Which axes suit it is known then.
      if (host.panel(id)) await host.fits(id, topic, path);
      if (host.add(id, topic, path) || tries === 0) this.#page.changed();
      else this.#page.request(() => void put(tries - 1));
    };
    await put(300);
  }

  /** A panel that is seen and has a field as a line of its own. */
  #visiblePlotOf({ name }: TopicSummary, path: string): string | undefined {
    const text = formatReference(name, path);
    return this.#page.dock.visibleIds.find((id) => {
      const { lines = [] } = (this.#page.dock.state(id)?.options ?? {}) as Partial<PanelOptions["plot"]>;
      return Array.isArray(lines) && lines.some((line) => (line?.text ?? line) === text);
    });
  }

  /** By the text of what panels show: good enough for a dot in the tree. */
  isShown(topic: string, path: string | undefined): boolean {
    return this.#page.dock.ids.some((id) => {
      const options = JSON.stringify(this.#page.dock.state(id)?.options ?? {});
      return path === undefined
        ? options.includes(topic)
        : options.includes(`${topic}.${path}`) || options.includes(`\`${topic}\`.${path}`);
    });
  }

  /** Lines of all plots. */
  shownLines(): readonly PlotLine[] {
    return this.#page.dock.ids.flatMap((id) => {
      const state = this.#page.dock.state(id);
      return state?.type === "plot" ? (state.options as PanelOptions["plot"]).lines ?? [] : [];
    });
  }

  /** Topics that are in some panel, or all where none is. */
  shownTopics(): string[] {
    const topics = (this.#page.topics()).filter(({ rows }) => rows > 0).map(({ name }) => name);
    const shown = topics.filter((name) => this.isShown(name, undefined));
    return shown.length > 0 ? shown : topics;
  }
}
