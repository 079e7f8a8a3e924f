/**
 * Layouts as dockview keeps them, and back.
 *
 * @module
 */
import type { SerializedDockview } from "dockview-core";
import { panelDefinition } from "../panels/panel.ts";
import { type Layout, LAYOUT_VERSION, type LayoutNode, type PanelState } from "./layout.ts";

type GridObject = SerializedDockview["grid"]["root"];

/** As dockview loads it, in an area of that many pixels. */
export function toDock(layout: Layout, width: number, height: number): SerializedDockview {
  const isColumn = layout.root.kind === "column";
  let groups = 0;
  const place = (node: LayoutNode, along: number, across: number): GridObject => {
    if (node.kind === "tabs") {
      const id = String(++groups);
      return { type: "leaf", size: along, data: { id, views: node.panels, activeView: node.active } };
    }
    const children = merged(node);
    const sum = children.reduce((total, { share }) => total + share, 0) || 1;
    return {
      type: "branch",
      size: along,
      // A level lies across the one above it.
      data: children.map(({ node: child, share }) => place(child, across * share / sum, along)),
    };
  };
  const [along, across] = isColumn ? [width, height] : [height, width];
  const root: LayoutNode = layout.root.kind === "tabs"
    ? { kind: "row", sizes: [1], children: [layout.root] }
    : layout.root;
  return {
    grid: {
      root: place(root, along, across),
      width,
      height,
      orientation: (isColumn ? "VERTICAL" : "HORIZONTAL") as SerializedDockview["grid"]["orientation"],
    },
    panels: Object.fromEntries(
      Object.entries(layout.panels).map(([id, { type, title }]) => [id, {
        id,
        contentComponent: type,
        title: title ?? panelDefinition(type)?.title ?? type,
      }]),
    ),
  };
}

/** Children with their shares; those of a row within a row, which dockview does not know, are among its own. */
function merged(
  node: Extract<LayoutNode, { kind: "row" | "column" }>,
): { node: LayoutNode; share: number }[] {
  return node.children.flatMap((child, i) => {
    const share = node.sizes[i] ?? 1;
    if (child.kind === "tabs" || child.kind !== node.kind) return [{ node: child, share }];
    const parts = merged(child);
    const sum = parts.reduce((total, part) => total + part.share, 0) || 1;
    return parts.map((part) => ({ node: part.node, share: part.share / sum * share }));
  });
}

/** As it is now: where panels are by dockview, what they show by the states. Undefined where no panel is left. */
export function fromDock(
  { grid }: SerializedDockview,
  panels: ReadonlyMap<string, PanelState>,
): Layout | undefined {
  const used = new Set<string>();
  const read = (object: GridObject, isRow: boolean): LayoutNode | undefined => {
    if (!Array.isArray(object.data)) {
      const { views, activeView } = object.data;
      const shown = views.filter((id) => panels.has(id));
      if (shown.length === 0) return undefined;
      for (const id of shown) used.add(id);
      return {
        kind: "tabs",
        panels: shown,
        active: activeView !== undefined && shown.includes(activeView) ? activeView : shown[0],
      };
    }
    const sum = object.data.reduce((total, { size = 0 }) => total + size, 0) || 1;
    const children: LayoutNode[] = [];
    const sizes: number[] = [];
    for (const part of object.data) {
      const child = read(part, !isRow);
      if (!child) continue;
      children.push(child);
      // Thousandths are pixels enough, and short in a link.
      sizes.push(Math.max(0.001, Math.round((part.size ?? 0) / sum * 1000) / 1000));
    }
    if (children.length < 2) return children[0];
    return { kind: isRow ? "row" : "column", sizes, children };
  };
  const root = read(grid.root, grid.orientation === "HORIZONTAL");
  if (!root) return undefined;
  const kept = [...panels].filter(([id]) => used.has(id));
  return { version: LAYOUT_VERSION, panels: Object.fromEntries(kept), root };
}
