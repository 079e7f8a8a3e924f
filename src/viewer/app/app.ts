/**
 * The viewer: what is open, what is shown, and what hears of what. Made by the component, which gives it a place.
 *
 * @module
 */
import { formatReference } from "../data/expression/reference.ts";
import type { DataError, RecordingInfo, TopicSummary } from "../data/protocol.ts";
import type { Theme } from "../draw/palette.ts";
import { leavesOf } from "../panels/fields.ts";
import { exampleCondition } from "../panels/line_text.ts";
import { type PanelContext, panelDefinition, panelDefinitions } from "../panels/panel.ts";
import type { TimeStyle } from "../time/time_text.ts";
import { Actions } from "./actions.ts";
import { type Command, commands } from "./commands.ts";
import { Dialogs, type PaletteItem } from "./dialogs.ts";
import { Dock } from "./dock.ts";
import { Finder } from "./finder.ts";
import { Frames } from "./frames.ts";
import { Header } from "./header.ts";
import { Hover } from "./hover.ts";
import { capturedKeys } from "./keys.ts";
import type { PlotLine } from "./known_topics.ts";
import type { PanelOptions } from "./layout.ts";
import { Notices } from "./notices.ts";
import { PanelHost, type SharedContext } from "./panel_host.ts";
import { Recordings } from "./recordings.ts";
import { SavedLayouts } from "./saved_layouts.ts";
import { ShownLayout } from "./shown_layout.ts";
import { Timeline } from "./timeline.ts";
import { Toasts } from "./toasts.ts";
import { TopicTree } from "./topic_tree.ts";
import { packLayout, type UrlState } from "./url_state.ts";
import { watch } from "./watch.ts";
import { Welcome } from "./welcome.ts";

/** What the app tells the component, which makes events of it. */
export interface AppEvents {
  opened(info: RecordingInfo): void;
  failed(error: DataError): void;
  seeked(ns: bigint): void;
  /** Something that a link tells is another: where the page writes its URL. */
  stateChanged(): void;
  /** The other theme is asked for. */
  themeAsked(theme: Theme): void;
}

/** Where the page is narrower, panels lie one below another. */
const NARROW_PIXELS = 700;

