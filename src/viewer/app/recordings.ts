/**
 * What is open: a recording, the one that is laid over it, and the time that both share.
 *
 * @module
 */
import type { DataClient } from "../data/client.ts";
import type { ActivityAnswer, DataError, ListEntry, RecordingInfo, WindowNs } from "../data/protocol.ts";
import { busyStretch } from "../draw/strips.ts";
import type { ShownRecording } from "../panels/panel.ts";
import { Clock } from "../time/clock.ts";
import { WindowHistory } from "../time/window_history.ts";
import { openRecording } from "./early.ts";
import { ServerWatch } from "./server_watch.ts";
import type { UrlState } from "./url_state.ts";
import { createClient } from "./worker_client.ts";

/** What is heard of it. */
export interface RecordingsPage {
  /** Everything was closed, as before something else is shown. */
  closed(): void;
  /** Something is being opened; undefined where nothing is any more. */
  loading(text: string | undefined): void;
  /** Something could not be opened; what was open stays so. */
  failed(error: DataError): void;
  listed(list: readonly ListEntry[], base: string): void;
  /** A recording is open, and has a clock. */
  opened(state: UrlState): void;
  /** It has grown, or ended. */
  grown(): void;
  /** Another one lies over it, or none does any more. */
  secondChanged(): void;
  /** Messages over time, and finer those of the stretch that has nearly all of them. */
  activity(
    all: ActivityAnswer,
    busy: { stretch: { from: number; to: number }; fine: ActivityAnswer } | undefined,
  ): void;
  /** Why nothing comes from the recording's server now; undefined where it is back. */
  missing(why: string | undefined): void;
  /** Something is wrong that stops nothing. */
  complain(text: string): void;
}

/** Slices of time that the timeline draws. */
const ACTIVITY_BINS = 1024;

/** Opens and closes. */
export class Recordings {
  clock: Clock | undefined;
  /** Windows that the clock had before. */
  windows: WindowHistory | undefined;
  /** The part of the time in which nearly all messages lie; undefined where they lie all over it. */
  busyNs: WindowNs | undefined;
  first: ShownRecording | undefined;
  second: ShownRecording | undefined;
  /** The URL that was opened, as it was given. */
  url: string | undefined;
  /** The other one's. */
  secondUrl: string | undefined;
  readonly #page: RecordingsPage;
  /** What is being opened; something newer gives it up. */
  #opening = 0;
  #coming: DataClient | undefined;
  #server: ServerWatch | undefined;
  /** Whether the window is one that was asked for, or was chosen before. */
  #isPlaced = false;

  constructor(page: RecordingsPage) {
    this.#page = page;
  }

  /** Opens what a URL says; a place with recordings is listed. What is open stays until the other one is there. */
  async open(state: UrlState): Promise<void> {
    const { url } = state;
    if (url === undefined) return this.close();
    let target: string;
    try {
      target = absolute(url);
    } catch {
      const message = `Cannot open ${
        JSON.stringify(url)
      }: wanted a URL, as in https://host/recordings/flight`;
      return this.#page.failed({ code: "INVALID_ARGUMENT", message });
    }
    const opening = this.#begin(url);
    if (/\/$/.test(new URL(target).pathname)) return await this.#list(opening, url);
    // A link that brings its layout needs no fields to begin with.
    const early = state.packedLayout !== undefined;
    const { client, opened } = openRecording({ url: target, early });
    this.#coming = client;
    const { value, error } = await opened;
    this.#take(opening, client, value, error, state);
  }

  /** Imports files into a worker's memory. */
  async importFiles(files: readonly File[]): Promise<void> {
    if (files.length === 0) return;
    const names = files.map(({ name }) => name).join(", ");
    const opening = this.#begin(names);
    const client = this.#coming = createClient();
    const request = { files: files.map((file) => ({ name: file.name, blob: file })) };
    const { value, error } = await client.ask("import", 0, request, {
      onPart: ({ done, total }) => {
        if (opening === this.#opening && total) {
          this.#page.loading(`${names}: ${Math.round(done / total * 100)} %`);
        }
      },
    });
    this.#take(opening, client, value, error, {});
  }

