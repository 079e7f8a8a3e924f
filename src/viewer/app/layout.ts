/**
 * Layouts: which panels are where, and what they show. Plain JSON, which is kept and put into links, so that what is read may
 * come from anybody.
 *
 * @module
 */
import type { RecordingInfo } from "../data/protocol.ts";
import { checkOptions } from "./panel_options.ts";

/** What a layout is now. */
export const LAYOUT_VERSION = 1;
/** Bytes of a layout as JSON at most. */
export const MAX_LAYOUT_BYTES: number = 256 * 1024;
const MAX_PANELS = 100;
const MAX_DEPTH = 12;

/** What a panel shows, by its type. A panel of the user's own may have any JSON. */
export interface PanelOptions {
  /** `text` is an expression; `axis`: 0 the left one, 1 the right one. */
  plot: { lines: { text: string; axis?: 0 | 1; label?: string; color?: string }[] };
  /** Expressions that are fields. */
  states: { lines: string[] };
  image: { topic: string };
  /** `geo`: x longitude and y latitude in degrees; `plane`: x and y. Expressions over fields of one topic. */
  track: { topic: string; kind: "geo" | "plane"; x: string; y: string; tiles?: string };
  /** None: all topics. */
  values: { topics: string[] };
  table: { topic: string; fields?: string[] };
  /** Paths of fields. Levels at or above `minLevel` are shown, where they are numbers. */
  log: { topic: string; text: string; level?: string; minLevel?: number; contains?: string };
  xy: { topic: string; x: string; y: string };
  /** `frame`: the one that all is shown in; `axes`: whether frames are drawn. */
  scene: { topics: string[]; frame?: string; axes?: boolean };
  info: Record<never, never>;
}

/** A panel of a built-in type. */
export type BuiltinPanel = {
  [T in keyof PanelOptions]: { type: T; title?: string; options: PanelOptions[T] };
}[keyof PanelOptions];

/** One panel. `type` is the name by which it was registered. */
export interface PanelState {
  type: string;
  /** @default made of what it shows */
  title?: string;
  /** Of built-in types as {@linkcode PanelOptions} has it, checked; of others any JSON: who reads it must not trust it. */
  options: { [key: string]: unknown };
}

/** Where panels are: side by side, one above another, or in tabs. */
export type LayoutNode =
  /** `sizes` are shares of the whole, as many as `children`. */
  | { kind: "row" | "column"; sizes: number[]; children: LayoutNode[] }
  /** Ids of panels; at least one. */
  | { kind: "tabs"; panels: string[]; active: string };

/** Panels by id, and where they are: each is in one place of `root`. */
export interface Layout {
  version: typeof LAYOUT_VERSION;
  panels: { [id: string]: PanelState };
  root: LayoutNode;
}

/** A layout, undefined where nothing of it could be used, and what was wrong, in words for the user. */
export interface ParsedLayout {
  readonly layout?: Layout;
  readonly problems: readonly string[];
}

/**
 * Reads a layout: its JSON as text, or what that holds. Panels that make no sense are left out; of a layout of a newer version,
 * too large, or without any panel, nothing is used. All is copied. Never throws.
 */
export function parseLayout(given: unknown): ParsedLayout {
  try {
    return new LayoutReader().read(given);
  } catch (reason) {
    return { problems: [`The layout cannot be used: ${(reason as Error).message}`] };
  }
}

/** A key that recordings with the same topics and fields share: under it a layout is kept for the next one of the same robot. */
export function layoutKey({ topics }: Pick<RecordingInfo, "topics">): string {
  const facts = topics.map(({ name, fields }) => [name, fields.map(({ name, type }) => [name, type])]);
  const text = JSON.stringify(facts);
  // FNV-1a of 32 bits, from either end: keys are compared with those of one user.
  const hash = (seed: number, step: number) => {
    let value = seed;
    for (let i = step > 0 ? 0 : text.length - 1; i >= 0 && i < text.length; i += step) {
      value = Math.imul(value ^ text.charCodeAt(i), 16777619);
    }
    return (value >>> 0).toString(16).padStart(8, "0");
  };
  return `smalti-viewer-${LAYOUT_VERSION}-${hash(2166136261, 1)}${hash(40389, -1)}-${topics.length}`;
}

