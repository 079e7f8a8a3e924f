/**
 * Messages -> lines.
 *
 * @module
 */
import { jsonLine, jsonOf } from "../export/json_lines.ts";
import type { Message } from "../read/merge/message.ts";
import { formatTime } from "./time_text.ts";

/** How messages are printed: time, topic and the data that is there for people, or JSON. */
export const FORMATS = ["text", "ndjson"] as const;

/** One of them. */
export type Format = (typeof FORMATS)[number];

/** More bytes than this are no text for people. */
const TEXT_BYTES = 64;

/** What makes a line of a message, its end included. Without `bytes` these come as how many they are: `<20000 bytes>`. */
export function lineOf(format: Format, bytes: boolean): (message: Message) => string {
  if (format === "text") return (message) => textLine(message, bytes ? TEXT_BYTES : 0);
  if (bytes) return jsonLine;
  return (message) => {
    const json = jsonOf(message);
    return JSON.stringify({ ...json, data: shorten(json.data, message.toObject().data, 0) }) + "\n";
  };
}

function textLine(message: Message, maxBytes: number): string {
  const { timestampNs, topic } = message;
  const data = shorten(message.toJSON().data, message.toObject().data, maxBytes, true);
  return `${formatTime(timestampNs)} ${topic} ${JSON.stringify(data)}\n`;
}

/**
 * What a message has in JSON, with bytes beyond `maxBytes` as how many they are, and with `compact` without missing fields.
 *
 * @param value The same as no JSON: there bytes and text differ.
 */
function shorten(json: unknown, value: unknown, maxBytes: number, compact = false): unknown {
  if (typeof json === "string") {
    const isLong = value instanceof Uint8Array && value.length > maxBytes;
    return isLong ? `<${value.length} ${value.length === 1 ? "byte" : "bytes"}>` : json;
  }
  if (typeof json !== "object" || json === null || ArrayBuffer.isView(value)) return json;
  const values = value as Record<string, unknown>;
  if (Array.isArray(json)) return json.map((item, i) => shorten(item, values[i], maxBytes, compact));
  const entries = Object.entries(json).filter(([, item]) => !compact || item !== null);
  return Object.fromEntries(
    entries.map(([name, item]) => [name, shorten(item, values[name], maxBytes, compact)]),
  );
}
