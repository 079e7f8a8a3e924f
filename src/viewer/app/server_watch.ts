/**
 * The server of a recording: what it tells of changes, by server-sent events where it is one such as `smalti view`, and whether it
 * is there at all.
 *
 * @module
 */

/** How long a server that does not answer is left alone before it is asked again, in milliseconds. */
const AGAIN_MS = 1500;

/** A recording on a server. */
export interface Watched {
  readonly url: string;
  readonly name: string;
}

/** Who hears of it. */
export interface ServerListener {
  /** The recording may have changed. */
  changed(): Promise<unknown>;
  /** Why nothing comes from the server now; undefined where it is back. */
  missing(why: string | undefined): void;
}

/** Watches until it is ended. */
export class ServerWatch {
  readonly #url: URL | undefined;
  readonly #name: string;
  readonly #listener: ServerListener;
  #events: EventSource | undefined;
  #eventsUrl: string | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isAsking = false;
  #isMissing = false;
  #hasEnded = false;
  #isLooking = false;
  #isStale = false;

  constructor({ url, name }: Watched, listener: ServerListener) {
    this.#name = name;
    this.#listener = listener;
    if (!/^https?:/i.test(url)) return;
    this.#url = new URL(url);
    this.#url.pathname = `${this.#url.pathname.replace(/\/*$/, "")}/sequence.json`;
    // One that tells of no changes, or is not there: the worker says so.
    this.#listen().catch(() => {});
  }

  /** Whether the server tells of changes, as `smalti view` does. */
  get tellsChanges(): boolean {
    return this.#eventsUrl !== undefined;
  }

  /** Something did not come: asks whether the server is there, until it is. */
  suspect(): void {
    if (this.#url && !this.#isAsking && this.#timer === undefined) void this.#probe();
  }

  /** Ends it. */
  end(): void {
    this.#hasEnded = true;
    clearTimeout(this.#timer);
    this.#events?.close();
  }

  async #listen(): Promise<void> {
    const { headers } = await fetch(this.#url!, { method: "HEAD" });
    // RFC 5989.
    const link = /<([^>]*)>\s*;\s*rel="?monitor-group"?/.exec(headers.get("Link") ?? "")?.[1];
    const events = link === undefined ? undefined : new URL(link, this.#url);
    // Nobody makes the page ask some other server.
    if (events?.origin !== this.#url!.origin || this.#hasEnded) return;
    this.#eventsUrl = events.href;
    this.#connect();
  }

  #connect(): void {
    if (this.#eventsUrl === undefined) return;
    const events = this.#events = new EventSource(this.#eventsUrl);
    events.addEventListener("message", ({ data }) => {
      if (tellsOf(data, this.#name)) void this.#look();
    });
    // The browser tries again by itself, and says nothing of it.
    events.addEventListener("error", () => this.suspect());
  }

  /** One look at a time; what is told meanwhile is one more. */
  async #look(): Promise<void> {
    this.#isStale = this.#isLooking;
    if (this.#isLooking) return;
    this.#isLooking = true;
    await this.#listener.changed();
    this.#isLooking = false;
    if (this.#isStale && !this.#hasEnded) await this.#look();
  }

  async #probe(): Promise<void> {
    this.#isAsking = true;
    const why = await this.#whyMissing();
    this.#isAsking = false;
    if (this.#hasEnded) return;
    if (why !== undefined) {
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        void this.#probe();
      }, AGAIN_MS);
      this.#isMissing = true;
      this.#listener.missing(why);
    } else if (this.#isMissing) {
      this.#isMissing = false;
      if (this.#events?.readyState === EventSource.CLOSED) this.#connect();
      this.#listener.missing(undefined);
    }
  }

  async #whyMissing(): Promise<string | undefined> {
    const url = this.#url!;
    const isOwn = url.origin === globalThis.location.origin;
    try {
      // Whether another server allows the page to ask so is not the question.
      const { status } = await fetch(url, {
        method: "HEAD",
        mode: isOwn ? "same-origin" : "no-cors",
        cache: "no-store",
      });
      if (status !== 401) return undefined;
      return `The server at ${url.host} was started anew: open the address that it printed`;
    } catch {
      return `The server at ${url.host} is gone; trying again`;
    }
  }
}

/** Whether an event is of a recording; of one that does not say it may be. */
function tellsOf(data: string, name: string): boolean {
  try {
    const { sequence } = JSON.parse(data);
    return typeof sequence !== "string" || sequence === name;
  } catch {
    return true;
  }
}
