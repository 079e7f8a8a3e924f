/** So many are listed at most; a hostile file has millions. */
const MAX_LISTED = 1000;

/** Flaws that were met. */
export class FlawList<F extends { readonly kind: string; readonly lost?: string }> {
  readonly listed: F[] = [];
  /** How many there are, by kind. */
  readonly counts: Record<string, number> = {};
  /** Whether any cost something. */
  isLossy = false;

  /** Notes one down. */
  add(flaw: F): void {
    if (flaw.lost !== undefined) this.isLossy = true;
    this.counts[flaw.kind] = (this.counts[flaw.kind] ?? 0) + 1;
    if (this.listed.length < MAX_LISTED) this.listed.push(flaw);
  }
}
