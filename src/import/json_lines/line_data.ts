import { SmaltiError } from "../../error.ts";
import { quoted } from "../../util/excerpt.ts";
import type { Row } from "../message_decoder.ts";
import type { RecordingImport } from "../recording_import.ts";
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

/** A line in the file, for what is said of it. */
export interface LinePlace {
  readonly number: number;
  readonly offset: number;
}

/** Says where what is wrong from now on is. */
export function placeAt(recording: RecordingImport, { number, offset }: LinePlace): void {
  recording.offset = offset;
  recording.place = `line ${number}, at byte ${offset}: `;
}

/** Takes what is wrong with a line, which is left out. Throws unless the import salvages, and what is no flaw. */
export function lineFlaw(recording: RecordingImport, line: LinePlace, reason: unknown): undefined {
  if (!(reason instanceof SmaltiError)) throw reason;
  placeAt(recording, line);
  const { code, rawMessage: message } = reason;
  recording.flaw({ kind: "line", code, message, cause: reason, lost: "1 line" });
}
