/**
 * Recordings with random rows, and the same rows as plain values, which owe nothing to the code under test.
 *
 * @module
 */
import { bool, type Client, defineOntology, float32, float64, int64, optional, utf8 } from "../../../mod.ts";
import type { Engine } from "../../../src/engine.ts";
import { MemoryStore } from "../../../src/store/memory.ts";
import { clientWith } from "../../support/engines.ts";
import { keepingBatches } from "../../support/keeping_batches.ts";
import type { Random } from "../../support/random_cases.ts";

/** What the topics hold. */
export const Probe = defineOntology("Probe", {
  x: float64({ unit: "m" }),
  f: optional(float32()),
  n: optional(int64()),
  flag: bool(),
  mode: utf8(),
});

/** A message. */
export interface ProbeRow {
  readonly ns: bigint;
  readonly data: {
    x: number;
    f?: number;
    n?: bigint;
    flag: boolean;
    mode: string;
  };
}

/** Rows of a topic, batch by batch in the order of pushing. */
export type ProbeBatches = readonly (readonly ProbeRow[])[];

/** Names of the topics. */
export const [FIRST, SECOND] = ["probe", "other/x-1"];
/** When recordings begin: far from zero, so that float64 does not hold the times. */
export const START = 1_700_000_000_123_456_789n;

/** Rows in the strict order. */
export function inOrder(batches: ProbeBatches): ProbeRow[] {
  return batches.flat().sort((a, b) => a.ns < b.ns ? -1 : a.ns > b.ns ? 1 : 0);
}

/** A value of a row as float64; NaN where it is missing. */
export function numberOf(
  { data }: ProbeRow,
  field: "x" | "f" | "n" | "flag",
): number {
  const value = data[field];
  return value === undefined ? NaN : Number(value);
}

/** Seconds from the recording's start, as exactly as float64 can. */
export function secondsFrom(startNs: bigint, ns: bigint): number {
  return Number(ns - startNs) / 1e9;
}

/** Batches with ties, rows that come late, missing values and odd ones. */
export function randomBatches(
  random: Random,
  sizes: readonly number[] = [0, 1, 5, 60, 700, 1500],
): ProbeBatches {
  const step = random.pick([1, 1000, 20_000_000]);
  const odd = random.pick([10, 200]);
  let now = random.below(1000);
  let [flag, mode] = [false, "idle"];
  return Array.from({ length: 1 + random.below(5) }, () => {
    if (random.oneIn(4)) now -= random.below(300 * step);
    return Array.from({ length: random.pick(sizes) }, (): ProbeRow => {
      now += random.below(step + 1);
      if (random.oneIn(20)) flag = !flag;
      if (random.oneIn(30)) mode = random.pick(["idle", "climb", "cruise"]);
      const number = () => random.oneIn(odd) ? random.pick([NaN, -0, 0, 1e9]) : random.below(4000) / 4 - 500;
      return {
        ns: START + BigInt(now),
        data: {
          x: number(),
          ...(!random.oneIn(3) && { f: number() }),
          ...(!random.oneIn(3) && { n: BigInt(random.below(2000) - 1000) }),
          flag,
          mode,
        },
      };
    });
  });
}

/** Records topics, each batch flushed by itself; in memory, with an engine. */
export async function recorded(
  engine: Engine,
  topics: Readonly<Record<string, ProbeBatches>>,
  store: MemoryStore = new MemoryStore(),
): Promise<Client> {
  const client = clientWith(engine, keepingBatches(store));
  await client.sequenceCreate("s", { autoFlush: false }, async (sequence) => {
    for (const [name, batches] of Object.entries(topics)) {
      const topic = await sequence.topicCreate(name, { ontology: Probe });
      for (const rows of batches) {
        for (const { ns, data } of rows) {
          await topic.push({ timestampNs: ns, data });
        }
        await topic.flush();
      }
    }
  });
  return client;
}
