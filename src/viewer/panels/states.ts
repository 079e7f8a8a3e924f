/**
 * Values that seldom change, as bands of colour over time.
 *
 * @module
 */
import { html, render } from "lit/html.js";
import type { PanelOptions } from "../app/layout.ts";
import { formatReference } from "../data/expression/reference.ts";
import type { StatesAnswer, TopicSummary } from "../data/protocol.ts";
import { lastAtOrBefore } from "../draw/align.ts";
import { fitCanvas } from "../draw/canvas.ts";
import { drawBands } from "../draw/bands.ts";
import { inkOf } from "../draw/palette.ts";
import { DrawnPanel } from "./drawn_panel.ts";
import { fieldsOfKind, valueText } from "./fields.ts";
import { lineLabels } from "./labels.ts";
import { type PanelContext, registerPanel } from "./panel.ts";
import { isTold, type PanelParts, panelParts } from "./parts.ts";
import { type TimeArea, TimeOverlay } from "./time_overlay.ts";

type Options = PanelOptions["states"];

const MAX_LINES = 40;
/** A name, with its band below: times begin where those of plots do. */
const ROW_PIXELS = 32;
const NAME_PIXELS = 15;

class StatesPanel extends DrawnPanel<Options> {
  readonly #parts: PanelParts;
  readonly #names = document.createElement("div");
  readonly #canvas = document.createElement("canvas");
  readonly #place = document.createElement("div");
  readonly #overlay: TimeOverlay;
  #lines: readonly string[];
  #answers: (StatesAnswer | undefined)[] = [];

  constructor(context: PanelContext<Options>) {
    super(context);
    const { lines } = context.options;
    this.#lines = Array.isArray(lines) ? lines.slice(0, MAX_LINES) : [];
    this.#parts = panelParts(context.element, { scrolls: true });
    this.#parts.bar.remove();
    this.#names.style.cssText =
      "position:absolute;left:0;right:0;top:0;z-index:1;padding:0 8px;pointer-events:none";
    this.#place.style.cssText = "position:relative;touch-action:none";
    this.#canvas.style.cssText = "position:absolute;inset:0;width:100%;height:100%";
    this.#place.append(this.#canvas, this.#names);
    this.#parts.body.append(this.#place);
    this.#overlay = new TimeOverlay(this.#place, context, () => this.#area());
    this.stops.push(context.margins.subscribe(() => this.resized()));
    this.#show();
  }

  override resized(): void {
    this.drawSoon();
    this.loadSoon();
  }

  changed(): void {
    this.#show();
  }

  add(topic: TopicSummary, path: string | undefined): boolean {
    const fields = fieldsOfKind(topic, "bool", "text", "number").filter((field) =>
      path === undefined ? field.kind !== "number" : field.path === path
    );
    const texts = fields.slice(0, 6).map((field) => formatReference(topic.name, field.path));
    if (texts.length === 0) return false;
    this.#save([...new Set([...this.#lines, ...texts])].slice(0, MAX_LINES));
    return true;
  }

  picture(): HTMLCanvasElement {
    return this.#canvas;
  }

  override dispose(): void {
    super.dispose();
    this.#overlay.dispose();
  }

  #save(lines: readonly string[]): void {
    this.#lines = lines;
    this.context.save({ lines: [...lines] });
    this.#show();
  }

  #show(): void {
    this.#answers = [];
    this.context.setTitle("States");
    this.#parts.say(this.#lines.length === 0 ? "Drag a field here whose values seldom change." : undefined);
    this.#place.style.height = `${this.#lines.length * ROW_PIXELS + 6}px`;
    this.resized();
    this.moveSoon();
  }

  protected override async load(): Promise<void> {
    const area = this.#area();
    if (this.#lines.length === 0 || area.width < 10) return;
    const { clock, recording } = this.context;
    const lines = this.#lines;
    const request = { lines, ...clock.windowNs, pixels: Math.round(area.width) };
    const { error } = await this.ask(recording, "states", request, (answer) => {
      if (lines !== this.#lines) return;
      this.#answers[answer.line] = answer;
      this.drawSoon();
      this.moveSoon();
    });
    if (isTold(error)) this.context.say(error.message, true);
  }

  #area(): TimeArea {
    const { clientWidth, clientHeight } = this.#place;
    const { left, right } = this.context.margins.now;
    return {
      left,
      top: 0,
      width: Math.max(0, clientWidth - left - right),
      height: clientHeight,
    };
  }

  protected override draw(): void {
    const { clientWidth, clientHeight } = this.#place;
    const context = fitCanvas(this.#canvas, clientWidth, clientHeight);
    if (!context) return;
    const { theme, clock } = this.context;
    const area = this.#area();
    this.#lines.forEach((_, row) => {
      const answer = this.#answers[row];
      if (!answer || answer.error) return;
      const place = {
        ...area,
        top: row * ROW_PIXELS + NAME_PIXELS + 1,
        height: ROW_PIXELS - NAME_PIXELS - 3,
      };
      drawBands(context, answer, place, clock.window, theme, inkOf(theme));
    });
    this.#overlay.update();
  }

  /** Names tell what is at the cursor. */
  protected override move(): void {
    const { clock, hover } = this.context;
    const seconds = hover.seconds ?? clock.cursor;
    const { labels } = lineLabels(this.#lines, this.context.recording.info.topics);
    render(
      this.#lines.map((line, row) => {
        const answer = this.#answers[row];
        const at = answer ? lastAtOrBefore(answer.x, seconds) : -1;
        const value = answer?.error ? "not here" : at < 0 ? "" : valueText(answer!.values[at] ?? "mixed", 20);
        const title = answer?.error?.message ?? `${line}: ${value}`;
        // What tells lines apart is at their end: a field's name rather than the topic's.
        const [name, topic = ""] = labels[row].split(" ").reverse();
        return html`<div class="bands-name" .style=${`height:${ROW_PIXELS}px;line-height:${NAME_PIXELS}px`} title=${title}>
          <span class="clip name">${name}</span><span class="clip muted">${topic}</span><b class="clip">${value}</b>
          <button type="button" class="drop" aria-label="Take ${line} out"
            @pointerdown=${(event: Event) => event.stopPropagation()}
            @click=${() => this.#save(this.#lines.filter((_, i) => i !== row))}>×</button></div>`;
      }),
      this.#names,
    );
  }
}

registerPanel<Options>({
  name: "states",
  title: "States",
  takes: (topic) => fieldsOfKind(topic, "bool", "text").length > 0 ? 0.5 : 0,
  create: (context) => new StatesPanel(context),
});
