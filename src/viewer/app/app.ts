/**
 * The viewer: what is open, what is shown, and what can be done with it. Made by the component, which gives it a place.
 *
 * @module
 */
import type { DataClient } from "../data/client.ts";
import type { DataError, RecordingInfo, TopicSummary } from "../data/protocol.ts";
import { busyStretch } from "../draw/strips.ts";
import type { Theme } from "../draw/palette.ts";
import { panelDefinition, panelDefinitions, type ShownRecording } from "../panels/panel.ts";
import { leavesOf } from "../panels/fields.ts";
import { Clock } from "../time/clock.ts";
import { formatTime, parseTime, type TimeStyle } from "../time/time_text.ts";
import type { Actions } from "./actions.ts";
import { capturedKeys } from "./keys.ts";
import { commands } from "./commands.ts";
import { Dialogs } from "./dialogs.ts";
import { Dock } from "./dock.ts";
import { chooseFile, saveFile } from "./files.ts";
import { Finder } from "./finder.ts";
import { Frames } from "./frames.ts";
import { Header } from "./header.ts";
import { Hover } from "./hover.ts";
import { chooseLayout, keepLayout, LayoutHistory } from "./layouts.ts";
import { type Layout, type PanelState, parseLayout } from "./layout.ts";
import { defaultLayout } from "./default_layout.ts";
import { PanelHost, type SharedContext } from "./panel_host.ts";
import { Timeline } from "./timeline.ts";
import { Toasts } from "./toasts.ts";
import { TopicTree } from "./topic_tree.ts";
import { formatUrl, packLayout, type UrlState } from "./url_state.ts";
import { watch } from "./watch.ts";
import { Welcome } from "./welcome.ts";
import { createClient } from "./worker_client.ts";

/** What the app tells the component, which makes events of it. */
export interface AppEvents {
  opened(info: RecordingInfo): void;
  failed(error: DataError): void;
  seeked(ns: bigint): void;
  /** Something that a link tells is another: where the page writes its URL. */
  stateChanged(): void;
  themeChanged(theme: Theme): void;
}

/** Slices of the activity that the timeline draws. */
const ACTIVITY_BINS = 1024;
const STYLES: readonly TimeStyle[] = ["relative", "utc", "ns"];

/** All of the page but its frame. */
export class App implements Actions {
  readonly element: HTMLElement = document.createElement("div");
  readonly frames: Frames = new Frames();
  readonly hover: Hover = new Hover();
  readonly toasts: Toasts = new Toasts();
  readonly dialogs: Dialogs = new Dialogs();
  readonly finder: Finder;
  clock: Clock | undefined;
  recording: ShownRecording | undefined;
  second: ShownRecording | undefined;
  theme: Theme;
  timeStyle: TimeStyle = "relative";
  chosen: TopicSummary | undefined;
  readonly #events: AppEvents;
  readonly #header: Header;
  readonly #tree: TopicTree;
  readonly #timeline: Timeline;
  readonly #welcome: Welcome;
  readonly #host: PanelHost;
  readonly #dock: Dock;
  readonly #history = new LayoutHistory();
  readonly #main = document.createElement("main");
  readonly #tick = (nowMs: number) => this.#onFrame(nowMs);
  #shared: SharedContext | undefined;
  #isRestoring = false;
  /** What is being opened; something newer gives it up. */
  #opening = 0;

