/**
 * Fields over time: the smallest and largest values of each pixel's time where there are more rows than pixels, else rows.
 *
 * @module
 */
import uPlot from "uplot";
import { alignLines } from "../draw/align.ts";
import { formatReference } from "../data/expression/reference.ts";
import type { SeriesAnswer, TopicSummary } from "../data/protocol.ts";
import { SeriesFeed } from "../data/series_feed.ts";
import { withLegend } from "../draw/legend.ts";
import { fullColor, inkOf, lineStyle } from "../draw/palette.ts";
import { drawGaps } from "../draw/plot_gaps.ts";
import { besides, plotOptions } from "../draw/plot_options.ts";
import type { PanelOptions } from "../app/layout.ts";
import { Shift } from "../time/shift.ts";
import { DrawnPanel } from "./drawn_panel.ts";
import { fieldsToPlot, numbersOf } from "./fields.ts";
import { type LineLabels, lineLabels } from "./labels.ts";
import { withTopic } from "./line_text.ts";
import { type PanelContext, registerPanel, type ShownRecording } from "./panel.ts";
import { isTold } from "./parts.ts";
import { PlotLegend } from "./plot_legend.ts";
import {
  axisFor,
  factsOf,
  gapsText,
  keyOf,
  kinOf,
  levelText,
  type Line,
  type LineFacts,
  type ShownLine,
  unitOf,
} from "./plot_lines.ts";
import { PlotStats } from "./plot_stats.ts";
import { type TimeArea, TimeOverlay } from "./time_overlay.ts";
import { plotText, shownData, shownGaps, valueAt } from "./plot_text.ts";

/** Lines at most; more than can be told apart. */
const MAX_LINES = 32;
/** Characters of a title. */
const MAX_TITLE = 44;
/** Buckets in which a line is measured before it is put on an axis. */
const MEASURE_PIXELS = 64;

type Options = PanelOptions["plot"];

