/**
 * The viewer: what is open, what is shown, and what hears of what. Made by the component, which gives it a place.
 *
 * @module
 */
import type { DataError, RecordingInfo, TopicSummary } from "../data/protocol.ts";
import type { Theme } from "../draw/palette.ts";
import { TimeMargins } from "../draw/time_margins.ts";
import { exampleCondition } from "../panels/line_text.ts";
import type { PanelContext } from "../panels/panel.ts";
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
import { Notices } from "./notices.ts";
import type { ParsedLayout } from "./layout.ts";
import { PanelHost, type SharedContext } from "./panel_host.ts";
import { Recordings } from "./recordings.ts";
import { SavedLayouts } from "./saved_layouts.ts";
import { ShownFields } from "./shown_fields.ts";
import { ShownLayout } from "./shown_layout.ts";
import { Timeline } from "./timeline.ts";
import { Toasts } from "./toasts.ts";
import { TopicTree } from "./topic_tree.ts";
import { packLayout, unpackLayout, type UrlState } from "./url_state.ts";
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
  readonly margins: TimeMargins = new TimeMargins();
  readonly toasts: Toasts = new Toasts();
  readonly notices: Notices = new Notices();
  readonly dialogs: Dialogs = new Dialogs();
  readonly recordings: Recordings;
  readonly finder: Finder;
  readonly tree: TopicTree;
  readonly timeline: Timeline;
  readonly host: PanelHost;
  readonly dock: Dock;
  readonly fields: ShownFields;
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
  /** Of the recording that is being opened: layouts that lie beside it, and that of the link. */
  #coming: { saved?: SavedLayouts; packed?: Promise<ParsedLayout> } = {};

  constructor(events: AppEvents, theme: Theme) {
    this.#events = events;
    this.theme = theme;
    this.element.className = "app";
    this.recordings = this.#makeRecordings();
    this.finder = new Finder({
      now: () => this.recordings,
      lines: () => this.fields.shownLines(),
      show: (hits) => this.timeline.showHits(hits),
    });
    this.tree = new TopicTree({
      add: (topic, path) => void this.fields.add(topic, path),
      choose: (topic) => this.choose(topic.name),
      isShown: (topic, path) => this.fields.isShown(topic, path),
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
      example: () => exampleCondition(this.recordings?.first ? this.fields.shownLines() : []),
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
    const { recordings, dock, host } = this;
    this.fields = new ShownFields({
      dock,
      host,
      topics: () => recordings.first?.info.topics ?? [],
      request: (act) => this.frames.request(act),
      say: (text) => this.toasts.say(text),
      changed: () => this.tree.draw(),
    });
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
    const { url, packedLayout, layoutUrl } = state;
    const hasLayout = packedLayout !== undefined || layoutUrl !== undefined;
    // They come while the recording is opened.
    this.#coming = {
      ...(url !== undefined && { saved: new SavedLayouts(url, !hasLayout) }),
      ...(packedLayout !== undefined && { packed: unpackLayout(packedLayout) }),
    };
    await this.recordings.open(state);
    if (url === undefined) this.#welcome.show({});
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
    const { packed, saved } = this.#coming;
    this.saved = state.url === undefined ? undefined : saved;
    await this.layouts.begin(state, { packed, saved: this.saved });
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
      margins: this.margins,
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
