/**
 * Point clouds, scans, poses and paths in space, all in one frame, with the frames themselves.
 *
 * @module
 */
import { html, render } from "lit/html.js";
import type { PanelOptions } from "../app/layout.ts";
import type { AtAnswer, TopicSummary } from "../data/protocol.ts";
import { type FramedPose, frameName, frameOf, poseOf, stampOf, waypointsOf } from "../data/spatial.ts";
import type { Axes } from "../draw/axes.ts";
import { stateColor } from "../draw/palette.ts";
import { CloudScene } from "../draw/scene.ts";
import { poseMatrix } from "../draw/transform_tree.ts";
import type { Panel, PanelContext } from "./panel.ts";
import { type PanelParts, panelParts } from "./parts.ts";
import { type GonePath, placesWithin, readPath } from "./scene_path.ts";
import { SceneTransforms } from "./scene_transforms.ts";
import { spatialKind } from "./suits.ts";

type Options = PanelOptions["scene"];

/** Frames that are drawn: with more of them nothing can be told from them. */
const MAX_FRAMES = 200;
/** Complaints that are shown. */
const MAX_NOTES = 6;

/** What a topic has at the cursor. */
interface Item {
  readonly topic: string;
  readonly kind: "cloud" | "path" | "pose";
  /** The frame it is told in. */
  readonly frame: string | undefined;
  /** When it was measured: by its stamp, or by the recording. */
  readonly stampNs: bigint | undefined;
  readonly timestampNs: bigint;
  readonly pose?: FramedPose;
}

/** The panel. */
export class ScenePanel implements Panel {
  readonly #context: PanelContext<Options>;
  readonly #parts: PanelParts;
  readonly #scene: CloudScene;
  readonly #transforms: SceneTransforms;
  readonly #notes = document.createElement("div");
  readonly #abort = new AbortController();
  readonly #draw = () => this.#redraw();
  readonly #items = new Map<string, Item>();
  readonly #gone = new Map<string, GonePath>();
  readonly #pathPanels = new Map<string, number>();
  readonly #stopClock: () => void;
  #options: Options;
  #stopWatching: (() => void) | undefined;
  /** The frame that was chosen for the user. */
  #ownFrame: string | undefined;
  #shownBar = "";

