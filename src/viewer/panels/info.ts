/**
 * What is known of the recording: metadata, sessions, attachments, and whether it is sound.
 *
 * @module
 */
import { html, nothing, render } from "lit/html.js";
import type { VerifyAnswer } from "../data/protocol.ts";
import { bytesText, countText } from "../draw/number_text.ts";
import { formatSpan, formatTime, isWallClock } from "../time/time_text.ts";
import type { Panel, PanelContext } from "./panel.ts";
import { isTold, type PanelParts, panelParts } from "./parts.ts";

/** The panel. */
export class InfoPanel implements Panel {
  readonly #context: PanelContext;
  readonly #parts: PanelParts;
  readonly #panel: number;
  readonly #abort = new AbortController();
  #verified: VerifyAnswer | undefined;
  #progress: string | undefined;

  constructor(context: PanelContext) {
    this.#context = context;
    this.#panel = context.recording.client.newPanel();
    this.#parts = panelParts(context.element, { scrolls: true });
    this.#parts.bar.remove();
    context.setTitle("Info");
    this.#draw();
  }

  changed(): void {
    this.#draw();
  }

  dispose(): void {
    this.#abort.abort();
  }

  async #verify(): Promise<void> {
    const { client } = this.#context.recording;
    this.#progress = "Checking …";
    this.#draw();
    const { value, error } = await client.ask("verify", this.#panel, {}, {
      signal: this.#abort.signal,
      onPart: ({ done, total }) => {
        this.#progress = `Checking … ${countText(done)}${
          total === undefined ? "" : ` of ${countText(total)}`
        } rows`;
        this.#draw();
      },
    });
    this.#progress = isTold(error) ? error.message : undefined;
    this.#verified = value ?? this.#verified;
    this.#draw();
  }

  #draw(): void {
    const { info } = this.#context.recording;
    const { firstNs, lastNs, startNs } = info;
    const time = (ns: bigint | undefined) =>
      ns === undefined
        ? "–"
        : isWallClock(startNs)
        ? formatTime(ns, { style: "utc", startNs, digits: 6 })
        : `${formatSpan(ns, 6)} on a clock of its own`;
    const facts: [string, string][] = [
      ["Name", info.name],
      ["State", info.state],
      ["From", time(firstNs)],
      ["To", time(lastNs)],
      ["Rows", countText(info.rows)],
      ["Topics", String(info.topics.length)],
      ["Size", bytesText(info.bytes)],
      ["Created", info.created.toISOString()],
      ["Address", info.url],
      ["Decoded by", info.engine === "wasm" ? "WebAssembly" : "TypeScript"],
    ];
    const metadata = Object.entries(info.metadata);
    render(
      html`<dl class="facts">${
        facts.map(([name, value]) =>
          html`
            <dt>${name}</dt>
            <dd>${value}</dd>
          `
        )
      }</dl>
      <p><button type="button" class="primary" ?disabled=${this.#progress !== undefined}
        @click=${() => void this.#verify()}>Check all of it</button>
        <span role="status" class="muted">${this.#progress ?? this.#verdict()}</span></p>
      ${
        this.#verified?.errors.map(({ topic, message }) =>
          html`<p class="error">${topic ?? ""} ${message}</p>`
        )
      }
      ${
        metadata.length === 0 ? nothing : html`
          <h3>Metadata</h3>
          <dl class="facts mono">${metadata.map(([key, value]) =>
            html`
              <dt>${key}</dt>
              <dd>${typeof value === "string" ? value : JSON.stringify(value, undefined, 1)}</dd>
            `
          )}</dl>
        `
      }
      <h3>${info.sessions.length === 1 ? "Session" : "Sessions"}</h3><dl class="facts">${
        info.sessions.map(({ created, state, topics, reason }) =>
          html`
            <dt>${created.toISOString().slice(0, 19).replace("T", " ")}</dt>
            <dd>${state}, ${topics.length} topics${reason === undefined ? "" : `: ${reason}`}</dd>
          `
        )
      }</dl>
      ${
        info.attachments.length === 0 ? nothing : html`
          <h3>Attachments</h3>
          <dl class="facts">${info.attachments.map(({ name, mediaType, bytes }, index) =>
            html`
              <dt>${name}</dt>
              <dd>${mediaType ?? ""} ${bytesText(bytes)}
                          <button type="button" @click=${() => void this.#save(index)}>Save</button></dd>
            `
          )}</dl>
        `
      }`,
      this.#parts.body,
    );
  }

  #verdict(): string {
    if (!this.#verified) return "";
    const { length } = this.#verified.errors;
    return length === 0
      ? "All of it is sound."
      : `${length} ${length === 1 ? "part is" : "parts are"} damaged:`;
  }

  async #save(index: number): Promise<void> {
    const { client, info } = this.#context.recording;
    const { value, error } = await client.ask("attachment", this.#panel, { index }, {
      signal: this.#abort.signal,
    });
    if (isTold(error)) return this.#context.say(error.message, true);
    if (!value) return;
    const { name, mediaType } = info.attachments[index];
    const url = URL.createObjectURL(
      new Blob([value.bytes], { type: mediaType ?? "application/octet-stream" }),
    );
    const link = document.createElement("a");
    link.href = url;
    link.download = name.replace(/[\\/]/g, "_");
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  }
}
