import process from "node:process";
import { describe, expect, it } from "vitest";
import { describeFailure } from "./failure.ts";
import { runCase } from "./model.ts";

const { SMALTI_CASES, SMALTI_SEED } = process.env;
/** How many cases each of the tests runs. */
const CASES = Number(SMALTI_CASES ?? 500);
/** Of the first case; the next have the seeds that follow. */
const SEED = Number(SMALTI_SEED ?? 1);

/** Seeds that found something, with what that was. */
const FOUND: Readonly<Record<string, number>> = {
  "given up and finalized in one breath": 41,
  "given up by removal and finalized in one breath": 857,
  "followed while a file is compacted": 332,
  "followed after a loss of power, by a checkpoint of what was not synced": 662,
  "removed and made anew while followed": 752,
  "a session removed after its rows were followed": 36,
  "a session removed while its file is opened": 1016,
  "removed while its rows are followed": 1868,
  "another session begun while the last is removed": 960,
  "a removal that fails in one place": 100_509,
  "an end that fails in one topic": 105_725,
  "a pause that is told after newer rows were written": 313_215,
  "a commit that was done and told to have failed, then removed": 312_662,
  "a topic's name taken after its session was removed, while nobody looks": 20_024_786,
  "the same, with a pause": 20_109_481,
  "a flush that takes minutes": 20_009_411,
  "removed by two processes at once": 20_017_320,
  "two sessions recovered at once, whose topics were followed": 50_005_137,
};

describe("The life cycles of sequences", () => {
  for (const [what, seed] of Object.entries(FOUND)) {
    it(`keep what was promised: ${what}`, () => expectSound(seed));
  }

  for (let part = 0; part < (SMALTI_CASES ? 1 : 4); part++) {
    const first = SEED + part * CASES;
    it(`keep what was promised in ${CASES} random cases from ${first} on`, async () => {
      for (let seed = first; seed < first + CASES; seed++) await expectSound(seed);
    }, 60_000 + 20 * CASES);
  }

  it("are the same for the same seed", async () => {
    const hashes = async () => {
      const all: number[] = [];
      for (let seed = 0; seed < 20; seed++) all.push((await runCase(seed)).hash);
      return all;
    };
    expect(await hashes()).toEqual(await hashes());
  });

  it("are found wanting where a store forgets what it synced", async () => {
    const kinds = new Set<string>();
    for (let seed = 0; seed < 400; seed++) {
      for (const failure of (await runCase(seed, { forgetsSyncs: true })).failures) {
        kinds.add(failure.split(":")[0]);
      }
    }
    expect([...kinds]).toContain("lost");
  });
});

async function expectSound(seed: number): Promise<void> {
  const { failures } = await runCase(seed);
  if (failures.length > 0) throw new Error(await describeFailure(seed));
}
