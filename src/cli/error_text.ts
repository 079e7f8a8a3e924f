import { SmaltiError } from "../error.ts";
import { printable } from "./printable.ts";

/** An error in one line: what happened, and where as far as the message does not say. */
export function errorText(reason: unknown): string {
  if (!(reason instanceof SmaltiError)) {
    return printable(reason instanceof Error ? reason.message : String(reason));
  }
  const { rawMessage, details } = reason;
  const missing = (["file", "batch", "offset"] as const)
    .filter((key) => details[key] !== undefined && !rawMessage.includes(`${details[key]}`))
    .map((key) => `${key} ${details[key]}`);
  return printable(missing.length > 0 ? `${rawMessage} (${missing.join(", ")})` : rawMessage);
}
