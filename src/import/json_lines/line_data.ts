import { SmaltiError } from "../../error.ts";
import { quoted } from "../../util/excerpt.ts";
import type { Row } from "../message_decoder.ts";
import { decodeText } from "../text.ts";

/** The object that bytes are, as JSON. CORRUPT where they are none. */
export function parseData(bytes: Uint8Array): Row {
  const text = decodeText(bytes);
  if (text === undefined) throw new SmaltiError("CORRUPT", "it is no UTF-8");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new SmaltiError("CORRUPT", `it is no JSON: ${(cause as Error).message}`, { cause });
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Row;
  throw new SmaltiError("CORRUPT", `it is ${quoted(value)}, wanted a JSON object`);
}
