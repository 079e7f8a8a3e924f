/**
 * The last message of topics at the cursor, with its age.
 *
 * @module
 */
import { html, nothing, render, type TemplateResult } from "lit/html.js";
import type { PanelOptions } from "../app/layout.ts";
import type { AtAnswer, FieldInfo, TopicSummary } from "../data/protocol.ts";
import { spanText } from "../draw/time_text.ts";
import { leavesOf, valueIn, valueText } from "./fields.ts";
import { type Panel, type PanelContext, registerPanel } from "./panel.ts";
import { type PanelParts, panelParts } from "./parts.ts";

type Options = PanelOptions["values"];

/** What changes is drawn so often at most, in milliseconds. */
const DRAW_MS = 100;
/** How long an answer is waited for with what only makes ages longer, in milliseconds. */
const ANSWER_MS = 300;
/** Fields that are looked at for the three values of one line. */
const BRIEF_FIELDS = 12;
/** Lines of a value's tree. */
const MAX_LINES = 200;

/** What every message has, and tells nothing. */
const OF_HEAD = /^(header|recording_timestamp_ns|frame_id)(\.|$)/;

class ValuesPanel implements Panel {
  readonly #context: PanelContext<Options>;
  readonly #parts: PanelParts;
  readonly #answers = new Map<string, AtAnswer>();
  readonly #open = new Set<string>();
  readonly #stop: (() => void)[] = [];
  #stopWatching: (() => void) | undefined;
  #topics: readonly string[];
  #filter = "";
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lastDraw = 0;
  /** When it is drawn next, while a timer runs. */
  #due = 0;

  constructor(context: PanelContext<Options>) {
    this.#context = context;
    const { topics } = context.options;
    this.#topics = Array.isArray(topics) ? topics : [];
    this.#parts = panelParts(context.element, { scrolls: true });
    this.#parts.body.classList.add("values");
    const { clock } = context;
    this.#stop.push(clock.subscribe((changes) => {
      // Where nothing plays an answer follows, and is drawn without a wait for what only makes ages longer.
      if (changes.has("cursor")) this.#drawSoon(clock.isPlaying ? 0 : ANSWER_MS);
    }));
    context.setTitle(this.#topics.length > 0 ? this.#topics.join(", ") : "Values");
    if (this.#topics.length > 0 && this.#topics.length <= 3) {
      this.#topics.forEach((name) => this.#open.add(name));
    }
    this.#watch();
  }

  changed(): void {
    this.#watch();
  }

  add(topic: TopicSummary): boolean {
    this.#open.add(topic.name);
    if (this.#topics.length > 0 && !this.#topics.includes(topic.name)) {
      this.#topics = [...this.#topics, topic.name];
      this.#context.save({ topics: [...this.#topics] });
      this.#context.setTitle(this.#topics.join(", "));
    }
    this.#watch();
    return true;
  }

  dispose(): void {
    for (const stop of this.#stop) stop();
    this.#stopWatching?.();
    clearTimeout(this.#timer);
  }

  #shown(): TopicSummary[] {
    const { topics } = this.#context.recording.info;
    const wanted = this.#topics.length === 0
      ? topics.filter(({ rows, error }) => rows > 0 && !error)
      : topics.filter(({ name }) => this.#topics.includes(name));
    const words = this.#filter.toLowerCase();
    return wanted.filter(({ name }) => name.toLowerCase().includes(words));
  }

  /** Of topics that are closed nothing but the time is asked for. */
  #watch(): void {
    this.#stopWatching?.();
    const wishes = this.#shown().map(({ name, fields }) => {
      if (this.#open.has(name)) return { topic: name };
      return { topic: name, fields: briefFields(fields).map(({ path }) => path) };
    });
    this.#stopWatching = this.#context.watch(wishes, (answers) => {
      for (const answer of answers) this.#answers.set(answer.topic, answer);
      this.#drawSoon();
    });
    this.#drawSoon();
  }

  /** Draws once it may be drawn again, after so many milliseconds at least. */
  #drawSoon(patience = 0): void {
    const now = performance.now();
    const due = Math.max(this.#lastDraw + DRAW_MS, now + patience);
    if (this.#timer !== undefined && due >= this.#due) return;
    clearTimeout(this.#timer);
    this.#due = due;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#lastDraw = performance.now();
      this.#draw();
    }, due - now);
  }

  #draw(): void {
    const shown = this.#shown();
    const missing = this.#topics.filter((name) =>
      !this.#context.recording.info.topics.some((topic) => topic.name === name)
    );
    render(
      html`
        <input type="search" aria-label="Search topics" placeholder="Search topics" .value=${this.#filter}
          @input=${(event: Event) => {
            this.#filter = (event.target as HTMLInputElement).value;
            this.#watch();
          }} />
      `,
      this.#parts.bar,
    );
    render(
      html`${missing.map((name) => html`<p class="muted">${name} is not in this recording</p>`)}
      ${shown.map((topic) => this.#topic(topic))}`,
      this.#parts.body,
    );
    this.#parts.say(shown.length === 0 && missing.length === 0 ? "No topic is called so." : undefined);
  }

  #topic({ name, fields }: TopicSummary): TemplateResult {
    const answer = this.#answers.get(name);
    const { clock } = this.#context;
    const age = answer?.seconds === undefined ? "" : spanText(Math.max(0, clock.cursor - answer.seconds));
    const content = answer?.content;
    const data = content?.kind === "values" ? content.data : undefined;
    const brief = data && briefText(fields, data);
    const isOpen = this.#open.has(name);
    return html`<details ?open=${isOpen} @toggle=${(event: Event) => this.#toggle(name, event)}>
      <summary><span class="clip">${name}</span>${
      isOpen ? nothing : html`<span class="muted clip mono">${brief ?? ""}</span>`
    }<span class="age">${
      answer === undefined ? "…" : answer.timestampNs === undefined ? "none yet" : `${age} ago`
    }</span></summary>
      ${content?.kind === "error" ? html`<p class="error">${content.error.message}</p>` : nothing}
      ${
      isOpen && data
        ? html`<dl class="mono">${
          linesOf(data).map(([key, value]) =>
            html`
              <dt>${key}</dt>
              <dd>${value}</dd>
            `
          )
        }</dl>`
        : nothing
    }
    </details>`;
  }

  #toggle(name: string, event: Event): void {
    const isOpen = (event.target as HTMLDetailsElement).open;
    if (isOpen === this.#open.has(name)) return;
    if (isOpen) this.#open.add(name);
    else this.#open.delete(name);
    this.#watch();
  }
}

