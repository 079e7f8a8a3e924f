/**
 * Point clouds, poses, paths and frames in space; the panel and what draws it are loaded on demand.
 *
 * @module
 */
import type { PanelOptions } from "../app/layout.ts";
import { registerPanel } from "./panel.ts";
import { spatialKind } from "./spatial_kind.ts";

/** How well it suits: a track shows a pose on a plane, which tells more at a glance. */
const SUITS = { cloud: 1, transforms: 0.9, path: 0.9, pose: 0.5 };

registerPanel<PanelOptions["scene"]>({
  name: "scene",
  title: "3D",
  takes: (topic) => SUITS[spatialKind(topic)!] ?? 0,
  create: async (context) => {
    const { ScenePanel } = await import("./scene_panel.ts");
    return new ScenePanel(context);
  },
});
