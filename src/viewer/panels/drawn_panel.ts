/**
 * What panels have in common that draw what was asked for: they hear of the time, draw once a frame at most, ask as one panel of
 * each recording, and give up what they asked for when they end.
 *
 * @module
 */
import type { AskOptions, DataClient } from "../data/client.ts";
import type { RequestKind, Requests, Result } from "../data/protocol.ts";
import type { ClockChange } from "../time/clock.ts";
import type { Panel, PanelContext, ShownRecording } from "./panel.ts";

/** What makes a panel ask, beside its own doing. */
export interface DrawnPanelOptions {
  /** @default window and extent */
  readonly loadsBy?: readonly ClockChange[];
}

/** A panel that draws. */
export abstract class DrawnPanel<S> implements Panel {
  protected readonly context: PanelContext<S>;
  /** What ends with the panel. */
  protected readonly stops: (() => void)[] = [];
  readonly #abort = new AbortController();
  readonly #numbers = new Map<DataClient, number>();
  readonly #draw = () => this.draw();
  readonly #load = () => void this.load();
  readonly #move = () => this.move();

  constructor(context: PanelContext<S>, { loadsBy = ["window", "extent"] }: DrawnPanelOptions = {}) {
    this.context = context;
    this.stops.push(
      context.clock.subscribe((changes) => {
        if (changes.has("window")) this.drawSoon();
        if (loadsBy.some((change) => changes.has(change))) this.loadSoon();
        if (changes.has("cursor") || changes.has("marks")) this.moveSoon();
      }),
      context.hover.subscribe(() => this.moveSoon()),
    );
  }

  /** Draws what is there. */
  protected abstract draw(): void;
  /** Asks for what is wanted. */
  protected abstract load(): void | Promise<void>;
  /** Shows what is at the cursor, or under the pointer. */
  protected abstract move(): void;
  /** The recordings are others, or have grown. */
  abstract changed(): void;

  /** Draws in the next frame. */
  protected drawSoon(): void {
    this.context.request(this.#draw);
  }

  /** Asks in the next frame. */
  protected loadSoon(): void {
    this.context.request(this.#load);
  }

  /** Shows what is at the cursor in the next frame. */
  protected moveSoon(): void {
    this.context.request(this.#move);
  }

  /** Asks a recording; what was asked of it before in the same way is given up. */
  protected ask<K extends RequestKind>(
    { client }: ShownRecording,
    kind: K,
    request: Requests[K]["request"],
    onPart?: AskOptions<Requests[K]["part"]>["onPart"],
  ): Promise<Result<Requests[K]["value"]>> {
    let number = this.#numbers.get(client);
    if (number === undefined) this.#numbers.set(client, number = client.newPanel());
    return client.ask(kind, number, request, { signal: this.#abort.signal, ...(onPart && { onPart }) });
  }

  resized(): void {
    this.drawSoon();
  }

  dispose(): void {
    for (const stop of this.stops) stop();
    // Nothing is wanted any more: what is still read is given up.
    this.#abort.abort();
  }
}
