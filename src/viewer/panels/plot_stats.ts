/**
 * Figures of a plot's lines between the marks A and B.
 *
 * @module
 */
import { html, nothing, render } from "lit/html.js";
import type { StatsAnswer } from "../data/protocol.ts";
import { countText, numberText, rateText } from "../draw/number_text.ts";
import { spanText } from "../draw/time_text.ts";
import type { PanelContext } from "./panel.ts";
import { isTold } from "./parts.ts";

/** A line as the figures tell it. */
export interface StatsLine {
  readonly text: string;
  readonly label: string;
  readonly color: string;
}

/** Shows figures while both marks are set. */
export class PlotStats {
  readonly element: HTMLElement = document.createElement("div");
  readonly #context: PanelContext;
  readonly #panel: number;
  readonly #abort = new AbortController();
  readonly #stop: () => void;
  readonly #ask = () => void this.#request();
  #lines: readonly StatsLine[] = [];
  #answers: readonly StatsAnswer[] = [];

  constructor(context: PanelContext) {
    this.#context = context;
    this.#panel = context.recording.client.newPanel();
    this.element.className = "stats";
    this.element.hidden = true;
    this.#stop = context.clock.subscribe((changes) => {
      if (changes.has("marks")) context.request(this.#ask);
    });
  }

  /** The lines are others. */
  show(lines: readonly StatsLine[]): void {
    this.#lines = lines;
    this.#answers = [];
    this.#context.request(this.#ask);
  }

  /** Ends it. */
  dispose(): void {
    this.#stop();
    this.#abort.abort();
  }

  async #request(): Promise<void> {
    const { clock, recording } = this.#context;
    const { a, b } = clock.marksNs;
    const isWanted = a !== undefined && b !== undefined && this.#lines.length > 0;
    this.element.hidden = !isWanted;
    if (!isWanted) return;
    const request = { lines: this.#lines.map(({ text }) => text), aNs: a < b ? a : b, bNs: a < b ? b : a };
    const { value, error } = await recording.client.ask("stats", this.#panel, request, {
      signal: this.#abort.signal,
    });
    if (isTold(error)) this.#context.say(error.message, true);
    if (!value) return;
    this.#answers = value;
    this.#draw(Number(request.bNs - request.aNs) / 1e9);
  }

  #draw(seconds: number): void {
    const number = (value: number) => Number.isNaN(value) ? "–" : numberText(value);
    render(
      html`
        <table>
          <caption class="unseen">Between the marks, ${spanText(seconds)}</caption>
          <thead>
            <tr><th scope="col">A to B: ${spanText(seconds)}</th>${[
              "at A",
              "at B",
              "B − A",
              "min",
              "max",
              "mean",
              "deviation",
              "rows",
            ].map((name) => html`<th scope="col">${name}</th>`)}</tr>
          </thead>
          <tbody>${this.#lines.map(({ label, color }, i) => {
            const answer = this.#answers[i];
            if (!answer || answer.error) return nothing;
            const { atA, atB, min, max, mean, deviation, count, rate } = answer;
            return html`<tr><td .style=${`--line:${color}`}>${label}</td>${
              [atA, atB, atB - atA, min, max, mean, deviation].map((value) =>
                html`<td class="number">${number(value)}</td>`
              )
            }<td class="number">${countText(count)} ${rateText(rate)}</td></tr>`;
          })}</tbody>
        </table>
      `,
      this.element,
    );
  }
}
