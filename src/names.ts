import { SmaltiError } from "./error.ts";

const SEQUENCE = /^[A-Za-z0-9][A-Za-z0-9_-]*$/;
const TOPIC = /^[A-Za-z0-9][A-Za-z0-9_-]*(\/[A-Za-z0-9_-]+)*$/;

/** Whether a name follows the rule for sequences. */
export function isSequenceName(name: string): boolean {
  return SEQUENCE.test(name);
}

/** A sequence's name, checked: letters, digits, `_`, `-`, the first a letter or digit. INVALID_NAME. */
export function sequenceName(name: string): string {
  if (typeof name === "string" && SEQUENCE.test(name)) return name;
  throw new SmaltiError(
    "INVALID_NAME",
    `Sequence name ${
      JSON.stringify(name)
    }: wanted letters, digits, "_" and "-", beginning with a letter or digit`,
  );
}

/**
 * A topic's name, checked, without a leading `/`: as a sequence's, and `/` between parts. INVALID_NAME, which names the
 * sequence.
 */
export function topicName(name: string, sequence?: string): string {
  const bare = typeof name === "string" && name.startsWith("/") ? name.slice(1) : name;
  if (typeof bare === "string" && TOPIC.test(bare)) return bare;
  throw new SmaltiError(
    "INVALID_NAME",
    `Topic name ${
      JSON.stringify(name)
    }: wanted letters, digits, "_", "-" and "/" between parts, beginning with a letter or digit`,
    sequence === undefined ? {} : { sequence },
  );
}

/** Compares names as ASCII, which is the order of topics everywhere. */
export function compareNames(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
