/**
 * Point clouds, poses, paths and frames in space; the panel and what draws it are loaded on demand.
 *
 * @module
 */
import type { PanelOptions } from "../app/layout.ts";
import type { TopicSummary } from "../data/protocol.ts";
import { registerPanel } from "./panel.ts";

/** What a topic is to the panel; undefined where it is nothing to it. */
export function spatialKind(
  topic: TopicSummary,
): "cloud" | "transforms" | "path" | "pose" | undefined {
  const { ontologyTag } = topic;
  if (
    /(lidar|radar|pointcloud2|point_cloud2?|laserscan|laser_scan)$/i.test(
      ontologyTag,
    )
  ) return "cloud";
  if (/(^|[/.])(transform|frame_?transform|transform_?stamped|tf_?message)$/i.test(ontologyTag)) {
    return "transforms";
  }
  if (/(^|[/.])(robot_?path|path)$/i.test(ontologyTag)) return "path";
  const isPose = /(^|[/.])(pose|pose_?stamped|pose_?with_?covariance(_?stamped)?|odometry|motion_?state)$/i;
  return isPose.test(ontologyTag) ? "pose" : undefined;
}

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
