/**
 * What lies over everything that has a time axis: cursor, hovered moment, marks, and what the pointer does there. Elements
 * that are moved by `transform`: never a reason to draw again.
 *
 * @module
 */
import { type Clock, nsOf } from "../time/clock.ts";
import type { PanelContext } from "./panel.ts";

/** Where the times are drawn, in CSS pixels within the element. */
export interface TimeArea {
  readonly left: number;
  readonly width: number;
  readonly top: number;
  readonly height: number;
}

/** What it needs of a panel's context. */
export type OverlayContext = Pick<PanelContext, "clock" | "hover" | "request" | "second" | "shiftSecond">;

/** Pixels that a pointer may move and still click. */
const CLICK_PIXELS = 4;
/** A turn of the wheel by one notch makes the window a fifth longer or shorter. */
const WHEEL = 0.0018;

/** Shows the shared time over an element, and takes the pointer there. */
export class TimeOverlay {
  readonly #element: HTMLElement;
  readonly #context: OverlayContext;
  readonly #area: () => TimeArea | undefined;
  readonly #layer = document.createElement("div");
  readonly #lines: Record<"cursor" | "hover" | "a" | "b", HTMLElement>;
  readonly #selection = document.createElement("div");
  readonly #stop: (() => void)[] = [];
  readonly #pointers = new Map<number, { x: number; startX: number; hasMoved: boolean; shifts: boolean }>();
  readonly #draw = () => this.#move();

