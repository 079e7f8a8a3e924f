/**
 * What random records have in common: a schema that was compiled, and records of it.
 *
 * @module
 */
import type { CompiledRecords } from "../../../src/import/records/plan_columns.ts";
import type { Random } from "../../support/random_cases.ts";

/** A compiled schema, and what makes random valid records of it. */
export interface RecordSource extends CompiledRecords {
  record(): Uint8Array;
  /** For a report of a failure. */
  readonly schema: unknown;
}

export function anyByte(random: Random): number {
  return random.oneIn(3) ? random.pick([0, 1, 127, 128, 255]) : random.below(256);
}

export function anyBytes(random: Random, length: number): number[] {
  return Array.from({ length }, () => anyByte(random));
}

/** Mostly few, sometimes many. */
export function anyLength(random: Random): number {
  return random.oneIn(30) ? random.below(200) : random.below(5);
}

const TEXTS = [
  "",
  "a",
  "lidar",
  "größer",
  "日本",
  "🛰️",
  "\u0000",
  "\ufeffmark",
  "x".repeat(70),
];
/** Without a mark in front, which some readers drop. */
const PLAIN_TEXTS = TEXTS.filter((text) => !text.startsWith("\ufeff"));
const NO_TEXTS = [
  [0xff],
  [0x61, 0xc3],
  [0xed, 0xa0, 0x80],
  [0xf0, 0x9f, 0x9b],
  [0xc0, 0xaf],
  [0xf4, 0x90, 0x80, 0x80],
  [0xe2, 0x28, 0xa1, 0x62],
  [0x80],
];

/** The bytes of a text, which are not always UTF-8, unless they are to be plain. */
export function anyText(random: Random, isPlain = false): number[] {
  const text = [...new TextEncoder().encode(random.pick(isPlain ? PLAIN_TEXTS : TEXTS))];
  if (isPlain) return text;
  if (!random.oneIn(20)) return text;
  const other = random.oneIn(3) ? anyBytes(random, random.below(9)) : random.pick(NO_TEXTS);
  return [...text, ...other, ...random.oneIn(2) ? text : []];
}
