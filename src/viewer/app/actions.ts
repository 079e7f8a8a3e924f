/**
 * What can be done with the page: what keys, palette, header and timeline ask for.
 *
 * @module
 */
import type { DataError, TopicSummary } from "../data/protocol.ts";
import { leavesOf } from "../panels/fields.ts";
import { panelDefinitions, type ShownRecording } from "../panels/panel.ts";
import type { Clock } from "../time/clock.ts";
import { formatTime, isWallClock, parseTime, type TimeStyle } from "../time/time_text.ts";
import type { WindowHistory } from "../time/window_history.ts";
import type { Dialogs, PaletteItem } from "./dialogs.ts";
import type { Dock } from "./dock.ts";
import type { Finder } from "./finder.ts";
import type { MoveDirection } from "./panel_area.ts";
import type { PanelHost } from "./panel_host.ts";
import type { Recordings } from "./recordings.ts";
import type { ShownFields } from "./shown_fields.ts";
import type { ShownLayout } from "./shown_layout.ts";
import type { Toasts } from "./toasts.ts";
import type { TopicTree } from "./topic_tree.ts";
import { chooseFile, chooseFiles, saveFile } from "./files.ts";
import { parseLayout } from "./layout.ts";
import { NO_STORE, type SavedLayouts } from "./saved_layouts.ts";
import { formatUrl, type UrlState } from "./url_state.ts";

/** Numbers of requests that are not a panel's. */
const STEP = 1_000_000;
const EXPORT = 1_000_001;
const STYLES: readonly TimeStyle[] = ["relative", "utc", "ns"];

/** What the actions know of the page. */
export interface ActionsPage {
  readonly recordings: Recordings;
  readonly dock: Dock;
  readonly host: PanelHost;
  readonly layouts: ShownLayout;
  readonly fields: ShownFields;
  readonly tree: TopicTree;
  readonly dialogs: Dialogs;
  readonly toasts: Toasts;
  readonly finder: Finder;
  readonly timeStyle: TimeStyle;
  /** Layouts that lie beside the recording. */
  readonly saved: SavedLayouts | undefined;
  /** The topic whose messages are stepped through. */
  readonly chosen: TopicSummary | undefined;
  setTimeStyle(style: TimeStyle): void;
  askForTheme(): void;
  open(state: UrlState): Promise<void>;
  state(): Promise<UrlState>;
  /** All commands; of them those that make sense now. */
  commands(which: "all" | "there"): readonly PaletteItem[];
  /** Into the field of Find. */
  focusFind(): void;
}

/** The page, for who acts on it. */
export class Actions {
  readonly #app: ActionsPage;

  constructor(app: ActionsPage) {
    this.#app = app;
  }

  get clock(): Clock | undefined {
    return this.#app.recordings.clock;
  }

  get recording(): ShownRecording | undefined {
    return this.#app.recordings.first;
  }

  get second(): ShownRecording | undefined {
    return this.#app.recordings.second;
  }

  /** Whether a dialog is open, to which keys belong then. */
  get isAsking(): boolean {
    return this.#app.dialogs.isOpen;
  }

  /** Windows that were shown before. */
  get windows(): WindowHistory | undefined {
    return this.#app.recordings.windows;
  }

  /** Whether nearly all messages lie in a short part of the time. */
  get hasBusyPart(): boolean {
    return this.#app.recordings.busyNs !== undefined;
  }

  togglePlay(): void {
    const { clock } = this;
    if (!clock) return;
    if (clock.isPlaying) clock.pause();
    else clock.play();
  }

  toStart(): void {
    if (this.clock) this.clock.seek(this.clock.startNs);
  }

  /** Back or on to a window that was shown before. */
  goWindow(direction: 1 | -1): void {
    const { windows } = this;
    if (!windows || (direction === 1 ? windows.forward() : windows.back())) return;
    this.#app.toasts.say(`There is no window ${direction === 1 ? "after" : "before"} this one`);
  }

  /** Shows the part of the time in which nearly all messages lie. */
  showBusyPart(): void {
    const { busyNs } = this.#app.recordings;
    if (busyNs) this.clock?.setWindow(busyNs.fromNs, busyNs.toNs);
  }

