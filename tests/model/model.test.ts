import { describe, expect, it } from "vitest";
import { describeFailure } from "./failure.ts";
import { runCase } from "./model.ts";

/** Of the first case; the next have the seeds that follow. */
const SEED = Number(globalThis.process?.env.SMALTI_SEED ?? 1);
const CASES = Number(globalThis.process?.env.SMALTI_CASES ?? 2000);

/** Seeds that once found something, with what they found. */
const FOUND: Record<string, number> = {};

describe("The life cycles of sequences", () => {
  for (const [what, seed] of Object.entries(FOUND)) {
    it(`${what} (seed ${seed})`, async () => expectSound(seed));
  }

  it("keep what was promised in random cases", async () => {
    for (let i = 0; i < CASES; i++) await expectSound(SEED + i);
  }, 60_000 + 15 * CASES);

  it("are the same for the same seed", async () => {
    const hashes = async () => {
      const all: number[] = [];
      for (let seed = 0; seed < 20; seed++) {
        all.push((await runCase(seed)).hash);
      }
      return all;
    };
    expect(await hashes()).toEqual(await hashes());
  });
});

async function expectSound(seed: number): Promise<void> {
  const { failures } = await runCase(seed);
  if (failures.length > 0) throw new Error(await describeFailure(seed));
}
