/**
 * Picking rows in an engine, against a loop over the arrays.
 *
 * @module
 */
import { describe, expect, it } from "vitest";
import type { Engine, RowPicker } from "../../src/engine.ts";
import { allEngines } from "../support/engines.ts";
import { caseRange, failedCase, Random } from "../support/random_cases.ts";

const FILE = "tests/engine/picker.test.ts";
const MIB = 2 ** 20;

async function pickingEngine(): Promise<Required<Engine>> {
  const engine = (await allEngines()).find(({ createPicker }) => createPicker !== undefined)!;
  return engine as Required<Engine>;
}

type Numbers = Uint8Array | Uint16Array | Int32Array | Float64Array | BigInt64Array;
const TYPES = [Uint8Array, Uint16Array, Int32Array, Float64Array, BigInt64Array];

function randomNumbers(random: Random, type: (typeof TYPES)[number], length: number): Numbers {
  const numbers = new type(length);
  const bytes = new Uint8Array(numbers.buffer);
  for (let i = 0; i < bytes.length; i++) bytes[i] = random.below(256);
  return numbers;
}

/** The bytes of the picked numbers, one by one. */
function wantedBytes(
  width: number,
  arrays: readonly (Numbers | undefined)[],
  runs: Int32Array,
  rows: Int32Array,
  length: number,
): Uint8Array {
  const wanted = new Uint8Array(width * length);
  for (let i = 0; i < length; i++) {
    const array = arrays[runs[i]];
    if (!array) continue;
    const { buffer, byteOffset } = array;
    wanted.set(new Uint8Array(buffer, byteOffset + width * rows[i], width), width * i);
  }
  return wanted;
}

/** Some blocks of rows out of runs that come and go, with several columns each. */
function playPicks(engine: Engine, picker: RowPicker, random: Random): void {
  const columns = Array.from({ length: 1 + random.below(4) }, () => random.pick(TYPES));
  const runCount = 1 + random.below(random.oneIn(5) ? 300 : 12);
  const rowsOf: number[] = [];
  const arrays: (Numbers | undefined)[][] = columns.map(() => []);
  const begin = (run: number) => {
    rowsOf[run] = 1 + random.below(random.oneIn(8) ? 5000 : 50);
    columns.forEach((type, c) => {
      arrays[c][run] = random.oneIn(6) ? undefined : randomNumbers(random, type, rowsOf[run]);
    });
  };
  for (let run = 0; run < runCount; run++) begin(run);
  for (let block = 1 + random.below(4); block > 0; block--) {
    const length = 1 + random.below(600);
    const runs = Int32Array.from({ length: length + random.below(3) }, () => random.below(runCount));
    const rows = runs.map((run) => random.below(rowsOf[run]));
    const used = [...new Set(runs.subarray(0, length))].sort((a, b) => a - b);
    expect(picker.take(runs, rows, length, runCount)).toEqual(used);
    const ofRun = Int32Array.from({ length: runCount }, (_, run) => 7 * run - 3);
    expect(picker.lookUp(ofRun)).toEqual(runs.map((run) => ofRun[run]).subarray(0, length));
    columns.forEach((type, c) => {
      const width = type.BYTES_PER_ELEMENT;
      const picked = new Uint8Array(picker.pick(width, arrays[c])!);
      expect(picked).toEqual(wantedBytes(width, arrays[c], runs, rows, length));
      // What was given out stays, whatever the engine does meanwhile.
      engine.crc32(new Uint8Array(random.below(100_000)));
      expect(picked).toEqual(wantedBytes(width, arrays[c], runs, rows, length));
    });
    for (let run = 0; run < runCount; run++) {
      if (!random.oneIn(3)) continue;
      picker.letGo(run);
      begin(run);
    }
  }
}

describe("A picker", () => {
  it("picks what a loop over the arrays does, of runs that come and go", async () => {
    const engine = await pickingEngine();
    const { cases, seed } = caseRange(150);
    for (let i = seed; i < seed + cases; i++) {
      const picker = engine.createPicker();
      try {
        playPicks(engine, picker, new Random(i));
      } catch (reason) {
        throw failedCase(i, FILE, reason);
      } finally {
        picker.close();
      }
    }
  });

  it("keeps the rows it took for itself", async () => {
    const picker = (await pickingEngine()).createPicker();
    const [runs, rows] = [new Int32Array(200), Int32Array.from({ length: 200 }, (_, i) => 199 - i)];
    expect(picker.take(runs, rows, 200, 1)).toEqual([0]);
    rows.fill(0);
    const numbers = Float64Array.from({ length: 200 }, (_, i) => i / 3);
    expect(new Float64Array(picker.pick(8, [numbers])!)).toEqual(numbers.toReversed());
    picker.close();
  });

  it("reads nothing but the run's own numbers", async () => {
    const picker = (await pickingEngine()).createPicker();
    picker.take(Int32Array.of(0, 0, 0, 0, 1, 1), Int32Array.of(0, 2, -1, 2 ** 30, 0, 3), 6, 2);
    const arrays = [Float64Array.of(1, 2), Float64Array.of(3, 4, 5)];
    expect([...new Float64Array(picker.pick(8, arrays)!)]).toEqual([1, 0, 0, 0, 3, 0]);
    picker.close();
  });

  it("holds as much as all may together, and no more", async () => {
    const engine = await pickingEngine();
    const [one, other] = [engine.createPicker(), engine.createPicker()];
    const large = new Float64Array(40 * MIB / 8).fill(1);
    for (const picker of [one, other]) picker.take(Int32Array.of(0), Int32Array.of(5), 1, 1);
    expect(new Float64Array(one.pick(8, [large])!)).toEqual(Float64Array.of(1));
    expect(other.pick(8, [large])).toBe(undefined);
    one.close();
    other.take(Int32Array.of(0), Int32Array.of(5), 1, 1);
    expect(new Float64Array(other.pick(8, [large])!)).toEqual(Float64Array.of(1));
    other.close();
  });

  it("takes nothing once it is closed", async () => {
    const picker = (await pickingEngine()).createPicker();
    picker.close();
    picker.close();
    expect(picker.take(Int32Array.of(0), Int32Array.of(0), 1, 1)).toBe(undefined);
  });
});