  /** To the message of the chosen topic before or after the cursor. */
  async stepMessage(direction: 1 | -1): Promise<void> {
    const { clock, recording } = this;
    const topic = this.#app.chosen ?? recording?.info.topics.find(({ rows }) => rows > 0);
    if (!clock || !recording || !topic) return;
    const { value, error } = await recording.client.ask("rows", STEP, {
      topic: topic.name,
      fromNs: direction === 1 ? clock.cursorNs + 1n : clock.cursorNs,
      count: 1,
      direction: direction === 1 ? "forward" : "backward",
      fields: [],
    });
    if (error) this.#complain(error);
    else if (value.rows.length > 0) clock.seek(value.rows[0].timestampNs);
    else {this.#app.toasts.say(
        `${topic.name} has no message ${direction === 1 ? "after" : "before"} this one`,
      );}
  }

  /** To the frame of a panel before or after. */
  stepPanel(direction: 1 | -1): void {
    this.#panelWith("step")?.step?.(direction);
  }

  nextHit(direction: 1 | -1): void {
    this.#app.finder.next(direction);
  }

  focusSearch(): void {
    this.#app.tree.element.hidden = false;
    this.#app.tree.focusSearch();
  }

  focusFind(): void {
    this.#app.focusFind();
  }

  focusPanel(by: 1 | -1): void {
    const { dock } = this.#app;
    const ids = dock.visibleIds;
    if (ids.length === 0) return;
    const at = ids.indexOf(dock.activeId ?? "");
    const id = ids[(at + by + ids.length) % ids.length];
    dock.activate(id);
    dock.focus(id);
  }

  toggleSide(): void {
    const { element } = this.#app.tree;
    element.hidden = !element.hidden;
  }

  toggleFull(): void {
    this.#app.dock.toggleFull();
  }

  /** Out of a full panel; whether there was one. */
  leaveFull(): boolean {
    if (!this.#app.dock.isFull) return false;
    this.#app.dock.toggleFull();
    return true;
  }

  askForPanel(beside?: string): void {
    const items = panelDefinitions().map(({ name, title }) => ({
      title,
      run: () => void this.#app.dock.add({ type: name, options: {} }, beside),
    }));
    this.#app.dialogs.openPalette(items, "Which panel?");
  }

  closePanel(): void {
    this.#withPanel((id) => this.#app.dock.close(id));
  }

  movePanel(direction: MoveDirection | "tabs"): void {
    this.#withPanel((id) => this.#app.dock.move(id, direction));
  }

  undo(): void {
    if (!this.#app.layouts.back()) this.#app.toasts.say("There is no layout before this one");
  }

  redo(): void {
    if (!this.#app.layouts.forward()) this.#app.toasts.say("There is no layout after this one");
  }

  resetLayout(): void {
    void this.#app.layouts.reset();
  }

  saveLayout(): void {
    const { layout } = this.#app.dock;
    if (!layout || !this.recording) return;
    const blob = new Blob([JSON.stringify(layout, undefined, 2)], { type: "application/json" });
    saveFile(`${this.recording.info.name}.layout.json`, blob);
  }

  /** Beside the recordings, for all who open one with such topics. */
  async saveDefaultLayout(): Promise<void> {
    const { layout } = this.#app.dock;
    const info = await this.#app.recordings.whole();
    if (!layout || !info) return;
    const problem = this.#app.saved ? await this.#app.saved.save(info, layout) : NO_STORE;
    const done = "Recordings with the same topics open with this layout now";
    this.#app.toasts.say(problem ?? done, problem !== undefined);
  }

  async loadLayoutFile(): Promise<void> {
    const file = await chooseFile(".json,application/json");
    if (!file) return;
    const { layout, problems } = parseLayout(await file.text());
    problems.forEach((problem) => this.#app.toasts.say(problem, true));
    if (layout) this.#app.layouts.show(layout);
  }

  async copyLink(): Promise<void> {
    if (this.recording && this.#app.recordings.url === undefined) {
      return this.#app.toasts.say("Files that were opened here have no link: they are on this machine alone");
    }
    const link = formatUrl(globalThis.location.href, await this.#app.state());
    try {
      await navigator.clipboard.writeText(link);
      this.#app.toasts.say(`The link is copied${this.#linkReach()}`);
    } catch {
      // No permission, or no secure context: it can be copied by hand.
      const hint = "The browser forbids to copy it: Ctrl+C does.";
      await this.#app.dialogs.ask("Link to this moment", { value: link, hint });
    }
  }

  /** Where a link of `smalti view` opens, which lets nobody in without its token. */
  #linkReach(): string {
    if (!this.#app.recordings.isFromView) return "";
    const { hostname } = globalThis.location;
    const isLocal = /^(localhost|127\.[\d.]+|\[::1\])$/.test(hostname);
    return isLocal
      ? ". It opens in this browser alone; to share it, start smalti view with --host and --token"
      : ". Who opens it needs the token of smalti view too: &token=… after its first ?";
  }

  async askForUrl(which: "url" | "with"): Promise<void> {
    const title = which === "url" ? "URL of a recording" : "URL of the recording to lay over this one";
    const hint = "Files may be dropped on the page too: MCAP, ROS bags, ULog. Nothing is sent anywhere.";
    const { recordings } = this.#app;
    const place = recordings.url?.replace(/[?#].*/s, "").replace(/[^/]+$/, "");
    const others = [
      { title: "Files …", run: () => void chooseFiles().then((files) => recordings.importFiles(files)) },
      ...(place ? [{ title: "List", run: () => void this.#app.open({ url: place }) }] : []),
    ];
    const url = await this.#app.dialogs.ask(title, which === "url" ? { hint, others } : {});
    if (url === undefined) return;
    if (which === "url") return await this.#app.open({ url });
    await recordings.openSecond(url);
    if (recordings.second) this.#app.toasts.say("It is dashed; Alt and a drag over a plot shift it");
  }

  async askForShift(): Promise<void> {
    const { second } = this;
    if (!second) return;
    const value = String(Number(second.shiftNs) / 1e9);
    const text = await this.#app.dialogs.ask("Seconds that the other recording is shown later", { value });
    const seconds = Number(text);
    if (text === undefined) return;
    if (!Number.isFinite(seconds)) return this.#app.toasts.say(`${text} is no number of seconds`, true);
    this.#app.recordings.shiftSecond(BigInt(Math.round(seconds * 1e9)));
  }

  async askForTime(): Promise<void> {
    const { clock } = this;
    if (!clock) return;
    const { startNs, cursorNs } = clock;
    const value = formatTime(cursorNs, { style: this.#app.timeStyle, startNs, digits: 6 });
    const hint = "12.5, 1:02.5, 2026-05-01T12:00:00Z, or nanoseconds";
    const text = await this.#app.dialogs.ask("Go to", { value, hint });
    if (text === undefined) return;
    const ns = parseTime(text, startNs);
    if (ns === undefined) this.#app.toasts.say(`${text} is no time`, true);
    else clock.seek(ns);
  }

  closeSecond(): void {
    this.#app.recordings.closeSecond();
  }

  async exportWindow(format: "csv" | "arrow"): Promise<void> {
    const { recording, clock } = this;
    if (!recording || !clock) return;
    const topics = this.#app.fields.shownTopics();
    this.#app.toasts.say(`Writing ${topics.length} topics of the window`);
    const { value, error } = await recording.client.ask("export", EXPORT, {
      format,
      topics,
      ...clock.windowNs,
    });
    if (error) return this.#complain(error);
    for (const { name, blob } of value.files) saveFile(name, blob);
  }

  savePicture(): void {
    const canvas = this.#panelWith("picture")?.picture?.();
    if (!canvas) return this.#app.toasts.say("No panel here is a picture");
    canvas.toBlob((blob) => blob && saveFile(`${this.recording?.info.name ?? "panel"}.png`, blob));
  }

  toggleTheme(): void {
    this.#app.askForTheme();
  }

  nextTimeStyle(): void {
    const { timeStyle } = this.#app;
    const styles = STYLES.filter((style) =>
      style !== "utc" || !this.clock || isWallClock(this.clock.startNs)
    );
    this.#app.setTimeStyle(styles[(styles.indexOf(timeStyle) + 1) % styles.length]);
  }

  /** All that can be done, all topics and fields. */
  openPalette(): void {
    const { recording } = this;
    const fields = (recording?.info.topics ?? []).flatMap((topic) =>
      leavesOf(topic.fields).map(({ path, unit }) => ({
        title: `${topic.name} ${path}`,
        more: unit,
        run: () => void this.#app.fields.add(topic, path),
      }))
    );
    this.#app.dialogs.openPalette([...this.#app.commands("there"), ...fields], "Commands, topics and fields");
  }

  openHelp(): void {
    this.#app.dialogs.openHelp(this.#app.commands("all"));
  }

  #withPanel(act: (id: string) => void): void {
    const { activeId } = this.#app.dock;
    if (activeId !== undefined) act(activeId);
    else this.#app.toasts.say("No panel is chosen: click one, or press p");
  }

  /** The panel that is used, or the first one, that can do something. */
  #panelWith(what: "step" | "picture") {
    const panels = this.#app.host.panels.filter(([, panel]) => panel[what]);
    return (panels.find(([id]) => id === this.#app.dock.activeId) ?? panels[0])?.[1];
  }

  #complain(error: DataError): void {
    if (error.code === "ABORTED" || error.code === "CLOSED") return;
    this.#app.toasts.say(error.command ? `${error.message}\n${error.command}` : error.message, true);
  }
}
