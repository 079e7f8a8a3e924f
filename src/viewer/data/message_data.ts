/**
 * Data of messages as plain objects.
 *
 * @module
 */

/** Items of a list, and bytes, that are shown. */
const MAX_ITEMS = 64;

/** The value at a path; undefined where it is missing. Names may hold dots. */
export function valueAt(data: unknown, path: string): unknown {
  if (typeof data !== "object" || data === null) return undefined;
  const own = (data as Record<string, unknown>)[path];
  if (own !== undefined) return own;
  for (let dot = path.indexOf("."); dot >= 0; dot = path.indexOf(".", dot + 1)) {
    const inner = valueAt((data as Record<string, unknown>)[path.slice(0, dot)], path.slice(dot + 1));
    if (inner !== undefined) return inner;
  }
  return undefined;
}

/** Those of some paths, each under its path. */
export function pickedData(data: unknown, paths: readonly string[]): Record<string, unknown> {
  const found = paths.map((path) => [path, valueAt(data, path)] as const);
  return Object.fromEntries(found.filter(([, value]) => value !== undefined));
}

/** The same as a tree, as the message has them. */
export function pickedTree(data: unknown, paths: readonly string[]): Record<string, unknown> {
  const tree: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(data as object)) {
    const inner = paths.flatMap((path) => path.startsWith(`${name}.`) ? [path.slice(name.length + 1)] : []);
    if (paths.includes(name)) tree[name] = value;
    else if (inner.length > 0 && typeof value === "object" && value !== null) {
      const part = pickedTree(value, inner);
      if (Object.keys(part).length > 0) tree[name] = part;
    }
  }
  return tree;
}

/** With the first items alone of long lists and bytes. */
export function cut(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (ArrayBuffer.isView(value)) return (value as Uint8Array).slice(0, MAX_ITEMS);
  if (Array.isArray(value)) return value.slice(0, MAX_ITEMS).map(cut);
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, cut(part)]));
}