/** What tells a message in one line, without what is large: of a picture its kind and size, else the first plain values. */
function briefFields(fields: readonly FieldInfo[]): FieldInfo[] {
  const plain = leavesOf(fields).filter(({ kind, path }) =>
    (kind === "number" || kind === "bool" || kind === "text") && /^[\w.]+$/.test(path) && !OF_HEAD.test(path)
  );
  const named = (...names: string[]) =>
    names.flatMap((name) => plain.find(({ path }) => path === name) ?? []).slice(0, 1);
  const picture = [named("format", "encoding"), named("width"), named("height")].flat();
  return picture.length === 3 ? picture : plain.slice(0, BRIEF_FIELDS);
}

function briefText(fields: readonly FieldInfo[], data: { readonly [key: string]: unknown }): string {
  const brief = briefFields(fields);
  // Many messages have parts that nobody sets.
  const values = brief.map(({ path }) => valueIn(data, path)).filter((value) =>
    value !== null && value !== undefined
  );
  const texts = values.slice(0, 3).map((value) => valueText(value, 24));
  if (brief[1]?.path === "width" && texts.length === 3) return `${texts[0]} ${texts[1]} × ${texts[2]}`;
  // Lists and bytes alone: what they are of.
  return texts.length > 0
    ? texts.join("  ")
    : leavesOf(fields).filter(({ path }) => !OF_HEAD.test(path)).map(({ type }) => type).slice(0, 3).join(
      "  ",
    );
}

/** A message's values by their paths. */
function linesOf(
  data: { readonly [key: string]: unknown },
  prefix = "",
  lines: [string, string][] = [],
): [string, string][] {
  for (const [key, value] of Object.entries(data)) {
    if (lines.length >= MAX_LINES) break;
    const isStruct = typeof value === "object" && value !== null && !Array.isArray(value) &&
      !ArrayBuffer.isView(value);
    if (isStruct) linesOf(value as { [key: string]: unknown }, `${prefix}${key}.`, lines);
    else lines.push([prefix + key, valueText(value)]);
  }
  return lines;
}

registerPanel<Options>({
  name: "values",
  title: "Values",
  takes: () => 0.4,
  create: (context) => new ValuesPanel(context),
});
