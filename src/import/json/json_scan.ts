/**
 * Where values lie in JSON, as bytes: a number keeps all its digits there, and a message stays as it was written.
 *
 * @module
 */

import { decodeText } from "../text.ts";

/** A value of a JSON text: its bytes from `start` up to `end`. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a];
const [BRACE, BRACE_END, BRACKET, BRACKET_END] = [0x7b, 0x7d, 0x5b, 0x5d];

/** The text of a span, as it is; undefined where it is no UTF-8. */
export function textAt(bytes: Uint8Array, { start, end }: Span): string | undefined {
  return decodeText(bytes.subarray(start, end));
}

/**
 * The members of the object that is all of a span, but for spaces around it; undefined where there is none. Of equal keys
 * the last wins, as in JSON.parse. What values and keys are made of is looked at no further than it takes to find their
 * ends: they are JSON where all of it is, or where each of them is.
 */
export function membersOf(
  bytes: Uint8Array,
  span: Span = { start: 0, end: bytes.length },
): Map<string, Span> | undefined {
  const { end } = span;
  let at = skipSpace(bytes, span.start, end);
  if (at >= end || bytes[at] !== BRACE) return undefined;
  const members = new Map<string, Span>();
  at = skipSpace(bytes, at + 1, end);
  if (at < end && bytes[at] === BRACE_END) {
    return skipSpace(bytes, at + 1, end) === end ? members : undefined;
  }
  for (;;) {
    if (at >= end || bytes[at] !== QUOTE) return undefined;
    const keyEnd = endOfString(bytes, at, end);
    const key = keyAt(bytes, at, keyEnd);
    at = skipSpace(bytes, keyEnd, end);
    if (key === undefined || at >= end || bytes[at] !== COLON) return undefined;
    const start = skipSpace(bytes, at + 1, end);
    const valueEnd = endOfValue(bytes, start, end);
    if (valueEnd === start) return undefined;
    members.set(key, { start, end: valueEnd });
    at = skipSpace(bytes, valueEnd, end);
    if (at >= end) return undefined;
    if (bytes[at] === BRACE_END) return skipSpace(bytes, at + 1, end) === end ? members : undefined;
    if (bytes[at] !== COMMA) return undefined;
    at = skipSpace(bytes, at + 1, end);
  }
}

function keyAt(bytes: Uint8Array, start: number, end: number): string | undefined {
  try {
    return JSON.parse(textAt(bytes, { start, end }) ?? "") as string;
  } catch {
    return undefined;
  }
}

function skipSpace(bytes: Uint8Array, at: number, end: number): number {
  while (at < end && isSpace(bytes[at])) at++;
  return at;
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** Past the closing quote of the string that begins here. */
function endOfString(bytes: Uint8Array, at: number, end: number): number {
  for (at++; at < end; at++) {
    if (bytes[at] === BACKSLASH) at++;
    else if (bytes[at] === QUOTE) return at + 1;
  }
  return end;
}

/** Past the value that begins here; here where none does. */
function endOfValue(bytes: Uint8Array, at: number, end: number): number {
  let depth = 0;
  for (; at < end; at++) {
    switch (bytes[at]) {
      case QUOTE:
        at = endOfString(bytes, at, end) - 1;
        break;
      case BRACE:
      case BRACKET:
        depth++;
        continue;
      case BRACE_END:
      case BRACKET_END:
        if (depth === 0) return at;
        depth--;
        break;
      case COMMA:
      case COLON:
        if (depth === 0) return at;
        continue;
      default:
        if (depth > 0) continue;
        while (at + 1 < end && !endsToken(bytes[at + 1])) at++;
    }
    if (depth === 0) return at + 1;
  }
  return end;
}

/** Whether a byte ends a number, `true`, `false` or `null`. */
function endsToken(byte: number): boolean {
  return byte === COMMA || byte === BRACE_END || byte === BRACKET_END || isSpace(byte);
}
