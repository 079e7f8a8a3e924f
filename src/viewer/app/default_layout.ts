/**
 * The layout of a recording that nobody has arranged yet: by its topics' ontologies, and the names of their fields, so that the
 * first second shows something useful.
 *
 * @module
 */
import { formatReference } from "../data/expression/reference.ts";
import type { FieldInfo, RecordingInfo, TopicSummary } from "../data/protocol.ts";
import { isDull, leavesOf } from "../panels/fields.ts";
import { logOf } from "../panels/suits.ts";
import {
  type Layout,
  LAYOUT_VERSION,
  type LayoutNode,
  type PanelOptions,
  type PanelState,
} from "./layout.ts";
import { knownPlots, knownTrack, type PlotLine } from "./known_topics.ts";

/** Lines of a plot that was made by itself. */
const MAX_LINES = 6;
const MAX_PLOTS = 3;
const MAX_IMAGES = 2;
/** Panels one above another. */
const MAX_ROWS = 4;
const MAX_BANDS = 8;

/** Ontologies, by what they show best; without what comes before the last `/`: `sensor_msgs/msg/Image` is an `Image`. */
const IMAGES: ReadonlySet<string> = new Set(["Image", "CompressedImage"]);
const SCENES: ReadonlySet<string> = new Set([
  "Lidar",
  "Radar",
  "PointCloud2",
  "LaserScan",
  "MultiEchoLaserScan",
  "Transform",
  "FrameTransform",
  "TFMessage",
  "RobotPath",
  "Path",
]);
const MODE = /state|mode|status|armed|landed|active|failsafe|flag|fix_type|vtol_in/i;
/** Those that tell most. */
const CHIEF_MODE =
  /(^|\.)(armed|nav_state|arming_state|landed|vtol_in_\w+|failsafe|fix_type|mode|state|status)$/i;
const NO_MODE = /_ms$|time|health|telemetry|heartbeat/i;

/**
 * A layout for a recording that has none.
 *
 * @param empty References of fields that hold nothing, as far as somebody has looked.
 */
export function defaultLayout(
  info: Pick<RecordingInfo, "topics">,
  empty: ReadonlySet<string> = new Set(),
): Layout {
  const topics = info.topics.filter(({ rows, isGrowing, error }) => !error && (rows > 0 || isGrowing));
  const build = new Builder();
  const images = topics.filter(({ ontologyTag }) => IMAGES.has(lastPart(ontologyTag))).slice(0, MAX_IMAGES);
  const scenes = topics.filter(({ ontologyTag }) => SCENES.has(lastPart(ontologyTag)));
  const track = topics.map(trackOf).find((track) => track !== undefined) ?? knownTrack(topics);
  const log = topics.map(logOf).find((log) => log?.level !== undefined);
  const bands = topics.flatMap(bandsOf).sort((a, b) => Number(b.isChief) - Number(a.isChief))
    .slice(0, MAX_BANDS).map(({ text }) => text);

  const views: LayoutNode[] = [
    build.tabs(images.map(({ name }) => ({ type: "image", options: { topic: name } }))),
    build.tabs(
      scenes.length > 0 ? [{ type: "scene", options: { topics: scenes.map(({ name }) => name) } }] : [],
    ),
    build.tabs(track ? [{ type: "track", options: { ...track } }] : []),
  ].filter((node) => node !== undefined);
  const plots = plotsOf(topics, empty).map((options): PanelState => ({
    type: "plot",
    options: { ...options },
  }));
  const middle = [
    ...plots.map((plot) => build.tabs([plot])!),
    build.tabs(bands.length > 0 ? [{ type: "states", options: { lines: bands } }] : []),
  ].filter((node) => node !== undefined);
  const logs: PanelState[] = log ? [{ type: "log", options: { ...log } }] : [];
  // Where there is room it is seen at once.
  const ownLog = middle.length < MAX_ROWS ? build.tabs(logs) : undefined;
  if (ownLog) middle.push(ownLog);
  const side = build.tabs([
    { type: "values", options: { topics: [] } },
    ...(ownLog ? [] : logs),
    { type: "info", options: {} },
  ])!;
  const left = group("column", middle);
  const right = group("column", [...views, side])!;
  const root = left ? { kind: "row" as const, sizes: [2, 1], children: [left, right] } : right;
  return { version: LAYOUT_VERSION, panels: Object.fromEntries(build.panels), root };
}

