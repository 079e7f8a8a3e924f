/**
 * Messages around the cursor for tables and logs: some before, some after, more when the list is scrolled to its end.
 *
 * @module
 */
import type { DataError, Row, RowsRequest } from "../data/protocol.ts";
import { lastAtOrBefore } from "../draw/align.ts";
import type { PanelContext } from "./panel.ts";

/** Messages that are asked for at a time, before and after. */
const PART = 60;
/** Messages kept at most. */
const MOST = 1200;

/** What is asked of the messages. */
export type RowWish = Pick<RowsRequest, "topic" | "fields" | "contains" | "where">;

/** What it needs of a panel's context. */
export type RowContext = Pick<PanelContext, "clock" | "recording" | "request">;

/** Rows around the cursor. */
export class RowWindow {
  /** Ascending. */
  rows: readonly Row[] = [];
  error: DataError | undefined;
  readonly #context: RowContext;
  readonly #scroller: HTMLElement;
  readonly #onRows: () => void;
  readonly #panels: readonly [number, number];
  readonly #stop: (() => void)[] = [];
  readonly #follow = () => this.#moved();
  #wish: RowWish | undefined;
  #isBusy = false;
  #isStart = false;
  #isEnd = false;
  #hasEnded = false;
  #asked = 0;

  constructor(context: RowContext, scroller: HTMLElement, onRows: () => void) {
    this.#context = context;
    this.#scroller = scroller;
    this.#onRows = onRows;
    const { client } = context.recording;
    this.#panels = [client.newPanel(), client.newPanel()];
    this.#stop.push(context.clock.subscribe((changes) => {
      if (changes.has("cursor")) context.request(this.#follow);
    }));
    const onScroll = () => void this.#more();
    scroller.addEventListener("scroll", onScroll, { passive: true });
    this.#stop.push(() => scroller.removeEventListener("scroll", onScroll));
  }

  /** Which row holds at the cursor; -1 where none does. */
  get nowIndex(): number {
    return lastAtOrBefore(this.rows.map(({ seconds }) => seconds), this.#context.clock.cursor + 1e-9);
  }

  /** Shows messages of a topic around the cursor. */
  show(wish: RowWish): void {
    this.#wish = wish;
    void this.#load();
  }

  /** Ends it. */
  dispose(): void {
    this.#hasEnded = true;
    this.#asked++;
    for (const stop of this.#stop) stop();
  }

  async #load(): Promise<void> {
    const wish = this.#wish;
    if (!wish) return;
    const asked = ++this.#asked;
    const { cursorNs } = this.#context.clock;
    const [before, after] = await Promise.all([
      this.#ask("backward", cursorNs),
      this.#ask("forward", cursorNs),
    ]);
    if (asked !== this.#asked || this.#hasEnded) return;
    this.error = before.error ?? after.error;
    this.rows = [...before.value?.rows ?? [], ...after.value?.rows ?? []];
    this.#isStart = before.value?.isEnd ?? true;
    this.#isEnd = after.value?.isEnd ?? true;
    this.#onRows();
    this.#reveal();
  }

  /** The cursor has moved: within what is there, or beyond. */
  #moved(): void {
    const { cursor } = this.#context.clock;
    const first = this.rows[0]?.seconds ?? Infinity;
    const last = this.rows.at(-1)?.seconds ?? -Infinity;
    const isBeyond = (cursor < first && !this.#isStart) || (cursor > last && !this.#isEnd);
    if (isBeyond && !this.#isBusy) {
      this.#isBusy = true;
      void this.#load().finally(() => this.#isBusy = false);
      return;
    }
    this.#onRows();
    this.#reveal();
  }

  #reveal(): void {
    this.#scroller.querySelector("tr.now")?.scrollIntoView({ block: "nearest" });
  }

  async #more(): Promise<void> {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    const direction = scrollTop < 40 && !this.#isStart
      ? "backward"
      : scrollTop + clientHeight > scrollHeight - 40 && !this.#isEnd
      ? "forward"
      : undefined;
    if (this.#isBusy || direction === undefined || this.rows.length === 0) return;
    this.#isBusy = true;
    const asked = this.#asked;
    const edge = direction === "forward" ? this.rows.at(-1)!.timestampNs : this.rows[0].timestampNs;
    // Of messages at the very time of the last one, those that are here are passed over.
    const skip = direction === "forward"
      ? this.rows.filter(({ timestampNs }) => timestampNs === edge).length
      : 0;
    const { value } = await this.#ask(direction, edge, skip);
    this.#isBusy = false;
    if (!value || asked !== this.#asked || this.#hasEnded) return;
    if (direction === "forward") {
      this.#isEnd = value.isEnd;
      this.rows = [...this.rows, ...value.rows].slice(-MOST);
    } else {
      this.#isStart = value.isEnd;
      this.rows = [...value.rows, ...this.rows].slice(0, MOST);
    }
    this.#onRows();
    // What was seen stays where it is.
    if (direction === "backward") this.#scroller.scrollTop += this.#scroller.scrollHeight - scrollHeight;
  }

  #ask(direction: "forward" | "backward", fromNs: bigint, skip = 0) {
    const { client } = this.#context.recording;
    const panel = this.#panels[direction === "forward" ? 0 : 1];
    return client.ask("rows", panel, {
      ...this.#wish!,
      direction,
      fromNs,
      count: PART,
      ...(skip > 0 && { skip }),
    });
  }
}
