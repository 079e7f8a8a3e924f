import type { Metadata } from "../types.ts";

/** Facts of several as one: where two have a key, the later one's value stays. */
export function joinedMetadata(all: readonly Metadata[]): Metadata {
  return all.reduce((joined, each) => ({ ...joined, ...each }), {});
}
