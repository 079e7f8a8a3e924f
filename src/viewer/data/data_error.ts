/**
 * Errors as values.
 *
 * @module
 */
import { SmaltiError } from "../../entry/web.ts";
import { ExpressionError } from "./expression/parse.ts";
import type { DataError, Gap } from "./protocol.ts";

/** What was thrown, as data. Of what is no error of smalti's only the text is told. */
export function toDataError(reason: unknown, signal?: AbortSignal): DataError {
  if (signal?.aborted) return { code: "ABORTED", message: "It was given up" };
  if (reason instanceof Refusal) {
    return { code: "TOO_LARGE", message: reason.message, command: reason.command };
  }
  if (reason instanceof ExpressionError) {
    const { message, start, length } = reason;
    return { code: "INVALID_ARGUMENT", message, position: { start, length } };
  }
  if (reason instanceof SmaltiError) {
    const { code, rawMessage: message, details: { topic } } = reason;
    return { code, message, ...(topic !== undefined && { topic }) };
  }
  if (reason instanceof RangeError || reason instanceof TypeError) {
    return { code: "INVALID_ARGUMENT", message: reason.message };
  }
  return { code: "INTERNAL", message: reason instanceof Error ? reason.message : String(reason) };
}

/** Whether something is damaged or lost, so that what lies beyond may still be whole. */
export function isDamage(reason: unknown): reason is SmaltiError {
  return reason instanceof SmaltiError && (reason.code === "CORRUPT" || reason.code === "OUT_OF_ORDER");
}

/** What is refused here, and the command that does it. */
export class Refusal extends Error {
  readonly command: string;

  constructor(message: string, command: string) {
    super(message);
    this.command = command;
  }
}

/** Stretches that were passed over, joined where they touch. */
export function joinGaps(gaps: readonly Gap[]): Gap[] {
  const joined: Gap[] = [];
  for (const gap of [...gaps].sort((a, b) => a.from - b.from)) {
    const last = joined.at(-1);
    if (last && gap.from <= last.to && gap.message === last.message) {
      joined[joined.length - 1] = { ...last, to: Math.max(last.to, gap.to) };
    } else {
      joined.push(gap);
    }
  }
  return joined;
}

/** An argument within bounds, or INVALID_ARGUMENT. */
export function checkWhole(value: unknown, name: string, least: number, most: number): number {
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most) {
    return value as number;
  }
  throw new SmaltiError(
    "INVALID_ARGUMENT",
    `${name} is ${String(value)}, wanted a whole number from ${least} to ${most}`,
  );
}

/** A window, or INVALID_ARGUMENT. */
export function checkWindow(
  { fromNs, toNs }: { fromNs: bigint; toNs: bigint },
): { fromNs: bigint; toNs: bigint } {
  if (typeof fromNs === "bigint" && typeof toNs === "bigint" && fromNs < toNs) return { fromNs, toNs };
  throw new SmaltiError(
    "INVALID_ARGUMENT",
    `The window is from ${fromNs} to ${toNs}, wanted its end after its start`,
  );
}
