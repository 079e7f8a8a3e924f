/**
 * Whether a topic's name is among those that patterns name. `*` stands for any characters; the last pattern that matches
 * decides, and one with `!` before it takes away. Patterns that all take away begin with all names. A leading `/` is not
 * looked at.
 */
export function matchesPatterns(patterns: readonly string[], name: string): boolean {
  let matches = patterns.length > 0 && patterns.every((pattern) => pattern.startsWith("!"));
  for (const pattern of patterns) {
    const takesAway = pattern.startsWith("!");
    if (patternOf(takesAway ? pattern.slice(1) : pattern).test(bare(name))) matches = !takesAway;
  }
  return matches;
}

function patternOf(pattern: string): RegExp {
  const parts = bare(pattern).split("*").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`, "s");
}

function bare(name: string): string {
  return name.startsWith("/") ? name.slice(1) : name;
}
