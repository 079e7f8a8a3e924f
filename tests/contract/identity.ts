/**
 * What shows that engines are one and the same but for their speed: random cases, any number of them.
 *
 * @module
 */
import type { Engine } from "../../src/engine.ts";
import { checkCase } from "./identity_cases.ts";
import { checkRecording } from "./identity_recordings.ts";
import { type CaseRange, failedCase } from "../support/random_cases.ts";

/** One case in so many also records, stores and replays, which takes a hundred times as long. */
const RECORDED = 50;

/** Runs cases; rejects at the first difference, with how to see it again. */
export async function checkIdentity(
  engines: readonly Engine[],
  { cases, seed }: CaseRange,
  onCase: (done: number) => void = () => {},
): Promise<void> {
  for (let i = 0; i < cases; i++) {
    try {
      checkCase(engines, seed + i);
      if (i % RECORDED === 0) await checkRecording(engines, seed + i);
    } catch (reason) {
      throw failedCase(seed + i, "tests/engine/identity.test.ts", reason);
    }
    onCase(i + 1);
  }
}
