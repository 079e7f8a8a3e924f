/**
 * Fields over time: the smallest and largest values of each pixel's time where there are more rows than pixels, else rows.
 *
 * @module
 */
import uPlot from "uplot";
import { alignLines, lastAtOrBefore, type LineData, withBreaks } from "../draw/align.ts";
import { formatReference } from "../data/expression/reference.ts";
import type { SeriesAnswer, TopicSummary } from "../data/protocol.ts";
import { withLegend } from "../draw/legend.ts";
import { numberText } from "../draw/number_text.ts";
import { inkOf, lineStyle, withAlpha } from "../draw/palette.ts";
import { plotOptions } from "../draw/plot_options.ts";
import { spanText } from "../draw/time_text.ts";
import { html, render, svg } from "lit/html.js";
import type { PanelOptions } from "../app/layout.ts";
import { Shift } from "../time/shift.ts";
import { numbersOf } from "./fields.ts";
import { type LineLabels, lineLabels } from "./labels.ts";
import { withTopic } from "./line_text.ts";
import { type Panel, type PanelContext, registerPanel, type ShownRecording } from "./panel.ts";
import { PlotStats } from "./plot_stats.ts";
import { type TimeArea, TimeOverlay } from "./time_overlay.ts";

/** Lines at most; more than can be told apart. */
const MAX_LINES = 32;
/** Characters of a title. */
const MAX_TITLE = 44;
/** How much of the window is asked for beyond each of its ends, so that a pan has something to show. */
const MARGIN = 0.25;

type Options = PanelOptions["plot"];
type Line = Options["lines"][number];

/** A line of one of the recordings, and what came of it. */
interface Shown {
  readonly line: Line;
  /** Which of the options' lines. */
  readonly index: number;
  readonly recording: ShownRecording;
  readonly isSecond: boolean;
  answer?: SeriesAnswer;
}

