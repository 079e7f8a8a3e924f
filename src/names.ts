import { SmaltiError } from "./error.ts";
import { quoted } from "./util/excerpt.ts";

/** Characters of a new sequence's name, and of each part of a topic's: file systems take 255 bytes with what is added. */
export const MAX_PART = 200;
/** Characters of a new topic's name: paths may have 4096 bytes, with the store's directory. */
export const MAX_TOPIC = 1000;
/** Version 0.1 had no bound but that of file systems; what it recorded can be read. */
const MAX_OLD = 255;

const SEQUENCE = /^[A-Za-z0-9][A-Za-z0-9_-]*$/;
const TOPIC = /^[A-Za-z0-9][A-Za-z0-9_-]*(\/[A-Za-z0-9_-]+)*$/;

/** Whether a name follows the rule for sequences. */
export function isSequenceName(name: string): boolean {
  return name.length <= MAX_OLD && SEQUENCE.test(name);
}

/** A sequence's name, checked: letters, digits, `_`, `-`, the first a letter or digit. INVALID_NAME. */
export function sequenceName(name: string): string {
  return checkedSequence(name, MAX_OLD);
}

/** The same of a sequence that is to be created: its name has at most 200 characters. */
export function newSequenceName(name: string): string {
  return checkedSequence(name, MAX_PART);
}

function checkedSequence(name: string, most: number): string {
  if (typeof name !== "string" || !SEQUENCE.test(name)) {
    const wanted = 'letters, digits, "_" and "-", beginning with a letter or digit';
    const legal = typeof name === "string" && name.length <= MAX_PART ? legalSequenceName(name) : "";
    const hint = legal === "" ? "" : `, such as ${JSON.stringify(legal)}`;
    throw new SmaltiError("INVALID_NAME", `Sequence name ${quoted(name)}: wanted ${wanted}${hint}`);
  }
  if (name.length <= most) return name;
  const text = `Sequence name ${quoted(name)} has ${name.length} characters: wanted at most ${MAX_PART}`;
  throw new SmaltiError("INVALID_NAME", text);
}

/**
 * A sequence's name made of any text: `_` stands for each character outside the rule, and what is before the first letter
 * or digit goes, and so does what is beyond 200 characters. Empty where nothing is left.
 */
export function legalSequenceName(text: string): string {
  return text.replace(/[^A-Za-z0-9_-]/gu, "_").replace(/^[^A-Za-z0-9]+/, "").slice(0, MAX_PART);
}

/**
 * A topic's name, checked, without a leading `/`: as a sequence's, and `/` between parts. INVALID_NAME, which names the
 * sequence.
 */
export function topicName(name: string, sequence?: string): string {
  return checkedTopic(name, sequence, MAX_OLD, 16 * MAX_OLD);
}

/** The same of a topic that is to be created: each part has at most 200 characters, the whole at most 1000. */
export function newTopicName(name: string, sequence?: string): string {
  return checkedTopic(name, sequence, MAX_PART, MAX_TOPIC);
}

function checkedTopic(name: string, sequence: string | undefined, mostOfPart: number, most: number): string {
  const where = sequence === undefined ? {} : { sequence };
  const refuse = (what: string) =>
    new SmaltiError("INVALID_NAME", `Topic name ${quoted(name)}${what}`, where);
  const bare = typeof name === "string" && name.startsWith("/") ? name.slice(1) : name;
  if (typeof bare !== "string" || !TOPIC.test(bare)) {
    throw refuse(
      ': wanted letters, digits, "_", "-" and "/" between parts, beginning with a letter or digit',
    );
  }
  if (bare.length > most) throw refuse(` has ${bare.length} characters: wanted at most ${MAX_TOPIC}`);
  const long = bare.split("/").find((part) => part.length > mostOfPart);
  if (long === undefined) return bare;
  throw refuse(` has a part of ${long.length} characters: wanted at most ${MAX_PART}`);
}

/** Compares names as ASCII, which is the order of topics everywhere. */
export function compareNames(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
