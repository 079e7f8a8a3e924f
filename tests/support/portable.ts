import { expect } from "vitest";

/** What Windows takes for a device, whatever follows after a dot. */
const DEVICE = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/i;
// deno-lint-ignore no-control-regex -- they are what is refused
const REFUSED = /[<>:"|?*\\\u0000-\u001f]|[. ]$/;

/** Expects that every file system takes these paths, and none takes two of them for one. */
export function expectPortable(paths: readonly string[]): void {
  const parts = paths.flatMap((path) => path.split("/"));
  expect(parts.filter((part) => DEVICE.test(part) || REFUSED.test(part) || part.length > 255)).toEqual([]);
  // Those of directories too.
  const all = new Set(paths.flatMap((path) => {
    const parts = path.split("/");
    return parts.map((_, i) => parts.slice(0, i + 1).join("/"));
  }));
  const folded = new Map<string, string>();
  for (const path of all) {
    const lower = path.toLowerCase();
    expect([path, folded.get(lower)]).toEqual([path, undefined]);
    folded.set(lower, path);
  }
}