  constructor(element: HTMLElement, context: OverlayContext, area: () => TimeArea | undefined) {
    this.#element = element;
    this.#context = context;
    this.#area = area;
    this.#layer.className = "over";
    this.#layer.setAttribute("aria-hidden", "true");
    const line = (className: string, name?: string) => {
      const made = document.createElement("div");
      made.className = className;
      if (name !== undefined) made.dataset.name = name;
      this.#layer.append(made);
      return made;
    };
    this.#selection.className = "window";
    this.#selection.hidden = true;
    this.#lines = {
      a: line("mark", "A"),
      b: line("mark", "B"),
      hover: line("hover"),
      cursor: line("cursor"),
    };
    this.#layer.append(this.#selection);
    element.append(this.#layer);
    const { clock, hover, request } = context;
    this.#stop.push(
      clock.subscribe(() => request(this.#draw)),
      hover.subscribe(() => request(this.#draw)),
    );
    const listen = <K extends keyof HTMLElementEventMap>(
      type: K,
      listener: (event: HTMLElementEventMap[K]) => void,
    ) => {
      element.addEventListener(type, listener, { passive: false });
      this.#stop.push(() => element.removeEventListener(type, listener));
    };
    listen("pointerdown", (event) => this.#down(event));
    listen("pointermove", (event) => this.#over(event));
    listen("pointerup", (event) => this.#up(event));
    listen("pointercancel", (event) => this.#cancel(event));
    listen("pointerleave", () => this.#pointers.size === 0 && hover.set(undefined));
    listen("wheel", (event) => this.#wheel(event));
    listen("dblclick", () => clock.showAll());
    request(this.#draw);
  }

  /** Puts everything where it belongs: the area has changed. */
  update(): void {
    this.#context.request(this.#draw);
  }

  /** Ends it. */
  dispose(): void {
    for (const stop of this.#stop) stop();
    this.#layer.remove();
  }

  #move(): void {
    const area = this.#area();
    this.#layer.style.visibility = area ? "" : "hidden";
    if (!area) return;
    const { clock, hover } = this.#context;
    this.#place(area);
    const marks = clock.marksNs;
    const put = (line: HTMLElement, seconds: number | undefined) => {
      const x = seconds === undefined ? -10 : xOf(clock, area, seconds);
      const isSeen = x >= -1 && x <= area.width + 1;
      line.style.visibility = isSeen ? "" : "hidden";
      if (isSeen) line.style.transform = `translateX(${x}px)`;
    };
    put(this.#lines.cursor, clock.cursor);
    put(this.#lines.hover, hover.seconds);
    put(this.#lines.a, marks.a === undefined ? undefined : clock.toSeconds(marks.a));
    put(this.#lines.b, marks.b === undefined ? undefined : clock.toSeconds(marks.b));
  }

  /** The area stays as it is while the time moves: what is set anew would be laid out anew. */
  #place({ left, top, width, height }: TimeArea): void {
    const placed = `${left} ${top} ${width} ${height}`;
    if (placed === this.#placed) return;
    this.#placed = placed;
    const { style } = this.#layer;
    style.inset = "auto";
    style.transform = `translate(${left}px, ${top}px)`;
    style.left = style.top = "0";
    style.width = `${width}px`;
    style.height = `${height}px`;
  }
  #placed = "";

  #position(event: MouseEvent): { x: number; area: TimeArea } | undefined {
    const area = this.#area();
    if (!area) return undefined;
    const x = event.clientX - this.#element.getBoundingClientRect().left - area.left;
    return { x, area };
  }

  #down(event: PointerEvent): void {
    const at = this.#position(event);
    if (!at || event.button !== 0 || at.x < 0 || at.x > at.area.width) return;
    const shifts = event.altKey && this.#context.second !== undefined;
    this.#pointers.set(event.pointerId, { x: at.x, startX: at.x, hasMoved: false, shifts });
    this.#element.setPointerCapture(event.pointerId);
  }

  #over(event: PointerEvent): void {
    const at = this.#position(event);
    if (!at) return;
    const { clock, hover } = this.#context;
    const { x, area } = at;
    hover.set(x >= 0 && x <= area.width ? secondsAt(clock, area, x) : undefined);
    const pointer = this.#pointers.get(event.pointerId);
    if (!pointer) return;
    if (Math.abs(x - pointer.startX) > CLICK_PIXELS) pointer.hasMoved = true;
    const before = pointer.x;
    if (pointer.shifts) {
      if (!pointer.hasMoved) return;
      const seconds = secondsAt(clock, area, x) - secondsAt(clock, area, before);
      this.#context.shiftSecond(nsOf(seconds));
    } else if (event.pointerType === "touch") {
      if (this.#pointers.size === 2) this.#pinch(event.pointerId, x, area);
      else if (pointer.hasMoved) clock.pan((before - x) / area.width);
    } else if (pointer.hasMoved) this.#select(pointer.startX, Math.max(0, Math.min(area.width, x)));
    pointer.x = x;
  }

  /** Two fingers: what was below them stays there. */
  #pinch(id: number, x: number, area: TimeArea): void {
    const { clock } = this.#context;
    const [, other] = [...this.#pointers].find(([otherId]) => otherId !== id)!;
    const before = Math.abs(this.#pointers.get(id)!.x - other.x);
    const now = Math.abs(x - other.x);
    if (before > 10 && now > 10) clock.zoom(before / now, clock.toNs(secondsAt(clock, area, other.x)));
  }

  #select(from: number, to: number): void {
    const [left, right] = from < to ? [from, to] : [to, from];
    this.#selection.hidden = false;
    this.#selection.style.transform = `translateX(${left}px)`;
    this.#selection.style.width = `${right - left}px`;
  }

  #up(event: PointerEvent): void {
    const pointer = this.#pointers.get(event.pointerId);
    const at = this.#position(event);
    this.#cancel(event);
    if (!pointer || !at || pointer.shifts) return;
    const { clock } = this.#context;
    const { area } = at;
    if (!pointer.hasMoved) clock.seek(clock.toNs(secondsAt(clock, area, at.x)));
    else if (event.pointerType !== "touch") {
      const ends = [pointer.startX, Math.max(0, Math.min(area.width, at.x))]
        .map((x) => clock.toNs(secondsAt(clock, area, x)));
      ends[0] < ends[1] ? clock.setWindow(ends[0], ends[1]) : clock.setWindow(ends[1], ends[0]);
    }
  }

  #cancel(event: PointerEvent): void {
    this.#pointers.delete(event.pointerId);
    this.#selection.hidden = true;
  }

  #wheel(event: WheelEvent): void {
    const at = this.#position(event);
    if (!at || event.ctrlKey) return;
    event.preventDefault();
    const { clock } = this.#context;
    const lines = event.deltaMode === 1 ? 30 : 1;
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      clock.pan((event.deltaX || event.deltaY) * lines / at.area.width);
    } else {
      const around = clock.toNs(secondsAt(clock, at.area, Math.max(0, Math.min(at.area.width, at.x))));
      clock.zoom(Math.exp(event.deltaY * lines * WHEEL), around);
    }
  }
}

/** The pixel of a time, from the area's left. */
export function xOf(clock: Clock, area: TimeArea, seconds: number): number {
  const { from, to } = clock.window;
  return (seconds - from) / (to - from) * area.width;
}

/** The time of a pixel. */
export function secondsAt(clock: Clock, area: TimeArea, x: number): number {
  const { from, to } = clock.window;
  return from + x / area.width * (to - from);
}
