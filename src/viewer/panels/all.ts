/** The page's own panels, in the order in which they are offered. Those that few first layouts show are loaded on demand. */
import "./plot.ts";
import "./states.ts";
import "./track.ts";
import "./values.ts";
import type { PanelOptions } from "../app/layout.ts";
import { fieldsOfKind } from "./fields.ts";
import { registerPanel } from "./panel.ts";
import { logOf, spatialSuit } from "./suits.ts";

registerPanel<PanelOptions["image"]>({
  name: "image",
  title: "Image",
  takes: ({ ontologyTag }) => /image/i.test(ontologyTag) ? 1 : 0,
  create: async (context) => new (await import("./image.ts")).ImagePanel(context),
});

registerPanel<PanelOptions["table"]>({
  name: "table",
  title: "Table",
  takes: () => 0.3,
  create: async (context) => new (await import("./table.ts")).TablePanel(context),
});

registerPanel<PanelOptions["log"]>({
  name: "log",
  title: "Log",
  takes: (topic) => logOf(topic)?.level !== undefined ? 0.9 : logOf(topic) ? 0.3 : 0,
  create: async (context) => new (await import("./log.ts")).LogPanel(context),
});

registerPanel<PanelOptions["xy"]>({
  name: "xy",
  title: "XY",
  takes: (topic) => fieldsOfKind(topic, "number").length > 1 ? 0.2 : 0,
  create: async (context) => new (await import("./xy.ts")).XyPanel(context),
});

registerPanel<PanelOptions["scene"]>({
  name: "scene",
  title: "3D",
  takes: spatialSuit,
  create: async (context) => new (await import("./scene.ts")).ScenePanel(context),
});

registerPanel({
  name: "info",
  title: "Info",
  takes: () => 0,
  create: async (context) => new (await import("./info.ts")).InfoPanel(context),
});