class PlotPanel implements Panel {
  readonly #context: PanelContext<Options>;
  readonly #legend = document.createElement("div");
  readonly #body = document.createElement("div");
  readonly #plotPlace = document.createElement("div");
  readonly #tag = document.createElement("div");
  readonly #gaps = document.createElement("p");
  readonly #text = document.createElement("p");
  readonly #empty = document.createElement("div");
  readonly #overlay: TimeOverlay;
  readonly #stats: PlotStats;
  readonly #stop: (() => void)[] = [];
  readonly #panels = new Map<ShownRecording["client"], number>();
  /** What was asked for last. */
  readonly #asked = new Map<ShownRecording["client"], string>();
  readonly #draw = () => this.#redraw();
  readonly #drawLegend = () => this.#showLegend();
  readonly #ask = () => void this.#request();
  #lines: readonly Line[];
  #shown: Shown[] = [];
  #hidden = new Set<string>();
  #plot: uPlot | undefined;
  /** What the plot was made for: another one makes it anew. */
  #look = "";
  #hasNewData = true;
  #textTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(context: PanelContext<Options>) {
    this.#context = context;
    const { lines } = context.options;
    this.#lines = Array.isArray(lines) ? lines.slice(0, MAX_LINES) : [];
    this.#legend.className = "legend";
    this.#body.className = "body";
    this.#plotPlace.className = "plot";
    this.#tag.className = "tag";
    this.#gaps.className = "gaps error";
    this.#text.className = "unseen";
    this.#empty.className = "empty";
    this.#empty.textContent = "Choose a field on the left and press Enter, or drag it here.";
    this.#body.append(this.#plotPlace, this.#tag, this.#gaps, this.#empty);
    this.#stats = new PlotStats(context as unknown as PanelContext);
    context.element.append(this.#legend, this.#stats.element, this.#body, this.#text);
    this.#overlay = new TimeOverlay(this.#body, context, () => this.#area());
    const { clock, hover, request } = context;
    this.#stop.push(
      clock.subscribe((changes) => {
        if (changes.has("window")) {
          request(this.#draw);
          request(this.#ask);
        } else if (changes.has("extent")) request(this.#ask);
        if (changes.has("cursor") || changes.has("marks")) request(this.#drawLegend);
      }),
      hover.subscribe(() => request(this.#drawLegend)),
    );
    // The legend and the figures take of its height, or give it back.
    const observer = new ResizeObserver(() => request(this.#draw));
    observer.observe(this.#plotPlace);
    this.#stop.push(() => observer.disconnect());
    this.#makeLines();
  }

  resized(): void {
    this.#context.request(this.#draw);
    this.#context.request(this.#ask);
  }

  changed(): void {
    this.#makeLines();
  }

  add(topic: TopicSummary, path: string | undefined): boolean {
    const fields = numbersOf(topic).filter((field) => path === undefined || field.path === path);
    const added = fields.slice(0, path === undefined ? 6 : 1);
    if (added.length === 0) return false;
    const has = new Set(this.#lines.map(({ text }) => text));
    const lines = added.map((field): Line => ({
      text: formatReference(topic.name, field.path),
      ...this.#axisFor(field.unit),
    }));
    this.#save([...this.#lines, ...lines.filter(({ text }) => !has.has(text))].slice(0, MAX_LINES));
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
    return withLegend(this.#plot.ctx.canvas, lines, inkOf(this.#context.theme));
  }

  dispose(): void {
    for (const stop of this.#stop) stop();
    this.#overlay.dispose();
    this.#stats.dispose();
    this.#plot?.destroy();
    clearTimeout(this.#textTimer);
    // Nothing is wanted any more: what is still read is given up.
    this.#abort.abort();
  }
  readonly #abort = new AbortController();

  /** A field whose unit differs from that of the others gets the other axis. */
  #axisFor(unit: string | undefined): { axis?: 1 } {
    const units = this.#shown.map(({ answer }) =>
      answer && answer.shape !== "error" ? answer.unit : undefined
    );
    return this.#lines.length > 0 && unit !== undefined &&
        units.every((other) => other !== undefined && other !== unit)
      ? { axis: 1 }
      : {};
  }

  #save(lines: readonly Line[]): void {
    this.#lines = lines;
    this.#context.save({ lines: [...lines] });
    this.#makeLines();
  }

  #makeLines(): void {
    const { recording, second } = this.#context;
    const known = new Map(this.#shown.map((shown) => [keyOf(shown), shown.answer]));
    const of = (recording: ShownRecording, isSecond: boolean) =>
      this.#lines.map((line, index): Shown => ({ line, index, recording, isSecond }));
    this.#shown = [...of(recording, false), ...(second ? of(second, true) : [])];
    for (const shown of this.#shown) shown.answer = known.get(keyOf(shown));
    this.#empty.hidden = this.#lines.length > 0;
    const { labels } = this.#labels();
    this.#stats.show(this.#lines.map(({ text, label }, i) => ({ text, label: label ?? labels[i] })));
    this.#context.setTitle(this.#title());
    this.#hasNewData = true;
    this.#context.request(this.#draw);
    this.#context.request(this.#drawLegend);
    this.#context.request(this.#ask);
  }

  async #request(): Promise<void> {
    const { clientWidth } = this.#plotPlace;
    if (this.#lines.length === 0 || clientWidth === 0) return;
    const { recording, second } = this.#context;
    await Promise.all([recording, second].map((of) => of && this.#requestOf(of, clientWidth)));
  }

  async #requestOf(recording: ShownRecording, width: number): Promise<void> {
    const { client, info, shiftNs } = recording;
    let panel = this.#panels.get(client);
    if (panel === undefined) this.#panels.set(client, panel = client.newPanel());
    const { clock } = this.#context;
    const { fromNs, toNs } = clock.windowNs;
    // To the other recording's own times: both begin together, unless it is shifted.
    const shift = new Shift({ first: clock.startNs, second: info.startNs }, shiftNs);
    const margin = BigInt(Math.round(Number(toNs - fromNs) * MARGIN));
    const shown = this.#shown.filter((shown) => shown.recording.client === client);
    const pixels = Math.max(1, Math.min(16_384, Math.round(width * (1 + 2 * MARGIN))));
    const lines = shown.map(({ line }) => line.text);
    const window = shift.window({ fromNs: fromNs - margin, toNs: toNs + margin });
    // What is there, or on its way, is not asked for again: sizes and recordings tell of themselves more often than they change.
    const key = [window.fromNs, window.toNs, pixels, info.rows, info.lastNs, info.state, ...lines].join("\n");
    if (this.#asked.get(client) === key) return;
    this.#asked.set(client, key);
    const forget = () => this.#asked.get(client) === key && this.#asked.delete(client);
    const { error } = await client.ask("series", panel, { lines, ...window, pixels }, {
      signal: this.#abort.signal,
      onPart: (answer) => {
        const asked = shown[answer.line];
        // The lines may have been made anew since.
        const of = asked &&
          this.#shown.find((shown) => shown.index === asked.index && keyOf(shown) === keyOf(asked));
        if (!of) return;
        if (answer.shape === "error") forget();
        // What is drawn stays while the server is gone.
        if (answer.shape === "error" && answer.error.code === "UNAVAILABLE" && of.answer) return;
        of.answer = answer;
        this.#hasNewData = true;
        this.#context.request(this.#draw);
        this.#context.request(this.#drawLegend);
      },
    });
    if (!error) return;
    forget();
    if (error.code !== "ABORTED" && error.code !== "CLOSED") this.#context.say(error.message, true);
  }

  #data(shown: Shown): LineData | undefined {
    const { answer, recording } = shown;
    if (!answer || answer.shape === "error") return undefined;
    const line = answer.shape === "points"
      ? { x: answer.x, high: answer.y }
      : { x: answer.x, high: answer.max, low: answer.min };
    const broken = withBreaks(line, answer.gaps);
    const shift = Number(recording.shiftNs) / 1e9;
    return shift === 0 ? broken : { ...broken, x: broken.x.map((seconds) => seconds + shift) };
  }

  #redraw(): void {
    const { clientWidth: width, clientHeight: height } = this.#plotPlace;
    if (width < 20 || height < 20) return;
    const { clock, theme } = this.#context;
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
      const options = plotOptions({ lines, theme, units: [units[0], units[1]], width, height });
      options.hooks = {
        drawClear: [(plot) => this.#drawGaps(plot)],
        draw: [() => this.#overlay.update()],
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
        const { x, columns } = alignLines(this.#shown.map((shown) => this.#data(shown)));
        plot.setData([x, ...columns] as unknown as uPlot.AlignedData, false);
        this.#hasNewData = false;
      }
      plot.setScale("x", { min: from, max: to });
    });
    this.#tag.textContent = levelText(this.#shown);
    this.#gaps.textContent = gapsText(this.#shown, from, to);
    if (this.#tag.textContent !== "") this.#context.drawn();
    this.#describeSoon();
  }

  /** Stretches that could not be read are hatched. */
  #drawGaps(plot: uPlot): void {
    const { ctx, bbox } = plot;
    const ink = inkOf(this.#context.theme);
    for (const { answer, recording } of this.#shown) {
      if (!answer || answer.shape === "error") continue;
      const shift = Number(recording.shiftNs) / 1e9;
      for (const gap of answer.gaps) {
        const left = Math.max(bbox.left, plot.valToPos(gap.from + shift, "x", true));
        const right = Math.min(bbox.left + bbox.width, plot.valToPos(gap.to + shift, "x", true));
        if (right < left) continue;
        ctx.fillStyle = withAlpha(ink.cursor, 0.12);
        ctx.fillRect(left, bbox.top, Math.max(2, right - left), bbox.height);
      }
    }
  }

  #area(): TimeArea | undefined {
    const { clientWidth, clientHeight } = this.#plotPlace;
    const plot = this.#plot;
    // Before it is drawn for the first time the whole place is what will be.
    if (!plot || plot.status !== 1) return { left: 0, top: 0, width: clientWidth, height: clientHeight };
    const { left, top, width, height } = plot.bbox;
    const ratio = devicePixelRatio || 1;
    return { left: left / ratio, top: top / ratio, width: width / ratio, height: height / ratio };
  }

  #style(line: Line, index: number) {
    const style = lineStyle(this.#context.theme, index);
    return line.color === undefined ? style : { ...style, color: fullColor(line.color) ?? style.color };
  }

  /** The values of a line at a moment: one, or a bucket's two. */
  #valueAt(shown: Shown, seconds: number): string {
    const data = this.#data(shown);
    if (!data) return "";
    const at = lastAtOrBefore(data.x, seconds + (data.low ? stepOf(shown) / 2 : 0));
    if (at < 0) return "";
    const high = numberText(data.high[at]);
    if (!data.low || data.low[at] === data.high[at]) return high;
    return `${numberText(data.low[at])} … ${high}`;
  }

  #showLegend(): void {
    const { clock, hover } = this.#context;
    const seconds = hover.seconds ?? clock.cursor;
    const { labels } = this.#labels();
    const rows = this.#lines.map((line, index) => {
      const shown = this.#shown.filter((shown) => shown.index === index);
      const { color, dash } = this.#style(line, index);
      const error = shown.find(({ answer, isSecond }) => answer?.shape === "error" && !isSecond)?.answer;
      const isOff = this.#hidden.has(line.text);
      const name = line.label ?? labels[index];
      const values = shown.map((shown) => this.#valueAt(shown, seconds)).filter((text) => text !== "");
      return html`<span class="line ${isOff ? "off" : ""}" title=${line.text}>
        <button type="button" class="name" aria-pressed=${isOff ? "false" : "true"}
          @click=${() => this.#toggle(line.text)}>
          <svg width="16" height="8" aria-hidden="true">${svg`<path d="M0 4h16" stroke=${color} stroke-width="2.5" stroke-dasharray=${
        dash.join(" ")
      } />`}</svg>
          <span class="clip">${name}</span></button>
        ${
        error?.shape === "error"
          ? html`<span class="error" title=${error.error.message}>not here</span>`
          : html`<b>${values.join(" | ")}</b>`
      }
        <button type="button" class="drop" title="Other axis" aria-label="Other axis for ${name}"
          @click=${() => this.#moveAxis(index)}>${(line.axis ?? 0) === 0 ? "◧" : "◨"}</button>
        <button type="button" class="drop" title="Take ${name} out" aria-label="Take ${name} out"
          @click=${() => this.#save(this.#lines.filter((_, i) => i !== index))}>×</button>
      </span>`;
    });
    render(
      html`
        ${rows}<button type="button" class="drop" title="Add a line by an expression"
          @click=${() => this.#askExpression()}>+ƒ</button>
      `,
      this.#legend,
    );
  }

  #labels(): LineLabels {
    return lineLabels(this.#lines.map(({ text }) => text), this.#context.recording.info.topics);
  }

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
    this.#context.request(this.#draw);
    this.#context.request(this.#drawLegend);
  }

  #moveAxis(index: number): void {
    this.#save(
      this.#lines.map((line, i) => i === index ? { ...line, axis: (line.axis ?? 0) === 0 ? 1 : 0 } : line),
    );
  }

  /** A field for an expression in place of the legend's last button. */
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
      if (isByKey) this.#legend.querySelector<HTMLElement>(":scope > button")?.focus();
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
      const { topics } = this.#labels();
      const topic = this.#context.recording.info.topics.find(({ name }) => name === topics[0]);
      const whole = topics.length === 1 && topic ? withTopic(text, topic) : text;
      this.#save([...this.#lines, { text: whole }].slice(0, MAX_LINES));
    });
    this.#legend.after(input);
    input.focus();
  }

  /** For who does not see it: told when it rests, so that nothing is said while it moves. */
  #describeSoon(): void {
    clearTimeout(this.#textTimer);
    this.#textTimer = setTimeout(() => {
      const { clock } = this.#context;
      const { from, to } = clock.window;
      const lines = this.#shown.map((shown) => {
        const data = this.#data(shown);
        if (!data) return `${shown.line.text}: no values`;
        const [low, high] = extremes(data, from, to);
        const now = this.#valueAt(shown, clock.cursor);
        return `${shown.line.text}: ${numberText(low)} to ${numberText(high)}, at the cursor ${
          now || "none"
        }`;
      });
      this.#text.textContent = `Plot of ${spanText(to - from)}. ${lines.join(". ")}`;
    }, 400);
  }
}