  constructor(context: PanelContext<Options>) {
    this.#context = context;
    const { topics, frame, axes } = context.options;
    const own = context.recording.info.topics.filter((topic) => spatialKind(topic) !== undefined);
    this.#options = {
      topics: Array.isArray(topics) ? [...topics] : own.map(({ name }) => name),
      ...(frame !== undefined && { frame }),
      ...(axes !== undefined && { axes }),
    };
    this.#parts = panelParts(context.element);
    this.#scene = new CloudScene(() => context.request(this.#draw));
    this.#transforms = new SceneTransforms(
      context.recording.client,
      () => context.request(this.#draw),
    );
    this.#scene.element.setAttribute("role", "img");
    this.#notes.setAttribute("role", "status");
    this.#notes.style.cssText = "position:absolute;left:8px;right:8px;bottom:6px;font-size:12px;" +
      "color:var(--muted);white-space:pre-line;pointer-events:none;overflow-wrap:anywhere";
    this.#parts.body.append(this.#scene.element, this.#notes);
    this.#stopClock = context.clock.subscribe((changes) => {
      if (changes.has("cursor") || changes.has("window")) {
        context.request(this.#draw);
      }
    });
    this.#watch();
  }

  resized(): void {
    this.#context.request(this.#draw);
  }

  changed(): void {
    this.#watch();
  }

  add(topic: TopicSummary): boolean {
    if (spatialKind(topic) === undefined) return false;
    this.#save({ topics: [...new Set([...this.#options.topics, topic.name])] });
    this.#watch();
    return true;
  }

  picture(): HTMLCanvasElement {
    return this.#scene.element;
  }

  dispose(): void {
    this.#abort.abort();
    this.#stopClock();
    this.#stopWatching?.();
    this.#transforms.dispose();
    this.#scene.dispose();
  }

  #save(options: Partial<Options>): void {
    this.#options = { ...this.#options, ...options };
    this.#context.save(this.#options);
  }

  #watch(): void {
    this.#stopWatching?.();
    this.#stopWatching = undefined;
    const { topics } = this.#context.recording.info;
    const ofKind = (kind: string) => topics.filter((topic) => spatialKind(topic) === kind);
    // Whatever is shown, it needs them.
    this.#transforms.setTopics(
      ofKind("transforms").map(({ name }) => name).slice(0, 100),
    );
    const isShown = ({ name }: TopicSummary) => this.#options.topics.includes(name);
    const [clouds, paths, poses] = [
      ofKind("cloud"),
      ofKind("path"),
      ofKind("pose"),
    ].map((of) => of.filter(isShown));
    const shown = [...clouds, ...paths, ...poses];
    const names = shown.map(({ name }) => name);
    this.#context.setTitle(names.join(", ") || "3D");
    const label = names.length > 0 ? `Points of ${names.join(", ")}` : "Frames";
    this.#scene.element.setAttribute("aria-label", label);
    const isEmpty = shown.length === 0 && ofKind("transforms").length === 0;
    this.#parts.say(
      isEmpty ? "Drag a topic with points, poses or transforms here." : undefined,
    );
    for (const topic of poses) this.#loadPath(topic);
    const kinds = new Map<string, Item["kind"]>();
    for (
      const [kind, of] of [["cloud", clouds], ["path", paths], [
        "pose",
        poses,
      ]] as const
    ) {
      for (const { name } of of) kinds.set(name, kind);
    }
    const wishes = names.map((topic) => ({
      topic,
      as: kinds.get(topic) === "cloud" ? "cloud" as const : "values" as const,
    }));
    if (wishes.length > 0) {
      this.#stopWatching = this.#context.watch(wishes, (answers) => {
        for (const answer of answers) {
          this.#take(answer, kinds.get(answer.topic)!);
        }
        this.#context.request(this.#draw);
      });
    }
    this.#context.request(this.#draw);
  }

  #take({ topic, content, timestampNs }: AtAnswer, kind: Item["kind"]): void {
    if (content?.kind === "error") {
      this.#context.say(`${topic}: ${content.error.message}`, true);
    }
    const head = { topic, kind, timestampNs: timestampNs ?? 0n };
    this.#items.delete(topic);
    if (kind === "cloud") {
      const cloud = content?.kind === "cloud" ? content : undefined;
      this.#scene.setCloud(topic, cloud);
      if (cloud) {
        this.#items.set(topic, {
          ...head,
          frame: frameName(cloud.frame),
          stampNs: cloud.stampNs,
        });
      }
      return;
    }
    if (content?.kind !== "values") {
      if (kind === "path") this.#scene.setPath(topic, undefined);
      return;
    }
    const { data } = content;
    const item = { ...head, frame: frameOf(data), stampNs: stampOf(data) };
    if (kind === "pose") {
      this.#items.set(topic, { ...item, pose: poseOf(data) });
    } else {
      const points = waypointsOf(data);
      this.#scene.setPath(
        topic,
        points && { points, color: this.#colorOf(topic) },
      );
      this.#items.set(topic, item);
    }
  }

  async #loadPath(topic: TopicSummary): Promise<void> {
    const { name } = topic;
    const { recording } = this.#context;
    const panel = this.#pathPanels.get(name) ?? recording.client.newPanel();
    this.#pathPanels.set(name, panel);
    try {
      const path = await readPath(recording, topic, panel, this.#abort.signal);
      if (!path || this.#abort.signal.aborted) return;
      this.#gone.set(name, path);
      this.#scene.setPath(name, {
        points: path.points,
        color: this.#colorOf(name),
      });
      this.#context.request(this.#draw);
    } catch (reason) {
      this.#context.say(`${name}: ${(reason as Error).message}`, true);
    }
  }

  #colorOf(topic: string): string {
    return stateColor(
      this.#context.theme,
      Math.max(0, this.#options.topics.indexOf(topic)),
    );
  }

  #redraw(): void {
    if (this.#abort.signal.aborted) return;
    const { clock, theme } = this.#context;
    const { clientWidth, clientHeight } = this.#parts.body;
    this.#transforms.want(
      clock.cursorNs,
      clock.isPlaying ? Math.abs(clock.speed) : 1,
    );
    const fixed = this.#fixedFrame();
    const notes: string[] = [];
    const axes = this.#options.axes === false ? [] : this.#frameAxes(fixed, notes);
    for (const item of this.#items.values()) {
      axes.push(...this.#place(item, fixed, notes));
    }
    this.#showBar(fixed);
    notes.push(...this.#transforms.complaints);
    const more = notes.length > MAX_NOTES ? [`and ${notes.length - MAX_NOTES} more`] : [];
    this.#notes.textContent = [...notes.slice(0, MAX_NOTES), ...more].join(
      "\n",
    );
    this.#scene.draw(clientWidth, clientHeight, theme, axes);
  }

  /** The one that was chosen, or the one that the first thing to be shown hangs from. */
  #fixedFrame(): string | undefined {
    const { frame } = this.#options;
    if (frame !== undefined && frame !== "") return frame;
    const { tree } = this.#transforms;
    const items = this.#options.topics.flatMap((topic) => this.#items.get(topic) ?? []);
    const first = items.find((item) => item.frame !== undefined);
    if (first) {
      this.#ownFrame = tree.rootOf(first.frame!, this.#momentOf(first));
    } else if (tree.frames.length > 0) {
      this.#ownFrame ??= tree.rootOf(
        tree.frames[0],
        this.#transforms.stampOf(this.#context.clock.cursorNs),
      );
    }
    return this.#ownFrame;
  }

  #momentOf({ stampNs, timestampNs }: Item): bigint {
    return stampNs ?? this.#transforms.stampOf(timestampNs);
  }

  /** Frames at the cursor. */
  #frameAxes(fixed: string | undefined, notes: string[]): Axes[] {
    const { tree } = this.#transforms;
    if (fixed === undefined) return [];
    const ns = this.#transforms.stampOf(this.#context.clock.cursorNs);
    const frames = tree.frames.slice(0, MAX_FRAMES);
    if (frames.length === 0) frames.push(fixed);
    if (tree.frames.length > MAX_FRAMES) {
      notes.push(`${MAX_FRAMES} of ${tree.frames.length} frames are drawn`);
    }
    return frames.flatMap((frame) => {
      const { matrix } = tree.lookup(frame, fixed, ns);
      if (!matrix) return [];
      const parent = tree.parentAt(frame, ns);
      const above = parent === undefined ? undefined : tree.lookup(parent, fixed, ns).matrix;
      return [{
        key: `frame ${frame}`,
        text: frame,
        matrix,
        ...(above && { parent: above }),
      }];
    });
  }

  /** Puts a thing where it is, and says why where it cannot be told; a pose has axes. */
  #place(item: Item, fixed: string | undefined, notes: string[]): Axes[] {
    const { topic, kind, frame, pose } = item;
    const { tree, isThere } = this.#transforms;
    const to = fixed ?? frame ?? "";
    // What names no frame is shown as it is.
    const { matrix, reason } = tree.lookup(
      frame ?? to,
      to,
      this.#momentOf(item),
    );
    if (frame === undefined && tree.frames.length > 0) {
      notes.push(`${topic} names no frame: it is shown as if it were in ${to}`);
    }
    if (reason !== undefined && isThere) {
      notes.push(`${topic} is not shown in ${to}: ${reason}`);
    }
    if (kind === "cloud") this.#scene.placeCloud(topic, matrix);
    if (kind === "path") this.#scene.placePath(topic, matrix);
    if (kind !== "pose") return [];
    const path = this.#gone.get(topic);
    if (path) {
      const { from, to } = this.#context.clock.window;
      const { first, count } = placesWithin(path, from, to);
      this.#scene.placePath(topic, matrix, first, count);
    }
    const placed = pose && poseMatrix(pose.numbers);
    if (!placed) {
      notes.push(
        `${topic} has no pose here: its numbers are missing, not finite, or no rotation`,
      );
    }
    if (!matrix || !placed) return [];
    return [{
      key: `pose ${topic}`,
      text: topic,
      matrix: matrix.clone().multiply(placed),
    }];
  }

  #showBar(fixed: string | undefined): void {
    const { frame: chosen = "", axes = true, topics } = this.#options;
    const own = [...this.#items.values()].flatMap(({ frame }) => frame ?? []);
    const frames = [...new Set([...this.#transforms.tree.frames, ...own])]
      .sort();
    const key = JSON.stringify([
      frames,
      chosen,
      axes,
      topics,
      chosen === "" ? fixed : "",
    ]);
    // While it plays nothing of it changes.
    if (key === this.#shownBar) return;
    this.#shownBar = key;
    const onFrame = (event: Event) => {
      this.#save({ frame: (event.target as HTMLSelectElement).value });
      this.#context.request(this.#draw);
    };
    const onAxes = (event: Event) => {
      this.#save({ axes: (event.target as HTMLInputElement).checked });
      this.#context.request(this.#draw);
    };
    render(
      html`
        <label>In <select aria-label="Frame" .value=${chosen} @change=${onFrame}>
                <option value="" ?selected=${chosen === ""}>${chosen === "" &&
                    fixed !== undefined
                  ? `${fixed} (by itself)`
                  : "by itself"}</option>
                ${chosen === "" || frames.includes(chosen)
                  ? ""
                  : html`<option value=${chosen} selected>${chosen} (not here)</option>`}
                ${frames.map((name) =>
                  html`<option value=${name} ?selected=${name === chosen}>${name}</option>`
                )}
              </select></label>
        <label><input type="checkbox" .checked=${axes} @change=${onAxes}> Frames</label>
      `,
      this.#parts.bar,
    );
  }
}