  /** Whether the recording comes from a server such as `smalti view`, which wants a token. */
  get isFromView(): boolean {
    return this.#server?.tellsChanges ?? false;
  }

  /** Lays another recording over the first one: both begin together unless it is shifted. */
  async openSecond(url: string, shiftNs: bigint = 0n): Promise<void> {
    const { first } = this;
    if (!first) return;
    this.closeSecond();
    const client = createClient();
    const { value: info, error } = await client.ask("open", 0, { url: absolute(url) });
    if (first.client !== this.first?.client || this.second) return client.close();
    if (error) {
      client.close();
      this.#page.complain(`${url}: ${error.message}`);
      return;
    }
    this.secondUrl = url;
    this.second = { client, info, shiftNs };
    client.onChanged((info) => {
      if (this.second?.client !== client) return;
      this.second = { ...this.second, info };
      this.#page.secondChanged();
    });
    this.#page.secondChanged();
  }

  /** Shows the other one later, or earlier. */
  shiftSecond(shiftNs: bigint): void {
    if (!this.second) return;
    this.second = { ...this.second, shiftNs };
    this.#page.secondChanged();
  }

  /** Takes the other one away. */
  closeSecond(): void {
    if (!this.second) return;
    this.second.client.close();
    this.second = this.secondUrl = undefined;
    this.#page.secondChanged();
  }

  /** The recording once all of its topics are open, or known to be unreadable; undefined where it was closed before. */
  async whole(): Promise<RecordingInfo | undefined> {
    const { first } = this;
    if (!first || isWhole(first.info)) return first?.info;
    return await new Promise((resolve) => this.#waiting.add(resolve));
  }
  readonly #waiting = new Set<(info: RecordingInfo | undefined) => void>();

  /** Which of some fields hold nothing but zeros, or nothing at all, by the bounds that the recording keeps. */
  async emptyFields(fields: readonly string[]): Promise<ReadonlySet<string>> {
    const { first } = this;
    if (!first) return new Set();
    const { startNs, lastNs = startNs } = first.info;
    const empty = new Set(fields);
    await first.client.ask(
      "series",
      0,
      { lines: fields, fromNs: startNs, toNs: lastNs + 1n, pixels: 1, level: "batches" },
      {
        onPart: (answer) => {
          // One that tells nothing is not known to be empty.
          const isEmpty = answer.shape !== "error" &&
            [...(answer.shape === "points" ? [answer.y] : [answer.min, answer.max])].every((values) =>
              values.every((value) => value === 0 || Number.isNaN(value))
            );
          if (!isEmpty) empty.delete(fields[answer.line]);
        },
      },
    );
    return empty;
  }

  #release(info: RecordingInfo | undefined): void {
    for (const resolve of this.#waiting) resolve(info);
    this.#waiting.clear();
  }

  /** Closes all, and gives up what is being opened. */
  close(): void {
    this.#end();
    this.#clear();
  }

  /** Begins to open something in place of whatever was begun before. */
  #begin(text: string): number {
    this.#end();
    this.#page.loading(text);
    return this.#opening;
  }

