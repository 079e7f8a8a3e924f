import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Client,
  connect,
  defineOntology,
  float64,
  GPS,
  int64,
  list,
  optional,
  type QueryExpression,
  type QueryRequest,
  sequenceQ,
  Temperature,
  topicQ,
  utf8,
} from "../../mod.ts";
import { createServer } from "../../src/flight/server/mod.ts";

const Probe = defineOntology("Probe", {
  count: int64(),
  label: optional(utf8()),
  levels: list(float64()),
});

async function record(client: Client): Promise<void> {
  for (const [name, x] of [["drive_01", 44], ["drive_02", 46]] as const) {
    const metadata = { vehicle: { id: `v${x}`, year: 2000 + x }, wheels: [4, x], owner: null };
    await client.sequenceCreate(name, { metadata }, async (sequence) => {
      const gps = await sequence.topicCreate("gps/front", { ontology: GPS, metadata: { rate_hz: x } });
      for (let i = 0; i < 10; i++) {
        await gps.push({ timestampNs: BigInt(i), data: { position: { x: x + i / 10, y: 9 - i, z: 0 } } });
      }
      const temp = await sequence.topicCreate("temp", { ontology: Temperature });
      await temp.push({ timestampNs: 5n, data: { value: x } });
    });
  }
  await client.sequenceCreate("bench", {}, async (sequence) => {
    const probe = await sequence.topicCreate("probe", { ontology: Probe });
    await probe.push({ timestampNs: 1n, data: { count: 1_700_000_000_000_000_001n, levels: [1, 5] } });
    await probe.push({ timestampNs: 2n, data: { count: 2n ** 63n - 1n, label: "hot", levels: [] } });
  });
}

/** Runs `body` with the recordings at hand, and once more with them behind a server. */
function both(body: (client: Client) => Promise<void>): () => Promise<void> {
  return async () => {
    await using store = await connect("memory:");
    await record(store);
    await body(store);
    await using server = await createServer(store, { port: 0 });
    await using client = await connect(server.url);
    await body(client);
  };
}

async function found(client: Client, request: QueryRequest): Promise<string[]> {
  const hits = await client.query(request);
  return hits.flatMap(({ sequence, topics }) => topics.map(({ name }) => `${sequence}/${name}`));
}

async function reasonOf(action: () => Promise<unknown>): Promise<Error> {
  try {
    await action();
  } catch (reason) {
    return reason as Error;
  }
  throw new Error("it did not fail");
}

