/**
 * Topics that are known by their names, as an autopilot's are: what one wants to see of them.
 *
 * @module
 */
import { formatReference } from "../data/expression/reference.ts";
import type { FieldInfo, TopicSummary } from "../data/protocol.ts";
import type { PanelOptions } from "./layout.ts";

/** A plot of a known topic: a line is shown where all of the fields that it names are there. */
interface KnownPlot {
  /** How the tag of the ontology, or the topic's name, ends. */
  readonly topic: RegExp;
  /** Paths of fields in braces. */
  readonly lines: readonly string[];
}

const Q = "{q[0]}, {q[1]}, {q[2]}, {q[3]}";
const XYZW = "{orientation.w}, {orientation.x}, {orientation.y}, {orientation.z}";

const PLOTS: readonly KnownPlot[] = [
  { topic: /(^|\/)vehicle_attitude$/, lines: ["roll", "pitch", "yaw"].map((angle) => `deg(${angle}(${Q}))`) },
  { topic: /(^|\/)vehicle_local_position$/, lines: ["-{z}", "hypot({vx}, {vy})"] },
  { topic: /(^|\/)battery_status$/, lines: ["{voltage_v}"] },
  { topic: /(^|\/)imu$/i, lines: ["x", "y", "z"].map((axis) => `{acceleration.${axis}}`) },
  { topic: /(^|\/)imu$/i, lines: ["x", "y", "z"].map((axis) => `{linear_acceleration.${axis}}`) },
  { topic: /(^|\/)imu$/i, lines: ["roll", "pitch", "yaw"].map((angle) => `deg(${angle}(${XYZW}))`) },
  { topic: /(^|\/)(gps|navsatfix)$/i, lines: ["{position.z}", "{altitude}"] },
  { topic: /(^|\/)batterystate$/i, lines: ["{voltage}"] },
];
/** Topics of one kind in a plot: two batteries are to be compared. */
const MAX_TOPICS = 3;

/** Lines of plots of the topics that are known, a list a plot. */
export function knownPlots(topics: readonly TopicSummary[]): string[][] {
  const plots = PLOTS.map(({ topic, lines }) => {
    const found = topics.filter(({ name, ontologyTag }) => topic.test(ontologyTag) || topic.test(name));
    return found.slice(0, MAX_TOPICS).flatMap((topic) => lines.flatMap((line) => lineOf(topic, line) ?? []));
  });
  return plots.filter((lines) => lines.length > 0);
}

/** The track of a topic that is known. */
export function knownTrack(topics: readonly TopicSummary[]): PanelOptions["track"] | undefined {
  for (const topic of topics) {
    if (!/(^|\/)vehicle_gps_position$/.test(topic.ontologyTag || topic.name)) continue;
    const isScaled = hasField(topic.fields, "lat", /^u?int/);
    const [x, y] = ["lon", "lat"].map((name) => lineOf(topic, isScaled ? `{${name}} / 1e7` : `{${name}}`));
    if (x !== undefined && y !== undefined) return { topic: topic.name, kind: "geo", x, y };
  }
  return undefined;
}

function lineOf({ name, fields }: TopicSummary, line: string): string | undefined {
  const paths = [...line.matchAll(/\{(.*?)\}/g)].map(([, path]) => path);
  if (!paths.every((path) => hasField(fields, path, /./))) return undefined;
  return line.replace(/\{(.*?)\}/g, (_, path) => formatReference(name, path));
}

function hasField(fields: readonly FieldInfo[], path: string, type: RegExp): boolean {
  return fields.some((field) =>
    field.kind === "struct"
      ? hasField(field.children, path, type)
      : field.path === path && field.kind === "number" && type.test(field.type)
  );
}
