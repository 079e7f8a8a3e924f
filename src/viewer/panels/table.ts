/**
 * Messages of one topic as rows, around the cursor.
 *
 * @module
 */
import { html, render } from "lit/html.js";
import type { PanelOptions } from "../app/layout.ts";
import type { Row, TopicSummary } from "../data/protocol.ts";
import { formatTime } from "../time/time_text.ts";
import { leavesOf, valueOf, valueText } from "./fields.ts";
import type { Panel, PanelContext } from "./panel.ts";
import { isTold, missingTopic, type PanelParts, panelParts, topicChoice } from "./parts.ts";
import { RowWindow } from "./row_window.ts";

type Options = PanelOptions["table"];

/** Columns at most. */
const MAX_COLUMNS = 40;
/** How often it is drawn at most, in milliseconds. */
const DRAW_MS = 100;

/** The panel. */
export class TablePanel implements Panel {
  readonly #context: PanelContext<Options>;
  readonly #parts: PanelParts;
  readonly #rows: RowWindow;
  #options: Options;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lastDraw = 0;

  constructor(context: PanelContext<Options>) {
    this.#context = context;
    const { topic = "", fields } = context.options;
    this.#options = { topic, ...(Array.isArray(fields) && { fields }) };
    this.#parts = panelParts(context.element, { scrolls: true });
    this.#rows = new RowWindow(context, this.#parts.body, () => this.#drawSoon());
    this.#show();
  }

  changed(): void {
    this.#show();
  }

  add(topic: TopicSummary): boolean {
    this.#options = { topic: topic.name };
    this.#context.save(this.#options);
    this.#show();
    return true;
  }

  dispose(): void {
    clearTimeout(this.#timer);
    this.#rows.dispose();
  }

  #columns(): string[] {
    const topic = this.#context.recording.info.topics.find(({ name }) => name === this.#options.topic);
    return this.#options.fields ??
      (topic ? leavesOf(topic.fields).map(({ path }) => path).slice(0, MAX_COLUMNS) : []);
  }

  #show(): void {
    const { topics } = this.#context.recording.info;
    const { topic, fields } = this.#options;
    this.#context.setTitle(topic === "" ? "Table" : topic);
    render(
      html`${
        topicChoice(topics, topic, (name) => {
          const found = topics.find((topic) => topic.name === name);
          if (found) this.add(found);
        })
      }`,
      this.#parts.bar,
    );
    const missing = missingTopic(topics, topic);
    this.#parts.say(missing);
    if (missing === undefined) this.#rows.show({ topic, ...(fields && { fields }) });
  }

  #drawSoon(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#lastDraw = performance.now();
      this.#draw();
    }, Math.max(0, this.#lastDraw + DRAW_MS - performance.now()));
  }

  #draw(): void {
    const { rows, error, nowIndex } = this.#rows;
    const { clock } = this.#context;
    if (isTold(error)) return this.#parts.say(error.message);
    this.#parts.say(rows.length === 0 ? "No messages." : undefined);
    const columns = this.#columns();
    render(
      html`
        <table>
          <thead>
            <tr><th scope="col">time</th>${columns.map((path) => html`<th scope="col">${path}</th>`)}</tr>
          </thead>
          <tbody>${rows.map((row, i) =>
            html`
              <tr tabindex="0" class=${i === nowIndex ? "now" : ""} @click=${() =>
                clock.seek(row.timestampNs)}
                @keydown=${(event: KeyboardEvent) => {
                  if (event.key !== "Enter") return;
                  event.stopPropagation();
                  clock.seek(row.timestampNs);
                }}><td class="mono">${formatTime(row.timestampNs, {
                  style: "relative",
                  startNs: clock.startNs,
                  digits: 6,
                })}</td>
                        ${columns.map((path) => cell(row, path))}</tr>
            `
          )}</tbody>
        </table>
      `,
      this.#parts.body,
    );
    this.#parts.body.querySelector("tr.now")?.scrollIntoView({ block: "nearest" });
  }
}

function cell(row: Row, path: string) {
  const value = valueOf(row, path);
  const isNumber = typeof value === "number" || typeof value === "bigint";
  return html`<td class="mono ${isNumber ? "number" : ""}">${valueText(value, 60)}</td>`;
}
