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
  readonly lines: readonly KnownLine[];
  /** Whether the fields often hold nothing, though they are there: then it is left out. */
  readonly isOptional?: boolean;
}

interface KnownLine {
  readonly text: string;
  /** What it is called, where the text is long. */
  readonly label?: string;
}

/** A line of a plot. */
export type PlotLine = PanelOptions["plot"]["lines"][number];

const angles = (quaternion: string): KnownLine[] =>
  ["roll", "pitch", "yaw"].map((angle) => ({
    text: `deg(${angle}(${quaternion}))`,
    label: `${angle} (deg)`,
  }));
const axes = (path: string): KnownLine[] => ["x", "y", "z"].map((axis) => ({ text: `{${path}.${axis}}` }));

const PLOTS: readonly KnownPlot[] = [
  { topic: /(^|\/)vehicle_attitude$/, lines: angles("{q[0]}, {q[1]}, {q[2]}, {q[3]}") },
  {
    topic: /(^|\/)vehicle_local_position$/,
    lines: [{ text: "-{z}", label: "height (m)" }, {
      text: "hypot({vx}, {vy})",
      label: "ground speed (m/s)",
    }],
  },
  { topic: /(^|\/)battery_status$/, lines: [{ text: "{voltage_v}" }] },
  { topic: /(^|\/)imu$/i, lines: axes("acceleration") },
  { topic: /(^|\/)imu$/i, lines: axes("linear_acceleration") },
  {
    topic: /(^|\/)imu$/i,
    lines: angles("{orientation.w}, {orientation.x}, {orientation.y}, {orientation.z}"),
    isOptional: true,
  },
  { topic: /(^|\/)(gps|navsatfix)$/i, lines: [{ text: "{position.z}" }, { text: "{altitude}" }] },
  { topic: /(^|\/)batterystate$/i, lines: [{ text: "{voltage}" }] },
  { topic: /(^|\/)imu$/i, lines: axes("angular_velocity") },
];
/** Topics of one kind in a plot: two batteries are to be compared. */
const MAX_TOPICS = 3;

/**
 * Lines of plots of the topics that are known, a list a plot.
 *
 * @param empty References of fields that hold nothing: lines of them alone are left out.
 */
export function knownPlots(topics: readonly TopicSummary[], empty: ReadonlySet<string>): PlotLine[][] {
  const plots = PLOTS.map(({ topic, lines }) => {
    return topicsOf(topic, topics).flatMap((topic) =>
      lines.flatMap(({ text: line, label }) => {
        if (pathsOf(line).every((path) => empty.has(formatReference(topic.name, path)))) return [];
        const text = lineOf(topic, line);
        return text === undefined ? [] : [{ text, ...(label !== undefined && { label }) }];
      })
    );
  });
  return plots.filter((lines) => lines.length > 0);
}

/** References of the fields of known plots that often hold nothing. */
export function optionalFields(topics: readonly TopicSummary[]): string[] {
  const fields = PLOTS.filter(({ isOptional }) => isOptional).flatMap(({ topic, lines }) =>
    topicsOf(topic, topics).flatMap(({ name, fields }) =>
      lines.flatMap(({ text }) => pathsOf(text)).filter((path) => hasField(fields, path, /./))
        .map((path) => formatReference(name, path))
    )
  );
  return [...new Set(fields)];
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

function topicsOf(wanted: RegExp, topics: readonly TopicSummary[]): TopicSummary[] {
  return topics.filter(({ name, ontologyTag }) => wanted.test(ontologyTag) || wanted.test(name))
    .slice(0, MAX_TOPICS);
}

function pathsOf(line: string): string[] {
  return [...line.matchAll(/\{(.*?)\}/g)].map(([, path]) => path);
}

function lineOf({ name, fields }: TopicSummary, line: string): string | undefined {
  if (!pathsOf(line).every((path) => hasField(fields, path, /./))) return undefined;
  return line.replace(/\{(.*?)\}/g, (_, path) => formatReference(name, path));
}

function hasField(fields: readonly FieldInfo[], path: string, type: RegExp): boolean {
  return fields.some((field) =>
    field.kind === "struct"
      ? hasField(field.children, path, type)
      : field.path === path && field.kind === "number" && type.test(field.type)
  );
}
