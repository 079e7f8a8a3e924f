/**
 * `<smalti-viewer>`: the viewer as an element of any page.
 *
 * @module
 */
import uplotStyles from "uplot/dist/uPlot.min.css?inline";
import type { RecordingInfo } from "../data/protocol.ts";
import type { Theme } from "../draw/palette.ts";
import { loadFonts } from "../draw/plot_options.ts";
import { App } from "./app.ts";
import { styles } from "./styles.ts";
import { formatUrl, parseUrl, type UrlState } from "./url_state.ts";

/** How often the page's URL is written at most, in milliseconds. */
const URL_MS = 250;
const THEME_KEY = "smalti-viewer-theme";

/**
 * Shows a recording. Attributes, all of which may change:
 *
 * - `src`: URL of the recording;
 * - `with`: URL of another one to lay over it, `shift`: by how many seconds it is shown later;
 * - `layout`: URL of a layout;
 * - `theme`: `dark` or `light`; without it, as the system has it;
 * - `page`: it has the window to itself: it reads and writes the URL of the document.
 *
 * Events, none of which bubble: `smalti-open` with the recording's facts in `detail`, `smalti-seek` with `detail.ns` (bigint),
 * `smalti-error` with `detail.code` and `detail.message`.
 */
export class SmaltiViewer extends HTMLElement {
  static readonly observedAttributes: readonly string[] = ["src", "with", "shift", "layout", "theme", "page"];
  readonly #root: ShadowRoot;
  readonly #system = globalThis.matchMedia("(prefers-color-scheme: light)");
  #app: App | undefined;
  #urlTimer: ReturnType<typeof setTimeout> | undefined;
  #isOpening = false;
  #ownTheme: Theme | undefined;
  readonly #onSystem = () => this.#setTheme();
  readonly #onHash = () => this.#openState();
  readonly #onKey = (event: KeyboardEvent) => {
    if (this.#app?.key(event)) event.preventDefault();
  };

  constructor() {
    super();
    this.#root = this.attachShadow({ mode: "open" });
    this.#root.adoptedStyleSheets = [uplotStyles, styles].map((text) => {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(text);
      return sheet;
    });
  }

  connectedCallback(): void {
    const app = this.#app = new App({
      opened: (info) => this.#opened(info),
      failed: ({ code, message }) => this.#tell("smalti-error", { code, message }),
      seeked: (ns) => this.#tell("smalti-seek", { ns }),
      stateChanged: () => this.#writeUrlSoon(),
      themeAsked: (theme) => this.#chooseTheme(theme),
    }, this.#theme);
    this.dataset.theme = app.theme;
    this.#root.append(app.element);
    app.acceptDrops(this.#root.host as HTMLElement);
    this.#system.addEventListener("change", this.#onSystem);
    // With the window to itself keys mean it wherever the focus is.
    const keys: EventTarget = this.#isPage ? document : this;
    keys.addEventListener("keydown", this.#onKey as EventListener);
    if (this.#isPage) globalThis.addEventListener("hashchange", this.#onHash);
    this.#openState();
    // The worker begins meanwhile.
    setTimeout(loadFonts);
  }

  disconnectedCallback(): void {
    clearTimeout(this.#urlTimer);
    this.#urlTimer = undefined;
    this.#system.removeEventListener("change", this.#onSystem);
    document.removeEventListener("keydown", this.#onKey);
    this.removeEventListener("keydown", this.#onKey);
    globalThis.removeEventListener("hashchange", this.#onHash);
    this.#app?.dispose();
    this.#app = undefined;
    this.#root.replaceChildren();
  }

  attributeChangedCallback(name: string, before: string | null, after: string | null): void {
    if (!this.#app || before === after) return;
    if (name === "theme") this.#setTheme();
    else if (!this.#isOpening) {
      // Several attributes that are set at once are one opening.
      this.#isOpening = true;
      queueMicrotask(() => {
        this.#isOpening = false;
        this.#openState();
      });
    }
  }

  /** The recording; undefined while none is open. */
  get recording(): RecordingInfo | undefined {
    return this.#app?.recordings.first?.info;
  }

  /** The moment that is looked at, in nanoseconds; undefined while no recording is open. */
  get currentNs(): bigint | undefined {
    return this.#app?.recordings.clock?.cursorNs;
  }

  set currentNs(ns: bigint | undefined) {
    if (ns !== undefined) this.#app?.recordings.clock?.seek(ns);
  }

  /** The window of time that is shown, in nanoseconds; undefined while no recording is open. */
  get windowNs(): { readonly fromNs: bigint; readonly toNs: bigint } | undefined {
    return this.#app?.recordings.clock?.windowNs;
  }

  /** Shows a window of time, from a moment up to another, in nanoseconds. */
  setWindow(fromNs: bigint, toNs: bigint): void {
    this.#app?.recordings.clock?.setWindow(fromNs, toNs);
  }

  /** Plays from where the cursor is. */
  play(): void {
    this.#app?.recordings.clock?.play();
  }

  /** Stops. */
  pause(): void {
    this.#app?.recordings.clock?.pause();
  }

  get #isPage(): boolean {
    return this.hasAttribute("page");
  }

  get #theme(): Theme {
    const asked = this.getAttribute("theme");
    if (asked === "dark" || asked === "light") return asked;
    const own = this.#ownTheme ?? (this.#isPage ? keptTheme() : undefined);
    return own ?? (this.#system.matches ? "light" : "dark");
  }

  #setTheme(): void {
    const theme = this.#theme;
    this.dataset.theme = theme;
    this.#app?.setTheme(theme);
  }

  #chooseTheme(theme: Theme): void {
    this.#ownTheme = theme;
    if (this.#isPage) keepTheme(theme);
    if (this.hasAttribute("theme")) this.setAttribute("theme", theme);
    this.#setTheme();
  }

  #openState(): void {
    const app = this.#app;
    if (!app) return;
    if (!this.#isPage) {
      const shift = Number(this.getAttribute("shift") ?? 0);
      void app.open({
        url: this.getAttribute("src") ?? undefined,
        with: this.getAttribute("with") ?? undefined,
        ...(Number.isFinite(shift) && { shiftNs: BigInt(Math.round(shift * 1e9)) }),
        layoutUrl: this.getAttribute("layout") ?? undefined,
      });
      return;
    }
    const { state, problems } = parseUrl(globalThis.location.href);
    for (const problem of problems) app.toasts.say(problem, true);
    void app.open({ ...state, url: state.url ?? this.getAttribute("src") ?? undefined });
  }

  #opened(info: RecordingInfo): void {
    if (this.#isPage) document.title = `${info.name} – smalti`;
    this.#tell("smalti-open", info);
    this.#writeUrlSoon();
  }

  #tell(type: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  #writeUrlSoon(): void {
    if (!this.#isPage || this.#urlTimer !== undefined) return;
    this.#urlTimer = setTimeout(() => {
      this.#urlTimer = undefined;
      void this.#writeUrl();
    }, URL_MS);
  }

  async #writeUrl(): Promise<void> {
    const app = this.#app;
    if (!app?.recordings.first) return;
    const state: UrlState = await app.state();
    if (this.#app !== app) return;
    history.replaceState(history.state, "", formatUrl(globalThis.location.href, state));
  }
}

function keptTheme(): Theme | undefined {
  try {
    const kept = localStorage.getItem(THEME_KEY);
    return kept === "dark" || kept === "light" ? kept : undefined;
  } catch {
    return undefined;
  }
}

function keepTheme(theme: Theme): void {
  try {
    localStorage.setItem(THEME_KEY, theme);
  } catch {
    // A browser that keeps nothing is as good.
  }
}
