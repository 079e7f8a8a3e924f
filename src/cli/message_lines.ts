/**
 * Messages -> lines.
 *
 * @module
 */
import { jsonLine, jsonOf } from "../export/json_lines.ts";
import type { Message } from "../read/merge/message.ts";
import { formatTime } from "./time_text.ts";

/** How messages are printed: time, topic and data for people, or JSON. */
export type Format = "text" | "ndjson";

/** A message as a line, its end included. */
export const LINES: Readonly<Record<Format, (message: Message) => string>> = {
  text: (message) =>
    `${formatTime(message.timestampNs)} ${message.topic} ${JSON.stringify(jsonOf(message).data)}\n`,
  ndjson: jsonLine,
};
