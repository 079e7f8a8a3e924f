/**
 * Everything that can be done, by name and by key: what the keys, the palette and the list of keys are made of.
 *
 * @module
 */
import { SPEEDS } from "../time/clock.ts";
import type { Actions } from "./actions.ts";

/** Something that can be done. */
export interface Command {
  readonly id: string;
  readonly title: string;
  /** Other words by which the palette finds it. */
  readonly words?: string;
  /** Keys as `keyOf` names them; the first is shown. */
  readonly keys?: readonly string[];
  /** Whether it makes sense now. @default always */
  readonly isThere?: (app: Actions) => boolean;
  readonly run: (app: Actions) => void;
}

const isOpen = (app: Actions) => app.clock !== undefined;

/** All commands, in the order in which the palette and the help list them. */
export const commands: readonly Command[] = [
  { id: "play", title: "Play or pause", keys: ["Space"], isThere: isOpen, run: (app) => app.togglePlay() },
  step("A step back", "ArrowLeft", -0.01),
  step("A step on", "ArrowRight", 0.01),
  step("A large step back", "Shift+ArrowLeft", -0.1),
  step("A large step on", "Shift+ArrowRight", 0.1),
  { id: "start", title: "To the start", keys: ["Home"], isThere: isOpen, run: (app) => app.toStart() },
  { id: "end", title: "To the end", keys: ["End"], isThere: isOpen, run: (app) => app.clock!.toEnd() },
  { id: "zoom-in", title: "Zoom in", keys: ["+", "="], isThere: isOpen, run: (app) => app.clock!.zoom(0.5) },
  { id: "zoom-out", title: "Zoom out", keys: ["-"], isThere: isOpen, run: (app) => app.clock!.zoom(2) },
  {
    id: "zoom-all",
    words: "fit reset all",
    title: "Show everything",
    keys: ["0"],
    isThere: isOpen,
    run: (app) => app.clock!.showAll(),
  },
  {
    id: "zoom-busy",
    words: "busy stretch dense",
    title: "Show the busy part",
    keys: ["9"],
    isThere: (app) => app.hasBusyPart,
    run: (app) => app.showBusyPart(),
  },
  {
    id: "window-back",
    words: "zoom undo previous history",
    title: "Back to the window before",
    keys: ["Alt+ArrowLeft"],
    isThere: isOpen,
    run: (app) => app.goWindow(-1),
  },
  {
    id: "window-forward",
    words: "zoom redo next history",
    title: "On to the window after",
    keys: ["Alt+ArrowRight"],
    isThere: isOpen,
    run: (app) => app.goWindow(1),
  },
  {
    id: "previous-message",
    title: "Previous message of the chosen topic",
    keys: ["["],
    isThere: isOpen,
    run: (app) => app.stepMessage(-1),
  },
  {
    id: "next-message",
    title: "Next message of the chosen topic",
    keys: ["]"],
    isThere: isOpen,
    run: (app) => app.stepMessage(1),
  },
  {
    id: "previous-frame",
    title: "Previous picture",
    keys: [","],
    isThere: isOpen,
    run: (app) => app.stepPanel(-1),
  },
  { id: "next-frame", title: "Next picture", keys: ["."], isThere: isOpen, run: (app) => app.stepPanel(1) },
  ...SPEEDS.map((speed, i): Command => ({
    id: `speed-${speed}`,
    title: `Speed ${speed}×`,
    keys: [String(i + 1)],
    isThere: isOpen,
    run: (app) => app.clock!.setSpeed(speed),
  })),
  { id: "mark-a", title: "Mark A here", keys: ["a"], isThere: isOpen, run: (app) => app.clock!.setMark("a") },
  { id: "mark-b", title: "Mark B here", keys: ["b"], isThere: isOpen, run: (app) => app.clock!.setMark("b") },
  {
    id: "clear-marks",
    title: "Clear marks",
    keys: ["c"],
    isThere: isOpen,
    run: (app) => app.clock!.clearMarks(),
  },
  { id: "search", title: "Search topics and fields", keys: ["/"], run: (app) => app.focusSearch() },
  {
    id: "find",
    words: "search condition query",
    title: "Find when a condition held",
    keys: ["Ctrl+F"],
    isThere: isOpen,
    run: (app) => app.focusFind(),
  },
  { id: "next-hit", title: "Next hit", keys: ["n"], isThere: isOpen, run: (app) => app.nextHit(1) },
  {
    id: "previous-hit",
    title: "Previous hit",
    keys: ["Shift+N"],
    isThere: isOpen,
    run: (app) => app.nextHit(-1),
  },
  {
    id: "full",
    title: "Panel in full size, or back",
    keys: ["f"],
    isThere: isOpen,
    run: (app) => app.toggleFull(),
  },
  {
    id: "next-panel",
    title: "Focus the next panel",
    keys: ["p"],
    isThere: isOpen,
    run: (app) => app.focusPanel(1),
  },
  {
    id: "previous-panel",
    title: "Focus the previous panel",
    keys: ["Shift+P"],
    isThere: isOpen,
    run: (app) => app.focusPanel(-1),
  },
  { id: "add-panel", title: "Add a panel", isThere: isOpen, run: (app) => app.askForPanel() },
  {
    id: "close-panel",
    title: "Close the panel",
    keys: ["Shift+X"],
    isThere: isOpen,
    run: (app) => app.closePanel(),
  },
  ...(["left", "right", "up", "down"] as const).map((direction): Command => ({
    id: `move-${direction}`,
    words: "dock layout arrange",
    title: `Move the panel ${direction}`,
    keys: [`Alt+Shift+Arrow${direction[0].toUpperCase()}${direction.slice(1)}`],
    isThere: isOpen,
    run: (app) => app.movePanel(direction),
  })),
  {
    id: "move-tabs",
    words: "dock layout arrange stack",
    title: "Move the panel into the tabs of the next",
    isThere: isOpen,
    run: (app) => app.movePanel("tabs"),
  },
  {
    id: "undo",
    words: "undo",
    title: "Layout back",
    keys: ["Ctrl+Z"],
    isThere: isOpen,
    run: (app) => app.undo(),
  },
  {
    id: "redo",
    words: "redo",
    title: "Layout forward",
    keys: ["Ctrl+Shift+Z"],
    isThere: isOpen,
    run: (app) => app.redo(),
  },
  {
    id: "link",
    words: "share url",
    title: "Copy a link to this moment",
    keys: ["l"],
    isThere: isOpen,
    run: (app) => app.copyLink(),
  },
  {
    id: "open",
    words: "file load url",
    title: "Open a recording",
    keys: ["o"],
    run: (app) => app.askForUrl("url"),
  },
  {
    id: "with",
    words: "second compare with overlay",
    title: "Lay another recording over this one",
    isThere: isOpen,
    run: (app) => app.askForUrl("with"),
  },
  {
    id: "shift",
    words: "second offset delay",
    title: "Shift the other recording",
    isThere: (app) => !!app.second,
    run: (app) => app.askForShift(),
  },
  {
    id: "without",
    words: "second close remove",
    title: "Take the other recording away",
    isThere: (app) => !!app.second,
    run: (app) => app.closeSecond(),
  },
  {
    id: "go-to",
    words: "jump seek",
    title: "Go to a time",
    keys: ["g"],
    isThere: isOpen,
    run: (app) => app.askForTime(),
  },
  {
    id: "csv",
    words: "export download",
    title: "Save the window as CSV",
    isThere: isOpen,
    run: (app) => app.exportWindow("csv"),
  },
  {
    id: "arrow",
    words: "export download",
    title: "Save the window as Arrow",
    isThere: isOpen,
    run: (app) => app.exportWindow("arrow"),
  },
  {
    id: "png",
    words: "export image screenshot",
    title: "Save the panel as PNG",
    isThere: isOpen,
    run: (app) => app.savePicture(),
  },
  { id: "save-layout", title: "Save the layout as a file", isThere: isOpen, run: (app) => app.saveLayout() },
  {
    id: "save-default-layout",
    title: "Save layout as default",
    isThere: isOpen,
    run: (app) => app.saveDefaultLayout(),
  },
  {
    id: "load-layout",
    title: "Load a layout from a file",
    isThere: isOpen,
    run: (app) => app.loadLayoutFile(),
  },
  {
    id: "reset-layout",
    words: "default reset",
    title: "The layout that suits the topics",
    isThere: isOpen,
    run: (app) => app.resetLayout(),
  },
  { id: "side", title: "Show or hide the topics", keys: ["t"], run: (app) => app.toggleSide() },
  { id: "theme", title: "Dark or light", run: (app) => app.toggleTheme() },
  {
    id: "time-style",
    title: "Times from the start, in UTC, in ns",
    keys: ["u"],
    run: (app) => app.nextTimeStyle(),
  },
  { id: "palette", title: "Commands, topics and fields", keys: ["Ctrl+K"], run: (app) => app.openPalette() },
  { id: "help", words: "help shortcuts", title: "Keys", keys: ["?"], run: (app) => app.openHelp() },
];

function step(title: string, key: string, fraction: number): Command {
  return {
    id: `step${fraction}`,
    title,
    keys: [key],
    isThere: isOpen,
    run: (app) => app.clock!.step(fraction),
  };
}

/** What a key does, where it does something now. */
export function commandOf(app: Actions, key: string): Command | undefined {
  return commands.find(({ keys, isThere }) => keys?.includes(key) && (!isThere || isThere(app)));
}