function keyOf({ line, isSecond, recording }: Shown): string {
  return `${isSecond} ${recording.info.url} ${recording.info.name} ${line.text}`;
}

/** The unit that all lines of an axis have; nothing where they differ. */
function unitOf(shown: readonly Shown[]): string {
  const units = shown.flatMap(({ answer }) => answer && answer.shape !== "error" ? [answer.unit ?? ""] : []);
  return units.length > 0 && units.every((unit) => unit === units[0]) ? units[0] : "";
}

function levelText(shown: readonly Shown[]): string {
  const answers = shown.flatMap(({ answer }) => answer && answer.shape !== "error" ? [answer] : []);
  if (answers.length === 0) return "";
  // While something better is on its way, that is said too.
  const more = answers.every(({ isFinal }) => isFinal) ? "" : " …";
  if (answers.every(({ shape }) => shape === "points")) return `rows${more}`;
  const areExact = answers.every(({ level, isExact }) => level === "rows" || isExact);
  return (areExact ? "min/max" : "min/max, from bounds") + more;
}

/** Why stretches of a window could not be read; nothing where all of it was. */
function gapsText(shown: readonly Shown[], from: number, to: number): string {
  const messages = shown.flatMap(({ answer, recording }) => {
    if (!answer || answer.shape === "error") return [];
    const shift = Number(recording.shiftNs) / 1e9;
    return answer.gaps.filter((gap) => gap.from + shift <= to && gap.to + shift >= from)
      .map(({ message }) => message);
  });
  const [first, ...others] = new Set(messages);
  if (first === undefined) return "";
  return others.length === 0 ? first : `${first} (and ${others.length} more)`;
}

function stepOf({ answer }: Shown): number {
  return answer?.shape === "buckets" ? answer.step : 0;
}

function extremes({ x, high, low = high }: LineData, from: number, to: number): [number, number] {
  let [least, most] = [Infinity, -Infinity];
  for (let i = 0; i < x.length; i++) {
    if (x[i] < from || x[i] > to) continue;
    if (low[i] < least) least = low[i];
    if (high[i] > most) most = high[i];
  }
  return least <= most ? [least, most] : [NaN, NaN];
}

/** `#rrggbb` of what is so, or shorter; other names would need a canvas. */
function fullColor(color: string): string | undefined {
  if (/^#[0-9a-f]{6}$/i.test(color)) return color;
  const short = /^#([0-9a-f])([0-9a-f])([0-9a-f])$/i.exec(color);
  return short ? `#${short.slice(1).map((digit) => digit + digit).join("")}` : undefined;
}

registerPanel<Options>({
  name: "plot",
  title: "Plot",
  takes: (topic) => numbersOf(topic).length > 0 ? 0.9 : 0,
  create: (context) => new PlotPanel(context),
});
