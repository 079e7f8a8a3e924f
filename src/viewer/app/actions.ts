/**
 * What can be done with the page: what keys, palette, header and list of keys call.
 *
 * @module
 */
import type { ShownRecording } from "../panels/panel.ts";
import type { Clock } from "../time/clock.ts";

/** The page, for who acts on it. */
export interface Actions {
  readonly clock: Clock | undefined;
  readonly recording: ShownRecording | undefined;
  readonly second: ShownRecording | undefined;
  /** Whether a dialog is open, to which keys belong then. */
  readonly isAsking: boolean;
  togglePlay(): void;
  toStart(): void;
  /** To the message of the chosen topic before or after the cursor. */
  stepMessage(direction: 1 | -1): void;
  /** To the frame of a panel before or after. */
  stepPanel(direction: 1 | -1): void;
  nextHit(direction: 1 | -1): void;
  focusSearch(): void;
  focusFind(): void;
  focusPanel(by: 1 | -1): void;
  toggleSide(): void;
  toggleFull(): void;
  /** Out of a full panel; whether there was one. */
  leaveFull(): boolean;
  askForPanel(): void;
  closePanel(): void;
  undo(): void;
  redo(): void;
  copyLink(): void;
  askForUrl(which: "url" | "with"): void;
  askForShift(): void;
  askForTime(): void;
  closeSecond(): void;
  exportWindow(format: "csv" | "arrow"): void;
  savePicture(): void;
  saveLayout(): void;
  /** Beside the recordings, for all who open one with such topics. */
  saveDefaultLayout(): void;
  loadLayoutFile(): void;
  resetLayout(): void;
  toggleTheme(): void;
  nextTimeStyle(): void;
  openPalette(): void;
  openHelp(): void;
}