class Builder {
  readonly panels = new Map<string, PanelState>();

  /** Panels in tabs, the first in front; undefined where there are none. */
  tabs(panels: readonly PanelState[]): LayoutNode | undefined {
    if (panels.length === 0) return undefined;
    const ids = panels.map((panel) => {
      const id = `${panel.type}-${this.panels.size + 1}`;
      this.panels.set(id, panel);
      return id;
    });
    return { kind: "tabs", panels: ids, active: ids[0] };
  }
}

function group(kind: "row" | "column", children: LayoutNode[]): LayoutNode | undefined {
  return children.length > 1 ? { kind, sizes: children.map(() => 1), children } : children[0];
}

/** Plots of what is known to be worth seeing, then of the fastest topics. */
function plotsOf(topics: readonly TopicSummary[], empty: ReadonlySet<string>): PanelOptions["plot"][] {
  const known = knownPlots(topics, empty);
  const fastest = [...topics].sort((a, b) => b.rate - a.rate);
  const more = known.length > 0 ? [] : fastest.map(linesOf).filter((lines) => lines.length > 0);
  const plots = [...known, ...more].slice(0, MAX_PLOTS);
  return plots.map((lines) => ({ lines }));
}

/** Up to so many numbers of a topic that are of one kind: the fields of one struct, or list of names, with one unit. */
function linesOf({ name, fields }: TopicSummary): PlotLine[] {
  const numbers = leavesOf(fields).filter(({ kind, path }) => kind === "number" && !isDull(path));
  const [first] = [...numbers].sort((a, b) => Number(isFloat(b)) - Number(isFloat(a)));
  if (!first) return [];
  const kin = numbers.filter((field) => stem(field.path) === stem(first.path) && field.unit === first.unit);
  return kin.slice(0, MAX_LINES).map(({ path }) => ({ text: formatReference(name, path) }));
}

function isFloat({ type }: FieldInfo): boolean {
  return type.startsWith("float");
}

/** What the fields of a struct, or `q[0]` and `q[1]`, have in common. */
function stem(path: string): string {
  return /\[\d+\]$/.test(path) ? path.replace(/\[\d+\]$/, "") : path.slice(0, path.lastIndexOf(".") + 1);
}

function bandsOf({ name, fields, rate }: TopicSummary): { text: string; isChief: boolean }[] {
  // What comes fast is a signal, and reading all of it takes long.
  if (rate > 50) return [];
  return leavesOf(fields)
    .filter(({ kind, path, type }) => kind === "bool" || (MODE.test(path) && /^u?int/.test(type)))
    .filter(({ path }) => MODE.test(path) && !isDull(path) && !NO_MODE.test(`${name}.${path}`))
    .map(({ path }) => ({ text: formatReference(name, path), isChief: CHIEF_MODE.test(path) }))
    .sort((a, b) => Number(b.isChief) - Number(a.isChief))
    .slice(0, 2);
}

function trackOf(topic: TopicSummary): PanelOptions["track"] | undefined {
  const { name, ontologyTag, fields } = topic;
  const has = (path: string) => leavesOf(fields).some((field) => field.path === path && isFloat(field));
  const track = (kind: "geo" | "plane", x: string, y: string): PanelOptions["track"] | undefined => {
    if (!has(x) || !has(y)) return undefined;
    return { topic: name, kind, x: formatReference(name, x), y: formatReference(name, y) };
  };
  switch (lastPart(ontologyTag).toLowerCase()) {
    case "gps":
      return track("geo", "position.y", "position.x");
    case "pose":
      return track("plane", "position.x", "position.y");
    case "motion_state":
    case "motionstate":
      return track("plane", "pose.position.x", "pose.position.y");
    case "odometry":
      return track("plane", "pose.pose.position.x", "pose.pose.position.y");
    case "posestamped":
      return track("plane", "pose.position.x", "pose.position.y");
    default:
      return track("geo", "longitude", "latitude") ?? track("geo", "lon", "lat");
  }
}

function lastPart(tag: string): string {
  return tag.slice(tag.lastIndexOf("/") + 1);
}
