/**
 * Messages -> lines.
 *
 * @module
 */
import { jsonLine, jsonOf } from "../export/json_lines.ts";
import type { Message } from "../read/merge/message.ts";
import { formatTime } from "./time_text.ts";

/** A message as a line, its end included: time, topic and data for people, or JSON. */
export const LINES = {
  text: (message: Message): string =>
    `${formatTime(message.timestampNs)} ${message.topic} ${JSON.stringify(jsonOf(message).data)}\n`,
  ndjson: jsonLine,
} as const;
