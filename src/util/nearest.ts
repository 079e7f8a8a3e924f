/**
 * The name that a misspelt one was meant to be: of those at the smallest edit distance (letters inserted, left out,
 * exchanged, or swapped with the next), upper and lower case being alike, the first. Undefined where none is near: more
 * than a third of the letters, of two more than one, would have to change.
 */
export function nearest(name: string, names: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Infinity;
  const from = name.toLowerCase();
  for (const known of names) {
    const longer = Math.max(name.length, known.length);
    const most = longer === 2 ? 1 : Math.floor(longer / 3);
    // What is longer by more than that need not be looked at, so a foreign text of any length costs nothing.
    if (Math.abs(name.length - known.length) > most) continue;
    const distance = editDistance(from, known.toLowerCase());
    if (distance <= most && distance < least) {
      least = distance;
      best = known;
    }
  }
  return best;
}

/** {@linkcode nearest} as the end of an error's text: `; did you mean "x"?`, or nothing. */
export function didYouMean(name: string, names: Iterable<string>): string {
  const found = nearest(name, names);
  return found === undefined ? "" : `; did you mean ${JSON.stringify(found)}?`;
}

/** Optimal string alignment: the Damerau-Levenshtein distance in which no part is edited twice. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      row[j] = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        row[j] = Math.min(row[j], before[j - 2] + 1);
      }
    }
    [before, last] = [last, row];
  }
  return last[b.length];
}
