/**
 * What only the import takes as arguments, and files that they name.
 *
 * @module
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { InvalidArgumentError } from "commander";
import type { RosDefinitions } from "../import/ros/ros_definitions.ts";
import type { Metadata } from "../types.ts";
import { parseJson } from "../util/parse_json.ts";
import { UsageError } from "./usage_error.ts";

/** `log`, `publish`, or the name of a field. */
export function parseTimeName(text: string): string {
  if (text.replace(/^\./, "") !== "") return text;
  throw new InvalidArgumentError("Wanted log, publish, or the name of a field.");
}

/** One character; `\\t` or `tab` is a tab, which few shells pass on. */
export function parseSeparator(text: string): string {
  const separator = text === "\\t" || text === "tab" ? "\t" : text;
  if (separator.length === 1 && !/["\r\n]/.test(separator)) return separator;
  throw new InvalidArgumentError("Wanted one character, such as ; or \\t for a tab.");
}

/** `/imu*,!/imu/raw`: patterns; given again, they add up. */
export function parsePatterns(text: string, before?: unknown): string[] {
  const patterns = text.split(",").map((pattern) => pattern.trim());
  if (patterns.every((pattern) => pattern.replace(/^!/, "") !== "")) {
    return [...Array.isArray(before) ? before as string[] : [], ...patterns];
  }
  throw new InvalidArgumentError(
    "Wanted patterns of topics' names with commas between them, such as imu*,!imu/raw.",
  );
}

/** `KEY=VALUE`, a text; or an object of JSON. Given again, they add up, and a later key wins. */
export function parseMetadata(text: string, before: Metadata = {}): Metadata {
  if (text.trimStart().startsWith("{")) {
    try {
      return { ...before, ...parseJson(text) as Metadata };
    } catch (reason) {
      throw new InvalidArgumentError(`It is no JSON: ${(reason as Error).message}`);
    }
  }
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("Wanted KEY=VALUE, or an object of JSON.");
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

/** Definitions of ROS messages by their type: those in `PACKAGE/msg/NAME.msg` at any depth of a directory. UsageError where there is none. */
export async function readDefinitions(directory: string): Promise<RosDefinitions> {
  const definitions: Record<string, string> = {};
  await addDefinitions(directory, definitions);
  if (Object.keys(definitions).length > 0) return definitions;
  throw new UsageError(`--msg-path: ${directory} has no PACKAGE/msg/NAME.msg below it`);
}

async function addDefinitions(directory: string, definitions: Record<string, string>): Promise<void> {
  const entries = await readdir(directory, { withFileTypes: true }).catch((reason) => {
    throw new UsageError(`--msg-path: ${directory} cannot be read: ${(reason as Error).message}`);
  });
  for (const entry of entries) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) await addDefinitions(path, definitions);
    const [, pkg, name] = /([^/\\]+)[/\\]msg[/\\]([^/\\]+)\.msg$/.exec(path) ?? [];
    if (name !== undefined) definitions[`${pkg}/msg/${name}`] = await readFile(path, "utf8");
  }
}
