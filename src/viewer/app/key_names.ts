/**
 * Names of keys: what commands are found by, and what is shown.
 *
 * @module
 */

/** A key's name: `Ctrl+Shift+Z`, `Shift+ArrowLeft`, `?`. The command key of a Mac counts as Ctrl. */
export function keyOf(event: KeyboardEvent): string {
  const key = event.key === " " ? "Space" : event.key;
  const isLetter = /^[a-z]$/i.test(key);
  // What a character needs Shift for differs from keyboard to keyboard.
  const hasShift = event.shiftKey && (isLetter || key.length > 1);
  const ctrl = event.ctrlKey || event.metaKey;
  const name = isLetter ? (hasShift || ctrl ? key.toUpperCase() : key.toLowerCase()) : key;
  return `${ctrl ? "Ctrl+" : ""}${event.altKey ? "Alt+" : ""}${hasShift ? "Shift+" : ""}${name}`;
}

const SYMBOLS: Readonly<Record<string, string>> = {
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
};

/** The caps of a key, as they are shown. */
export function capsOf(key: string): string[] {
  const parts = key === "+" ? ["+"] : key.split("+");
  return parts.map((part) => SYMBOLS[part] ?? part);
}
