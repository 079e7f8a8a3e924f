/**
 * Definitions of ROS 2 messages by the name of their type, for recordings that carry none.
 *
 * @module
 */
import { HUMBLE_DEFINITIONS } from "./humble_definitions.ts";

/** Messages as they were before Humble, where they have other fields now. */
const OLDER: Readonly<Record<string, readonly string[]>> = {
  "sensor_msgs/BatteryState": [
    HUMBLE_DEFINITIONS["sensor_msgs/BatteryState"].replace(/\nfloat32(\[\])? (cell_)?temperature/g, ""),
  ],
};

const SEPARATOR = "=".repeat(80);

/** Definitions by type: `std_msgs/msg/String` or `std_msgs/String`, with what a .msg file says. */
export type RosDefinitions = Readonly<Record<string, string>>;

/**
 * The texts that may define a type, likeliest first: each with the definitions of all that it uses, as rosbag2 and MCAP have
 * them (`ros2msg`). The user's own come before those of ROS 2 Humble, and these before older ones. Empty where a type is not
 * known.
 */
export function definitionsOf(type: string, own: RosDefinitions = {}): string[] {
  const name = shortName(type);
  const known = new Map(Object.entries(HUMBLE_DEFINITIONS));
  for (const [key, text] of Object.entries(own)) known.set(shortName(key), text);
  const root = known.get(name);
  if (root === undefined) return [];
  const roots = [root, ...name in OLDER && known.get(name) === HUMBLE_DEFINITIONS[name] ? OLDER[name] : []];
  return roots.flatMap((text) => {
    const used = usedTypes(name, text, known);
    return used
      ? [[text, ...used.map((other) => `${SEPARATOR}\nMSG: ${other}\n${known.get(other)}`)].join("\n")]
      : [];
  });
}

/** The types that a definition uses, each once; undefined where one is not known. */
function usedTypes(name: string, text: string, known: ReadonlyMap<string, string>): string[] | undefined {
  const used = new Set<string>();
  const queue: [owner: string, text: string][] = [[name, text]];
  for (const [owner, definition] of queue) {
    for (const line of definition.split("\n")) {
      const type = /^\s*([A-Za-z]\w*(?:\/\w+)*)(?:<=\d+)?(?:\[[^\]]*\])?\s+[A-Za-z]/.exec(line)?.[1];
      if (type === undefined || isPrimitive(type)) continue;
      const found = resolve(type, owner, known);
      if (found === undefined) return undefined;
      if (used.has(found)) continue;
      used.add(found);
      queue.push([found, known.get(found)!]);
    }
  }
  return [...used];
}

function resolve(type: string, owner: string, known: ReadonlyMap<string, string>): string | undefined {
  const short = shortName(type);
  const candidates = short.includes("/") ? [short] : [`${owner.split("/")[0]}/${short}`, `std_msgs/${short}`];
  return candidates.find((candidate) => known.has(candidate));
}

function isPrimitive(type: string): boolean {
  return /^(bool|byte|char|u?int(8|16|32|64)|float(32|64)|w?string)$/.test(type);
}

/** `std_msgs/String` of `std_msgs/msg/String`. */
function shortName(type: string): string {
  return type.replace("/msg/", "/");
}
