/**
 * One field against another, of the window.
 *
 * @module
 */
import { html, render } from "lit/html.js";
import type { PanelOptions } from "../app/layout.ts";
import { formatReference } from "../data/expression/reference.ts";
import type { ColumnsAnswer, TopicSummary } from "../data/protocol.ts";
import { lastAtOrBefore } from "../draw/align.ts";
import { fitCanvas } from "../draw/canvas.ts";
import { inkOf, lineStyle } from "../draw/palette.ts";
import { extentOf } from "../draw/projection.ts";
import { drawXy, type XyPlace, xyPlace } from "../draw/xy.ts";
import { DrawnPanel } from "./drawn_panel.ts";
import { fieldsOfKind } from "./fields.ts";
import type { PanelContext } from "./panel.ts";
import { fieldChoice, isTold, missingTopic, type PanelParts, panelParts, topicChoice } from "./parts.ts";

type Options = PanelOptions["xy"];

/** Rows that are drawn. */
const POINTS = 20_000;

/** The panel. */
export class XyPanel extends DrawnPanel<Options> {
  readonly #parts: PanelParts;
  readonly #canvas = document.createElement("canvas");
  readonly #dot = document.createElement("div");
  #options: Options;
  #answer: ColumnsAnswer | undefined;
  #place: XyPlace | undefined;

  constructor(context: PanelContext<Options>) {
    super(context);
    const { topic = "", x = "", y = "" } = context.options;
    this.#options = { topic, x, y };
    this.#parts = panelParts(context.element);
    this.#canvas.setAttribute("role", "img");
    this.#dot.style.cssText =
      "position:absolute;left:-5px;top:-5px;width:10px;height:10px;border-radius:50%;" +
      "background:var(--cursor);pointer-events:none;visibility:hidden";
    this.#parts.body.append(this.#canvas, this.#dot);
    this.#show();
  }

  changed(): void {
    this.#show();
  }

  add(topic: TopicSummary, path: string | undefined): boolean {
    const numbers = fieldsOfKind(topic, "number").map((field) => field.path);
    if (numbers.length === 0) return false;
    const own = this.#options.topic === topic.name ? this.#options : { topic: topic.name, x: "", y: "" };
    const text = path === undefined ? undefined : formatReference(topic.name, path);
    if (text === undefined) this.#set({ ...own, ...firstTwo(topic, numbers) });
    else if (own.x === "") this.#set({ ...own, x: text });
    else this.#set({ ...own, y: text });
    return true;
  }

  picture(): HTMLCanvasElement {
    return this.#canvas;
  }

  #set(options: Options): void {
    this.#options = options;
    this.context.save(options);
    this.#show();
  }

  #show(): void {
    const { topic, x, y } = this.#options;
    const { topics } = this.context.recording.info;
    const known = topics.find(({ name }) => name === topic);
    const fields = fieldsOfKind(known, "number")
      .map((field) => ({ ...field, path: formatReference(topic, field.path) }));
    render(
      html`${
        topicChoice(topics, topic, (name) => {
          const found = topics.find((topic) => topic.name === name);
          if (found) this.add(found, undefined);
        })
      }
      ${fieldChoice("x", fields, x, (x) => this.#set({ ...this.#options, x }))}
      ${fieldChoice("y", fields, y, (y) => this.#set({ ...this.#options, y }))}`,
      this.#parts.bar,
    );
    this.context.setTitle(x && y ? `${y} against ${x}` : "XY");
    const missing = missingTopic(topics, topic) ?? (x === "" || y === "" ? "Choose two fields." : undefined);
    this.#parts.say(missing);
    this.#answer = undefined;
    if (missing === undefined) this.loadSoon();
  }

  protected override async load(): Promise<void> {
    const { topic, x, y } = this.#options;
    const { recording, clock } = this.context;
    if (topic === "" || x === "" || y === "") return;
    const request = { topic, columns: [x, y], ...clock.windowNs, points: POINTS };
    const { value, error } = await this.ask(recording, "columns", request);
    if (isTold(error)) this.#parts.say(error.message);
    if (!value) return;
    this.#answer = value;
    this.drawSoon();
  }

  protected override draw(): void {
    const { clientWidth: width, clientHeight: height } = this.#parts.body;
    const context = fitCanvas(this.#canvas, width, height);
    if (!context || !this.#answer) return;
    const { theme } = this.context;
    const [xs, ys] = this.#answer.columns;
    const extent = extentOf(xs, ys);
    if (!extent) return this.#parts.say("There are no values in the window.");
    this.#parts.say(undefined);
    this.#place = xyPlace(extent, width, height);
    drawXy(context, this.#place, { xs, ys, color: lineStyle(theme, 0).color }, inkOf(theme));
    const { x, y } = this.#options;
    this.#canvas.setAttribute("aria-label", `${y} against ${x}, ${this.#answer.rows} rows`);
    this.move();
  }

  protected override move(): void {
    const { clock, hover } = this.context;
    const at = this.#answer ? lastAtOrBefore(this.#answer.x, hover.seconds ?? clock.cursor) : -1;
    const isThere = at >= 0 && this.#place !== undefined;
    const [x, y] = isThere ? this.#answer!.columns.map((column) => column[at]) : [NaN, NaN];
    this.#dot.style.visibility = Number.isFinite(x) && Number.isFinite(y) ? "" : "hidden";
    if (isThere) this.#dot.style.transform = `translate(${this.#place!.x(x)}px, ${this.#place!.y(y)}px)`;
  }
}

function firstTwo(topic: TopicSummary, paths: readonly string[]): { x: string; y: string } {
  const [x, y] = [paths[0], paths[1] ?? paths[0]].map((path) => formatReference(topic.name, path));
  return { x, y };
}
