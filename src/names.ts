import { SmaltiError } from "./error.ts";
import { quoted } from "./excerpt.ts";

/** Characters of a sequence's name, and of each part of a topic's: file systems take 255 bytes with what is added. */
const MAX_PART = 200;
/** Characters of a topic's name: paths may have 4096 bytes, with the store's directory. */
const MAX_TOPIC = 1000;

const SEQUENCE = /^[A-Za-z0-9][A-Za-z0-9_-]*$/;
const TOPIC = /^[A-Za-z0-9][A-Za-z0-9_-]*(\/[A-Za-z0-9_-]+)*$/;

/** Whether a name follows the rule for sequences. */
export function isSequenceName(name: string): boolean {
  return name.length <= MAX_PART && SEQUENCE.test(name);
}

/**
 * A sequence's name, checked: letters, digits, `_`, `-`, the first a letter or digit; at most 200 characters.
 * INVALID_NAME.
 */
export function sequenceName(name: string): string {
  if (typeof name !== "string" || !SEQUENCE.test(name)) {
    const wanted = 'letters, digits, "_" and "-", beginning with a letter or digit';
    throw new SmaltiError("INVALID_NAME", `Sequence name ${quoted(name)}: wanted ${wanted}`);
  }
  if (name.length <= MAX_PART) return name;
  throw new SmaltiError(
    "INVALID_NAME",
    `Sequence name ${quoted(name)} has ${name.length} characters: wanted at most ${MAX_PART}`,
  );
}

/**
 * A topic's name, checked, without a leading `/`: as a sequence's, and `/` between parts; each part has at most 200
 * characters, the whole at most 1000. INVALID_NAME, which names the sequence.
 */
export function topicName(name: string, sequence?: string): string {
  const refuse = (what: string) =>
    new SmaltiError(
      "INVALID_NAME",
      `Topic name ${quoted(name)}${what}`,
      sequence === undefined ? {} : { sequence },
    );
  const bare = typeof name === "string" && name.startsWith("/") ? name.slice(1) : name;
  if (typeof bare !== "string" || !TOPIC.test(bare)) {
    throw refuse(
      ': wanted letters, digits, "_", "-" and "/" between parts, beginning with a letter or digit',
    );
  }
  if (bare.length > MAX_TOPIC) {
    throw refuse(` has ${bare.length} characters: wanted at most ${MAX_TOPIC}`);
  }
  const long = bare.split("/").find((part) => part.length > MAX_PART);
  if (long === undefined) return bare;
  throw refuse(` has a part of ${long.length} characters: wanted at most ${MAX_PART}`);
}

/** Compares names as ASCII, which is the order of topics everywhere. */
export function compareNames(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
