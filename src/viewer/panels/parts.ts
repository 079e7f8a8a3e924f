/** What several panels are made of. */
import { html, type TemplateResult } from "lit/html.js";
import type { DataError, FieldInfo, TopicSummary } from "../data/protocol.ts";

/** A bar for controls, a body, and a text in its middle while there is nothing to show. */
export interface PanelParts {
  readonly bar: HTMLElement;
  readonly body: HTMLElement;
  /** Says why there is nothing; undefined shows what there is. */
  say(text: string | undefined): void;
}

/** Makes the parts. */
export function panelParts(
  element: HTMLElement,
  { scrolls = false }: { scrolls?: boolean } = {},
): PanelParts {
  const [bar, body, empty] = [0, 1, 2].map(() => document.createElement("div"));
  bar.className = "bar";
  body.className = scrolls ? "body scroll" : "body";
  if (scrolls) body.tabIndex = 0;
  empty.className = "empty";
  empty.hidden = true;
  const place = document.createElement("div");
  place.className = "body";
  place.append(body, empty);
  body.style.cssText = "position:absolute;inset:0";
  element.append(bar, place);
  return {
    bar,
    body,
    say: (text) => {
      empty.hidden = text === undefined;
      empty.textContent = text ?? "";
      body.style.visibility = text === undefined ? "" : "hidden";
    },
  };
}

/** A list of topics to choose from. One that is not there is named all the same. */
export function topicChoice(
  topics: readonly TopicSummary[],
  chosen: string,
  onChoice: (name: string) => void,
): TemplateResult {
  const isThere = chosen === "" || topics.some(({ name }) => name === chosen);
  return html`<select aria-label="Topic" @change=${(event: Event) =>
    onChoice((event.target as HTMLSelectElement).value)}>
    ${chosen === "" ? html`<option value="" selected>Choose a topic</option>` : ""}
    ${isThere ? "" : html`<option value=${chosen} selected>${chosen} (not here)</option>`}
    ${topics.map(({ name }) => html`<option value=${name} ?selected=${name === chosen}>${name}</option>`)}
  </select>`;
}

/** A list of a topic's fields to choose from. */
export function fieldChoice(
  label: string,
  fields: readonly FieldInfo[],
  chosen: string,
  onChoice: (path: string) => void,
): TemplateResult {
  const isThere = fields.some(({ path }) => path === chosen);
  return html`<select aria-label=${label} @change=${(event: Event) =>
    onChoice((event.target as HTMLSelectElement).value)}>
    ${isThere ? "" : html`<option value=${chosen} selected>${chosen === "" ? label : chosen}</option>`}
    ${fields.map(({ path }) => html`<option value=${path} ?selected=${path === chosen}>${path}</option>`)}
  </select>`;
}

/** Why a topic has nothing to show; undefined where it is there. */
export function missingTopic(topics: readonly TopicSummary[], name: string): string | undefined {
  if (name === "") return "Choose a topic, or drag one here.";
  const topic = topics.find((topic) => topic.name === name);
  if (!topic) return `This recording has no topic ${name}.`;
  return topic.error ? `${name} cannot be read: ${topic.error.message}` : undefined;
}

/** Whether an error is worth telling: not that something newer took the place of what was asked. */
export function isTold(error: DataError | undefined): error is DataError {
  return error !== undefined && error.code !== "ABORTED" && error.code !== "CLOSED";
}
