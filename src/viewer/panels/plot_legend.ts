/**
 * The names and values above a plot, and what can be done with its lines.
 *
 * @module
 */
import { html, render, svg } from "lit/html.js";
import type { LineStyle } from "../draw/palette.ts";
import type { Line } from "./plot_lines.ts";

/** A line as the legend tells it. */
export interface LegendRow {
  readonly line: Line;
  readonly name: string;
  readonly style: LineStyle;
  readonly isHidden: boolean;
  /** Its value at the cursor, and that of the recording that is laid over. */
  readonly values: readonly string[];
  /** Why it is not there. */
  readonly error?: string | undefined;
}

/** What the legend asks of the plot. */
export interface LegendPlot {
  toggle(text: string): void;
  moveAxis(index: number): void;
  remove(index: number): void;
  /** Adds a line by an expression. */
  add(text: string): void;
}

/** The legend. */
export class PlotLegend {
  readonly element: HTMLElement = document.createElement("div");
  readonly #plot: LegendPlot;

  constructor(plot: LegendPlot) {
    this.#plot = plot;
    this.element.className = "legend";
  }

  /** Draws it anew. */
  draw(rows: readonly LegendRow[]): void {
    render(
      html`
        ${rows.map((row, index) => this.#row(row, index))}<button type="button" class="drop"
          title="Add a line by an expression" @click=${() => this.#askExpression()}>+ƒ</button>
      `,
      this.element,
    );
  }

  #row({ line, name, style: { color, dash }, isHidden, values, error }: LegendRow, index: number) {
    const plot = this.#plot;
    return html`<span class="line ${isHidden ? "off" : ""}" title=${line.text}>
      <button type="button" class="name" aria-pressed=${isHidden ? "false" : "true"}
        @click=${() => plot.toggle(line.text)}>
        <svg width="16" height="8" aria-hidden="true">${svg`<path d="M0 4h16" stroke=${color} stroke-width="2.5" stroke-dasharray=${
      dash.join(" ")
    } />`}</svg>
        <span class="clip">${name}</span></button>
      ${
      error === undefined
        ? html`<b>${values.join(" | ")}</b>`
        : html`<span class="error" title=${error}>not here</span>`
    }
      <span class="tools"><button type="button" class="drop" title="Other axis" aria-label="Other axis for ${name}"
        @click=${() => plot.moveAxis(index)}>${(line.axis ?? 0) === 0 ? "◧" : "◨"}</button>
      <button type="button" class="drop" title="Take ${name} out" aria-label="Take ${name} out"
        @click=${() => plot.remove(index)}>×</button></span>
    </span>`;
  }

  /** A field for an expression below. */
  #askExpression(): void {
    const input = document.createElement("input");
    input.placeholder = "An expression, such as hypot(x, y)";
    input.setAttribute("aria-label", "Expression of the new line");
    input.style.width = "min(340px, 70%)";
    let isOver = false;
    const end = (isByKey: boolean) => {
      // Taking it away takes its focus, which calls this once more.
      if (isOver) return;
      isOver = true;
      input.remove();
      if (isByKey) this.element.querySelector<HTMLElement>(":scope > button")?.focus();
    };
    input.addEventListener("blur", () => end(false));
    input.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Escape") return end(true);
      const text = input.value.trim();
      if (event.key !== "Enter" || text === "") return;
      // Else it would press the button that has the focus next.
      event.preventDefault();
      end(true);
      this.#plot.add(text);
    });
    this.element.after(input);
    input.focus();
  }
}
