/**
 * Where something was: latitude and longitude, or x and y, drawn without any network.
 *
 * @module
 */
import { html, render } from "lit/html.js";
import type { PanelOptions } from "../app/layout.ts";
import { formatReference } from "../data/expression/reference.ts";
import type { ColumnsAnswer, TopicSummary } from "../data/protocol.ts";
import { lastAtOrBefore } from "../draw/align.ts";
import { fitCanvas } from "../draw/canvas.ts";
import { numberText } from "../draw/number_text.ts";
import { inkOf, lineStyle } from "../draw/palette.ts";
import { extentOf, fitProjection, type Projection } from "../draw/projection.ts";
import { drawTrack } from "../draw/track.ts";
import { DrawnPanel } from "./drawn_panel.ts";
import { fieldsOfKind } from "./fields.ts";
import { type PanelContext, registerPanel, type ShownRecording } from "./panel.ts";
import { isTold, missingTopic, type PanelParts, panelParts } from "./parts.ts";

type Options = PanelOptions["track"];

/** Rows of a track that are drawn. */
const POINTS = 20_000;

class TrackPanel extends DrawnPanel<Options> {
  readonly #parts: PanelParts;
  readonly #canvas = document.createElement("canvas");
  readonly #dot = document.createElement("div");
  readonly #tracks = new Map<ShownRecording["client"], ColumnsAnswer>();
  #options: Options;
  #projection: Projection | undefined;
  /** What the user has moved and zoomed. */
  #view = { scale: 1, x: 0, y: 0 };
  #grabbed: { x: number; y: number; hasMoved: boolean } | undefined;

