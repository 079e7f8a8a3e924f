import { expect } from "vitest";
import type { ErrorCode } from "../../src/error.ts";
import { SmaltiError } from "../../src/error.ts";

/** What a call throws or rejects with; fails where it does neither. */
export async function thrownBy(call: () => unknown): Promise<unknown> {
  let result: unknown;
  try {
    result = await call();
  } catch (reason) {
    return reason;
  }
  throw new Error(`Nothing was thrown, but returned: ${String(result)}`);
}

/** Expects a SmaltiError with a code and all of the texts; gives it. */
export async function expectError(
  call: () => unknown,
  code: ErrorCode,
  ...texts: (string | RegExp)[]
): Promise<SmaltiError> {
  const reason = await thrownBy(call);
  if (!(reason instanceof SmaltiError)) throw reason;
  expect([reason.code, reason.message]).toEqual([code, reason.message]);
  for (const text of texts) expect(reason.message).toMatch(text);
  return reason;
}