  /** Nothing is being opened any more. */
  #end(): void {
    this.#opening++;
    this.#coming?.close();
    this.#coming = undefined;
    this.#page.loading(undefined);
  }

  #clear(): void {
    this.#server?.end();
    this.#server = undefined;
    this.first?.client.close();
    this.second?.client.close();
    this.first =
      this.second =
      this.clock =
      this.windows =
      this.busyNs =
      this.url =
      this.secondUrl =
        undefined;
    this.#release(undefined);
    this.#page.closed();
  }

  #take(
    opening: number,
    client: DataClient,
    info: RecordingInfo | undefined,
    error: DataError | undefined,
    state: UrlState,
  ): void {
    // It was closed when something newer was begun.
    if (opening !== this.#opening) return;
    if (info) this.#coming = undefined;
    this.#end();
    if (!info) {
      if (error) this.#page.failed(error);
      return;
    }
    this.#clear();
    this.url = state.url;
    this.first = { client, info, shiftNs: 0n };
    const { startNs, lastNs = startNs, isLive } = info;
    const clock = this.clock = new Clock({ startNs, endNs: lastNs < startNs ? startNs : lastNs, isLive });
    if (state.windowNs) clock.setWindow(state.windowNs.fromNs, state.windowNs.toNs);
    if (state.cursorNs !== undefined) clock.seek(state.cursorNs);
    if (state.aNs !== undefined) clock.setMark("a", state.aNs);
    if (state.bNs !== undefined) clock.setMark("b", state.bNs);
    if (state.speed !== undefined) clock.setSpeed(state.speed);
    this.windows = new WindowHistory(clock, () => performance.now());
    client.onChanged((info) => this.#grown(client, info));
    const server = this.#server = new ServerWatch(info, {
      changed: async () => this.first?.info.isLive && await client.ask("look", 0, null),
      missing: (why) => this.#page.missing(why),
    });
    client.onUnavailable(() => server.suspect());
    this.#page.opened(state);
    this.#isPlaced = state.windowNs !== undefined || state.cursorNs !== undefined || isLive;
    // That needs all topics, which a link that brings its layout does not wait for.
    if (isWhole(info)) void this.#loadActivity();
    if (state.with !== undefined) void this.openSecond(state.with, state.shiftNs);
  }

  async #list(opening: number, url: string): Promise<void> {
    const client = this.#coming = createClient();
    const { value, error } = await client.ask("list", 0, { url: absolute(url) });
    if (opening !== this.#opening) return;
    this.#end();
    if (!value) return this.#page.failed(error);
    this.#clear();
    this.#page.listed(value, url);
  }

  #grown(client: DataClient, info: RecordingInfo): void {
    if (this.first?.client !== client || !this.clock) return;
    this.first = { ...this.first, info };
    if (isWhole(info)) this.#release(info);
    const { startNs, lastNs = startNs, isLive } = info;
    this.clock.setExtent({ startNs, endNs: lastNs, isLive });
    this.#page.grown();
    void this.#loadActivity();
  }

  /** Where messages are; the first window shows what is busy, where the user has said nothing else. */
  async #loadActivity(): Promise<void> {
    const { first, clock } = this;
    if (!first || !clock) return;
    const isPlaced = this.#isPlaced;
    this.#isPlaced = true;
    const before = clock.windowNs;
    const ask = async (window?: { fromNs: bigint; toNs: bigint }) => {
      const { value } = await first.client.ask("activity", 0, {
        bins: ACTIVITY_BINS,
        ...(window && { window }),
      });
      return first.client === this.first?.client ? value : undefined;
    };
    const all = await ask();
    if (!all) return;
    const rough = clock.isLive ? undefined : busyStretch(all);
    this.#page.activity(all, undefined);
    if (!rough) return;
    // Once more within it: slices of a day are long for a minute.
    const fine = await ask({ fromNs: clock.toNs(rough.from), toNs: clock.toNs(rough.to) });
    if (!fine) return;
    const busy = busyStretch(fine) ?? rough;
    const margin = (busy.to - busy.from) * 0.02;
    const stretch = { from: Math.max(0, busy.from - margin), to: Math.min(clock.end, busy.to + margin) };
    this.busyNs = { fromNs: clock.toNs(busy.from), toNs: clock.toNs(busy.to) };
    this.#page.activity(all, { stretch, fine });
    const now = clock.windowNs;
    if (isPlaced || now.fromNs !== before.fromNs || now.toNs !== before.toNs) return;
    clock.setWindow(this.busyNs.fromNs, this.busyNs.toNs);
    if (clock.cursorNs === clock.startNs && !clock.isPlaying) {
      clock.seek(clock.toNs(busy.from + (busy.to - busy.from) / 10));
    }
  }
}

function isWhole({ topics }: RecordingInfo): boolean {
  return topics.every(({ isOpen, error }) => isOpen || error);
}

function absolute(url: string): string {
  return new URL(url, document.baseURI).href;
}
