/**
 * The texts of numbers out of JSON that would be written otherwise: `3.0`, `1e+16`, `0.10`. They are kept beside the values, by
 * the object or list that holds them, so that what was not changed is written as it was.
 *
 * @module
 */

const TEXTS = new WeakMap<object, Map<string | number, string>>();

/** Keeps the text of a member; of one without, forgets what another had at its place. */
export function keepText(container: object, key: string | number, text: string | undefined): void {
  const texts = TEXTS.get(container);
  if (text === undefined) texts?.delete(key);
  else if (texts) texts.set(key, text);
  else TEXTS.set(container, new Map([[key, text]]));
}

/** The text that a member had; undefined where it has none, or another value by now. */
export function textOf(container: object, key: string | number, value: unknown): string | undefined {
  const text = TEXTS.get(container)?.get(key);
  return text !== undefined && Object.is(Number(text), value) ? text : undefined;
}
