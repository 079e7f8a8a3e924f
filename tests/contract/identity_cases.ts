/**
 * Random cases that hold engines to one outcome: the order that a sort of everything gives, the same bytes back, the same
 * layouts, the same errors. A case takes well under a millisecond, so that a million can be run.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { decodeFrame } from "../../src/engine/batch_message.ts";
import type { BatchLayout, Engine, Merger } from "../../src/engine.ts";
import { sameBytes } from "../support/bytes.ts";
import { outcomeOf, Random } from "../support/random_cases.ts";

const MIN = -(2n ** 63n);
const MAX = 2n ** 63n - 1n;

/** A sorted run, of which a merge sees a range. */
interface Run {
  topic: number;
  batch: number;
  times: BigInt64Array;
  from: number;
  to: number;
}

/** Rows in order: place of the run, row, time. */
interface Order {
  length: number;
  runs: Int32Array;
  rows: Int32Array;
  times: BigInt64Array;
}

/** Runs one case on every engine; throws where one differs from the others or from what is right. */
export function checkCase(engines: readonly Engine[], seed: number): void {
  const random = new Random(seed);
  const kind = random.below(10);
  if (kind === 0) return checkCodecs(engines, random);
  if (kind === 1) return checkParsing(engines, random);
  const runs = anyRuns(random);
  const order = sortAll(runs);
  const script = random.below(2 ** 31);
  for (const engine of engines) {
    try {
      playMerge(engine.createMerger(), runs, order, new Random(script));
    } catch (reason) {
      throw new Error(`engine ${engine.name}: ${(reason as Error).message}\n${runsText(runs)}`, {
        cause: reason,
      });
    }
  }
}

function anyCount(random: Random): number {
  const kind = random.below(200);
  if (kind === 0) return 1 + random.below(1000);
  if (kind < 10) return 1 + random.below(64);
  return 1 + random.below(kind < 70 ? 12 : 4);
}

const BASES = [0n, 0n, -1000n, 1_700_000_000_000_000_000n, MIN, MAX, -(2n ** 32n), 2n ** 31n, 2n ** 32n];
const SPREADS = [1n, 3n, 20n, 1000n, 10n ** 9n, 2n ** 33n, 2n ** 53n, 2n ** 62n];
const STEPS = [0n, 1n, 1n, 2n, 3n, 10n, 1000n, 10n ** 6n, 10n ** 9n, 2n ** 33n, 2n ** 53n, 2n ** 60n];

function anyRuns(random: Random): Run[] {
  const count = anyCount(random);
  const most = count > 12 ? 8 : random.oneIn(100) ? 3000 : random.pick([1, 8, 40, 100]);
  const [base, spread, step] = [random.pick(BASES), random.pick(SPREADS), random.pick(STEPS)];
  const mixed = random.oneIn(3);
  const perTopic = random.pick([1, 1, 2, 5, count]);
  const scale = random.pick([1, 1, 7919]);
  const places = random.shuffle(Array.from({ length: count }, (_, i) => i));
  return places.map((place) => {
    const length = random.below(most + 1);
    const times = anyTimes(random, length, base, spread, mixed ? random.pick(STEPS) : step);
    let [from, to] = [0, length];
    if (length > 0 && random.oneIn(4)) {
      from = random.below(length);
      to = from + 1 + random.below(length - from);
    }
    return {
      topic: scale * Math.floor(place / perTopic),
      batch: scale * (place % perTopic),
      times,
      from,
      to,
    };
  });
}

/** Times that never fall; where they leave int64 they stay at its end, as a tie. */
function anyTimes(random: Random, length: number, base: bigint, spread: bigint, step: bigint): BigInt64Array {
  const times = new BigInt64Array(length);
  const part = (of: bigint) => (of * BigInt(random.below(2 ** 20 + 1))) >> 20n;
  let time = base + part(spread);
  for (let i = 0; i < length; i++) {
    times[i] = time > MAX ? MAX : time < MIN ? MIN : time;
    if (!random.oneIn(4)) time += random.oneIn(8) ? step : part(step);
  }
  return times;
}

