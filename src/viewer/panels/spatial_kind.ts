/** What topics are in space. */
import type { TopicSummary } from "../data/protocol.ts";

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
