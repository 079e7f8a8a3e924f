/**
 * Point clouds and scans in space, each in its own frame.
 *
 * @module
 */
import { html, render } from "lit/html.js";
import type { PanelOptions } from "../app/layout.ts";
import type { AtAnswer, TopicSummary } from "../data/protocol.ts";
import { CloudScene } from "../draw/scene.ts";
import type { Panel, PanelContext } from "./panel.ts";
import { type PanelParts, panelParts } from "./parts.ts";
import { isCloud } from "./suits.ts";

type Options = PanelOptions["scene"];

/** The panel. */
export class ScenePanel implements Panel {
  readonly #context: PanelContext<Options>;
  readonly #parts: PanelParts;
  readonly #scene: CloudScene;
  readonly #draw = () => this.#redraw();
  #topics: readonly string[];
  #stopWatching: (() => void) | undefined;

  constructor(context: PanelContext<Options>) {
    this.#context = context;
    const { topics } = context.options;
    this.#topics = Array.isArray(topics)
      ? topics
      : context.recording.info.topics.filter(isCloud).map(({ name }) => name);
    this.#parts = panelParts(context.element);
    this.#scene = new CloudScene(() => context.request(this.#draw));
    this.#scene.element.setAttribute("role", "img");
    this.#scene.element.setAttribute("aria-label", `Points of ${this.#topics.join(", ")}`);
    this.#parts.body.append(this.#scene.element);
    this.#watch();
  }

  resized(): void {
    this.#context.request(this.#draw);
  }

  changed(): void {
    this.#watch();
  }

  add(topic: TopicSummary): boolean {
    if (!isCloud(topic)) return false;
    this.#topics = [...new Set([...this.#topics, topic.name])];
    this.#context.save({ topics: [...this.#topics] });
    this.#watch();
    return true;
  }

  picture(): HTMLCanvasElement {
    return this.#scene.element;
  }

  dispose(): void {
    this.#stopWatching?.();
    this.#scene.dispose();
  }

  #watch(): void {
    this.#stopWatching?.();
    this.#context.setTitle(this.#topics.join(", ") || "3D");
    const { topics } = this.#context.recording.info;
    const shown = topics.filter((topic) => isCloud(topic) && this.#topics.includes(topic.name));
    render(html`<span class="muted">${shown.map(({ name }) => name).join(", ")}</span>`, this.#parts.bar);
    this.#parts.say(shown.length === 0 ? "Drag a topic with points here." : undefined);
    const wishes = shown.map(({ name }) => ({ topic: name, as: "cloud" as const }));
    if (wishes.length > 0) {
      this.#stopWatching = this.#context.watch(wishes, (answers) => answers.forEach((a) => this.#take(a)));
    }
    this.#context.request(this.#draw);
  }

  #take({ topic, content }: AtAnswer): void {
    this.#scene.set(topic, content?.kind === "cloud" ? content : undefined);
    if (content?.kind === "error") this.#context.say(`${topic}: ${content.error.message}`, true);
    this.#context.request(this.#draw);
  }

  #redraw(): void {
    const { clientWidth, clientHeight } = this.#parts.body;
    this.#scene.draw(clientWidth, clientHeight, this.#context.theme);
  }
}
