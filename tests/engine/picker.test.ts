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
const MAX = 2n ** 63n - 1n;

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

/** A picker with runs of these times, each of a topic of its own, and its next rows. */
function pickerOf(engine: Required<Engine>, times: readonly (readonly number[])[]): RowPicker {
  const picker = engine.createPicker();
  times.forEach((of, run) => {
    picker.add(run, run, 0, BigInt64Array.from(of, BigInt), 0, of.length);
  });
  return picker;
}

/** The bytes of the picked numbers, one by one. */
function wantedBytes(
  width: number,
  arrays: readonly (Numbers | undefined)[],
  runs: Int32Array,
  rows: Int32Array,
): Uint8Array {
  const wanted = new Uint8Array(width * runs.length);
  for (let i = 0; i < runs.length; i++) {
    const array = arrays[runs[i]];
    if (!array) continue;
    const { buffer, byteOffset } = array;
    wanted.set(new Uint8Array(buffer, byteOffset + width * rows[i], width), width * i);
  }
  return wanted;
}

/** Some blocks of rows out of runs that come and go, with several columns each, beside a merger without picks. */
function playPicks(engine: Required<Engine>, js: Engine, random: Random): void {
  const reused = new Map<number, ArrayBuffer>();
  let taken = 0;
  const reuse = (bytes: number): ArrayBuffer => {
    const buffer = reused.get(++taken);
    if (buffer && buffer.byteLength >= bytes) return buffer;
    reused.set(taken, new ArrayBuffer(bytes + 8 * random.below(3)));
    return reused.get(taken)!;
  };
  const picker = engine.createPicker(random.oneIn(2) ? reuse : undefined);
  const merger = js.createMerger();
  const columns = Array.from({ length: 1 + random.below(4) }, () => random.pick(TYPES));
  const runCount = 1 + random.below(random.oneIn(5) ? 300 : 12);
  const timesOf: BigInt64Array[] = [];
  const arrays: (Numbers | undefined)[][] = columns.map(() => []);
  const step = random.pick([1, 5, 1000, 2 ** 33]);
  let [batches, nowNs] = [0, BigInt(random.below(2 ** 30))];
  const begin = (run: number) => {
    const rows = 1 + random.below(random.oneIn(8) ? 5000 : 50);
    let ns = nowNs + BigInt(random.below(100));
    timesOf[run] = BigInt64Array.from({ length: rows }, () => ns += BigInt(random.below(step)));
    columns.forEach((type, c) => {
      arrays[c][run] = random.oneIn(6) ? undefined : randomNumbers(random, type, rows);
    });
    const from = random.below(rows);
    const to = from + 1 + random.below(rows - from);
    for (const order of [picker, merger]) order.add(run, run % 5, batches, timesOf[run], from, to);
    batches++;
  };
  for (let run = 0; run < runCount; run++) begin(run);
  for (let block = 0; block < 12; block++) {
    taken = 0;
    const most = 1 + random.below(random.oneIn(2) ? 9000 : 60);
    const untilNs = random.oneIn(3) ? MAX : nowNs + BigInt(random.below(step * 40 + 100));
    expect(picker.head()).toBe(merger.head());
    const count = picker.fill(untilNs, most);
    const [runs, rows] = [new Int32Array(count), new Int32Array(count)];
    for (let at = 0; at < count;) {
      const more = merger.fill(untilNs, runs.subarray(at), rows.subarray(at));
      expect(more).toBeGreaterThan(0);
      at += more;
    }
    if (count === 0) expect(merger.fill(untilNs, new Int32Array(1), new Int32Array(1))).toBe(0);
    const first = random.below(count + 1);
    const length = random.below(count - first + 1);
    const [someRuns, someRows] = [runs, rows].map((list) => list.subarray(first, first + length));
    const used = [...new Set(someRuns)].sort((a, b) => a - b);
    expect(picker.used(first, length, runCount)).toEqual(used);
    const times = picker.pickTimes(first, length)!;
    expect(times).toEqual(BigInt64Array.from(someRuns, (run, i) => timesOf[run][someRows[i]]));
    const ofRun = Int32Array.from({ length: runCount }, (_, run) => 7 * run - 3);
    expect(picker.lookUp(first, length, ofRun)).toEqual(someRuns.map((run) => ofRun[run]));
    columns.forEach((type, column) => {
      const width = type.BYTES_PER_ELEMENT;
      const request = { first, count: length, used, column, width, arrays: arrays[column] };
      const picked = new Uint8Array(picker.pick(request)!, 0, width * length);
      const wanted = wantedBytes(width, arrays[column], someRuns, someRows);
      expect(picked).toEqual(wanted);
      // What was given out stays, whatever the engine does meanwhile.
      engine.crc32(new Uint8Array(random.below(100_000)));
      expect(picked).toEqual(wanted);
    });
    const found = picker.arrays();
    expect(found.runs.subarray(0, count)).toEqual(runs);
    expect(found.rows.subarray(0, count)).toEqual(rows);
    if (count > 0) nowNs = timesOf[runs[count - 1]][rows[count - 1]];
    for (const run of picker.exhausted) {
      picker.letGo(run);
      if (random.oneIn(2)) begin(run);
    }
  }
  picker.close();
  merger.close();
}

