/** What topics are for: what panels take, and what the first layout is made of. */
import type { PanelOptions } from "../app/layout.ts";
import type { TopicSummary } from "../data/protocol.ts";
import { fieldsOfKind } from "./fields.ts";

/** What a topic is in space; undefined where it is nothing there. */
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

/** How well a topic suits the panel of space. */
export function spatialSuit(topic: TopicSummary): number {
  const kind = spatialKind(topic);
  return kind === undefined ? 0 : SUITS[kind];
}

/** A topic's text, and how grave it is where that is told, for a log; undefined where it has no text. */
export function logOf(topic: TopicSummary): PanelOptions["log"] | undefined {
  const text = fieldsOfKind(topic, "text").find(({ name }) => /^(msg|message|text|log)$/i.test(name));
  if (!text) return undefined;
  const level = fieldsOfKind(topic, "number", "text").find(({ name }) =>
    /^(level|severity|log_level|priority)$/i.test(name)
  );
  return { topic: topic.name, text: text.path, ...(level && { level: level.path }) };
}