class LayoutReader {
  readonly #problems: string[] = [];
  #panels = new Map<string, PanelState>();
  readonly #placed = new Set<string>();

  read(given: unknown): ParsedLayout {
    const text = typeof given === "string" ? given : JSON.stringify(given);
    if (text === undefined || text.length > MAX_LAYOUT_BYTES) {
      throw new Error(`wanted JSON of at most ${MAX_LAYOUT_BYTES} bytes`);
    }
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch {
      throw new Error("it is no JSON");
    }
    if (!isObject(json)) throw new Error("wanted an object with version, panels and root");
    const { version, panels, root } = json;
    if (version !== LAYOUT_VERSION) {
      throw new Error(`its version is ${JSON.stringify(version)?.slice(0, 20)}, wanted ${LAYOUT_VERSION}`);
    }
    if (!isObject(panels)) throw new Error("wanted panels by their ids");
    const entries = Object.entries(panels);
    if (entries.length > MAX_PANELS) {
      throw new Error(`it has ${entries.length} panels, wanted at most ${MAX_PANELS}`);
    }
    for (const [id, panel] of entries) this.#readPanel(id, panel);
    const node = this.#readNode(root, 0);
    const left = [...this.#panels.keys()].filter((id) => !this.#placed.has(id));
    for (const id of left) this.#problems.push(`Panel "${id}" has no place in the layout`);
    if (!node) throw new Error("it shows no panel");
    const shown = [...this.#panels].filter(([id]) => this.#placed.has(id));
    return {
      layout: { version: LAYOUT_VERSION, panels: Object.fromEntries(shown), root: node },
      problems: this.#problems.slice(0, 10),
    };
  }

  #readPanel(id: string, panel: unknown): void {
    const refuse = (what: string) =>
      void this.#problems.push(`Panel ${JSON.stringify(id.slice(0, 40))} ${what}`);
    if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$/.test(id)) return refuse("has no id of letters and digits");
    if (!isObject(panel) || typeof panel.type !== "string" || !/^[a-z][a-z0-9_-]{0,39}$/.test(panel.type)) {
      return refuse("has no type");
    }
    const { type, title, options = {} } = panel;
    if (!isObject(options)) return refuse("has options that are no object");
    const checked = checkOptions(type, options);
    if (typeof checked === "string") return refuse(`(${type}) ${checked}`);
    this.#panels.set(id, {
      type,
      ...(typeof title === "string" && { title: title.slice(0, 200) }),
      options: checked,
    });
  }

  #readNode(node: unknown, depth: number): LayoutNode | undefined {
    if (depth > MAX_DEPTH) throw new Error(`its rows and columns are nested more than ${MAX_DEPTH} deep`);
    if (!isObject(node)) return undefined;
    if (node.kind === "tabs") {
      const panels = (Array.isArray(node.panels) ? node.panels : []).filter((id) => this.#place(id));
      if (panels.length === 0) return undefined;
      const active = panels.includes(node.active) ? node.active as string : panels[0];
      return { kind: "tabs", panels, active };
    }
    if (node.kind !== "row" && node.kind !== "column" || !Array.isArray(node.children)) return undefined;
    const sizes: unknown[] = Array.isArray(node.sizes) ? node.sizes : [];
    const found = node.children.flatMap((child, i) => {
      const read = this.#readNode(child, depth + 1);
      return read ? [{ read, size: shareOf(sizes[i]) }] : [];
    });
    if (found.length === 0) return undefined;
    if (found.length === 1) return found[0].read;
    return { kind: node.kind, sizes: found.map(({ size }) => size), children: found.map(({ read }) => read) };
  }

  /** Whether a panel is there and has no other place. */
  #place(id: unknown): boolean {
    if (typeof id !== "string" || !this.#panels.has(id) || this.#placed.has(id)) return false;
    this.#placed.add(id);
    return true;
  }
}

function shareOf(size: unknown): number {
  return typeof size === "number" && size >= 0.01 && size <= 1e5 ? size : 1;
}

function isObject(value: unknown): value is { [key: string]: unknown } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