/** The order by the rule itself: time, topic, batch, row. */
function sortAll(runs: readonly Run[]): Order {
  const all: { run: number; row: number; time: bigint }[] = [];
  for (const [run, { times, from, to }] of runs.entries()) {
    for (let row = from; row < to; row++) all.push({ run, row, time: times[row] });
  }
  all.sort((a, b) => {
    if (a.time !== b.time) return a.time < b.time ? -1 : 1;
    const [one, other] = [runs[a.run], runs[b.run]];
    return one.topic - other.topic || one.batch - other.batch || a.row - b.row;
  });
  return {
    length: all.length,
    runs: Int32Array.from(all, ({ run }) => run),
    rows: Int32Array.from(all, ({ row }) => row),
    times: BigInt64Array.from(all, ({ time }) => time),
  };
}

const CAPACITIES = [1, 2, 7, 15, 16, 17, 33, 64, 100, 1000, 4096, 4096, 20_000];
/** Blocks to fill; kept, since new ones would take longer than most cases. */
const blocks = { runs: new Int32Array(20_000), rows: new Int32Array(20_000) };

/** One merge as readers do it: runs added early or when the order reaches them, filled in steps, perhaps given up. */
function playMerge(merger: Merger, runs: readonly Run[], order: Order, random: Random): void {
  const play = new MergePlay(merger, runs, order, random);
  const present = runs.flatMap((run, i) => run.from < run.to ? [i] : []);
  for (const i of runs.keys()) if (runs[i].from >= runs[i].to) play.addNothing(i);
  const early = random.oneIn(3);
  if (early) random.shuffle(present);
  else {
    const first = (i: number) => runs[i].times[runs[i].from];
    present.sort((a, b) => first(a) < first(b) ? -1 : first(a) > first(b) ? 1 : 0);
  }
  for (const i of present) {
    // Up to just before a run begins, any rows may be given out before it is added.
    const horizon = runs[i].times[runs[i].from] - 1n;
    if (!early) {
      for (let fills = random.below(3); fills > 0; fills--) {
        play.fill(random.oneIn(4) ? horizon - 1n : horizon);
      }
    }
    play.add(i);
    if (random.oneIn(50)) return play.close();
  }
  const giveUp = random.oneIn(10);
  while (play.at < order.length) {
    if (giveUp && random.oneIn(4)) return play.close();
    const until = order.times[play.at + random.below(order.length - play.at)];
    play.fill(random.pick([MAX, MAX, 2n * MAX, until, until - 1n, MIN - 1n]));
  }
  play.fill(MAX);
  play.close();
}

class MergePlay {
  /** How many rows were given out. */
  at = 0;
  readonly #merger: Merger;
  readonly #runs: readonly Run[];
  readonly #order: Order;
  readonly #random: Random;
  readonly #added: Uint8Array;
  readonly #left: Int32Array;
  /** The run of each id; ids are used again, as readers do. */
  readonly #runOf: number[] = [];
  readonly #free: number[] = [];

  constructor(merger: Merger, runs: readonly Run[], order: Order, random: Random) {
    this.#merger = merger;
    this.#runs = runs;
    this.#order = order;
    this.#random = random;
    this.#added = new Uint8Array(runs.length);
    this.#left = Int32Array.from(runs, ({ from, to }) => to - from);
  }

  add(run: number): void {
    const { topic, batch, times, from, to } = this.#runs[run];
    const id = this.#free.pop() ?? this.#runOf.length;
    this.#runOf[id] = run;
    this.#merger.add(id, topic, batch, times, from, to);
    this.#added[run] = 1;
  }

