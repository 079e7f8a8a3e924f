/**
 * Keys of the page.
 *
 * @module
 */
import type { Actions } from "./actions.ts";
import { commandOf } from "./commands.ts";
import { keyOf } from "./key_names.ts";

/** Keys that a control takes itself when it has the focus. */
const BUTTON_KEYS = new Set(["Space", "Enter"]);
const TAKES_ARROWS = new Set(["tree", "listbox", "tablist", "tab", "menu", "radiogroup", "grid"]);

/** Runs what a key means; whether it meant something. */
export function capturedKeys(app: Actions, event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.isComposing || app.isAsking) return false;
  const target = event.composedPath()[0];
  const key = keyOf(event);
  if (target instanceof HTMLElement) {
    // In a text only what is no text: the palette.
    if (isText(target)) return key === "Ctrl+K" ? run(app, key) : false;
    const isControl = target.matches("button, a[href], select, summary, [role='tab'], [role='treeitem']");
    if (isControl && BUTTON_KEYS.has(key)) return false;
    if (target.matches("select") && !key.startsWith("Ctrl+")) return false;
    const role = target.closest("[role]")?.getAttribute("role") ?? "";
    if (TAKES_ARROWS.has(role) && /^(Arrow|Home|End)/.test(key)) return false;
  }
  if (key === "Escape") return app.leaveFull();
  return run(app, key);
}

function run(app: Actions, key: string): boolean {
  const command = commandOf(app, key);
  if (!command) return false;
  command.run(app);
  return true;
}

function isText(element: HTMLElement): boolean {
  if (element.isContentEditable || element instanceof HTMLTextAreaElement) return true;
  return element instanceof HTMLInputElement &&
    !/^(checkbox|radio|button|submit|reset|file|color)$/.test(element.type);
}
