/**
 * The recording's whole time: activity of each topic, the window, the cursor, marks and hits, below the bar.
 *
 * @module
 */
import { html, nothing, render } from "lit/html.js";
import type { ActivityAnswer } from "../data/protocol.ts";
import { drawRaster, drawTicks, rasterRow } from "../draw/strips.ts";
import { fitCanvas } from "../draw/canvas.ts";
import { inkOf } from "../draw/palette.ts";
import { timeTicks } from "../draw/time_text.ts";
import type { ClockChange } from "../time/clock.ts";
import { formatTime } from "../time/time_text.ts";
import type { Hits } from "./finder.ts";
import { type TimelinePage, Transport } from "./transport.ts";

const AXIS_PIXELS = 15;
/** A drag that begins so near to an end of the window moves that end. */
const GRIP_PIXELS = 5;

/** The lower part of the page. */
export class Timeline {
  readonly element: HTMLElement = document.createElement("section");
  readonly #page: TimelinePage;
  readonly #bar: Transport;
  readonly #overview = document.createElement("div");
  readonly #canvas = document.createElement("canvas");
  readonly #axis = document.createElement("div");
  readonly #over = document.createElement("div");
  readonly #window = document.createElement("div");
  readonly #lines: Record<"a" | "b" | "hover" | "cursor", HTMLElement>;
  readonly #moveAll = () => this.#move();
  readonly #drawAll = () => this.#draw();
  readonly #drawBar = () => this.#showBar();
  /** The overview's size, as it was told: asking the page for it would have all of it laid out anew. */
  #size = { width: 0, height: 0 };
  readonly #observer = new ResizeObserver(([{ contentRect: { width, height } }]) => {
    this.#size = { width: Math.round(width), height: Math.round(height) };
    this.#page.frames.request(this.#drawAll);
  });
  #activity: ActivityAnswer | undefined;
  #busyActivity: ActivityAnswer | undefined;
  #chosen: string | undefined;
  #hits: Hits | undefined;
  #drag: { kind: "cursor" | "from" | "to" | "window"; grabbed: number } | undefined;
  #stop: (() => void)[] = [];
  #lastBar = "";

  constructor(page: TimelinePage) {
    this.#page = page;
    this.element.className = "time";
    this.element.setAttribute("aria-label", "Timeline");
    this.#bar = new Transport(page, () => this.#overview.focus());
    this.#overview.className = "overview";
    this.#overview.tabIndex = 0;
    this.#overview.setAttribute("role", "slider");
    this.#overview.setAttribute("aria-label", "Cursor");
    this.#axis.className = "axis";
    this.#over.className = "over";
    this.#over.setAttribute("aria-hidden", "true");
    this.#window.className = "window";
    const line = (className: string, name?: string) => {
      const made = document.createElement("div");
      made.className = className;
      if (name !== undefined) made.dataset.name = name;
      return made;
    };
    this.#lines = {
      a: line("mark", "A"),
      b: line("mark", "B"),
      hover: line("hover"),
      cursor: line("cursor"),
    };
    this.#over.append(this.#window, ...Object.values(this.#lines));
    this.#overview.append(this.#canvas, this.#axis, this.#over);
    this.element.append(this.#bar.element, this.#overview);
    this.#observer.observe(this.#overview);
    const listen = (type: string, listener: (event: PointerEvent & WheelEvent) => void) =>
      this.#overview.addEventListener(type, listener as EventListener, { passive: false });
    listen("pointerdown", (event) => this.#down(event));
    listen("pointermove", (event) => this.#pointer(event));
    listen("pointerup", () => this.#drag = undefined);
    listen("pointercancel", () => this.#drag = undefined);
    listen("pointerleave", () => this.#drag ?? this.#page.hover.set(undefined));
    listen("wheel", (event) => this.#wheel(event));
    listen("dblclick", () => this.#page.now().clock?.showAll());
    page.hover.subscribe(() => page.frames.request(this.#moveAll));
    this.#showBar();
  }

  /** The page has another clock. */
  attach(): void {
    for (const stop of this.#stop) stop();
    this.#activity = this.#busyActivity = this.#busy = undefined;
    this.#hits = undefined;
    const { frames } = this.#page;
    const { clock } = this.#page.now();
    this.#stop = clock
      ? [clock.subscribe((changes) => {
        frames.request(this.#moveAll);
        if (changes.has("extent")) frames.request(this.#drawAll);
        if (["playing", "speed", "marks", "window"].some((change) => changes.has(change as ClockChange))) {
          frames.request(this.#drawBar);
        }
      })]
      : [];
    frames.request(this.#drawAll);
    frames.request(this.#drawBar);
  }

  /** Ends it. */
  dispose(): void {
    for (const stop of this.#stop) stop();
    this.#observer.disconnect();
  }

  /**
   * What is drawn below: rows over time. With a busy stretch that alone is shown, for as long as window and cursor lie in it, by
   * its finer slices.
   */
  showActivity(
    activity: ActivityAnswer,
    busy?: { readonly stretch: { from: number; to: number }; readonly fine: ActivityAnswer },
  ): void {
    this.#activity = activity;
    this.#busyActivity = busy?.fine;
    this.#busy = busy?.stretch;
    const { length } = activity.topics;
    // Each topic has a line of its own, from names' height down to a pixel or two.
    const height = Math.max(34, Math.min(96, length * Math.max(2, Math.min(14, Math.floor(84 / length)))));
    this.#overview.style.height = `${height + AXIS_PIXELS}px`;
    this.#page.frames.request(this.#drawAll);
  }

  /** Highlights a topic. */
  choose(topic: string | undefined): void {
    if (topic === this.#chosen) return;
    this.#chosen = topic;
    this.#page.frames.request(this.#drawAll);
  }

  /** Marks what was found. */
  showHits(hits: Hits | undefined): void {
    this.#hits = hits;
    this.#page.frames.request(this.#drawAll);
    this.#page.frames.request(this.#drawBar);
  }

  /** The look, or how times are shown, is another one. */
  redraw(): void {
    this.#page.frames.request(this.#drawAll);
    this.#page.frames.request(this.#drawBar);
  }

  /** Moves the focus into the field of Find. */
  focusFind(): void {
    this.#bar.focusFind();
  }

  #showBar(): void {
    this.#bar.draw(this.#hits, this.#wasBusy);
    this.#lastBar = "";
    this.#move();
  }

  #busy: { from: number; to: number } | undefined;
  #wasBusy = false;

  /** The time that is shown: from the start to the end, unless all that is looked at is in the busy stretch. */
  #extent(): { from: number; to: number } | undefined {
    const { clock } = this.#page.now();
    if (!clock) return undefined;
    const busy = this.#busy;
    const { from, to } = clock.window;
    if (busy && from >= busy.from && to <= busy.to && clock.cursor >= busy.from && clock.cursor <= busy.to) {
      return busy;
    }
    return { from: 0, to: Math.max(clock.end, 1e-6) };
  }

  #draw(): void {
    const { width, height } = this.#size;
    const context = fitCanvas(this.#canvas, width, height);
    if (!context) return;
    const { theme, clock } = this.#page.now();
    const ink = inkOf(theme);
    const extent = this.#extent();
    if (!clock || !extent) {
      render(nothing, this.#axis);
      return;
    }
    const place = { y: 2, width, height: height - AXIS_PIXELS - 3 };
    const activity = extent === this.#busy ? this.#busyActivity ?? this.#activity : this.#activity;
    if (activity) drawRaster(context, activity, { ...place, extent }, ink, this.#chosen);
    if (this.#hits) {
      const scale = width / (extent.to - extent.from);
      drawTicks(context, this.#hits.from.map((from) => (from - extent.from) * scale), height, ink.hit);
    }
    const ticks = timeTicks(extent.from, extent.to, Math.max(2, width / 110));
    render(
      ticks.map(({ at, text }) =>
        html`<span .style=${`left:${(at - extent.from) / (extent.to - extent.from) * 100}%`}>${text}</span>`
      ),
      this.#axis,
    );
    this.#move();
  }

  #move(): void {
    const { hover } = this.#page;
    const { clock, timeStyle } = this.#page.now();
    const { width } = this.#size;
    const extent = this.#extent();
    this.#over.style.visibility = clock && extent ? "" : "hidden";
    if (!clock || !extent) return void this.#bar.move();
    const isBusy = extent === this.#busy;
    if (isBusy !== this.#wasBusy) {
      this.#wasBusy = isBusy;
      // The stretch that is drawn is another one.
      this.#page.frames.request(this.#drawAll);
      this.#page.frames.request(this.#drawBar);
    }
    const xOf = (seconds: number) => (seconds - extent.from) / (extent.to - extent.from) * width;
    const { from, to } = clock.window;
    const [left, right] = [Math.max(-2, xOf(from)), Math.min(width + 2, xOf(to))];
    this.#window.style.transform = `translateX(${left}px)`;
    this.#window.style.width = `${Math.max(3, right - left)}px`;
    const marks = clock.marksNs;
    const put = (line: HTMLElement, seconds: number | undefined) => {
      line.style.visibility = seconds === undefined ? "hidden" : "";
      if (seconds !== undefined) line.style.transform = `translateX(${xOf(seconds)}px)`;
    };
    put(this.#lines.cursor, clock.cursor);
    put(this.#lines.hover, hover.seconds);
    put(this.#lines.a, marks.a === undefined ? undefined : clock.toSeconds(marks.a));
    put(this.#lines.b, marks.b === undefined ? undefined : clock.toSeconds(marks.b));
    const text = formatTime(clock.cursorNs, { style: timeStyle, startNs: clock.startNs });
    const bar = `${text} ${from} ${to} ${isBusy} ${clock.end}`;
    if (bar === this.#lastBar) return;
    this.#lastBar = bar;
    this.#bar.move();
    const { startNs } = clock;
    this.#overview.setAttribute("aria-valuemin", "0");
    this.#overview.setAttribute("aria-valuemax", String(clock.end));
    this.#overview.setAttribute("aria-valuenow", String(clock.cursor));
    this.#overview.setAttribute(
      "aria-valuetext",
      `${text}, window from ${formatTime(clock.toNs(from), { style: timeStyle, startNs })} to ${
        formatTime(clock.toNs(to), { style: timeStyle, startNs })
      }`,
    );
  }

  #secondsAt(event: MouseEvent): number | undefined {
    const extent = this.#extent();
    const { left, width } = this.#overview.getBoundingClientRect();
    if (!extent || width === 0) return undefined;
    const part = Math.max(0, Math.min(1, (event.clientX - left) / width));
    return extent.from + part * (extent.to - extent.from);
  }

  #down(event: PointerEvent): void {
    const { clock } = this.#page.now();
    const seconds = this.#secondsAt(event);
    const extent = this.#extent();
    if (!clock || !extent || seconds === undefined || event.button !== 0) return;
    const { clientWidth: width } = this.#overview;
    const { from, to } = clock.window;
    const pixels = (a: number, b: number) => Math.abs(a - b) / (extent.to - extent.from) * width;
    const isZoomed = to - from < (extent.to - extent.from) * 0.999;
    const kind = event.shiftKey && isZoomed
      ? "window"
      : isZoomed && pixels(seconds, from) < GRIP_PIXELS
      ? "from"
      : isZoomed && pixels(seconds, to) < GRIP_PIXELS
      ? "to"
      : "cursor";
    this.#drag = { kind, grabbed: seconds };
    this.#overview.setPointerCapture(event.pointerId);
    if (kind === "cursor") clock.seek(clock.toNs(seconds));
    const topics = this.#activity?.topics ?? [];
    const y = event.clientY - this.#overview.getBoundingClientRect().top;
    const row = rasterRow(y - 2, this.#overview.clientHeight - AXIS_PIXELS - 3, topics.length);
    if (row !== undefined) this.#page.choose(topics[row].topic);
  }

  #pointer(event: PointerEvent): void {
    const { hover } = this.#page;
    const { clock } = this.#page.now();
    const seconds = this.#secondsAt(event);
    if (!clock || seconds === undefined) return;
    hover.set(seconds);
    this.#showName(event);
    const { from, to } = clock.window;
    switch (this.#drag?.kind) {
      case "cursor":
        return clock.seek(clock.toNs(seconds));
      case "from":
        return clock.setWindow(clock.toNs(Math.min(seconds, to - 1e-6)), clock.toNs(to));
      case "to":
        return clock.setWindow(clock.toNs(from), clock.toNs(Math.max(seconds, from + 1e-6)));
      case "window": {
        clock.pan((seconds - this.#drag.grabbed) / (to - from));
        this.#drag.grabbed = seconds;
      }
    }
  }

  /** Which topic a strip is of, since strips are too low for names. */
  #showName(event: PointerEvent): void {
    const topics = this.#activity?.topics ?? [];
    const y = event.clientY - this.#overview.getBoundingClientRect().top;
    const row = rasterRow(y - 2, this.#overview.clientHeight - AXIS_PIXELS - 3, topics.length);
    const title = row === undefined ? "" : topics[row].topic;
    if (this.#overview.title !== title) this.#overview.title = title;
  }

  #wheel(event: WheelEvent): void {
    const { clock } = this.#page.now();
    const seconds = this.#secondsAt(event);
    if (!clock || seconds === undefined || event.ctrlKey) return;
    event.preventDefault();
    const delta = event.deltaMode === 1 ? event.deltaY * 30 : event.deltaY;
    if (event.shiftKey) clock.pan((event.deltaX || delta) / 500);
    else clock.zoom(Math.exp(delta * 0.0018), clock.toNs(seconds));
  }
}
