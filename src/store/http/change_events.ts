/**
 * Changes that a server tells of, as server-sent events: followers look again when it says so, and seldom else.
 *
 * @module
 */
import { pause } from "../../util/pause.ts";
import type { FileWatch } from "../store.ts";

/** How often a follower looks where the server tells of nothing, ms. */
const POLL_MS = 1000;
/** How often it looks where the server tells of changes: some may be lost on the way. */
const SELDOM_MS = 15_000;
/** Characters of a line at most: who sends more is no such server. */
const MAX_LINE = 64 * 1024;

/** Where events come from. */
export interface ChangeSource {
  /** The stream's URL, once it is known that there is one. */
  readonly eventsUrl: string | undefined;
  openEvents(url: string, signal: AbortSignal): Promise<Response>;
}

/** One stream of events for all who watch a store; it is open while somebody does. */
export class ChangeEvents {
  readonly #source: ChangeSource;
  readonly #watches = new Set<Watch>();
  #stop: AbortController | undefined;
  /** Whether the stream is there. */
  isOpen = false;

  constructor(source: ChangeSource) {
    this.#source = source;
  }

  /** Watches a directory of the store. */
  watch(directory: string): FileWatch {
    const watch = new Watch(this, directory.split("/")[0], () => {
      this.#watches.delete(watch);
      if (this.#watches.size === 0) this.close();
    });
    this.#watches.add(watch);
    return watch;
  }

  /** Opens the stream where there is one and it is not open. */
  listen(): void {
    const { eventsUrl } = this.#source;
    if (eventsUrl === undefined || this.#stop || this.#watches.size === 0) return;
    const stop = this.#stop = new AbortController();
    // What fails is tried again at the next look, which is by time then.
    this.#read(eventsUrl, stop.signal).catch(() => {}).finally(() => {
      if (this.#stop !== stop) return;
      this.#stop = undefined;
      this.isOpen = false;
      for (const watch of this.#watches) watch.tell();
    });
  }

  /** Ends the stream. */
  close(): void {
    this.#stop?.abort();
    this.#stop = undefined;
    this.isOpen = false;
  }

  async #read(url: string, signal: AbortSignal): Promise<void> {
    const response = await this.#source.openEvents(url, signal);
    const isStream = response.headers.get("Content-Type")?.startsWith("text/event-stream");
    if (response.status !== 200 || !isStream || !response.body) return void await response.body?.cancel();
    this.isOpen = true;
    // What changed before is not told any more.
    for (const watch of this.#watches) watch.tell();
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    let text = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done || signal.aborted) return;
      const lines = (text + decoder.decode(value, { stream: true })).split(/\r\n|\n|\r/);
      text = lines.pop()!;
      for (const line of lines) this.#take(line);
      if (text.length > MAX_LINE) return void await reader.cancel();
    }
  }

  #take(line: string): void {
    const [, data] = /^data: ?(.*)$/.exec(line) ?? [];
    if (data === undefined) return;
    const directory = directoryOf(data);
    for (const watch of this.#watches) {
      if (directory === undefined || directory === watch.directory) watch.tell();
    }
  }
}

/** The directory that an event tells of; undefined where it does not say. */
function directoryOf(data: string): string | undefined {
  try {
    const { directory } = JSON.parse(data);
    return typeof directory === "string" ? directory : undefined;
  } catch {
    return undefined;
  }
}

/** See {@linkcode FileWatch}. */
class Watch implements FileWatch {
  readonly directory: string;
  readonly close: () => void;
  readonly #events: ChangeEvents;
  #wake: (() => void) | undefined;
  /** Whether something was told since the last look. */
  #isTold = false;

  constructor(events: ChangeEvents, directory: string, close: () => void) {
    this.#events = events;
    this.directory = directory;
    this.close = close;
  }

  tell(): void {
    this.#isTold = true;
    this.#wake?.();
  }

  async next(signal: AbortSignal): Promise<void> {
    this.#events.listen();
    if (!this.#isTold) {
      const woken = new AbortController();
      this.#wake = () => woken.abort();
      const ms = this.#events.isOpen ? SELDOM_MS : POLL_MS;
      const both = AbortSignal.any([signal, woken.signal]);
      await pause(ms, both).catch(() => {});
      this.#wake = undefined;
    }
    this.#isTold = false;
    signal.throwIfAborted();
  }
}