describe("A picker", () => {
  it("orders and picks what loops over the arrays do, of runs that come and go", async () => {
    const engine = await pickingEngine();
    const js = (await allEngines()).find(({ name }) => name === "js")!;
    const { cases, seed } = caseRange(150);
    for (let i = seed; i < seed + cases; i++) {
      try {
        playPicks(engine, js, new Random(i));
      } catch (reason) {
        throw failedCase(i, FILE, reason);
      }
    }
  });

  it("tells whether rows lie in long stretches", async () => {
    const engine = await pickingEngine();
    const count = (first: number, step: number, length: number) =>
      Array.from({ length }, (_, i) => first + step * i);
    const turns = pickerOf(engine, [count(0, 2, 500), count(1, 2, 500)]);
    expect([turns.fill(MAX, 1000), turns.hasStretches]).toEqual([1000, false]);
    const stretches = pickerOf(engine, [count(0, 1, 500), count(1000, 1, 500)]);
    expect([stretches.fill(MAX, 1000), stretches.hasStretches]).toEqual([1000, true]);
    for (const picker of [turns, stretches]) picker.close();
  });

  it("reads nothing but the run's own numbers", async () => {
    const picker = pickerOf(await pickingEngine(), [[0, 1, 2, 3], [0, 1, 2, 3]]);
    expect(picker.fill(MAX, 8)).toBe(8);
    const arrays = [Float64Array.of(1, 2), Float64Array.of(3, 4, 5)];
    const picked = picker.pick({ first: 0, count: 8, used: [0, 1], column: 0, width: 8, arrays });
    expect([...new Float64Array(picked!)]).toEqual([1, 3, 2, 4, 0, 5, 0, 0]);
    picker.close();
  });

  it("holds as much as all may together, and no more", async () => {
    const engine = await pickingEngine();
    const [one, other] = [pickerOf(engine, [[1, 2]]), pickerOf(engine, [[1, 2]])];
    for (const picker of [one, other]) expect(picker.fill(MAX, 2)).toBe(2);
    const arrays = [new Float64Array(40 * MIB / 8).fill(1)];
    const request = { first: 0, count: 1, used: [0], column: 0, width: 8, arrays };
    expect(new Float64Array(one.pick(request)!)).toEqual(Float64Array.of(1));
    expect(other.pick(request)).toBe(undefined);
    one.close();
    expect(new Float64Array(other.pick(request)!)).toEqual(Float64Array.of(1));
    other.close();
  });

  it("goes on without picks where the times find no room", async () => {
    const engine = await pickingEngine();
    const times = (first: number) => {
      const words = new Int32Array(6 * MIB);
      for (let i = 0; i < words.length; i += 2) words[i] = first + i;
      return new BigInt64Array(words.buffer);
    };
    const picker = engine.createPicker();
    picker.add(0, 0, 0, times(0), 0, 3 * MIB);
    picker.add(1, 1, 0, times(1), 0, 3 * MIB);
    expect(picker.fill(9n, 100)).toBe(10);
    expect(picker.pickTimes(0, 10)).toEqual(BigInt64Array.from({ length: 10 }, (_, i) => BigInt(i)));
    picker.add(2, 2, 0, times(0), 0, 3 * MIB);
    expect(picker.pickTimes(0, 10)).toBe(undefined);
    expect(picker.head()).toBe(0n);
    expect(picker.fill(11n, 100)).toBe(8);
    const { runs, rows } = picker.arrays();
    expect([...runs.subarray(0, 8)]).toEqual([2, 2, 2, 2, 2, 0, 2, 1]);
    expect([...rows.subarray(0, 8)]).toEqual([0, 1, 2, 3, 4, 5, 5, 5]);
    expect(picker.used(0, 8, 3)).toBe(undefined);
    picker.close();
  });

  it("gives nothing once it is closed", async () => {
    const picker = pickerOf(await pickingEngine(), [[1]]);
    picker.close();
    picker.close();
    picker.add(1, 1, 0, BigInt64Array.of(1n), 0, 1);
    expect(picker.head()).toBe(undefined);
    expect(picker.fill(MAX, 10)).toBe(0);
    expect(picker.used(0, 0, 1)).toBe(undefined);
  });
});