/** All of the page but its frame. */
export class App {
  readonly element: HTMLElement = document.createElement("div");
  readonly frames: Frames = new Frames();
  readonly hover: Hover = new Hover();
  readonly toasts: Toasts = new Toasts();
  readonly notices: Notices = new Notices();
  readonly dialogs: Dialogs = new Dialogs();
  readonly recordings: Recordings;
  readonly finder: Finder;
  readonly tree: TopicTree;
  readonly timeline: Timeline;
  readonly host: PanelHost;
  readonly dock: Dock;
  readonly layouts: ShownLayout;
  readonly actions: Actions;
  theme: Theme;
  timeStyle: TimeStyle = "relative";
  /** The topic that keys step through. */
  chosen: TopicSummary | undefined;
  readonly #events: AppEvents;
  readonly #header: Header;
  readonly #welcome: Welcome;
  readonly #observer = new ResizeObserver(([{ contentRect: { width } }]) => {
    if (width > 0) this.dock.setNarrow(width < NARROW_PIXELS);
  });
  readonly #tick = (nowMs: number) => this.#onFrame(nowMs);
  #shared: SharedContext | undefined;
  /** Layouts that lie beside the recording. */
  saved: SavedLayouts | undefined;
  /** Those beside the recording that is being opened. */
  #coming: SavedLayouts | undefined;

  constructor(events: AppEvents, theme: Theme) {
    this.#events = events;
    this.theme = theme;
    this.element.className = "app";
    this.recordings = this.#makeRecordings();
    this.finder = new Finder({
      now: () => this.recordings,
      lines: () => this.shownLines(),
      show: (hits) => this.timeline.showHits(hits),
    });
    this.tree = new TopicTree({
      add: (topic, path) => void this.addField(topic, path),
      choose: (topic) => this.choose(topic.name),
      isShown: (topic, path) => this.isShown(topic, path),
    });
    // It lies over the panels where there is no room beside them.
    this.tree.element.hidden = globalThis.matchMedia("(max-width: 720px)").matches;
    this.actions = new Actions(this);
    this.timeline = new Timeline({
      now: () => ({ clock: this.recordings.clock, theme: this.theme, timeStyle: this.timeStyle }),
      frames: this.frames,
      hover: this.hover,
      actions: this.actions,
      setTimeStyle: (style) => this.setTimeStyle(style),
      find: (condition) => void this.finder.find(condition),
      // The bar is drawn before there are panels.
      example: () => exampleCondition(this.recordings?.first ? this.shownLines() : []),
      choose: (topic) => this.choose(topic),
    });
    this.#welcome = new Welcome({
      open: (url) => void this.open({ url }),
      importFiles: (files) => void this.recordings.importFiles(files),
    });
    this.host = new PanelHost({
      shared: () => this.#shared,
      watch: (wishes, onAnswers) => this.#watch(wishes, onAnswers),
      save: (id, state) => this.dock.save(id, state),
      setTitle: (id, title) => this.dock.setTitle(id, title),
      dropped: (id, topic, path) => this.#dropped(id, topic, path),
    });
    this.dock = new Dock({
      show: (id, state, element) => this.host.show(id, state, element),
      resized: (id) => this.host.panel(id)?.resized?.(),
      changed: () => this.layouts.taken(),
      wantsPanel: (beside) => this.actions.askForPanel(beside),
      failed: (message) => this.toasts.say(message, true),
    });
    const { recordings, dock } = this;
    this.layouts = new ShownLayout({
      dock,
      get info() {
        return recordings.first?.info;
      },
      whole: () => recordings.whole(),
      empty: (fields) => recordings.emptyFields(fields),
      changed: () => this.#layoutChanged(),
      complain: (text) => this.toasts.say(text, true),
    });
    this.#header = new Header(this.actions);
    const main = document.createElement("main");
    main.append(this.notices.element, this.dock.element, this.#welcome.element);
    this.element.append(
      this.#header.element,
      this.tree.element,
      main,
      this.timeline.element,
      this.toasts.element,
      this.dialogs.element,
    );
    this.#observer.observe(this.element);
    this.#closed();
  }

  /** Opens what a URL says: recording, the one beside it, times, layout. */
  async open(state: UrlState): Promise<void> {
    const hasLayout = state.packedLayout !== undefined || state.layoutUrl !== undefined;
    // It comes while the recording is opened.
    if (state.url !== undefined) this.#coming = new SavedLayouts(state.url, !hasLayout);
    await this.recordings.open(state);
    if (state.url === undefined) this.#welcome.show({});
  }

  /** What a link to the present state says. */
  async state(): Promise<UrlState> {
    const { clock, url, second, secondUrl } = this.recordings;
    if (!clock) return {};
    const marks = clock.marksNs;
    const layout = this.layouts.own;
    return {
      url,
      ...(second && { with: secondUrl, shiftNs: second.shiftNs }),
      cursorNs: clock.cursorNs,
      windowNs: clock.windowNs,
      aNs: marks.a,
      bNs: marks.b,
      speed: clock.speed,
      ...(layout && { packedLayout: await packLayout(layout) }),
    };
  }

  /** Ends everything. */
  dispose(): void {
    this.#observer.disconnect();
    this.recordings.close();
    this.timeline.dispose();
    this.dock.dispose();
  }

  /** Takes files that are dropped on an element. */
  acceptDrops(element: HTMLElement): void {
    this.#welcome.acceptDrops(element);
  }

  /** Takes a key; whether it meant something. */
  key(event: KeyboardEvent): boolean {
    return capturedKeys(this.actions, event);
  }

  /** Chooses a topic for the keys that step from message to message. */
  choose(name: string): void {
    this.chosen = this.recordings.first?.info.topics.find((topic) => topic.name === name);
    this.timeline.choose(this.chosen?.name);
  }

  /** Puts a field, or a topic, into the panel that is used, another one that it suits, or a new one. */
  async addField(topic: TopicSummary, path: string | undefined): Promise<void> {
    const { dock, host } = this;
    const kind = path === undefined
      ? undefined
      : leavesOf(topic.fields).find((field) => field.path === path)?.kind;
    const wanted = kind === "number" ? "plot" : kind === "bool" || kind === "text" ? "states" : undefined;
    const shown = path === undefined ? undefined : this.#visiblePlotOf(topic, path);
    if (shown !== undefined) {
      dock.activate(shown);
      this.toasts.say(`${path} is in this ${dock.state(shown)?.type} already`);
      return;
    }
    const ids = [...(dock.activeId === undefined ? [] : [dock.activeId]), ...dock.visibleIds];
    for (const id of ids) {
      if (wanted !== undefined && dock.state(id)?.type !== wanted) continue;
      if (!await host.fits(id, topic, path) || !host.add(id, topic, path)) continue;
      this.tree.draw();
      this.toasts.say(`${path ?? topic.name} is in ${dock.state(id)?.type}`);
      return;
    }
    const definition = wanted !== undefined
      ? panelDefinition(wanted)
      : panelDefinitions().sort((a, b) => b.takes(topic) - a.takes(topic))[0];
    if (!definition) return;
    const id = dock.add({ type: definition.name, options: {} });
    this.toasts.say(`${path ?? topic.name} is in a new ${definition.name}`);
    // It is made when it is shown, which may be some frames later.
    const put = async (tries: number) => {
      // Which axes suit it is known then.
      if (host.panel(id)) await host.fits(id, topic, path);
      if (host.add(id, topic, path) || tries === 0) this.tree.draw();
      else this.frames.request(() => void put(tries - 1));
    };
    await put(300);
  }

  /** A panel that is seen and has a field as a line of its own. */
  #visiblePlotOf({ name }: TopicSummary, path: string): string | undefined {
    const text = formatReference(name, path);
    return this.dock.visibleIds.find((id) => {
      const { lines = [] } = (this.dock.state(id)?.options ?? {}) as Partial<PanelOptions["plot"]>;
      return Array.isArray(lines) && lines.some((line) => (line?.text ?? line) === text);
    });
  }

  /** By the text of what panels show: good enough for a dot in the tree. */
  isShown(topic: string, path: string | undefined): boolean {
    return this.dock.ids.some((id) => {
      const options = JSON.stringify(this.dock.state(id)?.options ?? {});
      return path === undefined
        ? options.includes(topic)
        : options.includes(`${topic}.${path}`) || options.includes(`\`${topic}\`.${path}`);
    });
  }

  /** Lines of all plots. */
  shownLines(): readonly PlotLine[] {
    return this.dock.ids.flatMap((id) => {
      const state = this.dock.state(id);
      return state?.type === "plot" ? (state.options as PanelOptions["plot"]).lines ?? [] : [];
    });
  }

  /** Topics that are in some panel, or all where none is. */
  shownTopics(): string[] {
    const topics = (this.recordings.first?.info.topics ?? []).filter(({ rows }) => rows > 0).map(({ name }) =>
      name
    );
    const shown = topics.filter((name) => this.isShown(name, undefined));
    return shown.length > 0 ? shown : topics;
  }

  /** What can be done, for palette and list of keys. */
  commands(which: "all" | "there"): PaletteItem[] {
    const { actions } = this;
    const isMeant = ({ id, isThere }: Command) => id !== "palette" && (!isThere || isThere(actions));
    return commands.filter((command) => which === "all" || isMeant(command))
      .map((command) => ({ ...command, run: () => command.run(actions) }));
  }

  focusFind(): void {
    this.timeline.focusFind();
  }

  setTimeStyle(style: TimeStyle): void {
    this.timeStyle = style;
    this.timeline.redraw();
  }

  /** Asks for the theme that it has not. */
  askForTheme(): void {
    this.#events.themeAsked(this.theme === "dark" ? "light" : "dark");
  }

  /** Takes another look. */
  setTheme(theme: Theme): void {
    if (theme === this.theme) return;
    this.theme = theme;
    for (const [, panel] of this.host.panels) panel.resized?.();
    this.timeline.redraw();
  }

  #makeRecordings(): Recordings {
    return new Recordings({
      closed: () => this.#closed(),
      loading: (text) => this.#loading(text),
      failed: (error) => this.#failed(error),
      listed: (list, base) => this.#welcome.show({ list, base }),
      opened: (state) => void this.#opened(state),
      grown: () => {
        this.#share();
        this.#drawFacts();
        for (const [, panel] of this.host.panels) panel.changed?.();
      },
      secondChanged: () => {
        this.#share();
        for (const [, panel] of this.host.panels) panel.changed?.();
        this.#header.draw();
        this.#events.stateChanged();
      },
      activity: (all, busy) => this.timeline.showActivity(all, busy),
      missing: (why) => this.#missing(why),
      complain: (text) => this.toasts.say(text, true),
    });
  }

  #loading(text: string | undefined): void {
    const isOver = this.recordings?.first !== undefined;
    this.notices.show("opening", isOver && text !== undefined ? `Opening ${text} …` : undefined);
    if (!isOver && text !== undefined) this.#welcome.load(text);
  }

  /** What is open stays, and the address tells of it again. */
  #failed(error: DataError): void {
    const text = error.command ? `${error.message}\n${error.command}` : error.message;
    if (this.recordings.first) this.toasts.say(text, true);
    else this.#welcome.fail(text);
    this.#events.failed(error);
    this.#events.stateChanged();
  }

  /** A server that is back is asked for all that did not come meanwhile. */
  #missing(why: string | undefined): void {
    this.notices.show("server", why);
    if (why !== undefined) return;
    void this.recordings.first?.client.ask("look", 0, null);
    for (const [, panel] of this.host.panels) panel.changed?.();
  }

  async #opened(state: UrlState): Promise<void> {
    const { clock, first } = this.recordings;
    if (!clock || !first) return;
    clock.subscribe((changes) => {
      if (changes.has("playing") || changes.has("speed")) this.frames.request(this.#tick);
      if (changes.has("cursor")) this.#events.seeked(clock.cursorNs);
      this.#events.stateChanged();
    });
    this.#share();
    this.timeline.attach();
    this.#welcome.hide();
    this.dock.element.hidden = false;
    this.#drawFacts();
    this.saved = state.url === undefined ? undefined : this.#coming;
    await this.layouts.begin(state, this.saved);
    // Its example names a line that is shown now.
    this.timeline.redraw();
    // A recording of files has no URL: that of the one before must not stay.
    this.#events.stateChanged();
    if (first.client === this.recordings.first?.client) this.#events.opened(this.recordings.first.info);
  }

  #closed(): void {
    this.chosen = undefined;
    this.#share();
    this.finder.clear();
    this.hover.set(undefined);
    this.notices.show("server", undefined);
    this.dock.element.hidden = true;
    this.layouts.clear();
    this.timeline.attach();
    this.#drawFacts();
  }

  #drawFacts(): void {
    // Without a recording there are no topics and no time.
    this.element.classList.toggle("none", !this.recordings?.first);
    this.#header.draw();
    this.tree.show(this.recordings.first?.info);
  }

  #layoutChanged(): void {
    this.tree.draw();
    this.#events.stateChanged();
  }

  /** What all panels are given; each reads it anew whenever it looks. */
  #share(): void {
    const { clock, first, second } = this.recordings;
    const theme = () => this.theme;
    this.#shared = clock && first && {
      clock,
      recording: first,
      second,
      hover: this.hover,
      get theme() {
        return theme();
      },
      shiftSecond: (byNs) => this.recordings.shiftSecond((this.recordings.second?.shiftNs ?? 0n) + byNs),
      request: (draw) => this.frames.request(draw),
      drawn: () => void this.dock.loadArea(),
      say: (text, isBad) => this.toasts.say(text, isBad),
    };
  }

  #watch(...[wishes, onAnswers]: Parameters<PanelContext["watch"]>): () => void {
    const { first, clock } = this.recordings;
    if (!first || !clock) return () => {};
    const onError = (text: string) => this.toasts.say(text, true);
    return watch({ client: first.client, clock, frames: this.frames, onError }, wishes, onAnswers);
  }

  #onFrame(nowMs: number): void {
    const { clock } = this.recordings;
    if (!clock?.isPlaying) return;
    clock.frame(nowMs);
    if (clock.isPlaying) this.frames.request(this.#tick);
  }

  #dropped(id: string, name: string, path: string | undefined): void {
    const topic = this.recordings.first?.info.topics.find((topic) => topic.name === name);
    if (!topic) return;
    if (!this.host.add(id, topic, path)) this.toasts.say(`This panel has no use for ${path ?? name}`);
    this.tree.draw();
  }
}