  constructor(events: AppEvents, theme: Theme) {
    this.#events = events;
    this.theme = theme;
    this.element.className = "app";
    const app = this;
    this.finder = new Finder({
      get clock() {
        return app.clock;
      },
      get client() {
        return app.recording?.client;
      },
      show: (hits) => this.#timeline.showHits(hits),
    });
    this.#header = new Header(this);
    this.#tree = new TopicTree({
      add: (topic, path) => this.addField(topic, path),
      choose: (topic) => this.choose(topic.name),
      isShown: (topic, path) => this.#isShown(topic, path),
    });
    this.#timeline = new Timeline({
      get clock() {
        return app.clock;
      },
      frames: this.frames,
      hover: this.hover,
      get theme() {
        return app.theme;
      },
      get timeStyle() {
        return app.timeStyle;
      },
      setTimeStyle: (style) => this.setTimeStyle(style),
      togglePlay: () => this.togglePlay(),
      find: (condition) => void this.finder.find(condition),
      nextHit: (direction) => this.nextHit(direction),
      choose: (topic) => this.choose(topic),
    });
    this.#welcome = new Welcome({
      open: (url) => void this.open({ url }),
      importFiles: (files) => void this.importFiles(files),
    });
    this.#host = new PanelHost({
      get shared() {
        return app.#shared;
      },
      watch: (wishes, onAnswers) => this.#watch(wishes, onAnswers),
      save: (id, state) => this.#dock.save(id, state),
      setTitle: (id, title) => this.#dock.setTitle(id, title),
      dropped: (id, topic, path) => this.#dropped(id, topic, path),
    });
    this.#dock = new Dock({
      show: (id, state, element) => this.#host.show(id, state, element),
      resized: (id) => this.#host.panel(id)?.resized?.(),
      changed: () => this.#layoutChanged(),
      wantsPanel: (beside) => this.askForPanel(beside),
      failed: (message) => this.toasts.say(message, true),
    });
    this.#main.append(this.#dock.element, this.#welcome.element);
    this.element.append(
      this.#header.element,
      this.#tree.element,
      this.#main,
      this.#timeline.element,
      this.toasts.element,
      this.dialogs.element,
    );
    this.#dock.element.hidden = true;
    this.#draw();
  }

  /** Opens what a URL says: recording, the one beside it, times, layout. */
  async open(state: UrlState): Promise<void> {
    const opening = ++this.#opening;
    this.#close();
    if (state.url === undefined) return this.#welcome.show({});
    this.#welcome.show({ loading: state.url });
    if (/\/$/.test(new URL(absolute(state.url)).pathname)) return await this.#showList(state.url);
    const client = createClient();
    const { value, error } = await client.ask("open", 0, { url: absolute(state.url) });
    if (opening !== this.#opening) return client.close();
    if (error) {
      client.close();
      this.#welcome.show({ error: error.message });
      this.#events.failed(error);
      return;
    }
    await this.#shown(client, value, state);
  }

  /** Imports files into a worker's memory and shows them. */
  async importFiles(files: readonly File[]): Promise<void> {
    if (files.length === 0) return;
    const opening = ++this.#opening;
    this.#close();
    const names = files.map(({ name }) => name).join(", ");
    this.#welcome.show({ loading: names });
    const client = createClient();
    const request = { files: files.map((file) => ({ name: file.name, blob: file })) };
    const { value, error } = await client.ask("import", 0, request, {
      onPart: ({ done, total }) =>
        this.#welcome.show({ loading: total ? `${names}: ${Math.round(done / total * 100)} %` : names }),
    });
    if (opening !== this.#opening) return client.close();
    if (error) {
      client.close();
      this.#welcome.show({ error: error.command ? `${error.message}\n${error.command}` : error.message });
      this.#events.failed(error);
      return;
    }
    await this.#shown(client, value, {});
  }

  /** Lays another recording over the first one. */
  async openSecond(url: string, shiftNs?: bigint): Promise<void> {
    const { recording } = this;
    if (!recording) return;
    this.closeSecond();
    const client = createClient();
    const { value: info, error } = await client.ask("open", 0, { url: absolute(url) });
    if (recording !== this.recording) return client.close();
    if (error) {
      client.close();
      this.toasts.say(`${url}: ${error.message}`, true);
      return;
    }
    // The seconds of each count from its own start, so that both begin together unless they are shifted.
    this.second = { client, info, shiftNs: shiftNs ?? 0n };
    client.onChanged((info) => this.second?.client === client && this.#setSecond({ ...this.second, info }));
    this.#setSecond(this.second);
  }

  /** Takes the other recording away. */
  closeSecond(): void {
    this.second?.client.close();
    if (this.second) this.#setSecond(undefined);
  }

  /** What a link to the present state says. */
  async state(): Promise<UrlState> {
    const { clock, recording, second } = this;
    if (!clock || !recording) return {};
    const { layout } = this.#dock;
    const marks = clock.marksNs;
    return {
      url: this.#url,
      ...(second && { with: second.info.url, shiftNs: second.shiftNs }),
      cursorNs: clock.cursorNs,
      windowNs: clock.windowNs,
      aNs: marks.a,
      bNs: marks.b,
      speed: clock.speed,
      ...(layout && this.#hasOwnLayout && { packedLayout: await packLayout(layout) }),
    };
  }
  #url: string | undefined;
  #hasOwnLayout = false;

  /** Ends everything. */
  dispose(): void {
    this.#opening++;
    this.#close();
    this.#timeline.dispose();
    this.#dock.dispose();
  }

  get isAsking(): boolean {
    return this.dialogs.isOpen;
  }

  /** Takes files that are dropped on an element. */
  acceptDrops(element: HTMLElement): void {
    this.#welcome.acceptDrops(element);
  }

  /** Takes a key; whether it meant something. */
  key(event: KeyboardEvent): boolean {
    return capturedKeys(this, event);
  }

  // What the commands do.

  togglePlay(): void {
    const { clock } = this;
    if (!clock) return;
    if (clock.isPlaying) clock.pause();
    else clock.play();
  }

  toStart(): void {
    if (this.clock) this.clock.seek(this.clock.startNs);
  }

  /** Chooses a topic for the keys that step from message to message. */
  choose(name: string): void {
    this.chosen = this.recording?.info.topics.find((topic) => topic.name === name);
    this.#timeline.choose(this.chosen?.name);
  }

  async stepMessage(direction: 1 | -1): Promise<void> {
    const { clock, recording } = this;
    const topic = this.chosen ?? recording?.info.topics.find(({ rows }) => rows > 0);
    if (!clock || !recording || !topic) return;
    const { value, error } = await recording.client.ask("rows", 1_000_000, {
      topic: topic.name,
      fromNs: direction === 1 ? clock.cursorNs + 1n : clock.cursorNs,
      count: 1,
      direction: direction === 1 ? "forward" : "backward",
      fields: [],
    });
    if (error) this.#complain(error);
    else if (value.rows.length > 0) clock.seek(value.rows[0].timestampNs);
    else this.toasts.say(`${topic.name} has no message ${direction === 1 ? "after" : "before"} this one`);
  }

  /** Steps the first panel that has frames. */
  stepPanel(direction: 1 | -1): void {
    const panels = this.#host.panels;
    const active = panels.find(([id, panel]) => id === this.#dock.activeId && panel.step);
    (active ?? panels.find(([, panel]) => panel.step))?.[1].step!(direction);
  }

  nextHit(direction: 1 | -1): void {
    this.finder.next(direction);
  }

  focusSearch(): void {
    this.#tree.element.hidden = false;
    this.#tree.focusSearch();
  }

  focusFind(): void {
    this.#timeline.focusFind();
  }

  toggleSide(): void {
    this.#tree.element.hidden = !this.#tree.element.hidden;
  }

  toggleFull(): void {
    this.#dock.toggleFull();
  }

  /** Out of a full panel; whether there was one. */
  leaveFull(): boolean {
    if (!this.#dock.isFull) return false;
    this.#dock.toggleFull();
    return true;
  }

  focusPanel(by: 1 | -1): void {
    const ids = this.#dock.visibleIds;
    if (ids.length === 0) return;
    const at = ids.indexOf(this.#dock.activeId ?? "");
    const id = ids[(at + by + ids.length) % ids.length];
    this.#dock.activate(id);
    this.#dock.focus(id);
  }

  closePanel(): void {
    const { activeId } = this.#dock;
    if (activeId !== undefined) this.#dock.close(activeId);
  }

  /** Adds an empty panel of a kind that is asked for. */
  askForPanel(beside?: string): void {
    this.dialogs.openPalette(
      panelDefinitions().map(({ name, title }) => ({
        title,
        run: () => this.addPanel({ type: name, options: {} }, beside),
      })),
      "Which panel?",
    );
  }

  /** Adds a panel and shows it. */
  addPanel(state: PanelState, beside?: string): void {
    this.#dock.add(state, beside);
  }

  /** Puts a field, or a topic, into the panel that is used, another one that takes it, or a new one. */
  addField(topic: TopicSummary, path: string | undefined): void {
    const { activeId } = this.#dock;
    const ids = [...(activeId === undefined ? [] : [activeId]), ...this.#dock.visibleIds];
    const field = path === undefined
      ? undefined
      : leavesOf(topic.fields).find((field) => field.path === path);
    const wanted = field?.kind === "number"
      ? "plot"
      : field?.kind === "bool" || field?.kind === "text"
      ? "states"
      : undefined;
    for (const id of ids) {
      if (wanted !== undefined && this.#dock.state(id)?.type !== wanted) continue;
      if (this.#host.add(id, topic, path)) {
        this.#tree.draw();
        this.toasts.say(`${path ?? topic.name} is in ${this.#dock.state(id)?.type}`);
        return;
      }
    }
    const definition = wanted !== undefined ? panelDefinition(wanted) : [...panelDefinitions()]
      .sort((a, b) => b.takes(topic) - a.takes(topic))[0];
    if (!definition) return;
    const id = this.#dock.add({ type: definition.name, options: {} });
    // It is made when it is shown, which may be a moment later.
    const put = (tries: number) => {
      if (this.#host.add(id, topic, path) || tries === 0) this.#tree.draw();
      else this.frames.request(() => put(tries - 1));
    };
    put(300);
  }

  undo(): void {
    this.#restore(this.#history.back());
  }

  redo(): void {
    this.#restore(this.#history.forward());
  }

  resetLayout(): void {
    const { recording } = this;
    if (!recording) return;
    this.#dock.load(defaultLayout(recording.info));
    this.#layoutChanged();
    keepLayout(recording.info, undefined);
    this.#hasOwnLayout = false;
  }

  saveLayout(): void {
    const { layout } = this.#dock;
    if (!layout || !this.recording) return;
    const blob = new Blob([JSON.stringify(layout, undefined, 2)], { type: "application/json" });
    saveFile(`${this.recording.info.name}.layout.json`, blob);
  }

  async loadLayoutFile(): Promise<void> {
    const file = await chooseFile(".json,application/json");
    if (!file) return;
    const { layout, problems } = parseLayout(await file.text());
    problems.forEach((problem) => this.toasts.say(problem, true));
    if (layout) this.setLayout(layout);
  }

  /** Shows another layout, as one that can be gone back from. */
  setLayout(layout: Layout): void {
    this.#dock.load(layout);
    this.#layoutChanged();
  }

  async copyLink(): Promise<void> {
    const link = formatUrl(globalThis.location.href, await this.state());
    try {
      await navigator.clipboard.writeText(link);
      this.toasts.say("The link is copied");
    } catch {
      // No permission, or no secure context: it can be copied by hand.
      await this.dialogs.ask("Link to this moment", {
        value: link,
        hint: "The browser forbids to copy it: Ctrl+C does.",
      });
    }
  }

  async askForUrl(which: "url" | "with"): Promise<void> {
    const title = which === "url" ? "URL of a recording" : "URL of the recording to lay over this one";
    const hint = "Files may be dropped on the page too: MCAP, ROS bags, ULog. Nothing is sent anywhere.";
    const url = await this.dialogs.ask(title, { hint: which === "url" ? hint : "" });
    if (url === undefined) return;
    if (which === "with") await this.openSecond(url);
    else await this.open({ url });
  }

  async askForShift(): Promise<void> {
    const { second } = this;
    if (!second) return;
    const value = String(Number(second.shiftNs) / 1e9);
    const text = await this.dialogs.ask("Seconds that the other recording is shown later", { value });
    const seconds = Number(text);
    if (text === undefined || !Number.isFinite(seconds)) return;
    this.#setSecond({ ...second, shiftNs: BigInt(Math.round(seconds * 1e9)) });
  }

  async exportWindow(format: "csv" | "arrow"): Promise<void> {
    const { recording, clock } = this;
    if (!recording || !clock) return;
    const topics = this.#shownTopics();
    this.toasts.say(`Writing ${topics.length} topics of the window`);
    const { value, error } = await recording.client.ask("export", 1_000_001, {
      format,
      topics,
      ...clock.windowNs,
    });
    if (error) return this.#complain(error);
    for (const { name, blob } of value.files) saveFile(name, blob);
  }

  savePicture(): void {
    const { activeId } = this.#dock;
    const panels = this.#host.panels;
    const panel = panels.find(([id, panel]) => id === activeId && panel.picture) ??
      panels.find(([, panel]) => panel.picture);
    const canvas = panel?.[1].picture!();
    if (!canvas) return this.toasts.say("No panel here is a picture");
    canvas.toBlob((blob) => blob && saveFile(`${this.recording?.info.name ?? "panel"}.png`, blob));
  }

  setTimeStyle(style: TimeStyle): void {
    this.timeStyle = style;
    this.#timeline.redraw();
  }

  nextTimeStyle(): void {
    this.setTimeStyle(STYLES[(STYLES.indexOf(this.timeStyle) + 1) % STYLES.length]);
  }

  toggleTheme(): void {
    this.#events.themeChanged(this.theme === "dark" ? "light" : "dark");
  }

  /** Takes another look. */
  setTheme(theme: Theme): void {
    if (theme === this.theme) return;
    this.theme = theme;
    for (const [, panel] of this.#host.panels) panel.resized?.();
    this.#timeline.redraw();
    this.#header.draw();
  }

  openHelp(): void {
    this.dialogs.openHelp();
  }

  /** All that can be done, all topics and fields, and any time that is typed. */
  openPalette(): void {
    const { recording } = this;
    const does = commands.filter(({ id, isThere }) => id !== "palette" && (!isThere || isThere(this)))
      .map((command) => ({ title: command.title, keys: command.keys, run: () => command.run(this) }));
    const fields = (recording?.info.topics ?? []).flatMap((topic) =>
      leavesOf(topic.fields).map(({ path, unit }) => ({
        title: `${topic.name} ${path}`,
        more: unit,
        run: () => this.addField(topic, path),
      }))
    );
    this.dialogs.openPalette([...does, ...fields], "Commands, topics and fields");
  }

  async askForTime(): Promise<void> {
    const { clock } = this;
    if (!clock) return;
    const { startNs, cursorNs } = clock;
    const value = formatTime(cursorNs, { style: this.timeStyle, startNs, digits: 6 });
    const text = await this.dialogs.ask("Go to", {
      value,
      hint: "12.5, 1:02.5, 2026-05-01T12:00:00Z, or nanoseconds",
    });
    if (text === undefined) return;
    const ns = parseTime(text, startNs);
    if (ns === undefined) this.toasts.say(`${text} is no time`, true);
    else clock.seek(ns);
  }

  // How it works.

  async #shown(client: DataClient, info: RecordingInfo, state: UrlState): Promise<void> {
    this.#url = state.url;
    this.recording = { client, info, shiftNs: 0n };
    const { startNs, lastNs = startNs, isLive } = info;
    const clock = this.clock = new Clock({ startNs, endNs: lastNs < startNs ? startNs : lastNs, isLive });
    client.onChanged((info) => this.#grown(client, info));
    clock.subscribe((changes) => {
      if (changes.has("playing") || changes.has("speed")) this.frames.request(this.#tick);
      if (changes.has("cursor")) this.#events.seeked(clock.cursorNs);
      this.#events.stateChanged();
    });
    this.#shareContext();
    this.#timeline.attach();
    const isPlaced = state.windowNs !== undefined || state.cursorNs !== undefined || isLive;
    if (state.windowNs) clock.setWindow(state.windowNs.fromNs, state.windowNs.toNs);
    if (state.cursorNs !== undefined) clock.seek(state.cursorNs);
    if (state.aNs !== undefined) clock.setMark("a", state.aNs);
    if (state.bNs !== undefined) clock.setMark("b", state.bNs);
    if (state.speed !== undefined) clock.setSpeed(state.speed);
    this.#welcome.hide();
    this.#dock.element.hidden = false;
    this.#tree.show(info);
    this.#header.draw();
    void this.#loadActivity(isPlaced);
    const sources = { packed: state.packedLayout, url: state.layoutUrl };
    const layout = await chooseLayout(info, sources, (text) => this.toasts.say(text, true));
    if (client !== this.recording?.client) return;
    this.#isRestoring = true;
    this.#dock.load(layout);
    this.#isRestoring = false;
    this.#history.reset(this.#dock.layout ?? layout);
    this.#hasOwnLayout = state.packedLayout !== undefined;
    this.#tree.draw();
    this.#events.opened(info);
    if (state.with !== undefined) await this.openSecond(state.with, state.shiftNs);
  }

  /** Strips of the timeline; the first window shows what is busy, where the user has said nothing else. */
  async #loadActivity(isPlaced: boolean): Promise<void> {
    const { recording, clock } = this;
    if (!recording || !clock) return;
    const before = clock.windowNs;
    const { value } = await recording.client.ask("activity", 0, { bins: ACTIVITY_BINS });
    if (!value || recording.client !== this.recording?.client) return;
    this.#timeline.showActivity(value);
    const rough = busyStretch(value);
    if (!rough || clock.isLive) return;
    // Once more within it: slices of a day are long for a minute.
    const around = { fromNs: clock.toNs(rough.from), toNs: clock.toNs(rough.to) };
    const { value: fine } = await recording.client.ask("activity", 0, {
      bins: ACTIVITY_BINS,
      window: around,
    });
    if (!fine || recording.client !== this.recording?.client) return;
    const busy = busyStretch(fine) ?? rough;
    const margin = (busy.to - busy.from) * 0.02;
    this.#timeline.setBusy({
      from: Math.max(0, busy.from - margin),
      to: Math.min(clock.end, busy.to + margin),
    });
    this.#timeline.showActivity(value, fine);
    const now = clock.windowNs;
    if (isPlaced || now.fromNs !== before.fromNs || now.toNs !== before.toNs) return;
    clock.setWindow(clock.toNs(busy.from), clock.toNs(busy.to));
    if (clock.cursorNs === clock.startNs && !clock.isPlaying) {
      clock.seek(clock.toNs(busy.from + (busy.to - busy.from) / 10));
    }
  }

  #grown(client: DataClient, info: RecordingInfo): void {
    if (this.recording?.client !== client || !this.clock) return;
    this.recording = { ...this.recording, info };
    this.#shareContext();
    const { startNs, lastNs = startNs, isLive } = info;
    this.clock.setExtent({ startNs, endNs: lastNs, isLive });
    this.#tree.show(info);
    this.#header.draw();
    void this.#loadActivity(true);
    for (const [, panel] of this.#host.panels) panel.changed?.();
  }

  #setSecond(second: ShownRecording | undefined): void {
    this.second = second;
    this.#shareContext();
    for (const [, panel] of this.#host.panels) panel.changed?.();
    this.#header.draw();
    this.#events.stateChanged();
  }

  #shareContext(): void {
    const { clock, recording, second, hover, frames } = this;
    const app = this;
    this.#shared = clock && recording && {
      clock,
      recording,
      second,
      hover,
      get theme() {
        return app.theme;
      },
      request: (draw) => frames.request(draw),
      drawn: () => void this.#dock.loadArea(),
      say: (text, isBad) => this.toasts.say(text, isBad),
    };
  }

  #watch(...[wishes, onAnswers]: Parameters<SharedWatch>): () => void {
    const { recording, clock, frames } = this;
    if (!recording || !clock) return () => {};
    const source = {
      client: recording.client,
      clock,
      frames,
      onError: (text: string) => this.toasts.say(text, true),
    };
    return watch(source, wishes, onAnswers);
  }

  #onFrame(nowMs: number): void {
    const { clock } = this;
    if (!clock?.isPlaying) return;
    clock.frame(nowMs);
    if (clock.isPlaying) this.frames.request(this.#tick);
  }

  #close(): void {
    this.recording?.client.close();
    this.second?.client.close();
    this.recording =
      this.second =
      this.clock =
      this.chosen =
        undefined;
    this.#shared = undefined;
    this.finder.clear();
    this.hover.set(undefined);
    this.#dock.element.hidden = true;
    this.#isRestoring = true;
    this.#dock.clear();
    this.#isRestoring = false;
    this.#timeline.attach();
    this.#draw();
  }

  #draw(): void {
    this.#header.draw();
    this.#tree.show(this.recording?.info);
  }

  /** A place with recordings, to choose one of them. */
  async #showList(url: string): Promise<void> {
    const opening = this.#opening;
    const client = createClient();
    const { value, error } = await client.ask("list", 0, { url: absolute(url) });
    client.close();
    if (opening !== this.#opening) return;
    if (value) return this.#welcome.show({ list: value, base: url });
    this.#welcome.show({ error: error.message });
    this.#events.failed(error);
  }

  #restore(layout: Layout | undefined): void {
    if (!layout) return this.toasts.say("There is no other layout to go to");
    this.#isRestoring = true;
    this.#dock.load(layout);
    this.#isRestoring = false;
    this.#tree.draw();
    this.#keep(layout);
  }

  #layoutChanged(): void {
    const { layout } = this.#dock;
    if (!layout || this.#isRestoring || !this.recording) return;
    if (!this.#history.push(layout)) return;
    this.#tree.draw();
    this.#keep(layout);
  }

  #keep(layout: Layout): void {
    this.#hasOwnLayout = true;
    if (this.recording) keepLayout(this.recording.info, layout);
    this.#events.stateChanged();
  }

  #dropped(id: string, name: string, path: string | undefined): void {
    const topic = this.recording?.info.topics.find((topic) => topic.name === name);
    if (!topic) return;
    if (!this.#host.add(id, topic, path)) this.toasts.say(`This panel has no use for ${path ?? name}`);
    this.#tree.draw();
  }

  /** By the text of what panels show: good enough for a dot in the tree. */
  #isShown(topic: string, path: string | undefined): boolean {
    const text = path === undefined ? topic : undefined;
    return this.#dock.ids.some((id) => {
      const options = JSON.stringify(this.#dock.state(id)?.options ?? {});
      return text !== undefined ? options.includes(text) : options.includes(`${topic}.${path}`);
    });
  }

  #shownTopics(): string[] {
    const topics = (this.recording?.info.topics ?? []).filter(({ rows }) => rows > 0).map(({ name }) => name);
    const shown = topics.filter((name) => this.#isShown(name, undefined));
    return shown.length > 0 ? shown : topics;
  }

  #complain(error: DataError): void {
    if (error.code !== "ABORTED" && error.code !== "CLOSED") {
      this.toasts.say(error.command ? `${error.message}\n${error.command}` : error.message, true);
    }
  }
}

type SharedWatch = typeof watch extends (source: infer _, ...rest: infer R) => unknown ? (...rest: R) => void
  : never;

function absolute(url: string): string {
  return new URL(url, document.baseURI).href;
}