class PlotPanel extends DrawnPanel<Options> {
  readonly #legend: PlotLegend;
  readonly #body = document.createElement("div");
  readonly #plotPlace = document.createElement("div");
  readonly #tag = document.createElement("div");
  readonly #gaps = document.createElement("p");
  readonly #text = document.createElement("p");
  readonly #empty = document.createElement("div");
  readonly #overlay: TimeOverlay;
  readonly #stats: PlotStats;
  /** What is known of lines before they are added. */
  readonly #facts = new Map<string, LineFacts>();
  readonly #measureNumber: number;
  readonly #feeds = new Map<ShownRecording["client"], SeriesFeed>();
  /** The place's size, as it was told: asking the page for it would have all of it laid out anew, once a panel. */
  #size = { width: 0, height: 0 };
  #lines: readonly Line[];
  #shown: ShownLine[] = [];
  #hidden = new Set<string>();
  #plot: uPlot | undefined;
  /** What the plot was made for: another one makes it anew. */
  #look = "";
  #hasNewData = true;
  #hasOtherMargins = false;
  #textTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(context: PanelContext<Options>) {
    super(context);
    const { lines } = context.options;
    this.#lines = Array.isArray(lines) ? lines.slice(0, MAX_LINES) : [];
    this.#measureNumber = context.recording.client.newPanel();
    this.#legend = new PlotLegend({
      toggle: (text) => this.#toggle(text),
      moveAxis: (index) => this.#moveAxis(index),
      remove: (index) => this.#save(this.#lines.filter((_, i) => i !== index)),
      add: (text) => this.#addExpression(text),
    });
    this.#body.className = "body";
    this.#plotPlace.className = "plot";
    this.#tag.className = "tag";
    this.#gaps.className = "gaps error";
    this.#text.className = "unseen";
    this.#empty.className = "empty";
    this.#empty.textContent = "Choose a field on the left and press Enter, or drag it here.";
    this.#body.append(this.#plotPlace, this.#tag, this.#gaps, this.#empty);
    this.#stats = new PlotStats(context as unknown as PanelContext);
    context.element.append(this.#legend.element, this.#stats.element, this.#body, this.#text);
    this.#overlay = new TimeOverlay(this.#body, context, () => this.#area());
    // The legend and the figures take of its height, or give it back.
    const observer = new ResizeObserver(([{ contentRect: { width, height } }]) => {
      this.#size = { width: Math.round(width), height: Math.round(height) };
      this.drawSoon();
      this.load();
    });
    observer.observe(this.#plotPlace);
    const { margins } = context;
    this.stops.push(
      () => observer.disconnect(),
      margins.subscribe(() => {
        this.#hasOtherMargins = true;
        this.drawSoon();
      }),
      () => margins.want(this, undefined),
    );
    this.#makeLines();
  }

  override resized(): void {
    this.drawSoon();
    this.loadSoon();
  }

  changed(): void {
    this.#makeLines();
  }

  /** Whether one of the axes suits a field, by its unit and how large its values are; a whole topic suits none but an empty plot. */
  async fits(topic: TopicSummary, path: string | undefined): Promise<boolean> {
    const texts = fieldsToPlot(topic, path).map((field) => formatReference(topic.name, field.path));
    if (path !== undefined && this.#lines.some(({ text }) => text === texts[0])) return true;
    await this.#measure(texts);
    if (path === undefined) return this.#lines.length === 0;
    return texts.every((text) => axisFor(this.#facts.get(text)!, this.#axes()) !== undefined);
  }

  add(topic: TopicSummary, path: string | undefined): boolean {
    const added = fieldsToPlot(topic, path);
    if (added.length === 0) return false;
    const has = new Set(this.#lines.map(({ text }) => text));
    const axes = this.#axes();
    const lines = added.flatMap(({ path, unit }): Line[] => {
      const text = formatReference(topic.name, path);
      if (has.has(text)) return [];
      const facts = this.#facts.get(text) ?? { unit, low: NaN, high: NaN };
      const axis = axisFor(facts, axes) ?? 1;
      axes[axis].push(facts);
      return [{ text, ...(axis === 1 && { axis }) }];
    });
    this.#save([...this.#lines, ...lines].slice(0, MAX_LINES));
    return true;
  }

  picture(): HTMLCanvasElement | undefined {
    if (!this.#plot) return undefined;
    const { labels } = this.#labels();
    const lines = this.#lines.flatMap((line, i) =>
      this.#hidden.has(line.text)
        ? []
        : [{ name: line.label ?? labels[i], color: this.#style(line, i).color }]
    );
    return withLegend(this.#plot.ctx.canvas, lines, inkOf(this.context.theme));
  }

  override dispose(): void {
    super.dispose();
    this.#overlay.dispose();
    this.#stats.dispose();
    this.#plot?.destroy();
    clearTimeout(this.#textTimer);
    for (const feed of this.#feeds.values()) feed.dispose();
  }

  /** What lies on the left axis and on the right one, in the window. */
  #axes(): [LineFacts[], LineFacts[]] {
    const { from, to } = this.context.clock.window;
    const axes: [LineFacts[], LineFacts[]] = [[], []];
    for (const { line, isSecond, answer } of this.#shown) {
      if (!isSecond) axes[line.axis ?? 0].push(this.#factsOf(line.text, answer, from, to));
    }
    return axes;
  }

  /** Learns units and values of lines in the window, roughly. */
  async #measure(lines: readonly string[]): Promise<void> {
    const { clock, recording } = this.context;
    const request = { lines, ...clock.windowNs, pixels: MEASURE_PIXELS, level: "detail" } as const;
    for (const text of lines) this.#facts.set(text, this.#factsOf(text, undefined));
    await recording.client.ask("series", this.#measureNumber, request, {
      onPart: (answer) => {
        const text = lines[answer.line];
        this.#facts.set(text, this.#factsOf(text, answer));
      },
    });
  }

  #factsOf(text: string, answer: SeriesAnswer | undefined, from = -Infinity, to = Infinity): LineFacts {
    const kin = kinOf(text, this.context.recording.info.topics);
    return { ...factsOf(answer, from, to), kin };
  }

  #save(lines: readonly Line[]): void {
    this.#lines = lines;
    this.context.save({ lines: [...lines] });
    this.#makeLines();
  }

  #makeLines(): void {
    const { recording, second } = this.context;
    const known = new Map(this.#shown.map((shown) => [keyOf(shown), shown.answer]));
    const of = (recording: ShownRecording, isSecond: boolean) =>
      this.#lines.map((line, index): ShownLine => ({ line, index, recording, isSecond }));
    this.#shown = [...of(recording, false), ...(second ? of(second, true) : [])];
    for (const shown of this.#shown) shown.answer = known.get(keyOf(shown));
    this.#empty.hidden = this.#lines.length > 0;
    const { labels } = this.#labels();
    this.#stats.show(this.#lines.map((line, i) => ({
      text: line.text,
      label: line.label ?? labels[i],
      color: this.#style(line, i).color,
    })));
    this.context.setTitle(this.#title());
    this.#hasNewData = true;
    this.drawSoon();
    this.moveSoon();
    this.loadSoon();
  }

  protected override load(): void {
    const { width } = this.#size;
    if (this.#lines.length === 0 || width === 0) return;
    const { recording, second } = this.context;
    this.#requestOf(recording, width);
    if (second) this.#requestOf(second, width);
  }

  #requestOf(recording: ShownRecording, pixels: number): void {
    const { client, info, shiftNs } = recording;
    const { clock } = this.context;
    let feed = this.#feeds.get(client);
    if (!feed) this.#feeds.set(client, feed = new SeriesFeed(client));
    // To the other recording's own times: both begin together, unless it is shifted.
    const shift = new Shift({ first: clock.startNs, second: info.startNs }, shiftNs);
    const shown = this.#shown.filter((shown) => shown.recording.client === client);
    feed.want({
      window: shift.window(clock.windowNs),
      pixels,
      lines: shown.map(({ line }) => line.text),
      facts: [info.rows, info.lastNs, info.state].join(" "),
      onPart: (answer) => {
        const asked = shown[answer.line];
        // The lines may have been made anew since.
        const of = asked &&
          this.#shown.find((shown) => shown.index === asked.index && keyOf(shown) === keyOf(asked));
        if (!of) return;
        // What is drawn stays while the server is gone.
        if (answer.shape === "error" && answer.error.code === "UNAVAILABLE" && of.answer) return;
        of.answer = answer;
        this.#hasNewData = true;
        this.drawSoon();
        this.moveSoon();
      },
      onError: (error) => {
        if (isTold(error)) this.context.say(error.message, true);
      },
    });
  }

  protected override draw(): void {
    const { width, height } = this.#size;
    if (width < 20 || height < 20) return;
    // What it is made for, such as the units at its axes, comes with the first data.
    if (!this.#plot && this.#lines.length > 0 && this.#shown.every(({ answer }) => !answer)) return;
    const { clock, theme } = this.context;
    const units = [0, 1].map((axis) => unitOf(this.#shown.filter(({ line }) => (line.axis ?? 0) === axis)));
    const lines = this.#shown.map((shown) => ({
      style: this.#style(shown.line, shown.index),
      axis: shown.line.axis ?? 0,
      isSecond: shown.isSecond,
      isHidden: this.#hidden.has(shown.line.text),
    }));
    const look = JSON.stringify([theme, units, lines]);
    if (!this.#plot || look !== this.#look) {
      this.#plot?.destroy();
      const options = plotOptions({
        lines,
        theme,
        units: [units[0], units[1]],
        width,
        height,
        margins: () => this.context.margins.now,
      });
      options.hooks = {
        drawClear: [(plot) => drawGaps(plot, this.#shown.flatMap(shownGaps), inkOf(this.context.theme))],
        draw: [
          (plot) => {
            this.context.margins.want(this, besides(plot));
            this.#overlay.update();
          },
        ],
      };
      const none = [[], ...lines.flatMap(() => [[], []])] as unknown as uPlot.AlignedData;
      this.#plot = new uPlot(options, none, this.#plotPlace);
      this.#look = look;
      this.#hasNewData = true;
    }
    const plot = this.#plot;
    if (plot.width !== width || plot.height !== height) plot.setSize({ width, height });
    const { from, to } = clock.window;
    plot.batch(() => {
      if (this.#hasNewData) {
        const { x, columns } = alignLines(this.#shown.map(shownData));
        plot.setData([x, ...columns] as unknown as uPlot.AlignedData, false);
        this.#hasNewData = false;
      }
      plot.setScale("x", { min: from, max: to });
    });
    if (this.#hasOtherMargins) plot.redraw(true, true);
    this.#hasOtherMargins = false;
    this.#tag.textContent = levelText(this.#shown);
    this.#gaps.textContent = gapsText(this.#shown, from, to);
    if (this.#shown.length > 0 && this.#shown.every(isWhole)) this.context.drawn();
    this.#describeSoon();
  }

  #area(): TimeArea | undefined {
    const plot = this.#plot;
    // Before it is drawn for the first time the whole place is what will be.
    if (!plot || plot.status !== 1) return { left: 0, top: 0, ...this.#size };
    const { left, top, width, height } = plot.bbox;
    const ratio = devicePixelRatio || 1;
    return { left: left / ratio, top: top / ratio, width: width / ratio, height: height / ratio };
  }

  #style(line: Line, index: number) {
    const style = lineStyle(this.context.theme, index);
    return line.color === undefined ? style : { ...style, color: fullColor(line.color) ?? style.color };
  }

  /** The legend tells what is at the cursor. */
  protected override move(): void {
    const { clock, hover } = this.context;
    const seconds = hover.seconds ?? clock.cursor;
    const { labels } = this.#labels();
    this.#legend.draw(this.#lines.map((line, index) => {
      const shown = this.#shown.filter((shown) => shown.index === index);
      const answer = shown.find(({ isSecond }) => !isSecond)?.answer;
      return {
        line,
        name: line.label ?? labels[index],
        style: this.#style(line, index),
        isHidden: this.#hidden.has(line.text),
        values: shown.map((shown) => valueAt(shown, seconds)).filter((text) => text !== ""),
        error: answer?.shape === "error" ? answer.error.message : undefined,
      };
    }));
  }

  /** Kept: the legend shows them at every move of the cursor. */
  #labels(): LineLabels {
    const { topics } = this.context.recording.info;
    const known = this.#knownLabels;
    if (known?.lines === this.#lines && known.topics === topics) return known.labels;
    const labels = lineLabels(this.#lines.map(({ text }) => text), topics);
    this.#knownLabels = { lines: this.#lines, topics, labels };
    return labels;
  }
  #knownLabels:
    | { lines: readonly Line[]; topics: readonly TopicSummary[]; labels: LineLabels }
    | undefined;

  #title(): string {
    if (this.#lines.length === 0) return "Plot";
    const { labels, topics } = this.#labels();
    const names = this.#lines.map(({ label }, i) => label ?? labels[i]);
    const what = this.#lines.length === 1 ? ` ${names[0]}` : "";
    const title = topics.length === 1 ? topics[0] + what : names.join(", ");
    return title.length > MAX_TITLE ? `${title.slice(0, MAX_TITLE - 1)}…` : title;
  }

  #toggle(text: string): void {
    if (!this.#hidden.delete(text)) this.#hidden.add(text);
    this.drawSoon();
    this.moveSoon();
  }

  #moveAxis(index: number): void {
    this.#save(
      this.#lines.map((line, i) => i === index ? { ...line, axis: (line.axis ?? 0) === 0 ? 1 : 0 } : line),
    );
  }

  #addExpression(text: string): void {
    const { topics } = this.#labels();
    const topic = this.context.recording.info.topics.find(({ name }) => name === topics[0]);
    const whole = topics.length === 1 && topic ? withTopic(text, topic) : text;
    this.#save([...this.#lines, { text: whole }].slice(0, MAX_LINES));
  }

  /** For who does not see it: told when it rests, so that nothing is said while it moves. */
  #describeSoon(): void {
    clearTimeout(this.#textTimer);
    this.#textTimer = setTimeout(() => {
      this.#text.textContent = plotText(this.#shown, this.context.clock);
    }, 400);
  }
}

/** Whether no better data is on its way. */
function isWhole({ answer }: ShownLine): boolean {
  return answer !== undefined && (answer.shape === "error" || answer.isFinal);
}

registerPanel<Options>({
  name: "plot",
  title: "Plot",
  takes: (topic) => numbersOf(topic).length > 0 ? 0.9 : 0,
  create: (context) => new PlotPanel(context),
});