const { x, y } = GPS.q.position;
const both46 = ["drive_02/gps/front", "drive_02/temp"];
const fronts = ["drive_01/gps/front", "drive_02/gps/front"];
const cases: [what: string, request: QueryRequest, found: string[]][] = [
  ["nothing for nothing", {}, []],
  ["a field", { ontology: x.gt(45) }, ["drive_02/gps/front"]],
  ["one row for all of it", { ontology: x.geq(44.5).and(y.geq(9)) }, ["drive_02/gps/front"]],
  ["a range on one path", { ontology: x.geq(44.85).and(x.leq(44.95)) }, ["drive_01/gps/front"]],
  ["open ends on one path", { ontology: x.gt(44.8).and(x.lt(45)) }, ["drive_01/gps/front"]],
  ["an empty range", { ontology: x.geq(45).and(x.leq(44)) }, []],
  ["either", { ontology: x.lt(44.05).or(x.gt(46.85)) }, fronts],
  ["not", { ontology: x.gt(45).not() }, ["drive_01/gps/front"]],
  ["not of both", { ontology: x.lt(46.9).and(y.gt(-5)).not() }, ["drive_02/gps/front"]],
  ["not of either", { ontology: x.lt(44.9).or(x.gt(46)).not() }, fronts],
  ["a time", { ontology: GPS.q.timestampNs.eq(9n).and(y.eq(0)) }, fronts],
  ["several ontologies", { ontology: x.gt(45).and(Temperature.q.value.gt(0)) }, both46],
  ["a name", { sequence: sequenceQ.name.eq("drive_02") }, both46],
  ["names", { sequence: sequenceQ.name.in(["drive_02", "other"]) }, both46],
  ["no such names", { sequence: sequenceQ.name.in(["drive_01", "bench"]).not() }, both46],
  ["a pattern", { sequence: sequenceQ.name.match("*_0[2-9]") }, both46],
  [
    "not a pattern",
    { sequence: sequenceQ.name.match("drive_01").not(), topic: topicQ.name.neq("probe") },
    both46,
  ],
  ["a topic's name", { topic: topicQ.name.eq("gps/front") }, fronts],
  ["a topic's name with its slash", { topic: topicQ.name.eq("/gps/front") }, fronts],
  ["topics by pattern", { topic: topicQ.name.match("gps/*") }, fronts],
  ["topics by tag", { topic: topicQ.ontologyTag.eq("Probe") }, ["bench/probe"]],
  ["metadata", { sequence: sequenceQ.metadata("vehicle.id").eq("v46") }, both46],
  ["metadata twice", {
    sequence: sequenceQ.metadata("vehicle.year").gt(2044).and(sequenceQ.metadata("vehicle.id").match("v*")),
  }, both46],
  ["metadata's items", { sequence: sequenceQ.metadata("wheels[*]").eq(46) }, both46],
  ["metadata that is there", { topic: topicQ.metadata("rate_hz").exists() }, fronts],
  ["metadata that is not", {
    topic: topicQ.metadata("rate_hz").exists().not().and(topicQ.ontologyTag.neq("Probe")),
  }, ["drive_01/temp", "drive_02/temp"]],
  ["metadata between", { topic: topicQ.metadata("rate_hz").between(45, 50) }, ["drive_02/gps/front"]],
  ["all three", {
    sequence: sequenceQ.name.match("drive_*"),
    topic: topicQ.metadata("rate_hz").lt(100),
    ontology: x.outside(0, 45),
  }, ["drive_02/gps/front"]],
  ["after a time", { sequence: sequenceQ.createdNs.gt(0n), topic: topicQ.ontologyTag.eq("Probe") }, [
    "bench/probe",
  ]],
  ["before a time", { topic: topicQ.createdNs.lt(1n) }, []],
  ["integers exactly", { ontology: Probe.q.count.eq(1_700_000_000_000_000_001n) }, ["bench/probe"]],
  ["integers beside them", { ontology: Probe.q.count.eq(1_700_000_000_000_000_000n) }, []],
  ["the greatest integer", { ontology: Probe.q.count.geq(2n ** 63n - 1n) }, ["bench/probe"]],
  ["text that may be missing", { ontology: Probe.q.label.match("h?t") }, ["bench/probe"]],
  ["missing text, which is not other text", { ontology: Probe.q.label.neq("hot") }, []],
  ["an item", { ontology: Probe.q.levels.at(1).eq(5) }, ["bench/probe"]],
  ["any item", { ontology: Probe.q.levels.any.gt(4) }, ["bench/probe"]],
  ["all items", { ontology: Probe.q.levels.all.gt(1) }, []],
  ["not any item, so that all are not", { ontology: Probe.q.levels.any.gt(4).not() }, []],
  ["not all items, so that one is not", { ontology: Probe.q.levels.all.gt(1).not() }, ["bench/probe"]],
  ["an item that is more and an item that is less", {
    ontology: Probe.q.levels.any.geq(4).and(Probe.q.levels.any.leq(2)),
  }, ["bench/probe"]],
  ["metadata's items, one more and one less", {
    sequence: sequenceQ.metadata("wheels[*]").geq(45).and(sequenceQ.metadata("wheels[*]").leq(5)),
  }, both46],
  ["null, which is not another value", { sequence: sequenceQ.metadata("owner").neq(5) }, []],
  ["a list", { ontology: Probe.q.levels.eq([1, 5]) }, ["bench/probe"]],
];

