/** What topics are for: what panels take, and what the first layout is made of. */
import type { PanelOptions } from "../app/layout.ts";
import type { TopicSummary } from "../data/protocol.ts";
import { fieldsOfKind } from "./fields.ts";

/** Whether a topic has points in space. */
export function isCloud({ ontologyTag }: TopicSummary): boolean {
  return /(lidar|radar|pointcloud2|point_cloud2?|laserscan|laser_scan)$/i.test(ontologyTag);
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