  /** An empty run is refused, in these words. */
  addNothing(run: number): void {
    const { times, from, to } = this.#runs[run];
    let text = "nothing";
    try {
      this.#merger.add(0, 0, 0, times, from, to);
    } catch (error) {
      text = `${(error as Error).name}: ${(error as Error).message}`;
    }
    same(text, `RangeError: Cannot add rows ${from} to ${to} of a run of ${times.length} rows`, "empty run");
  }

  fill(until: bigint): void {
    const { length, runs, rows, times } = this.#order;
    same(this.#merger.head(), this.#head(), "head");
    const capacity = this.#random.pick(CAPACITIES);
    const [ids, places] = [
      blocks.runs.subarray(0, capacity),
      blocks.rows.subarray(0, capacity + this.#random.below(2)),
    ];
    const count = this.#merger.fill(until, ids, places);
    if (count > capacity) throw new Error(`fill gave ${count} rows into room for ${capacity}`);
    const due = this.at < length && times[this.at] <= until;
    same(count > 0, due, `fill up to ${until} at row ${this.at} gave rows`);
    const ended = new Set<number>();
    for (let i = 0; i < count; i++, this.at++) {
      if (this.at >= length) throw new Error(`row ${this.at}: wanted no more than ${length}`);
      const run = this.#runOf[ids[i]];
      if (run !== runs[this.at] || places[i] !== rows[this.at] || times[this.at] > until) {
        const wanted = `run ${runs[this.at]} row ${rows[this.at]} at ${times[this.at]}`;
        throw new Error(`row ${this.at}, until ${until}: run ${run} row ${places[i]}, wanted ${wanted}`);
      }
      if (--this.#left[run] === 0) ended.add(ids[i]);
    }
    const { exhausted } = this.#merger;
    const right = exhausted.length === ended.size && exhausted.every((id) => ended.has(id));
    if (!right) throw new Error(`row ${this.at}: exhausted is ${exhausted}, wanted ${[...ended]}`);
    this.#free.push(...exhausted);
  }

  /** After it there is nothing, whatever was left. */
  close(): void {
    this.#merger.close();
    if (this.#random.oneIn(2)) this.#merger.close();
    if (this.#random.oneIn(2)) this.#merger.add(0, 0, 0, BigInt64Array.of(1n), 0, 1);
    same(this.#merger.head(), undefined, "head when closed");
    same(this.#merger.fill(MAX, blocks.runs, blocks.rows), 0, "fill when closed");
    same(this.#merger.exhausted.length, 0, "exhausted when closed");
  }

  /** The smallest time that is left in a run that was added. */
  #head(): bigint | undefined {
    const { length, runs, times } = this.#order;
    for (let i = this.at; i < length; i++) if (this.#added[runs[i]] === 1) return times[i];
    return undefined;
  }
}

function same(got: unknown, wanted: unknown, what: string): void {
  if (got !== wanted) throw new Error(`${what}: ${got}, wanted ${wanted}`);
}

function runsText(runs: readonly Run[]): string {
  const text = runs.map(({ topic, batch, times, from, to }) =>
    `${topic}/${batch} ${from}..${to} of [${times}]`
  ).join("\n");
  return text.length > 4000 ? `${text.slice(0, 4000)}...` : text;
}

/** Compresses, damages, decompresses. Engines write frames of their own, and read each other's. */
function checkCodecs(engines: readonly Engine[], random: Random): void {
  const raw = anyBytes(random);
  for (const engine of engines) same(engine.crc32(raw), engines[0].crc32(raw), "crc32");
  for (const writer of engines) {
    const frame = writer.compress(raw)?.slice();
    if (!frame) continue;
    if (frame.length > 0.75 * raw.length) {
      throw new Error(`engine ${writer.name} saves too little: ${frame.length} of ${raw.length} bytes`);
    }
    for (const reader of engines) {
      const back = reader.decompress("lz4", frame, raw.length);
      if (!sameBytes(back, raw)) {
        throw new Error(`engine ${reader.name}: other bytes back from engine ${writer.name}`);
      }
    }
    for (let round = 0; round < 3; round++) checkDamaged(engines, random, frame, raw.length, round === 0);
  }
}

/** One outcome of a frame that is cut or changed. */
function checkDamaged(
  engines: readonly Engine[],
  random: Random,
  frame: Uint8Array,
  rawLength: number,
  cut: boolean,
): void {
  const bytes = cut ? frame.slice(0, random.below(frame.length)) : damage(random, frame, frame.length);
  const length = random.oneIn(4) ? random.pick([0, rawLength - 1, rawLength + 1, 2 ** 53]) : rawLength;
  const [first, ...others] = engines.map((engine) =>
    outcomeOf(() => engine.decompress("lz4", bytes, length))
  );
  for (const other of others) {
    if (typeof other === "string" || typeof first === "string") same(other, first, `frame ${[...bytes]}`);
    else if (!sameBytes(other, first)) throw new Error(`other bytes from the frame ${[...bytes]}`);
  }
}

/** Runs, repeats from near and far, noise. */
function anyBytes(random: Random): Uint8Array {
  const out = new Uint8Array(random.below(random.oneIn(50) ? 200_000 : random.pick([40, 600, 2000])));
  const noise = random.below(8);
  for (let at = 0; at < out.length;) {
    const piece = Math.min(out.length - at, 1 + random.below(1 + random.below(300)));
    const kind = random.below(12);
    if (kind < noise || at === 0) { for (let i = 0; i < piece; i++) out[at + i] = random.below(256); }
    else if (kind < noise + 2) out.fill(random.below(256), at, at + piece);
    else {
      const distance = 1 + random.below(Math.min(at, 1 + random.below(100_000)));
      for (let i = 0; i < piece; i++) out[at + i] = out[at + i - distance];
    }
    at += piece;
  }
  return out;
}

/** Some of the first `within` bytes changed. */
function damage(random: Random, bytes: Uint8Array, within: number): Uint8Array {
  const copy = bytes.slice();
  for (let changes = 1 + random.below(3); changes > 0; changes--) {
    const at = random.below(within);
    if (random.oneIn(2)) copy[at] ^= 1 << random.below(8);
    else if (random.oneIn(2) || at + 4 > copy.length) copy[at] = random.below(256);
    else {new DataView(copy.buffer).setUint32(
        at,
        random.pick([0, 1, 4, 8, 0xff, 0x7fffffff, 2 ** 31, 2 ** 32 - 1]),
        true,
      );}
  }
  return copy;
}

const FILES = ["sealed", "unmarked", "dictionary", "view", "zstd"];
let messages: { bytes: Uint8Array; head: number }[] | undefined;

/** Parses messages with damaged heads. */
function checkParsing(engines: readonly Engine[], random: Random): void {
  messages ??= FILES.map((name) => {
    const file = new URL(`../fixtures/engine/${name}.arrow`, import.meta.url);
    const bytes = Uint8Array.from(readFileSync(file));
    return { bytes, head: decodeFrame(bytes)!.headBytes };
  });
  const { bytes, head } = random.pick(messages);
  for (let round = 0; round < 8; round++) {
    const cut = random.oneIn(8);
    const message = cut ? bytes.slice(0, random.below(bytes.length)) : damage(random, bytes, head);
    const outcomes = engines.map((engine) => outcomeOf(() => layoutText(engine.parseBatch(message))));
    for (const outcome of outcomes) same(outcome, outcomes[0], `message ${[...message]}`);
  }
}

/** A layout as text. */
function layoutText(layout: BatchLayout): string {
  const { rows, codec, nodes, buffers, variadic, metadata, dictionary } = layout;
  const pairs = JSON.stringify([...metadata]);
  const id = dictionary ? `${dictionary.id},${dictionary.isDelta}` : "none";
  return [rows, codec, nodes.join(), buffers.join(), variadic.join(), pairs, id].join("|");
}
