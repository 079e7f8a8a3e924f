/**
 * Topics and their fields: a tree with a search, by mouse and keys.
 *
 * @module
 */
import { html, nothing, render, type TemplateResult } from "lit/html.js";
import type { FieldInfo, RecordingInfo, TopicSummary } from "../data/protocol.ts";
import { countText, rateText } from "../draw/number_text.ts";
import { leavesOf } from "../panels/fields.ts";
import { FIELD_TYPE } from "./panel_host.ts";

/** Rows at most: who searches narrows them down. */
const MAX_ROWS = 2000;

/** What the tree does with what is chosen. */
export interface TreePage {
  /** Puts a field, or a topic, into a panel. */
  add(topic: TopicSummary, path: string | undefined): void;
  /** A topic was chosen, for the keys that step from message to message. */
  choose(topic: TopicSummary): void;
  /** Whether a field is in some panel. */
  isShown(topic: string, path: string | undefined): boolean;
}

interface Row {
  readonly key: string;
  readonly topic: TopicSummary;
  readonly field?: FieldInfo;
}

/** The tree. */
export class TopicTree {
  readonly element: HTMLElement = document.createElement("nav");
  readonly #page: TreePage;
  readonly #open = new Set<string>();
  #info: RecordingInfo | undefined;
  #filter = "";
  #current = "";
  #rows: Row[] = [];

  constructor(page: TreePage) {
    this.#page = page;
    this.element.setAttribute("aria-label", "Topics");
  }

  /** Shows the topics of a recording. */
  show(info: RecordingInfo | undefined): void {
    this.#info = info;
    this.draw();
  }

  /** Moves the focus to the search. */
  focusSearch(): void {
    const input = this.element.querySelector("input");
    input?.focus();
    input?.select();
  }

