/**
 * Messages -> lines.
 *
 * @module
 */
import type { Message } from "../read/merge/message.ts";
import { formatTime } from "./time_text.ts";

/** Ways of {@linkcode messageLine}. */
export const FORMATS = ["text", "ndjson"] as const;
/** One of {@linkcode FORMATS}. */
export type Format = (typeof FORMATS)[number];

/** The column of imported topics that holds what the others do not, and is null in nearly every message. */
const OVERFLOW = "_json";

/** A message as a line, its end included: JSON, or time, topic and data for people. */
export function messageLine(message: Message, format: Format): string {
  const json = message.toJSON();
  // Set, not deleted: deleting makes an object slow. What is undefined JSON leaves out.
  if (json.data[OVERFLOW] === null) json.data[OVERFLOW] = undefined;
  if (format === "ndjson") return JSON.stringify(json) + "\n";
  return `${formatTime(message.timestampNs)} ${message.topic} ${JSON.stringify(json.data)}\n`;
}