describe("client.query", () => {
  for (const [what, request, wanted] of cases) {
    it(
      `finds ${what}, embedded and on a server`,
      both(async (client) => {
        expect(await found(client, request)).toEqual(wanted);
      }),
    );
  }

  it(
    "tells topics with their ontologies, in ASCII order",
    both(async (client) => {
      expect(await client.query({ sequence: sequenceQ.name.eq("drive_01").or(sequenceQ.name.eq("bench")) }))
        .toEqual([
          { sequence: "bench", topics: [{ name: "probe", ontologyTag: "Probe" }] },
          {
            sequence: "drive_01",
            topics: [{ name: "gps/front", ontologyTag: "GPS" }, { name: "temp", ontologyTag: "Temperature" }],
          },
        ]);
    }),
  );

  it(
    "refuses what makes no sense, by the condition",
    both(async (client) => {
      const reason = await reasonOf(() => client.query({ ontology: x.between(2, 1) }));
      expect(reason).toMatchObject({ code: "INVALID_ARGUMENT" });
      expect(reason.message).toContain(`"GPS.position.x": its $between is [2,1]`);
      const wrong = await reasonOf(() => client.query({ topic: sequenceQ.name.eq("a") }));
      expect(wrong).toBeInstanceOf(TypeError);
      expect(wrong.message).toBe(`Cannot query: topic has a condition on "name", wanted it under sequence`);
      const none = await reasonOf(() => client.query({ topic: "gps" as unknown as QueryExpression }));
      expect(none.message).toContain("topic is no expression");
    }),
  );

  it(
    "stops by its signal",
    both(async (client) => {
      const reason = new Error("enough");
      expect(await reasonOf(() => client.query({ ontology: x.gt(0) }, { signal: AbortSignal.abort(reason) })))
        .toBe(reason);
    }),
  );

  it("refuses what paths cannot say", () => {
    const Dotted = defineOntology("Dotted", { "a.b": float64(), c: list(float64()) });
    expect(() => Dotted.q["a.b"].gt(1)).toThrow(
      '[UNSUPPORTED] Cannot query "a.b": wanted a name without "."',
    );
    expect(() => defineOntology("x.Dotted", { a: float64() }).q).toThrow('Cannot query "x.Dotted"');
    expect(() => Dotted.q.c.eq([1]).not()).toThrow(
      '[UNSUPPORTED] Cannot query "Dotted.c": not of a whole list',
    );
  });

  it("refuses more alternatives than 64", () => {
    const two = x.gt(1).or(y.gt(1));
    const all = Array.from({ length: 6 }, () => two).reduce((a, b) => a.and(b));
    expect(all.alternatives).toHaveLength(64);
    expect(() => all.and(two)).toThrow("Cannot query 128 alternatives at once: wanted at most 64");
  });

  it("agrees with plain functions on any expression", async () => {
    await using client = await connect("memory:");
    const rows = [[0, 0], [0, 2], [1, 1], [2, 0], [3, 3]];
    const Pair = defineOntology("Pair", { a: float64(), b: float64() });
    for (const [i, [a, b]] of rows.entries()) {
      await client.sequenceCreate(`s${i}`, {}, async (sequence) => {
        const topic = await sequence.topicCreate("t", { ontology: Pair });
        await topic.push({ timestampNs: 0n, data: { a, b } });
        await topic.push({ timestampNs: 1n, data: { a: b, b: a } });
      });
    }
    type Both = [QueryExpression, (a: number, b: number) => boolean];
    const number = fc.integer({ min: 0, max: 3 });
    const leaf = fc.oneof(
      number.map((n): Both => [Pair.q.a.gt(n), (a) => a > n]),
      number.map((n): Both => [Pair.q.b.leq(n), (_, b) => b <= n]),
      number.map((n): Both => [Pair.q.a.eq(n), (a) => a === n]),
      fc.tuple(number, number).map(([m, n]): Both => [Pair.q.b.in([m, n]), (_, b) => b === m || b === n]),
      fc.tuple(number, number).map(([m, n]): Both => {
        const [low, high] = [Math.min(m, n), Math.max(m, n)];
        return [Pair.q.a.outside(low, high), (a) => a < low || a > high];
      }),
    );
    const { any } = fc.letrec<{ any: Both }>((tie) => ({
      any: fc.oneof(
        { maxDepth: 3, withCrossShrink: true },
        leaf,
        fc.tuple(tie("any"), tie("any")).map((
          [[p, f], [q, g]],
        ): Both => [p.and(q), (a, b) => f(a, b) && g(a, b)]),
        fc.tuple(tie("any"), tie("any")).map((
          [[p, f], [q, g]],
        ): Both => [p.or(q), (a, b) => f(a, b) || g(a, b)]),
        tie("any").map(([p, f]): Both => [p.not(), (a, b) => !f(a, b)]),
      ),
    }));
    await fc.assert(
      fc.asyncProperty(any, async ([expression, holds]) => {
        const wanted = [...rows.keys()].filter((i) =>
          holds(rows[i][0], rows[i][1]) || holds(rows[i][1], rows[i][0])
        );
        expect(await found(client, { ontology: expression })).toEqual(wanted.map((i) => `s${i}/t`));
      }),
      { numRuns: 60 },
    );
  });
});
