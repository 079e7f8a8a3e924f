/**
 * Messages of a topic that are text, around the cursor.
 *
 * @module
 */
import { html, render } from "lit/html.js";
import type { PanelOptions } from "../app/layout.ts";
import type { TopicSummary } from "../data/protocol.ts";
import { formatTime } from "../time/time_text.ts";
import { fieldsOfKind, valueOf, valueText } from "./fields.ts";
import type { Panel, PanelContext } from "./panel.ts";
import { fieldChoice, isTold, missingTopic, type PanelParts, panelParts, topicChoice } from "./parts.ts";
import { RowWindow } from "./row_window.ts";
import { logOf } from "./suits.ts";

type Options = PanelOptions["log"];

/** The panel. */
export class LogPanel implements Panel {
  readonly #context: PanelContext<Options>;
  readonly #parts: PanelParts;
  readonly #rows: RowWindow;
  #options: Options;

  constructor(context: PanelContext<Options>) {
    this.#context = context;
    const { topic = "", text = "", level, minLevel, contains } = context.options;
    this.#options = { topic, text, level, minLevel, contains };
    if (topic === "") {
      const found = context.recording.info.topics.map(logOf).find((log) => log !== undefined);
      if (found) this.#options = found;
    }
    this.#parts = panelParts(context.element, { scrolls: true });
    this.#rows = new RowWindow(context, this.#parts.body, () => this.#draw());
    this.#show();
  }

  changed(): void {
    this.#show();
  }

  add(topic: TopicSummary, path: string | undefined): boolean {
    const texts = fieldsOfKind(topic, "text");
    const text = texts.find((field) => field.path === path) ?? texts[0];
    if (!text) return false;
    this.#set({ ...(logOf(topic) ?? { topic: topic.name, text: text.path }), ...(path && { text: path }) });
    return true;
  }

  dispose(): void {
    this.#rows.dispose();
  }

  #set(options: Options): void {
    this.#options = options;
    this.#context.save(options);
    this.#show();
  }

  #show(): void {
    const { topic, text, level, contains } = this.#options;
    const { topics } = this.#context.recording.info;
    const known = topics.find(({ name }) => name === topic);
    this.#context.setTitle(topic === "" ? "Log" : topic);
    render(
      html`
        ${topicChoice(topics.filter((topic) => fieldsOfKind(topic, "text").length > 0), topic, (name) => {
          const found = topics.find((topic) => topic.name === name);
          if (found) this.add(found, undefined);
        })}
              ${fieldChoice(
                "Text",
                fieldsOfKind(known, "text"),
                text,
                (text) => this.#set({ ...this.#options, text }),
              )}
              <input type="search" aria-label="Only messages with" placeholder="Only messages with" .value=${contains ??
                ""}
          @change=${(event: Event) =>
            this.#set({
              ...this.#options,
              contains: (event.target as HTMLInputElement).value || undefined,
            })} />
      `,
      this.#parts.bar,
    );
    const missing = missingTopic(topics, topic) ?? (text === "" ? "Choose a field with text." : undefined);
    this.#parts.say(missing);
    if (missing !== undefined) return;
    this.#rows.show({
      topic,
      fields: [text, ...(level === undefined ? [] : [level])],
      ...(contains && { contains }),
    });
  }

  #draw(): void {
    const { rows, error, nowIndex } = this.#rows;
    const { clock } = this.#context;
    const { text, level, minLevel } = this.#options;
    if (isTold(error)) return this.#parts.say(error.message);
    const shown = rows.map((row, i) => ({ row, i })).filter(({ row }) =>
      minLevel === undefined || level === undefined || Number(valueOf(row, level)) >= minLevel
    );
    this.#parts.say(shown.length === 0 ? "No messages." : undefined);
    render(
      html`
        <table>
          <tbody>${shown.map(({ row, i }) =>
            html`
              <tr tabindex="0" class=${i === nowIndex ? "now" : ""} aria-current=${i === nowIndex
                ? "true"
                : "false"}
                @click=${() => clock.seek(row.timestampNs)}
                @keydown=${(event: KeyboardEvent) => {
                  if (event.key !== "Enter") return;
                  event.stopPropagation();
                  clock.seek(row.timestampNs);
                }}><td class="mono muted short">${formatTime(row.timestampNs, {
                  style: "relative",
                  startNs: clock.startNs,
                })}</td>
                        ${level === undefined
                          ? ""
                          : html`<td class="muted short">${valueText(valueOf(row, level), 12)}</td>`}
                        <td class="text">${valueText(valueOf(row, text), 2000)}</td></tr>
            `
          )}</tbody>
        </table>
      `,
      this.#parts.body,
    );
  }
}