  /** Draws it anew, as where other fields are plotted now. */
  draw(): void {
    this.#rows = this.#list();
    if (!this.#rows.some(({ key }) => key === this.#current)) this.#current = this.#rows[0]?.key ?? "";
    const count = this.#info?.topics.length ?? 0;
    render(
      html`
        <div class="filter">
          <input type="search" placeholder="Search ${count} topics and fields  ( / )"
            aria-label="Search topics and fields"
            .value=${this.#filter} @input=${this.#onFilter} @keydown=${this.#onFilterKey} />
        </div>
        <div role="tree" aria-label="Topics and fields" tabindex=${this.#rows.length > 0 ? nothing : "0"}
          @keydown=${this.#onKey}>
          ${this.#rows.slice(0, MAX_ROWS).map((row) => this.#row(row))}
          ${this.#rows.length > 0
            ? nothing
            : html`<div role="treeitem" aria-selected="false" class="muted">${
              this.#info ? "Nothing is called so" : "No recording"
            }</div>`}
        </div>
      `,
      this.element,
    );
  }

  #list(): Row[] {
    const words = this.#filter.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (text: string) => words.every((word) => text.includes(word));
    return (this.#info?.topics ?? []).flatMap((topic) => {
      const fields = leavesOf(topic.fields).map((field) => ({
        key: `${topic.name}\n${field.path}`,
        topic,
        field,
      }));
      const name = `${topic.name} ${topic.ontologyTag}`.toLowerCase();
      const found = fields.filter(({ field }) =>
        fits(`${name} ${field.path} ${field.description ?? ""}`.toLowerCase())
      );
      if (words.length > 0 && found.length === 0 && !fits(name)) return [];
      const isOpen = words.length > 0
        ? !fits(name) || this.#open.has(topic.name)
        : this.#open.has(topic.name);
      return [
        { key: topic.name, topic },
        ...(isOpen ? (words.length > 0 && found.length > 0 ? found : fields) : []),
      ];
    });
  }

  #isExpanded(name: string): boolean {
    return this.#rows.some(({ topic, field }) => field && topic.name === name);
  }

  #row(row: Row): TemplateResult {
    const { key, topic, field } = row;
    const isCurrent = key === this.#current;
    const isShown = this.#page.isShown(topic.name, field?.path);
    const expanded = this.#isExpanded(topic.name);
    const more = field
      ? field.unit ?? field.type
      : topic.error
      ? "unreadable"
      : rateText(topic.rate) || `${countText(topic.rows)} rows`;
    const title = field
      ? `${field.path}: ${field.type}${field.unit ? `, in ${field.unit}` : ""}${
        field.description ? `\n${field.description}` : ""
      }`
      : `${topic.name}\n${topic.ontologyTag}\n${countText(topic.rows)} rows${
        topic.error ? `\n${topic.error.message}` : ""
      }`;
    return html`
      <div role="treeitem" aria-level=${field ? 2 : 1} aria-selected=${isCurrent}
        aria-expanded=${field ? nothing : expanded} tabindex=${isCurrent
          ? 0
          : -1} draggable="true" title=${title}
        @click=${() => this.#click(row)} @dblclick=${() => this.#page.add(topic, field?.path)}
        @focus=${() => this.#focused(row)} @dragstart=${(event: DragEvent) => this.#drag(event, row)}>
            ${field ? nothing : html`<span class="twist" aria-hidden="true">▸</span>`}
            <span class="name clip">${field ? field.path : topic.name}</span>
            ${isShown ? html`<span class="plotted" title="Shown"></span>` : nothing}
            <span class="more clip">${more}</span>
          </div>
    `;
  }

  readonly #onFilter = (event: Event) => {
    this.#filter = (event.target as HTMLInputElement).value;
    this.#current = "";
    this.draw();
  };

  readonly #onFilterKey = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown" || event.key === "Enter") {
      event.preventDefault();
      // The first field that fits rather than its topic: Enter on it plots it.
      const first = this.#filter === "" ? undefined : this.#rows.find(({ field }) => field);
      this.#go(first ?? this.#rows[0]);
    } else if (event.key === "Escape") {
      this.#filter = "";
      this.draw();
      this.#go(this.#rows.find(({ key }) => key === this.#current));
    }
    event.stopPropagation();
  };

  readonly #onKey = (event: KeyboardEvent) => {
    const at = this.#rows.findIndex(({ key }) => key === this.#current);
    const row = this.#rows[at];
    if (!row || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const actions: Record<string, () => void> = {
      ArrowDown: () => this.#go(this.#rows[at + 1]),
      ArrowUp: () => at === 0 ? this.focusSearch() : this.#go(this.#rows[at - 1]),
      Home: () => this.#go(this.#rows[0]),
      End: () => this.#go(this.#rows.at(-1)),
      ArrowRight: () => this.#right(row, at),
      ArrowLeft: () => this.#left(row),
      Enter: () => this.#page.add(row.topic, row.field?.path),
    };
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    event.stopPropagation();
    action();
  };

  #right(row: Row, at: number): void {
    if (row.field) return;
    if (this.#isExpanded(row.topic.name)) return this.#go(this.#rows[at + 1]);
    this.#open.add(row.topic.name);
    this.draw();
  }

  #left(row: Row): void {
    if (row.field) return this.#go(this.#rows.find(({ key }) => key === row.topic.name));
    this.#open.delete(row.topic.name);
    this.draw();
  }

  #click(row: Row): void {
    this.#current = row.key;
    if (!row.field && !this.#open.delete(row.topic.name)) this.#open.add(row.topic.name);
    this.#page.choose(row.topic);
    this.draw();
  }

  #focused(row: Row): void {
    if (row.key === this.#current) return;
    this.#current = row.key;
    this.draw();
  }

  #go(row: Row | undefined): void {
    if (!row) return;
    this.#current = row.key;
    this.#page.choose(row.topic);
    this.draw();
    this.element.querySelector<HTMLElement>('[role="treeitem"][tabindex="0"]')?.focus();
  }

  #drag(event: DragEvent, { topic, field }: Row): void {
    event.dataTransfer?.setData(FIELD_TYPE, JSON.stringify({ topic: topic.name, path: field?.path }));
    if (event.dataTransfer) event.dataTransfer.effectAllowed = "copy";
  }
}
