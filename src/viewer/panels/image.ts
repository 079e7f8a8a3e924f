/**
 * The picture that held at the cursor.
 *
 * @module
 */
import { html, render } from "lit/html.js";
import type { PanelOptions } from "../app/layout.ts";
import type { AtAnswer, PictureAnswer, TopicSummary } from "../data/protocol.ts";
import { fitCanvas } from "../draw/canvas.ts";
import { spanText } from "../draw/time_text.ts";
import { leavesOf } from "./fields.ts";
import type { Panel, PanelContext } from "./panel.ts";
import { isTold, missingTopic, type PanelParts, panelParts, topicChoice } from "./parts.ts";

type Options = PanelOptions["image"];

/** The panel. */
export class ImagePanel implements Panel {
  readonly #context: PanelContext<Options>;
  readonly #parts: PanelParts;
  readonly #canvas = document.createElement("canvas");
  readonly #panel: number;
  readonly #draw = () => this.#redraw();
  #topic: string;
  #stopWatching: (() => void) | undefined;
  #answer: AtAnswer | undefined;
  /** The frame as a canvas: bitmaps are closed when another one comes, and have to be drawn anew when sizes change. */
  #frame: ImageBitmap | HTMLCanvasElement | undefined;

  constructor(context: PanelContext<Options>) {
    this.#context = context;
    const { topic } = context.options;
    this.#topic = typeof topic === "string" ? topic : this.#topics()[0]?.name ?? "";
    this.#panel = context.recording.client.newPanel();
    this.#parts = panelParts(context.element);
    this.#parts.body.append(this.#canvas);
    this.#canvas.style.cssText = "position:absolute;inset:0;width:100%;height:100%";
    this.#canvas.setAttribute("role", "img");
    this.#watch();
  }

  resized(): void {
    this.#context.request(this.#draw);
  }

  changed(): void {
    this.#watch();
  }

  add(topic: TopicSummary): boolean {
    if (!isPicture(topic)) return false;
    this.#choose(topic.name);
    return true;
  }

  picture(): HTMLCanvasElement | undefined {
    const frame = this.#frame;
    if (!frame) return undefined;
    const canvas = document.createElement("canvas");
    canvas.width = frame.width;
    canvas.height = frame.height;
    canvas.getContext("2d")!.drawImage(frame, 0, 0);
    return canvas;
  }

  async step(direction: 1 | -1): Promise<void> {
    const { clock, recording, say } = this.#context;
    const { value, error } = await recording.client.ask("rows", this.#panel, {
      topic: this.#topic,
      fromNs: direction === 1 ? clock.cursorNs + 1n : this.#answer?.timestampNs ?? clock.cursorNs,
      count: 1,
      direction: direction === 1 ? "forward" : "backward",
      fields: [],
    });
    if (isTold(error)) say(error.message, true);
    else if (value && value.rows.length > 0) clock.seek(value.rows[0].timestampNs);
  }

  dispose(): void {
    this.#stopWatching?.();
    this.#setFrame(undefined);
  }

  #topics(): TopicSummary[] {
    return this.#context.recording.info.topics.filter(isPicture);
  }

  #choose(topic: string): void {
    this.#topic = topic;
    this.#context.save({ topic });
    this.#watch();
  }

  #watch(): void {
    this.#stopWatching?.();
    this.#stopWatching = undefined;
    this.#context.setTitle(this.#topic === "" ? "Image" : this.#topic);
    this.#showBar();
    const missing = missingTopic(this.#context.recording.info.topics, this.#topic);
    this.#parts.say(missing);
    if (missing !== undefined) return;
    this.#stopWatching = this.#context.watch([{ topic: this.#topic, as: "picture" }], ([answer]) => {
      if (answer) this.#take(answer);
    });
  }

  #take(answer: AtAnswer): void {
    this.#answer = answer;
    const { content } = answer;
    if (content?.kind === "picture") {
      const frame = content.bitmap ?? rgbaCanvas(content);
      this.#setFrame(frame);
      this.#parts.say(
        frame ? undefined : content.reason ?? `A picture in ${content.format} cannot be shown here.`,
      );
    } else {
      this.#setFrame(undefined);
      this.#parts.say(
        content?.kind === "error"
          ? content.error.message
          : content
          ? "This topic has no pictures."
          : "No picture yet.",
      );
    }
    this.#showBar();
    this.#context.request(this.#draw);
  }

  #setFrame(frame: ImageBitmap | HTMLCanvasElement | undefined): void {
    if (this.#frame instanceof ImageBitmap && this.#frame !== frame) this.#frame.close();
    this.#frame = frame;
  }

  #showBar(): void {
    const { clock } = this.#context;
    const seconds = this.#answer?.seconds;
    const size = this.#frame ? `${this.#frame.width} × ${this.#frame.height}` : "";
    const age = seconds === undefined ? "" : `${spanText(Math.max(0, clock.cursor - seconds))} ago`;
    render(
      html`${topicChoice(this.#topics(), this.#topic, (name) => this.#choose(name))}
      <span class="muted">${size}</span><span class="muted">${age}</span>`,
      this.#parts.bar,
    );
  }

  #redraw(): void {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const context = fitCanvas(this.#canvas, width, height);
    const frame = this.#frame;
    if (!context || !frame || frame.width === 0) return;
    const scale = Math.min(width / frame.width, height / frame.height);
    const [w, h] = [frame.width * scale, frame.height * scale];
    // Few pixels are shown as they are.
    context.imageSmoothingEnabled = scale < 3;
    context.imageSmoothingQuality = "high";
    context.drawImage(frame, (width - w) / 2, (height - h) / 2, w, h);
    this.#canvas.setAttribute("aria-label", `Picture of ${this.#topic}, ${frame.width} by ${frame.height}`);
  }
}

/** Pixels that the worker could make no bitmap of. */
function rgbaCanvas({ format, bytes, width, height }: PictureAnswer): HTMLCanvasElement | undefined {
  if (format !== "rgba" || !bytes || !width || !height || bytes.length !== width * height * 4) {
    return undefined;
  }
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const pixels = new Uint8ClampedArray(bytes.buffer, bytes.byteOffset, bytes.length);
  canvas.getContext("2d")!.putImageData(new ImageData(pixels, width, height), 0, 0);
  return canvas;
}

function isPicture({ ontologyTag, fields }: TopicSummary): boolean {
  return /(^|\/|_)(compressed_?image|image)$/i.test(ontologyTag) ||
    leavesOf(fields).some(({ name, kind }) => kind === "bytes" && /^(data|image)$/.test(name));
}