  constructor(context: PanelContext<Options>) {
    // All of the track is there: another window is drawn otherwise.
    super(context, { loadsBy: [] });
    const { topic = "", kind = "geo", x = "", y = "", tiles } = context.options;
    this.#options = { topic, kind, x, y, ...(tiles !== undefined && { tiles }) };
    if (topic === "") {
      for (const topic of context.recording.info.topics) {
        const found = trackOf(topic);
        if (found) {
          this.#options = found;
          break;
        }
      }
    }
    this.#parts = panelParts(context.element);
    this.#canvas.setAttribute("role", "img");
    this.#dot.style.cssText =
      "position:absolute;left:-6px;top:-6px;width:12px;height:12px;border-radius:50%;background:var(--cursor);" +
      "border:2px solid var(--panel);pointer-events:none;visibility:hidden";
    this.#parts.body.append(this.#canvas, this.#dot);
    this.#parts.body.style.touchAction = "none";
    const { body } = this.#parts;
    const listen = <K extends keyof HTMLElementEventMap>(
      type: K,
      listener: (event: HTMLElementEventMap[K]) => void,
    ) => {
      body.addEventListener(type, listener, { passive: false });
    };
    listen("pointerdown", (event) => {
      this.#grabbed = { x: event.clientX, y: event.clientY, hasMoved: false };
      body.setPointerCapture(event.pointerId);
    });
    listen("pointermove", (event) => this.#drag(event));
    listen("pointerup", (event) => {
      if (this.#grabbed && !this.#grabbed.hasMoved) this.#seekNear(event);
      this.#grabbed = undefined;
    });
    listen("wheel", (event) => this.#zoom(event));
    listen("dblclick", () => {
      this.#view = { scale: 1, x: 0, y: 0 };
      this.drawSoon();
    });
    void this.load();
  }

  changed(): void {
    void this.load();
  }

  add(topic: TopicSummary): boolean {
    const found = trackOf(topic);
    if (!found) return false;
    this.#options = found;
    this.context.save(found);
    void this.load();
    return true;
  }

  picture(): HTMLCanvasElement {
    return this.#canvas;
  }

  protected override async load(): Promise<void> {
    const { recording, second } = this.context;
    const { topic } = this.#options;
    this.context.setTitle(topic === "" ? "Track" : topic);
    const missing = missingTopic(recording.info.topics, topic);
    this.#parts.say(missing);
    this.#showBar();
    if (missing !== undefined) return;
    await Promise.all([recording, second].map((of) => of && this.#loadOf(of)));
  }

  async #loadOf(recording: ShownRecording): Promise<void> {
    const { topic, x, y } = this.#options;
    const { client, info: { firstNs, lastNs } } = recording;
    if (firstNs === undefined || lastNs === undefined) return;
    const request = { topic, columns: [x, y], fromNs: firstNs, toNs: lastNs + 1n, points: POINTS };
    const { value, error } = await this.ask(recording, "columns", request);
    if (isTold(error) && client === this.context.recording.client) this.#parts.say(error.message);
    if (!value) return;
    this.#tracks.set(client, inDegrees(value, this.#options.kind));
    this.drawSoon();
  }

  protected override draw(): void {
    const { clientWidth: width, clientHeight: height } = this.#parts.body;
    const context = fitCanvas(this.#canvas, width, height);
    if (!context) return;
    const { recording, second, theme, clock } = this.context;
    const tracks = [recording, second].flatMap((of) => {
      const track = of && this.#tracks.get(of.client);
      return track ? [{ track, shift: Number(of.shiftNs) / 1e9 }] : [];
    });
    if (tracks.length === 0) return;
    const [{ track: first }] = tracks;
    const extent = extentOf(first.columns[0], first.columns[1]);
    if (!extent) return this.#parts.say("No message has a position.");
    const isGeographic = this.#options.kind === "geo";
    this.#projection = zoomed(fitProjection(extent, { width, height, margin: 28 }, isGeographic), this.#view);
    const unit = isGeographic ? "m" : "";
    drawTrack(context, { width, height, projection: this.#projection, unit, isGeographic }, inkOf(theme));
    tracks.forEach(({ track, shift }, i) => {
      const { from, to } = clock.window;
      const [x, y] = track.columns;
      const style = lineStyle(theme, 0);
      const range = {
        first: lastAtOrBefore(track.x, from - shift),
        last: lastAtOrBefore(track.x, to - shift),
      };
      const line = { x, y, range, color: style.color, isDashed: i > 0 };
      drawTrack(
        context,
        { width, height, projection: this.#projection!, unit, isGeographic, line },
        inkOf(theme),
      );
    });
    this.move();
  }

  protected override move(): void {
    const { recording, clock, hover } = this.context;
    const track = this.#tracks.get(recording.client);
    const seconds = hover.seconds ?? clock.cursor;
    const at = track ? lastAtOrBefore(track.x, seconds) : -1;
    const projection = this.#projection;
    const [x, y] = track && at >= 0 ? [track.columns[0][at], track.columns[1][at]] : [NaN, NaN];
    const isThere = projection !== undefined && Number.isFinite(x) && Number.isFinite(y);
    this.#dot.style.visibility = isThere ? "" : "hidden";
    if (!isThere) return;
    this.#dot.style.transform = `translate(${projection.x(x)}px, ${projection.y(y)}px)`;
    const text = `Track of ${this.#options.topic}, now at ${numberText(x)}, ${numberText(y)}`;
    if (!clock.isPlaying) this.#canvas.setAttribute("aria-label", text);
  }

  #showBar(): void {
    const topics = this.context.recording.info.topics.filter((topic) => trackOf(topic) !== undefined);
    const { topic } = this.#options;
    const onChoice = (event: Event) => {
      const name = (event.target as HTMLSelectElement).value;
      const found = topics.find((topic) => topic.name === name);
      if (found) this.add(found);
    };
    render(
      html`<select aria-label="Topic" @change=${onChoice}>
        ${
        topics.some(({ name }) => name === topic)
          ? ""
          : html`<option selected>${topic || "Choose a topic"}</option>`
      }
        ${topics.map(({ name }) => html`<option value=${name} ?selected=${name === topic}>${name}</option>`)}
      </select>`,
      this.#parts.bar,
    );
  }

  #drag(event: PointerEvent): void {
    const grabbed = this.#grabbed;
    if (!grabbed) return;
    const [dx, dy] = [event.clientX - grabbed.x, event.clientY - grabbed.y];
    if (!grabbed.hasMoved && Math.hypot(dx, dy) < 4) return;
    this.#view = { ...this.#view, x: this.#view.x + dx, y: this.#view.y + dy };
    this.#grabbed = { x: event.clientX, y: event.clientY, hasMoved: true };
    this.drawSoon();
  }

  #zoom(event: WheelEvent): void {
    if (event.ctrlKey) return;
    event.preventDefault();
    const { left, top, width, height } = this.#parts.body.getBoundingClientRect();
    const factor = Math.exp(-event.deltaY * (event.deltaMode === 1 ? 30 : 1) * 0.0018);
    const scale = Math.max(0.1, Math.min(10_000, this.#view.scale * factor));
    const by = scale / this.#view.scale;
    // What is below the pointer stays there.
    const [x, y] = [event.clientX - left - width / 2, event.clientY - top - height / 2];
    this.#view = { scale, x: x - (x - this.#view.x) * by, y: y - (y - this.#view.y) * by };
    this.drawSoon();
  }

  /** A click on the track seeks to when it was there. */
  #seekNear(event: PointerEvent): void {
    const track = this.#tracks.get(this.context.recording.client);
    const projection = this.#projection;
    if (!track || !projection) return;
    const { left, top } = this.#parts.body.getBoundingClientRect();
    const [px, py] = [event.clientX - left, event.clientY - top];
    const [xs, ys] = track.columns;
    let [best, distance] = [-1, 24];
    for (let i = 0; i < xs.length; i++) {
      const far = Math.hypot(projection.x(xs[i]) - px, projection.y(ys[i]) - py);
      if (far < distance) [best, distance] = [i, far];
    }
    if (best >= 0) this.context.clock.seek(this.context.clock.toNs(track.x[best]));
  }
}

/** Degrees: receivers without a fix say 0, 0, and some count in ten millionths, as MAVLink does. */
function inDegrees(answer: ColumnsAnswer, kind: Options["kind"]): ColumnsAnswer {
  if (kind !== "geo") return answer;
  const isScaled = answer.columns.some((column) => column.some((value) => Math.abs(value) > 1000));
  const [x, y] = answer.columns.map((column) => column.map((value) => isScaled ? value / 1e7 : value));
  for (let i = 0; i < x.length; i++) if (x[i] === 0 && y[i] === 0) x[i] = y[i] = NaN;
  return { ...answer, columns: [x, y] };
}

function zoomed(base: Projection, view: { scale: number; x: number; y: number }): Projection {
  const middle = { x: base.width / 2, y: base.height / 2 };
  return {
    ...base,
    scale: base.scale * view.scale,
    x: (value) => middle.x + (base.x(value) - middle.x) * view.scale + view.x,
    y: (value) => middle.y + (base.y(value) - middle.y) * view.scale + view.y,
  };
}

/** The coordinates that a topic has, by the names of its fields. */
function trackOf(topic: TopicSummary): Options | undefined {
  const numbers = new Set(fieldsOfKind(topic, "number").map(({ path }) => path));
  const pairs: [Options["kind"], string, string][] = [
    ["geo", "longitude", "latitude"],
    ["geo", "lon", "lat"],
    ["geo", "position.y", "position.x"],
    ["plane", "pose.pose.position.x", "pose.pose.position.y"],
    ["plane", "pose.position.x", "pose.position.y"],
    ["plane", "position.x", "position.y"],
    ["plane", "x", "y"],
  ];
  for (const [kind, x, y] of pairs) {
    if (!numbers.has(x) || !numbers.has(y)) continue;
    const isGps = /gps|nav_?sat/i.test(topic.ontologyTag);
    if (x === "position.y" && !isGps) continue;
    const [first, second] = [x, y].map((path) => formatReference(topic.name, path));
    // PX4 counts in ten millionths of a degree.
    const isScaled = x === "lon" &&
      fieldsOfKind(topic, "number").find(({ path }) => path === "lon")?.type.includes("int");
    const scaled = (text: string) => isScaled ? `${text} / 1e7` : text;
    return { topic: topic.name, kind, x: scaled(first), y: scaled(second) };
  }
}

registerPanel<Options>({
  name: "track",
  title: "Track",
  takes: (topic) =>
    /gps|nav_?sat|pose|odometry|motion_?state/i.test(topic.ontologyTag) && trackOf(topic) ? 0.95 : 0,
  create: (context) => new TrackPanel(context),
});
