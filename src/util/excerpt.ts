/** Characters of a foreign text that errors, statuses and logs repeat. */
const MOST = 200;

/** A text as errors may repeat it: its beginning, and how long it was, where it is longer than 200 characters or `most`. */
export function excerpt(text: string, most: number = MOST): string {
  if (text.length <= most) return text;
  return `${text.slice(0, most)}… (${text.length} characters)`;
}

/** As {@linkcode excerpt}, of any value, as JSON writes it. */
export function quoted(value: unknown): string {
  if (typeof value === "string") {
    // Without the rest before it is quoted: that takes time, and six characters for one.
    const shown = JSON.stringify(value.slice(0, MOST));
    return value.length <= MOST ? shown : `${shown}… (${value.length} characters)`;
  }
  let text: string | undefined;
  try {
    text = JSON.stringify(value, (_, item) => typeof item === "bigint" ? `${item}` : item);
  } catch (reason) {
    if (!(reason instanceof RangeError)) throw reason;
    return "a value that is nested too deep to be written"; // or too long for a text
  }
  return excerpt(text ?? String(value));
}
